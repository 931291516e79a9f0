"""Whoever watches is woken after a commit, also by another replica; the feed gives ids in order. On every plug."""

from __future__ import annotations

import asyncio

import pytest
from kit import START, open_one, write

from bot.stores.postgresql import PostgresqlStore


async def rung(bell, seconds=5.0):
    try:
        async with asyncio.timeout(seconds):
            await anext(bell)
    except TimeoutError:
        return False
    return True


def test_a_bell_keeps_what_rang_before_it_was_waited_for(run):
    async def test(store):
        await open_one(store)
        mine, all_, other = store.watch("c1"), store.watch(None), store.watch("c2")
        await write(store, "c1", "a")
        await write(store, "c1", "b")
        assert await rung(mine) and await rung(all_)
        assert not await rung(other, 0.05)
        await mine.aclose()
        await write(store, "c1", "c")
        assert await rung(all_)
        store.wake("c2")
        assert await rung(other)

    run(test)


def test_waiting_may_be_broken_off_and_taken_up_again(run):
    async def test(store):
        await open_one(store)
        bell = store.watch("c1")
        for _ in range(3):
            assert not await rung(bell, 0.01)
        waiting = asyncio.create_task(rung(bell))
        await asyncio.sleep(0.01)
        await write(store, "c1", "a")
        assert await waiting

    run(test)


def test_bells_end_with_the_store(make):
    async def test():
        store = make()
        await store.start()
        bell = store.watch("c1")
        waiting = asyncio.create_task(anext(bell))
        await asyncio.sleep(0.01)
        await store.close()
        with pytest.raises(StopAsyncIteration):
            await waiting

    asyncio.run(test())


def test_the_feed_goes_on_after_an_id(run):
    async def test(store):
        await open_one(store)
        await write(store, "c1", "a")
        whole = await store.events()
        assert [e.id for e in whole] == sorted(e.id for e in whole)
        assert await store.events(after=whole[1].id) == whole[2:]
        assert await store.events(limit=2) == whole[:2]
        assert whole[1].created_at == START

    run(test)


def test_a_reader_of_the_feed_misses_nothing_while_many_write(run):
    async def test(store):
        for number in range(8):
            await open_one(store, f"c{number}")
        seen, after, writing = [], 0, True

        async def read():
            nonlocal after
            while True:
                page = await store.events(after, 7)
                if not page and not writing:
                    return
                for event in page:
                    seen.append(event.id)
                    after = event.id
                await asyncio.sleep(0)

        async def writer(number):
            for n in range(12):
                await write(store, f"c{number}", str(n))

        reader = asyncio.create_task(read())
        await asyncio.gather(*(writer(n) for n in range(8)))
        if isinstance(store, PostgresqlStore):
            await asyncio.sleep(0.1)  # the fence stands until every older transaction has ended
        writing = False
        await reader
        assert seen == [e.id for e in await store.events(0, 10_000)]
        assert len(seen) == 8 * 2 + 8 * 12 * 2

    run(test)
