"""Every command of the command line, named for one company, with ids that the other has too.

The commands are taken from the command line itself: one without a case here fails.
"""

import asyncio
from pathlib import Path

import click
import pytest
from click.testing import CliRunner, Result

from app.cli import NOUNS, nightdesk
from app.keys import new_key
from tests.paths.twins import Twin, Twins

pytestmark = pytest.mark.asyncio(loop_scope="session")
BOTH = pytest.mark.parametrize("who", ["alder", "birch"])
ME, OTHER, MINE, THEIRS, FOLDER = "<me>", "<other>", "<account>", "<other account>", "<folder>"
MY_NUMBER, THEIR_NUMBER = "<number>", "<other number>"
COMMANDS: dict[str, list[list[str]]] = {
    "calls list": [[ME], [ME, "--json", "--limit", "5"]],
    "calls show": [[ME, "CA-call"], [ME, "CA-call", "--json"], [ME, "999"]],
    "cases list": [[ME, "--all"], [ME, "--json"]],
    "cases show": [[ME, "1"], [ME, "1", "--json"], [ME, "99"]],
    "cases take": [[ME, "1", "--as", "Ola"]],
    "cases reply": [[ME, "1", "On my way.", "--as", "Ola"]],
    "cases resolve": [[ME, "1", "--as", "Ola"]],
    "decisions": [[ME, "1"], [ME, "2", "--json"], [ME, "99"]],
    "drafts list": [[ME], [ME, "--json"]],
    "drafts send": [[ME, "3"], [ME, "99"]],
    "drafts drop": [[ME, "3"], [ME, "99"]],
    "hotline list": [[ME], [ME, "--json"]],
    "hotline add": [
        [ME, "+48221110000", "--name", "Second"],
        [ME, THEIR_NUMBER, "--name", "Mine"],
    ],
    "hotline set": [
        [ME, MY_NUMBER, "--language", "pl"],
        [ME, MY_NUMBER, "--language", "en"],
        [ME, THEIR_NUMBER, "--name", "Mine"],
    ],
    "hotline remove": [[ME, THEIR_NUMBER], [ME, "+48221110000"]],
    "hotline carrier": [
        [ME, "--account-sid", f"AC-{OTHER}", "--local"],
        [ME, "--account-sid", f"AC-{ME}", "--local"],
    ],
    "runs": [["--tenant", ME], ["--tenant", ME, "--failed", "--json"]],
    "runs revive": [[ME]],
    "tenant show": [[ME], [ME, "--json"]],
    "tenant mode": [[ME, "draft"], [ME, "on"]],
    "tenant set": [[ME, "chat.window_other_s=7"], [ME, "chat.window_other_s="]],
    "tenant export": [[ME, FOLDER]],
    "tenant import": [[FOLDER], [FOLDER, "--id", ME]],
    "tenant account": [[ME, "--external-id", THEIRS], [ME, "--external-id", MINE]],
    "tenant slack": [[ME, "--team", f"T{THEIRS}"], [ME, "--team", f"T{MINE}"]],
    "tenant secret": [[ME]],
}
"""Command → what it is tried with."""
OF_THE_HOUSE = {
    "tenant add": "makes a third company",
    "tenant list": "shows every company's name to the house's administrator",
    "tenant remove": "ends a third company",
    "key new": "knows no company",
    "key rotate": "closes every company's values anew: tried in test_rotation.py",
    "settings check": "knows no company",
}
"""Command that is not one company's → why."""


def every_command() -> set[str]:
    found = set()
    for noun in NOUNS:
        command = nightdesk.get_command(click.Context(nightdesk), noun)
        if isinstance(command, click.Group):
            found |= {f"{noun} {name}" for name in command.commands}
            found |= {noun} if command.invoke_without_command else set()
        else:
            found.add(noun)
    return found


async def test_every_command_has_its_case() -> None:
    assert every_command() == set(COMMANDS) | set(OF_THE_HOUSE)


def _type(twins: Twins, twin: Twin, arguments: list[str]) -> Result:
    environment = {
        **twins.environment, "NIGHTDESK_CLIENT_SECRET": "secret",
        "SLACK_BOT_TOKEN": f"xoxb-{twin.name}", "NIGHTDESK_TENANT_OPENAI_KEY": f"key-{twin.name}",
        "NIGHTDESK_CARRIER_TOKEN": f"token-{twin.name}",
    }  # fmt: skip
    return CliRunner().invoke(nightdesk, arguments, env=environment, prog_name="nightdesk")


@BOTH
@pytest.mark.parametrize("command", COMMANDS)
async def test_a_command_for_one_company_shows_and_changes_nothing_of_the_other(
    twins: Twins, command: str, who: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    me, other = twins.pair(who)
    folder = _folder(tmp_path_factory, me)
    words = {
        ME: me.name, OTHER: other.name, MINE: str(me.account_id), THEIRS: str(other.account_id),
        FOLDER: str(folder), MY_NUMBER: me.hotline, THEIR_NUMBER: other.hotline,
    }  # fmt: skip
    before, asked = await twins.rows(other), len(await twins.outside(other))
    for arguments in COMMANDS[command]:
        given = [_filled(word, words) for word in arguments]
        result = await asyncio.to_thread(_type, twins, me, [*command.split(), *given])
        assert result.exit_code in (0, 1), result.output
        assert result.exception is None or isinstance(result.exception, SystemExit)
        me.heard.append(result.output)
    for path in folder.rglob("*") if folder.exists() else ():
        me.heard += [path.read_text()] if path.is_file() else []
    await twins.quiet()
    assert await twins.rows(other) == before
    assert len(await twins.outside(other)) == asked
    assert await twins.hits(me, other) == []


def _filled(word: str, words: dict[str, str]) -> str:
    for name, value in words.items():
        word = word.replace(name, value)
    return word


def _folder(factory: pytest.TempPathFactory, me: Twin) -> Path:
    """One folder a company: what it exports is what it imports."""
    return factory.getbasetemp() / f"twin-{me.name}"


async def test_commands_of_the_house_leave_both_companies_as_they_are(twins: Twins) -> None:
    pair = (twins.alder, twins.birch)
    before = [await twins.rows(twin) for twin in pair]
    number = "+48221112222"
    for arguments in (
        ["tenant", "add", "cedar", "--name", "Cedar"],
        ["hotline", "add", "cedar", number, "--name", "Cedar"],
        ["hotline", "carrier", "cedar", "--account-sid", "AC-cedar", "--local"],
        ["tenant", "list"], ["settings", "check"],
        ["key", "new"], ["tenant", "remove", "cedar", "--yes"],
    ):  # fmt: skip
        result = await asyncio.to_thread(_type, twins, twins.alder, arguments)
        assert result.exit_code == 0, result.output
    await twins.quiet()
    assert [await twins.rows(twin) for twin in pair] == before
    async with asyncio.timeout(10):
        while twins.product.snapshot.find(number) is not None:
            await asyncio.sleep(0.02)


async def test_a_command_with_another_key_shows_nothing_of_anybody(twins: Twins) -> None:
    environment = twins.environment | {"NIGHTDESK_ENCRYPTION_KEYS": new_key()}
    for twin in (twins.alder, twins.birch):
        result = await asyncio.to_thread(
            CliRunner().invoke, nightdesk, ["cases", "show", twin.name, "1"], env=environment
        )
        assert result.exit_code in (0, 1)
        assert twin.door_code not in result.output


async def test_what_is_typed_about_a_number_is_known_at_once_where_it_rings(twins: Twins) -> None:
    number, snapshot = "+48221119999", twins.product.snapshot

    async def typed(*arguments: str) -> None:
        result = await asyncio.to_thread(_type, twins, twins.alder, ["hotline", *arguments])
        assert result.exit_code == 0, result.output

    async def until(name: str | None, language: str | None) -> None:
        async with asyncio.timeout(10):
            while True:
                found = snapshot.find(number)
                if (found and found.name, found and found.language) == (name, language):
                    return
                await asyncio.sleep(0.02)

    await typed("add", "alder", number, "--name", "Loft", "--language", "en")
    await until("Loft", "en")
    await typed("set", "alder", number, "--name", "Attic", "--language", "pl")
    await until("Attic", "pl")
    await typed("remove", "alder", number)
    await until(None, None)
