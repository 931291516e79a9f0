"""What staff do with a consultation request: accept with a slot, offer others, decline. As moves and messages, pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from bot import handoff as steps
from bot.handoff import Incomplete
from bot.hours import Hours
from bot.model import Action, Author, BookingDraft, Draft, Handoff, Holder, Kind, Move, Outcome
from bot.words import Words

LENGTH = 15  # minutes of a consultation when nothing else is said
_FAR = timedelta(days=400)


def _request(handoff: Handoff) -> BookingDraft:
    if not handoff.booking:
        raise Incomplete("this handoff holds no consultation request")
    return handoff.card.booking or BookingDraft()


def _slot(start: datetime, now: datetime) -> datetime:
    """The slot in UTC. Raises Incomplete for one that has no zone, has passed, or lies absurdly far ahead."""
    if start.tzinfo is None:
        raise Incomplete("the slot needs its time zone: 2026-11-24T16:00:00-05:00")
    start = start.astimezone(UTC)
    if start <= now:
        raise Incomplete("the slot lies in the past: choose a later one")
    if start - now > _FAR:
        raise Incomplete("the slot lies more than a year ahead: choose an earlier one")
    return start


def local_slot(day: str, clock: str, hours: Hours) -> datetime:
    """A slot from a form: "2026-11-24" and "16:00", in the practice's zone. A time that the clocks skip is refused."""
    try:
        wall = datetime.fromisoformat(f"{day}T{clock}")
    except ValueError:
        raise Incomplete(f"{day} {clock} is no day and time: write 2026-11-24 and 16:00") from None
    if wall.tzinfo is not None:
        raise Incomplete("the form's time is the practice's own: leave the zone out")
    at = wall.replace(tzinfo=hours.zone).astimezone(UTC)
    if at.astimezone(hours.zone).replace(tzinfo=None) != wall:
        raise Incomplete(f"{clock} does not exist on {day}: the clocks go forward that night")
    return at


def accept(
    handoff: Handoff,
    by: Holder,
    at: datetime,
    start: datetime,
    words: Words,
    hours: Hours,
    *,
    minutes: int = LENGTH,
    link: str = "",
    note: str = "",
    version: int | None = None,
) -> Move:
    """Closes the request with its slot, in one step. The visitor reads it in the chat, with the calendar file's `link`.

    The slot stands in the request's notes: {"accepted": {"start": RFC 3339, "minutes": int, "with": name}}.
    """
    draft, slot = _request(handoff), _slot(start, at)
    if not 5 <= minutes <= 240:
        raise Incomplete("a consultation lasts 5 to 240 minutes")
    language = handoff.language
    when = hours.words_of(slot, at, language)
    block = "booking_accepted" if link else "booking_accepted_plain"
    text, _ = words.say(block, language, name=by.name, link=link, **when)
    tap = (Action("link", words.say("booking_calendar", language)[0], link),) if link else ()
    said = Draft(Author.CLINICIAN, Kind.MESSAGE, text, actions=tap)
    accepted = {"start": slot.isoformat(), "minutes": minutes, "with": by.name}
    note = note or f"Accepted: {when['date']}, {when['time']}"
    move = steps.close(handoff, by, at, Outcome.RESOLVED, note, words, say=(said,), version=version)
    return replace(move, booking=replace(draft, state="accepted", notes={**draft.notes, "accepted": accepted}))


def offer(handoff: Handoff, by: Holder, at: datetime, starts: Sequence[datetime], words: Words, hours: Hours) -> Move:
    """Other slots, one to five, in a message where each can be tapped. Whoever offers may go: the visitor has the word.

    They stand in the request's notes: {"offered": [{"start": RFC 3339, by the practice's clock, "words": as shown}],
    "offered_at": RFC 3339, "chosen": ""}.
    """
    draft = _request(handoff)
    if not 1 <= len(starts) <= 5:
        raise Incomplete("offer one to five slots")
    language = handoff.language
    starts = [_slot(start, at) for start in starts]
    slots = [hours.words_of(start, at, language) for start in starts]
    labels = [words.say("booking_slot", language, **slot)[0] for slot in slots]
    if len(slots) == 1:
        text, _ = words.say("booking_offered", language, **slots[0])
    else:
        text, _ = words.say("booking_offered_more", language, slots="\n".join(labels), zone=slots[0]["zone"])
    said = Draft(Author.CLINICIAN, Kind.MESSAGE, text, actions=tuple(Action("ask", lb, lb) for lb in labels))
    made = [
        {"start": hours.local(start).isoformat(), "words": label} for start, label in zip(starts, labels, strict=True)
    ]
    notes = {**draft.notes, "offered": made, "offered_at": at.isoformat(), "chosen": ""}
    return steps.offer(handoff, by, at, said, replace(draft, notes=notes))


def decline(
    handoff: Handoff,
    by: Holder,
    at: datetime,
    referral: str,
    words: Words,
    *,
    note: str = "",
    version: int | None = None,
) -> Move:
    """Closes the request with where to turn instead: nobody is sent away with nothing."""
    draft = _request(handoff)
    if not referral.strip():
        raise Incomplete("write where to turn instead: nobody is sent away with nothing")
    text, _ = words.say("booking_declined", handoff.language, referral=referral.strip())
    said = Draft(Author.CLINICIAN, Kind.MESSAGE, text)
    move = steps.close(
        handoff, by, at, Outcome.REFERRED, note or "Declined, with a referral.", words, say=(said,), version=version
    )
    return replace(move, booking=replace(draft, state="declined"))


def accepted_slot(draft: BookingDraft | None) -> tuple[datetime, int] | None:
    """(start in UTC, minutes) of an accepted request; None for any other."""
    found = draft.notes.get("accepted") if draft else None
    if not isinstance(found, dict):
        return None
    return datetime.fromisoformat(str(found["start"])), int(found["minutes"])
