"""The embedded PostgreSQL and Valkey: started, adopted and stopped where no URL is configured.

One app owns a data directory, by an exclusive lock on `<data_dir>/app.lock`; a command line beside
it connects by `running_urls`. Only unix sockets are used. Windows is not supported.
"""

import asyncio
import fcntl
import json
import logging
import os
from dataclasses import dataclass
from pathlib import Path

from app.embedded_place import SYSTEM_DIR, Place, prepare_place, write_private
from app.embedded_process import ServerProcess, ServerProgram, is_server
from app.embedded_programs import (
    database_url,
    postgres,
    postgres_bin_dir,
    prepare_database,
    redis_url,
    valkey,
)
from app.errors import BadInput, Conflict

PUBLISHED = "servers.json"
"""Below the data directory while the servers run: their URLs and how to recognise them."""

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerUrls:
    """How to reach the servers, passwords included; none for a server that was not wanted."""

    database_url: str | None
    redis_url: str | None


class EmbeddedServers:
    """The servers of one data directory, owned by this process from `start` to `stop`."""

    def __init__(
        self,
        *,
        data_dir: Path,
        postgres_bin_dir: Path | None,
        redis_bin: Path | None,
        wants_postgres: bool,
        wants_redis: bool,
        system_dir: Path = SYSTEM_DIR,
    ) -> None:
        self._data_dir = data_dir.absolute()
        self._configured_bin = postgres_bin_dir
        self._redis_bin = redis_bin
        self._wants_postgres = wants_postgres
        self._wants_redis = wants_redis
        self._system_dir = system_dir
        self._lock: int | None = None
        self._urls = ServerUrls(database_url=None, redis_url=None)
        self._processes: list[ServerProcess] = []
        self._turn = asyncio.Lock()
        """Held by whoever starts, restarts or stops servers."""

    async def start(self) -> ServerUrls:
        """Take the data directory and have the servers run; their URLs once they answer.

        Servers that a killed app left behind are adopted, data that they left are recovered.

        Raises:
            BadInput: the directory, the programs or the data in it cannot be used.
            Conflict: another process owns the directory.
            Unavailable: a server ended instead of answering.
        """
        async with self._turn:
            self._lock = _take_lock(self._data_dir)
            try:
                self._urls = await self._start_all()
                self._publish()
            except OSError as exc:
                await self._stop_all()
                raise BadInput(f"cannot use {self._data_dir}: {exc}") from exc
            except BaseException:
                await self._stop_all()
                raise
            return self._urls

    async def stop(self) -> None:
        """Stop the servers, started or adopted, and give the data directory free.

        Close connection pools first: PostgreSQL ends open connections.
        """
        async with self._turn:
            await self._stop_all()

    async def ensure(self) -> list[str]:
        """Start again what has died since `start`; the names of those, usually none.

        To be called every few seconds while the app runs. The URLs stay the same, so pools find
        the new server by themselves. After `stop` it does nothing.

        Raises:
            Unavailable: a server does not come back; the next call tries again.
        """
        async with self._turn:
            if self._lock is None:
                return []
            dead = [process for process in self._processes if not process.is_alive]
            for process in dead:
                logger.error("embedded server died", extra={"server": process.program.name})
                await process.start()
            if dead:
                self._publish()
            return [process.program.name for process in dead]

    async def _start_all(self) -> ServerUrls:
        place = await asyncio.to_thread(prepare_place, self._data_dir, system_dir=self._system_dir)
        database: str | None = None
        redis: str | None = None
        if self._wants_postgres:
            bin_dir, major = await asyncio.to_thread(postgres_bin_dir, place, self._configured_bin)
            password = await prepare_database(place, bin_dir, major)
            await self._start_one(postgres(place, bin_dir), place)
            database = database_url(place, password)
        if self._wants_redis:
            await self._start_one(await asyncio.to_thread(valkey, place, self._redis_bin), place)
            redis = redis_url(place)
        return ServerUrls(database_url=database, redis_url=redis)

    async def _start_one(self, program: ServerProgram, place: Place) -> None:
        process = ServerProcess(program, place.account)
        self._processes.append(process)
        await process.start()

    async def _stop_all(self) -> None:
        try:
            for process in self._processes:
                await process.stop()
            self._processes = []
        finally:
            if self._lock is not None:
                (self._data_dir / PUBLISHED).unlink(missing_ok=True)
                os.close(self._lock)
                self._lock = None

    def _publish(self) -> None:
        """Tell a command line beside us where the servers are."""
        known = {
            "database_url": self._urls.database_url,
            "redis_url": self._urls.redis_url,
            "servers": [{"pid": each.pid, "mark": each.program.mark} for each in self._processes],
        }
        write_private(self._data_dir / PUBLISHED, json.dumps(known))


def running_urls(data_dir: Path) -> ServerUrls | None:
    """The URLs of the servers that run for a data directory; none where they do not run.

    Takes no lock and starts nothing. Servers whose app was killed count as running.

    Raises:
        BadInput: the directory belongs to another account.
    """
    try:
        known = json.loads((data_dir / PUBLISHED).read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    except OSError as exc:
        raise BadInput(f"cannot read {data_dir}: {exc.strerror}; run as the app's account") from exc
    if not all(is_server(each["pid"], each["mark"]) for each in known["servers"]):
        return None
    return ServerUrls(database_url=known["database_url"], redis_url=known["redis_url"])


def _take_lock(data_dir: Path) -> int:
    """The descriptor that holds the data directory for us; the kernel frees it when we end."""
    try:
        data_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
        lock = os.open(data_dir / "app.lock", os.O_RDWR | os.O_CREAT, 0o600)
    except OSError as exc:
        raise BadInput(f"cannot use {data_dir} as data directory: {exc.strerror}") from exc
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as exc:
        owner = os.pread(lock, 20, 0).decode() or "unknown"
        os.close(lock)
        raise Conflict(
            f"process {owner} uses {data_dir}; end it first, or choose another data directory"
        ) from exc
    os.ftruncate(lock, 0)
    os.pwrite(lock, str(os.getpid()).encode(), 0)
    return lock
