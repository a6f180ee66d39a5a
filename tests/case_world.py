"""Rooms below Slack and the panel, joined over a real database, with one stay to tell of."""

from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from typing import Any

from app.background import Background
from app.bus import Bus
from app.chat import store as chat_store
from app.chat.operator import Operators
from app.clock import ManualClock
from app.conversations import Conversation, Conversations, Speaker
from app.db import Database
from app.escalation.cases import Cases
from app.escalation.records import Case, Severity
from app.jobs import Job, Jobs
from app.pms import store as pms_store
from app.pms.records import Gated, Listing, Reservation
from app.pms.stay import Stays
from app.settings import JobSettings, TelemetrySettings
from app.telemetry import Telemetry
from app.tenants import Tenant, Tenants

DOOR_CODE = "48151623"


def make_listing(**changes: Any) -> Listing:
    values: dict[str, Any] = {
        "external_id": "900",
        "name": "Bright flat by the river",
        "internal_name": "Loft 3",
        "time_zone": "Europe/Warsaw",
        "country_code": "PL",
        "city": "Warsaw",
        "check_in_hour": 15,
        "check_out_hour": 11,
        "is_archived": False,
        "custom_fields": {},
        "fields": {},
        "gated": Gated(),
        "as_of": datetime(2026, 4, 13, 8, 0, tzinfo=UTC),
    }
    return Listing(**{**values, **changes})


def make_reservation(**changes: Any) -> Reservation:
    values: dict[str, Any] = {
        "external_id": "5000",
        "listing_external_id": "900",
        "unit_external_id": None,
        "status": "new",
        "arrival_on": date(2026, 4, 13),
        "departure_on": date(2026, 4, 16),
        "are_dates_unspecified": False,
        "check_in_hour": None,
        "check_out_hour": None,
        "guest_name": "Maria Kowalska",
        "guest_locale": "pl",
        "phone_e164": None,
        "confirmation_code": "HMX",
        "channel_id": 2018,
        "is_paid": True,
        "agreement": None,
        "custom_fields": {},
        "fields": {"channelName": "airbnbOfficial"},
        "gated": Gated(secrets={"door_code": DOOR_CODE}),
        "updated_at": datetime(2026, 4, 13, 8, 0, tzinfo=UTC),
        "as_of": datetime(2026, 4, 13, 8, 0, tzinfo=UTC),
    }
    return Reservation(**{**values, **changes})


@dataclass(kw_only=True)
class CaseWorld:
    """What the tests of alerts and pages stand on."""

    database: Database
    tenants: Tenants
    bus: Bus
    clock: ManualClock
    background: Background
    telemetry: Telemetry = field(init=False)
    jobs: Jobs = field(init=False)
    conversations: Conversations = field(init=False)
    cases: Cases = field(init=False)
    stays: Stays = field(init=False)
    operators: Operators = field(init=False)

    def __post_init__(self) -> None:
        self.telemetry = Telemetry(TelemetrySettings())
        self.jobs = Jobs(
            database=self.database, bus=self.bus, clock=self.clock, background=self.background,
            telemetry=self.telemetry, settings=JobSettings(),
        )  # fmt: skip
        self.conversations = Conversations(self.bus)
        self.stays = Stays()
        self.cases = Cases(
            database=self.database, bus=self.bus, clock=self.clock, jobs=self.jobs,
            tenants=self.tenants,
        )  # fmt: skip
        self.operators = Operators(
            database=self.database, tenants=self.tenants, clock=self.clock, jobs=self.jobs,
            conversations=self.conversations, cases=self.cases, stays=self.stays,
        )  # fmt: skip

    async def thread(self, tenant: Tenant, external_id: str = "70") -> Conversation:
        """A thread of a stay that the mirror knows."""
        door = await self.database.tenant(tenant.id)
        async with door.transaction() as conn:
            await pms_store.upsert_listing(conn, 1, make_listing(), tenant.keyring)
            reservation_id = await pms_store.upsert_reservation(
                conn, 1, make_reservation(), tenant.keyring
            )
            thread = await self.conversations.ensure_thread(
                conn, account="1", external_id=external_id, now=self.clock.now()
            )
            await self.conversations.describe(
                conn, thread.id, reservation_id=reservation_id, communication_type="channel"
            )
            return await self.conversations.get(conn, thread.id)

    async def say(
        self,
        tenant: Tenant,
        thread: Conversation,
        speaker: Speaker,
        text: str,
        *,
        said_at: datetime | None = None,
    ) -> None:
        """A turn, as the mirror records one."""
        door = await self.database.tenant(tenant.id)
        async with door.transaction() as conn:
            await self.conversations.record_turn(
                conn, tenant.id, thread.id, speaker=speaker, text=text,
                said_at=said_at or self.clock.now(),
            )  # fmt: skip

    async def open_case(
        self,
        tenant: Tenant,
        thread: Conversation,
        text: str = "There is water everywhere!",
        severity: Severity = "high",
    ) -> Case:
        """The guest writes what needs a person; words and case in one transaction."""
        door = await self.database.tenant(tenant.id)
        async with door.transaction() as conn:
            await self.conversations.record_turn(
                conn, tenant.id, thread.id, speaker="guest", text=text, said_at=self.clock.now()
            )
            return await self.cases.open(
                conn, tenant, conversation_id=thread.id, reservation_id=thread.reservation_id,
                severity=severity, trigger_text=text, brief="an urgent phrase",
            )  # fmt: skip

    async def follow_up(
        self, tenant: Tenant, thread: Conversation, text: str, severity: Severity = "high"
    ) -> None:
        """The guest writes again; words and trigger in one transaction, as the product does."""
        await self.open_case(tenant, thread, text, severity)

    async def is_armed(self, kind: Job) -> bool:
        """Whether a job of that kind waits."""
        async with self.database.shared().transaction() as conn:
            kinds = [r["kind"] for r in await conn.fetch("select kind from nightdesk.wake")]
        return kind in kinds

    async def case(self, tenant: Tenant, case_id: int) -> Case:
        """A case as it stands."""
        door = await self.database.tenant(tenant.id)
        async with door.transaction() as conn:
            return await self.cases.get(conn, case_id)

    async def put_draft(self, tenant: Tenant, thread: Conversation, text: str) -> int:
        """A draft that waits."""
        door = await self.database.tenant(tenant.id)
        async with door.transaction() as conn:
            await chat_store.lock_thread(conn, thread.id)
            draft_id = await chat_store.add_outgoing(
                conn, conversation_id=thread.id, generation=1, origin="bot", epoch=0, text=text,
                communication_type="channel", status="draft", decision_id=None, operator=None,
                now=self.clock.now(),
            )  # fmt: skip
        assert draft_id is not None
        return draft_id
