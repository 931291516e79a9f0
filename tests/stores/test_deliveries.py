"""The outbox's side of the store's contract, on every plug."""

from __future__ import annotations

import asyncio
from datetime import timedelta

from kit import START, flag, open_one, write

from bot.model import Notice, Webhook

HOOK = "webhook:w1"


def hook(id="w1", events=(), **changes):
    return Webhook(id, f"https://{id}.example/in", events, f"secret of {id}", START, "key:1", **changes)


async def sent_all(store, at=START):
    done = []
    while due := await store.due(at):
        for delivery in due:
            await store.sent(delivery.id, at)
            done.append(delivery)
    return done


def test_each_webhook_gets_what_it_asked_for(run):
    async def test(store):
        await store.add_webhook(hook("w1"))
        await store.add_webhook(hook("w2", ("handoff.opened",)))
        await store.add_webhook(hook("w3", disabled_at=START))
        await open_one(store)
        await flag(store, notices=())
        got = await sent_all(store)
        by = {target: [d.kind for d in got if d.target == target] for target in (HOOK, "webhook:w2", "webhook:w3")}
        assert by[HOOK] == [
            "conversation.started", "message.created", "message.created", "message.created", "safety.flagged",
            "handoff.opened",
        ]  # fmt: skip
        assert by["webhook:w2"] == ["handoff.opened"] and by["webhook:w3"] == []
        assert all(d.event.kind == d.kind and d.event.conversation == "c1" for d in got)

    run(test)


def test_order_in_a_conversation_and_no_waiting_between_conversations(run):
    async def test(store):
        await store.add_webhook(hook("w1", ("message.created",)))
        await open_one(store, "c1")
        await open_one(store, "c2")
        await write(store, "c1", "hello")
        first = await store.due(START)
        assert [(d.conversation, d.event.seq) for d in first] == [("c1", 1), ("c2", 1)]
        assert await store.due(START) == ()  # c1's second waits for its first
        await store.failed(first[0].id, "no route", START + timedelta(minutes=1))
        await store.sent(first[1].id, START)
        assert await store.due(START) == ()
        (again,) = await store.due(START + timedelta(minutes=1))
        assert (again.id, again.attempt, again.last_error) == (first[0].id, 2, "no route")
        await store.failed(again.id, "gone", None)  # a dead letter does not hold up the next
        assert [d.event.seq for d in await store.due(START + timedelta(minutes=1))] == [2]

    run(test)


def test_notices_have_times_of_their_own(run):
    async def test(store):
        await open_one(store)
        late = Notice("mailto:a@b.example", "ladder.repeat", START + timedelta(minutes=5), True, 1)
        now = Notice("mailto:a@b.example", "handoff.opened", START)
        handoff = await flag(store, notices=(late, now))
        (due,) = await store.due(START)
        assert (due.kind, due.handoff, due.event, due.step) == ("handoff.opened", handoff.id, None, 0)
        await store.sent(due.id, START)
        assert await store.next_due() == late.due_at
        (repeat,) = await store.due(late.due_at)
        assert (repeat.kind, repeat.step) == ("ladder.repeat", 1)

    run(test)


def test_a_busy_target_is_passed_over(run):
    async def test(store):
        await store.add_webhook(hook("w1", ("conversation.started",)))
        await store.add_webhook(hook("w2", ("conversation.started",)))
        for number in range(20):
            await open_one(store, f"c{number}")
        due = await store.due(START, 100, {HOOK})
        assert {d.target for d in due} == {"webhook:w2"} and len(due) == 20
        assert len(await store.due(START, 7)) == 7

    run(test)


def test_each_delivery_is_given_to_one_sender(run):
    async def test(store):
        await store.add_webhook(hook("w1", ("conversation.started",)))
        for number in range(60):
            await open_one(store, f"c{number}")
        shares = await asyncio.gather(*(store.due(START, 10) for _ in range(10)))
        ids = [d.id for share in shares for d in share]
        assert len(ids) == len(set(ids)) == 60

    run(test)


def test_what_a_dead_sender_had_is_due_again(run):
    async def test(store):
        await store.add_webhook(hook("w1", ("conversation.started",)))
        await open_one(store)
        (lost,) = await store.due(START)
        assert await store.due(START + timedelta(minutes=1)) == ()
        assert await store.next_due() == START + timedelta(minutes=2)
        (again,) = await store.due(START + timedelta(minutes=2))
        assert (again.id, again.attempt) == (lost.id, 2)
        await store.sent(again.id, START)
        await store.failed(again.id, "late word of the first sender", START)  # changes nothing
        assert (await store.deliveries(HOOK))[0].state == "sent"

    run(test)


def test_dead_letters_are_listed_and_replayed(run):
    async def test(store):
        await store.add_webhook(hook("w1", ("conversation.started",)))
        for number in range(4):
            await open_one(store, f"c{number}")
        due = await store.due(START)
        for delivery in due[:3]:
            await store.failed(delivery.id, "410", None)
        await store.sent(due[3].id, START)
        assert len(await store.deliveries(HOOK, "dead")) == len(await store.deliveries(state="dead")) == 3
        assert (await store.counts())["outbox_dead"] == 3
        assert await store.replay(HOOK, None, None, START) == 3
        again = await sent_all(store)
        assert sorted(d.id for d in again) == sorted(d.id for d in due[:3]) and again[0].attempt == 1
        assert await store.replay(HOOK, due[2].event.id, due[3].event.id, START) == 2  # by the events that an integrator knows
        assert await store.replay("webhook:other", None, None, START) == 0

    run(test)


def test_webhooks_are_kept_changed_and_removed(run):
    async def test(store):
        await store.add_webhook(hook())
        assert await store.webhook("w1") == hook()
        assert await store.webhooks("key:1") == (hook(),) and await store.webhooks("key:2") == ()
        secrets = {"secret": "new", "previous_secret": "secret of w1"}
        changed = await store.change_webhook("w1", events=("handoff.opened",), **secrets)
        assert changed == await store.webhook("w1") and changed.previous_secret == "secret of w1"
        await store.change_webhook("w1", events=())
        await open_one(store)
        assert await store.remove_webhook("w1") and not await store.remove_webhook("w1")
        assert await store.webhook("w1") is None and await store.due(START) == ()
        assert await store.change_webhook("w1", url="x") is None

    run(test)


def test_nothing_is_due_from_what_was_rolled_back(run):
    async def test(store):
        await store.add_webhook(hook("w1", ("message.created",)))
        await open_one(store)
        await sent_all(store)
        for _ in range(3):
            try:
                await write(store, "c1", "x", version=99)
            except RuntimeError:
                pass
        assert await store.due(START) == () and await store.next_due() is None

    run(test)
