"""The one place that builds and joins everything.

`build` constructs every part and does no I/O. The tables at the end say which job is which
function and who hears which event.
"""

import logging
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import Any

from opentelemetry.sdk.trace.export import SpanExporter

from app import events
from app.background import Background
from app.bots.answer import Mind
from app.bots.library import Libraries
from app.bots.llm import LanguageModel, LateModel
from app.bots.words import words_loaded
from app.bus import Bus
from app.chat.after_call import AfterCalls
from app.chat.by_phone import ByPhone
from app.chat.clearance import Clearances
from app.chat.debounce import Debounce
from app.chat.footing import Footing
from app.chat.operator import Operators
from app.chat.outbox import Outbox
from app.chat.reply import Replies
from app.chat.retention import Retention
from app.chat.send_check import SendChecks
from app.chat.threads import Threads
from app.chat.verdict import Verdicts
from app.clock import Clock
from app.conversations import Conversations
from app.db import Database
from app.embedded import EmbeddedServers
from app.escalation.cases import Cases
from app.hotlines import Hotlines
from app.jobs import Job, JobFunction, Jobs
from app.keys import Keyring, process_keyring
from app.panel.auth import Sessions
from app.panel.cases import CasePages
from app.panel.drafts import DraftPages
from app.panel.links import Links
from app.panel.live import Live
from app.panel.render import Pages
from app.pms.hostaway import HostawayClient
from app.pms.inbox import Handler, Inbox
from app.pms.passes import Passes
from app.pms.stay import Stays
from app.pms.sync import Mirror
from app.pms.webhook import MESSAGE, RESERVATION, HostawayWebhook
from app.product import Product
from app.settings import Settings
from app.slack.alerts import Alerts
from app.slack.channel import Channels
from app.slack.client import SlackClient
from app.slack.notices import Notices
from app.telemetry import Telemetry
from app.tenants import Tenants
from app.voice.calls import Calls
from app.voice.late import LateLive
from app.voice.record import RecordParts
from app.voice.snapshot import Snapshot
from app.voice.tickets import Tickets
from app.voice.twilio import TwilioWebhooks

logger = logging.getLogger(__name__)

TOLD_LIVE: tuple[type[events.Event], ...] = (
    events.MessageReceived,
    events.TurnRecorded,
    events.DecisionMade,
    events.ReplySent,
    events.DraftWritten,
    events.CaseOpened,
    events.CaseRaised,
    events.CaseTakenOver,
    events.CaseResolved,
    events.HandlingChanged,
    events.JobFailed,
    events.CallStarted,
    events.CallerIdentified,
    events.SpeechHeard,
    events.AnswerBegan,
    events.CallEnded,
)
"""What the live feed shows."""


def build(
    settings: Settings,
    *,
    clock: Clock | None = None,
    model: LanguageModel | None = None,
    voices: Any = None,
    exporter: SpanExporter | None = None,
) -> Product:
    """Every part of the product, joined; no I/O but reading or making the key file.

    Args:
        settings: the process's.
        clock: the real one where none is given.
        model: the tenants' own where none is given.
        voices: ears and mouths of calls (`app.voice.speech.Voices`, loaded late and so not named
            here); the tenants' own where none are given.
        exporter: where spans go.

    Raises:
        BadInput: a setting or key is missing or malformed.
    """
    clock = clock or Clock()
    secrets = settings.secrets
    keyring = _keyring(settings)
    background = Background()
    telemetry = Telemetry(settings.telemetry, exporter)
    database = _database(settings, settings.database.desk_connections)
    public_database = _database(settings, settings.database.public_connections)
    bus = Bus(database, background)
    jobs = Jobs(
        database=database, bus=bus, clock=clock, background=background, telemetry=telemetry,
        settings=settings.jobs,
    )  # fmt: skip
    tenants = Tenants(database, bus, clock, keyring, settings)
    conversations, stays = Conversations(bus), Stays()
    client = HostawayClient(
        settings=settings.hostaway, tenants=tenants, clock=clock, telemetry=telemetry
    )
    mirror = Mirror(
        database=database, tenants=tenants, client=client, clock=clock, bus=bus,
        conversations=conversations, stays=stays, settings=settings.sync,
    )  # fmt: skip
    passes = Passes(
        database=database, tenants=tenants, client=client, clock=clock, jobs=jobs,
        conversations=conversations, mirror=mirror, settings=settings.sync,
        public_url=settings.server.public_url,
    )  # fmt: skip
    inbox = Inbox(
        database=database, tenants=tenants, clock=clock, background=background,
        telemetry=telemetry, sweep_s=settings.jobs.sweep_s,
    )  # fmt: skip
    libraries = Libraries(database, bus, clock)
    model = model or LateModel(
        secrets.openai_api_key.get_secret_value() if secrets.openai_api_key else None
    )
    mind = Mind(database=database, libraries=libraries, model=model, background=background)
    cases = Cases(database=database, bus=bus, clock=clock, jobs=jobs, tenants=tenants)
    verdicts = Verdicts(
        bus=bus, clock=clock, jobs=jobs, conversations=conversations, cases=cases, mind=mind
    )
    threads = Threads(
        clock=clock, mirror=mirror, stays=stays, conversations=conversations, cases=cases
    )
    debounce = Debounce(
        bus=bus, clock=clock, jobs=jobs, mirror=mirror, threads=threads,
        conversations=conversations, cases=cases, verdicts=verdicts,
    )  # fmt: skip
    replies = Replies(
        database=database, tenants=tenants, clock=clock, jobs=jobs, mirror=mirror,
        threads=threads, conversations=conversations, cases=cases, mind=mind, debounce=debounce,
        verdicts=verdicts,
    )  # fmt: skip
    footing = Footing(database=database, clock=clock, jobs=jobs, mirror=mirror, stays=stays)
    clearances = Clearances(database=database, clock=clock, jobs=jobs, footing=footing, cases=cases)
    outbox = Outbox(
        database=database, tenants=tenants, clock=clock, bus=bus, jobs=jobs, client=client,
        mirror=mirror, footing=footing, clearances=clearances, conversations=conversations,
        look_at=replies.look_at,
    )  # fmt: skip
    send_checks = SendChecks(
        database=database, tenants=tenants, clock=clock, jobs=jobs, client=client, mirror=mirror,
        threads=threads, conversations=conversations, cases=cases,
    )  # fmt: skip
    after_calls = AfterCalls(
        database=database, tenants=tenants, clock=clock, jobs=jobs, mirror=mirror,
        threads=threads, conversations=conversations, mind=mind, verdicts=verdicts,
    )  # fmt: skip
    operators = Operators(
        database=database, tenants=tenants, clock=clock, jobs=jobs, conversations=conversations,
        cases=cases, stays=stays,
    )  # fmt: skip
    by_phone = ByPhone(
        database=database, clock=clock, jobs=jobs, conversations=conversations, stays=stays,
        cases=cases, mind=mind, verdicts=verdicts,
    )  # fmt: skip
    retention = Retention(
        database=database, tenants=tenants, clock=clock, jobs=jobs, conversations=conversations,
        cases=cases, inbox=inbox,
    )  # fmt: skip
    slack, pages = SlackClient(), Pages()
    channels = Channels(client=slack, tenants=tenants, telemetry=telemetry)
    sessions = Sessions(
        keyring=keyring, clock=clock, tenants=tenants, desk_token=secrets.desk_token,
        is_https=settings.server.desk_url.startswith("https:"),
    )  # fmt: skip
    links = Links(
        keyring=keyring, clock=clock, database=database, tenants=tenants, sessions=sessions,
        pages=pages, desk_url=desk_url_of(settings),
    )  # fmt: skip
    alerts = Alerts(
        database=database, tenants=tenants, cases=cases, conversations=conversations,
        stays=stays, clock=clock, background=background, channels=channels, settings=settings,
        link_to_case=links.link_to_case,
    )  # fmt: skip
    notices = Notices(
        database=database, tenants=tenants, cases=cases, conversations=conversations,
        stays=stays, operators=operators, clock=clock, background=background,
        channels=channels, link_to_drafts=links.link_to_drafts,
    )  # fmt: skip
    live = Live(database=database, conversations=conversations, sessions=sessions)
    case_pages = CasePages(
        database=database, tenants=tenants, cases=cases, conversations=conversations,
        stays=stays, operators=operators, clock=clock, sessions=sessions, pages=pages,
    )  # fmt: skip
    draft_pages = DraftPages(
        database=database, tenants=tenants, conversations=conversations, stays=stays,
        operators=operators, clock=clock, sessions=sessions, pages=pages,
    )  # fmt: skip
    webhook = HostawayWebhook(
        tenants=tenants, inbox=inbox, database=public_database, telemetry=telemetry,
        max_body_bytes=settings.server.max_body_bytes,
    )  # fmt: skip
    hotlines = Hotlines(database, bus, tenants)
    snapshot, tickets = Snapshot(hotlines, keyring, settings.data.dir), Tickets(keyring, clock)
    calls = LateLive(
        lambda module: module.HotlineLive(
            settings=settings, tenants=tenants, cases=cases, stays=stays, mind=mind, post=by_phone,
            snapshot=snapshot, tickets=tickets, voices=voices,
            record=RecordParts(
                database=database, bus=bus, clock=clock, background=background,
                conversations=conversations, jobs=jobs, telemetry=telemetry,
            ),
        )
    )  # fmt: skip
    twilio = TwilioWebhooks(
        snapshot=snapshot, tickets=tickets, calls=calls, database=public_database, bus=bus,
        clock=clock, public_url=public_url_of(settings),
    )  # fmt: skip
    product = Product(
        settings=settings, clock=clock, background=background, telemetry=telemetry,
        servers=_servers(settings), public_database=public_database, database=database, bus=bus,
        jobs=jobs, tenants=tenants, conversations=conversations, libraries=libraries, cases=cases,
        client=client, inbox=inbox, mirror=mirror, passes=passes, mind=mind, model=model,
        debounce=debounce, replies=replies, outbox=outbox, send_checks=send_checks,
        after_calls=after_calls,
        operators=operators, webhook=webhook, retention=retention, alerts=alerts,
        notices=notices, slack=slack, live=live, pages=pages,
        hotlines=hotlines, snapshot=snapshot, twilio=twilio, calls=calls,
        kept_calls=Calls(database=database, bus=bus, conversations=conversations, clock=clock),
        desk=(pages, links, live, case_pages, draft_pages),
    )  # fmt: skip
    jobs.register(JOBS(product))
    inbox.register(INBOX(product), product.debounce.on_given_up, before=words_loaded)
    for event_type, handler in SUBSCRIPTIONS(product):
        bus.subscribe(event_type, handler)
    return product


def JOBS(p: Product) -> Mapping[Job, JobFunction]:
    """Which function does which job."""
    return {
        Job.REPLY: p.replies.answer,
        Job.READ_THREAD: p.replies.look,
        Job.SEND: p.outbox.send,
        Job.CHECK_SENT: p.send_checks.check,
        Job.AFTER_CALL: p.after_calls.answer,
        Job.RESERVATION: p.passes.fetch_reservation,
        Job.FIND_THREAD: p.passes.find_thread,
        Job.FULL_SYNC: p.passes.full_sync,
        Job.RECENT_SYNC: p.passes.recent_sync,
        Job.UNREAD_SYNC: p.passes.unread_sync,
        Job.ALERT: p.alerts.alert,
        Job.UNACKNOWLEDGED: p.cases.remind,
        Job.CALL: p.kept_calls.look_after,
        Job.GIVEN_UP: p.replies.leave_given_up,
        Job.PURGE: p.retention.purge,
    }


def INBOX(p: Product) -> Mapping[str, Handler]:
    """Who handles which kind of webhook event."""
    return {MESSAGE: p.debounce.on_message_event, RESERVATION: p.debounce.on_reservation_event}


Subscription = tuple[type[events.Event], Callable[[Any], Awaitable[None]]]


def SUBSCRIPTIONS(p: Product) -> list[Subscription]:
    """Who hears which event, in order."""
    return [
        (events.SettingsChanged, p.tenants.on_settings_changed),
        (events.SettingsChanged, p.on_settings_changed),
        (events.HotlineChanged, p.on_hotline_changed),
        (events.NewsMissed, p.on_hotline_changed),
        (events.LibraryPublished, p.libraries.on_published),
        (events.NewsMissed, p.on_news_missed),
        (events.TenantRemoved, p.libraries.on_tenant_removed),
        (events.TenantRemoved, p.alerts.on_tenant_removed),
        (events.TenantRemoved, p.notices.on_tenant_removed),
        (events.TenantRemoved, p.live.on_tenant_removed),
        (events.TenantRemoved, p.on_hotline_changed),
        (events.CaseOpened, p.alerts.on_case_opened),
        (events.CaseRaised, p.alerts.on_case_raised),
        (events.CaseTakenOver, p.alerts.on_case_taken_over),
        (events.CaseResolved, p.alerts.on_case_resolved),
        (events.TurnRecorded, p.alerts.on_turn_recorded),
        (events.HandlingChanged, p.calls.on_handling_changed),
        (events.HandlingChanged, p.notices.on_handling_changed),
        (events.DraftWritten, p.notices.on_draft_written),
        (events.JobFailed, p.notices.on_job_failed),
        *((told, p.live.on_event) for told in TOLD_LIVE),
    ]


def desk_url_of(settings: Settings) -> str:
    """How operators reach the desk."""
    server = settings.server
    return server.desk_url or f"http://{server.desk_host}:{server.desk_port}"


def public_url_of(settings: Settings) -> str:
    """How the outside reaches the public door."""
    server = settings.server
    return server.public_url or f"http://{server.public_host}:{server.public_port}"


def _database(settings: Settings, connections: int) -> Database:
    return Database(
        command_timeout_s=settings.database.command_timeout_s,
        statement_cache=settings.database.statement_cache,
        connections=connections,
    )


def _servers(settings: Settings) -> EmbeddedServers:
    """The embedded servers that no URL replaces."""
    data = settings.data
    return EmbeddedServers(
        data_dir=data.dir,
        postgres_bin_dir=Path(data.postgres_bin_dir) if data.postgres_bin_dir else None,
        redis_bin=Path(data.redis_bin) if data.redis_bin else None,
        wants_postgres=settings.secrets.database_url is None,
        wants_redis=settings.secrets.redis_url is None,
    )


def _keyring(settings: Settings) -> Keyring:
    configured = settings.secrets.encryption_keys
    return process_keyring(
        configured.get_secret_value() if configured else None,
        data_dir=settings.data.dir,
        is_embedded=settings.secrets.database_url is None,
    )
