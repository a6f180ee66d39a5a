# The program started here is this interpreter.
"""The embedded servers, with real binaries: two lives on one directory, kills, adoption."""

import asyncio
import os
import shutil
import signal
import stat
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import asyncpg
import pytest
import redis.asyncio

from app.embedded import EmbeddedServers, ServerUrls, running_urls
from app.embedded_process import is_server
from app.errors import BadInput, Conflict, Unavailable

OWNER = """
import asyncio, os, sys
from pathlib import Path
import asyncpg, concurrent.futures.thread
from app.embedded import EmbeddedServers

async def own(servers):
    urls = await servers.start()
    conn = await asyncpg.connect(urls.database_url)
    print("started as", os.geteuid(), await conn.fetchval("SELECT 40 + 2"), flush=True)
    await conn.close()
    if sys.argv[2] == "stop":
        await servers.stop()
        print("stopped", flush=True)
    else:
        await asyncio.sleep(600)

folder = Path(sys.argv[1])
if sys.argv[2] == "stop" and os.geteuid() == 0:
    os.chown(folder, 65534, 65534)
    os.setgroups([])
    os.setgid(65534)
    os.setuid(65534)
asyncio.run(own(EmbeddedServers(
    data_dir=folder, postgres_bin_dir=None, redis_bin=None, wants_postgres=True, wants_redis=True
)))
"""
"""A process that starts the servers and then ends (as `nobody`, where it was root), or waits."""


def make_servers(data_dir: Path, *, wants_postgres: bool = True) -> EmbeddedServers:
    return EmbeddedServers(
        data_dir=data_dir,
        postgres_bin_dir=None,
        redis_bin=None,
        wants_postgres=wants_postgres,
        wants_redis=True,
    )


def pid_files(data_dir: Path) -> list[tuple[Path, str]]:
    home = (data_dir / "servers").resolve()
    postgres, valkey = home / "postgres", home / "valkey"
    return [
        (postgres / "postmaster.pid", f"-D {postgres}"),
        (valkey / "valkey.pid", f"{(home / 'run').resolve()}/vk.sock"),
    ]


def server_pids(data_dir: Path) -> list[int]:
    """Ids of the live servers of a data directory, PostgreSQL first."""
    pids = []
    for file, mark in pid_files(data_dir):
        if file.exists():
            pid = int(file.read_text().split("\n")[0])
            if is_server(pid, mark):
                pids.append(pid)
    return pids


def kill_child(pid: int) -> None:
    """Kill a server that this process started, and wait until it is dead (but not yet noticed)."""
    os.kill(pid, signal.SIGKILL)
    os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT)


async def until(claim: Callable[[], object]) -> None:
    while True:
        if claim():
            return
        await asyncio.sleep(0.001)


def open_folder() -> Path:
    """A new folder with no closed one above it, unlike pytest's own."""
    return Path(tempfile.mkdtemp(prefix="nd-test-"))


def end_servers(folder: Path) -> None:
    for pid in server_pids(folder):
        os.kill(pid, signal.SIGKILL)


def remove_folder(folder: Path) -> None:
    end_servers(folder)
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="module")
def made_once() -> Iterator[Path]:
    """A stopped data directory with one row and one key."""
    folder = open_folder()

    async def make() -> None:
        servers = make_servers(folder)
        urls = await servers.start()
        await run_sql(urls, "CREATE TABLE notes (word text)")
        await run_sql(urls, "INSERT INTO notes VALUES ('zażółć')")
        await set_key(urls, "kept", "yes")
        await servers.stop()

    asyncio.run(make())
    yield folder
    remove_folder(folder)


@pytest.fixture
def data_dir(made_once: Path) -> Iterator[Path]:
    """That directory; what a failed test left running there is ended."""
    yield made_once
    end_servers(made_once)


@pytest.fixture
def empty_dir() -> Iterator[Path]:
    folder = open_folder()
    yield folder
    remove_folder(folder)


async def run_sql(urls: ServerUrls, statement: str) -> object:
    """Run a statement; its first value."""
    conn = await asyncpg.connect(urls.database_url)
    try:
        return await conn.fetchval(statement)
    finally:
        await conn.close()


async def set_key(urls: ServerUrls, key: str, value: str) -> None:
    assert urls.redis_url is not None
    async with redis.asyncio.Redis.from_url(urls.redis_url) as client:
        await client.set(key, value)


async def get_key(urls: ServerUrls, key: str) -> object:
    assert urls.redis_url is not None
    async with redis.asyncio.Redis.from_url(urls.redis_url, decode_responses=True) as client:
        return await client.get(key)


def start_owner(data_dir: Path, then: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", OWNER, str(data_dir), then]
    root = Path(__file__).parent.parent
    return subprocess.Popen(command, cwd=root, stdout=subprocess.PIPE, text=True)


def kill_owner(owner: subprocess.Popen[str]) -> None:
    owner.kill()
    owner.communicate()


async def test_rows_and_keys_are_there_at_the_next_start(data_dir: Path) -> None:
    servers = make_servers(data_dir)
    urls = await servers.start()
    try:
        assert await run_sql(urls, "SELECT word FROM notes") == "zażółć"
        assert await get_key(urls, "kept") == "yes"
    finally:
        await servers.stop()


async def test_stop_leaves_no_server_behind(data_dir: Path) -> None:
    servers = make_servers(data_dir)
    await servers.start()
    pids = server_pids(data_dir)
    await servers.stop()
    assert len(pids) == 2
    assert server_pids(data_dir) == []


async def test_second_app_is_refused_and_told_who_owns_the_directory(data_dir: Path) -> None:
    servers = make_servers(data_dir)
    urls = await servers.start()
    try:
        with pytest.raises(Conflict, match=f"process {os.getpid()} uses {data_dir}"):
            await make_servers(data_dir).start()
        assert await run_sql(urls, "SELECT word FROM notes") == "zażółć"
    finally:
        await servers.stop()


async def test_killed_servers_are_started_again_with_all_that_was_committed(data_dir: Path) -> None:
    servers = make_servers(data_dir)
    urls = await servers.start()
    try:
        await run_sql(urls, "CREATE TABLE late AS SELECT 7 AS word")
        await set_key(urls, "late", "written")
        for pid in server_pids(data_dir):
            kill_child(pid)
        assert running_urls(data_dir) is None
        assert await servers.ensure() == ["PostgreSQL", "Valkey"]
        assert await run_sql(urls, "SELECT word FROM late") == 7
        assert await get_key(urls, "late") == "written"
        assert running_urls(data_dir) == urls
    finally:
        await servers.stop()


async def test_ensure_leaves_living_servers_alone(data_dir: Path) -> None:
    servers = make_servers(data_dir)
    await servers.start()
    try:
        pids = server_pids(data_dir)
        assert await servers.ensure() == []
        assert server_pids(data_dir) == pids
    finally:
        await servers.stop()


async def test_ensure_starts_nothing_after_stop(data_dir: Path) -> None:
    servers = make_servers(data_dir)
    await servers.start()
    await servers.stop()
    assert await servers.ensure() == []
    assert server_pids(data_dir) == []


async def test_start_after_app_and_servers_were_killed(data_dir: Path) -> None:
    owner = start_owner(data_dir, "wait")
    assert owner.stdout is not None
    assert await asyncio.to_thread(owner.stdout.readline) == f"started as {os.geteuid()} 42\n"
    for pid in server_pids(data_dir):
        os.kill(pid, signal.SIGKILL)
    kill_owner(owner)
    servers = make_servers(data_dir)
    try:
        assert await run_sql(await servers.start(), "SELECT word FROM notes") == "zażółć"
    finally:
        await servers.stop()


async def test_servers_of_a_killed_app_are_adopted_and_stopped(data_dir: Path) -> None:
    owner = start_owner(data_dir, "wait")
    assert owner.stdout is not None
    await asyncio.to_thread(owner.stdout.readline)
    beside = running_urls(data_dir)
    pids = server_pids(data_dir)
    kill_owner(owner)
    servers = make_servers(data_dir)
    urls = await servers.start()
    try:
        assert len(pids) == 2
        assert server_pids(data_dir) == pids
        assert urls == beside
        assert await run_sql(urls, "SELECT word FROM notes") == "zażółć"
        assert await get_key(urls, "kept") == "yes"
    finally:
        await servers.stop()
    assert server_pids(data_dir) == []


async def test_adopted_server_that_dies_is_started_again(data_dir: Path) -> None:
    owner = start_owner(data_dir, "wait")
    assert owner.stdout is not None
    await asyncio.to_thread(owner.stdout.readline)
    kill_owner(owner)
    servers = make_servers(data_dir)
    urls = await servers.start()
    try:
        os.kill(server_pids(data_dir)[1], signal.SIGKILL)
        await until(lambda: len(server_pids(data_dir)) == 1)
        assert await servers.ensure() == ["Valkey"]
        assert await get_key(urls, "kept") == "yes"
    finally:
        await servers.stop()


async def test_app_killed_while_it_makes_the_database_is_followed_by_a_whole_start(
    empty_dir: Path,
) -> None:
    owner = start_owner(empty_dir, "wait")
    await until(lambda: list(empty_dir.glob("servers/setup-*/postgres/base")))
    kill_owner(owner)
    servers = make_servers(empty_dir)
    try:
        assert await run_sql(await servers.start(), "SELECT current_database()") == "nightdesk"
        await servers.stop()
        await servers.start()
        assert list((empty_dir / "servers").glob("setup-*")) == []
    finally:
        await servers.stop()


async def test_app_killed_while_postgres_starts_is_followed_by_a_whole_start(
    data_dir: Path,
) -> None:
    owner = start_owner(data_dir, "wait")
    await until((data_dir / "servers/postgres/postmaster.pid").exists)
    kill_owner(owner)
    servers = make_servers(data_dir)
    try:
        assert await run_sql(await servers.start(), "SELECT word FROM notes") == "zażółć"
    finally:
        await servers.stop()


async def test_killed_postgres_is_not_replaced_while_a_backend_of_it_lives(data_dir: Path) -> None:
    servers = make_servers(data_dir)
    urls = await servers.start()
    conn = await asyncpg.connect(urls.database_url)
    backend = await conn.fetchval("SELECT pg_backend_pid()")
    log = data_dir / "servers" / "postgres.log"
    waited = "pre-existing shared memory block"
    before = log.read_text().count(waited)

    async def release_when_refused() -> bool:
        await until(lambda: log.read_text().count(waited) > before)
        was_dead = running_urls(data_dir) is None
        os.kill(backend, signal.SIGKILL)
        return was_dead

    try:
        os.kill(backend, signal.SIGSTOP)
        kill_child(server_pids(data_dir)[0])
        restarted, was_dead = await asyncio.gather(servers.ensure(), release_when_refused())
        assert (restarted, was_dead) == (["PostgreSQL"], True)
        assert await run_sql(urls, "SELECT 1") == 1
    finally:
        conn.terminate()
        await servers.stop()


async def test_process_ids_given_to_other_programs_do_not_hinder_a_start(data_dir: Path) -> None:
    folder, run = data_dir / "servers" / "postgres", data_dir / "servers" / "run"
    parent = os.getppid()
    facts = f"{parent}\n{folder}\n1\n5432\n{run}\n\n1 1\nready\n"
    (folder / "postmaster.pid").write_text(facts)
    (run / ".s.PGSQL.5432.lock").write_text(f"{parent}\n")
    (data_dir / "servers" / "valkey" / "valkey.pid").write_text(f"{parent}\n")
    servers = make_servers(data_dir)
    try:
        assert await run_sql(await servers.start(), "SELECT word FROM notes") == "zażółć"
    finally:
        await servers.stop()


async def test_ordinary_account_runs_the_servers_itself(empty_dir: Path) -> None:
    owner = start_owner(empty_dir, "stop")
    said, _ = await asyncio.to_thread(owner.communicate)
    uid = os.geteuid() or 65534
    assert said == f"started as {uid} 42\nstopped\n"
    assert (empty_dir / "servers" / "postgres").stat().st_uid == uid


async def test_urls_are_published_for_our_account_alone_and_only_while_servers_run(
    data_dir: Path,
) -> None:
    assert running_urls(data_dir) is None
    servers = make_servers(data_dir)
    urls = await servers.start()
    try:
        assert running_urls(data_dir) == urls
        assert stat.S_IMODE((data_dir / "servers.json").stat().st_mode) == 0o600
    finally:
        await servers.stop()
    assert running_urls(data_dir) is None


async def test_connection_without_the_password_is_refused(data_dir: Path) -> None:
    servers = make_servers(data_dir)
    urls = await servers.start()
    try:
        assert urls.database_url is not None
        head, _, tail = urls.database_url.partition("@")
        stranger = ServerUrls(
            database_url=head.rpartition(":")[0] + ":guess@" + tail, redis_url=urls.redis_url
        )
        with pytest.raises(asyncpg.InvalidPasswordError):
            await run_sql(stranger, "SELECT 1")
    finally:
        await servers.stop()


async def test_only_what_is_wanted_is_started(data_dir: Path) -> None:
    servers = make_servers(data_dir, wants_postgres=False)
    urls = await servers.start()
    try:
        assert urls.database_url is None
        assert await get_key(urls, "kept") == "yes"
        assert len(server_pids(data_dir)) == 1
    finally:
        await servers.stop()


async def test_server_that_will_not_start_is_quoted_and_the_directory_is_free_again(
    data_dir: Path,
) -> None:
    settings = data_dir / "servers" / "postgres" / "postgresql.auto.conf"
    settings.write_text("no_such_setting = 7\n")
    servers = make_servers(data_dir)
    with pytest.raises(Unavailable, match="no_such_setting"):
        await servers.start()
    settings.write_text("")
    urls = await servers.start()
    try:
        assert await run_sql(urls, "SELECT word FROM notes") == "zażółć"
    finally:
        await servers.stop()


async def test_unusable_data_directory_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(BadInput, match="file as data directory"):
        await make_servers(tmp_path / "file").start()
