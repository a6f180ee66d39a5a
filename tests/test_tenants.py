"""The directory: modes, settings, accounts, credentials, and caches that forget in time."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any

import asyncpg
import pytest

from app.background import Background
from app.bus import Bus
from app.clock import ManualClock
from app.db import Connection, Database
from app.embedded import ServerUrls
from app.errors import BadInput, Conflict, Forbidden, NotFound
from app.events import SettingsChanged
from app.keys import Keyring, new_key
from app.settings import LlmSettings, Settings
from app.tenants import Mode, Tenant, Tenants
from tests.conftest import NOON

KEY = new_key()


@pytest.fixture(scope="module")
def database_url(embedded_urls: ServerUrls) -> Iterator[str]:
    """One database for all tests of this file; each begins with an empty directory."""
    base = embedded_urls.database_url or ""
    asyncio.run(_run_sql(base, "create database tenants"))
    yield base.replace("/nightdesk?", "/tenants?")
    asyncio.run(_run_sql(base, "drop database tenants with (force)"))


async def _run_sql(url: str, sql: str) -> None:
    admin = await asyncpg.connect(url)
    await admin.execute(sql)
    await admin.close()


@pytest.fixture
async def tenants(database: Database, bus: Bus, clock: ManualClock) -> AsyncIterator[Tenants]:
    """An empty directory, emptied again."""
    directory = Tenants(database, bus, clock, Keyring((KEY,)), Settings())
    yield directory
    for tenant in await directory.all():
        await directory.remove(tenant.id)


async def raw_rows(database: Database, table: str) -> list[dict[str, Any]]:
    async with database.shared().transaction() as conn:
        return [dict(row) for row in await conn.fetch(f"select * from nightdesk.{table}")]


async def test_a_new_tenant_is_off_and_has_a_schema_and_a_key_of_its_own(
    tenants: Tenants, database: Database
) -> None:
    one = await tenants.add("acme", "Acme Stays")
    two = await tenants.add("sea-side-2", "Seaside")
    assert (one.id, one.name, one.mode, one.live_since) == ("acme", "Acme Stays", "off", None)
    with pytest.raises(Forbidden):
        two.keyring.open(one.keyring.close(b"x"))
    async with (await database.tenant("sea-side-2")).transaction() as conn:
        assert await conn.fetchval("select count(*) from {schema}.turns") == 0
    assert [tenant.id for tenant in await tenants.all()] == ["acme", "sea-side-2"]


@pytest.mark.parametrize(
    "tenant_id", ["", "ACME", "a_b", "a b", "-a", "zażółć", "a" * 41, "a;drop", "a\n", "../x"]
)
async def test_an_id_that_cannot_name_a_schema_is_refused(tenants: Tenants, tenant_id: str) -> None:
    with pytest.raises(BadInput, match="tenant id"):
        await tenants.add(tenant_id, "X")


async def test_a_second_tenant_of_one_id_is_a_conflict(tenants: Tenants) -> None:
    await tenants.add("acme", "Acme Stays")
    with pytest.raises(Conflict, match="acme"):
        await tenants.add("acme", "Other")
    assert (await tenants.get("acme")).name == "Acme Stays"


async def test_a_removed_tenant_is_gone_with_every_row_and_may_come_again(
    tenants: Tenants, database: Database
) -> None:
    await tenants.add("acme", "Acme Stays")
    await tenants.add_account("acme", external_id="70001", client_secret="s")
    await tenants.remove("acme")
    for lookup in (tenants.get, database.tenant, tenants.remove, tenants.accounts):
        with pytest.raises(NotFound):
            await lookup("acme")
    assert await raw_rows(database, "pms_accounts") == []
    async with database.shared().transaction() as conn:
        assert await conn.fetchval("select to_regnamespace('t_acme')") is None
    assert (await tenants.add("acme", "Again")).name == "Again"
    async with (await database.tenant("acme")).transaction() as conn:
        assert await conn.fetchval("select count(*) from {schema}.turns") == 0


@pytest.mark.parametrize(
    ("path", "hours_after_noon"),
    [
        (["draft"], 1),
        (["on"], 1),
        (["draft", "on"], 1),
        (["on", "draft", "on"], 1),
        (["on", "off"], 1),
        (["on", "off", "on"], 3),
        (["draft", "off", "off", "draft"], 4),
        (["off", "on"], 2),
    ],
)
async def test_nothing_older_than_going_live_is_answered(
    tenants: Tenants, clock: ManualClock, path: list[Mode], hours_after_noon: int
) -> None:
    await tenants.add("acme", "Acme")
    for mode in path:
        clock.advance(3600)
        tenant = await tenants.set_mode("acme", mode)
    assert tenant.mode == path[-1]
    assert tenant.live_since == NOON + timedelta(hours=hours_after_noon)


async def test_an_off_tenant_was_never_live(tenants: Tenants) -> None:
    await tenants.add("acme", "Acme")
    assert (await tenants.set_mode("acme", "off")).live_since is None


async def test_settings_are_laid_over_the_defaults_and_null_takes_one_back(
    tenants: Tenants,
) -> None:
    await tenants.add("acme", "Acme")
    tenant = await tenants.set(
        "acme", {"chat.window_confirmed_s": 60, "language.supported": ["en", "pl"]}
    )
    assert tenant.settings.chat.window_confirmed_s == 60
    assert tenant.settings.chat.window_other_s == Settings().chat.window_other_s
    assert tenant.settings.language.supported == ("en", "pl")
    tenant = await tenants.set("acme", {"chat.window_confirmed_s": None, "llm.temperature": 0.5})
    assert tenant.settings.chat.window_confirmed_s == Settings().chat.window_confirmed_s
    assert await tenants.overrides("acme") == {
        "language.supported": ["en", "pl"], "llm.temperature": 0.5,
    }  # fmt: skip


async def test_defaults_come_from_the_process(
    database: Database, bus: Bus, clock: ManualClock, tenants: Tenants
) -> None:
    await tenants.add("acme", "Acme")
    process = Settings(llm=LlmSettings(chat_model="other"))
    configured = Tenants(database, bus, clock, Keyring((KEY,)), process)
    assert (await configured.get("acme")).settings.llm.chat_model == "other"


@pytest.mark.parametrize(
    ("values", "says"),
    [
        ({"chat.disclsure": False}, "did you mean chat.disclosure"),
        ({"server.public_port": 1}, "unknown key server.public_port"),
        ({"secrets.desk_token": "x"}, "unknown key secrets.desk_token"),
        ({"chat.score_threshold": 2}, "chat.score_threshold: "),
        ({"chat.disclosure": "perhaps"}, "chat.disclosure: "),
        ({"llm.temperature": 0.1, "": 1}, "unknown key"),
    ],
)
async def test_a_wrong_setting_is_refused_and_nothing_is_changed(
    tenants: Tenants, values: Mapping[str, Any], says: str
) -> None:
    await tenants.add("acme", "Acme")
    await tenants.set("acme", {"slack.channel": "#acme"})
    with pytest.raises(BadInput) as refused:
        await tenants.set("acme", values)
    assert says in str(refused.value)
    assert await tenants.overrides("acme") == {"slack.channel": "#acme"}


async def test_nobody_has_no_settings(tenants: Tenants) -> None:
    with pytest.raises(NotFound):
        await tenants.set("nobody", {"slack.channel": "#x"})


async def test_an_account_is_found_by_its_key_and_by_its_login(tenants: Tenants) -> None:
    await tenants.add("acme", "Acme")
    await tenants.add("bold", "Bold")
    mine = await tenants.add_account("acme", external_id="70001", client_secret="s1")
    other = await tenants.add_account("bold", external_id="70002", client_secret="s2")
    login, password = mine.webhook_logins[0]
    assert mine.account_key != other.account_key
    assert len(mine.account_key) >= 24
    assert len(password) >= 32
    assert await tenants.account_by_key(mine.account_key) == mine
    assert await tenants.account_by_login(login) == mine
    assert await tenants.account_by_login(other.webhook_logins[0][0]) == other
    for unknown in ("", "x", mine.account_key[:-1], "70001"):
        assert await tenants.account_by_key(unknown) is None
        assert await tenants.account_by_login(unknown) is None
    assert await tenants.accounts("acme") == [mine]


async def test_an_account_belongs_to_one_tenant(tenants: Tenants) -> None:
    await tenants.add("acme", "Acme")
    await tenants.add("bold", "Bold")
    await tenants.add_account("acme", external_id="70001", client_secret="s")
    for tenant_id in ("acme", "bold"):
        with pytest.raises(Conflict, match="70001"):
            await tenants.add_account(tenant_id, external_id="70001", client_secret="s")
    assert await tenants.accounts("bold") == []
    with pytest.raises(NotFound):
        await tenants.add_account("nobody", external_id="70003", client_secret="s")


async def test_nothing_secret_can_be_read_in_the_raw_rows(
    tenants: Tenants, database: Database, clock: ManualClock
) -> None:
    await tenants.add("acme", "Acme")
    account = await tenants.add_account("acme", external_id="70001", client_secret="top-secret")
    await tenants.keep_token(account, "token-1", clock.now())
    await tenants.set_workspace("acme", team_id="T1", bot_token="xoxb-1")
    await tenants.set_credentials("acme", {"openai_api_key": "sk-1"})
    raw = b""
    for table in ("tenants", "pms_accounts", "slack_workspaces"):
        for row in await raw_rows(database, table):
            raw += b"".join(v if isinstance(v, bytes) else repr(v).encode() for v in row.values())
    assert b"70001" in raw
    for secret in ("top-secret", "token-1", "xoxb-1", "sk-1", *account.webhook_logins[0]):
        assert secret.encode() not in raw
    shown = repr([await tenants.get("acme"), account, await tenants.workspace("acme")])
    for secret in ("top-secret", "xoxb-1", "sk-1", account.webhook_logins[0][1]):
        assert secret not in shown


async def test_credentials_tokens_and_workspaces_are_kept(
    tenants: Tenants, database: Database, bus: Bus, clock: ManualClock
) -> None:
    await tenants.add("acme", "Acme")
    account = await tenants.add_account("acme", external_id="70001", client_secret="top-secret")
    await tenants.keep_token(account, "token-1", NOON)
    await tenants.set_credentials("acme", {"openai_api_key": "sk-1"})
    assert await tenants.workspace("acme") is None
    for team, token in (("T1", "xoxb-1"), ("T2", "xoxb-2")):
        await tenants.set_workspace("acme", team_id=team, bot_token=token)
    restarted = Tenants(database, bus, clock, Keyring((new_key(), KEY)), Settings())
    kept = (await restarted.accounts("acme"))[0]
    assert (kept.client_secret, kept.token, kept.token_until) == ("top-secret", "token-1", NOON)
    workspace = await restarted.workspace("acme")
    assert workspace is not None
    assert (workspace.team_id, workspace.bot_token) == ("T2", "xoxb-2")
    assert (await restarted.get("acme")).openai_api_key == "sk-1"
    with pytest.raises(Forbidden):
        await Tenants(database, bus, clock, Keyring((new_key(),)), Settings()).get("acme")


async def test_what_another_instance_changed_is_read_again_once_it_is_told(
    tenants: Tenants, database: Database, bus: Bus, clock: ManualClock
) -> None:
    other = Tenants(database, bus, clock, Keyring((KEY,)), Settings())
    await tenants.add("acme", "Acme")
    assert (await other.get("acme")).mode == "off"
    assert await other.accounts("acme") == []
    assert await other.workspace("acme") is None
    await tenants.set_mode("acme", "on")
    await tenants.add_account("acme", external_id="70001", client_secret="s")
    await tenants.set_workspace("acme", team_id="T1", bot_token="x")
    assert (await other.get("acme")).mode == "off"
    await other.on_settings_changed(SettingsChanged(tenant_id="acme"))
    assert (await other.get("acme")).mode == "on"
    assert [account.external_id for account in await other.accounts("acme")] == ["70001"]
    assert await other.workspace("acme") is not None


async def test_an_instance_in_another_process_is_told_of_a_change(
    tenants: Tenants, clock: ManualClock, database_url: str, background: Background
) -> None:
    database = Database(command_timeout_s=10, statement_cache=0, connections=2)
    await database.open(database_url)
    bus = Bus(database, background)
    other = Tenants(database, bus, clock, Keyring((KEY,)), Settings())
    await tenants.add("acme", "Acme")
    caught_up = asyncio.Event()

    async def on_settings_changed(_: SettingsChanged) -> None:
        caught_up.set()

    bus.subscribe(SettingsChanged, other.on_settings_changed)
    bus.subscribe(SettingsChanged, on_settings_changed)
    background.spawn("listen", bus.listen())
    await asyncio.wait_for(caught_up.wait(), 5)
    assert (await other.get("acme")).mode == "off"
    await tenants.set_mode("acme", "on")
    await _until(lambda: "acme" not in other._tenants)
    assert (await other.get("acme")).mode == "on"
    await background.cancel()
    await bus.close()
    await database.close()


async def _until(is_so: Callable[[], bool]) -> None:
    async with asyncio.timeout(5):
        while not is_so():
            await asyncio.sleep(0.01)


class Held:
    """A database whose readers come back only when they are let go."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self.is_holding = False
        self.has_read = asyncio.Event()
        self.may_go = asyncio.Event()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._database, name)

    def shared(self) -> "Held":
        return self

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[Connection]:
        async with self._database.shared().transaction() as conn:
            yield conn
        if self.is_holding:
            self.has_read.set()
            await self.may_go.wait()


async def test_what_was_read_before_a_change_is_not_kept_after_it(
    tenants: Tenants, database: Database, bus: Bus, clock: ManualClock
) -> None:
    await tenants.add("acme", "Acme Stays")
    held: Any = Held(database)
    other = Tenants(held, bus, clock, Keyring((KEY,)), Settings())
    await other.get("acme")
    held.is_holding = True
    reading = asyncio.ensure_future(other.accounts("acme"))
    await held.has_read.wait()
    await tenants.add_account("acme", external_id="70001", client_secret="secret")
    await other.on_settings_changed(SettingsChanged(tenant_id="acme"))
    held.is_holding = False
    held.may_go.set()
    assert [account.external_id for account in await reading] == ["70001"]
    assert [account.external_id for account in await other.accounts("acme")] == ["70001"]


async def test_a_tenant_that_was_read_before_a_change_is_read_again_after_it(
    tenants: Tenants, database: Database, bus: Bus, clock: ManualClock
) -> None:
    await tenants.add("acme", "Acme Stays")
    held: Any = Held(database)
    other = Tenants(held, bus, clock, Keyring((KEY,)), Settings())
    held.is_holding = True
    reading = asyncio.ensure_future(other.all())
    await held.has_read.wait()
    await tenants.set_mode("acme", "on")
    await other.on_settings_changed(SettingsChanged(tenant_id="acme"))
    held.is_holding = False
    held.may_go.set()
    await reading
    assert (await other.get("acme")).mode == "on"


async def test_a_stored_setting_that_is_no_longer_allowed_stops_nobody(
    tenants: Tenants, tenant: Tenant, database: Database, caplog: pytest.LogCaptureFixture
) -> None:
    await tenants.set(tenant.id, {"chat.max_age_s": 60.0})
    async with database.shared().transaction() as conn:
        stored = {"chat.max_age_s": 60.0, "chat.window_other_s": 1e300, "gone.setting": 5}
        await conn.execute("update nightdesk.tenants set settings = $1", stored)
    await tenants.on_settings_changed(SettingsChanged(tenant_id=tenant.id))
    (found,) = await tenants.all()
    assert (found.settings.chat.max_age_s, found.settings.chat.window_other_s) == (60.0, 5.0)
    assert "tenant has settings that cannot be used" in caplog.text


@pytest.mark.parametrize(
    ("values", "complaint"),
    [
        ({"chat.longest_wait_s": 1e300}, "chat.longest_wait_s"),
        ({"chat.max_age_s": [1]}, "chat.max_age_s"),
        ({"chat.max_age_s": {"a": 1}}, "chat.max_age_s"),
        ({"chat.max_age_s": "soon"}, "chat.max_age_s"),
        ({"chat": {"max_age_s": 5}}, "chat"),
        ({"chat.max_age_s.deeper": 5}, "unknown key chat.max_age_s.deeper"),
        ({"server.public_port": 5}, "unknown key server.public_port"),
        ({"": 5}, "unknown key"),
        ({"llm.base_url": "nowhere"}, "llm.base_url: no web address"),
        ({"language.default": "pl", "language.supported": ["en"]}, "language: default 'pl'"),
    ],
)
async def test_a_wrong_setting_of_a_tenant_is_refused_and_changes_nothing(
    tenants: Tenants, tenant: Tenant, values: dict[str, Any], complaint: str
) -> None:
    with pytest.raises(BadInput, match=complaint):
        await tenants.set(tenant.id, values)
    assert await tenants.overrides(tenant.id) == {}
