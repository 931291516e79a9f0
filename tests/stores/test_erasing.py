"""Erasing takes the text away, and keeps what a clinician still needs until the handoff closes. On every plug."""

from __future__ import annotations

import pytest
from kit import ANA, START, claim, close, digest, flag, kinds, message, open_one, turn, write
from test_deliveries import hook, sent_all

from bot.model import Card, Gap, NotThere
from bot.notifiers.webhook import payload


def test_erasing_at_once(run):
    async def test(store):
        await open_one(store)
        await write(store, "c1", "hello", client_id="k", gap=Gap("q", "en"))
        receipt = await store.erase("c1", START, "visitor")
        assert (receipt.messages, receipt.complete, receipt.kept) == (3, True, "")
        assert await store.visit_of(digest("token of c1"), START) is None
        assert await store.visit("c1") is None and await store.messages("c1") == () and await store.gaps() == ()
        assert await store.answered("c1", "k", "hello") is None
        assert kinds(await store.events())[-1] == "conversation.erased"
        with pytest.raises(NotThere):
            await store.erase("c1", START, "visitor")

    run(test)


def test_a_turn_under_way_is_refused(run):
    async def test(store):
        await open_one(store)
        begun = await turn(store, "c1", "hello")
        await store.erase("c1", START, "visitor")
        with pytest.raises(NotThere):
            await store.record(begun)
        with pytest.raises(NotThere):
            await store.add("c1", (), START)

    run(test)


def test_with_a_handoff_open_the_clinicians_side_is_kept_until_it_closes(run):
    async def test(store):
        await open_one(store)
        handoff = await flag(store)
        receipt = await store.erase("c1", START, "visitor")
        assert not receipt.complete and receipt.kept
        assert await store.visit_of(digest("token of c1"), START) is None
        with pytest.raises(NotThere):
            await store.erase("c1", START, "visitor")
        assert [h.id for h in await store.queue()] == [handoff.id]
        held = await store.move(claim(handoff, note="called her"))
        assert held.card.marked and len(await store.messages("c1")) == 4
        assert (await store.visit("c1")).conversation.erased_at == START
        await store.say(handoff.id, ANA, message("goodbye"), START)
        closed = await store.move(close(handoff))
        assert closed.card == Card()
        assert await store.messages("c1") == () and await store.visit("c1") is None
        assert await store.notes(handoff.id) == ()
        assert (await store.handoff(handoff.id)).card == Card()
        assert [e.data["complete"] for e in await store.events() if e.kind == "conversation.erased"] == [False, True]

    run(test)


def test_others_are_untouched(run):
    async def test(store):
        await open_one(store, "c1")
        await open_one(store, "c2")
        await write(store, "c2", "stays")
        await store.erase("c1", START, "visitor")
        assert [m.text for m in await store.messages("c2", 1)] == ["stays", "It does."]

    run(test)


def test_what_was_to_be_sent_and_what_is_dead_holds_none_of_it(run):
    """Deliveries hold ids and states: after an erasure they may go on, and tell nothing."""

    async def test(store):
        await store.add_webhook(hook("w1", ()))
        await open_one(store)
        await write(store, "c1", "my cat is called Zebulon")
        handoff = await flag(store, "c1")
        await store.move(claim(handoff))
        await store.move(close(handoff))
        for delivery in (await store.due(START))[:2]:
            await store.failed(delivery.id, "410", None)
        await store.erase("c1", START, "visitor")
        assert await store.deliveries("", "dead")
        assert await store.replay("webhook:w1", None, None, START) >= 1
        left = [payload(d, await store.handoff(d.handoff) if d.handoff else None, START) for d in await sent_all(store)]
        assert left
        assert "conversation.erased" in {one["type"] for one in left}
        assert "Zebulon" not in repr(left) and "die" not in repr(left)
        found = await store.handoff(handoff.id)
        assert found is None or found.card.marked == ()

    run(test)
