# Every program started here is given by full path, with arguments of our own making.
"""The life of a server that runs beside us: its account, its start or adoption, its end.

Knows nothing of PostgreSQL or Valkey; `app.embedded` describes them as `ServerProgram`. A server
outlives a killed app on purpose (a session of its own, no pipe to us): the next start adopts it.
"""

import asyncio
import contextlib
import logging
import os
import signal
import subprocess
import tempfile
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from app.errors import Unavailable

POLL_S = 0.01
"""How often a starting or stopping program is looked at, in seconds."""
TRIAL_S = 30
"""A program that cannot say its version in so many seconds is no use."""
MISSING_SOCKET_S = 2.0
"""An adopted server whose socket is absent for so many seconds is of no use and is replaced."""
ORPHANS_S = 10.0
"""How long the last backends of a killed PostgreSQL may take to notice it, in seconds."""
ORPHANS_TEXT = "pre-existing shared memory block"
"""What PostgreSQL says while such backends live. Source: PostgreSQL 18, its start-up messages."""
LOG_BYTES = 5_000_000
"""A server's log larger than this is put aside at the next start."""
LOG_TAIL_BYTES = 2_000
"""How much of a log an error quotes."""
INHERITED = ("PATH", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH")
"""All that a server sees of our environment, which holds keys."""

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """The operating system's account that servers run under."""

    uid: int
    gid: int
    is_other: bool
    """Whether it is not ours: we are root and change to it for every server."""

    def give(self, path: Path) -> None:
        """Make a file or folder that we have just created the account's own."""
        if self.is_other:
            os.chown(path, self.uid, self.gid, follow_symlinks=False)

    def can_enter(self, folder: Path) -> bool:
        """Whether the account may go into a folder, through all folders above it."""
        return self.output_of(["/bin/sh", "-c", 'cd "$1"', "sh", str(folder)]) is not None

    def output_of(self, command: Sequence[str]) -> str | None:
        """What a short program prints under this account; none where it fails or is unreachable."""
        try:
            done = subprocess.run(
                command,
                cwd="/",
                env=_environment(),
                capture_output=True,
                timeout=TRIAL_S,
                check=True,
                user=self.uid if self.is_other else None,
                group=self.gid if self.is_other else None,
                extra_groups=[] if self.is_other else None,
            )
        except (OSError, subprocess.SubprocessError):
            return None
        return done.stdout.decode(errors="replace").strip()

    def spawn(
        self, command: Sequence[str], *, log: Path, given: bytes = b""
    ) -> subprocess.Popen[bytes]:
        """Start a program in a session of its own, its words going to a log file.

        Plain `Popen`, because uvloop's own way of starting processes cannot change the account.
        """
        with open(log, "ab", opener=_open_private) as output, tempfile.TemporaryFile() as source:
            source.write(given)
            source.seek(0)
            return subprocess.Popen(
                command,
                cwd="/",
                env=_environment(),
                stdin=source,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                umask=0o077,
                user=self.uid if self.is_other else None,
                group=self.gid if self.is_other else None,
                extra_groups=[] if self.is_other else None,
            )

    async def run(self, command: Sequence[str], *, log: Path, given: bytes = b"") -> None:
        """Run a program to its end, without blocking the loop.

        Raises:
            Unavailable: it failed; the message ends with what it said.
        """
        said_from = _log_size(log)
        child = self.spawn(command, log=log, given=given)
        try:
            while True:
                if child.poll() is not None:
                    break
                await asyncio.sleep(POLL_S)
        finally:
            if child.poll() is None:
                os.killpg(child.pid, signal.SIGKILL)
                child.wait()
        if child.returncode != 0:
            raise Unavailable(f"{Path(command[0]).name} failed: {_log_tail(log, said_from)}")


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerProgram:
    """One server, described: how to start, recognise, question and stop it."""

    name: str
    command: tuple[str, ...]
    mark: str
    """Words of its command line that no other process has."""
    pid_file: Path
    """Written by the server itself; its first line is the process id."""
    socket: Path
    log: Path
    clear_remains: Callable[[], None]
    """Makes harmless what a dead server left; called only when none of ours lives."""
    is_ready: Callable[[int], Awaitable[bool]]
    """Whether the process of this id answers as a server should."""
    stop_signals: tuple[tuple[signal.Signals, float], ...]
    """What to send, and for how many seconds to wait after it, from friendly to final."""


class ServerProcess:
    """The process of one server: not yet started, running, or dead."""

    def __init__(self, program: ServerProgram, account: Account) -> None:
        self.program = program
        self.pid: int | None = None
        self._account = account
        self._child: subprocess.Popen[bytes] | None = None
        """None: the process was adopted, so it is not ours to wait for."""

    @property
    def is_alive(self) -> bool:
        """Whether the process that we started or adopted still runs."""
        if self._child is not None:
            return self._child.poll() is None
        return self.pid is not None and is_server(self.pid, self.program.mark)

    async def start(self) -> None:
        """Adopt a server left behind by a killed app, or start one; return when it answers.

        There is no time limit while the process lives: recovery takes as long as it takes.

        Raises:
            Unavailable: the process ended; the message closes with what it logged.
        """
        if await self._adopt():
            logger.info("embedded server adopted", extra={"server": self.program.name})
            return
        loop = asyncio.get_running_loop()
        orphans_until = loop.time() + ORPHANS_S
        while True:
            said_from = self._spawn()
            if await self._becomes_ready():
                return
            said = _log_tail(self.program.log, said_from)
            if ORPHANS_TEXT not in said or loop.time() > orphans_until:
                raise Unavailable(f"{self.program.name} did not start: {said}")
            await asyncio.sleep(10 * POLL_S)

    async def stop(self) -> None:
        """End the process, ever less gently, and wait until it is gone."""
        for number, patience_s in self.program.stop_signals:
            if not self.is_alive or self.pid is None:
                break
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.pid, number)
            if await self._ends_within(patience_s):
                break
            logger.warning(
                "embedded server does not stop at a signal",
                extra={"server": self.program.name, "signal": number.name},
            )
        self.pid, self._child = None, None

    async def _adopt(self) -> bool:
        """Whether a live server of ours was found, and answers."""
        pid = pid_in(self.program.pid_file)
        if pid is None or not is_server(pid, self.program.mark):
            return False
        self.pid, self._child = pid, None
        loop = asyncio.get_running_loop()
        socket_until = loop.time() + MISSING_SOCKET_S
        while self.is_alive and not self.program.socket.exists():
            if loop.time() > socket_until:
                await self.stop()
                return False
            await asyncio.sleep(POLL_S)
        return await self._becomes_ready()

    def _spawn(self) -> int:
        """Start the process; where in the log its words begin."""
        log = self.program.log
        if _log_size(log) > LOG_BYTES:
            log.replace(log.with_suffix(".log.1"))
        said_from = _log_size(log)
        try:
            self.program.clear_remains()
            self._child = self._account.spawn(self.program.command, log=log)
        except OSError as exc:
            raise Unavailable(f"{self.program.name} cannot be started: {exc}") from exc
        self.pid = self._child.pid
        return said_from

    async def _becomes_ready(self) -> bool:
        """True as soon as it answers, false when it died instead."""
        while self.is_alive and self.pid is not None:
            if await self.program.is_ready(self.pid):
                return True
            await asyncio.sleep(POLL_S)
        return False

    async def _ends_within(self, seconds: float) -> bool:
        loop = asyncio.get_running_loop()
        until = loop.time() + seconds
        while self.is_alive:
            if loop.time() > until:
                return False
            await asyncio.sleep(POLL_S)
        return True


def is_server(pid: int, mark: str) -> bool:
    """Whether a live process of this id carries the mark in its command line."""
    if Path("/proc/self/cmdline").exists():
        try:
            raw = Path(f"/proc/{pid}/cmdline").read_bytes()
        except OSError:
            return False
    else:
        raw = _listed_command(pid)
    words = raw.replace(b"\0", b" ").decode(errors="surrogateescape").strip()
    return f" {mark} " in f" {words} "


def _listed_command(pid: int) -> bytes:
    """A process's command line where there is no /proc (macOS)."""
    ps = ["/bin/ps", "-ww", "-o", "command=", "-p", str(pid)]
    try:
        return subprocess.run(ps, capture_output=True, check=False).stdout
    except OSError:
        return b""


def pid_in(pid_file: Path) -> int | None:
    """The process id a server wrote; none where the file is absent or not yet whole."""
    try:
        return int(pid_file.read_text(encoding="utf-8").split("\n", 1)[0])
    except (OSError, ValueError):
        return None


def _open_private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)


def _log_size(log: Path) -> int:
    return log.stat().st_size if log.exists() else 0


def _log_tail(log: Path, said_from: int) -> str:
    """The end of what was logged after so many bytes."""
    said = log.read_bytes()[said_from:] if log.exists() else b""
    return said[-LOG_TAIL_BYTES:].decode(errors="replace").strip() or "it said nothing"


def _environment() -> dict[str, str]:
    kept = {name: os.environ[name] for name in INHERITED if name in os.environ}
    return {"PATH": os.defpath, **kept, "LC_ALL": "C"}
