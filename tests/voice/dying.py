"""A process that serves a call and is killed meanwhile: `python -m tests.voice.dying URL`.

It says `said` once the caller's first turn is written down, and then only waits.
"""

import asyncio
import sys

from app.background import Background
from app.bus import Bus
from app.clock import Clock
from app.conversations import Conversations
from app.db import Database
from app.jobs import Jobs
from app.settings import JobSettings, TelemetrySettings
from app.telemetry import Telemetry
from app.voice.record import CallRecord, RecordParts
from app.voice.stages import Stages, Utterance
from app.voice.tickets import Ticket
from app.voice.transcript import Transcript


async def serve(url: str) -> None:
    """A call with one turn, which never ends."""
    database = Database(command_timeout_s=10, statement_cache=10, connections=2)
    await database.open(url)
    background, clock = Background(), Clock()
    bus = Bus(database, background)
    conversations = Conversations(bus)
    jobs = Jobs(
        database=database, bus=bus, clock=clock, background=background,
        telemetry=Telemetry(TelemetrySettings()), settings=JobSettings(),
    )  # fmt: skip
    ticket = Ticket(
        call_sid="CA-dying", tenant_id="acme", hotline_e164="+48221234567", caller_e164=None,
        is_doubtful=False,
    )  # fmt: skip
    parts = RecordParts(
        database=database, bus=bus, clock=clock, background=background,
        conversations=conversations, jobs=jobs,
        telemetry=Telemetry(TelemetrySettings()),
    )  # fmt: skip
    record = CallRecord(parts, ticket)
    record.begin("en")
    transcript = Transcript(
        tenant_id="acme", conversations=conversations, ledger=record.ledger,
        conversation_id=record.conversation_id,
    )  # fmt: skip
    spoken = Utterance(text="Is anybody there?", begins_at=clock.now())
    transcript.keep("guest", spoken, mask=str, heard="", stages=Stages())
    written = asyncio.Event()

    async def tell(_: object) -> None:
        written.set()

    record.ledger.write(tell)
    await written.wait()
    sys.stdout.write("said\n")
    sys.stdout.flush()
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(serve(sys.argv[1]))
