"""Wires that are listened to: whatever a process sends to a server passes here and is kept."""

import asyncio
from collections.abc import Awaitable, Callable

Upstream = Callable[[], Awaitable[tuple[asyncio.StreamReader, asyncio.StreamWriter]]]
CHUNK = 65_536


class Wire:
    """A port on loopback that hands everything on to a server, and keeps what was sent to it."""

    def __init__(self, upstream: Upstream) -> None:
        self._upstream = upstream
        self._server: asyncio.Server | None = None
        self._said: list[bytearray] = []
        self.port = 0

    async def open(self) -> "Wire":
        """Begin to listen."""
        self._server = await asyncio.start_server(self._join, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def close(self) -> None:
        """Take no more connections; those there are end by themselves."""
        if self._server is not None:
            self._server.close()

    @property
    def said(self) -> bytes:
        """What was sent, one connection after the other."""
        return b"\n".join(bytes(said) for said in self._said)

    async def _join(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        said = bytearray()
        self._said.append(said)
        try:
            server_reader, server_writer = await self._upstream()
        except OSError:
            writer.close()
            return
        await asyncio.gather(
            _carry(reader, server_writer, said.extend), _carry(server_reader, writer, len)
        )


async def _carry(
    reader: asyncio.StreamReader,
    writer: asyncio.StreamWriter,
    keep: Callable[[bytes], object],
) -> None:
    try:
        while chunk := await reader.read(CHUNK):
            keep(chunk)
            writer.write(chunk)
            await writer.drain()
    except (ConnectionError, OSError):
        pass
    finally:
        writer.close()


def to_port(port: int) -> Upstream:
    """A server on a port of this machine."""
    return lambda: asyncio.open_connection("127.0.0.1", port)


def to_socket(path: str) -> Upstream:
    """A server behind a socket file."""
    return lambda: asyncio.open_unix_connection(path)
