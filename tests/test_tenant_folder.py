"""A tenant as a folder: nothing lost, nothing secret, nothing half done."""

import asyncio
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import asyncpg
import pytest

import app.sim
from app.bots.library import Libraries, check_library, default_content
from app.bots.selection import choose_bot
from app.bus import Bus
from app.clock import ManualClock
from app.db import Database
from app.embedded import ServerUrls
from app.errors import BadInput, Conflict, NotFound
from app.tenant_folder import export_tenant, import_tenant, read_tenant
from app.tenants import Tenant, Tenants

DEMO = Path(app.sim.__file__).parent / "tenants"


class Office:
    """Exports and imports, with the directory at hand."""

    def __init__(self, database: Database, tenants: Tenants, libraries: Libraries) -> None:
        self.database = database
        self.tenants = tenants
        self.libraries = libraries

    async def export_to(self, folder: Path, tenant_id: str) -> None:
        await export_tenant(
            folder,
            tenant_id,
            database=self.database,
            tenants=self.tenants,
            libraries=self.libraries,
        )

    async def import_from(self, folder: Path, tenant_id: str | None = None) -> Tenant:
        return await import_tenant(
            folder,
            database=self.database,
            tenants=self.tenants,
            libraries=self.libraries,
            by="a test",
            tenant_id=tenant_id,
        )

    async def add_number(self, number: str, tenant_id: str) -> None:
        async with self.database.shared().transaction() as conn:
            await conn.execute(
                """insert into nightdesk.hotlines (number_e164, tenant_id, name, language, settings)
                   values ($1, $2, 'Night line', 'pl', $3)""",
                number, tenant_id, {"greeting": "Dzień dobry"},
            )  # fmt: skip

    async def numbers(self, tenant_id: str) -> list[tuple[object, ...]]:
        async with self.database.shared().transaction() as conn:
            rows = await conn.fetch(
                """select number_e164, name, language, settings from nightdesk.hotlines
                   where tenant_id = $1""",
                tenant_id,
            )  # fmt: skip
        return [tuple(row) for row in rows]


@pytest.fixture(scope="module")
def folders_url(embedded_urls: ServerUrls) -> str:
    """One database for this file: making one takes longer than a test."""
    base = embedded_urls.database_url or ""

    async def create() -> None:
        admin = await asyncpg.connect(base)
        await admin.execute("create database tenant_folders")
        await admin.close()

    asyncio.run(create())
    return base.replace("/nightdesk?", "/tenant_folders?")


@pytest.fixture
async def database_url(folders_url: str) -> AsyncIterator[str]:
    """The database of this file; afterwards there is no tenant in it."""
    yield folders_url
    conn = await asyncpg.connect(folders_url)
    for row in await conn.fetch("delete from nightdesk.tenants returning schema_name"):
        await conn.execute(f"drop schema {row['schema_name']} cascade")
    await conn.close()


@pytest.fixture
def office(database: Database, tenants: Tenants, bus: Bus, clock: ManualClock) -> Office:
    return Office(database, tenants, Libraries(database, bus, clock))


async def test_export_then_import_gives_an_equal_tenant(
    office: Office, tenant: Tenant, tmp_path: Path
) -> None:
    values = {
        "chat.window_other_s": 0.5,
        "chat.automatic_texts": ['Say "hi"\n\tto us\x7f', "Grüße \\o/"],
        "pms.custom_fields": ["167=parking:public"],
        "chat.disclosure": False,
    }
    await office.tenants.set(tenant.id, values)
    content = default_content()
    content = {**content, "phrases": {"WIFI_QUESTION": {"en": ["wifi please"]}}}
    await office.libraries.publish(tenant.id, content, by="a test")
    await office.add_number("+48225550140", tenant.id)
    numbers = await office.numbers(tenant.id)
    await office.export_to(tmp_path / "acme", tenant.id)
    await office.tenants.remove(tenant.id)

    again = await office.import_from(tmp_path / "acme")

    assert (again.id, again.name) == (tenant.id, tenant.name)
    assert await office.tenants.overrides(tenant.id) == values
    assert check_library(await office.libraries.content(tenant.id)) == check_library(content)
    assert await office.numbers(tenant.id) == numbers


async def test_an_imported_tenant_is_off_until_somebody_says_so(
    office: Office, tenant: Tenant, tmp_path: Path
) -> None:
    await office.export_to(tmp_path, tenant.id)
    assert (await office.import_from(tmp_path, "copy")).mode == "off"
    assert (await office.import_from(tmp_path)).mode == "on", "an import switches nobody off"


async def test_no_file_of_an_export_holds_a_credential_or_the_mode(
    office: Office, tenant: Tenant, tmp_path: Path
) -> None:
    await office.tenants.set_credentials(tenant.id, {"openai_api_key": "sk-hidden"})
    account = await office.tenants.add_account(
        tenant.id, external_id="70001", client_secret="top-secret"
    )
    await office.export_to(tmp_path, tenant.id)
    written = words_in(tmp_path)
    assert "Acme Stays" in written
    for secret in ("sk-hidden", "top-secret", "70001", account.account_key, "mode", "live_since"):
        assert secret not in written


def words_in(folder: Path) -> str:
    return "".join(path.read_text() for path in folder.rglob("*") if path.is_file())


async def test_an_import_takes_back_what_the_folder_does_not_set(
    office: Office, tenant: Tenant, tmp_path: Path
) -> None:
    await office.export_to(tmp_path, tenant.id)
    await office.tenants.set(tenant.id, {"chat.window_other_s": 9})
    await office.import_from(tmp_path)
    assert await office.tenants.overrides(tenant.id) == {}


async def test_importing_the_same_library_again_publishes_nothing(
    office: Office, tenant: Tenant, tmp_path: Path
) -> None:
    await office.export_to(tmp_path, tenant.id)
    await office.import_from(tmp_path)
    door = await office.database.tenant(tenant.id)
    async with door.transaction() as conn:
        assert await conn.fetchval("select count(*) from {schema}.libraries") == 0


def misspell_setting(folder: Path) -> None:
    with (folder / "tenant.toml").open("a") as file:
        file.write("chat.window_othr_s = 5\n")


def break_template(folder: Path) -> None:
    (folder / "bots" / "020-guest-assistant.txt").write_text("<% if ( { %>")


def break_custom_field(folder: Path) -> None:
    with (folder / "tenant.toml").open("a") as file:
        file.write('pms.custom_fields = ["parking"]\n')


def break_number(folder: Path) -> None:
    with (folder / "tenant.toml").open("a") as file:
        file.write('[[hotline]]\nnumber = "022 555"\nname = "Night line"\n')


def break_toml(folder: Path) -> None:
    (folder / "tenant.toml").write_text("id = \n")


def add_stranger(folder: Path) -> None:
    path = folder / "tenant.toml"
    path.write_text('mode = "on"\n' + path.read_text())


def forget_name(folder: Path) -> None:
    (folder / "tenant.toml").write_text('id = "acme"\n')


def number_twice(folder: Path) -> None:
    with (folder / "tenant.toml").open("a") as file:
        file.write('[[hotline]]\nnumber = "+48225550140"\nname = "Night line"\n' * 2)


def number_settings_of_a_list(folder: Path) -> None:
    with (folder / "tenant.toml").open("a") as file:
        file.write('[[hotline]]\nnumber = "+48225550140"\nname = "N"\nsettings = "[1]"\n')


def hotline_of_numbers(folder: Path) -> None:
    (folder / "tenant.toml").write_text('id = "acme"\nname = "Acme"\nhotline = [1, 2]\n')


def settings_without_end(folder: Path) -> None:
    with (folder / "tenant.toml").open("a") as file:
        file.write("a." * 3_000 + "a = 1\n")


def remove_codes(folder: Path) -> None:
    (folder / "codes.toml").unlink()


def remove_template(folder: Path) -> None:
    (folder / "bots" / "020-guest-assistant.txt").unlink()


def template_elsewhere(folder: Path) -> None:
    path = folder / "bots" / "020-guest-assistant.txt"
    path.unlink()
    path.symlink_to("/etc/hostname")


def template_in_latin(folder: Path) -> None:
    (folder / "bots" / "020-guest-assistant.txt").write_bytes(b"caf\xe9")


def template_with_nul(folder: Path) -> None:
    (folder / "bots" / "020-guest-assistant.txt").write_bytes(b"a\x00b")


def conditions_of_a_table(folder: Path) -> None:
    path = folder / "bots" / "020-guest-assistant.toml"
    path.write_text(path.read_text().replace('conditions = "{}"', "conditions = {a = 1}"))


def conditions_without_end(folder: Path) -> None:
    path = folder / "bots" / "020-guest-assistant.toml"
    text = path.read_text().replace('conditions = "{}"', f"conditions = '{'[' * 100_000}'")
    path.write_text(text)


def reply_without_language(folder: Path) -> None:
    (folder / "replies" / "WIFI_QUESTION.txt").write_text("x")


def reply_huge(folder: Path) -> None:
    (folder / "replies" / "WIFI_QUESTION.en.txt").write_text("x" * 2_000_000)


def name_of_control_characters(folder: Path) -> None:
    (folder / "tenant.toml").write_text('id = "acme"\nname = "A\\u0007"\n')


@pytest.mark.parametrize(
    ("breaks", "says"),
    [
        (number_twice, "stands twice"),
        (number_settings_of_a_list, "settings is no JSON object"),
        (hotline_of_numbers, "number is missing"),
        (settings_without_end, "nested too deeply"),
        (remove_codes, r"codes\.toml is missing"),
        (remove_template, r"020-guest-assistant\.txt is missing"),
        (template_elsewhere, "leads out of the folder"),
        (template_in_latin, "is not UTF-8"),
        (template_with_nul, "holds a character that is none"),
        (conditions_of_a_table, "write conditions as JSON in quotes"),
        (conditions_without_end, "nested too deeply"),
        (reply_without_language, r"CODE\.language\.txt"),
        (reply_huge, "larger than"),
        (name_of_control_characters, "cannot be printed"),
        (misspell_setting, r"did you mean chat\.window_other_s"),
        (break_template, "Guest assistant"),
        (break_custom_field, "167=parking:public"),
        (break_number, "022 555"),
        (break_toml, r"tenant\.toml: "),
        (add_stranger, "unknown key mode"),
        (forget_name, "name is missing"),
    ],
)
async def test_nothing_changes_when_anything_in_the_folder_is_wrong(
    office: Office, tenant: Tenant, tmp_path: Path, breaks: Callable[[Path], None], says: str
) -> None:
    await office.tenants.set(tenant.id, {"chat.max_age_s": 60.0})
    await office.export_to(tmp_path, tenant.id)
    await office.tenants.set(tenant.id, {"chat.max_age_s": 90.0})
    breaks(tmp_path)
    for target in (tenant.id, "new"):
        with pytest.raises(BadInput, match=says):
            await office.import_from(tmp_path, target)
    assert await office.tenants.overrides(tenant.id) == {"chat.max_age_s": 90.0}
    with pytest.raises(NotFound):
        await office.tenants.get("new")


async def test_a_number_of_another_tenant_is_not_taken(
    office: Office, tenant: Tenant, tmp_path: Path
) -> None:
    await office.add_number("+48225550140", tenant.id)
    await office.export_to(tmp_path, tenant.id)
    with pytest.raises(Conflict, match="belongs to acme"):
        await office.import_from(tmp_path, "copy")
    with pytest.raises(NotFound):
        await office.tenants.get("copy")


async def test_a_new_export_leaves_no_bot_of_an_earlier_one(
    office: Office, tenant: Tenant, tmp_path: Path
) -> None:
    await office.export_to(tmp_path, tenant.id)
    content = default_content()
    bots = [
        {**bot, "name": "Concierge"} if bot["kind"] == "informational" else bot
        for bot in content["bots"]
    ]
    await office.libraries.publish(tenant.id, {**content, "bots": bots}, by="a test")
    await office.export_to(tmp_path, tenant.id)
    assert sorted(p.stem for p in (tmp_path / "bots").glob("*.toml")) == [
        "010-routing",
        "020-concierge",
    ]


async def test_a_folder_that_holds_something_else_is_left_alone(
    office: Office, tenant: Tenant, tmp_path: Path
) -> None:
    (tmp_path / "codes.toml").write_text("mine")
    with pytest.raises(BadInput, match="not empty"):
        await office.export_to(tmp_path, tenant.id)
    assert (tmp_path / "codes.toml").read_text() == "mine"


async def test_settings_may_be_written_in_sections(tmp_path: Path) -> None:
    (tmp_path / "tenant.toml").write_text(
        'id = "a"\nname = "A"\n[settings.chat]\nmax_age_s = 5\n[settings]\n"slack.channel" = "#a"\n'
    )
    (tmp_path / "codes.toml").write_text("")
    assert read_tenant(tmp_path).settings == {"chat.max_age_s": 5, "slack.channel": "#a"}


@pytest.mark.parametrize(
    ("tenant_id", "name", "language", "source", "code", "leads_to"),
    [
        ("warsaw", "Mokotów Stays", "pl", "reservation", "LUGGAGE_STORAGE", "bot"),
        ("dubai", "Marina Nights", "en", "listing", "AIRPORT_TRANSFER", "person"),
    ],
)
async def test_the_demo_tenants_can_be_imported(
    office: Office,
    tenant_id: str,
    name: str,
    language: str,
    source: str,
    code: str,
    leads_to: str,
) -> None:
    made = await office.import_from(DEMO / tenant_id)
    assert (made.id, made.name, made.mode) == (tenant_id, name, "off")
    assert made.settings.language.default == language
    assert made.settings.access.code_source == source
    library = check_library(await office.libraries.content(tenant_id))
    own = library.code(code)
    assert own is not None
    assert (own.leads_to, len(own.examples)) == (leads_to, 3)


@pytest.mark.parametrize(
    ("tenant_id", "reservation", "bot"),
    [
        ("warsaw", {"status": "inquiry"}, "Kuba"),
        ("warsaw", {"status": "new"}, "Basia"),
        ("dubai", {"numberOfNights": 7}, "Layla"),
        ("dubai", {"numberOfNights": 6}, "Noor"),
    ],
)
def test_a_demo_tenants_scoped_bot_answers_its_own_reservations(
    tenant_id: str, reservation: dict[str, object], bot: str
) -> None:
    library = check_library(read_tenant(DEMO / tenant_id).library)
    chosen = choose_bot(
        library,
        kind="informational",
        medium="thread",
        reservation=reservation,
        action_code="OTHER_QUESTION",
    )
    assert chosen.name == bot
