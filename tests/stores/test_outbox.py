"""The outbox: tried until taken, refused or dead; a slow target holds up no other; it never stops. On both plugs.

The targets are the outside world, and stand in here as scripts; store and loop are the real ones.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from datetime import timedelta

import pytest
from kit import START, flag, open_one, write
from test_deliveries import hook

from bot import outbox
from bot.model import Notice, StoreFault
from bot.ports import Permanent, RetryAfter

HOOK = "webhook:w1"


class Target:
    """Takes deliveries, or answers as it is told to."""

    def __init__(self, *answers, slow=()):
        self.answers, self.slow, self.got, self.handoffs = list(answers), slow, [], []
        self.under_way, self.most = Counter(), Counter()
        self.open = asyncio.Event()

    async def send(self, delivery, handoff):
        self.under_way[delivery.target] += 1
        self.most[delivery.target] = max(self.most[delivery.target], self.under_way[delivery.target])
        try:
            if delivery.target in self.slow:
                await self.open.wait()
            answer = self.answers.pop(0) if self.answers else None
            if isinstance(answer, BaseException):
                raise answer
            self.got.append(delivery)
            self.handoffs.append(handoff)
        finally:
            self.under_way[delivery.target] -= 1


async def running(store, clock, target, until, seconds=30.0, chance=0.5):
    """The loop at work until the condition holds."""
    loop = asyncio.create_task(outbox.run(store, {"webhook": target, "mailto": target}, clock, lambda: chance))
    try:
        async with asyncio.timeout(seconds):
            while not await until():
                await asyncio.sleep(0.02)
    finally:
        loop.cancel()
        await asyncio.gather(loop, return_exceptions=True)


def in_state(store, state, number, target=HOOK):
    async def holds():
        return len(await store.deliveries(target, state)) == number

    return holds


def test_all_is_sent_in_order_with_its_handoff(run, clock):
    async def test(store):
        await store.add_webhook(hook("w1"))
        await open_one(store)
        handoff = await flag(store, notices=(Notice("mailto:a@b.example", "handoff.opened", START),))
        target = Target()
        await running(store, clock, target, in_state(store, "sent", 6))
        hooks = [d.event.id for d in target.got if d.target == HOOK]
        assert hooks == sorted(hooks) and len(hooks) == 6
        assert [h.id for d, h in zip(target.got, target.handoffs) if d.target != HOOK] == [handoff.id]

    run(test)


def test_backing_off_over_three_days_then_dead(run, clock):
    async def test(store):
        await store.add_webhook(hook("w1", ("conversation.started",)))
        await open_one(store)
        target = Target(*[ConnectionError("no route")] * 20)
        waits = []
        for attempt in range(1, len(outbox.WAITS) + 1):
            await running(store, clock, target, came_back(store, "due", attempt))
            (one,) = await store.deliveries(HOOK)
            assert one.last_error == "ConnectionError: no route"
            waits.append((one.due_at - clock()).total_seconds())
            clock.at = one.due_at
        await running(store, clock, target, came_back(store, "dead", len(outbox.WAITS) + 1))
        assert waits == [float(w) for w in outbox.WAITS]
        assert timedelta(days=3) < clock() - START < timedelta(days=4)

    run(test)


def test_waits_are_spread_by_a_fifth_either_way(run, clock):
    async def test(store):
        await store.add_webhook(hook("w1", ("conversation.started",)))
        await open_one(store)
        target = Target(ConnectionError("no route"), ConnectionError("no route"))
        for attempt, chance, wait in ((1, 0.0, 0.8 * outbox.WAITS[0]), (2, 1.0, 1.2 * outbox.WAITS[1])):
            await running(store, clock, target, came_back(store, "due", attempt), chance=chance)
            (one,) = await store.deliveries(HOOK)
            assert (one.due_at - clock()).total_seconds() == pytest.approx(wait)
            clock.at = one.due_at

    run(test)


def came_back(store, state, attempt):
    async def holds():
        (one,) = await store.deliveries(HOOK)
        return (one.state, one.attempt) == (state, attempt)

    return holds


def test_what_is_refused_for_good_is_not_tried_again(run, clock):
    async def test(store):
        await store.add_webhook(hook("w1", ("conversation.started",)))
        await open_one(store)
        await running(store, clock, Target(Permanent("410 Gone")), in_state(store, "dead", 1))
        assert (await store.deliveries(HOOK))[0].last_error == "410 Gone"

    run(test)


def test_a_target_may_ask_for_patience(run, clock):
    async def test(store):
        await store.add_webhook(hook("w1", ("conversation.started",)))
        await open_one(store)
        target = Target(RetryAfter(900), RetryAfter(10**9))
        await running(store, clock, target, came_back(store, "due", 1))
        assert (await store.deliveries(HOOK))[0].due_at == clock() + timedelta(seconds=900)
        clock.pass_(seconds=900)
        await running(store, clock, target, came_back(store, "due", 2))
        assert (await store.deliveries(HOOK))[0].due_at == clock() + timedelta(seconds=outbox.LONGEST)
        clock.pass_(days=1)
        await running(store, clock, target, in_state(store, "sent", 1))

    run(test)


def test_one_slow_target_holds_up_no_other(run, clock):
    async def test(store):
        await store.add_webhook(hook("w1", ("conversation.started",)))
        await store.add_webhook(hook("w2", ("conversation.started",)))
        for n in range(100):
            await open_one(store, f"c{n}")
        target = Target(slow={HOOK})
        await running(store, clock, target, in_state(store, "sent", 100, "webhook:w2"))
        assert target.most[HOOK] <= outbox.AT_ONCE
        assert not [d for d in target.got if d.target == HOOK]
        clock.pass_(minutes=3)  # what the stopped loop had in hand is due again
        target.open.set()
        await running(store, clock, target, in_state(store, "sent", 100))

    run(test)


def test_a_dead_letter_of_one_conversation_lets_the_next_through(run, clock):
    async def test(store):
        await store.add_webhook(hook("w1", ("message.created",)))
        await open_one(store)
        await write(store, "c1", "hello")
        target = Target(Permanent("400"))
        await running(store, clock, target, in_state(store, "sent", 2))
        assert [d.event.seq for d in target.got] == [2, 3]
        assert await store.replay(HOOK, None, None, clock()) == 1
        await running(store, clock, target, in_state(store, "sent", 3))

    run(test)


def test_a_fault_of_the_store_does_not_stop_it(run, clock, monkeypatch):
    async def test(store):
        await store.add_webhook(hook("w1", ("conversation.started",)))
        await open_one(store)
        due, faults = store.due, [StoreFault("the disk is full"), KeyError("a bug")]

        async def sometimes(*arguments):
            if faults:
                raise faults.pop()
            return await due(*arguments)

        monkeypatch.setattr(store, "due", sometimes)
        await running(store, clock, Target(), in_state(store, "sent", 1))
        assert faults == []

    run(test)


def test_what_was_in_a_dead_process_is_sent_by_the_next(run, clock):
    async def test(store):
        await store.add_webhook(hook("w1", ("conversation.started",)))
        await open_one(store)
        await store.due(clock())  # by a process that then died
        clock.pass_(minutes=2)
        await running(store, clock, Target(), in_state(store, "sent", 1))

    run(test)


def test_what_is_under_way_when_it_is_stopped_is_due_at_once(run, clock):
    async def test(store):
        await store.add_webhook(hook("w1", ("conversation.started",)))
        await open_one(store)
        hangs = Target(slow=(HOOK,))

        async def begun():
            return hangs.under_way[HOOK] == 1

        await running(store, clock, hangs, begun)
        assert await store.next_due() == clock()
        await running(store, clock, Target(), in_state(store, "sent", 1))

    run(test)


def test_what_is_claimed_while_it_is_stopped_is_due_at_once(run, clock, monkeypatch):
    """The store has given it out, and nobody is there any more to take it."""

    async def test(store):
        await store.add_webhook(hook("w1", ("conversation.started",)))
        await open_one(store)
        due, given = store.due, asyncio.Event()

        async def slowly(*arguments):
            found = await due(*arguments)
            given.set()
            await asyncio.sleep(0.3)
            return found

        monkeypatch.setattr(store, "due", slowly)

        async def out():
            return given.is_set()

        target = Target()
        await running(store, clock, target, out)
        assert target.got == []
        assert await store.next_due() == clock()

    run(test)


def test_nothing_sends_to_a_target_of_an_unknown_kind(run, clock):
    async def test(store):
        await open_one(store)
        await flag(store, notices=(Notice("pigeon:roof", "handoff.opened", START),))
        await running(store, clock, Target(), in_state(store, "dead", 1, "pigeon:roof"))

    run(test)


def test_it_ends_with_the_store(make, clock):
    async def test():
        store = make()
        await store.start()
        loop = asyncio.create_task(outbox.run(store, {}, clock))
        await asyncio.sleep(0.1)
        store.end_watches()
        await asyncio.wait_for(loop, 5)
        await store.close()

    asyncio.run(test())
