"""Two processes' worth of stores on one PostgreSQL."""

from __future__ import annotations

import asyncio

import psycopg
import pytest
from kit import ANA, BEN, Clock, claim, flag, open_one, turn, write
from sealed import SECRET
from test_watching import rung

from bot.model import Held, Stale, User
from bot.stores.postgresql import PostgresqlStore


@pytest.fixture
def both(database, tmp_path):
    def run_on(test):
        async def whole():
            stores = [PostgresqlStore(database, data=tmp_path, secret=SECRET, clock=Clock()) for _ in range(2)]
            await asyncio.gather(*(store.start() for store in stores))  # both migrate at once: one does
            try:
                return await test(*stores)
            finally:
                for store in stores:
                    await store.close()

        return asyncio.run(whole())

    return run_on


def test_a_message_here_rings_there(both):
    async def test(here, there):
        await open_one(here)
        bell = there.watch("c1")
        await asyncio.sleep(0.2)
        await rung(bell, 1.5)
        await write(here, "c1", "hello")
        assert await rung(bell)
        assert [m.text for m in await there.messages("c1", 1)] == ["hello", "It does."]

    both(test)


def test_a_lost_doorbell_is_made_up_for(both):
    async def test(here, there):
        await open_one(here)
        here._doorbell.stop()
        bell = there.watch("c1")
        await rung(bell, 1.5)
        await write(here, "c1", "hello")
        assert await rung(bell)

    both(test)


def test_one_claim_wins_across_replicas(both):
    async def test(here, there):
        for number in range(10):
            await open_one(here, f"c{number}")
            handoff = await flag(here, f"c{number}")
            done = await asyncio.gather(
                *(s.move(claim(handoff, by)) for s, by in [(here, ANA), (there, BEN)] * 3), return_exceptions=True
            )
            assert sum(isinstance(d, Held) for d in done) == 5

    both(test)


def test_a_bot_on_one_replica_does_not_speak_after_a_claim_on_another(both):
    async def test(here, there):
        await open_one(here)
        handoff = await flag(here)
        begun = await turn(here, "c1", "hello?")
        await there.move(claim(handoff))
        with pytest.raises(Stale):
            await here.record(begun)

    both(test)


def test_broken_connections_are_made_anew(both):
    async def test(here, there):
        await open_one(here)
        for round_ in range(3):
            with psycopg.connect(here.url, autocommit=True) as connection:
                connection.execute(
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                    " WHERE datname = current_database() AND pid <> pg_backend_pid()"
                )
            done = await write(here, "c1", f"round {round_}")
            assert done.message.seq == 2 + 2 * round_
            assert len(await there.messages("c1")) == 3 + 2 * round_

    both(test)


def test_both_make_the_first_account_at_the_same_moment(both):
    async def test(here, there):
        for round_ in range(20):
            stores = (here, there) * 3
            new = [User(f"u{round_}-{n}", f"Admin{round_}@practice.example", "Admin", "admin") for n in range(len(stores))]
            done = await asyncio.gather(*(s.add_user(u) for s, u in zip(stores, new, strict=True)), return_exceptions=True)
            assert done.count(None) == 1, done
            assert sum(isinstance(d, ValueError) for d in done) == len(stores) - 1, done
        assert len(await there.users()) == 20

    both(test)
