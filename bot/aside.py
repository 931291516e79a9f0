"""Blocking work beside the event loop: as asyncio.to_thread does it, with a third of the cost of a hop."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import Callable
from queue import SimpleQueue
from typing import Any, TypeVar

T = TypeVar("T")


class Aside:
    """`threads` threads, begun at the first call. They hold no resource, and end with the process, whatever they are at."""

    def __init__(self, threads: int, name: str) -> None:
        self._threads, self._name, self._begun = threads, name, 0
        self._queue: SimpleQueue[tuple[Callable[..., Any], tuple[Any, ...], asyncio.Future[Any]]] = SimpleQueue()

    async def run(self, work: Callable[..., T], *given: Any) -> T:
        """What `work(*given)` returns or raises. When the caller is cancelled the work goes on, and nobody hears of it."""
        if self._begun < self._threads:
            self._begun += 1
            threading.Thread(target=self._serve, name=f"{self._name}-{self._begun}", daemon=True).start()
        done: asyncio.Future[T] = asyncio.get_running_loop().create_future()
        self._queue.put((work, given, done))
        return await done

    def _serve(self) -> None:
        while True:
            work, given, done = self._queue.get()
            result, error = None, None
            try:
                result = work(*given)
            except BaseException as raised:  # noqa: BLE001  # the caller's to answer
                error = raised
            with contextlib.suppress(RuntimeError):  # the loop has ended: nobody waits
                done.get_loop().call_soon_threadsafe(_tell, done, result, error)
            del work, given, done, result, error  # nothing of a visitor stays with a thread that waits


def _tell(done: asyncio.Future[Any], result: Any, error: BaseException | None) -> None:
    if done.done():
        return
    if error is not None:
        done.set_exception(error)
    else:
        done.set_result(result)
