"""Processes of the story: started, read, ended by their own id."""

import os
import signal
import sys
from pathlib import Path

import pytest

from app.sim.children import Child, ChildEnded, left_behind, run

SLEEP = "import time; print('up', flush=True); time.sleep(60)"
DEAF = f"import signal; signal.signal(15, signal.SIG_IGN); {SLEEP}"


async def started(program: str, folder: Path) -> Child:
    command = [sys.executable, "-c", program]
    return await Child.start("a child", command, os.environ, log=folder / "child.log")


async def test_a_commands_words_and_status_are_given() -> None:
    done = await run([sys.executable, "-c", "print('hi'); raise SystemExit(3)"], os.environ)
    assert (done.status, done.output) == (3, "hi")


async def test_a_command_that_does_not_end_is_ended() -> None:
    with pytest.raises(ChildEnded, match="did not end"):
        await run([sys.executable, "-c", SLEEP], os.environ, within_s=0.3)


async def test_a_child_that_died_is_noticed_with_its_status(tmp_path: Path) -> None:
    child = await started("print('no port'); raise SystemExit(2)", tmp_path)
    await child.ended()
    with pytest.raises(ChildEnded, match="a child ended with status 2"):
        child.must_live()
    assert child.tail() == ["no port"]


async def test_a_child_is_ended_by_asking(tmp_path: Path) -> None:
    child = await started(SLEEP, tmp_path)
    assert child.is_alive
    assert await child.end() == -signal.SIGTERM
    assert not child.is_alive


async def test_a_child_that_does_not_listen_is_killed(tmp_path: Path) -> None:
    child = await started(DEAF, tmp_path)
    while child.tail() != ["up"]:
        child.must_live()
    assert await child.end(within_s=0.2) == -signal.SIGKILL
    assert not child.is_alive


async def test_a_child_that_has_ended_is_not_ended_again(tmp_path: Path) -> None:
    child = await started("pass", tmp_path)
    await child.ended()
    assert await child.end() == 0


async def test_servers_left_behind_are_found_by_their_id_files(tmp_path: Path) -> None:
    (tmp_path / "servers" / "postgres").mkdir(parents=True)
    child = await started(SLEEP, tmp_path)
    try:
        file = tmp_path / "servers" / "postgres" / "postmaster.pid"
        file.write_text(f"{child.pid}\n/somewhere\n")
        (tmp_path / "servers" / "broken.pid").write_text("not a number\n")
        assert left_behind(tmp_path) == [child.pid]
    finally:
        await child.end()
    assert left_behind(tmp_path) == []


def test_a_folder_without_servers_has_left_nothing(tmp_path: Path) -> None:
    assert left_behind(tmp_path) == []
