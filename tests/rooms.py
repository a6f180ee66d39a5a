"""The chat's rooms joined as the product joins them, over a real database and a small Hostaway."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from app.background import Background
from app.bots.answer import Mind
from app.bots.library import Libraries
from app.bus import Bus
from app.chat import store as chat_store
from app.chat.after_call import AfterCalls
from app.chat.clearance import Clearances
from app.chat.debounce import Debounce
from app.chat.footing import Footing
from app.chat.operator import Operators
from app.chat.outbox import Outbox
from app.chat.reply import Replies
from app.chat.send_check import SendChecks
from app.chat.threads import Threads
from app.chat.verdict import Verdicts
from app.clock import ManualClock
from app.conversations import Conversation, Conversations, Turn
from app.db import Database
from app.escalation.cases import Cases
from app.escalation.records import Case
from app.jobs import Job, Jobs
from app.pms.inbox import Inbox
from app.pms.passes import Passes
from app.pms.stay import Stays
from app.pms.sync import Mirror
from app.pms.webhook import MESSAGE, MESSAGE_IDS, RESERVATION
from app.settings import JobSettings, SyncSettings, TelemetrySettings
from app.telemetry import Telemetry
from app.tenants import PmsAccount, Tenant, Tenants
from tests.fakes import FakeHostaway, FakeLanguageModel
from tests.make import raw_listing, raw_reservation


@dataclass(kw_only=True)
class Rooms:
    """Everything between the inbox and the PMS."""

    database: Database
    tenants: Tenants
    bus: Bus
    clock: ManualClock
    background: Background
    public_url: str = ""
    model: Any = field(default_factory=FakeLanguageModel)
    libraries: Any = None
    """The tenant's own where none are given."""
    tenant: Tenant = field(init=False)
    account: PmsAccount = field(init=False)

    def __post_init__(self) -> None:
        database, tenants, bus, clock = self.database, self.tenants, self.bus, self.clock
        self.telemetry = Telemetry(TelemetrySettings())
        self.hostaway = FakeHostaway(clock)
        client: Any = self.hostaway
        self.jobs = Jobs(
            database=database, bus=bus, clock=clock, background=self.background,
            telemetry=self.telemetry, settings=JobSettings(),
        )  # fmt: skip
        self.conversations = Conversations(bus)
        self.stays = Stays()
        self.mirror = Mirror(
            database=database, tenants=tenants, client=client, clock=clock, bus=bus,
            conversations=self.conversations, stays=self.stays, settings=SyncSettings(),
        )  # fmt: skip
        self.passes = Passes(
            database=database, tenants=tenants, client=client, clock=clock, jobs=self.jobs,
            conversations=self.conversations, mirror=self.mirror, settings=SyncSettings(),
            public_url=self.public_url,
        )  # fmt: skip
        self.inbox = Inbox(
            database=database, tenants=tenants, clock=clock, background=self.background,
            telemetry=self.telemetry, sweep_s=5.0,
        )  # fmt: skip
        self.libraries = self.libraries or Libraries(database, bus, clock)
        self.mind = Mind(
            database=database, libraries=self.libraries, model=self.model,
            background=self.background,
        )  # fmt: skip
        self.cases = Cases(database=database, bus=bus, clock=clock, jobs=self.jobs, tenants=tenants)
        self.verdicts = Verdicts(
            bus=bus, clock=clock, jobs=self.jobs, conversations=self.conversations,
            cases=self.cases, mind=self.mind,
        )  # fmt: skip
        self.threads = Threads(
            clock=clock, mirror=self.mirror, stays=self.stays,
            conversations=self.conversations, cases=self.cases,
        )  # fmt: skip
        self.debounce = Debounce(
            bus=bus, clock=clock, jobs=self.jobs, mirror=self.mirror, threads=self.threads,
            conversations=self.conversations, cases=self.cases, verdicts=self.verdicts,
        )  # fmt: skip
        self.replies = Replies(
            database=database, tenants=tenants, clock=clock, jobs=self.jobs,
            mirror=self.mirror, threads=self.threads, conversations=self.conversations,
            cases=self.cases, mind=self.mind, debounce=self.debounce, verdicts=self.verdicts,
        )  # fmt: skip
        self.footing = Footing(
            database=database, clock=clock, jobs=self.jobs, mirror=self.mirror, stays=self.stays
        )
        self.clearances = Clearances(
            database=database, clock=clock, jobs=self.jobs, footing=self.footing, cases=self.cases
        )
        self.outbox = Outbox(
            database=database, tenants=tenants, clock=clock, bus=bus, jobs=self.jobs,
            client=client, mirror=self.mirror, footing=self.footing, clearances=self.clearances,
            conversations=self.conversations, look_at=self.replies.look_at,
        )  # fmt: skip
        self.send_checks = SendChecks(
            database=database, tenants=tenants, clock=clock, jobs=self.jobs, client=client,
            mirror=self.mirror, threads=self.threads, conversations=self.conversations,
            cases=self.cases,
        )  # fmt: skip
        self.after_calls = AfterCalls(
            database=database, tenants=tenants, clock=clock, jobs=self.jobs, mirror=self.mirror,
            threads=self.threads, conversations=self.conversations, mind=self.mind,
            verdicts=self.verdicts,
        )  # fmt: skip
        self.operators = Operators(
            database=database, tenants=tenants, clock=clock, jobs=self.jobs,
            conversations=self.conversations, cases=self.cases, stays=self.stays,
        )  # fmt: skip
        self.inbox.register(
            {
                MESSAGE: self.debounce.on_message_event,
                RESERVATION: self.debounce.on_reservation_event,
            },
            self.debounce.on_given_up,
        )
        self.jobs.register(
            {
                Job.REPLY: self.replies.answer,
                Job.READ_THREAD: self.replies.look,
                Job.SEND: self.outbox.send,
                Job.CHECK_SENT: self.send_checks.check,
                Job.AFTER_CALL: self.after_calls.answer,
                Job.RESERVATION: self.passes.fetch_reservation,
                Job.FIND_THREAD: self.passes.find_thread,
                Job.UNACKNOWLEDGED: self.cases.remind,
                Job.GIVEN_UP: self.replies.leave_given_up,
            }
        )

    async def move_in(self, tenant: Tenant) -> None:
        """Give the tenant an account with one listing, one guest and one thread, all mirrored."""
        self.tenant = tenant
        self.account = await self.tenants.add_account(
            tenant.id, external_id="70001", client_secret="secret"
        )
        self.tenant = await self.tenants.get(tenant.id)
        self.hostaway.listing_rows["1042"] = raw_listing()
        await self.mirror.apply_listings(self.tenant, self.account, [raw_listing()])
        await self.books()

    async def books(self, reservation: int = 5000, thread: int = 70, **fields: Any) -> Conversation:
        """A reservation and its thread, mirrored."""
        row = raw_reservation(id=reservation, **fields)
        self.hostaway.reservation_rows[str(reservation)] = row
        self.hostaway.add_thread(str(thread), str(reservation))
        await self.mirror.apply_reservation(self.tenant, self.account, row)
        door = await self.database.tenant(self.tenant.id)
        async with door.transaction() as conn:
            made = await self.conversations.ensure_thread(
                conn,
                account=str(self.account.id),
                external_id=str(thread),
                now=self.clock.now(),
            )
            return await self.mirror.attach_known(conn, self.tenant, made, str(reservation))

    async def changes(self, reservation: int = 5000, **fields: Any) -> None:
        """A change of a reservation, known to Hostaway and to the mirror."""
        row = self.hostaway.reservation_rows[str(reservation)]
        row |= {"updatedOn": f"{self.clock.now():%Y-%m-%d %H:%M:%S}", **fields}
        await self.mirror.apply_reservation(self.tenant, self.account, row)

    async def set(self, **values: Any) -> None:
        """Tenant settings by dotted name, written with two underscores."""
        self.tenant = await self.tenants.set(
            self.tenant.id, {name.replace("__", "."): value for name, value in values.items()}
        )

    async def writes(self, *texts: str, thread: str = "70", **more: Any) -> None:
        """The guest writes; a webhook event of each message is handled."""
        for text in texts:
            await self.delivers(self.hostaway.add_message(text, thread=thread, **more))

    async def delivers(self, row: Mapping[str, Any]) -> None:
        """A webhook event of a message is stored and handled."""
        await self.inbox.store(
            self.tenant,
            self.database,
            account_id=self.account.id,
            event=MESSAGE,
            dedupe_key=f"message:{row['id']}",
            envelope={name: row[name] for name in MESSAGE_IDS if name in row},
            sealed={"body": row["body"], "attachments": len(row["attachments"])},
        )
        await self.inbox.drain(self.tenant.id)

    async def passes_time(self, seconds: float) -> None:
        """Move on, and do what has become due."""
        self.clock.advance(seconds)
        await self.works()

    async def works(self) -> None:
        """Do what is due until nothing is."""
        for _ in range(20):
            if await self.jobs.run_due() == 0:
                return
        raise AssertionError("work never ends")

    async def rows(self, sql: str, *args: Any) -> list[dict[str, Any]]:
        """Rows of the tenant."""
        door = await self.database.tenant(self.tenant.id)
        async with door.transaction() as conn:
            return [dict(row) for row in await conn.fetch(sql, *args)]

    async def due(self) -> dict[str, Any]:
        """Kind of armed job → in how many seconds it is due."""
        async with self.database.shared().transaction() as conn:
            rows = await conn.fetch("select kind, due_at from nightdesk.wake order by due_at")
        now = self.clock.now()
        return {row["kind"]: (row["due_at"] - now).total_seconds() for row in rows}

    async def outgoing(self) -> list[dict[str, Any]]:
        """The outbox, oldest first."""
        return await self.rows("select * from {schema}.outbox order by id")

    async def decisions(self) -> list[dict[str, Any]]:
        """Every decision, oldest first."""
        return await self.rows("select * from {schema}.decisions order by id")

    async def case(self) -> Case | None:
        """The newest case."""
        found = await self.cases.list(self.tenant.id, with_resolved=True)
        return found[0] if found else None

    async def mode(self, thread: str = "70") -> str:
        """Who speaks in a thread."""
        conversation = await self.conversation(thread)
        door = await self.database.tenant(self.tenant.id)
        async with door.transaction() as conn:
            handling = await self.cases.may_speak(conn, self.tenant.id, conversation.id)
        return handling.mode

    async def conversation(self, thread: str = "70") -> Conversation:
        """A thread as we know it."""
        (row,) = await self.rows(
            "select id from {schema}.conversations where external_id = $1", thread
        )
        door = await self.database.tenant(self.tenant.id)
        async with door.transaction() as conn:
            return await self.conversations.get(conn, row["id"])

    async def turns(self, thread: str = "70") -> list[Turn]:
        """What was said in a thread."""
        conversation = await self.conversation(thread)
        door = await self.database.tenant(self.tenant.id)
        async with door.transaction() as conn:
            return await self.conversations.transcript(conn, conversation.id)

    async def state(self, thread: str = "70") -> chat_store.Thread:
        """How far a thread is answered."""
        conversation = await self.conversation(thread)
        door = await self.database.tenant(self.tenant.id)
        async with door.transaction() as conn:
            return await chat_store.lock_thread(conn, conversation.id)
