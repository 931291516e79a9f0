"""Thinks in processes of its own: a server then fills every core, and no thought that hangs or crashes takes it along.

The server keeps the doors, the store and the streams. A job goes to a process over a socket pair and a Turn comes back; while
none is ready (at the start, or when all have died) the server thinks for itself. What ends a process counts as a bug in the
visit: the visitor sees the crisis lines and a person is told; what waited behind it is thought again.
"""

from __future__ import annotations

import asyncio
import contextlib
import gc
import os
import pickle
import signal
import socket
import sys
import time
from collections import deque
from dataclasses import dataclass, field
from typing import Any

import structlog

from bot.aside import Aside
from bot.model import Turn
from bot.settings import Settings
from bot.turn import Job, Thinker
from retrieval.child import environment

log = structlog.get_logger(__name__)

LIMIT = 20.0  # seconds for one job; then its process is ended
THREADS = 4  # of the server's own, where it thinks for itself: others think while the model counts
DEEP = 2  # jobs that a process has at once: one that it thinks about, one that waits in its socket
REST = (1.0, 60.0)  # seconds before a dead process is replaced: at first, and at most
LEAVE = 3.0  # seconds that a process has to end by itself
# glibc's: the model's weights in large pages; what one message freed is kept for the next. A sixth more turns, each of the two.
MEMORY = ":".join(
    f"glibc.malloc.{name}"
    for name in ("hugetlb=1", "mmap_threshold=536870912", "trim_threshold=536870912", "arena_max=2")
)
_SECRETS = ("secret_key", "previous_secret_keys", "smtp_url", "notify_secret", "metrics_key", "chatwoot")


@dataclass(slots=True, eq=False)
class _Waiting:
    """A job, and who waits for its Turn; None is given where the server must think for itself."""

    job: Job
    turn: asyncio.Future[Turn | None]


@dataclass(slots=True, eq=False)
class _Process:
    """One process and its line. `jobs` are those it was given and has not answered, oldest first."""

    child: asyncio.subprocess.Process
    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    jobs: deque[_Waiting] = field(default_factory=deque)
    since: float = 0.0  # when it began with the oldest


class Thinkers:
    """`count` processes, started beside a running server. `think` is what bot/desk.py asks."""

    def __init__(self, settings: Settings, thinker: Thinker, count: int, *, limit: float = LIMIT) -> None:
        self._settings = settings.model_copy(update=dict.fromkeys(_SECRETS, ""))  # thinking needs none of them
        self._thinker, self._count, self._limit = thinker, count, limit
        self._here, self._light = Aside(THREADS, "think"), Aside(1, "think-light")
        self._ready: list[_Process] = []
        self._queue: deque[_Waiting] = deque()
        self._keepers: list[asyncio.Task[None]] = []
        self.died = 0  # processes that ended without being told to

    @property
    def ready(self) -> int:
        """How many processes take jobs now."""
        return len(self._ready)

    def start(self) -> None:
        """Begins to start the processes and returns at once; they take jobs as they become ready, after some seconds."""
        self._keepers = [asyncio.create_task(self._keep(), name=f"thinker-{n}") for n in range(self._count)]

    async def close(self) -> None:
        for keeper in self._keepers:
            keeper.cancel()
        await asyncio.gather(*self._keepers, return_exceptions=True)

    async def think(self, job: Job) -> Turn:
        """The Turn for this job. Raises nothing for what happens in a process."""
        if self._thinker.light(job):  # shorter than the way to a process, or than to wait for one that asks the model
            return await self._light.run(self._thinker.work, job)
        if self._ready:
            waiting = _Waiting(job, asyncio.get_running_loop().create_future())
            self._queue.append(waiting)
            self._deal()
            if (turn := await waiting.turn) is not None:
                return turn
        return await self._here.run(self._thinker.work, job)

    def _deal(self) -> None:
        """Jobs in order, each to the process that has fewest. Where none is left, they are handed back."""
        while self._queue:
            idlest = min(self._ready, key=lambda process: len(process.jobs), default=None)
            if idlest is not None and len(idlest.jobs) >= DEEP:
                return
            waiting = self._queue.popleft()
            if waiting.turn.done():  # who asked went away
                continue
            if idlest is None:
                waiting.turn.set_result(None)
                continue
            if not idlest.jobs:
                idlest.since = time.monotonic()
            idlest.jobs.append(waiting)
            idlest.writer.write(_packed(waiting.job))

    async def _keep(self) -> None:
        """One place: a process in it, and a new one when that has died; later each time that it dies young."""
        rest = REST[0]
        while True:
            born = time.monotonic()
            process = None
            try:
                process = await self._begin()
                await self._serve(process)
            except (OSError, EOFError, pickle.UnpicklingError) as error:
                log.error("thinker.died", error=type(error).__name__, after=round(time.monotonic() - born, 1))
            finally:
                if process is not None:
                    await self._end(process)
            self.died += 1
            rest = REST[0] if time.monotonic() - born > REST[1] else min(rest * 2, REST[1])
            await asyncio.sleep(rest)

    async def _begin(self) -> _Process:
        """A process that has its parts and has rehearsed. Raises OSError or EOFError."""
        ours, theirs = socket.socketpair()
        tuned = os.environ.get("GLIBC_TUNABLES", MEMORY)
        around = environment(OMP_NUM_THREADS="1", PYTHONUNBUFFERED="1", GLIBC_TUNABLES=tuned)
        with theirs:
            child = await asyncio.create_subprocess_exec(
                *(sys.executable, "-m", "bot.thinkers", str(theirs.fileno())),
                pass_fds=[theirs.fileno()],
                stdin=asyncio.subprocess.DEVNULL,
                start_new_session=True,  # Ctrl-C is the server's to answer
                env={name: value for name, value in around.items() if not name.startswith("HANDRAIL_")},  # may be a secret
            )
        reader, writer = await asyncio.open_connection(sock=ours)
        process = _Process(child, reader, writer)
        try:
            writer.write(_packed(self._settings))
            await _read(reader)
        except BaseException:
            await self._end(process)
            raise
        return process

    async def _serve(self, process: _Process) -> None:
        """Takes its answers until it ends. Raises OSError, EOFError."""
        watch = asyncio.create_task(self._watch(process))
        self._ready.append(process)
        self._deal()
        try:
            while True:
                turn: Turn = pickle.loads(await _read(process.reader))  # noqa: S301  # our own process, a line nobody else has
                waiting, process.since = process.jobs.popleft(), time.monotonic()
                if not waiting.turn.done():
                    waiting.turn.set_result(turn)
                self._deal()
        finally:
            watch.cancel()
            self._ready.remove(process)

    async def _watch(self, process: _Process) -> None:
        while True:
            await asyncio.sleep(min(1.0, self._limit / 4))
            if process.jobs and time.monotonic() - process.since > self._limit:
                log.error("thinker.hung", seconds=self._limit)
                process.child.kill()  # its line ends, and with it `_serve`
                return

    async def _end(self, process: _Process) -> None:
        """What it thought about may be what ended it: a person gets that, and no other process. What waited is thought anew."""
        waiting, *behind = process.jobs or (None,)
        process.jobs.clear()
        if waiting is not None and not waiting.turn.done():
            waiting.turn.set_result(self._thinker.fault(waiting.job))
        self._queue.extendleft(reversed(behind))
        self._deal()
        process.writer.close()  # at the end of its line it leaves
        try:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(LEAVE):  # wait_for may swallow a cancellation that comes as the child ends
                    await process.child.wait()
        finally:  # also when the server closes in the middle of this
            with contextlib.suppress(ProcessLookupError):
                process.child.kill()
            await process.child.wait()


def give_way() -> None:
    """The server no longer takes a core from a thought in the middle of it (Linux): at full load what a thought has in the
    core's caches is worth more than a moment's wait. Call it before threads are made: they inherit it."""
    if hasattr(os, "SCHED_BATCH"):
        _scheduled(os.SCHED_BATCH)


def _scheduled(policy: int) -> None:
    with contextlib.suppress(OSError):  # where a sandbox forbids it, it goes on as before
        os.sched_setscheduler(0, policy, os.sched_param(0))


def _packed(thing: object) -> bytes:
    raw = pickle.dumps(thing, pickle.HIGHEST_PROTOCOL)
    return len(raw).to_bytes(4) + raw


async def _read(reader: asyncio.StreamReader) -> bytes:
    return await reader.readexactly(int.from_bytes(await reader.readexactly(4)))


def _work(line: socket.socket) -> None:
    """A process's whole life: its settings, then jobs until its line ends."""
    from bot import parts
    from bot.rehearse import warm

    with line, line.makefile("rb") as given:

        def taken() -> Any:
            size = given.read(4)
            return pickle.loads(given.read(int.from_bytes(size))) if len(size) == 4 else None  # noqa: S301  # from our server

        settings = taken()
        parts.logs(settings)
        said, embedder = parts.read_words(settings), parts.open_embedder(settings)
        thinker = Thinker(parts.join(settings, said, None, parts.open_search(settings, embedder), embedder))
        warm(thinker)
        gc.collect()
        gc.freeze()
        line.sendall(_packed(os.getpid()))
        while (job := taken()) is not None:
            line.sendall(_packed(thinker.work(job)))


if __name__ == "__main__":
    if hasattr(os, "SCHED_OTHER"):
        _scheduled(os.SCHED_OTHER)  # not the server's own way, which is inherited
    for number in (signal.SIGINT, signal.SIGTERM):  # the server is told, and lets go of us when it has drained
        signal.signal(number, signal.SIG_IGN)
    with contextlib.suppress(BrokenPipeError, ConnectionResetError):
        _work(socket.socket(fileno=int(sys.argv[1])))
