"""What a linter cannot check: names, the mirror of files, the schema, and what must not be here."""

import ast
import logging
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from app.db import Database, latest_version, pending_steps
from app.tenants import Tenants

ROOT = Path(__file__).parent.parent
APP = ROOT / "app"
TESTS = ROOT / "tests"
MODULES = sorted(path.relative_to(APP) for path in APP.rglob("*.py"))

FORBIDDEN_WORDS = {
    "utils", "util", "helpers", "helper", "common", "misc", "base", "manager", "processor",
    "service", "impl", "data", "info", "obj",
}  # fmt: skip
"""Words that say nothing, as names of files and classes, and as the last word of a class."""
ALLOWED_NAMES = {"DataSettings"}
"""Names with such a word that say something: `[data]` is where the embedded servers live."""

SQL = "a room's SQL, tested through the room's doors against a real database"
OVER_HTTP = "tried over real HTTP by test_hostaway.py"
SHAPES = "records without behaviour"
A_CALL = "part of every spoken call of tests/paths/test_phone_call.py"
UNTESTED = {
    "voice/agent.py": A_CALL,
    "voice/dispatch.py": A_CALL,
    "voice/first_words.py": "how every call of test_session.py begins",
    "voice/finding.py": "callers without a number in test_identifying.py and test_identity.py",
    "voice/known.py": SHAPES,
    "voice/late.py": A_CALL,
    "voice/line.py": "a protocol: test_phone_line.py tries the line there is",
    "voice/live.py": A_CALL,
    "voice/media.py": A_CALL,
    "voice/phone_sound.py": "both directions of the line in test_phone_line.py",
    "voice/proving.py": "callers with a number in test_identifying.py and test_identity.py",
    "voice/speech.py": A_CALL,
    "voice/store.py": SQL,
    "voice/thought.py": "tried through `Turns`, which thinks it",
    "bots/records.py": SHAPES,
    "pms/hostaway_answers.py": OVER_HTTP,
    "hurry.py": "arq's side of the jobs: test_jobs.py runs it with a real Valkey",
    "slack/web.py": "tried through its door by test_client.py",
    "pms/hostaway_connection.py": OVER_HTTP,
    "bots/store.py": SQL,
    "chat/store.py": SQL,
    "escalation/store.py": SQL,
    "product.py": "what is opened in which order: test_main.py opens it, test_wiring.py builds it",
}
"""Module → why it has no test file of its own."""

LONG = {
    "escalation/cases.py": "all that may happen to a case, under one order of locks",
    "db.py": "pools, doors and schema steps, all that may know asyncpg",
    "pms/stay.py": "a stay, what may be said of it, and which one a thread means",
    "pms/sync.py": "the mirror: one thread, one stay, whole lists, fetched and kept alike",
    "pms/records.py": "one translation of the PMS's JSON, record by record",
    "settings.py": "every setting there is, section by section",
    "bots/sentences.py": "every sentence of the product itself, in every language",
    "bots/answer.py": "the door of the mind: one question's way to one stored decision",
    "voice/turns.py": "both sides of what is said on a call, under one rule of what counts",
    "wiring.py": "the one place that builds and joins everything",
    "tenants.py": "the directory: tenants, accounts, workspaces, behind one cache",
    "jobs.py": "the wake table, its runs and arq's worker are one protocol",
}
"""Module of more than 350 lines → why."""

TEXT = {".py", ".md", ".toml", ".txt", ".sql", ".html", ".css", ".js", ".json", ".yml", ".yaml", ""}
IGNORED = {
    ".git", ".venv", ".data", ".mypy_cache", ".ruff_cache", ".pytest_cache", ".import_linter_cache",
    ".hypothesis", "__pycache__", "node_modules", "build", "dist",
}  # fmt: skip


def committed_text() -> Iterator[Path]:
    """Every text file of the tree, without what tools leave behind."""
    folders = [ROOT]
    while folders:
        for path in sorted(folders.pop().iterdir()):
            if path.name in IGNORED or path.name.endswith(".egg-info") or path.is_symlink():
                continue
            if path.is_dir():
                folders.append(path)
            elif path.suffix in TEXT:
                yield path


def classes_and_functions(
    path: Path,
) -> list[ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef]:
    return [
        node
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef)
    ]


def test_files_and_classes_have_names_that_say_something() -> None:
    found = [str(module) for module in MODULES if FORBIDDEN_WORDS & {*module.with_suffix("").parts}]
    for module in MODULES:
        for node in classes_and_functions(APP / module):
            words = re.findall(r"[A-Z]+(?![a-z])|[A-Z]?[a-z0-9]+", node.name)
            is_class = isinstance(node, ast.ClassDef)
            if not words or node.name in ALLOWED_NAMES or not is_class:
                continue
            if words[-1].lower() in FORBIDDEN_WORDS:
                found.append(f"{module}: {node.name}")
    assert found == []


def test_every_module_has_its_test_and_every_test_its_module() -> None:
    """The stand-ins are tried as the outside they stand for, not file by file."""

    def test_of(module: Path) -> Path:
        return module.parent / f"test_{module.name}"

    wanted = {test_of(m) for m in MODULES if m.name not in {"__init__.py", "__main__.py"}}
    there = {
        path.relative_to(TESTS)
        for path in TESTS.rglob("test_*.py")
        if path.relative_to(TESTS).parts[0] != "paths"
    } - {Path("test_house.py")}
    stand_ins = {test_of(module) for module in MODULES if module.parts[0] == "sim"}
    excused = {test_of(Path(name)) for name in UNTESTED}
    missing = sorted(str(path) for path in wanted - there - excused - stand_ins)
    assert missing == [], f"{len(missing)} missing:\n" + "\n".join(missing)
    homeless = sorted(str(path) for path in there - wanted)
    assert homeless == [], f"{len(homeless)} without a module:\n" + "\n".join(homeless)
    assert sorted(str(path) for path in excused & there) == [], "no excuse is needed any more"


def test_long_files_are_known_and_have_a_reason() -> None:
    lengths = {str(m): len((APP / m).read_text(encoding="utf-8").splitlines()) for m in MODULES}
    assert {
        name: length for name, length in lengths.items() if length > 350 and name not in LONG
    } == {}
    assert [name for name in LONG if lengths.get(name, 0) <= 350] == []


def test_every_public_class_and_function_says_what_it_gives() -> None:
    silent = [
        f"{module}:{node.lineno} {node.name}"
        for module in MODULES
        for node in ast.parse((APP / module).read_text(encoding="utf-8")).body
        if isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef)
        and not node.name.startswith("_")
        and not ast.get_docstring(node)
    ]
    assert silent == []


def test_extras_of_log_lines_do_not_collide_with_fields_of_a_log_record() -> None:
    reserved = {*logging.LogRecord("", 0, "", 0, "", (), None).__dict__, "message", "asctime"}
    collisions = []
    for module in MODULES:
        for node in ast.walk(ast.parse((APP / module).read_text(encoding="utf-8"))):
            if isinstance(node, ast.keyword) and node.arg == "extra":
                keys = node.value.keys if isinstance(node.value, ast.Dict) else []
                names = {key.value for key in keys if isinstance(key, ast.Constant)}
                collisions += [
                    f"{module}:{node.value.lineno} {name!r}" for name in names & reserved
                ]
    assert collisions == []


STATEMENTS = {"fetch", "fetchrow", "fetchval", "execute", "executemany"}
NO_LITERAL = {
    "db.py": "the steps of schema.sql, and how a transaction begins: a checked name of a schema",
    "cli/rotation.py": "literals of two tables beside it",
}
"""Module whose statements are no literals where they are used → what they are."""


def test_every_statement_is_a_literal_so_that_no_value_can_become_sql() -> None:
    """A statement as a tenant's role could end that role; nothing from outside may ever be one."""
    found = []
    for module in MODULES:
        if module.parts[0] == "sim" or str(module) in NO_LITERAL:
            continue
        for node in ast.walk(ast.parse((APP / module).read_text(encoding="utf-8"))):
            if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)):
                continue
            sql = node.args[0] if node.func.attr in STATEMENTS and node.args else None
            if sql and not (isinstance(sql, ast.Constant) and isinstance(sql.value, str)):
                found.append(f"{module}:{node.lineno}")
    assert found == []


def test_nothing_is_left_to_do() -> None:
    mark = re.compile(r"\b(TO[D]O|FIX[M]E|X[X]X)\b")
    assert [
        f"{path.relative_to(ROOT)}:{number}"
        for path in committed_text()
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1)
        if mark.search(line)
    ] == []


def test_no_text_names_a_registry_or_a_place_on_somebodys_machine() -> None:
    hosts = r"pypi[.]org|pythonhosted[.]org|npmjs[.]org"
    places = r"/(work|root)/|/(home|Users)/[a-z]"
    odd = re.compile(rf"({hosts})|(?<![\w.}}])({places})")
    assert [
        f"{path.relative_to(ROOT)}:{number}: {line.strip()[:80]}"
        for path in committed_text()
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1)
        if odd.search(line)
    ] == []


@pytest.mark.parametrize("part", ["shared", "tenant"])
def test_the_schema_has_both_parts_at_their_newest_version(part: str) -> None:
    [(version, sql)] = pending_steps(part, None)
    assert version == latest_version(part)
    other = "{schema}." if part == "shared" else "create table nightdesk."
    assert "create table" in sql
    assert other not in sql


async def test_a_tenants_schema_has_every_table_and_its_role_may_use_just_these(
    database: Database, tenants: Tenants
) -> None:
    await tenants.add("acme", "Acme")
    [(_, tenant_sql)] = pending_steps("tenant", None)
    [(_, shared_sql)] = pending_steps("shared", None)
    tables = set(re.findall(r"create table \{schema\}\.(\w+)", tenant_sql))
    shared = set(re.findall(r"create table nightdesk\.(\w+)", shared_sql))
    assert tables >= {"listings", "reservations", "turns", "decisions", "outbox", "cases"}
    assert await _tables_of(database, "t_acme") == tables
    assert await _tables_of(database, "nightdesk") == shared
    async with database.shared().transaction() as conn:
        rows = await conn.fetch(
            """select schemaname || '.' || tablename as name from pg_tables
               where has_schema_privilege('t_acme', schemaname, 'usage')
                 and schemaname not in ('pg_catalog', 'information_schema')
                 and has_table_privilege('t_acme', schemaname || '.' || tablename, 'select')"""
        )
    assert {row["name"] for row in rows} == {f"t_acme.{name}" for name in tables} | {
        "nightdesk.wake"
    }


async def _tables_of(database: Database, schema: str) -> set[str]:
    async with database.shared().transaction() as conn:
        rows = await conn.fetch("select tablename from pg_tables where schemaname = $1", schema)
        return {row["tablename"] for row in rows}
