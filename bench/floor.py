"""The floor of the webhook: a minimal Starlette app that parses JSON and inserts one row.

`python -m bench.floor DSN PORT`: uvicorn with uvloop in a process of its own, asyncpg's pool as it
comes, one statement a request, which is a transaction. The row has the inbox's columns and size.
`/explicit` does the same between `begin` and `commit`.
"""

import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import asyncpg
import orjson
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

TABLE = """create table if not exists public.bench_floor (
    id bigint generated always as identity primary key, account_id bigint not null,
    event text not null, dedupe_key text not null unique, envelope jsonb not null,
    sealed bytea, received_at timestamptz not null default now(), trace_parent text)"""
INSERT = """insert into public.bench_floor
    (account_id, event, dedupe_key, envelope, sealed, trace_parent)
    values ($1, 'message', $2, $3, $4, $5)"""
NAMES = (
    "id", "conversationId", "reservationId", "listingMapId", "channelId", "isIncoming", "date",
    "communicationType", "communicationId", "communicationEvent", "status", "insertedOn",
)  # fmt: skip
TRACE_PARENT = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
"""As long as any."""


def main(dsn: str, port: int) -> None:
    pools: list[asyncpg.Pool[asyncpg.Record]] = []

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        async with asyncpg.create_pool(dsn) as pool:
            await pool.execute(TABLE)
            pools.append(pool)
            yield

    async def values(request: Request) -> tuple[int, str, str, bytes, str]:
        data = orjson.loads(await request.body())["data"]
        envelope = orjson.dumps({name: data[name] for name in NAMES}).decode()
        sealed = str(data["body"]).encode() + b"." * 160  # what encryption adds
        return 1, f"message:1:{data['id']}", envelope, sealed, TRACE_PARENT

    async def one_statement(request: Request) -> Response:
        await pools[0].execute(INSERT, *await values(request))
        return JSONResponse({"status": "stored"})

    async def explicit(request: Request) -> Response:
        row = await values(request)
        async with pools[0].acquire() as connection, connection.transaction():
            await connection.execute(INSERT, *row)
        return JSONResponse({"status": "stored"})

    app = Starlette(
        lifespan=lifespan,
        routes=[
            Route("/one", one_statement, methods=["POST"]),
            Route("/explicit", explicit, methods=["POST"]),
        ],
    )
    uvicorn.run(app, host="127.0.0.1", port=port, log_config=None, access_log=False, loop="uvloop")


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
