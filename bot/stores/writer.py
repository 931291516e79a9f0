"""SQLite's one writer: a thread that commits what has gathered as one group, each unit in a savepoint of its own."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import sqlite3
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from queue import SimpleQueue
from typing import Any

from bot.model import Stale, StoreFault, Visit
from bot.stores.hub import Hub
from bot.stores.prepared import Prepared, Row
from bot.stores.recent import Recent
from bot.stores.seal import Lock, Safe

GROUP = 256  # units in one commit, at most
Work = Callable[["SqliteTx"], Any]


class SqliteTx:
    """A transaction on one sqlite3 connection."""

    __slots__ = ("_cursor", "left", "safe", "stirred", "told", "touched", "wipe")

    def __init__(self, connection: sqlite3.Connection, safe: Safe) -> None:
        self._cursor, self.safe = connection.cursor(), safe
        self.told, self.wipe = 0, False
        self.touched: set[str] = set()
        self.left: Visit | None = None
        self.stirred = False  # visits may have changed that are not in `touched`

    def one(self, statement: Prepared, values: Mapping[str, Any]) -> Row | None:
        rows = self.all(statement, values)
        return rows[0] if rows else None

    def all(self, statement: Prepared, values: Mapping[str, Any]) -> list[Row]:
        self.run(statement, values)
        return self._cursor.fetchall()

    def run(self, statement: Prepared, values: Mapping[str, Any]) -> None:
        text, own = statement.sqlite
        self.stirred |= statement.stirs
        self._cursor.execute(text, {**own, **values} if own else values)

    def many(self, statement: Prepared, rows: Sequence[Mapping[str, Any]]) -> None:
        text, own = statement.sqlite
        self.stirred |= statement.stirs
        self._cursor.executemany(text, [{**own, **row} for row in rows] if own else rows)

    def lock(self, conversation: str, wrapped: bytes) -> Lock:
        return self.safe.lock(conversation, wrapped)

    def close(self) -> None:
        self._cursor.close()


@dataclass(slots=True)
class _Unit:
    work: Work
    done: asyncio.Future[Any]
    result: Any = None
    error: BaseException | None = None
    tx: SqliteTx | None = None  # what it did, closed; None while it has done nothing that stands


class Writer:
    """Takes units from the event loop's thread; their futures are set only after the COMMIT."""

    def __init__(
        self, connection: sqlite3.Connection, safe: Safe, hub: Hub, recent: Recent, loop: asyncio.AbstractEventLoop
    ) -> None:
        self._connection, self._safe, self._hub, self._recent, self._loop = connection, safe, hub, recent, loop
        self._waiting: SimpleQueue[_Unit | None] = SimpleQueue()  # None: the last there will be
        self._closing = self._wipe = False
        self._thread = threading.Thread(target=self._run, name="store-writer", daemon=True)

    def start(self) -> None:
        self._thread.start()

    async def do(self, work: Work) -> Any:
        if self._closing:
            raise StoreFault("the store is closed")
        unit = _Unit(work, self._loop.create_future())
        self._waiting.put(unit)
        return await unit.done

    async def close(self) -> None:
        """Commits what is waiting, then ends."""
        self._closing = True
        self._waiting.put(None)
        if self._thread.is_alive():
            await self._loop.run_in_executor(None, self._thread.join)

    def _run(self) -> None:
        while group := self._gathered():
            changes = self._commit(group)
            if self._loop.is_closed():
                continue
            self._loop.call_soon_threadsafe(self._answer, group, changes)

    def _gathered(self) -> list[_Unit]:
        """Waits for one, and takes what has come by then; none when it closes."""
        unit, group = self._waiting.get(), list[_Unit]()
        while unit is not None:
            group.append(unit)
            if len(group) == GROUP or self._waiting.empty():
                return group
            unit = self._waiting.get()
        self._waiting.put(None)  # what came before it is done first
        return group

    def _answer(self, group: list[_Unit], changes: frozenset[str] | None) -> None:
        touched = set[str]()
        for unit in group:
            if isinstance(unit.error, (Stale, StoreFault)) or (unit.tx and unit.tx.stirred):
                self._recent.forget()  # what is remembered may not be what stands
            elif unit.tx and unit.tx.touched:
                self._recent.changed(unit.tx.touched, unit.tx.left)
            if unit.tx:
                touched |= unit.tx.touched
            if unit.done.done():  # the caller went away: what was committed stands
                continue
            if unit.error is not None:
                unit.done.set_exception(unit.error)
            else:
                unit.done.set_result(unit.result)
        self._recent.settled(changes)
        if touched:
            self._hub.ring(touched)

    def _commit(self, group: list[_Unit]) -> frozenset[str] | None:
        """One transaction for all. A unit that fails is rolled back alone; when the commit fails, all of them fail.
        The conversations that it may have changed; None: any."""
        changes: frozenset[str] | None = frozenset()
        try:
            if not self._all(group, apart=False):
                self._connection.execute("ROLLBACK")
                self._all(group, apart=True)
            done = [unit.tx for unit in group if unit.tx]
            changes = None if any(tx.stirred for tx in done) else frozenset().union(*(tx.touched for tx in done))
            self._recent.changing(changes)
            self._connection.execute("COMMIT")
            if self._wipe:
                self._empty_the_log()
        except sqlite3.Error as error:
            self._abandon()
            failure = fault(error)
            for unit in group:
                if unit.error is None or isinstance(unit.error, StoreFault):
                    unit.result, unit.error, unit.tx = None, failure, None
        return changes

    def _all(self, group: list[_Unit], *, apart: bool) -> bool:
        """Begins a transaction and does them all, `apart`: each in a savepoint. Hardly ever does one fail that has written
        something; without savepoints they must all be done anew then: False."""
        connection = self._connection
        connection.execute("BEGIN IMMEDIATE")
        for unit in group:
            before = connection.total_changes
            if apart:
                connection.execute("SAVEPOINT unit")
            self._do(unit)
            if unit.error is not None:
                if not connection.in_transaction:
                    raise sqlite3.OperationalError("the transaction was lost") from unit.error
                if apart:
                    connection.execute("ROLLBACK TO unit")
                elif connection.total_changes != before:
                    return False
            if apart:
                connection.execute("RELEASE unit")
        return True

    def _do(self, unit: _Unit) -> None:
        tx = SqliteTx(self._connection, self._safe)
        unit.error = unit.tx = None  # it may be done anew
        try:
            unit.result = unit.work(tx)
        except sqlite3.OperationalError:
            raise  # full, gone or read-only: nothing of this group can be promised
        except BaseException as error:  # noqa: BLE001  # handed to the caller, who alone knows what it means
            unit.error = error
        else:
            unit.tx = tx
            self._wipe |= tx.wipe
        finally:
            tx.close()  # it goes to another thread, also in an error: a cursor that ends there resets a statement in use here

    def _empty_the_log(self) -> None:
        """Older forms of the pages are in the log until it is emptied. A reader may be in the way: then after the next."""
        with contextlib.suppress(sqlite3.Error):  # the group is committed, whatever happens here
            self._connection.execute("PRAGMA busy_timeout = 0")
            (in_the_way, *_) = self._connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
            self._wipe = bool(in_the_way)
            self._connection.execute("PRAGMA busy_timeout = 5000")

    def _abandon(self) -> None:
        try:
            if self._connection.in_transaction:
                self._connection.execute("ROLLBACK")
        except sqlite3.Error:
            pass


def fault(error: sqlite3.Error | OSError, where: str = "") -> StoreFault:
    """What to do about it, in one line."""
    at = f"{where}: " if where else ""
    if isinstance(error, OSError):
        if error.errno == errno.ENOSPC:
            return StoreFault(f"{at}the disk is full: make room; nothing that was acknowledged is lost")
        return StoreFault(
            f"{at}{error.strerror or error}: the data folder must be writable by the user who runs handrail"
        )
    text = str(error)
    if "full" in text:
        return StoreFault(f"{at}the disk is full: make room; nothing that was acknowledged is lost")
    if "disk I/O" in text:
        return StoreFault(
            f"{at}the disk does not take the data: look at its space and health; nothing acknowledged is lost"
        )
    if "readonly" in text or "unable to open" in text:
        return StoreFault(f"{at}the database cannot be written ({text}): check the data folder's rights and its disk")
    if "malformed" in text or "not a database" in text:
        return StoreFault(f"{at}the database file is damaged ({text}): restore a backup with `handrail restore FILE`")
    return StoreFault(f"{at}the database answers {text!r}")
