"""The life of a server process, shown with small shell programs."""

import os
import signal
from pathlib import Path

import pytest

from app.embedded_process import Account, ServerProcess, ServerProgram, is_server, pid_in
from app.errors import Unavailable

OURS = Account(uid=os.geteuid(), gid=os.getegid(), is_other=False)


def make_process(folder: Path, script: str) -> ServerProcess:
    """A server that is ready when it has written `ready` into the folder."""
    program = ServerProgram(
        name="shell",
        command=("/bin/sh", "-c", script, "sh", str(folder)),
        mark=str(folder),
        pid_file=folder / "pid",
        socket=folder / "ready",
        log=folder / "log",
        clear_remains=lambda: (folder / "ready").unlink(missing_ok=True),
        is_ready=lambda pid: _exists(folder / "ready"),
        stop_signals=((signal.SIGTERM, 0.2), (signal.SIGKILL, 5.0)),
    )
    return ServerProcess(program, OURS)


async def _exists(path: Path) -> bool:
    return path.is_file()  # noqa: ASYNC240


async def test_process_that_ignores_the_friendly_signal_is_killed(tmp_path: Path) -> None:
    script = "trap '' TERM; touch $1/ready; while true; do sleep 0.05; done"
    process = make_process(tmp_path, script)
    await process.start()
    pid = process.pid
    assert pid is not None
    assert process.is_alive
    await process.stop()
    assert not process.is_alive
    assert not is_server(pid, str(tmp_path))


async def test_process_that_ends_at_its_start_is_quoted(tmp_path: Path) -> None:
    process = make_process(tmp_path, "echo the disk is full; exit 3")
    with pytest.raises(Unavailable, match="shell did not start: the disk is full"):
        await process.start()


async def test_earlier_words_of_the_log_are_not_quoted(tmp_path: Path) -> None:
    (tmp_path / "log").write_text("old trouble\n")
    process = make_process(tmp_path, "exit 3")
    with pytest.raises(Unavailable, match="it said nothing"):
        await process.start()


async def test_server_sees_none_of_our_keys(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NIGHTDESK_ENCRYPTION_KEYS", "very-secret")
    process = make_process(tmp_path, "env; exit 1")
    with pytest.raises(Unavailable) as caught:
        await process.start()
    assert "PATH=" in str(caught.value)
    assert "very-secret" not in str(caught.value)


async def test_failing_program_is_quoted(tmp_path: Path) -> None:
    with pytest.raises(Unavailable, match="sh failed: no room"):
        await OURS.run(["/bin/sh", "-c", "echo no room; exit 1"], log=tmp_path / "log")


async def test_program_reads_what_it_is_given(tmp_path: Path) -> None:
    await OURS.run(["/bin/cat"], log=tmp_path / "log", given=b"some words")
    assert (tmp_path / "log").read_text() == "some words"


def test_other_process_is_not_taken_for_a_server() -> None:
    assert not is_server(os.getpid(), "-D /nowhere/postgres")


@pytest.mark.parametrize(("text", "pid"), [("17\n/data\n", 17), ("", None), ("no\n", None)])
def test_process_id_is_the_first_line_of_its_file(
    tmp_path: Path, text: str, pid: int | None
) -> None:
    (tmp_path / "pid").write_text(text)
    assert pid_in(tmp_path / "pid") == pid
