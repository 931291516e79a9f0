"""The state machine: who may take which step, what goes with it, and that one claim wins on a real store."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest
from handoff_cast import ANA, BEN, DESK, LEASE, MONDAY, ROBOT, Clock, Run, waiting

from bot import handoff as steps
from bot.handoff import STEPS, Incomplete, NotAllowed
from bot.model import (
    Author,
    BookingDraft,
    Card,
    Fired,
    Handoff,
    HandoffState,
    Held,
    Holder,
    Kind,
    Memory,
    Outcome,
    Owner,
    Reason,
    RiskOpen,
    SafetyMemory,
    TalkMemory,
    Verdict,
)
from bot.words import Words

ROLES = ("admin", "clinician", "front_desk", "auditor", "key", "system")


def held(**changes: object) -> Handoff:
    base = Handoff("h1", "c1", Reason.ASKED, 0, HandoffState.CLAIMED, MONDAY, MONDAY + timedelta(hours=4), version=1,
                   holder=ANA.id, holder_name=ANA.name, lease_until=MONDAY + LEASE)  # fmt: skip
    return replace(base, **changes)  # type: ignore[arg-type]


def who(role: str) -> Holder:
    return Holder(f"user:{role}", role, role, frozenset({"handoffs"}))


@pytest.mark.parametrize("action", STEPS)
@pytest.mark.parametrize("role", ROLES)
def test_the_table_decides_who_may(action: str, role: str) -> None:
    """The table itself is the expectation for a plain handoff; the front desk only where it is a booking."""
    plain, booking = held(), held(booking=True)
    allowed = role in STEPS[action].roles
    assert (steps.refusal(action, booking, who(role)) == "") is allowed
    assert (steps.refusal(action, plain, who(role)) == "") is (allowed and role != "front_desk")


def test_an_auditor_may_do_nothing_and_the_desk_nothing_where_there_is_risk() -> None:
    assert all(steps.refusal(action, held(booking=True), who("auditor")) for action in STEPS)
    assert all(steps.refusal(action, held(booking=True, urgency=2), DESK) for action in STEPS)
    assert steps.refusal("urgency", held(booking=True), DESK), "a flag is lowered by a clinician alone"
    assert "scope" in steps.refusal("claim", held(), Holder("key:2", "k", "key", frozenset({"answers"})))


def test_notes_are_asked_for(words: Words) -> None:
    for make in (
        lambda: steps.transfer(held(), ANA, BEN, MONDAY, LEASE, "", words),
        lambda: steps.set_urgency(held(urgency=3), ANA, MONDAY, 1, ""),
        lambda: steps.release(held(), ANA, MONDAY, "x" * 10_001, words),
    ):
        with pytest.raises(Incomplete):
            make()


def test_raising_needs_no_note_and_lowering_says_so_in_its_event() -> None:
    up = steps.set_urgency(held(urgency=1), ANA, MONDAY, 3, "")
    down = steps.set_urgency(held(urgency=3), ANA, MONDAY, 1, "spoke by phone, safe with her sister")
    assert (up.event, up.urgency) == ("handoff.escalated", 3)
    assert (down.event, down.urgency, down.note) == ("handoff.lowered", 1, "spoke by phone, safe with her sister")
    with pytest.raises(Incomplete):
        steps.set_urgency(held(), ANA, MONDAY, 5, "more than there is")


def test_returning_to_the_bot_waits_for_the_flag(words: Words) -> None:
    with pytest.raises(RiskOpen):
        steps.close(held(urgency=2), ANA, MONDAY, "returned_to_bot", "fine now", words)
    back = steps.close(held(urgency=1), ANA, MONDAY, "returned_to_bot", "fine now", words)
    assert back.owner is Owner.BOT and back.refuse_with_open_risk
    ended = steps.close(held(urgency=3), ANA, MONDAY, "referred", "to the walk-in clinic", words)
    assert ended.owner is None, "the owner stays until the visitor writes again"
    with pytest.raises(Incomplete, match="no_contact"):
        steps.close(held(), ANA, MONDAY, "done", "x", words)


def test_a_transfer_goes_to_someone_who_is_there_and_may(words: Words) -> None:
    with pytest.raises(NotAllowed, match="not on duty"):
        steps.transfer(held(), ANA, BEN, MONDAY, LEASE, "my shift ends", words, on_duty=False)
    with pytest.raises(NotAllowed, match="bookings"):
        steps.transfer(held(), ANA, DESK, MONDAY, LEASE, "my shift ends", words)
    with pytest.raises(NotAllowed, match="yours already"):
        steps.transfer(held(), ANA, ANA, MONDAY, LEASE, "my shift ends", words)
    move = steps.transfer(held(), ANA, BEN, MONDAY, LEASE, "my shift ends", words)
    assert move.holder == BEN and move.lease_until == MONDAY + LEASE and move.must_hold
    assert ANA.name in move.say[0].text and BEN.name in move.say[0].text


def test_only_a_lease_that_has_run_out_lapses(words: Words) -> None:
    with pytest.raises(Held):
        steps.lapse(held(), MONDAY, words)
    move = steps.lapse(held(), MONDAY + LEASE, words)
    assert (move.state, move.owner, move.version) == (HandoffState.WAITING, Owner.QUEUE, 1)


def test_leaving_the_queue_and_expiry_never_end_a_flag(words: Words) -> None:
    risky = held(state=HandoffState.WAITING, urgency=2, booking=True)
    for step in (steps.withdraw, steps.expire):
        with pytest.raises(RiskOpen):
            step(risky, MONDAY, words)
        assert step(replace(risky, urgency=1), MONDAY, words).refuse_with_open_risk, "the store looks again"
    with pytest.raises(NotAllowed):
        steps.expire(replace(risky, urgency=0, booking=False), MONDAY, words)


def test_a_name_in_script_is_only_ever_text(words: Words) -> None:
    """Names are kept as they are: each place that shows them escapes, none of them is HTML here."""
    rude = Holder("user:x", '<img src=x onerror="alert(1)">{telephone}', "clinician")
    said = steps.claim(held(state=HandoffState.WAITING), rude, MONDAY, LEASE, words).say[0]
    assert rude.name in said.text and words.practice.telephone not in said.text


# ── the card ──


def test_the_card_holds_the_visitors_words_and_facts() -> None:
    text = "We sold the car. " * 60 + "I gave the dog away because I will not need it." + " Thanks." * 40
    start = text.index("I gave")
    fired = (Fired("goodbye.give_away", (start, start + 22), 3, Reason.SUICIDE, "gives away what matters"),)
    memory = Memory(
        SafetyMemory(said=("crisis_3/0",), lines=("988 Lifeline",)),
        TalkMemory(articles=("what-therapy-is",)),
        BookingDraft("asking", name="Sam", contact="+1 212-555-0142", notes={"safe_contact": "text only"}),
    )
    card = steps.card(Verdict(fired=fired, reply="crisis_3"), text, 7, memory)
    (mark,) = card.marked
    assert mark.text[slice(*mark.span)] == text[start : start + 22] and mark.seq == 7 and len(mark.text) < len(text)
    assert card.shown == ("crisis_3/0", "988 Lifeline", "crisis_3")
    assert card.articles == ("what-therapy-is",)
    assert (card.contact, card.safe_contact) == ("+1 212-555-0142", "text only")
    assert card.booking is memory.booking


def test_a_span_at_either_end_of_a_long_message_stays_itself() -> None:
    text = "a" * 10 + "x" * 5000 + "z" * 10
    for span in ((0, 10), (5010, 5020), (0, 5020)):
        fired = (Fired("r", span, 2, Reason.SUICIDE),)
        (mark,) = steps.card(Verdict(fired=fired), text, 1, Memory()).marked
        assert mark.text[slice(*mark.span)] == text[slice(*span)]


def test_a_child_leaves_no_contact() -> None:
    request = BookingDraft("asking", contact="kid@school.example")
    child = Memory(SafetyMemory(minor=True, under_13=True), booking=request)
    assert steps.card(Verdict(), "hi", 1, child, contact="kid@school.example").contact == ""


def test_merging_loses_nothing() -> None:
    one, other = (Verdict(fired=(Fired(rule, (0, 2), 2, Reason.SUICIDE),)) for rule in "ab")
    first = steps.card(one, "no way out", 3, Memory(), contact="555")
    second = steps.card(other, "no way out", 5, Memory(), note="call me")
    both = steps.merged(first, second)
    assert [m.rule for m in both.marked] == ["a", "b"] and both.contact == "555" and both.note == "call me"
    assert steps.merged(both, second) == both, "the same again changes nothing"


@pytest.mark.parametrize(
    ("old", "new", "is_now"),
    [
        ((Reason.BOOKING, 0), (Reason.SUICIDE, 3), (Reason.SUICIDE, 3)),
        ((Reason.SUICIDE, 3), (Reason.BOOKING, 0), (Reason.SUICIDE, 3)),
        ((Reason.BOOKING, 0), (Reason.ASKED, 0), (Reason.ASKED, 0)),
        ((Reason.MEDICATION, 1), (Reason.ASKED, 0), (Reason.MEDICATION, 1)),
        ((Reason.ASKED, 2), (Reason.ABUSE, 2), (Reason.ABUSE, 2)),
    ],
)
def test_risk_raises_and_never_lowers(
    old: tuple[Reason, int], new: tuple[Reason, int], is_now: tuple[Reason, int]
) -> None:
    early, late = MONDAY, MONDAY + timedelta(hours=1)
    one = held(reason=old[0], urgency=old[1], due_at=late, booking=old[0] is Reason.BOOKING)
    opening = steps.raised(one, steps.opening(new[0], new[1], early, Card(), new[0] is Reason.BOOKING))
    assert (opening.reason, opening.urgency) == is_now
    assert opening.due_at == early and opening.booking is (Reason.BOOKING in {old[0], new[0]})


# ── on the store ──


def test_one_of_twenty_claims_wins(run: Run, words: Words, clock: Clock) -> None:
    async def race(store):  # type: ignore[no-untyped-def]
        handoff = await waiting(store, clock())
        racers = [Holder(f"user:{n}", f"N {n}", "clinician") for n in range(20)]
        done = await asyncio.gather(
            *(store.move(steps.claim(handoff, r, clock(), LEASE, words)) for r in racers), return_exceptions=True
        )
        won = [d for d in done if isinstance(d, Handoff)]
        lost = [d for d in done if isinstance(d, Held)]
        assert len(won) == 1 and len(lost) == 19
        assert {error.holder_name for error in lost} == {won[0].holder_name}, "the loser hears who won"
        said = await store.messages("c1")
        joined = [m for m in said if m.author is Author.SYSTEM and won[0].holder_name in m.text]
        assert len(joined) == 1 and joined[0].kind is Kind.NOTICE

    run(race)


def test_a_stale_holder_can_do_nothing(run: Run, words: Words, clock: Clock) -> None:
    async def walk(store):  # type: ignore[no-untyped-def]
        handoff = await waiting(store, clock(), urgency=2)
        mine = await store.move(steps.claim(handoff, ANA, clock(), LEASE, words))
        await store.move(steps.transfer(mine, ANA, BEN, clock(), LEASE, "my shift ends", words))
        for move in (
            steps.release(mine, ANA, clock(), "back", words),
            steps.close(mine, ANA, clock(), "resolved", "done", words),
            steps.set_urgency(mine, ANA, clock(), 0, "fine"),
            steps.transfer(mine, ANA, ROBOT, clock(), LEASE, "again", words),
        ):
            with pytest.raises(Held) as caught:
                await store.move(move)
            assert caught.value.holder_name == BEN.name

    run(walk)


def test_a_lapse_keeps_urgency_and_the_older_clock(run: Run, words: Words, clock: Clock) -> None:
    async def walk(store):  # type: ignore[no-untyped-def]
        opened = clock()
        handoff = await waiting(store, opened, urgency=3, reason=Reason.SUICIDE, due=opened + timedelta(minutes=15))
        await store.move(steps.claim(handoff, ANA, clock(), LEASE, words))
        clock.pass_(minutes=3)
        (lapsed,) = await store.lapsed(clock())
        stale = steps.lapse(lapsed, clock(), words)
        await store.renew(ANA.id, clock() + LEASE)  # she was only slow: a reply was being typed
        with pytest.raises(Held):
            await store.move(stale)
        clock.pass_(minutes=3)
        (lapsed,) = await store.lapsed(clock())
        back = await store.move(steps.lapse(lapsed, clock(), words))
        assert (back.state, back.urgency, back.opened_at) == (HandoffState.WAITING, 3, opened)
        assert back.due_at == opened + timedelta(minutes=15) and back.holder == ""
        visit = await store.visit("c1")
        assert visit.conversation.owner is Owner.QUEUE
        again = await store.move(steps.claim(back, BEN, clock(), LEASE, words))
        assert again.version > lapsed.version

    run(walk)


def test_lowering_by_a_clinician_opens_the_way_back(run: Run, words: Words, clock: Clock) -> None:
    async def walk(store):  # type: ignore[no-untyped-def]
        handoff = await waiting(store, clock(), urgency=3, reason=Reason.SUICIDE)
        mine = await store.move(steps.claim(handoff, ANA, clock(), LEASE, words))
        unaware = replace(mine, urgency=0)  # a move made on an old reading: the store looks for itself
        with pytest.raises(RiskOpen):
            await store.move(steps.close(unaware, ANA, clock(), "returned_to_bot", "fine", words))
        lower = await store.move(steps.set_urgency(mine, ANA, clock(), 1, "safe, with her sister until Friday"))
        back = await store.move(steps.close(lower, ANA, clock(), "returned_to_bot", "fine", words))
        visit = await store.visit("c1")
        assert visit.conversation.owner is Owner.BOT and visit.conversation.urgency == 1
        assert visit.memory.safety.level == 1 and back.outcome is Outcome.RETURNED_TO_BOT
        assert any("safe, with her sister" in n.text for n in await store.notes(handoff.id))
        assert not any("sister" in m.text for m in await store.messages("c1")), "a note never reaches the visitor"

    run(walk)


def test_seen_is_said_once_and_only_when_it_is_so(run: Run, words: Words, clock: Clock) -> None:
    async def walk(store):  # type: ignore[no-untyped-def]
        handoff = await waiting(store, clock(), urgency=2)
        before = [m.text for m in await store.messages("c1")]
        assert not any("has seen" in text for text in before)
        seen = await store.move(steps.acknowledge(handoff, ANA, clock.pass_(minutes=1), words))
        assert seen.acknowledged_at == clock() and seen.state is HandoffState.WAITING
        await store.move(steps.acknowledge(seen, BEN, clock.pass_(minutes=1), words))
        told = [m.text for m in await store.messages("c1") if "has seen" in m.text]
        assert len(told) == 1

    run(walk)


@pytest.mark.parametrize(("minutes", "kept"), [(5, True), (15, True), (16, False)])
def test_the_promise_is_reported(minutes: int, kept: bool) -> None:
    due = MONDAY + timedelta(minutes=15)
    seen = held(due_at=due, acknowledged_at=MONDAY + timedelta(minutes=minutes))
    assert steps.kept(seen, MONDAY + timedelta(hours=9)) is kept


def test_a_promise_still_ahead_is_neither_kept_nor_broken() -> None:
    open_one = held(state=HandoffState.WAITING, due_at=MONDAY + timedelta(minutes=15))
    assert steps.kept(open_one, MONDAY) is None
    assert steps.kept(open_one, MONDAY + timedelta(minutes=16)) is False
    assert steps.kept(replace(open_one, due_at=None), MONDAY) is None
    hour_off = replace(open_one, acknowledged_at=MONDAY - timedelta(hours=1))
    assert steps.kept(hour_off, MONDAY) is True, "a clock an hour off breaks no promise by itself"
