"""A line between client and server that delays, cuts, and falls silent: a TCP proxy with a fault a connection."""

from __future__ import annotations

import asyncio
import itertools
import random
import threading
from collections import Counter
from collections.abc import Callable
from types import TracebackType

FAULTS = ("delayed", "cut between commit and answer", "cut in the middle of an answer", "half-open")


class BadLine:
    """Listens on `port`. Connections take turns at `FAULTS`, and none; `happened` counts those that took effect."""

    def __init__(self, to: int, seed: int = 1, faults: tuple[str, ...] = FAULTS) -> None:
        self._to, self._chance = to, random.Random(seed)
        self._turns = itertools.cycle((*faults[1:], faults[0], ""))
        self.happened: Counter[str] = Counter()
        self._loop = asyncio.new_event_loop()
        self._ready = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def __enter__(self) -> BadLine:
        self._thread.start()
        assert self._ready.wait(10)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        server = self._loop.run_until_complete(asyncio.start_server(self._one, "127.0.0.1", 0))
        self.port: int = server.sockets[0].getsockname()[1]
        self._ready.set()
        self._loop.run_forever()
        for task in asyncio.all_tasks(self._loop):
            task.cancel()
        self._loop.run_until_complete(asyncio.sleep(0.05))

    async def _one(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        fault = next(self._turns)
        after = self._chance.randrange(1, 4)  # answers that still pass before it strikes
        try:
            back, forth = await asyncio.open_connection("127.0.0.1", self._to)
        except OSError:
            writer.transport.abort()
            return
        silent = asyncio.Event()
        cut = _both(writer, forth)
        try:
            await asyncio.gather(
                self._pass(reader, forth, fault, silent), self._answers(back, writer, fault, after, silent, cut)
            )
        except (OSError, asyncio.CancelledError):
            pass
        finally:
            cut()

    async def _pass(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, fault: str, silent: asyncio.Event) -> None:
        while piece := await reader.read(65536):
            if fault == "delayed":
                await asyncio.sleep(self._chance.random() * 0.2)
            if not silent.is_set():
                writer.write(piece)
                await writer.drain()
        writer.close()

    async def _answers(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        fault: str,
        after: int,
        silent: asyncio.Event,
        cut: Callable[[], None],
    ) -> None:
        passed = 0
        while piece := await reader.read(65536):  # what comes back is committed
            passed += 1
            if fault == "delayed":
                self.happened[fault] += 1
                await asyncio.sleep(self._chance.random() * 0.2)
            elif fault and passed > after:
                self.happened[fault] += not silent.is_set()
                if fault == "half-open":
                    silent.set()
                    continue
                if fault == "cut in the middle of an answer":
                    writer.write(piece[: len(piece) // 2])
                    await writer.drain()
                cut()
                return
            writer.write(piece)
            await writer.drain()
        writer.close()


def _both(*writers: asyncio.StreamWriter) -> Callable[[], None]:
    def cut() -> None:
        for writer in writers:
            writer.transport.abort()

    return cut
