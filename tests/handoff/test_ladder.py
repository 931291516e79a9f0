"""Who is told, when, who next, and the visitor plainly; what time does by itself; the drill. On a real store."""

from __future__ import annotations

import asyncio
import itertools
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from handoff_cast import ANA, DESK, LEASE, MONDAY, SUNDAY, Clock, Run, waiting, with_table

from bot import handoff as steps
from bot import ladder, outbox
from bot.booking import staff
from bot.hours import Hours
from bot.ladder import Ladder, VisitorNotice
from bot.model import BookingDraft, Card, Handoff, HandoffState, Kind, Outcome, Owner, Reason, Urgency
from bot.notifiers.console import Console
from bot.stores.sqlite import SqliteStore
from bot.words import Words, WordsFault

MAIL = "mailto:duty@practice.example"
NIGHT = "mailto:on-call@practice.example"
CHAIN = ["mailto:ana@practice.example", "mailto:ben@practice.example"]


def at_minutes(plan, kind: str, target: str = MAIL, start=MONDAY) -> list[float]:  # type: ignore[no-untyped-def]
    return [(n.due_at - start).total_seconds() / 60 for n in plan if n.kind == kind and n.target == target]


def test_an_emergency_is_told_at_once_and_again_until_somebody_comes(words: Words, hours: Hours) -> None:
    plan = Ladder(words.practice, [MAIL], hours).plan(4, MONDAY, hours.due(4, MONDAY))
    assert {n.target for n in plan if n.due_at == MONDAY} == {MAIL, "console"}
    repeats = at_minutes(plan, "ladder.repeat")
    assert repeats[:3] == [2, 4, 6] and repeats == sorted(repeats)
    assert 71 * 60 > max(repeats) > 60 * 60, "three days, with growing waits"
    assert max(b - a for a, b in itertools.pairwise(repeats)) <= 180
    assert at_minutes(plan, "ladder.visitor", "visitor") == [4]
    assert at_minutes(plan, "promise.broken") == [2]
    assert all(n.cancel_on_claim for n in plan if n.due_at > MONDAY), "a claim ends all of it"
    assert not any(n.cancel_on_claim for n in plan if n.due_at == MONDAY)


def test_the_chain_comes_one_after_the_other_and_skips_who_is_away(words: Words) -> None:
    said = with_table(
        words,
        duty={"chain": CHAIN, "out_of_hours": [NIGHT], "rota": {"sunday": CHAIN[1:]}},
        leave=[{"who": CHAIN[0], "first": MONDAY.date() + timedelta(days=1)}],
    )
    rungs = Ladder(said.practice, [MAIL])
    plan = rungs.plan(4, MONDAY, None)
    assert [at_minutes(plan, "ladder.next", t) for t in CHAIN] == [[5], [10]]
    assert not [n for n in plan if n.target == NIGHT], "while open nobody is woken"
    assert rungs.chain(MONDAY + timedelta(days=1)) == (CHAIN[1],), "on leave"
    night = rungs.plan(4, SUNDAY, None)
    assert at_minutes(night, "handoff.opened", NIGHT, SUNDAY) == [0]
    assert [at_minutes(night, "ladder.next", t, SUNDAY) for t in CHAIN] == [[], [5]], "the Sunday rota has its own"


def test_out_of_hours_the_mild_wait_for_the_morning_and_the_grave_do_not(words: Words, hours: Hours) -> None:
    rungs = Ladder(words.practice, [MAIL], hours)
    opens = hours.next_opening(SUNDAY)
    assert opens is not None
    mild, grave = rungs.plan(2, SUNDAY, hours.due(2, SUNDAY)), rungs.plan(3, SUNDAY, hours.due(3, SUNDAY))
    assert min(n.due_at for n in mild if n.kind == "ladder.visitor") == opens + timedelta(minutes=60)
    assert min(n.due_at for n in mild if n.kind == "ladder.repeat") == opens + timedelta(minutes=120)
    assert at_minutes(mild, "handoff.opened", MAIL, SUNDAY) == [0], "the mail itself goes out"
    assert at_minutes(grave, "ladder.visitor", "visitor", SUNDAY) == [10]


def test_notices_carry_no_word_of_the_visitors(words: Words, hours: Hours) -> None:
    plan = Ladder(words.practice, [MAIL], hours).plan(4, MONDAY, MONDAY)
    assert {f for n in plan for f in n.__slots__} == {"target", "kind", "due_at", "cancel_on_claim", "step"}


def test_a_rise_tells_anew_and_a_repeat_does_not(words: Words, hours: Hours) -> None:
    opening = steps.opening(Reason.SUICIDE, 3, None)
    low = steps.Handoff("h", "c", Reason.ASKED, 0, HandoffState.WAITING, MONDAY, None)
    told = ladder.notices(opening, low, words.practice, [MAIL], MONDAY, hours)
    assert at_minutes(told, "handoff.escalated") == [0] and at_minutes(told, "ladder.repeat")
    claimed = replace(low, state=HandoffState.CLAIMED)
    with_person = ladder.notices(opening, claimed, words.practice, [MAIL], MONDAY, hours)
    assert {n.kind for n in with_person} == {"handoff.escalated"}, "somebody has it: told once, no ladder"
    assert ladder.notices(opening, replace(low, urgency=3), words.practice, [MAIL], MONDAY, hours) == ()


def test_tell_takes_a_kind_an_address_or_the_console(words: Words) -> None:
    hook = "webhook:https://pager.example/in"

    def told(*tell: str) -> tuple[str, ...]:
        said = with_table(words, escalation={"4": {"tell": list(tell)}})
        return Ladder(said.practice, [MAIL, hook]).told(4)

    assert told("all") == (MAIL, hook, "console")
    assert told("webhook", "console") == (hook, "console")
    assert told(NIGHT) == (NIGHT,)
    with pytest.raises(WordsFault, match="all, console, mailto, webhook"):
        told("pigeon")


# ── on the store, with the outbox ──


class Heard:
    """A sender that keeps what it was given: the outside world."""

    def __init__(self) -> None:
        self.kinds: list[str] = []

    async def send(self, delivery, handoff) -> None:  # type: ignore[no-untyped-def]
        self.kinds.append(delivery.kind)


async def pump(store, senders, clock) -> None:  # type: ignore[no-untyped-def]
    """Sends all that is due at this moment, as the loop does."""
    loop = outbox.Outbox(store, senders, clock, lambda: 0.5)
    for _ in range(20):
        await loop._look()
        tasks = list(loop._in_hand.values())
        if not tasks:
            return
        await asyncio.gather(*tasks)
        await asyncio.sleep(0)


def test_nobody_comes_and_the_visitor_is_told_with_the_lines_again(
    run: Run, words: Words, hours: Hours, clock: Clock
) -> None:
    async def walk(store):  # type: ignore[no-untyped-def]
        due = hours.due(4, clock())
        plan = Ladder(words.practice, [MAIL], hours).plan(4, clock(), due)
        handoff = await waiting(store, clock(), urgency=4, reason=Reason.SUICIDE, due=due, notices=plan)
        mail = Heard()
        senders = {"mailto": mail, "console": Console(), "visitor": VisitorNotice(store, words, hours, clock)}
        await pump(store, senders, clock)
        assert mail.kinds == ["handoff.opened"]
        clock.pass_(minutes=3)
        await pump(store, senders, clock)
        assert sorted(mail.kinds) == ["handoff.opened", "ladder.repeat", "promise.broken"]
        assert not [m for m in await store.messages("c1") if m.kind is Kind.CRISIS]
        clock.pass_(minutes=1, seconds=1)
        await pump(store, senders, clock)
        (told,) = [m for m in await store.messages("c1") if m.kind is Kind.CRISIS]
        assert "911" in told.text and "988" in told.text
        assert all(a.label in told.text or a.value.removeprefix("tel:") in told.text for a in told.actions)
        clock.pass_(minutes=1)
        await store.move(steps.claim(handoff, ANA, clock(), LEASE, words))
        before = len(mail.kinds)
        clock.pass_(hours=80)
        await pump(store, senders, clock)
        assert len(mail.kinds) == before, "a claim ends the ladder for good"

    run(walk)


def test_an_acknowledgement_ends_it_too_and_a_release_begins_it_anew(
    run: Run, words: Words, hours: Hours, clock: Clock
) -> None:
    async def walk(store):  # type: ignore[no-untyped-def]
        rungs = Ladder(words.practice, [MAIL], hours)
        handoff = await waiting(store, clock(), urgency=3, notices=rungs.plan(3, clock(), hours.due(3, clock())))
        mail = Heard()
        senders = {"mailto": mail, "console": Console(), "visitor": VisitorNotice(store, words, hours, clock)}
        await pump(store, senders, clock)
        mine = await store.move(steps.claim(handoff, ANA, clock.pass_(minutes=1), LEASE, words))
        clock.pass_(minutes=30)
        await pump(store, senders, clock)
        assert mail.kinds == ["handoff.opened"]
        notices = ladder.again(mine, words.practice, [MAIL], clock(), hours)
        await store.move(steps.release(mine, ANA, clock(), "called away", words, notices=notices))
        await pump(store, senders, clock)
        clock.pass_(minutes=11)
        await pump(store, senders, clock)
        assert mail.kinds[1:] == ["handoff.released", "ladder.repeat", "ladder.repeat"]
        told = [m.text for m in await store.messages("c1") if m.kind is Kind.CRISIS]
        assert len(told) == 1 and "988" in told[0], "and the visitor, who waits again, is told so"

    run(walk)


def test_the_word_to_the_visitor_never_crosses_a_claim(run: Run, words: Words, hours: Hours, clock: Clock) -> None:
    async def walk(store):  # type: ignore[no-untyped-def]
        plan = Ladder(words.practice, [], hours).plan(4, clock(), None)
        handoff = await waiting(store, clock(), urgency=4, notices=plan)
        clock.pass_(minutes=5)
        (delivery,) = [d for d in await store.due(clock()) if d.target == "visitor"]
        await store.move(steps.claim(handoff, ANA, clock(), LEASE, words))
        before = await store.messages("c1")
        await VisitorNotice(store, words, hours, clock).send(delivery, handoff)  # read before the claim
        assert await store.messages("c1") == before

    run(walk)


def test_closed_the_visitor_hears_when_somebody_will_be_there(run: Run, words: Words, clock: Clock) -> None:
    said = with_table(words, escalation={"0": {"visitor_after_minutes": 5}})
    hours = Hours(said.practice)
    handoff = steps.Handoff("h", "c", Reason.ASKED, 0, HandoffState.WAITING, SUNDAY, None)
    draft = ladder.no_one_yet(said, hours, handoff, SUNDAY)
    assert draft.kind is Kind.NOTICE and "9:00 AM" in draft.text and "tomorrow" in draft.text
    assert "No one has joined" in ladder.no_one_yet(said, hours, handoff, MONDAY).text


@pytest.mark.parametrize("country", ["US", "GB", "CA", "AU", "NZ", "IE", ""])
@pytest.mark.parametrize("reason", list(Reason))
def test_the_lines_again_have_every_number_in_the_text(words: Words, country: str, reason: Reason) -> None:
    text, actions = ladder.lines_again(words, "en", country, reason)
    assert words.country(country or words.practice.country).emergency in text
    digits = "".join(c for c in text if c.isdigit())
    for action in actions:
        wanted = action.value.removeprefix("tel:").lstrip("+") if action.type == "call" else ""
        assert wanted in digits and (action.type == "call" or action.value in text)


def test_what_time_does_by_itself(run: Run, words: Words, hours: Hours, clock: Clock) -> None:
    async def walk(store):  # type: ignore[no-untyped-def]
        request = Card(booking=BookingDraft("ready", name="Sam"))
        booked = await waiting(store, clock(), reason=Reason.BOOKING, booking=True, card=request)
        risky = await waiting(store, clock(), reason=Reason.SUICIDE, urgency=2, booking=True, card=request, id="c2")
        held = await waiting(store, clock(), id="c3")
        await store.move(steps.claim(held, ANA, clock(), LEASE, words))
        assert await ladder.sweep(store, words, hours, [MAIL], clock.pass_(minutes=1)) == 0
        assert await ladder.sweep(store, words, hours, [MAIL], clock.pass_(minutes=2)) == 1
        back = await store.handoff(held.id)
        assert back.state is HandoffState.WAITING
        told = [d.kind for d in await store.deliveries(MAIL) if d.handoff == held.id]
        assert "handoff.released" in told, "back in the queue, somebody is told again"
        assert await ladder.sweep(store, words, hours, [MAIL], clock.pass_(hours=72)) == 1
        gone = await store.handoff(booked.id)
        assert (gone.state, gone.outcome) == (HandoffState.CLOSED, Outcome.NO_CONTACT)
        assert gone.card.booking.state == "expired"
        assert any("our fault" in m.text for m in await store.messages("c1"))
        assert (await store.handoff(risky.id)).state is HandoffState.WAITING, "with a flag open nothing expires"
        assert (await store.visit("c1")).memory.booking == BookingDraft(), "the next request starts anew"

    run(walk)


def test_a_request_given_up_leaves_the_queue_without_an_apology(
    run: Run, words: Words, hours: Hours, clock: Clock
) -> None:
    async def walk(store):  # type: ignore[no-untyped-def]
        card = Card(booking=BookingDraft("given_up", name="Sam"))
        request = await waiting(store, clock(), reason=Reason.BOOKING, booking=True, card=card)
        asked = await waiting(store, clock(), reason=Reason.ASKED, booking=True, card=card, id="c2")
        assert await ladder.sweep(store, words, hours, [], clock.pass_(minutes=1)) == 1
        assert (await store.handoff(request.id)).state is HandoffState.CLOSED
        assert not any("sorry" in m.text for m in await store.messages("c1"))
        assert (await store.handoff(asked.id)).state is HandoffState.WAITING, "a person was asked for beside it"

    run(walk)


@pytest.mark.parametrize("hours_off", [-1, 1])
def test_a_clock_an_hour_off_loses_and_doubles_nothing(
    run: Run, words: Words, hours: Hours, clock: Clock, hours_off: int
) -> None:
    async def walk(store):  # type: ignore[no-untyped-def]
        due = hours.due(4, clock())
        plan = Ladder(words.practice, [MAIL], hours).plan(4, clock(), due)
        handoff = await waiting(store, clock(), urgency=4, reason=Reason.SUICIDE, due=due, notices=plan)
        mail = Heard()
        senders = {"mailto": mail, "console": Console(), "visitor": VisitorNotice(store, words, hours, clock)}
        await pump(store, senders, clock)
        clock.pass_(hours=hours_off)
        await pump(store, senders, clock)
        clock.pass_(hours=-hours_off)
        await pump(store, senders, clock)
        assert mail.kinds.count("handoff.opened") == 1
        told = [m for m in await store.messages("c1") if m.kind is Kind.CRISIS]
        assert len(told) == 1, "a leap forward tells early, once; a clock set back does not keep it waiting"
        seen = await store.move(steps.claim(handoff, ANA, clock.pass_(minutes=1), LEASE, words))
        assert seen.acknowledged_at == clock() and steps.kept(seen, clock()) is True

    run(walk)


# ── the drill ──


def test_the_drill_goes_through_the_real_chain_and_reports(run: Run, words: Words, hours: Hours, clock: Clock) -> None:
    async def walk(store):  # type: ignore[no-untyped-def]
        mail, ids = Heard(), itertools.count()
        senders = {"mailto": mail, "console": Console(), "visitor": VisitorNotice(store, words, hours, clock)}

        async def pause(seconds: float) -> None:
            """Time passes, the outbox runs, and after three minutes Ana is there."""
            clock.pass_(seconds=60)
            await pump(store, senders, clock)
            (on_queue,) = await store.queue()
            assert on_queue.urgency == Urgency.EMERGENCY
            if clock() >= MONDAY + timedelta(minutes=3):
                await store.move(steps.claim(on_queue, ANA, clock(), LEASE, words))

        done = await ladder.drill(
            store, words, Ladder(words.practice, [MAIL], hours), clock, new_id=lambda: f"d{next(ids)}", pause=pause
        )
        assert done.seconds == 180 and done.by == ANA.name
        assert mail.kinds == ["drill.opened", "drill.repeat"], "every notice says that it is a drill"
        assert {(target, kind) for target, kind, state, _ in done.told if state == "sent"} >= {(MAIL, "drill.opened")}
        assert (await store.handoff(done.handoff)).state is HandoffState.CLOSED, "nobody finds it on the queue later"
        visit = await store.visit("d0")
        assert visit.conversation.channel == "drill" and visit.conversation.owner is Owner.BOT

    run(walk)


def test_a_drill_that_nobody_answers_says_so_and_ends(run: Run, words: Words, hours: Hours, clock: Clock) -> None:
    async def walk(store):  # type: ignore[no-untyped-def]
        ids = itertools.count()

        async def pause(seconds: float) -> None:
            clock.pass_(seconds=30)

        done = await ladder.drill(
            store, words, Ladder(words.practice, [MAIL], hours), clock,
            new_id=lambda: f"d{next(ids)}", pause=pause, longest=120,
        )  # fmt: skip
        assert done.seconds is None and (await store.queue()) == ()
        clock.pass_(hours=80)
        assert not [d for d in await store.due(clock(), 500) if d.kind == "drill.repeat"], "its ladder ends with it"

    run(walk)


def test_times_offered_wait_for_the_visitor_and_nobody_is_blamed(run: Run, words: Words, hours: Hours, clock: Clock) -> None:
    """Whoever offered goes home: no word of a lost line, no page; unanswered it is closed, and not as our fault."""

    async def walk(store):  # type: ignore[no-untyped-def]
        request = Card(booking=BookingDraft("ready", name="Sam"))
        booked = await waiting(store, clock(), reason=Reason.BOOKING, booking=True, card=request)
        mine = await store.move(steps.claim(booked, DESK, clock(), LEASE, words))
        start = clock() + timedelta(days=1)
        await store.move(staff.offer(mine, DESK, clock.pass_(hours=70), [start + timedelta(days=9)], words, hours))
        before = await store.messages("c1")
        assert await ladder.sweep(store, words, hours, [MAIL], clock()) == 1
        assert (await store.handoff(mine.id)).state is HandoffState.WAITING
        assert await store.messages("c1") == before, "the visitor reads of no lost connection"
        assert not [d for d in await store.deliveries(MAIL) if d.kind == "handoff.released"]
        assert await ladder.sweep(store, words, hours, [MAIL], clock.pass_(hours=71)) == 0, "it runs from the offer on"
        assert await ladder.sweep(store, words, hours, [MAIL], clock.pass_(hours=2)) == 1
        last = (await store.messages("c1"))[-1].text
        assert "have not heard from you" in last and "our fault" not in last

    run(walk)


def test_a_taken_offer_is_told_once_and_runs_out_as_our_fault(words: Words, hours: Hours, clock: Clock) -> None:
    offered = BookingDraft("ready", notes={"offered": [{"start": "2026-12-01T10:00:00-05:00", "words": "x"}], "chosen": ""})
    chosen = replace(offered, notes={**offered.notes, "chosen": "2026-12-01T10:00:00-05:00"})
    old = Handoff("h1", "c1", Reason.BOOKING, 0, HandoffState.WAITING, clock(), None, card=Card(booking=offered), booking=True)
    new = steps.opening(Reason.BOOKING, 0, None, Card(booking=chosen), True)
    told = ladder.notices(new, old, words.practice, [MAIL], clock(), hours)
    assert {(n.target, n.kind) for n in told} == {(MAIL, "booking.answered"), ("console", "booking.answered")}
    after = replace(old, card=Card(booking=chosen))
    assert ladder.notices(new, after, words.practice, [MAIL], clock(), hours) == ()
    assert "our fault" in steps.expire(after, clock(), words).say[0].text
    assert not steps.offered(after) and steps.offered(old)
    assert not steps.offered(replace(old, urgency=2)), "with a flag open it is a handoff like any other"


def test_the_timers_outlive_the_process(tmp_path: Path, words: Words, hours: Hours, clock: Clock) -> None:
    """Stopped before anybody was told again; whoever starts next finds what has come due, and what was claimed has none."""

    async def first() -> None:
        store = SqliteStore(tmp_path, secret="a secret for tests, long enough", clock=clock)
        await store.start()
        plan = Ladder(words.practice, [MAIL], hours).plan(4, clock(), None)
        await waiting(store, clock(), urgency=4, reason=Reason.SUICIDE, notices=plan)
        gone = await waiting(store, clock(), urgency=4, reason=Reason.SUICIDE, notices=plan, id="c2")
        await store.move(steps.claim(gone, ANA, clock(), LEASE, words))
        await store.close()

    async def second() -> set[tuple[str, str]]:
        store = SqliteStore(tmp_path, secret="a secret for tests, long enough", clock=clock)
        await store.start()
        try:
            due = await store.due(clock(), 100)
            return {(d.conversation, d.kind) for d in due}
        finally:
            await store.close()

    asyncio.run(first())
    clock.pass_(minutes=5)
    kinds = asyncio.run(second())
    assert {("c1", "handoff.opened"), ("c1", "ladder.repeat"), ("c1", "ladder.visitor")} <= kinds
    assert not [kind for talk, kind in kinds if talk == "c2" and kind.startswith("ladder")]
