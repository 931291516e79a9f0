"""The ceiling of tests/bench/load.py: plain ASGI under the same server, the same kind of commit, and nothing else.

SQLite: two rows a request, WAL, synchronous FULL, one thread that commits what has gathered. PostgreSQL: two rows in a
transaction of their own, from as many threads as the plug has.
"""

from __future__ import annotations

import asyncio
import sqlite3
import sys
import threading
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from queue import SimpleQueue
from typing import Any

THREADS = 8
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


def application(keep: Keep) -> Any:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] != "http":
            return
        body = (await receive())["body"]
        await keep(body)
        await send({"type": "http.response.start", "status": 201, "headers": [(b"content-length", str(len(body)).encode())]})
        await send({"type": "http.response.body", "body": body})

    return app


def main() -> None:
    """PORT, and a folder or a postgresql:// address."""
    import uvicorn

    port, where = int(sys.argv[1]), sys.argv[2]
    keep = postgresql_keeper(where) if where.startswith("postgresql") else sqlite_keeper(Path(where))
    uvicorn.run(application(keep), port=port, log_level="error", access_log=False, lifespan="off", loop="uvloop")


if __name__ == "__main__":
    main()
