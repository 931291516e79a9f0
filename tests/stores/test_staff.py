"""People, keys, sessions, one-time secrets and the audit log, on every plug."""

from __future__ import annotations

import asyncio
import sqlite3
from datetime import timedelta

import psycopg
import pytest
from kit import ANA, START, claim, close, digest, flag, open_one

from bot.model import Key, User
from bot.stores.postgresql import PostgresqlStore

LATER = START + timedelta(minutes=5)


def test_users(run):
    async def test(store):
        ana = User("ana", "Ana@Practice.example", "Ana Ruiz", "clinician", "hash", "totp")
        await store.add_user(ana)
        found = await store.user(email="ana@practice.EXAMPLE")
        assert found == await store.user(id="ana") and found.totp_secret == "totp"
        with pytest.raises(ValueError, match="already"):
            await store.add_user(User("x", "ANA@practice.example", "Other", "admin"))
        changed = await store.change_user("ana", on_duty=True, disabled_at=LATER, totp_secret="")
        assert changed == await store.user(id="ana") and changed.on_duty and changed.totp_secret == ""
        assert await store.users() == (changed,)
        assert await store.user(id="nobody") is None and await store.change_user("nobody", name="x") is None

    run(test)


def test_keys(run):
    async def test(store):
        key = Key("k1", "site", "hr_abc", frozenset({"answers", "handoffs"}), START, START + timedelta(days=1))
        await store.add_key(key, digest("value"))
        used = await store.key_of(digest("value"), START)
        assert used.scopes == key.scopes
        assert (await store.keys())[0].last_used_at == START
        await store.key_of(digest("value"), START + timedelta(seconds=30))
        assert (await store.keys())[0].last_used_at == START  # noted at most once a minute
        assert await store.key_of(digest("value"), START + timedelta(days=1)) is None
        assert await store.key_of(digest("other"), START) is None
        assert await store.revoke_key("site", LATER) and not await store.revoke_key("site", LATER)
        assert await store.key_of(digest("value"), START) is None
        assert (await store.keys())[0].revoked_at == LATER

    run(test)


def test_sessions(run):
    async def test(store):
        await store.add_user(User("ana", "ana@practice.example", "Ana", "clinician"))
        for name in ("one", "two"):
            await store.add_session(digest(name), "ana", f"csrf {name}", START, "10.0.0.1", "Firefox")
        user, csrf = await store.session(digest("one"), START, 900, 43200)
        assert (user.id, csrf) == ("ana", "csrf one")
        busy = START
        for _ in range(6):  # touched all along
            busy += timedelta(minutes=10)
            assert await store.session(digest("one"), busy, 900, 43200) is not None
        assert await store.session(digest("two"), busy, 900, 43200) is None  # idle
        assert await store.session(digest("one"), busy, 900, 1800) is None  # older than the longest
        ids = [row["id"] for row in await store.sessions("ana")]
        assert len(ids) == 2 and await store.end_session(user="ben", id=ids[0]) == 0
        assert await store.end_session(digest=digest("one")) == 1
        assert await store.end_session(user="ana") == 1
        assert await store.session(digest("one"), START, 900, 43200) is None

    run(test)


def test_a_disabled_user_has_no_session(run):
    async def test(store):
        await store.add_user(User("ana", "ana@practice.example", "Ana", "clinician"))
        await store.add_session(digest("one"), "ana", "csrf", START, "", "")
        await store.change_user("ana", disabled_at=START)
        assert await store.session(digest("one"), START, 900, 43200) is None

    run(test)


def test_a_secret_is_given_once(run):
    async def test(store):
        await store.put_secret("welcome", digest("t"), {"user": "ana"}, LATER)
        takes = await asyncio.gather(*(store.take_secret("welcome", digest("t"), START) for _ in range(5)))
        assert [t for t in takes if t] == [{"user": "ana"}]
        await store.put_secret("welcome", digest("t"), {"user": "ben"}, LATER)
        assert await store.take_secret("reset", digest("t"), START) is None
        assert await store.take_secret("welcome", digest("t"), LATER) is None  # too late, and gone

    run(test)


def test_small_records(run):
    async def test(store):
        await store.keep("mark", "h1", {"missed": True}, START)
        await store.keep("mark", "h1", {"missed": False, "text": "ü"}, START)
        await store.keep("leave", "h1", {}, START)
        assert await store.kept("mark") == {"h1": {"missed": False, "text": "ü"}}
        assert await store.drop("mark", "h1") and not await store.drop("mark", "h1")

    run(test)


async def some_history(store):
    await open_one(store)
    handoff = await flag(store)
    await store.move(claim(handoff))
    await store.audit(ANA.id, "transcript.read", "c1", LATER, {"from": "10.0.0.1"})
    await store.move(close(handoff))


def test_the_audit_log(run):
    async def test(store):
        await some_history(store)
        rows = await store.audit_rows()
        assert [r["action"] for r in rows] == ["handoff.opened", "handoff.claim", "transcript.read", "handoff.close"]
        assert [r["id"] for r in rows] == [1, 2, 3, 4] and rows[2]["detail"] == {"from": "10.0.0.1"}
        assert await store.audit_rows(after=3) == rows[3:]
        assert await store.audit_verify() == (4, "")

    run(test)


@pytest.mark.parametrize(
    ("tamper", "fault"),
    [
        ("UPDATE audit SET who = 'user:ben' WHERE id = 2", "row 2 was changed"),
        ("UPDATE audit SET at = at + 1 WHERE id = 1", "row 1 was changed"),
        ("DELETE FROM audit WHERE id = 3", "row 3 is missing"),
        ("UPDATE audit SET detail = '{}' WHERE id = 4", "row 4 was changed"),
    ],
)
def test_a_changed_audit_row_shows(run, tamper, fault):
    async def test(store):
        await some_history(store)
        if isinstance(store, PostgresqlStore):
            with psycopg.connect(store.url) as connection:
                connection.execute(tamper)
        else:
            with sqlite3.connect(store.file) as connection:
                connection.execute(tamper)
        assert (await store.audit_verify())[1] == fault

    run(test)


def test_audited_at_once_without_a_gap(run):
    async def test(store):
        await asyncio.gather(*(store.audit(f"user:{n}", "x", "y", START) for n in range(30)))
        assert await store.audit_verify() == (30, "")

    run(test)


def test_counts(run):
    async def test(store):
        for number, urgency in enumerate((3, 3, 1)):
            await open_one(store, f"c{number}")
            await flag(store, f"c{number}", urgency, notices=())
        counts = await store.counts()
        assert (counts["queue_3"], counts["queue_1"], counts["queue_4"]) == (2, 1, 0)
        await store.claim_next(claim)
        assert (await store.counts())["handoffs_claimed"] == 1
        assert all(isinstance(value, float) for value in counts.values())

    run(test)
