"""The store on PostgreSQL, for many processes: row locks, a transaction a unit, a doorbell between replicas."""

from __future__ import annotations

import asyncio
import os
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import psycopg
from psycopg import errors
from psycopg.pq import TransactionStatus
from sqlalchemy import create_engine, make_url
from sqlalchemy.pool import NullPool

from bot.model import StoreFault, Visit
from bot.stores import migrations
from bot.stores.doorbell import LINE, Doorbell
from bot.stores.prepared import Prepared, Row, Tx
from bot.stores.seal import Chance, Lock, Safe, kept_secret
from bot.stores.sql import SqlStore, now_utc
from bot.stores.statements import events, rotate

T = TypeVar("T")
WRITERS, READERS = 8, 4  # threads, each with a connection of its own
_WAITS = (0.05, 0.2, 0.5, 1.0)  # seconds before a unit is done anew that is known not to have happened
_MIGRATING = 7272741  # the advisory lock under which one process migrates while the others wait
_OPTIONS = "-c timezone=UTC -c lock_timeout=10s -c statement_timeout=60s -c idle_in_transaction_session_timeout=60s"


class PostgresqlTx:
    """A transaction on one connection in pipeline mode: what asks nothing back waits for nothing."""

    __slots__ = ("_connection", "left", "safe", "told", "touched", "wipe")

    def __init__(self, connection: psycopg.Connection[Row], safe: Safe) -> None:
        self._connection, self.safe = connection, safe
        self.told, self.wipe = 0, False
        self.touched: set[str] = set()
        self.left: Visit | None = None  # said, and not kept: another replica may write

    def one(self, statement: Prepared, values: Mapping[str, Any]) -> Row | None:
        rows = self._execute(statement, values).fetchall()
        return rows[0] if rows else None

    def all(self, statement: Prepared, values: Mapping[str, Any]) -> list[Row]:
        return self._execute(statement, values).fetchall()

    def run(self, statement: Prepared, values: Mapping[str, Any]) -> None:
        self._execute(statement, values)

    def many(self, statement: Prepared, rows: Sequence[Mapping[str, Any]]) -> None:
        text, own = statement.postgresql
        with self._connection.cursor() as cursor:
            cursor.executemany(text, [{**own, **row} for row in rows])

    def lock(self, conversation: str, wrapped: bytes) -> Lock:
        return self.safe.lock(conversation, wrapped)

    def _execute(self, statement: Prepared, values: Mapping[str, Any]) -> psycopg.Cursor[Row]:
        text, own = statement.postgresql
        return self._connection.execute(text, {**own, **values})


class PostgresqlStore(SqlStore):
    """`url` is postgresql://…; `data` is where an empty secret is made and kept. All replicas need the same secret."""

    def __init__(
        self,
        url: str,
        *,
        data: Path = Path("data"),
        secret: str = "",
        previous: Sequence[str] = (),
        clock: Callable[[], datetime] = now_utc,
        chance: Chance = os.urandom,
    ) -> None:
        super().__init__(data, clock, chance)
        self.url = plain_url(url)
        self._secret, self._previous = secret, previous
        self._writers = ThreadPoolExecutor(WRITERS, "store-writer")
        self._readers = ThreadPoolExecutor(READERS, "store-reader")
        self._mine = threading.local()
        self._opened: list[psycopg.Connection[Row]] = []
        self._safe: Safe | None = None
        self._doorbell: Doorbell | None = None

    async def start(self) -> None:
        self._loop = asyncio.get_running_loop()
        await self._loop.run_in_executor(self._writers, self._prepare)
        self._doorbell = Doorbell(self.url, self.hub, self._loop)
        self._doorbell.start()

    async def close(self) -> None:
        self.hub.close()
        loop = asyncio.get_running_loop()
        if self._doorbell is not None:
            await loop.run_in_executor(None, self._doorbell.stop)
            self._doorbell = None
        await loop.run_in_executor(None, partial(self._writers.shutdown, wait=True))
        await loop.run_in_executor(None, partial(self._readers.shutdown, wait=True))
        for connection in self._opened:
            connection.close()
        self._opened.clear()
        self._safe = None

    async def write(self, work: Callable[[Tx], T]) -> T:
        if self._safe is None:
            raise StoreFault("the store is not open")
        result, touched = await asyncio.get_running_loop().run_in_executor(self._writers, self._write, work)
        if touched:
            self.hub.ring(touched)
            if self._doorbell is not None:
                self._doorbell.ring(touched)
        return result

    async def read(self, work: Callable[[Tx], T]) -> T:
        if self._safe is None:
            raise StoreFault("the store is not open")
        return await asyncio.get_running_loop().run_in_executor(self._readers, self._read, work)

    async def backup(self, path: Path) -> dict[str, int]:
        from bot.stores.copying import to_file

        assert self._safe is not None
        return await asyncio.get_running_loop().run_in_executor(None, to_file, self.url, path, self._safe)

    # ── in a thread ──

    def _write(self, work: Callable[[Tx], T]) -> tuple[T, set[str]]:
        for wait in (*_WAITS, None):
            committing = False
            try:
                connection = self._connection()
                with connection.pipeline() as pipeline:
                    connection.execute("BEGIN")
                    assert self._safe is not None
                    tx = PostgresqlTx(connection, self._safe)
                    result = work(tx)
                    committing = True  # if anything in the pipeline failed, the server skips the commit and says so
                    done = connection.execute("COMMIT")
                    pipeline.sync()
                if done.statusmessage != "COMMIT":
                    raise StoreFault(f"the database answered {done.statusmessage!r} to a commit")
                return result, tx.touched
            except (errors.DeadlockDetected, errors.SerializationFailure, errors.LockNotAvailable) as error:
                self._roll_back()
                if wait is None:
                    raise StoreFault(f"the database is overloaded ({_first_line(error)}): try again") from None
                time.sleep(wait / 10)
            except psycopg.OperationalError as error:
                self._drop()
                if committing:
                    raise StoreFault(
                        "the database went away in the middle of a commit: repeat it with the same client id"
                    ) from None
                if wait is None:
                    raise StoreFault(
                        f"the database does not answer ({_first_line(error)}): check HANDRAIL_DATABASE_URL"
                    ) from None
                time.sleep(wait)
            except psycopg.Error as error:
                self._roll_back()
                raise StoreFault(f"the database refused it ({_first_line(error)})") from error
            except BaseException:
                self._roll_back()
                raise
        raise AssertionError("the last round raises or returns")

    def _read(self, work: Callable[[Tx], T]) -> T:
        for wait in (*_WAITS, None):
            try:
                connection = self._connection()
                assert self._safe is not None
                with connection.pipeline():
                    connection.execute("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")
                    result = work(PostgresqlTx(connection, self._safe))
                    connection.execute("COMMIT")
                return result
            except psycopg.OperationalError as error:
                self._drop()
                if wait is None:
                    raise StoreFault(
                        f"the database does not answer ({_first_line(error)}): check HANDRAIL_DATABASE_URL"
                    ) from None
                time.sleep(wait)
            except BaseException:
                self._roll_back()
                raise
        raise AssertionError("the last round raises or returns")

    def _connection(self) -> psycopg.Connection[Row]:
        connection: psycopg.Connection[Row] | None = getattr(self._mine, "connection", None)
        if connection is None or connection.closed:
            connection = self._mine.connection = connect(self.url)
            self._opened.append(connection)
        return connection

    def _roll_back(self) -> None:
        connection: psycopg.Connection[Row] | None = getattr(self._mine, "connection", None)
        if connection is None:
            return
        try:
            if connection.info.transaction_status is not TransactionStatus.IDLE:
                connection.execute("ROLLBACK")
        except psycopg.Error:
            self._drop()

    def _drop(self) -> None:
        connection: psycopg.Connection[Row] | None = getattr(self._mine, "connection", None)
        if connection is not None:
            self._mine.connection = None
            self._opened.remove(connection)
            connection.close()

    def _prepare(self) -> None:
        """Under a lock that the database holds: one process migrates, the others wait and find it done."""
        try:
            with connect(self.url) as connection:
                connection.execute("SET statement_timeout = 0; SET lock_timeout = 0")
                connection.execute("SELECT pg_advisory_lock(%s)", (_MIGRATING,))
                there = _is_there(connection, "conversations")
                secret = self._secret
                if not secret and there and not (self.folder / "secret.key").exists():
                    raise StoreFault(f"{self.folder}/secret.key is missing: put it back, or set HANDRAIL_SECRET_KEY")
                self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
                self._safe = Safe(secret or kept_secret(self.folder, self._chance), self._previous, self._chance)
                if there:
                    rotate.open_safe(PostgresqlTx(connection, self._safe), make=False)
                migrate(self.url, connection)
                connection.execute(events.START_COUNT)
                rotate.open_safe(PostgresqlTx(connection, self._safe), make=True)
        except psycopg.OperationalError as error:
            raise StoreFault(
                f"the database does not answer ({_first_line(error)}): check HANDRAIL_DATABASE_URL"
            ) from None
        except psycopg.Error as error:
            raise StoreFault(f"the database refused it ({_first_line(error)})") from None
        except OSError as error:
            raise StoreFault(f"{self.folder}: {error.strerror}") from None


def connect(url: str) -> psycopg.Connection[Row]:
    return psycopg.connect(url, autocommit=True, options=_OPTIONS, prepare_threshold=2, **LINE)


def plain_url(url: str) -> str:
    """Without SQLAlchemy's driver name: psycopg reads it itself."""
    scheme, colon, rest = url.partition(":")
    return "postgresql" + colon + rest if scheme.split("+")[0] in ("postgres", "postgresql") else url


def migrate(url: str, connection: psycopg.Connection[Row]) -> None:
    """The schema at HEAD. The caller holds the lock."""
    now = None
    if _is_there(connection, "alembic_version"):
        row = connection.execute("SELECT version_num FROM alembic_version").fetchone()
        now = row[0] if row else None
    if not migrations.needed(now, "the database"):
        return
    engine = create_engine(make_url(url).set(drivername="postgresql+psycopg"), poolclass=NullPool)
    with engine.begin() as transaction:
        migrations.upgrade(transaction)


def _is_there(connection: psycopg.Connection[Row], table: str) -> bool:
    row = connection.execute("SELECT to_regclass(%s) IS NOT NULL", (table,)).fetchone()
    return bool(row and row[0])


def _first_line(error: Exception) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0]
