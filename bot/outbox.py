"""Due deliveries: claim, send, back off, give up when there is no hope, never stop."""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime, timedelta
from typing import TypeVar

import structlog

from bot.model import Delivery
from bot.ports import Clock, Notifier, Permanent, RetryAfter, Store

log = structlog.get_logger(__name__)
T = TypeVar("T")

WAITS = (5, 30, 120, 600, 3600, 3 * 3600, 8 * 3600, 16 * 3600, 24 * 3600, 24 * 3600)
"""Seconds before the second, third … attempt: a little over three days in all. After the last it is a dead letter."""
LONGEST = 24 * 3600.0  # a target that asks for more patience than this gets this
AT_ONCE = 8  # sends under way to one target
IN_HAND = 32  # claimed at a time
SEND_WITHIN = 60.0  # seconds; below the store's lease on what is being sent
NOTE_TRIES = 45  # seconds, one a try, for the store to take what became of a send; with SEND_WITHIN below its lease
LOOK_AGAIN = 1.0  # seconds; when no bell rings (another replica's, a timer's)
BREATH = 0.02  # seconds between two looks, so that a busy house is not asked at every message


class Outbox:
    """The loop of one process. Any number of processes may run one: the store gives each delivery to one of them."""

    def __init__(
        self, store: Store, senders: Mapping[str, Notifier], clock: Clock, chance: Callable[[], float] = random.random
    ) -> None:
        self._store, self._senders, self._clock, self._chance = store, senders, clock, chance
        self._in_hand: dict[int, asyncio.Task[None]] = {}
        self._claiming: asyncio.Future[tuple[Delivery, ...]] | None = None
        self._by_target: Counter[str] = Counter()
        self._gates: dict[str, asyncio.Semaphore] = {}
        self._latest: datetime | None = None  # by the clock, at the last look
        self._free = asyncio.Event()  # something was sent: what waited for it may be due

    async def run(self) -> None:
        """Until cancelled, or the store closes."""
        bell = self._store.watch(None)
        ringing = asyncio.ensure_future(bell.__anext__())
        try:
            while True:
                looked = await _error_of(self._look())
                if isinstance(looked, BaseException):
                    log.error("outbox.look", error=f"{type(looked).__name__}: {looked}")
                seconds = LOOK_AGAIN if isinstance(looked, BaseException) else looked
                if seconds:
                    free = asyncio.ensure_future(self._free.wait())
                    await asyncio.wait((ringing, free), timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
                    free.cancel()
                if ringing.done():
                    if ringing.exception() is not None:  # the store has closed
                        return
                    ringing = asyncio.ensure_future(bell.__anext__())
        finally:
            sending = dict(self._in_hand)
            for task in (ringing, *sending.values()):
                task.cancel()
            await asyncio.gather(ringing, *sending.values(), return_exceptions=True)
            await bell.aclose()
            claimed = await _error_of(self._claiming) if self._claiming else ()
            untold = () if isinstance(claimed, BaseException) else tuple(d.id for d in claimed)
            for id in (*sending, *untold):  # the next process need not wait for a lease to run out
                await _error_of(self._store.failed(id, "the server was stopped meanwhile", self._clock()))

    async def _look(self) -> float:
        """Takes in hand what is due; how long to wait before looking again when nothing rings, in seconds."""
        await asyncio.sleep(BREATH)
        self._free.clear()
        now = self._clock()
        set_back = self._latest is None or now < self._latest  # here, or while no process ran
        if set_back and (again := await self._store.retime(now)):
            log.warning("outbox.clock", retimed=again)
        self._latest = now
        next_due = await self._store.next_due()
        if next_due is None:
            return LOOK_AGAIN
        if next_due > now:
            return min(LOOK_AGAIN, (next_due - now).total_seconds())
        busy = frozenset(target for target, number in self._by_target.items() if number >= AT_ONCE)
        self._claiming = asyncio.ensure_future(self._store.due(now, IN_HAND, busy))
        claimed = await asyncio.shield(self._claiming)  # what was claimed while this is cancelled is given back below
        self._claiming = None
        for delivery in claimed:
            if delivery.id not in self._in_hand:
                self._take(delivery)
        return 0.0 if claimed else LOOK_AGAIN

    def _take(self, delivery: Delivery) -> None:
        self._by_target[delivery.target] += 1
        task = asyncio.create_task(self._deliver(delivery))
        self._in_hand[delivery.id] = task
        task.add_done_callback(lambda _: self._let_go(delivery))

    def _let_go(self, delivery: Delivery) -> None:
        del self._in_hand[delivery.id]
        self._free.set()
        self._by_target[delivery.target] -= 1
        if not self._by_target[delivery.target]:
            del self._by_target[delivery.target]
            self._gates.pop(delivery.target, None)

    async def _deliver(self, delivery: Delivery) -> None:
        async with self._gates.setdefault(delivery.target, asyncio.Semaphore(AT_ONCE)):
            retry_at, error = await self._send(delivery)
        for _ in range(NOTE_TRIES):
            if error is None:
                noted = await _error_of(self._store.sent(delivery.id, self._clock()))
            else:
                noted = await _error_of(self._store.failed(delivery.id, error, retry_at))
            if noted is None:
                return
            await asyncio.sleep(
                LOOK_AGAIN
            )  # the disk is full, the database restarts: what was sent need not be sent twice
        # It goes out once more when its lease has run out: at least once, never lost.
        log.error("outbox.store", delivery=delivery.id, error=f"{type(noted).__name__}: {noted}")

    async def _send(self, delivery: Delivery) -> tuple[datetime | None, str | None]:
        """(when to try again, what went wrong): (None, None) when it was taken, (None, error) when it is dead."""
        sender = self._senders.get(delivery.target.partition(":")[0])
        if sender is None:
            return None, f"nothing sends to {delivery.target.partition(':')[0]}"
        error = await _error_of(self._hand_over(sender, delivery))
        if error is None:
            return None, None
        if isinstance(error, Permanent):
            log.warning("outbox.dead", delivery=delivery.id, kind=delivery.kind, error=str(error))
            return None, str(error) or "refused for good"
        if isinstance(error, RetryAfter):
            return self._later(delivery, str(error), asked=error.seconds)
        return self._later(delivery, f"{type(error).__name__}: {error}")

    async def _hand_over(self, sender: Notifier, delivery: Delivery) -> None:
        handoff = await self._store.handoff(delivery.handoff) if delivery.handoff else None
        async with asyncio.timeout(SEND_WITHIN):
            await sender.send(delivery, handoff)

    def _later(self, delivery: Delivery, error: str, asked: float = 0.0) -> tuple[datetime | None, str]:
        log.info("outbox.failed", delivery=delivery.id, kind=delivery.kind, attempt=delivery.attempt, error=error)
        if delivery.attempt > len(WAITS):
            log.warning("outbox.dead", delivery=delivery.id, kind=delivery.kind, error=error)
            return None, error
        wait = WAITS[max(0, delivery.attempt - 1)] * (0.8 + 0.4 * self._chance())
        return self._clock() + timedelta(seconds=min(LONGEST, max(wait, asked))), error


async def run(
    store: Store, senders: Mapping[str, Notifier], clock: Clock, chance: Callable[[], float] = random.random
) -> None:
    """Sends what is due, until cancelled or the store closes. `senders` by the part of a target before its colon."""
    await Outbox(store, senders, clock, chance).run()


async def _error_of(work: Awaitable[T]) -> T | Exception:
    """What it gives, or what it raised: whatever a target, a sender or the store does, the loop goes on."""
    try:
        return await work
    except Exception as error:  # noqa: BLE001 - the second of three in the tree
        return error
