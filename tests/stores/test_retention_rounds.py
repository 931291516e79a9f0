"""The rounds of retention: each class by its own period, reported in numbers, done once however many replicas there are."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest
from kit import START, claim, close, flag, kinds, open_one, write

from bot import retention
from bot.model import NotThere
from bot.retention import Periods

DAY = timedelta(days=1)


def test_each_class_by_its_own_period(run):
    async def test(store):
        for id in ("chat", "young", "care", "open"):
            await open_one(store, id)
        await write(store, "young", "hello again", START + 35 * DAY)
        handoff = await flag(store, "care")
        await store.move(claim(handoff))
        await store.move(close(handoff))
        await flag(store, "open")
        periods = Periods({"chats": 30, "care": 90})

        assert await retention.due(store, periods, START + 20 * DAY) == {"chats": 0, "care": 0}
        assert await retention.due(store, periods, START + 40 * DAY) == {"chats": 1, "care": 0}
        assert await retention.take_away(store, periods, START + 40 * DAY) == {"chats": 1, "care": 0}
        with pytest.raises(NotThere):
            await store.erase("chat", START + 40 * DAY, "visitor")
        assert await store.messages("chat") == ()
        assert len(await store.messages("care")) > 1

        assert await retention.take_away(store, periods, START + 100 * DAY) == {"chats": 1, "care": 1}
        assert await store.messages("care") == ()
        assert len(await store.messages("open")) > 1, "a person is still asked for: it stays"
        assert kinds(await store.events()).count("conversation.erased") == 3
        rows = [r for r in await store.audit_rows() if r["action"] == "retention.round"]
        assert [r["detail"] for r in rows] == [{"chats": 1, "care": 0}, {"chats": 1, "care": 1}]
        assert (await store.audit_verify())[1] == ""

    run(test)


def test_traces_go_and_what_is_kept_for_ever_stays(run):
    async def test(store):
        await open_one(store, "c1")
        done = await retention.take_away(store, Periods({"traces": 30}), START + 400 * DAY)
        assert done == {"deliveries": 0, "events": 2, "secrets": 0, "sessions": 0}
        assert len(await store.messages("c1")) == 1
        assert await retention.take_away(store, Periods({}), START + 4000 * DAY) == {}
        assert len(await store.messages("c1")) == 1

    run(test)


def test_replicas_do_a_round_once_and_the_next_one_in_its_time(run, clock):
    async def test(store):
        await open_one(store, "c1")
        clock.pass_(days=31)
        periods, replicas = Periods({"chats": 30}), []

        def begin(count: int) -> None:
            replicas.extend(asyncio.create_task(retention.run(store, periods, clock, look=0.01)) for _ in range(count))

        try:
            begin(1)
            while "at" not in await retention.last(store):
                await asyncio.sleep(0.01)
            first = await retention.last(store)
            assert first["taken"] == {"chats": 1}
            await open_one(store, "c2", clock() - timedelta(days=60))
            clock.pass_(hours=5)
            begin(2)
            await asyncio.sleep(0.1)
            assert await retention.last(store) == first, "a round before its time"
            assert len(await store.messages("c2")) == 1
            clock.pass_(hours=1)
            while await store.messages("c2"):
                await asyncio.sleep(0.01)
        finally:
            for task in replicas:
                task.cancel()
            await asyncio.gather(*replicas, return_exceptions=True)
        assert kinds(await store.events()).count("conversation.erased") == 2, "each was taken once"

    run(test)


def test_the_settings_name_the_periods():
    class Chosen:
        keep_chats_days, keep_care_days, keep_traces_days = 0, 3650, 365

    assert Periods.of(Chosen()).days == {"care": 3650, "traces": 365}
