"""The handoff's state machine and nothing else: who may take which step, from where, and what goes with it. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from bot.hours import Hours
from bot.model import (
    Author,
    BookingDraft,
    Card,
    Draft,
    Handoff,
    HandoffState,
    Held,
    Holder,
    Kind,
    Marked,
    Memory,
    Move,
    Notice,
    Opening,
    Outcome,
    Owner,
    Reason,
    RiskOpen,
    Urgency,
    Verdict,
)
from bot.words import Words

RISK = Urgency.CHECK_IN  # from here on a risk flag is open
NOTE_LENGTH = 10_000
_EXCERPT = 600  # characters of a message that the card keeps around what fired

SYSTEM = Holder("system", "", "system")  # acts when nobody does: a lease that ran out, a request that expired


class NotAllowed(PermissionError):
    """This role may not take this step on this handoff. Says why, in one line."""


class Incomplete(ValueError):
    """The step needs something that the caller left out (a note, a known outcome). Says what, in one line."""


@dataclass(frozen=True, slots=True)
class Step:
    """One row of the table of transitions."""

    expects: frozenset[HandoffState]
    must_hold: bool
    roles: frozenset[str]
    state: HandoffState | None = None  # after it; None: unchanged
    owner: Owner | None = None  # of the conversation, after it; None: unchanged
    event: str = ""
    note: bool = False  # a note must be given
    say: str = ""  # the block of replies shown to the visitor


_WAITING = frozenset({HandoffState.WAITING})
_CLAIMED = frozenset({HandoffState.CLAIMED})
_OPEN = _WAITING | _CLAIMED
_CLINICAL = frozenset({"admin", "clinician", "key"})
_DESK = _CLINICAL | {"front_desk"}
_SYSTEM = frozenset({"system"})

STEPS: dict[str, Step] = {
    "claim": Step(_WAITING, False, _DESK, HandoffState.CLAIMED, Owner.CLINICIAN, "handoff.claimed", say="claimed"),
    "acknowledge": Step(_OPEN, False, _DESK, say="acknowledged"),
    "release": Step(_CLAIMED, True, _DESK, HandoffState.WAITING, Owner.QUEUE, "handoff.released", say="released"),
    "transfer": Step(
        _CLAIMED, True, _DESK, HandoffState.CLAIMED, Owner.CLINICIAN, "handoff.claimed", note=True, say="transferred"
    ),
    "urgency": Step(_CLAIMED, True, _CLINICAL, event="handoff.escalated"),
    "offer": Step(_CLAIMED, True, _DESK, say="booking_offered"),
    "close": Step(_CLAIMED, True, _DESK, HandoffState.CLOSED, event="handoff.closed", say="closed"),
    "lapse": Step(_CLAIMED, False, _SYSTEM, HandoffState.WAITING, Owner.QUEUE, "handoff.released", say="lapsed"),
    "withdraw": Step(_WAITING, False, _SYSTEM, HandoffState.CLOSED, event="handoff.closed", say="withdrawn"),
    "expire": Step(_WAITING, False, _SYSTEM, HandoffState.CLOSED, event="handoff.closed", say="booking_expired"),
}


def refusal(action: str, handoff: Handoff, by: Holder) -> str:
    """Why this person or key may not take the step; "" when they may. Who holds it is the store's to judge."""
    step = STEPS[action]
    if by.role not in step.roles:
        return f"a {by.role.replace('_', ' ')} may not {action} a handoff"
    if by.role == "key" and "handoffs" not in by.scopes:
        return "the key lacks the scope handoffs"
    if by.role == "front_desk" and (not handoff.booking or handoff.urgency >= RISK):
        return "the front desk works on bookings without a risk flag alone"
    return ""


def _move(
    action: str,
    handoff: Handoff,
    by: Holder,
    at: datetime,
    *,
    note: str = "",
    say: Sequence[Draft] = (),
    notices: Sequence[Notice] = (),
    version: int | None = None,
) -> Move:
    step = STEPS[action]
    if why := refusal(action, handoff, by):
        raise NotAllowed(why)
    note = note.strip()
    if step.note and not note:
        raise Incomplete(f"write a note: why you {action} it, and what the next person must know")
    if len(note) > NOTE_LENGTH:
        raise Incomplete(f"the note is longer than {NOTE_LENGTH:,} characters")
    return Move(
        handoff=handoff.id,
        action=action,
        by=by,
        at=at,
        expects=step.expects,
        must_hold=step.must_hold,
        version=version,
        state=step.state,
        owner=step.owner,
        note=note,
        say=tuple(say),
        event=step.event,
        notices=tuple(notices),
    )


def notice(words: Words, block: str, language: str, said: Sequence[str] = (), **values: object) -> Draft:
    """A line by the system for the visitor, from replies/handoff.toml."""
    return Draft(Author.SYSTEM, Kind.NOTICE, words.say(block, language, said, **values)[0])


def promise_text(words: Words, hours: Hours, urgency: int, at: datetime, language: str) -> str:
    """What may be said of when a person looks, with the opening hours before it while closed. For {promise}."""
    promise = hours.promise(urgency, at, language)
    text, _ = words.say(promise.key, language, **promise.values)
    opens = hours.next_opening(at)
    if promise.open or urgency >= Urgency.EMERGENCY or opens is None:
        return text
    closed, _ = words.say(f"closed_{hours.nearness(opens, at)}", language, **promise.values)
    return f"{closed} {text}"


# ── opening ──


def opening(
    reason: Reason, urgency: int, due_at: datetime | None, card: Card | None = None, booking: bool = False
) -> Opening:
    """A handoff to open, or to raise in the open one. `due_at` comes from Hours.due."""
    return Opening(reason, int(urgency), due_at, card or Card(), booking)


def raised(open_one: Handoff, new: Opening) -> Opening:
    """What the open handoff becomes: the higher urgency with its reason, the earlier promise, both cards.

    A booking's reason gives way to any other: the request itself stays, in `booking` and on the card.
    """
    higher = new.urgency > open_one.urgency
    yields = open_one.reason in {Reason.BOOKING, Reason.ASKED, Reason.NONE} and new.reason not in {
        Reason.BOOKING,
        Reason.NONE,
    }
    reason = new.reason if higher or (yields and new.urgency == open_one.urgency) else open_one.reason
    dues = [due for due in (open_one.due_at, new.due_at) if due is not None]
    return Opening(
        reason,
        max(open_one.urgency, new.urgency),
        min(dues, default=None),
        merged(open_one.card, new.card),
        open_one.booking or new.booking,
    )


# ── the card ──


def _marked(text: str, seq: int, verdict: Verdict) -> tuple[Marked, ...]:
    """What weighed. A sign alone (urgency 0, no reason) says nothing of a person who only asked for somebody."""
    found: list[Marked] = []
    for fired in verdict.fired:
        if not fired.urgency and fired.reason is Reason.NONE and verdict.level < RISK:
            continue
        start, end = max(0, fired.span[0]), min(len(text), max(fired.span))
        left = 0 if len(text) <= _EXCERPT else max(0, min(start - _EXCERPT // 2, len(text) - _EXCERPT))
        right = max(end, left + _EXCERPT)
        found.append(Marked(seq, text[left:right], (start - left, end - left), fired.rule, fired.why, fired.urgency))
    return tuple(found)


def card(
    verdict: Verdict,
    text: str,
    seq: int,
    memory: Memory,
    *,
    replies: Sequence[Draft] = (),
    contact: str = "",
    safe_contact: str = "",
    note: str = "",
    consent: str = "",
) -> Card:
    """What the clinician sees first, from what stands in the conversation: nothing is worded anew.

    `seq` is the visitor message's, `replies` what this very turn shows, `memory` the one after it. A child under 13
    leaves no contact detail. The booking is on the card as soon as it has begun.
    """
    booking = memory.booking
    child = memory.safety.under_13
    cited = tuple(citation.article for reply in replies for citation in reply.citations)
    return Card(
        marked=_marked(text, seq, verdict),
        shown=_once((*memory.safety.said, *memory.safety.lines, verdict.reply, *(str(r.kind) for r in replies))),
        articles=_once((*memory.talk.articles, *cited)),
        contact="" if child else (contact.strip() or booking.contact),
        safe_contact=safe_contact.strip() or str(booking.notes.get("safe_contact", "")),
        note=note.strip() or booking.note,
        consent=consent or str(booking.notes.get("consent", "")),
        booking=booking if booking.state else None,
    )


def _once(items: Sequence[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(item for item in items if item))


def merged(old: Card, new: Card) -> Card:
    """Both cards in one: nothing that fired or was noted is dropped, later details stand over earlier ones."""
    notes = _once((*old.note.split("\n"), *new.note.split("\n")))
    return Card(
        marked=tuple({(m.seq, m.rule, m.span, m.text): m for m in (*old.marked, *new.marked)}.values()),
        shown=_once((*old.shown, *new.shown)),
        articles=_once((*old.articles, *new.articles)),
        contact=new.contact or old.contact,
        safe_contact=new.safe_contact or old.safe_contact,
        note="\n".join(notes),
        consent=new.consent or old.consent,
        booking=new.booking or old.booking,
    )


# ── the steps ──


def claim(handoff: Handoff, by: Holder, at: datetime, lease: timedelta, words: Words) -> Move:
    """Exactly one claim wins: the store moves it from waiting only. The visitor reads who has joined."""
    say = (notice(words, "claimed", handoff.language, name=by.name),)
    return replace(_move("claim", handoff, by, at, say=say), holder=by, lease_until=at + lease)


def acknowledge(handoff: Handoff, by: Holder, at: datetime, words: Words) -> Move:
    """Somebody has seen it, and has not taken it: the visitor may now be told so, once. The front desk is no clinician."""
    if handoff.acknowledged_at is not None:
        return _move("acknowledge", handoff, by, at)
    block = "booking_seen" if by.role == "front_desk" else "acknowledged"
    return _move("acknowledge", handoff, by, at, say=(notice(words, block, handoff.language),))


def release(
    handoff: Handoff,
    by: Holder,
    at: datetime,
    note: str,
    words: Words,
    *,
    notices: Sequence[Notice] = (),
    version: int | None = None,
) -> Move:
    """Back to the queue with the same urgency and the older clock. `notices`: the ladder begins anew."""
    say = () if offered(handoff) else (notice(words, "released", handoff.language, name=by.name),)
    return _move("release", handoff, by, at, note=note, say=say, notices=notices, version=version)


def transfer(
    handoff: Handoff,
    by: Holder,
    to: Holder,
    at: datetime,
    lease: timedelta,
    note: str,
    words: Words,
    *,
    on_duty: bool = True,
    version: int | None = None,
) -> Move:
    """To someone who is on duty now. Raises NotAllowed for anyone who could not claim it or is not there."""
    if not on_duty:
        raise NotAllowed(f"{to.name} is not on duty: release it, and whoever is on duty is told")
    if why := refusal("claim", handoff, to):
        raise NotAllowed(f"{to.name} cannot take it: {why}")
    if to.id == by.id:
        raise NotAllowed("it is yours already")
    say = (notice(words, "transferred", handoff.language, name=by.name, to=to.name),)
    move = _move("transfer", handoff, by, at, note=note, say=say, version=version)
    return replace(move, holder=to, lease_until=at + lease)


def close(
    handoff: Handoff,
    by: Holder,
    at: datetime,
    outcome: str,
    note: str,
    words: Words,
    *,
    say: Sequence[Draft] | None = None,
    version: int | None = None,
) -> Move:
    """`returned_to_bot` gives the conversation back at once, and is refused while a risk flag is open (RiskOpen).

    After any other outcome the owner stays until the visitor writes again; the turn then gives it to the bot.
    """
    try:
        chosen = Outcome(outcome)
    except ValueError:
        raise Incomplete(f"outcome {outcome!r} is unknown; write {', '.join(Outcome)}") from None
    back = chosen is Outcome.RETURNED_TO_BOT
    if back and handoff.urgency >= RISK:
        raise RiskOpen("a risk flag is open: lower the urgency first, with the reason, or close with another outcome")
    if say is None:
        block = f"closed_{chosen.value}"
        say = (notice(words, block if words.has(block) else "closed", handoff.language, name=by.name),)
    move = _move("close", handoff, by, at, note=note, say=say, version=version)
    return replace(move, outcome=chosen, refuse_with_open_risk=back, owner=Owner.BOT if back else None)


def set_urgency(
    handoff: Handoff, by: Holder, at: datetime, urgency: int, note: str, *, version: int | None = None
) -> Move:
    """Up or down, by the clinician who holds it. Lowering needs the reason in `note`; a key lowers as its people do."""
    if not 0 <= urgency <= 4:
        raise Incomplete(f"urgency {urgency} is unknown; write 0 to 4")
    if urgency < handoff.urgency and not note.strip():
        raise Incomplete("write the reason: a flag is lowered by a clinician who says why")
    move = _move("urgency", handoff, by, at, note=note, version=version)
    event = "handoff.escalated" if urgency > handoff.urgency else "handoff.lowered" if urgency < handoff.urgency else ""
    return replace(move, urgency=urgency, event=event)


def lapse(handoff: Handoff, at: datetime, words: Words, notices: Sequence[Notice] = ()) -> Move:
    """The holder has gone without a sign of life. Only the claim seen to lapse: its version must stand."""
    if handoff.lease_until is None or handoff.lease_until > at:
        raise Held(handoff.holder_name, handoff.state, "the lease has not run out")
    if offered(handoff):  # whoever offered times may go home: the next word is the visitor's
        return _move("lapse", handoff, SYSTEM, at, version=handoff.version)
    say = (notice(words, "lapsed", handoff.language, name=handoff.holder_name),)
    return _move("lapse", handoff, SYSTEM, at, say=say, notices=notices, version=handoff.version)


def offered(handoff: Handoff) -> bool:
    """Whether other times were offered and the visitor has not answered yet: then nobody keeps them waiting."""
    notes = handoff.card.booking.notes if handoff.card.booking else {}
    return bool(notes.get("offered")) and not notes.get("chosen") and handoff.urgency < RISK


def offer(handoff: Handoff, by: Holder, at: datetime, said: Draft, request: BookingDraft) -> Move:
    """Other times for a consultation, said to the visitor; the request keeps which."""
    return replace(_move("offer", handoff, by, at, say=(said,)), booking=request)


def withdraw(handoff: Handoff, at: datetime, words: Words) -> Move:
    """The visitor leaves the queue. Refused while a risk flag is open: a person still looks."""
    if handoff.urgency >= RISK:
        raise RiskOpen("a clinician still looks at this conversation")
    move = _move("withdraw", handoff, SYSTEM, at, say=(notice(words, "withdrawn", handoff.language),))
    return replace(move, outcome=Outcome.RESOLVED, owner=Owner.BOT, refuse_with_open_risk=True)


def expire(handoff: Handoff, at: datetime, words: Words) -> Move:
    """A consultation request that nobody took in time: closed with an apology. Never while a risk flag is open."""
    if handoff.urgency >= RISK:
        raise RiskOpen("a risk flag is open")
    if not handoff.booking:
        raise NotAllowed("only a consultation request expires")
    block = "booking_offer_expired" if offered(handoff) else "booking_expired"
    move = _move("expire", handoff, SYSTEM, at, say=(notice(words, block, handoff.language),))
    request = replace(handoff.card.booking, state="expired") if handoff.card.booking else None
    return replace(move, outcome=Outcome.NO_CONTACT, owner=Owner.BOT, refuse_with_open_risk=True, booking=request)


def end_drill(handoff: Handoff, at: datetime) -> Move:
    """A drill is over, whoever has it: nobody was in danger, and nobody reads a word of it."""
    move = _move("withdraw", handoff, SYSTEM, at)
    return replace(move, expects=_OPEN, outcome=Outcome.RESOLVED, owner=Owner.BOT)


def kept(handoff: Handoff, now: datetime) -> bool | None:
    """Whether the promise was kept; None while it is still to come, or when none was made."""
    if handoff.due_at is None:
        return None
    seen = handoff.acknowledged_at or (handoff.closed_at if handoff.state is HandoffState.CLOSED else None)
    if seen is not None:
        return seen <= handoff.due_at
    return False if now > handoff.due_at else None
