"""How the story sees what happens."""

from collections.abc import AsyncIterator

import aiohttp
import pytest

from app.sim.witness import NotSeen, Witness, rows_of


async def lines(*given: bytes) -> AsyncIterator[bytes]:
    for line in given:
        yield line


async def test_events_are_read_and_comments_are_not() -> None:
    stream = lines(b": hello\n", b"\n", b"id: 1\n", b'data: {"type": "turn"}\n', b"\n")
    assert [row async for row in rows_of(stream)] == [{"type": "turn"}]


async def test_what_does_not_come_is_named() -> None:
    async with aiohttp.ClientSession() as http:
        witness = Witness(http, "http://127.0.0.1:1")
        with pytest.raises(NotSeen, match="a reply: not within"):
            await witness.until(lambda: None, "a reply", 0.1)


async def test_what_has_come_is_given_at_once() -> None:
    async with aiohttp.ClientSession() as http:
        witness = Witness(http, "http://127.0.0.1:1")
        assert await witness.until(lambda: "here", "a reply", 0.1) == "here"


async def test_a_page_that_nobody_serves_does_not_answer() -> None:
    async with aiohttp.ClientSession() as http:
        assert not await Witness(http, "").answers("http://127.0.0.1:1/readyz")
