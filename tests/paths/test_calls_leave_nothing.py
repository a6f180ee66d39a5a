"""Calls come and go, heard out or cut short: nothing stays. `bench calls` does a hundred."""

import asyncpg

from app.embedded import ServerUrls
from app.keys import new_key
from bench.calls import calls, left
from bench.voice_server import served


async def test_calls_leave_no_task_no_socket_no_file_and_no_object(embedded_urls: ServerUrls):
    admin = await asyncpg.connect(embedded_urls.database_url or "")
    await admin.execute("drop database if exists calls with (force)")
    await admin.execute("create database calls")
    await admin.close()
    database_url = (embedded_urls.database_url or "").replace("/nightdesk?", "/calls?")
    settings = {
        "NIGHTDESK_DATABASE_URL": database_url,
        "NIGHTDESK_REDIS_URL": embedded_urls.redis_url or "",
        "NIGHTDESK_ENCRYPTION_KEYS": new_key(),
    }
    async with served(0, settings) as (_, port):
        url = f"ws://127.0.0.1:{port}/ws"
        await calls(url, 3, 3, "warm")
        before = await left()
        await calls(url, 6, 3, "call")
        after = await left()
    assert after.alive == {}
    assert after.tasks <= before.tasks
    assert after.descriptors <= before.descriptors
    assert after.sockets <= before.sockets
