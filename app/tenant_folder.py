"""A tenant as a folder of readable files: what is exported, reviewed and imported.

tenant.toml      id, name, hotlines and the settings that differ from the defaults
codes.toml …     the library, as `app.bots.library_folder` writes it

Credentials and the mode are never in it: a tenant that an import makes is `off`.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from app.bots.library import Libraries, check_library
from app.bots.library_folder import read_library, write_library
from app.db import Connection, Database
from app.errors import BadInput, Conflict, NotFound
from app.folder import toml_of
from app.pms.records import parse_custom_fields
from app.tenants import Tenant, Tenants

TENANT_FILE = "tenant.toml"
LIBRARY_FILES = ("codes.toml", "phrases.toml", "bots/*.toml", "bots/*.txt", "replies/*")
"""What an earlier export left in the folder and a new one replaces."""
DEEPEST_SETTING = 3
"""Levels of tables under [settings]; a setting's name has two parts."""
LONGEST_WORD = 200
"""Characters of an id, a name, a number."""
E164 = re.compile(r"\+[1-9]\d{6,14}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Hotline:
    """A phone number of the tenant and its settings."""

    number_e164: str
    name: str
    language: str
    settings: Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class TenantFolder:
    """What a folder says of a tenant, read but not yet checked against anything."""

    id: str
    name: str
    settings: Mapping[str, Any]
    """Overrides by dotted name."""
    hotlines: tuple[Hotline, ...]
    library: Mapping[str, Any]


async def export_tenant(
    folder: Path, tenant_id: str, *, database: Database, tenants: Tenants, libraries: Libraries
) -> None:
    """Write a tenant into a new or empty folder, or over an earlier export.

    Raises:
        BadInput: the folder holds something else, or cannot be written.
        NotFound: there is no such tenant.
    """
    tenant = await tenants.get(tenant_id)
    async with database.shared().transaction() as conn:
        hotlines = await _hotlines(conn, tenant_id)
    exported = TenantFolder(
        id=tenant.id,
        name=tenant.name,
        settings=await tenants.overrides(tenant_id),
        hotlines=hotlines,
        library=await libraries.content(tenant_id),
    )
    try:
        _make_room(folder)
        (folder / TENANT_FILE).write_text(_tenant_toml(exported), encoding="utf-8")
        write_library(exported.library, folder)
    except OSError as exc:
        raise BadInput(f"cannot write {folder}: {exc.strerror}") from exc
    if check_library(read_library(folder)) != check_library(exported.library):
        raise Conflict(f"the library in {folder} does not read as it is published; not usable")


async def import_tenant(
    folder: Path,
    *,
    database: Database,
    tenants: Tenants,
    libraries: Libraries,
    by: str,
    tenant_id: str | None = None,
) -> Tenant:
    """Make a tenant what the folder says, under its own id or the given one.

    Everything is checked before anything changes. A new tenant is `off`; one that exists keeps its
    mode, its credentials and its name.

    Raises:
        BadInput: something in the folder cannot be used; the message names it.
        Conflict: one of its numbers belongs to another tenant.
    """
    read = read_tenant(folder)
    wanted_id = tenant_id or read.id
    settings = tenants.settings_with(read.settings)
    parse_custom_fields(settings.pms.custom_fields)
    library = check_library(read.library)
    await _check_numbers(database, wanted_id, read.hotlines)
    try:
        await tenants.get(wanted_id)
    except NotFound:
        await tenants.add(wanted_id, read.name)
    await _set_hotlines(database, wanted_id, read.hotlines)
    taken_back = dict.fromkeys(await tenants.overrides(wanted_id))
    tenant = await tenants.set(wanted_id, {**taken_back, **read.settings})
    if check_library(await libraries.content(wanted_id)) != library:
        await libraries.publish(wanted_id, read.library, by=by)
    return tenant


def read_tenant(folder: Path) -> TenantFolder:
    """What a folder says of a tenant.

    Raises:
        BadInput: a file is missing, or cannot be read.
    """
    try:
        head = toml_of(folder / TENANT_FILE, root=folder)
    except BadInput as exc:
        raise BadInput(f"{folder} is no tenant folder: {exc}") from exc
    if strangers := set(head) - {"id", "name", "settings", "hotline"}:
        raise BadInput(f"{TENANT_FILE}: unknown key {min(strangers)}")
    settings = head.get("settings", {})
    hotlines = head.get("hotline", [])
    if not isinstance(settings, dict) or not isinstance(hotlines, list):
        raise BadInput(f"{TENANT_FILE}: write [settings] as one table and [[hotline]] for numbers")
    numbers = tuple(_hotline(entry) for entry in hotlines)
    if len({hotline.number_e164 for hotline in numbers}) != len(numbers):
        raise BadInput(f"{TENANT_FILE}: a hotline's number stands twice")
    return TenantFolder(
        id=_word(head, "id"),
        name=_word(head, "name"),
        settings=dict(_dotted(settings)),
        hotlines=numbers,
        library=read_library(folder),
    )


def _make_room(folder: Path) -> None:
    """An empty folder, or one without the files of an earlier export."""
    folder.mkdir(parents=True, exist_ok=True)
    if any(folder.iterdir()) and not (folder / TENANT_FILE).exists():
        raise BadInput(f"{folder} is not empty and holds no {TENANT_FILE}; choose another folder")
    for pattern in LIBRARY_FILES:
        for path in folder.glob(pattern):
            path.unlink()


def _tenant_toml(exported: TenantFolder) -> str:
    lines = [f"id = {_toml(exported.id)}", f"name = {_toml(exported.name)}", "", "[settings]"]
    lines += [f"{name} = {_toml(value)}" for name, value in sorted(exported.settings.items())]
    for hotline in exported.hotlines:
        lines += [
            "",
            "[[hotline]]",
            f"number = {_toml(hotline.number_e164)}",
            f"name = {_toml(hotline.name)}",
            f"language = {_toml(hotline.language)}",
            f"settings = {_toml(json.dumps(hotline.settings, ensure_ascii=False))}",
        ]
    return "\n".join(lines) + "\n"


def _toml(value: Any) -> str:
    """JSON's texts, numbers, booleans and lists of them are TOML's as well, but for DEL."""
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")


def _dotted(settings: Mapping[str, Any], prefix: str = "") -> list[tuple[str, Any]]:
    """(dotted name, value) of every setting, however its section was written."""
    if prefix.count(".") > DEEPEST_SETTING:
        raise BadInput(f"{TENANT_FILE}: settings are nested too deeply at {prefix[:80]}")
    found: list[tuple[str, Any]] = []
    for key, value in settings.items():
        if isinstance(value, dict):
            found += _dotted(value, f"{prefix}{key}.")
        else:
            found.append((prefix + key, value))
    return found


def _word(table: Any, key: str) -> str:
    value = table.get(key) if isinstance(table, dict) else None
    if not isinstance(value, str) or not value.strip() or len(value) > LONGEST_WORD:
        raise BadInput(f"{TENANT_FILE}: {key} is missing, no text, or longer than {LONGEST_WORD}")
    if not value.isprintable():
        raise BadInput(f"{TENANT_FILE}: {key} holds a sign that cannot be printed")
    return value


def _hotline(entry: Any) -> Hotline:
    number = _word(entry, "number")
    if not E164.fullmatch(number):
        raise BadInput(f"{TENANT_FILE}: hotline {number}: write it as +48225550140")
    try:
        settings = json.loads(entry.get("settings", "{}"))
    except (TypeError, ValueError, RecursionError) as exc:
        raise BadInput(f"{TENANT_FILE}: hotline {number}: settings is not JSON") from exc
    if not isinstance(settings, dict):
        raise BadInput(f"{TENANT_FILE}: hotline {number}: settings is no JSON object")
    return Hotline(
        number_e164=number,
        name=_word(entry, "name"),
        language=_word({"language": "en", **entry}, "language"),
        settings=settings,
    )


async def _hotlines(conn: Connection, tenant_id: str) -> tuple[Hotline, ...]:
    rows = await conn.fetch(
        """select number_e164, name, language, settings from nightdesk.hotlines
           where tenant_id = $1 order by number_e164""",
        tenant_id,
    )  # fmt: skip
    return tuple(Hotline(**dict(row)) for row in rows)


async def _check_numbers(database: Database, tenant_id: str, hotlines: tuple[Hotline, ...]) -> None:
    async with database.shared().transaction() as conn:
        taken = await conn.fetchrow(
            """select number_e164, tenant_id from nightdesk.hotlines
               where number_e164 = any($1) and tenant_id <> $2""",
            [hotline.number_e164 for hotline in hotlines], tenant_id,
        )  # fmt: skip
    if taken is not None:
        raise Conflict(f"the number {taken['number_e164']} belongs to {taken['tenant_id']}")


async def _set_hotlines(database: Database, tenant_id: str, hotlines: tuple[Hotline, ...]) -> None:
    async with database.shared().transaction() as conn:
        await conn.execute("delete from nightdesk.hotlines where tenant_id = $1", tenant_id)
        await conn.executemany(
            """insert into nightdesk.hotlines (number_e164, tenant_id, name, language, settings)
               values ($1, $2, $3, $4, $5)""",
            [(h.number_e164, tenant_id, h.name, h.language, h.settings) for h in hotlines],
        )
