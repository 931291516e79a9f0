"""The default store: one SQLite file, one process, one writer, nothing acknowledged before it is on disk."""

from __future__ import annotations

import asyncio
import os
import sqlite3
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import TypeVar

from bot.model import Receipt, StoreFault, Visit
from bot.stores import backup as backups
from bot.stores import migrations
from bot.stores.folder import FolderLock
from bot.stores.prepared import Tx
from bot.stores.recent import Recent
from bot.stores.seal import Chance, Safe, kept_secret, sync_folder
from bot.stores.sql import SqlStore, now_utc
from bot.stores.statements import conversations, deliveries, rotate
from bot.stores.writer import SqliteTx, Writer, fault

T = TypeVar("T")
FILE = "handrail.sqlite"
_READERS = 4


class SqliteStore(SqlStore):
    """`path` is the data folder. An empty secret is made once, and kept there in secret.key."""

    def __init__(
        self,
        path: Path,
        *,
        secret: str = "",
        previous: Sequence[str] = (),
        clock: Callable[[], datetime] = now_utc,
        chance: Chance = os.urandom,
    ) -> None:
        super().__init__(path, clock, chance)
        self.file = path / FILE
        self._secret, self._previous = secret, previous
        self._lock = FolderLock(path)
        self._readers = ThreadPoolExecutor(_READERS, "store-reader")
        self._mine = threading.local()
        self._copying = threading.Lock()
        self._recent = Recent()
        self._opened: list[sqlite3.Connection] = []
        self._writer: Writer | None = None
        self._safe: Safe | None = None

    async def start(self) -> None:
        loop = asyncio.get_running_loop()
        await loop.run_in_executor(self._readers, self._prepare)
        assert self._safe is not None
        self._connection = self._open_writer()
        self._writer = Writer(self._connection, self._safe, self.hub, self._recent, loop)
        self._writer.start()
        await self.write(deliveries.let_go)

    async def close(self) -> None:
        self.hub.close()
        if self._writer is not None:
            await self._writer.close()
        self._recent.forget()
        self._readers.shutdown(wait=True)
        for connection in self._opened:
            connection.close()
        self._opened.clear()
        if self._writer is not None:
            self._connection.close()  # last, so that only the writer ever checkpoints
            self._writer = None
        self._lock.release()

    async def write(self, work: Callable[[Tx], T]) -> T:
        if self._writer is None:
            raise StoreFault("the store is not open")
        result: T = await self._writer.do(work)
        return result

    async def read(self, work: Callable[[Tx], T]) -> T:
        if self._writer is None:
            raise StoreFault("the store is not open")
        return await asyncio.get_running_loop().run_in_executor(self._readers, self._read, work)

    async def visit_of(self, token_digest: bytes, now: datetime) -> Visit | None:
        if (known := self._recent.of_token(token_digest, now)) is not None:
            return known
        changes = self._recent.changes
        found = await self.read(partial(conversations.of_token, digest=token_digest, now=now))
        if found is None:
            return None
        visit, until = found
        self._recent.token(token_digest, visit.conversation.id, until)
        self._recent.read(visit, changes)
        return visit

    async def visit(self, conversation: str) -> Visit | None:
        if (known := self._recent.visit(conversation)) is not None:
            return known
        changes = self._recent.changes
        found = await super().visit(conversation)
        if found is not None:
            self._recent.read(found, changes)
        return found

    async def erase(self, conversation: str, at: datetime, by: str) -> Receipt:
        """Also written to erased.log beside the database, so that a backup restored later forgets it too."""
        receipt = await super().erase(conversation, at, by)
        await asyncio.get_running_loop().run_in_executor(None, backups.note_erased, self.folder, receipt)
        return receipt

    async def backup(self, path: Path) -> dict[str, int]:
        return await asyncio.get_running_loop().run_in_executor(None, self._backup, path)

    def _backup(self, path: Path) -> dict[str, int]:
        assert self._safe is not None
        with self._copying:  # one at a time: the file of keys must be the newest copy's
            return backups.copy_sqlite(self.file, path, self._safe)

    def _read(self, work: Callable[[Tx], T]) -> T:
        assert self._safe is not None
        connection: sqlite3.Connection | None = getattr(self._mine, "connection", None)
        try:
            if connection is None:
                connection = self._mine.connection = reader(self.file)
                self._opened.append(connection)
            connection.execute("BEGIN")
            try:
                return work(SqliteTx(connection, self._safe))
            finally:
                connection.execute("ROLLBACK")
        except sqlite3.Error as error:
            raise fault(error, str(self.file)) from None

    def _prepare(self) -> None:
        self._lock.take()
        try:
            self._unlock_and_migrate()
        except sqlite3.Error as error:
            self._lock.release()
            raise fault(error, str(self.file)) from None
        except OSError as error:
            self._lock.release()
            raise fault(error, str(self.folder)) from None
        except BaseException:
            self._lock.release()
            raise

    def _unlock_and_migrate(self) -> None:
        fresh = not self.file.exists()
        secret = self._secret
        if not secret and not fresh and not (self.folder / "secret.key").exists():
            missing = f"{self.folder}/secret.key is missing: put it back, or set HANDRAIL_SECRET_KEY"
            raise StoreFault(f"{missing}; nothing was changed")
        self._safe = Safe(secret or kept_secret(self.folder, self._chance), self._previous, self._chance)
        if not fresh and self.file.stat().st_size:
            self._check_key(self._safe)
        migrations.file_to_head(self.file)
        with migrations.plain(self.file) as connection:
            connection.execute("BEGIN IMMEDIATE")
            rotate.open_safe(SqliteTx(connection, self._safe), make=True)
            connection.execute("COMMIT")
        sync_folder(
            self.folder
        )  # the file is there, and the journal it was set up with is gone, also after a power cut

    def _check_key(self, safe: Safe) -> None:
        """Before anything is written: a wrong secret changes nothing. Not read-only: after a power cut the log must be
        taken in first, which a read-only connection may not do."""
        connection = sqlite3.connect(f"file:{self.file}?mode=rw", uri=True, isolation_level=None)
        try:
            there = connection.execute("SELECT count(*) FROM sqlite_master WHERE name = 'meta'").fetchone()[0]
            if there:
                rotate.open_safe(SqliteTx(connection, safe), make=False)
        finally:
            connection.close()

    def _open_writer(self) -> sqlite3.Connection:
        connection = sqlite3.connect(self.file, isolation_level=None, check_same_thread=False, cached_statements=512)
        connection.executescript(
            "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON; PRAGMA secure_delete = ON;"
            "PRAGMA busy_timeout = 5000; PRAGMA journal_size_limit = 67108864; PRAGMA cache_size = -32000;"
            "PRAGMA temp_store = MEMORY"
        )
        return connection


def reader(file: Path) -> sqlite3.Connection:
    """A connection that can neither write nor checkpoint: older SQLite may lose writes when two connections do."""
    connection = sqlite3.connect(
        f"file:{file}?mode=ro", uri=True, isolation_level=None, check_same_thread=False, cached_statements=256
    )
    connection.executescript(
        "PRAGMA query_only = ON; PRAGMA busy_timeout = 5000; PRAGMA wal_autocheckpoint = 0; PRAGMA cache_size = -8000"
    )
    return connection
