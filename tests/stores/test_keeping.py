"""Keys and copies: what is on disk is sealed, a wrong key changes nothing, a copy is proven. On both plugs."""

from __future__ import annotations

import asyncio
import hashlib
import sqlite3

import psycopg
import pytest
from kit import START, open_one, write
from life import SPOKEN, all_of, backed_up, chosen, rows_of, some_life, using
from sealed import SECRET

from bot.model import StoreFault
from bot.stores import restore_store
from bot.stores.postgresql import PostgresqlStore
from bot.stores.sqlite import SqliteStore

OTHER = "another secret, long enough too"


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
    """The key is gone from the rows; on SQLite also from freed pages and from the log, while the store runs."""

    async def erase(store):
        for id in ("c1", "c2"):
            await open_one(store, id)
        await write(store, "c1", SPOKEN)
        keys = [bytes(key) for (key,) in await store.read(all_keys)]
        if isinstance(store, SqliteStore):
            assert all(any(key in data for data in files(store)) for key in keys)
        await store.erase("c1", START, "visitor")
        (kept,) = [bytes(key) for (key,) in await store.read(all_keys) if key is not None]
        (gone,) = set(keys) - {kept}
        if isinstance(store, SqliteStore):
            assert not any(gone in data for data in files(store))
            assert any(kept in data for data in files(store))

    def files(store):
        return [path.read_bytes() for path in store.folder.glob("handrail.sqlite*")]

    store = make()
    using(store, erase)
    assert SPOKEN not in rows_of(store)


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


def test_a_backup_holds_no_key(make, tmp_path):
    async def life(store):
        await some_life(store)
        keys = [row[0] for row in await store.read(all_keys)]
        await store.backup(tmp_path / "copy")
        return keys

    keys = using(make(), life)
    assert len(keys) == 2 and keys_file(tmp_path).stat().st_mode & 0o777 == 0o600
    copied = (tmp_path / "copy").read_bytes()
    beside = keys_file(tmp_path).read_text()
    for key in keys:
        assert bytes(key) not in copied and bytes(key).hex() in beside
    assert len(list(tmp_path.glob("*.part"))) == 0


def all_keys(tx):
    from sqlalchemy import select

    from bot.stores.prepared import Prepared
    from bot.stores.schema import conversations

    return tx.all(Prepared(select(conversations.c.data_key)), {})


def keys_file(folder):
    (found,) = folder.glob("handrail-*.keys")
    return found


def test_an_older_backup_forgets_what_was_erased_before_a_newer(make, tmp_path):
    """Also on a machine that knows nothing of the erasure but the backups and the file of keys beside them."""

    async def life(store):
        await some_life(store)
        await store.backup(tmp_path / "monday")
        await store.erase("c1", START, "visitor")  # with an open handoff: kept for the clinician
        await store.erase("c2", START, "visitor")
        await store.backup(tmp_path / "tuesday")

    using(make(), life)
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    proof = restore_store(chosen(elsewhere), tmp_path / "monday")
    assert proof["erased again"] == 1

    async def check(store):
        assert await store.visit("c2") is None and await store.messages("c2") == ()
        assert len(await store.messages("c1")) == 9
        assert (await store.audit_verify())[1] == ""

    using(SqliteStore(elsewhere, secret=SECRET), check)


@pytest.mark.parametrize("spoil", ["missing", "cut", "older", "another's"])
def test_a_backup_without_its_keys_is_refused(tmp_path, spoil):
    backups = tmp_path / "backups"
    backups.mkdir()

    async def life(store):
        await backed_up(store, backups / "one")
        older = keys_file(backups).read_text()
        await open_one(store, "c3")
        await store.backup(backups / "two")
        return older

    older = using(SqliteStore(tmp_path / "data", secret=SECRET), life)
    keys = keys_file(backups)
    if spoil == "missing":
        keys.unlink()
    elif spoil == "cut":
        keys.write_text("".join(keys.read_text().splitlines(True)[:-1]))
    elif spoil == "older":
        keys.write_text(older)
    else:
        keys.write_text(keys.read_text().replace('"store": "', '"store": "f'))
    with pytest.raises(StoreFault, match=keys.name):
        restore_store(chosen(tmp_path / "new"), backups / "two")
    assert [path.name for path in (tmp_path / "new").iterdir()] == ["handrail.lock"]


def test_a_backup_is_no_database(tmp_path):
    using(SqliteStore(tmp_path / "a", secret=SECRET), lambda s: backed_up(s, tmp_path / "copy"))
    (tmp_path / "b").mkdir()
    (tmp_path / "b" / "handrail.sqlite").write_bytes((tmp_path / "copy").read_bytes())
    with pytest.raises(StoreFault, match="handrail restore"):
        using(SqliteStore(tmp_path / "b", secret=SECRET), all_of)


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


def test_restoring_beside_a_running_server_is_refused(tmp_path):
    async def life(store):
        await backed_up(store, tmp_path / "copy")
        with pytest.raises(StoreFault, match="another handrail is running"):
            restore_store(chosen(tmp_path / "data"), tmp_path / "copy")

    using(SqliteStore(tmp_path / "data", secret=SECRET), life)
