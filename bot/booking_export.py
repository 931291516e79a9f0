"""An accepted consultation as a calendar file; any request as a FHIR R4 Appointment. No word of the chat."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from bot.booking.staff import LENGTH, accepted_slot
from bot.model import BookingDraft, Handoff, HandoffState, Outcome
from bot.words import Practice, Words

SYSTEM = "urn:handrail:handoff"
"""The identifier system of a handoff's id."""


def ics(handoff: Handoff, words: Words, now: datetime) -> bytes | None:
    """RFC 5545, CRLF; None when no slot is accepted. Times in UTC, so that every calendar shows its owner's own.

    The title names the practice alone and the entry is private: a calendar is seen by others.
    """
    slot = accepted_slot(handoff.card.booking)
    if slot is None:
        return None
    from icalendar import Calendar, Event, vText  # slow to import, and seldom wanted

    start, minutes = slot
    practice = words.practice
    entry = Event()
    entry.add("uid", f"{handoff.id}@handrail")
    entry.add("dtstamp", now.astimezone(UTC))
    entry.add("dtstart", start.astimezone(UTC))
    entry.add("dtend", (start + timedelta(minutes=minutes)).astimezone(UTC))
    entry.add("summary", words.say("booking_calendar_title", handoff.language)[0])
    entry.add("class", "PRIVATE")
    entry.add("status", "CONFIRMED")
    if address := practice.get("address"):
        entry.add("location", vText(address))
    if practice.telephone:
        entry.add("contact", practice.telephone)
    calendar = Calendar()
    calendar.add("prodid", "-//Handrail//booking//EN")
    calendar.add("version", "2.0")
    calendar.add("method", "PUBLISH")
    calendar.add_component(entry)
    return bytes(calendar.to_ical())


def appointment(handoff: Handoff, practice: Practice) -> dict[str, Any]:
    """FHIR R4 Appointment: proposed with the wished periods, booked with its slot, or cancelled.

    The person appears by the name given, without a reference; contact and note are in no export.
    """
    draft = handoff.card.booking or BookingDraft()
    slot = accepted_slot(draft)
    status = _status(handoff, slot is not None)
    made: dict[str, Any] = {
        "resourceType": "Appointment",
        "id": handoff.id,
        "identifier": [{"system": SYSTEM, "value": handoff.id}],
        "status": status,
        "description": practice.booking_offer or "Consultation",
        "created": _instant(handoff.opened_at),
        "participant": [
            {
                "actor": {"display": draft.name or "Name not given"},
                "required": "required",
                "status": "accepted" if status == "booked" else "needs-action",
            },
            {
                "actor": {"display": practice.name},
                "required": "required",
                "status": "accepted" if status == "booked" else "needs-action",
            },
        ],
    }
    if slot is not None:
        start, minutes = slot
        made |= {
            "start": _instant(start),
            "end": _instant(start + timedelta(minutes=minutes)),
            "minutesDuration": minutes,
        }
    elif periods := [_period(wish) for wish in draft.slots]:
        made["requestedPeriod"] = periods
    if draft.times and slot is None:
        made["comment"] = draft.times  # the wish in the visitor's own words: what the parser read may be less
    return made


def _status(handoff: Handoff, accepted: bool) -> str:
    if accepted:
        return "booked"
    gone = handoff.state is HandoffState.CLOSED and handoff.outcome is not Outcome.RETURNED_TO_BOT
    return "cancelled" if gone else "proposed"


def _period(slot: str) -> dict[str, str]:
    start, _, end = slot.partition("/")
    last = end or (datetime.fromisoformat(start) + timedelta(minutes=LENGTH)).isoformat(timespec="seconds")
    return {"start": start, "end": last}


def _instant(at: datetime) -> str:
    return at.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
