"""From one store to another, row by row, sealed as they are: counted and digested on both sides before it counts."""

from __future__ import annotations

import asyncio
import hashlib
import sqlite3
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import psycopg
from psycopg import sql
from sqlalchemy import Table

from bot.model import StoreFault
from bot.stores import migrations
from bot.stores.backup import finish, part_of
from bot.stores.postgresql import PostgresqlStore, connect
from bot.stores.prepared import Row
from bot.stores.schema import metadata
from bot.stores.seal import Safe
from bot.stores.sqlite import SqliteStore, reader

Progress = Callable[[str, int, int], None]
Proof = list[tuple[str, int, str]]
"""(table, rows, digest over all of them)."""

_BATCH = 1000


async def move(source: SqliteStore, target: PostgresqlStore, progress: Progress) -> Proof:
    """SQLite to an empty PostgreSQL, under one secret. The SQLite file is left as it is. Raises StoreFault."""
    await source.start()  # takes the lock: nobody writes meanwhile
    try:
        await target.start()
        try:
            return await asyncio.get_running_loop().run_in_executor(None, _move, source.file, target.url, progress)
        finally:
            await target.close()
    finally:
        await source.close()


def to_file(url: str, path: Path, safe: Safe) -> dict[str, int]:
    """PostgreSQL as one SQLite file, from one snapshot: a backup that any plug can be restored from."""
    part = part_of(path)
    try:
        migrations.file_to_head(part)
        file = sqlite3.connect(part, isolation_level=None)
        try:
            with connect(url) as connection, connection.transaction():
                connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")
                file.execute("BEGIN")
                for table in metadata.sorted_tables:
                    columns = _columns(table)
                    marks = ", ".join("?" * len(columns))
                    names = ", ".join(f'"{name}"' for name in columns)
                    file.executemany(
                        f'INSERT INTO "{table.name}" ({names}) VALUES ({marks})',  # noqa: S608
                        _from_postgresql(connection, table),
                    )
                file.execute("COMMIT")
                copied, kept = _proof_of_file(file), _proof_of_postgresql(connection)
        finally:
            file.close()
        _must_match(kept, copied)
        return finish(part, path, safe)
    except (psycopg.Error, sqlite3.Error, OSError) as error:
        part.unlink(missing_ok=True)
        raise StoreFault(f"{path}: the backup could not be written ({error})") from None


def from_file(file: Path, url: str, progress: Progress) -> Proof:
    """A backup file into an empty PostgreSQL that has the schema."""
    return _move(file, url, progress)


def _move(file: Path, url: str, progress: Progress) -> Proof:
    source = reader(file)
    try:
        with connect(url) as connection, connection.transaction():
            connection.execute("SET LOCAL statement_timeout = 0")
            filled = connection.execute("SELECT count(*) FROM conversations").fetchone()
            if filled is None or filled[0]:
                raise StoreFault("the database to move to is not empty: give an empty one; nothing was changed")
            connection.execute("DELETE FROM meta")
            tables = metadata.sorted_tables
            for number, table in enumerate(tables):
                progress(f"copying {table.name}", number, len(tables))
                _into_postgresql(connection, table, _from_file(source, table))
            _set_counters(connection)
            proof = _proof_of_postgresql(connection)
            _must_match(_proof_of_file(source), proof)
            progress("copied and checked", len(tables), len(tables))
        return proof
    except psycopg.Error as error:
        raise StoreFault(f"the copy was broken off, nothing was changed ({error})") from None
    finally:
        source.close()


def _columns(table: Table) -> list[str]:
    return [column.name for column in table.columns]


def _from_file(file: sqlite3.Connection, table: Table) -> Iterator[Row]:
    names = ", ".join(f'"{name}"' for name in _columns(table))
    return iter(file.execute(f'SELECT {names} FROM "{table.name}"'))  # noqa: S608


def _from_postgresql(connection: psycopg.Connection[Row], table: Table) -> Iterator[Row]:
    with connection.cursor(name=f"copy_{table.name}") as cursor:
        cursor.itersize = _BATCH
        cursor.execute(_select(table))
        yield from cursor


def _into_postgresql(connection: psycopg.Connection[Row], table: Table, rows: Iterable[Row]) -> None:
    names = sql.SQL(", ").join(map(sql.Identifier, _columns(table)))
    statement = sql.SQL("COPY {} ({}) FROM STDIN").format(sql.Identifier(table.name), names)
    with connection.cursor() as cursor, cursor.copy(statement) as copy:
        for row in rows:
            copy.write_row(row)


def _select(table: Table) -> sql.Composed:
    names = sql.SQL(", ").join(map(sql.Identifier, _columns(table)))
    return sql.SQL("SELECT {} FROM {}").format(names, sql.Identifier(table.name))


def _set_counters(connection: psycopg.Connection[Row]) -> None:
    """Numbers go on after the highest that was copied."""
    for name in ("events", "deliveries", "gaps"):
        statement = sql.SQL("SELECT setval(pg_get_serial_sequence({}, 'id'), COALESCE(max(id), 0) + 1, false) FROM {}")
        connection.execute(statement.format(sql.Literal(name), sql.Identifier(name)))


def _proof_of_file(file: sqlite3.Connection) -> Proof:
    return [(table.name, *_digest(_from_file(file, table))) for table in metadata.sorted_tables]


def _proof_of_postgresql(connection: psycopg.Connection[Row]) -> Proof:
    return [(table.name, *_digest(_from_postgresql(connection, table))) for table in metadata.sorted_tables]


def _digest(rows: Iterable[Any]) -> tuple[int, str]:
    """(how many, a digest that does not depend on their order: databases sort text by different rules)."""
    number = total = 0
    for row in rows:
        number += 1
        total += int.from_bytes(hashlib.sha256(repr(tuple(row)).encode("utf-8", "surrogatepass")).digest(), "big")
    return number, f"{total % (1 << 256):064x}"


def _must_match(here: Proof, there: Proof) -> None:
    for one, other in zip(here, there, strict=True):
        if one != other:
            raise StoreFault(f"the copy of {one[0]} differs ({one[1]} rows, {other[1]} copied): nothing was changed")
