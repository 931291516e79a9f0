"""The clinicians' side of the store's contract, on every plug."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import timedelta

import psycopg
import pytest
from kit import (
    ANA,
    BEN,
    ROBOT,
    START,
    claim,
    close,
    flag,
    kinds,
    lapse,
    lower,
    message,
    open_one,
    opening,
    release,
    write,
)

from bot.model import (
    Author,
    BookingDraft,
    Card,
    HandoffState,
    Held,
    Marked,
    Notice,
    NotThere,
    Outcome,
    Owner,
    Reason,
    Reused,
    RiskOpen,
    Verdict,
)
from bot.stores.postgresql import PostgresqlStore

LATER = START + timedelta(minutes=3)
DUTY = "mailto:duty@practice.example"


def test_opening_and_its_card(run):
    async def test(store):
        await open_one(store)
        opened = await flag(store)
        assert opened == await store.handoff(opened.id)
        assert (opened.state, opened.urgency, opened.reason) == (HandoffState.WAITING, 3, Reason.SUICIDE)
        assert opened.card.marked[0].text == "I want to die"
        visit = await store.visit("c1")
        assert visit.handoff == opened and visit.conversation.owner is Owner.QUEUE and visit.conversation.urgency == 3
        assert "handoff.opened" in kinds(await store.events()) and "safety.flagged" in kinds(await store.events())
        assert [d.kind for d in await store.deliveries(DUTY)] == ["handoff.opened"]

    run(test)


def test_one_open_handoff_a_conversation_that_only_rises(run):
    async def test(store):
        await open_one(store)
        first = await write(store, "c1", "book me", opening=booking(), owner=Owner.QUEUE)
        second = await write(store, "c1", "I want to die", LATER, opening=opening(3, due_at=START + timedelta(hours=1)))
        third = await write(store, "c1", "and now?", LATER, opening=opening(1, Reason.MINOR, due_at=None))
        assert first.handoff.id == second.handoff.id == third.handoff.id
        now = await store.handoff(first.handoff.id)
        assert (now.urgency, now.reason, now.opened_at) == (3, Reason.SUICIDE, START)
        assert now.due_at == START + timedelta(hours=1)
        assert now.booking and now.card.booking == BookingDraft("asking", name="Sam")  # risk does not lose it
        assert now.card.contact == "sam@example.org" and len(now.card.marked) == 1
        assert kinds(await store.events()).count("handoff.escalated") == 1
        assert kinds(await store.events()).count("handoff.opened") == 1

    run(test)


def booking():
    card = Card(contact="sam@example.org", booking=BookingDraft("asking", name="Sam"))
    return opening(0, Reason.BOOKING, due_at=START + timedelta(days=1), booking=True, card=card)


def test_marks_add_up(run):
    async def test(store):
        await open_one(store)
        one, two = (Marked(n, "words", (0, 5), f"rule{n}", "why") for n in (2, 4))
        for mark in (one, one, two):
            done = await write(store, "c1", "…", opening=opening(2, card=Card(marked=(mark,), shown=("a",))))
        assert done.handoff.card.marked == (one, two) and done.handoff.card.shown == ("a",)

    run(test)


def test_the_queue_is_by_urgency_then_wait(run):
    async def test(store):
        for number, urgency in enumerate((1, 3, 2, 3, 4, 1)):
            await open_one(store, f"c{number}")
            await flag(store, f"c{number}", urgency, START + timedelta(seconds=number))
        assert [h.conversation for h in await store.queue()] == ["c4", "c1", "c3", "c2", "c0", "c5"]
        assert [h.conversation for h in await store.queue(limit=2)] == ["c4", "c1"]
        taken = await store.claim_next(claim)
        assert taken.conversation == "c4"
        assert (await store.queue(HandoffState.CLAIMED))[0].id == taken.id
        assert len(await store.queue(None)) == 6

    run(test)


def test_the_front_desk_sees_bookings_without_a_flag(run):
    async def test(store):
        await open_one(store, "risk")
        await flag(store, "risk")
        await open_one(store, "both")
        await write(store, "both", "book", opening=replace(booking(), urgency=2))
        await open_one(store, "book")
        await write(store, "book", "book", opening=booking())
        assert [h.conversation for h in await store.queue(bookings_only=True)] == ["book"]
        assert (await store.claim_next(claim, bookings_only=True)).conversation == "book"
        assert await store.claim_next(claim, bookings_only=True) is None

    run(test)


def test_a_claim_is_won_once_and_the_loser_hears_who_won(run):
    async def test(store):
        await open_one(store)
        handoff = await flag(store)
        won = await store.move(claim(handoff))
        assert (won.state, won.holder, won.holder_name, won.version) == (HandoffState.CLAIMED, ANA.id, "Ana Ruiz", 1)
        assert won.acknowledged_at == START
        with pytest.raises(Held) as lost:
            await store.move(claim(handoff, BEN))
        assert lost.value.holder_name == "Ana Ruiz"
        with pytest.raises(NotThere):
            await store.move(claim(replace(handoff, id="nothing")))
        visit = await store.visit("c1")
        assert (visit.conversation.owner, visit.conversation.owner_epoch) == (Owner.CLINICIAN, 2)
        said = await store.messages("c1")
        assert (said[-1].author, said[-1].text) == (Author.SYSTEM, "Ana Ruiz has joined.")
        assert "handoff.claimed" in kinds(await store.events())

    run(test)


def test_twenty_racers_one_winner_each_round(run):
    async def test(store):
        racers = [replace(BEN, id=f"user:{n}", name=f"Racer {n}") for n in range(20)]
        for number in range(10):
            id = f"c{number}"
            await open_one(store, id)
            handoff = await flag(store, id)
            claims = (store.move(claim(handoff, racer)) for racer in racers)
            done = await asyncio.gather(*claims, return_exceptions=True)
            won = [d for d in done if not isinstance(d, BaseException)]
            lost = [d for d in done if isinstance(d, Held)]
            assert (len(won), len(lost)) == (1, 19)
            assert {d.holder_name for d in lost} == {won[0].holder_name}

    run(test)


def test_racers_for_the_next_share_the_queue_without_a_double(run):
    async def test(store):
        for number in range(12):
            await open_one(store, f"c{number}")
            await flag(store, f"c{number}", 1 + number % 4, START + timedelta(seconds=number))
        racers = [replace(BEN, id=f"user:{n}", name=f"Racer {n}") for n in range(20)]
        taken = await asyncio.gather(*(store.claim_next(lambda h, r=r: claim(h, r)) for r in racers))
        ids = [h.id for h in taken if h is not None]
        assert len(ids) == len(set(ids)) == 12
        assert taken.count(None) == 8
        if isinstance(store, PostgresqlStore):
            await asyncio.sleep(1.2)  # PostgreSQL brings its figures up to date once a second
            with psycopg.connect(store.url) as connection:
                row = connection.execute("SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()")
                assert row.fetchone() == (0,)

    run(test)


def test_release_gives_back_the_older_clock(run):
    async def test(store):
        await open_one(store)
        handoff = await flag(store)
        await store.move(claim(handoff, at=LATER))
        with pytest.raises(Held):
            await store.move(release(handoff, BEN))
        with pytest.raises(Held):
            await store.move(release(handoff, version=0))  # a tab that has slept
        back = await store.move(release(handoff, at=LATER, version=1, note="her colleague will"))
        assert (back.state, back.holder, back.holder_name, back.lease_until) == (HandoffState.WAITING, "", "", None)
        assert (back.opened_at, back.urgency, back.version) == (START, 3, 2)
        assert (await store.visit("c1")).conversation.owner is Owner.QUEUE
        assert [n.text for n in await store.notes(handoff.id)] == ["her colleague will"]

    run(test)


def test_transfer_leaves_no_moment_without_a_holder(run):
    async def test(store):
        await open_one(store)
        handoff = await flag(store)
        await store.move(claim(handoff))
        over = claim(handoff, ANA, LATER, action="transfer", expects=frozenset({HandoffState.CLAIMED}), must_hold=True)
        now = await store.move(replace(over, holder=BEN))
        assert (now.holder, now.version, now.acknowledged_at) == (BEN.id, 2, START)
        with pytest.raises(Held):
            await store.say(handoff.id, ANA, message("hello"), LATER)
        assert (await store.say(handoff.id, BEN, message("hello"), LATER, version=2))[0].name == "Ben Cole"

    run(test)


def test_leases(run):
    async def test(store):
        await open_one(store)
        handoff = await flag(store)
        held = await store.move(claim(handoff, ROBOT))
        assert await store.lapsed(START) == ()
        assert [h.id for h in await store.lapsed(LATER)] == [handoff.id]
        assert await store.renew(ROBOT.id, LATER + timedelta(minutes=2)) == 1
        assert await store.renew(BEN.id, LATER) == 0
        assert await store.lapsed(LATER) == ()
        with pytest.raises(Held):
            await store.move(lapse(held, LATER))  # renewed a moment ago
        back = await store.move(lapse(held, LATER + timedelta(minutes=3)))
        assert (back.state, back.opened_at, back.urgency) == (HandoffState.WAITING, START, 3)

    run(test)


def test_a_lease_is_never_made_shorter(run):
    async def test(store):
        await open_one(store)
        handoff = await flag(store)
        await store.move(claim(handoff))
        await store.renew(ANA.id, START)
        assert (await store.handoff(handoff.id)).lease_until == START + timedelta(minutes=2)

    run(test)


def test_closing_and_the_open_risk(run):
    async def test(store):
        await open_one(store)
        handoff = await flag(store)
        await store.move(claim(handoff))
        with pytest.raises(RiskOpen):
            await store.move(close(handoff, outcome=Outcome.RETURNED_TO_BOT))
        with pytest.raises(Held):
            await store.move(close(handoff, BEN, outcome=Outcome.RETURNED_TO_BOT))
        lowered = await store.move(lower(handoff, 1))
        assert (lowered.urgency, lowered.version) == (1, 1)
        visit = await store.visit("c1")
        assert (visit.conversation.urgency, visit.memory.safety.level) == (1, 1)
        assert visit.memory.safety.signs == ("wish",)
        closed = await store.move(close(handoff, at=LATER, outcome=Outcome.RETURNED_TO_BOT))
        assert (closed.state, closed.outcome, closed.closed_at) == (
            HandoffState.CLOSED,
            Outcome.RETURNED_TO_BOT,
            LATER,
        )
        after = await store.visit("c1")
        assert after.conversation.owner is Owner.BOT and after.handoff is None
        assert [h.id for h in await store.earlier("c1")] == [handoff.id]
        again = await flag(store)
        assert again.id != handoff.id and len(await store.earlier("c1")) == 2
        assert [h.id for h in await store.queue(HandoffState.CLOSED)] == [handoff.id]

    run(test)


def test_a_loser_changes_nothing(run):
    async def test(store):
        await open_one(store)
        handoff = await flag(store)
        await store.move(claim(handoff))
        before = (await store.visit("c1"), await store.events(), await store.audit_rows(), await store.messages("c1"))
        with pytest.raises(Held):
            await store.move(claim(handoff, BEN, note="mine", notices=(Notice(DUTY, "x", START),)))
        after = (await store.visit("c1"), await store.events(), await store.audit_rows(), await store.messages("c1"))
        assert after == before and await store.notes(handoff.id) == ()

    run(test)


def test_the_ladder_stops_at_the_claim(run):
    async def test(store):
        await open_one(store)
        ladder = tuple(Notice(DUTY, "ladder.repeat", START + timedelta(minutes=n), True, n) for n in (5, 10))
        always = (Notice(DUTY, "promise", START + timedelta(minutes=15)),)
        handoff = await flag(store, notices=ladder + always)
        await store.move(claim(handoff))
        states = {(d.kind, d.state) for d in await store.deliveries(DUTY)}
        assert states == {("ladder.repeat", "cancelled"), ("promise", "due")}

    run(test)


def test_staff_messages_are_the_holders_alone_and_come_once(run):
    async def test(store):
        await open_one(store)
        handoff = await flag(store)
        with pytest.raises(Held):
            await store.say(handoff.id, ANA, message("hello"), START)
        await store.move(claim(handoff))
        said, again = await store.say(handoff.id, ANA, message("hello"), START, "k", version=1)
        assert (said.author, said.name, said.client_id, again) == (Author.CLINICIAN, "Ana Ruiz", "k", False)
        assert await store.say(handoff.id, ANA, message("hello"), START, "k", version=1) == (said, True)
        with pytest.raises(Reused):
            await store.say(handoff.id, ANA, message("other"), START, "k")
        with pytest.raises(Held):
            await store.say(handoff.id, BEN, message("hi"), START)
        with pytest.raises(Held):
            await store.say(handoff.id, ANA, message("hi"), START, version=0)
        with pytest.raises(NotThere):
            await store.say("nothing", ANA, message("hi"), START)
        assert [m.text for m in await store.messages("c1", 4)] == ["hello"]

    run(test)


def test_private_notes_never_reach_the_visitor(run):
    async def test(store):
        await open_one(store)
        handoff = await flag(store)
        with pytest.raises(Held):
            await store.note(handoff.id, ANA, "no", START)
        await store.move(claim(handoff, note="seen at the desk"))
        await store.note(handoff.id, ANA, "PRIVATE", LATER)
        with pytest.raises(Held):
            await store.note(handoff.id, BEN, "no", START)
        assert [(n.by, n.text) for n in await store.notes(handoff.id)] == [
            ("Ana Ruiz", "seen at the desk"),
            ("Ana Ruiz", "PRIVATE"),
        ]
        assert "PRIVATE" not in str(await store.messages("c1")) + str(await store.events())

    run(test)


def test_the_filter_raises_what_a_clinician_has(run):
    async def test(store):
        await open_one(store)
        handoff = await flag(store, urgency=2)
        await store.move(claim(handoff))
        worse = Verdict(urgency=4, level=4)
        done = await write(store, "c1", "now", verdict=worse, opening=opening(4, Reason.OVERDOSE))
        assert (done.handoff.urgency, done.handoff.state, done.handoff.holder) == (4, HandoffState.CLAIMED, ANA.id)
        assert done.handoff.reason is Reason.OVERDOSE and done.handoff.version == 1
        assert done.conversation.owner is Owner.CLINICIAN

    run(test)
