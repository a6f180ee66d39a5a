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

from app.embedded import EmbeddedServers, running_urls
from app.settings import load_settings

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
        shell.says("tenant", "set", "acme", "chat.window_other_s=8")
        assert "acme  on" in shell.says("tenant", "list")
        assert running_urls(shell.folder) is not None, "the app still has its servers"
        shell.says("tenant", "remove", "acme", "--yes")
        refused = shell.run("tenant", "mode", "acme", "off")
    finally:
        asyncio.run(servers.stop())
    assert (refused.returncode, refused.stdout) == (1, "")
    assert refused.stderr == "nightdesk: there is no tenant 'acme'\n"


def test_a_database_that_is_away_is_one_line(shell: Shell) -> None:
    shell.environment["NIGHTDESK_DATABASE_URL"] = f"postgresql:///none?host={shell.folder}"
    refused = shell.run("tenant", "list")
    assert refused.returncode == 2
    assert "NIGHTDESK_ENCRYPTION_KEYS" in refused.stderr
    shell.environment["NIGHTDESK_ENCRYPTION_KEYS"] = shell.says("key", "new").strip()
    away = shell.run("tenant", "list")
    assert (away.returncode, away.stderr) == (1, "nightdesk: the database cannot be reached\n")


def test_a_configured_database_needs_no_data_directory(database_url: str, shell: Shell) -> None:
    shell.environment["NIGHTDESK_DATABASE_URL"] = database_url
    shell.environment["NIGHTDESK_ENCRYPTION_KEYS"] = shell.says("key", "new").strip()
    assert load_settings(None, shell.environment).data.dir == shell.folder
    shell.says("tenant", "add", "acme", "--name", "Acme Stays")
    assert not shell.folder.exists()
