"""Blocking work beside the loop: what it returns and raises comes back, and nobody who left is waited for."""

from __future__ import annotations

import asyncio
import gc
import threading
import time
import weakref

import pytest

from bot.aside import Aside


def test_results_and_errors_come_back_to_whom_they_belong() -> None:
    async def main() -> None:
        aside = Aside(3, "test-work")

        def work(number: int) -> int:
            assert threading.current_thread().name.startswith("test-work")
            time.sleep(0.001 * (number % 3))
            if number % 5 == 0:
                raise KeyError(number)
            return number * 2

        done = await asyncio.gather(*(aside.run(work, n) for n in range(40)), return_exceptions=True)
        for number, result in enumerate(done):
            if number % 5 == 0:
                assert isinstance(result, KeyError) and result.args == (number,)
            else:
                assert result == number * 2
        assert sum(thread.name.startswith("test-work") for thread in threading.enumerate()) == 3

    asyncio.run(main())


def test_who_is_cancelled_is_told_nothing_and_the_next_is_served() -> None:
    async def main() -> None:
        aside, go = Aside(1, "test-gone"), threading.Event()
        gone = asyncio.create_task(aside.run(go.wait))
        behind = asyncio.create_task(aside.run(lambda: "served"))
        await asyncio.sleep(0.05)
        gone.cancel()
        with pytest.raises(asyncio.CancelledError):
            await gone
        assert not behind.done()
        go.set()
        assert await behind == "served"

    asyncio.run(main())


def test_a_thread_that_waits_keeps_nothing_of_the_last_work() -> None:
    class Words:
        """Stands for what a visitor said."""

    async def main() -> None:
        aside, words = Aside(1, "test-clean"), Words()
        kept = weakref.ref(words)
        await aside.run(lambda said: None, words)
        del words
        for _ in range(100):
            gc.collect()
            if kept() is None:
                return
            await asyncio.sleep(0.01)
        raise AssertionError("the thread still holds what it worked on")

    asyncio.run(main())


def test_a_loop_that_ended_meanwhile_harms_nobody() -> None:
    aside, go = Aside(1, "test-late"), threading.Event()

    async def leave() -> None:
        waiting = asyncio.create_task(aside.run(go.wait))
        await asyncio.sleep(0.05)
        waiting.cancel()

    asyncio.run(leave())
    go.set()

    async def again() -> str:
        return await aside.run(lambda: "still there")

    assert asyncio.run(again()) == "still there"
