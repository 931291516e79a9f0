"""Which store: the setting's scheme is the plug's name. And the moves between stores."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Protocol

from bot.model import StoreFault
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
