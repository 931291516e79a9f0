"""What has been kept long enough is found and taken away, and nothing else. On every plug."""

from __future__ import annotations

from datetime import timedelta

from kit import START, claim, close, digest, flag, kinds, open_one, write
from test_deliveries import hook, sent_all

YEAR = timedelta(days=365)


def test_idle_conversations_are_found(run):
    async def test(store):
        for number, id in enumerate(("old", "busy", "held", "erased")):
            await open_one(store, id, START + timedelta(minutes=number))
        await write(store, "busy", "still here", START + YEAR)
        handoff = await flag(store, "held")
        await store.erase("erased", START, "visitor")
        assert await store.idle_since(START) == ()
        assert await store.idle_since(START + timedelta(hours=1)) == ("old",)
        await store.move(claim(handoff))
        await store.move(close(handoff))
        assert set(await store.idle_since(START + timedelta(hours=1))) == {"old", "held"}
        assert len(await store.idle_since(START + 2 * YEAR, limit=1)) == 1

    run(test)


def test_what_holds_no_conversation_is_tidied(run):
    async def test(store):
        await store.add_webhook(hook("w1", ("message.created",)))
        await open_one(store, "c1")
        await sent_all(store)
        await open_one(store, "c2", START + YEAR)
        await store.put_secret("welcome", digest("old"), {}, START)
        await store.put_secret("welcome", digest("new"), {"a": 1}, START + YEAR)
        assert await store.tidy(START) == {"deliveries": 0, "events": 0, "secrets": 0, "sessions": 0}
        done = await store.tidy(START + timedelta(days=1))
        assert done == {"deliveries": 1, "events": 2, "secrets": 1, "sessions": 0}
        assert kinds(await store.events()) == ["conversation.started", "message.created"]
        assert len(await store.messages("c1")) == 1
        assert await store.take_secret("welcome", digest("new"), START) == {"a": 1}

    run(test)


def test_an_event_stays_as_long_as_it_is_to_be_sent(run):
    async def test(store):
        await store.add_webhook(hook("w1", ("message.created",)))
        await open_one(store)
        assert (await store.tidy(START + YEAR))["events"] == 1  # the other is still due
        (due,) = await store.due(START + YEAR)
        assert due.event is not None

    run(test)
