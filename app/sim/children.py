"""Processes that the story starts: followed through their log, ended by their own id."""

import asyncio
import contextlib
import os
import signal
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

_END_S = 25.0
"""How long a child may drain before it is killed."""
_LOOK_S = 0.02
_LEFT_BEHIND = ("postmaster.pid", "*.pid")
"""Files in which embedded servers write their process id, first line."""


class ChildEnded(Exception):
    """A process that should run has ended, or one that should end well has not."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """A command that ran to its end."""

    status: int
    output: str
    took_s: float


class Child:
    """One process in a session of its own, so that Ctrl-C reaches only the story."""

    def __init__(self, name: str, process: asyncio.subprocess.Process, log: Path) -> None:
        self.name = name
        self.log = log
        self._process = process

    @classmethod
    async def start(
        cls, name: str, command: Sequence[str], environment: Mapping[str, str], *, log: Path
    ) -> "Child":
        """Start it; everything it says goes into the log."""
        with log.open("ab") as output:
            process = await asyncio.create_subprocess_exec(
                *command,
                env=dict(environment),
                stdin=asyncio.subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,
            )
        return cls(name, process, log)

    @property
    def pid(self) -> int:
        """Its process id."""
        return self._process.pid

    @property
    def is_alive(self) -> bool:
        """Whether it still runs."""
        return self._process.returncode is None

    def must_live(self) -> None:
        """Go on only while it runs.

        Raises:
            ChildEnded: it does not.
        """
        if not self.is_alive:
            raise ChildEnded(f"{self.name} ended with status {self._process.returncode}")

    async def ended(self) -> int:
        """Its exit status, once it has one."""
        return await self._process.wait()

    async def end(self, within_s: float = _END_S) -> int:
        """Ask it to end, kill it when it does not; gives its exit status."""
        if self.is_alive:
            with contextlib.suppress(ProcessLookupError):
                self._process.send_signal(signal.SIGTERM)
            try:
                await asyncio.wait_for(self._process.wait(), within_s)
            except TimeoutError:
                with contextlib.suppress(ProcessLookupError):
                    self._process.kill()
        return await self._process.wait()

    def tail(self, lines: int = 20) -> list[str]:
        """The last lines of its log."""
        if not self.log.exists():
            return []
        return self.log.read_text(encoding="utf-8", errors="replace").splitlines()[-lines:]


async def run(
    command: Sequence[str], environment: Mapping[str, str], *, within_s: float = 60.0
) -> Ended:
    """A command's status and words.

    Raises:
        ChildEnded: it did not end in time.
    """
    began = time.monotonic()
    process = await asyncio.create_subprocess_exec(
        *command,
        env=dict(environment),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
        start_new_session=True,
    )
    try:
        output, _ = await asyncio.wait_for(process.communicate(), within_s)
    except TimeoutError as problem:
        raise ChildEnded(f"{command[0]} did not end within {within_s:.0f} s") from problem
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    text = output.decode(errors="replace").strip()
    return Ended(status=process.returncode or 0, output=text, took_s=time.monotonic() - began)


def left_behind(folder: Path) -> list[int]:
    """Processes whose id files stand below a data folder and that still live."""
    found: list[int] = []
    servers = (folder / "servers").resolve()
    for pattern in _LEFT_BEHIND:
        for file in sorted(servers.rglob(pattern)) if servers.is_dir() else ():
            first = file.read_text(errors="replace").partition("\n")[0].strip()
            if first.isdigit() and _lives(int(first)) and int(first) not in found:
                found.append(int(first))
    return found


async def end_left_behind(folder: Path, within_s: float = 5.0) -> None:
    """End the servers that a killed product left running in its data folder."""
    pids = left_behind(folder)
    for number in (signal.SIGINT, signal.SIGKILL):
        for pid in pids:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.kill(pid, number)
        until = time.monotonic() + within_s
        while time.monotonic() < until:
            pids = [pid for pid in pids if _lives(pid)]
            if not pids:
                return
            await asyncio.sleep(_LOOK_S)


def _lives(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
