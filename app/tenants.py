"""The tenant directory: operators' companies, their settings, keys, PMS accounts and Slack."""

import asyncio
import logging
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Literal, get_args

import orjson

from app.bus import Bus
from app.clock import Clock
from app.db import CheckViolation, Database, Row, UniqueViolation
from app.errors import BadInput, Conflict, NotFound
from app.events import SettingsChanged, TenantRemoved
from app.keys import Keyring, new_key, new_token
from app.settings import (
    AccessSettings,
    ChatSettings,
    EscalationSettings,
    LanguageSettings,
    LlmSettings,
    PmsSettings,
    RetentionSettings,
    Section,
    Settings,
    SlackSettings,
    VoiceSettings,
    known_names,
    validated,
)

logger = logging.getLogger(__name__)

STRANGERS_REST_S = 1.0
"""Seconds for which a stranger's login is not looked for in the database again, nor another's."""

Mode = Literal["off", "draft", "on"]
LONG_AGO = datetime.min.replace(tzinfo=UTC)


class TenantSettings(Section):
    """What a tenant may decide for itself; the rest of `config.toml` belongs to the process."""

    llm: LlmSettings = LlmSettings()
    access: AccessSettings = AccessSettings()
    chat: ChatSettings = ChatSettings()
    language: LanguageSettings = LanguageSettings()
    pms: PmsSettings = PmsSettings()
    escalation: EscalationSettings = EscalationSettings()
    slack: SlackSettings = SlackSettings()
    voice: VoiceSettings = VoiceSettings()
    retention: RetentionSettings = RetentionSettings()


@dataclass(frozen=True, slots=True, kw_only=True)
class Tenant:
    """A rental company: owner of one schema."""

    id: str
    name: str
    mode: Mode
    live_since: datetime | None
    settings: TenantSettings
    keyring: Keyring = field(repr=False)
    openai_api_key: str | None = field(repr=False, default=None)
    """The tenant's own key at its model provider; none: the process's."""
    created_at: datetime = LONG_AGO
    """What was given out before is another tenant's, removed since, that had the same id."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PmsAccount:
    """A tenant's account at its PMS, with what opens it."""

    id: int
    tenant_id: str
    kind: str
    external_id: str
    account_key: str
    client_secret: str = field(repr=False)
    webhook_logins: tuple[tuple[str, str], ...] = field(repr=False)
    """(login, password) pairs that are accepted: the current one, and the next while rotating."""
    token: str | None = field(repr=False, default=None)
    token_until: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SlackWorkspace:
    """Where a tenant's alerts go."""

    team_id: str
    tenant_id: str
    bot_token: str = field(repr=False)


class Tenants:
    """The directory, kept in memory and read again when it changed."""

    def __init__(
        self, database: Database, bus: Bus, clock: Clock, keyring: Keyring, settings: Settings
    ) -> None:
        self._database = database
        self._bus = bus
        self._clock = clock
        self._keyring = keyring
        self._settings = settings
        self._tenants: dict[str, Tenant] = {}
        self._accounts: dict[str, list[PmsAccount]] = {}
        self._workspaces: dict[str, SlackWorkspace | None] = {}
        self._changes: Counter[str] = Counter()
        """How often a tenant was forgotten: what was read before is not kept after."""
        self._complete_until = 0.0

    async def on_settings_changed(self, event: SettingsChanged) -> None:
        """Forget what was read of a tenant, and what is being read just now."""
        self._changes[event.tenant_id] += 1
        self._tenants.pop(event.tenant_id, None)
        self._accounts.pop(event.tenant_id, None)
        self._workspaces.pop(event.tenant_id, None)
        self._complete_until = 0.0
        self._database.forget(event.tenant_id)

    async def get(self, tenant_id: str) -> Tenant:
        """One tenant.

        Raises:
            NotFound: there is none of that id.
        """
        if (known := self._tenants.get(tenant_id)) is not None:
            return known
        changes = self._changes[tenant_id]
        async with self._database.shared().transaction() as conn:
            row = await conn.fetchrow("select * from nightdesk.tenants where id = $1", tenant_id)
        if row is None:
            raise NotFound(f"there is no tenant {tenant_id!r}")
        return self._remember(row, changes)

    async def read_again(self, tenant_id: str) -> Tenant:
        """One tenant as the database has it now: news of a change may still be on its way."""
        self._tenants.pop(tenant_id, None)
        return await self.get(tenant_id)

    async def all(self) -> list[Tenant]:
        """Every tenant whose schema stands, by id."""
        changes = self._changes.copy()
        async with self._database.shared().transaction() as conn:
            rows = await conn.fetch(
                "select * from nightdesk.tenants where schema_version > 0 order by id"
            )
        return [self._remember(row, changes[row["id"]]) for row in rows]

    async def add(self, tenant_id: str, name: str) -> Tenant:
        """Make a tenant and its schema; it starts `off`.

        Raises:
            BadInput: the id cannot be used.
            Conflict: there is one already.
        """
        if not tenant_id.replace("-", "").isalnum() or not tenant_id.isascii():
            raise BadInput("a tenant id has lower-case letters, digits and dashes, 40 at most")
        schema = "t_" + tenant_id.replace("-", "_")
        keys = self._keyring.close(orjson.dumps([new_key()]))
        try:
            async with self._database.shared().transaction() as conn:
                await conn.execute(
                    """insert into nightdesk.tenants (id, name, schema_name, data_keys, created_at)
                       values ($1, $2, $3, $4, $5)""",
                    tenant_id, name, schema, keys, self._clock.now(),
                )  # fmt: skip
        except UniqueViolation as exc:
            raise Conflict(f"there is a tenant {tenant_id!r} already") from exc
        except CheckViolation as exc:
            raise BadInput("a tenant id has lower-case letters, digits and dashes") from exc
        await self._database.shared().apply_tenant(tenant_id, schema)
        await self._changed(tenant_id)
        return await self.get(tenant_id)

    async def remove(self, tenant_id: str) -> None:
        """Remove a tenant and every row it has."""
        await self.get(tenant_id)
        async with self._database.shared().transaction() as conn:
            schema = await conn.fetchval(
                "delete from nightdesk.tenants where id = $1 returning schema_name", tenant_id
            )
        await self._database.shared().drop_tenant_schema(schema)
        await self._changed(tenant_id)
        await self._bus.publish(TenantRemoved(tenant_id=tenant_id))

    async def set_mode(self, tenant_id: str, mode: Mode) -> Tenant:
        """Switch a tenant off, to drafts or on; going live sets the line nothing older crosses.

        Raises:
            BadInput: there is no such mode.
        """
        if mode not in get_args(Mode):
            raise BadInput(f"a tenant is {', '.join(get_args(Mode))}, not {mode!r}")
        before = await self.get(tenant_id)
        is_going_live = before.mode == "off" and mode != "off"
        live_since = self._clock.now() if is_going_live else before.live_since
        async with self._database.shared().transaction() as conn:
            await conn.execute(
                "update nightdesk.tenants set mode = $2, live_since = $3 where id = $1",
                tenant_id, mode, live_since,
            )  # fmt: skip
        await self._changed(tenant_id)
        return await self.get(tenant_id)

    async def set(self, tenant_id: str, values: Mapping[str, Any]) -> Tenant:
        """Lay values over the defaults by dotted name; null takes one back.

        Raises:
            BadInput: a name is unknown, not the tenant's to set, or a value is of the wrong kind.
        """
        async with self._database.shared().transaction() as conn:
            stored = await conn.fetchval(
                "select settings from nightdesk.tenants where id = $1 for update", tenant_id
            )
            if stored is None:
                raise NotFound(f"there is no tenant {tenant_id!r}")
            merged = {k: v for k, v in {**stored, **values}.items() if v is not None}
            self.settings_with(merged)
            await conn.execute(
                "update nightdesk.tenants set settings = $2 where id = $1", tenant_id, merged
            )
        await self._changed(tenant_id)
        return await self.get(tenant_id)

    async def set_credentials(self, tenant_id: str, values: Mapping[str, str]) -> None:
        """Store keys of the tenant's own accounts, encrypted; they replace what was there."""
        tenant = await self.get(tenant_id)
        async with self._database.shared().transaction() as conn:
            await conn.execute(
                "update nightdesk.tenants set credentials = $2 where id = $1",
                tenant_id, tenant.keyring.close_mapping(values),
            )  # fmt: skip
        await self._changed(tenant_id)

    async def overrides(self, tenant_id: str) -> dict[str, Any]:
        """What a tenant has set, by dotted name."""
        async with self._database.shared().transaction() as conn:
            stored = await conn.fetchval(
                "select settings from nightdesk.tenants where id = $1", tenant_id
            )
        return dict(stored or {})

    def settings_with(self, overrides: Mapping[str, Any]) -> TenantSettings:
        """The defaults with dotted overrides laid over them."""
        values: dict[str, Any] = {
            name: getattr(self._settings, name).model_dump() for name in TenantSettings.model_fields
        }
        known = set(known_names(TenantSettings))
        for dotted, value in overrides.items():
            section, _, key = dotted.partition(".")
            if dotted not in known or not key:
                values[dotted if key else f"{dotted}."] = value
            else:
                values[section][key] = value
        return validated(TenantSettings, values, source="tenant")

    async def add_account(
        self, tenant_id: str, *, external_id: str, client_secret: str, kind: str = "hostaway"
    ) -> PmsAccount:
        """Give a tenant an account at its PMS; webhook login and URL key are made here.

        Raises:
            Conflict: the account belongs to a tenant already.
        """
        tenant = await self.get(tenant_id)
        logins = [["nightdesk-" + new_token(6), new_token()]]
        credentials = {"client_secret": client_secret, "webhook_logins": logins}
        try:
            async with self._database.shared().transaction() as conn:
                await conn.execute(
                    """insert into nightdesk.pms_accounts
                       (tenant_id, kind, external_id, account_key, credentials)
                       values ($1, $2, $3, $4, $5)""",
                    tenant_id, kind, external_id, new_token(18),
                    tenant.keyring.close_mapping(credentials),
                )  # fmt: skip
        except UniqueViolation as exc:
            raise Conflict(f"{kind} account {external_id} belongs to a tenant already") from exc
        await self._changed(tenant_id)
        accounts = await self.accounts(tenant_id)
        return next(a for a in accounts if a.external_id == external_id and a.kind == kind)

    async def accounts(self, tenant_id: str) -> list[PmsAccount]:
        """A tenant's PMS accounts."""
        while tenant_id not in self._accounts:
            changes = self._changes[tenant_id]
            tenant = await self.get(tenant_id)
            async with self._database.shared().transaction() as conn:
                rows = await conn.fetch(
                    "select * from nightdesk.pms_accounts where tenant_id = $1 order by id",
                    tenant_id,
                )
            if changes == self._changes[tenant_id]:
                self._accounts[tenant_id] = [_account(row, tenant.keyring) for row in rows]
        return self._accounts[tenant_id]

    async def account_by_key(self, account_key: str) -> PmsAccount | None:
        """The account whose webhook URL carries this key."""
        return await self._account_where(lambda account: account.account_key == account_key)

    async def account_by_login(self, login: str) -> PmsAccount | None:
        """The account whose webhooks log in by this name."""
        return await self._account_where(
            lambda account: any(login == known for known, _ in account.webhook_logins)
        )

    async def keep_token(self, account: PmsAccount, token: str, until: datetime) -> None:
        """Store an access token, encrypted, so that a restart does not ask for another."""
        tenant = await self.get(account.tenant_id)
        async with self._database.shared().transaction() as conn:
            await conn.execute(
                "update nightdesk.pms_accounts set token = $2, token_until = $3 where id = $1",
                account.id, tenant.keyring.close(token.encode()), until,
            )  # fmt: skip

    async def set_workspace(self, tenant_id: str, *, team_id: str, bot_token: str) -> None:
        """Tell where a tenant's alerts go.

        Raises:
            Conflict: the workspace is another tenant's.
        """
        tenant = await self.get(tenant_id)
        try:
            await self._store_workspace(tenant, team_id, bot_token)
        except UniqueViolation as exc:
            raise Conflict(f"workspace {team_id} belongs to another tenant") from exc
        await self._changed(tenant_id)

    async def _store_workspace(self, tenant: Tenant, team_id: str, bot_token: str) -> None:
        async with self._database.shared().transaction() as conn:
            await conn.execute(
                """insert into nightdesk.slack_workspaces (team_id, tenant_id, credentials)
                   values ($1, $2, $3)
                   on conflict (tenant_id) do update
                   set team_id = excluded.team_id, credentials = excluded.credentials""",
                team_id, tenant.id, tenant.keyring.close_mapping({"bot_token": bot_token}),
            )  # fmt: skip

    async def workspace(self, tenant_id: str) -> SlackWorkspace | None:
        """A tenant's Slack workspace."""
        while tenant_id not in self._workspaces:
            changes = self._changes[tenant_id]
            tenant = await self.get(tenant_id)
            async with self._database.shared().transaction() as conn:
                row = await conn.fetchrow(
                    "select * from nightdesk.slack_workspaces where tenant_id = $1", tenant_id
                )
            if changes == self._changes[tenant_id]:
                self._workspaces[tenant_id] = _workspace(row, tenant.keyring) if row else None
        return self._workspaces[tenant_id]

    async def _account_where(self, is_it: Callable[[PmsAccount], bool]) -> PmsAccount | None:
        for known in self._accounts.values():
            for account in known:
                if is_it(account):
                    return account
        now = asyncio.get_running_loop().time()
        if now < self._complete_until:
            return None
        for tenant in await self.all():
            for account in await self.accounts(tenant.id):
                if is_it(account):
                    return account
        self._complete_until = now + STRANGERS_REST_S
        return None

    def _remember(self, row: Row, changes: int) -> Tenant:
        """The tenant of a row; kept unless it changed since the reading began."""
        keys = tuple(orjson.loads(self._keyring.open(row["data_keys"])))
        tenant = Tenant(
            id=row["id"],
            name=row["name"],
            mode=row["mode"],
            live_since=row["live_since"],
            settings=self._settings_of(row),
            keyring=Keyring(keys),
            created_at=row["created_at"],
            openai_api_key=Keyring(keys).open_mapping(row["credentials"]).get("openai_api_key"),
        )
        if changes == self._changes[tenant.id]:
            self._database.remember(row["id"], row["schema_name"], row["dsn"])
            self._tenants[tenant.id] = tenant
        return tenant

    def _settings_of(self, row: Row) -> TenantSettings:
        """A tenant's settings as stored; one that is no longer allowed is passed over and told of.

        A tenant with a setting of another release must not keep the others from starting.
        """
        try:
            return self.settings_with(row["settings"])
        except BadInput as exc:
            logger.error(
                "tenant has settings that cannot be used",
                extra={"tenant": row["id"], "why": str(exc)},
            )
        usable: dict[str, Any] = {}
        for name, value in row["settings"].items():
            try:
                self.settings_with({**usable, name: value})
            except BadInput:
                continue
            usable[name] = value
        return self.settings_with(usable)

    async def _changed(self, tenant_id: str) -> None:
        event = SettingsChanged(tenant_id=tenant_id)
        await self.on_settings_changed(event)
        await self._bus.publish(event)


def _workspace(row: Row, keyring: Keyring) -> SlackWorkspace:
    return SlackWorkspace(
        team_id=row["team_id"],
        tenant_id=row["tenant_id"],
        bot_token=keyring.open_mapping(row["credentials"])["bot_token"],
    )


def _account(row: Row, keyring: Keyring) -> PmsAccount:
    credentials: dict[str, Any] = keyring.open_mapping(row["credentials"])
    return PmsAccount(
        id=row["id"],
        tenant_id=row["tenant_id"],
        kind=row["kind"],
        external_id=row["external_id"],
        account_key=row["account_key"],
        client_secret=credentials["client_secret"],
        webhook_logins=tuple(
            (login, password) for login, password in credentials["webhook_logins"]
        ),
        token=keyring.open(row["token"]).decode() if row["token"] else None,
        token_until=row["token_until"],
    )
