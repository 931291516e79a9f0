"""Who is told of a handoff, when, and who next while nobody has joined: the rungs, as notices in the database."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

import structlog

from bot import handoff as steps
from bot.handoff import promise_text
from bot.hours import DAYS, Hours
from bot.model import (
    Action,
    Author,
    Card,
    Conversation,
    Delivery,
    Draft,
    Handoff,
    HandoffState,
    Held,
    Kind,
    Memory,
    Notice,
    NotThere,
    Opening,
    Owner,
    Reason,
    RiskOpen,
    Route,
    StoreFault,
    Turn,
    Urgency,
    Verdict,
)
from bot.ports import Clock, Permanent, Store
from bot.words import CrisisLine, Practice, Words, WordsFault

log = structlog.get_logger(__name__)

CONSOLE, VISITOR = "console", "visitor"
_LONGEST = timedelta(hours=72)  # how long the repeats go on; between them the wait grows
_STEADY = 6  # so many repeats come at the stated interval, then each wait doubles
_WIDEST = timedelta(hours=3)


class Ladder:
    """[escalation] and [duty] of practice.toml, with the notifiers there are. Raises WordsFault, in one line."""

    def __init__(self, practice: Practice, notify: Sequence[str], hours: Hours | None = None) -> None:
        self.practice, self.notify = practice, tuple(notify)
        self.hours = hours or Hours(practice)
        self._rungs: dict[str, Any] = practice.get("escalation") or {}
        self._duty: dict[str, Any] = practice.get("duty") or {}
        for urgency in range(5):
            self.told(urgency)

    def _rung(self, urgency: int) -> dict[str, Any]:
        found = self._rungs.get(str(int(urgency))) or {}
        return found if isinstance(found, dict) else {}

    def told(self, urgency: int) -> tuple[str, ...]:
        """The targets of `tell`: "all" is every notifier of HANDRAIL_NOTIFY and the console."""
        found: list[str] = []
        for name in self._rung(urgency).get("tell", ["all"]):
            if name == "all":
                found += [*self.notify, CONSOLE]
            elif name == CONSOLE or ":" in name:
                found.append(name)
            elif matches := [target for target in self.notify if target.partition(":")[0] == name]:
                found += matches
            else:
                known = ", ".join(dict.fromkeys(["all", CONSOLE, *(t.partition(":")[0] for t in self.notify)]))
                raise WordsFault(f"practice.toml: [escalation] {urgency} tells {name!r}; there are: {known}")
        return tuple(dict.fromkeys(found))

    def chain(self, at: datetime) -> tuple[str, ...]:
        """The addresses of [duty] in order: that weekday's rota, or the chain; nobody who is on leave that day."""
        day: date = self.hours.local(at).date()
        rota = self._duty.get("rota") or {}
        addresses = rota.get(DAYS[day.weekday()], self._duty.get("chain", []))
        return tuple(a for a in addresses if not self.hours.on_leave(a, at))

    def plan(
        self, urgency: int, at: datetime, due_at: datetime | None, kind: str = "handoff.opened"
    ) -> tuple[Notice, ...]:
        """Every rung from now on. All but the first are cancelled by a claim or an acknowledgement.

        At 3 and 4 the clock runs by night too; below, repeats and the word to the visitor wait for the next opening.
        """
        rung, everyone = self._rung(urgency), self.told(urgency)
        start = at if urgency >= Urgency.CRISIS else self.hours.next_opening(at) or at
        prefix = kind.partition(".")[0] if kind.startswith("drill") else ""
        rungs = [Notice(target, kind, at) for target in everyone]
        if urgency >= Urgency.CRISIS and not self.hours.open_at(at):
            rungs += [Notice(t, kind, at) for t in self._duty.get("out_of_hours", []) if t not in everyone]
        for step, when in enumerate(_repeats(start, rung.get("repeat_every_minutes", 0)), 1):
            rungs += [Notice(t, f"{prefix or 'ladder'}.repeat", when, True, step) for t in everyone]
        if after := rung.get("next_after_minutes", 0):
            for n, target in enumerate(self.chain(at), 1):
                when = start + timedelta(minutes=after * n)
                rungs.append(Notice(target, f"{prefix or 'ladder'}.next", when, True, n))
        if not prefix and (after := rung.get("visitor_after_minutes", 0)):
            rungs.append(Notice(VISITOR, "ladder.visitor", start + timedelta(minutes=after), True))
        if not prefix and due_at is not None:
            rungs += [Notice(target, "promise.broken", due_at, True) for target in everyone]
        return tuple(rungs)

    def rise(self, opening: Opening, handoff: Handoff, at: datetime) -> tuple[Notice, ...]:
        """A rise in an open handoff: whoever is told of that urgency, now; the whole ladder when nobody has it yet."""
        if handoff.state is HandoffState.WAITING:
            return self.plan(opening.urgency, at, opening.due_at, "handoff.escalated")
        return tuple(Notice(target, "handoff.escalated", at) for target in self.told(opening.urgency))

    def again(self, handoff: Handoff, at: datetime) -> tuple[Notice, ...]:
        """Back in the queue, released or lapsed: the ladder from its foot. The promise stays the old one."""
        due = handoff.due_at if handoff.due_at and handoff.due_at > at else None
        return self.plan(handoff.urgency, at, due, "handoff.released")


def _repeats(start: datetime, minutes: float) -> list[datetime]:
    """Steady at first, then with growing waits, for 72 hours: an emergency is never given up on within three days."""
    if minutes <= 0:
        return []
    gap, when = timedelta(minutes=minutes), start
    found: list[datetime] = []
    while True:
        when += gap
        if when - start > _LONGEST:
            return found
        found.append(when)
        if len(found) >= _STEADY and gap < _WIDEST:
            gap = min(gap * 2, _WIDEST)


def notices(
    opening: Opening,
    open_one: Handoff | None,
    practice: Practice,
    notify: Sequence[str],
    at: datetime,
    hours: Hours | None = None,
) -> tuple[Notice, ...]:
    """What goes with an opening in its transaction: the whole ladder, a rise's, or nothing when nothing rose."""
    ladder = Ladder(practice, notify, hours)
    if open_one is None:
        kind = "booking.requested" if opening.reason is Reason.BOOKING and opening.urgency == 0 else "handoff.opened"
        return ladder.plan(opening.urgency, at, opening.due_at, kind)
    if opening.urgency > open_one.urgency:
        return ladder.rise(opening, open_one, at)
    if _chosen(opening.card) != _chosen(open_one.card):
        return tuple(Notice(target, "booking.answered", at) for target in ladder.told(open_one.urgency))
    return ()


def _chosen(card: Card) -> str:
    """Which offered start the visitor took; "" while they have not answered, or nothing was offered."""
    return str(card.booking.notes.get("chosen", "")) if card.booking else ""


def again(
    handoff: Handoff, practice: Practice, notify: Sequence[str], at: datetime, hours: Hours | None = None
) -> tuple[Notice, ...]:
    """What goes with a release or a lapse: the ladder from its foot; nothing while the visitor has an offer to answer."""
    if steps.offered(handoff):
        return ()
    return Ladder(practice, notify, hours).again(handoff, at)


# ── the word to the visitor ──


def lines_again(words: Words, language: str, country: str, reason: Reason) -> tuple[str, tuple[Action, ...]]:
    """The crisis lines as text, and as things to tap; every number in the actions stands in the text too."""
    place = words.country(country or words.practice.country)
    topic = {Reason.OVERDOSE: "poison", Reason.HARM_TO_OTHERS: "crisis"}.get(reason, reason.value)
    chosen: list[CrisisLine] = _spoken(place.about(topic, "suicide"), language)[:2]
    general = _spoken(place.about("suicide", "crisis"), language)
    chosen += [line for line in general if line not in chosen][: 3 - len(chosen)]
    dial = "".join(c for c in place.emergency if c.isdigit() or c == "+")
    said = [words.say("line_emergency" if dial else "line_emergency_words", language, number=place.emergency)[0]]
    actions = [Action("call", place.emergency, f"tel:{dial}")] if dial else []
    for line in chosen:
        block = "line_call_text" if line.call and line.text else "line_call" if line.call else ""
        block = block or ("line_text" if line.text else "line_chat")
        call, text = words.number(line.call, language), words.number(line.text, language)
        said.append(words.say(block, language, name=line.name, call=call, text=text, chat=line.chat)[0])
        first = line.call.partition(",")[0]  # "988, then 2": the rest is pressed on the phone
        if number := "".join(c for c in first if c.isdigit() or c == "+"):
            actions.append(Action("call", line.name, f"tel:{number}"))
        elif line.chat:
            actions.append(Action("link", line.name, line.chat))
    return "\n".join(said), tuple(actions)


def _spoken(lines: Sequence[CrisisLine], language: str) -> list[CrisisLine]:
    """Lines in the visitor's language first; where there is none, all of them."""
    return [line for line in lines if language[:2] in line.languages] or list(lines)


def no_one_yet(words: Words, hours: Hours, handoff: Handoff, at: datetime) -> Draft:
    """Told plainly: no one has joined. With a risk flag the lines again; closed, when someone will be there."""
    language = handoff.language
    if handoff.urgency >= Urgency.CHECK_IN:
        lines, actions = lines_again(words, language, handoff.country, handoff.reason)
        text, _ = words.say("no_one_yet_risk", language, lines=lines)
        return Draft(Author.SYSTEM, Kind.CRISIS, text, actions=actions)
    if hours.open_at(at):
        return Draft(Author.SYSTEM, Kind.NOTICE, words.say("no_one_yet", language)[0])
    promise = promise_text(words, hours, handoff.urgency, at, language)
    return Draft(Author.SYSTEM, Kind.NOTICE, words.say("no_one_yet_closed", language, promise=promise)[0])


class VisitorNotice:
    """The sender of the target "visitor": says so in the conversation, unless somebody has come meanwhile."""

    def __init__(self, store: Store, words: Words, hours: Hours, clock: Clock) -> None:
        self._store, self._words, self._hours, self._clock = store, words, hours, clock

    async def send(self, delivery: Delivery, handoff: Handoff | None) -> None:
        if handoff is None or handoff.state is not HandoffState.WAITING:
            return
        visit, now = await self._store.visit(handoff.conversation), self._clock()
        if visit is None:
            raise Permanent("the conversation is gone")
        if visit.handoff is None or visit.handoff.state is not HandoffState.WAITING:
            return
        try:
            await self._store.add(
                handoff.conversation, (no_one_yet(self._words, self._hours, handoff, now),), now, visit.last_seq
            )
        except NotThere:
            raise Permanent("the conversation is gone") from None


# ── what time does by itself ──


async def sweep(store: Store, words: Words, hours: Hours, notify: Sequence[str], now: datetime) -> int:
    """Claims whose lease ran out go back to the queue, requests nobody answered are closed with an apology.

    How many moved. Any replica may do it at any time: each move is conditional, and one of them wins.
    """
    moved = 0
    for lapsed in await store.lapsed(now):
        notices = again(lapsed, words.practice, notify, now, hours)
        with suppress(Held, NotThere, RiskOpen):  # renewed, moved or closed meanwhile
            await store.move(steps.lapse(lapsed, now, words, notices))
            moved += 1
    longest = timedelta(hours=float(words.practice.get("booking", "expires_after_hours") or 72))
    for waiting in await store.queue(HandoffState.WAITING, limit=500):
        if not waiting.booking or waiting.reason is not Reason.BOOKING or waiting.urgency >= Urgency.CHECK_IN:
            continue
        given_up = waiting.card.booking is not None and waiting.card.booking.state == "given_up"
        step = steps.withdraw if given_up else steps.expire
        if given_up or now - _since(waiting) >= longest:
            with suppress(Held, NotThere, RiskOpen):
                await store.move(step(waiting, now, words))
                moved += 1
    return moved


def _since(request: Handoff) -> datetime:
    """From when a request's time runs: from its opening, or from when other times were offered."""
    at = request.card.booking.notes.get("offered_at") if request.card.booking else None
    return max(request.opened_at, datetime.fromisoformat(at)) if at else request.opened_at


async def watch(store: Store, words: Words, clock: Clock, notify: Sequence[str] = (), every: float = 2.0) -> None:
    """Sweeps every so many seconds until cancelled. A store that is away for a while is asked again."""
    hours = Hours(words.practice)
    while True:
        try:
            await sweep(store, words, hours, notify, clock())
        except StoreFault as error:
            log.error("ladder.store", detail=str(error))
        await asyncio.sleep(every)


# ── the drill ──


@dataclass(frozen=True, slots=True)
class Drilled:
    """What a drill came to. `seconds` to the acknowledgement, None when nobody came in time."""

    handoff: str
    opened_at: datetime
    seconds: float | None
    by: str
    told: tuple[tuple[str, str, str, str], ...]  # target, kind, state, last error


async def drill(
    store: Store,
    words: Words,
    ladder: Ladder,
    clock: Clock,
    *,
    new_id: Callable[[], str],
    pause: Callable[[float], Awaitable[None]],
    longest: float = 600.0,
    every: float = 0.5,
    deliveries: int = 200,
) -> Drilled:
    """A synthetic emergency through the real chain: a conversation of the channel "drill", its handoff, its notices.

    Waits until somebody claims or acknowledges it, at most `longest` seconds, then closes it and reports. Every
    notice of it has the kind drill.*, and no word of a visitor's is in it.
    """
    at, id = clock(), new_id()
    talk = Conversation(id, "en", words.practice.country, "drill", Owner.BOT, 0, Urgency.NONE, at)
    first = Draft(Author.SYSTEM, Kind.NOTICE, words.say("drill", "en")[0])
    await store.open(talk, new_id().encode(), at + timedelta(days=1), (first,), Memory())
    visit = await store.visit(id)
    if visit is None:
        raise NotThere(id)
    card = Card(note=words.say("drill", "en")[0])
    opening = Opening(Reason.ASKED, Urgency.EMERGENCY, ladder.hours.due(Urgency.EMERGENCY, at), card)
    plan = tuple(
        n for n in ladder.plan(opening.urgency, at, None, "drill.opened") if n.due_at <= at + timedelta(hours=1)
    )
    verdict = Verdict(Route.HUMAN, Urgency.EMERGENCY, Reason.ASKED, level=Urgency.EMERGENCY)
    recorded = await store.record(
        Turn(
            id,
            visit.version,
            visit.conversation.owner_epoch,
            at,
            None,
            verdict,
            (),
            Memory(),
            opening=opening,
            owner=Owner.QUEUE,
            notices=plan,
        )
    )
    if recorded.handoff is None:
        raise NotThere(id)
    found = recorded.handoff
    while found.acknowledged_at is None and (clock() - at).total_seconds() < longest:
        await pause(every)
        found = await store.handoff(recorded.handoff.id) or found
    seen = found.acknowledged_at
    if found.state is not HandoffState.CLOSED:
        with suppress(Held):  # whoever took it may be closing it at this moment
            await store.move(steps.end_drill(found, clock()))
    told: list[tuple[str, str, str, str]] = []
    for target in dict.fromkeys(n.target for n in plan):
        rows = await store.deliveries(target, limit=deliveries)
        told += [(target, d.kind, d.state, d.last_error) for d in rows if d.handoff == found.id]
    seconds = max(0.0, (seen - at).total_seconds()) if seen else None
    return Drilled(found.id, at, seconds, found.holder_name, tuple(told))
