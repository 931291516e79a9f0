"""Which store: the setting's scheme is the plug's name. And the moves between stores."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Protocol

from bot.model import StoreFault
from bot.stores.folder import FolderLock
from bot.stores.seal import Safe, kept_secret
from bot.stores.sql import SqlStore, now_utc

NAMES = ("sqlite", "postgresql")


class Chosen(Protocol):
    """What of the settings decides on the store."""

    @property
    def data(self) -> Path: ...
    @property
    def database_url(self) -> str: ...
    @property
    def secret_key(self) -> str: ...
    @property
    def previous_secret_keys(self) -> str: ...


def open_store(chosen: Chosen, clock: Callable[[], datetime] = now_utc) -> SqlStore:
    """The store that the settings name, not started yet. Raises StoreFault for a name that there is not."""
    url = chosen.database_url
    name = url.partition(":")[0].partition("+")[0] or "sqlite"
    previous = tuple(key.strip() for key in chosen.previous_secret_keys.split(",") if key.strip())
    if name in ("postgresql", "postgres"):
        from bot.stores.postgresql import PostgresqlStore

        return PostgresqlStore(url, data=chosen.data, secret=chosen.secret_key, previous=previous, clock=clock)
    if name == "sqlite":
        from bot.stores.sqlite import SqliteStore

        folder = Path(url.partition("://")[2].removeprefix("/")) if url else chosen.data
        return SqliteStore(folder or chosen.data, secret=chosen.secret_key, previous=previous, clock=clock)
    raise StoreFault(f"HANDRAIL_DATABASE_URL: there is no store {name!r}; there are: {', '.join(NAMES)}")


async def migrate(
    source: Chosen, target: Chosen, progress: Callable[[str, int, int], None]
) -> list[tuple[str, int, str]]:
    """SQLite to an empty PostgreSQL; (table, rows, digest), the same on both sides. Raises StoreFault."""
    from bot.stores.copying import move
    from bot.stores.postgresql import PostgresqlStore
    from bot.stores.sqlite import SqliteStore

    here, there = open_store(source), open_store(target)
    if not isinstance(here, SqliteStore) or not isinstance(there, PostgresqlStore):
        raise StoreFault("migrate-store moves from SQLite to PostgreSQL: leave HANDRAIL_DATABASE_URL empty, give --to")
    if not here.file.exists():
        raise StoreFault(f"{here.file}: there is no store to move")
    return await move(here, there, progress)


def restore_store(chosen: Chosen, file: Path) -> dict[str, int]:
    """A backup put in the place of the store that the settings name, with proof. StoreFault: nothing was changed."""
    from bot.stores import backup

    store = open_store(chosen)
    previous = [key.strip() for key in chosen.previous_secret_keys.split(",")]

    def safe() -> Safe:
        if not chosen.secret_key and not (chosen.data / "secret.key").exists():
            raise StoreFault(f"put the backup's secret.key into {chosen.data}, or set HANDRAIL_SECRET_KEY")
        return Safe(chosen.secret_key or kept_secret(chosen.data), previous)

    if not file.is_file():
        raise StoreFault(f"{file}: there is no such file")
    from bot.stores.sqlite import SqliteStore

    if not isinstance(store, SqliteStore):
        return _restore_postgresql(store, file)
    lock = FolderLock(store.folder)
    lock.take()
    try:
        return backup.restored(file, store.folder, store.file, safe)
    finally:
        lock.release()


def _restore_postgresql(store: SqlStore, file: Path) -> dict[str, int]:
    from bot.stores.backup import checked
    from bot.stores.copying import from_file
    from bot.stores.postgresql import PostgresqlStore

    assert isinstance(store, PostgresqlStore)
    checked(file)

    async def run() -> dict[str, int]:
        await store.start()
        try:
            loop = asyncio.get_running_loop()
            proof = await loop.run_in_executor(None, from_file, file, store.url, lambda *_: None)
        finally:
            await store.close()
        return {name: number for name, number, _ in proof if number}

    return asyncio.run(run())
