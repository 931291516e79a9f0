"""The collector: what lives is looked at once, what dies later is still found, and a server that ended leaves nothing behind."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import weakref

from bot import garbage


class Knot:
    """In a cycle with itself: only the collector finds it."""

    def __init__(self) -> None:
        self.me = self


async def running() -> asyncio.Task[None]:
    task = asyncio.create_task(garbage.run())
    await asyncio.sleep(0.01)
    return task


def test_a_full_collection_sets_aside_what_it_found_alive() -> None:
    async def main() -> None:
        before = list(gc.callbacks)
        task = await running()
        living = [Knot() for _ in range(1000)]
        assert sum(isinstance(one, Knot) for one in gc.get_objects()) == 1000
        gc.collect()
        assert sum(isinstance(one, Knot) for one in gc.get_objects()) == 0  # the collector no longer walks over them
        assert gc.get_freeze_count() > 1000
        dead = weakref.ref(Knot())
        gc.collect()
        assert dead() is None
        assert len(living) == 1000
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task
        assert gc.callbacks == before

    asyncio.run(main())


def test_a_cycle_that_lived_long_and_died_is_found_at_the_next_look() -> None:
    async def main() -> None:
        task = await running()
        old = Knot()
        gone = weakref.ref(old)
        gc.collect()  # set aside
        del old
        gc.collect()
        assert gone() is not None  # not looked at
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        task = await running()  # an hour later
        assert gone() is None
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)

    asyncio.run(main())
