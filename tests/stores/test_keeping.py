"""Keys, copies and moves: what is on disk is sealed, a wrong key changes nothing, a copy is proven. On both plugs."""

from __future__ import annotations

import asyncio
import hashlib
import sqlite3
from datetime import timedelta
from pathlib import Path

import psycopg
import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from kit import START, Clock, claim, flag, message, open_one, write
from sealed import SECRET
from sqlalchemy import create_engine, make_url

from bot.model import Card, Gap, Memory, StoreFault, TalkMemory, User, Webhook
from bot.stores import migrate, migrations, open_store, restore_store
from bot.stores.copying import move
from bot.stores.postgresql import PostgresqlStore
from bot.stores.schema import metadata
from bot.stores.sqlite import SqliteStore

OTHER = "another secret, long enough too"
SPOKEN = "words that only the two of us know"


async def some_life(store, suffix=""):
    """Words in every place where words are kept."""
    for id in ("c1", "c2"):
        await open_one(store, id + suffix)
    id = "c1" + suffix
    await write(store, id, SPOKEN, client_id=SPOKEN, gap=Gap(SPOKEN, "en"), memory=Memory(talk=TalkMemory((SPOKEN,))))
    handoff = await flag(store, id)
    await write(store, id, SPOKEN, opening=flagged(SPOKEN))
    await store.move(claim(handoff, note=SPOKEN))
    from kit import ANA

    await store.say(handoff.id, ANA, message(SPOKEN), START, SPOKEN)
    await store.put_secret("welcome" + suffix, b"d", {"text": SPOKEN}, START + timedelta(days=1))
    await store.keep("mark", "m" + suffix, {"text": SPOKEN}, START)
    await store.add_webhook(Webhook("w" + suffix, "https://x.example", (), SPOKEN, START, "key:1"))
    await store.add_user(User("u" + suffix, f"u{suffix}@x.example", "U", "admin", "hash", SPOKEN))


def flagged(text):
    from kit import opening

    return opening(4, card=Card(contact=text, note=text))


async def all_of(store):
    return [
        [await store.messages("c1"), await store.visit("c1"), await store.events(), await store.queue(None)],
        [await store.notes((await store.queue(None))[0].id), await store.webhooks(), await store.users()],
        [await store.audit_rows(), await store.gaps(), await store.kept("mark"), await store.deliveries(state="due")],
    ]


def using(store, test):
    async def whole():
        await store.start()
        try:
            return await test(store)
        finally:
            await store.close()

    return asyncio.run(whole())


def rows_of(store) -> str:
    """All there is, in the clear, as the database gives it."""
    if isinstance(store, PostgresqlStore):
        with psycopg.connect(store.url) as connection:
            return "".join(
                repr(connection.execute(f'SELECT * FROM "{table.name}"').fetchall()) for table in metadata.sorted_tables
            )
    with sqlite3.connect(store.file) as connection:
        return "\n".join(connection.iterdump())


def test_no_word_stands_in_the_clear(make):
    store = make()
    using(store, some_life)
    seen = rows_of(store)
    assert "c1" in seen
    for clear in (
        SPOKEN,
        SPOKEN.encode().hex(),
        SPOKEN.encode().hex().upper(),
        hashlib.sha256(SPOKEN.encode()).hexdigest(),
    ):
        assert clear not in seen
    if isinstance(store, SqliteStore):
        for file in store.folder.iterdir():
            assert SPOKEN.encode() not in file.read_bytes()


def test_erased_words_cannot_be_opened_from_what_is_left_on_disk(make):
    async def erase(store):
        await open_one(store)
        await write(store, "c1", SPOKEN)
        await store.erase("c1", START, "visitor")

    store = make()
    using(store, erase)
    left = rows_of(store)
    assert "data_key" not in left or "NULL" in left
    if isinstance(store, SqliteStore):
        with sqlite3.connect(store.file) as connection:
            assert connection.execute("SELECT data_key, memory FROM conversations").fetchall() == [(None, None)]


def test_a_wrong_key_is_refused_and_changes_nothing(make):
    store = make()
    using(store, some_life)
    before = rows_of(store)
    with pytest.raises(StoreFault, match="another secret key"):
        using(make(secret=OTHER), all_of)
    assert rows_of(store) == before
    using(make(), all_of)


def test_a_lost_key_file_is_not_made_anew(make):
    store = make(secret="")
    using(store, some_life)
    key = store.folder / "secret.key"
    assert key.stat().st_mode & 0o777 == 0o600 and len(key.read_text().strip()) == 64
    kept = key.read_bytes()
    key.unlink()
    with pytest.raises(StoreFault, match="secret.key is missing"):
        using(make(secret=""), all_of)
    assert not key.exists()
    key.write_bytes(kept)
    using(make(secret=""), all_of)


def test_keys_are_rotated_and_the_old_secret_can_go(make):
    async def both(store):
        before = await all_of(store)
        moved = await store.rewrap()
        assert moved == 3  # two conversations, and the store's own
        assert await store.rewrap() == 0
        assert await all_of(store) == before
        assert (await store.audit_verify())[1] == ""
        return before

    using(make(), some_life)
    before = using(make(secret=OTHER, previous=(SECRET,)), both)
    assert using(make(secret=OTHER), all_of) == before
    with pytest.raises(StoreFault, match="another secret key"):
        using(make(), all_of)


def test_a_body_moved_to_another_row_does_not_open(make):
    async def swapped(store):
        await open_one(store)
        await write(store, "c1", "one")
        await write(store, "c1", "two")
        swap = "UPDATE messages SET body = (SELECT body FROM messages WHERE seq = 4) WHERE seq = 2"
        if isinstance(store, PostgresqlStore):
            with psycopg.connect(store.url) as connection:
                connection.execute(swap)
        else:
            with sqlite3.connect(store.file) as connection:
                connection.execute(swap)
        with pytest.raises(StoreFault, match="does not open"):
            await store.messages("c1")

    using(make(), swapped)


def test_a_backup_while_others_write_is_whole(make, tmp_path):
    async def busy(store):
        await some_life(store)
        stop = False

        async def writer(id):
            written = 0
            while not stop:
                await write(store, id, f"n{written}")
                written += 1
            return written

        writers = [asyncio.create_task(writer(id)) for id in ("c1", "c2")]
        await asyncio.sleep(0.1)
        done = await store.backup(tmp_path / "copy")
        stop = True
        await asyncio.gather(*writers)
        assert done["conversations"] == 2 and done["messages"] > 8
        return done["messages"]

    store = make()
    copied = using(store, busy)
    assert not (tmp_path / "copy.part").exists() and (tmp_path / "copy").stat().st_mode & 0o777 == 0o600
    target = tmp_path / "restored"
    target.mkdir()
    proof = restore_store(chosen(target), tmp_path / "copy")
    assert (proof["conversations"], proof["messages"]) == (2, copied) and proof["audit rows verified"] == 3

    async def check(restored):
        total = 0
        for id in ("c1", "c2"):
            said = await restored.messages(id, 0, 100_000)
            assert [m.seq for m in said] == list(range(1, len(said) + 1))
            total += len(said)
        assert total == copied

    using(SqliteStore(target, secret=SECRET), check)


class chosen:
    def __init__(self, data: Path, url: str = "", secret: str = SECRET) -> None:
        self.data, self.database_url, self.secret_key, self.previous_secret_keys = data, url, secret, ""


def test_what_was_erased_since_stays_erased_after_a_restore(tmp_path):
    async def life(store):
        await some_life(store)
        await store.backup(tmp_path / "copy")
        await store.erase("c2", START, "visitor")
        await store.erase("c1", START, "visitor")  # a handoff is open: the clinician's side is kept

    using(SqliteStore(tmp_path, secret=SECRET), life)
    proof = restore_store(chosen(tmp_path), tmp_path / "copy")
    assert proof["erased again"] == 2
    assert (tmp_path / "handrail.sqlite.replaced").exists()

    async def check(store):
        assert await store.visit("c2") is None and await store.messages("c2") == ()
        assert (await store.visit("c1")).conversation.erased_at == START
        assert (await store.audit_verify())[1] == ""

    using(SqliteStore(tmp_path, secret=SECRET), check)


@pytest.mark.parametrize("spoil", ["cut", "flip", "empty", "other", "missing"])
def test_a_spoiled_backup_changes_nothing(tmp_path, spoil):
    folder = tmp_path / "data"

    async def life(store):
        await some_life(store)
        await store.backup(tmp_path / "copy")
        return await all_of(store)

    before = using(SqliteStore(folder, secret=SECRET), life)
    copy = tmp_path / "copy"
    whole = copy.read_bytes()
    if spoil == "cut":
        copy.write_bytes(whole[: len(whole) // 2])
    elif spoil == "flip":
        with sqlite3.connect(copy) as connection:
            (body,) = connection.execute("SELECT body FROM messages WHERE conversation = 'c2'").fetchone()
        at = whole.index(body) + 20
        copy.write_bytes(whole[:at] + bytes([whole[at] ^ 1]) + whole[at + 1 :])
    elif spoil == "empty":
        copy.write_bytes(b"")
    elif spoil == "other":
        copy.write_bytes(b"a letter, not a database")
    else:
        copy.unlink()
    with pytest.raises(StoreFault):
        restore_store(chosen(folder), copy)
    assert using(SqliteStore(folder, secret=SECRET), all_of) == before


def test_a_backup_under_another_key_changes_nothing(tmp_path):
    using(SqliteStore(tmp_path / "a", secret=OTHER), lambda s: backed_up(s, tmp_path / "copy"))
    using(SqliteStore(tmp_path / "b", secret=SECRET), some_life)
    with pytest.raises(StoreFault, match="another secret key"):
        restore_store(chosen(tmp_path / "b"), tmp_path / "copy")
    using(SqliteStore(tmp_path / "b", secret=SECRET), all_of)


async def backed_up(store, path):
    await some_life(store)
    await store.backup(path)


def test_restoring_beside_a_running_server_is_refused(tmp_path):
    async def life(store):
        await backed_up(store, tmp_path / "copy")
        with pytest.raises(StoreFault, match="another handrail is running"):
            restore_store(chosen(tmp_path / "data"), tmp_path / "copy")

    using(SqliteStore(tmp_path / "data", secret=SECRET), life)


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


async def lived(store):
    await some_life(store)
    return await all_of(store)


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
