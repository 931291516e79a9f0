"""The schema's history, applied at start."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import Connection, create_engine, event
from sqlalchemy.pool import NullPool

from bot.model import StoreFault

HEAD = "0001"
"""The revision that this version of the code works on; a test holds it to the newest file in versions/."""


def upgrade(connection: Connection) -> None:
    """Brings the database to HEAD inside the connection's transaction: all of it, or nothing."""
    from alembic import command  # not needed on most starts, and slow to load
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent))
    config.attributes["connection"] = connection
    command.upgrade(config, "head")


def needed(now: str | None, where: str) -> bool:
    """Raises StoreFault when a newer version wrote it."""
    if now is not None and now > HEAD:
        raise StoreFault(f"{where} was written by a newer handrail ({now}; this one knows {HEAD}): install that one")
    return now != HEAD


def file_to_head(file: Path) -> None:
    """A SQLite file's schema, in one transaction. A file that is not there is made."""
    with plain(file) as connection:
        there = connection.execute("SELECT count(*) FROM sqlite_master WHERE name = 'alembic_version'").fetchone()[0]
        now = connection.execute("SELECT version_num FROM alembic_version").fetchone() if there else None
    if not needed(now and now[0], str(file)):
        return
    engine = create_engine(f"sqlite:///{file}", poolclass=NullPool)
    event.listen(engine, "connect", _by_hand)
    event.listen(engine, "begin", lambda c: c.exec_driver_sql("BEGIN IMMEDIATE"))
    with engine.begin() as transaction:
        upgrade(transaction)


@contextmanager
def plain(file: Path) -> Iterator[sqlite3.Connection]:
    connection = sqlite3.connect(file, isolation_level=None)
    try:
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = FULL")
        yield connection
    finally:
        connection.close()


def _by_hand(connection: sqlite3.Connection, _: object) -> None:
    """sqlite3 would begin and commit by its own rules, which leave schema changes outside of the transaction."""
    connection.isolation_level = None
    connection.execute("PRAGMA synchronous = FULL")
