# ruff: noqa: S603
# The programs started here are this interpreter and our own console script.
"""The real console script: with servers of its own, and beside an app that holds them."""

import asyncio
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from app.cli.connection import connected
from app.embedded import EmbeddedServers, running_urls
from app.settings import load_settings
from tests.cli.conftest import Terminal

NIGHTDESK = Path(sys.executable).with_name("nightdesk")


class Shell:
    """Runs the console script with a data directory of its own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.environment = {
            **{name: value for name, value in os.environ.items() if "NIGHTDESK" not in name},
            "NIGHTDESK_DATA__DIR": str(folder),
        }

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [NIGHTDESK, *arguments],
            cwd=self.folder.parent,
            env=self.environment,
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )

    def says(self, *arguments: str) -> str:
        done = self.run(*arguments)
        assert done.returncode == 0, done.stderr
        return done.stdout


@pytest.fixture
def shell() -> Iterator[Shell]:
    folder = Path(tempfile.mkdtemp(prefix="nightdesk-test-")) / "data"
    folder.parent.chmod(0o755)
    yield Shell(folder)
    shutil.rmtree(folder.parent, ignore_errors=True)


def test_the_console_script_works_with_and_beside_an_app(shell: Shell) -> None:
    assert "off" in shell.says("tenant", "add", "acme", "--name", "Acme Stays")
    assert running_urls(shell.folder) is None, "the command has stopped what it started"

    servers = EmbeddedServers(
        data_dir=shell.folder,
        postgres_bin_dir=None,
        redis_bin=None,
        wants_postgres=True,
        wants_redis=False,
    )
    asyncio.run(servers.start())
    try:
        shell.says("tenant", "mode", "acme", "on")
        assert "acme  on" in shell.says("tenant", "list")
        shell.says("tenant", "remove", "acme", "--yes")
        assert running_urls(shell.folder) is not None, "the app still has its servers"
    finally:
        asyncio.run(servers.stop())


def test_a_database_that_is_away_is_one_line(terminal: Terminal, tmp_path: Path) -> None:
    away = terminal.type(
        *("tenant", "list"),
        NIGHTDESK_DATABASE_URL=f"postgresql:///none?host={tmp_path}",
        NIGHTDESK_DATA__DIR=str(tmp_path / "data"),
    )
    assert (away.exit_code, away.stdout) == (1, "")
    assert away.stderr == "nightdesk: the database cannot be reached\n"
    assert not (tmp_path / "data").exists(), "a configured database needs no data directory"


def test_an_external_database_needs_a_key(terminal: Terminal) -> None:
    refused = terminal.type("tenant", "list", NIGHTDESK_ENCRYPTION_KEYS="")
    assert refused.exit_code == 2
    assert "make a key with `nightdesk key new`" in refused.stderr


async def test_a_command_waits_until_other_processes_were_told(terminal: Terminal) -> None:
    told: list[str] = []

    async with connected(load_settings(None, terminal.environment)) as desk:

        async def tell() -> None:
            for _ in range(3):
                async with desk.database.shared().transaction() as conn:
                    await conn.fetchval("select 1")
            told.append("news")

        desk.background.spawn("notify", tell())
    assert told == ["news"]
