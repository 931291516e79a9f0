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
    from bot.stores.sqlite import SqliteStore

    store = open_store(chosen)
    if not file.is_file():
        raise StoreFault(f"{file}: there is no such file")
    folder = store.folder
    lock = FolderLock(folder)
    lock.take()
    try:
        if not chosen.secret_key and not (folder / "secret.key").exists():
            raise StoreFault(f"put the backup's secret.key into {folder}, or set HANDRAIL_SECRET_KEY")
        previous = [key.strip() for key in chosen.previous_secret_keys.split(",")]
        safe = Safe(chosen.secret_key or kept_secret(folder), previous)
        if isinstance(store, SqliteStore):
            return backup.restored(file, folder, store.file, safe)
        part, found = backup.prepared(file, folder, folder / "restoring", safe)
        try:
            asyncio.run(_fill(store, part))
        finally:
            part.unlink()
        return found
    finally:
        lock.release()


async def _fill(store: SqlStore, file: Path) -> None:
    """An empty PostgreSQL, from one file."""
    from bot.stores.copying import from_file
    from bot.stores.postgresql import PostgresqlStore

    assert isinstance(store, PostgresqlStore)
    await store.start()
    try:
        await asyncio.get_running_loop().run_in_executor(None, from_file, file, store.url, lambda *_: None)
    finally:
        await store.close()
