"""The ceilings of tests/bench/load.py: plain ASGI under the same server, a commit, and nothing else.

`plain`: two rows. SQLite: WAL, synchronous FULL, one thread that commits what has gathered. PostgreSQL: a transaction of
their own, from as many threads as the plug has. `same`: the very commit that a message makes, by our own store (sealed
message, conversation, memory, event), each client in a conversation of its own.
"""

from __future__ import annotations

import asyncio
import json
import os
import sqlite3
import sys
import threading
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path
from queue import SimpleQueue
from typing import Any

import uvicorn
import uvloop

THREADS = 8
SECRET = "0123456789abcdef" * 4  # the benchmark's own
Keep = Callable[[bytes], Awaitable[None]]


def sqlite_keeper(folder: Path) -> Keep:
    waiting: SimpleQueue[tuple[asyncio.AbstractEventLoop, asyncio.Future[None], bytes]] = SimpleQueue()

    def write() -> None:
        db = sqlite3.connect(folder / "echo.sqlite", isolation_level=None)
        db.executescript("PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; CREATE TABLE m (id INTEGER PRIMARY KEY, body BLOB)")
        while True:
            group = [waiting.get()]
            while not waiting.empty() and len(group) < 200:
                group.append(waiting.get())
            db.execute("BEGIN IMMEDIATE")
            db.executemany("INSERT INTO m (body) VALUES (?)", [(b,) for _, _, b in group for _ in range(2)])
            db.execute("COMMIT")
            for loop, done, _ in group:
                loop.call_soon_threadsafe(done.set_result, None)

    threading.Thread(target=write, daemon=True).start()

    async def keep(body: bytes) -> None:
        loop = asyncio.get_running_loop()
        done = loop.create_future()
        waiting.put((loop, done, body))
        await done

    return keep


def postgresql_keeper(url: str) -> Keep:
    import psycopg

    mine, pool = threading.local(), ThreadPoolExecutor(THREADS)
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("CREATE TABLE IF NOT EXISTS echo (id bigserial PRIMARY KEY, body bytea)")

    def write(body: bytes) -> None:
        if not hasattr(mine, "connection"):
            mine.connection = psycopg.connect(url, autocommit=True, prepare_threshold=2)
        with mine.connection.pipeline():
            mine.connection.execute("BEGIN")
            for _ in range(2):
                mine.connection.execute("INSERT INTO echo (body) VALUES (%s)", (body,))
            mine.connection.execute("COMMIT")

    async def keep(body: bytes) -> None:
        await asyncio.get_running_loop().run_in_executor(pool, write, body)

    return keep


async def same_keeper(where: str, folder: Path) -> Keep:
    """The store's own transaction for a message that nobody answers (a person has the conversation)."""
    from bot import settings
    from bot.model import Author, Conversation, Draft, Kind, Memory, Owner, Turn, Verdict
    from bot.stores import open_store
    from bot.stores.sql import now_utc

    url = where if where.startswith("postgresql") else ""
    store = open_store(settings.read(data=folder, database_url=url, secret_key=SECRET), now_utc)
    await store.start()
    first, versions = (Draft(Author.BOT, Kind.DISCLOSURE, "hello"),), dict[str, int]()

    async def keep(body: bytes) -> None:
        said = json.loads(body)
        talk = said["talk"]
        if talk not in versions:
            at = now_utc()
            opened = Conversation(talk, "en", "US", "bench", Owner.BOT, 0, 0, at)
            await store.open(opened, os.urandom(32), at + timedelta(days=1), first, Memory())
            visit = await store.visit(talk)
            assert visit is not None
            versions[talk] = visit.version
        await store.record(Turn(talk, versions[talk], 0, now_utc(), said["text"], Verdict(), (), Memory()))
        versions[talk] += 1

    return keep


def application(keep: Keep) -> Any:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] != "http":
            return
        body = (await receive())["body"]
        await keep(body)
        await send({"type": "http.response.start", "status": 201, "headers": [(b"content-length", str(len(body)).encode())]})
        await send({"type": "http.response.body", "body": body})

    return app


async def main() -> None:
    """PORT, a folder or a postgresql:// address, and for `same` a folder."""
    port, where = int(sys.argv[1]), sys.argv[2]
    if len(sys.argv) > 3:
        keep = await same_keeper(where, Path(sys.argv[3]))
    else:
        keep = postgresql_keeper(where) if where.startswith("postgresql") else sqlite_keeper(Path(where))
    config = uvicorn.Config(application(keep), port=port, log_level="error", access_log=False, lifespan="off")
    await uvicorn.Server(config).serve()


if __name__ == "__main__":
    uvloop.run(main())
