"""Visits in progress are answered from memory: always what stands on disk, never one that is gone."""

from __future__ import annotations

import asyncio
import importlib
import pkgutil
import re
import sqlite3
from collections import Counter
from dataclasses import replace
from datetime import timedelta
from functools import partial

import pytest
from kit import ANA, START, Clock, claim, conversation, digest, flag, open_one, turn, write
from sealed import SECRET

from bot.model import BookingDraft, Memory, SafetyMemory, TalkMemory, Visit
from bot.stores import rows, statements
from bot.stores.prepared import Prepared
from bot.stores.recent import Recent
from bot.stores.sqlite import SqliteStore
from bot.stores.statements.conversations import visit as on_disk

A, B = (Visit(conversation(id), Memory(), None, 0, 1) for id in ("a", "b"))


def test_what_was_read_while_it_changed_is_not_kept():
    recent = Recent()
    seen = recent.changes
    recent.changed({"a"})
    recent.read(A, seen)
    recent.read(B, seen)
    assert (recent.visit("a"), recent.visit("b")) == (None, B)
    recent.read(A, recent.changes)
    assert recent.visit("a") == A


def test_what_a_unit_leaves_is_kept_and_the_next_change_drops_it():
    recent, later = Recent(), replace(A, version=1)
    recent.changed({"a", "b"}, later)
    assert (recent.visit("a"), recent.visit("b")) == (later, None)
    recent.changed({"a"})
    assert recent.visit("a") is None


def test_a_change_that_names_nobody_drops_all_and_what_is_being_read():
    recent = Recent()
    recent.changed({"a"}, A)
    seen = recent.changes
    recent.forget()
    recent.read(B, seen)
    assert (recent.visit("a"), recent.visit("b")) == (None, None)


def test_it_stays_small_and_forgets_no_change():
    recent = Recent(most=4)
    seen = recent.changes
    for number in range(100):
        id = f"c{number}"
        recent.token(digest(id), id, START + timedelta(days=1))
        recent.changed({id}, Visit(conversation(id), Memory(), None, 0, 1))
    assert [recent.visit(f"c{n}") is not None for n in range(100)] == [n >= 96 for n in range(100)]
    assert [recent.of_token(digest(f"c{n}"), START) is not None for n in range(100)] == [n >= 96 for n in range(100)]
    recent.read(replace(A, conversation=conversation("c1")), seen)  # its change is no longer counted by name
    assert recent.visit("c1") is None


@pytest.mark.parametrize("change", [frozenset({"a"}), None])
def test_from_before_a_commit_until_it_is_told_the_disk_answers(change):
    recent = Recent()
    recent.changed({"a"}, A)
    seen = recent.changes
    recent.changing(change)
    assert recent.visit("a") is None
    recent.read(replace(A, version=1), seen)  # by somebody who may have been too early
    recent.changed({"a"})
    recent.settled(change)
    assert recent.visit("a") is None
    recent.read(A, recent.changes)
    assert recent.visit("a") == A


def test_a_token_that_has_ended_opens_nothing():
    recent = Recent()
    recent.token(b"t", "a", START)
    recent.changed({"a"}, A)
    assert recent.of_token(b"t", START - timedelta(seconds=1)) == A
    assert recent.of_token(b"t", START) is None
    assert recent.of_token(b"other", START) is None


def test_an_erased_visit_is_not_kept():
    recent = Recent()
    recent.changed({"a"}, replace(A, conversation=replace(A.conversation, erased_at=START)))
    assert recent.visit("a") is None


@pytest.mark.parametrize(
    "part",
    [
        SafetyMemory(notes={"at": ("a", "b"), "n": 1}),
        TalkMemory(notes={"asks": ["one", "two"], "deep": {"x": (1, 2)}, 3: "three"}),
        BookingDraft(notes={"offered": [("a", "b")], "none": None}),
        SafetyMemory(level=3, signs=("wish",), notes={"step": 2, "told": "now"}),
    ],
)
def test_a_memory_is_kept_as_it_would_come_back(part):
    name = {SafetyMemory: "safety", TalkMemory: "talk", BookingDraft: "booking"}[type(part)]
    memory = Memory(**{name: part})
    back = rows.unpacked(Memory, rows.packed(memory))
    assert repr(rows.as_read(memory)) == repr(back)


def test_every_call_that_changes_a_visit_is_seen_by_the_next_reader(tmp_path):
    clock = Clock()

    async def main():
        store = SqliteStore(tmp_path, secret=SECRET, previous=["an older secret, long enough too"], clock=clock)
        await store.start()
        await open_one(store)
        await open_one(store, "c2")
        seen = []

        async def same():
            for id in ("c1", "c2"):
                visit = await store.visit(id)
                assert visit == await store.read(partial(on_disk, id=id))
                seen.append(visit)

        await same()
        await write(store, "c1", "hello")
        await same()
        handoff = await flag(store)
        await same()
        handoff = await store.move(claim(handoff))
        await same()
        await store.renew(ANA.id, START + timedelta(hours=9))
        await same()
        await store.choose("c1", "es", "MX")
        await same()
        await store.end("c2", START)
        await same()
        await store.rewrap()
        await same()
        await store.erase("c1", START, "visitor")
        await same()
        assert await store.visit_of(digest("token of c1"), START) is None
        clock.pass_(days=4000)
        await store.tidy(clock())
        await same()
        assert len({repr(one) for one in seen}) >= 8
        with pytest.raises(Exception, match="c1"):
            await store.record(replace(await turn(store, "c2", "x"), conversation="c1"))
        await store.close()
        assert store._recent.visit("c2") is None

    asyncio.run(main())


def test_each_statement_that_writes_what_a_visit_is_made_of_is_known(tmp_path):
    """SQLite itself says what a statement writes: it names its conversation, or everything is forgotten after it."""

    async def made():
        store = SqliteStore(tmp_path, secret=SECRET)
        await store.start()
        await store.close()

    asyncio.run(made())
    written = set()
    writes = {sqlite3.SQLITE_INSERT, sqlite3.SQLITE_UPDATE, sqlite3.SQLITE_DELETE}

    def watch(action, table, *_):
        if action in writes:
            written.add(table)
        return sqlite3.SQLITE_OK

    database = sqlite3.connect(tmp_path / "handrail.sqlite", isolation_level=None)
    database.set_authorizer(watch)
    counted = Counter()
    for module in pkgutil.iter_modules(statements.__path__):
        for name, held in vars(importlib.import_module(f"{statements.__name__}.{module.name}")).items():
            for statement in prepared_in(held):
                text, _ = statement.sqlite
                if text.lstrip().upper().startswith(("SAVEPOINT", "ROLLBACK")):
                    continue
                written.clear()
                database.execute("EXPLAIN " + text, dict.fromkeys(re.findall(r":(\w+)", text)))
                of_a_visit = bool(written & {"conversations", "handoffs", "bookings"})
                assert of_a_visit == (statement.stirs or statement._touching), (module.name, name, text)
                counted[of_a_visit, statement.stirs] += 1
    database.close()
    assert counted[True, False] >= 6 and counted[True, True] >= 6 and counted[False, False] >= 40, counted


def prepared_in(held):
    if isinstance(held, Prepared):
        return [held]
    inside = held.values() if isinstance(held, dict) else held if isinstance(held, tuple) else ()
    return [one for one in inside if isinstance(one, Prepared)]


def test_a_message_of_a_visit_in_progress_is_not_looked_up(tmp_path, monkeypatch):
    async def main():
        store = SqliteStore(tmp_path, secret=SECRET)
        await store.start()
        await open_one(store)
        assert await store.visit_of(digest("token of c1"), START)
        await write(store, "c1", "hello")
        looked = []
        monkeypatch.setattr(store, "read", lambda work: looked.append(work))
        visit = await store.visit_of(digest("token of c1"), START)
        assert (visit.last_seq, await store.visit("c1"), looked) == (3, visit, [])
        monkeypatch.undo()
        await store.close()

    asyncio.run(main())
