"""From one store to another, from one version to the next: nothing is lost, and a fault changes nothing."""

from __future__ import annotations

import asyncio
import sqlite3
from pathlib import Path

import psycopg
import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from kit import Clock, write
from life import all_of, backed_up, chosen, lived, some_life, using
from sealed import SECRET
from sqlalchemy import create_engine, make_url

from bot.model import StoreFault
from bot.stores import migrate, migrations, open_store, restore_store
from bot.stores.copying import move
from bot.stores.postgresql import PostgresqlStore
from bot.stores.schema import metadata
from bot.stores.sqlite import SqliteStore


def test_a_backup_of_one_plug_is_restored_on_the_other(tmp_path, database):
    using(SqliteStore(tmp_path / "a", secret=SECRET, clock=Clock()), lambda s: backed_up(s, tmp_path / "copy"))
    before = using(SqliteStore(tmp_path / "a", secret=SECRET, clock=Clock()), all_of)
    target = tmp_path / "b"
    assert restore_store(chosen(target, database), tmp_path / "copy")["messages"] == 10
    assert not (target / "restoring.part").exists()
    store = PostgresqlStore(database, data=target, secret=SECRET, clock=Clock())
    assert using(store, all_of) == before
    using(store := PostgresqlStore(database, data=target, secret=SECRET), lambda s: s.backup(tmp_path / "back"))
    restore_store(chosen(tmp_path / "c"), tmp_path / "back")
    assert using(SqliteStore(tmp_path / "c", secret=SECRET, clock=Clock()), all_of) == before


def test_sqlite_moves_to_postgresql_and_goes_on(tmp_path, database):
    source = SqliteStore(tmp_path, secret=SECRET, clock=Clock())
    before = using(source, lambda s: lived(s))
    proof = asyncio.run(migrate(chosen(tmp_path), chosen(tmp_path, database), lambda *_: None))
    assert {name: rows for name, rows, _ in proof}["messages"] == 10
    target = PostgresqlStore(database, data=tmp_path, secret=SECRET, clock=Clock())

    async def check(store):
        assert await all_of(store) == before
        assert (await store.audit_verify())[1] == ""
        last = (await store.events(0, 10_000))[-1].id
        await write(store, "c1", "one more")
        newer = await store.events(last)
        assert [e.kind for e in newer] == ["message.created"] * 2 and newer[0].id > last
        await store.backup(tmp_path / "copy")

    using(target, check)
    with pytest.raises(StoreFault, match="not empty"):
        asyncio.run(migrate(chosen(tmp_path), chosen(tmp_path, database), lambda *_: None))
    assert using(SqliteStore(tmp_path, secret=SECRET), all_of) == before  # the source is as it was


def test_event_ids_go_on_above_what_was_brought_along(tmp_path, database):
    """A database whose transactions count lower than the events it was given."""
    source = SqliteStore(tmp_path, secret=SECRET, clock=Clock())

    async def far(store):
        await some_life(store)
        with sqlite3.connect(store.file) as connection:
            connection.execute("UPDATE events SET id = id + 9000000000")

    using(source, far)
    target = PostgresqlStore(database, data=tmp_path, secret=SECRET, clock=Clock())
    asyncio.run(move(SqliteStore(tmp_path, secret=SECRET), target, lambda *_: None))

    async def check(store):
        before = await store.events(0, 10_000)
        await write(store, "c1", "one more")
        assert len(await store.events(before[-1].id)) == 2

    using(PostgresqlStore(database, data=tmp_path, secret=SECRET, clock=Clock()), check)


def test_a_broken_off_move_leaves_the_target_empty(tmp_path, database):
    using(SqliteStore(tmp_path, secret=SECRET, clock=Clock()), some_life)

    def progress(doing, done, of):
        if "events" in doing:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        asyncio.run(migrate(chosen(tmp_path), chosen(tmp_path, database), progress))
    with psycopg.connect(database) as connection:
        assert connection.execute("SELECT count(*) FROM conversations").fetchone() == (0,)
    asyncio.run(migrate(chosen(tmp_path), chosen(tmp_path, database), lambda *_: None))


def test_the_migrations_end_at_the_schema(make):
    store = make()
    using(store, some_life)
    if isinstance(store, PostgresqlStore):
        engine = create_engine(make_url(store.url).set(drivername="postgresql+psycopg"))
    else:
        engine = create_engine(f"sqlite:///{store.file}")
    with engine.connect() as connection:
        context = MigrationContext.configure(connection)
        assert compare_metadata(context, metadata) == []
        assert context.get_current_revision() == migrations.HEAD
    assert ScriptDirectory(Path(migrations.__file__).parent).get_current_head() == migrations.HEAD


def test_a_store_of_a_newer_version_is_refused(make):
    store = make()
    using(store, some_life)
    newer = "UPDATE alembic_version SET version_num = '9999'"
    if isinstance(store, PostgresqlStore):
        with psycopg.connect(store.url) as connection:
            connection.execute(newer)
    else:
        with sqlite3.connect(store.file) as connection:
            connection.execute(newer)
    with pytest.raises(StoreFault, match="newer handrail"):
        using(make(), all_of)


def test_unknown_stores_are_answered_with_those_there_are(tmp_path):
    with pytest.raises(StoreFault, match="sqlite, postgresql"):
        open_store(chosen(tmp_path, "mysql://x/y"))
    assert isinstance(open_store(chosen(tmp_path)), SqliteStore)
    assert isinstance(open_store(chosen(tmp_path, "postgres://x/y")), PostgresqlStore)


def test_postgresql_gone_at_start_says_so(tmp_path):
    store = PostgresqlStore("postgresql://127.0.0.1:1/none", data=tmp_path, secret=SECRET)
    with pytest.raises(StoreFault, match="does not answer"):
        using(store, all_of)
