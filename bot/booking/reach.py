"""A way to reach somebody who waits: asked for while nobody is in, taken from their own words, never from a child."""

from __future__ import annotations

from datetime import datetime

from bot import handoff
from bot.booking.read import Details, contact_in
from bot.hours import Hours
from bot.model import Author, Card, Draft, Kind, Memory, Verdict, Visit
from bot.words import Words

_ELSE = 40  # letters beside the contact up to which a message is about nothing else


def asked(words: Words, hours: Hours, memory: Memory, language: str, at: datetime, known: str = "") -> str:
    """The question that goes with the queue while the practice is closed; "" while open, when it is known, for a child."""
    if hours.open_at(at) or memory.safety.under_13 or known or memory.booking.contact:
        return ""
    return words.say("ask_contact", language, memory.safety.said)[0]


def queued(
    words: Words, hours: Hours, memory: Memory, language: str, at: datetime, urgency: int = 0, known: str = ""
) -> Draft:
    """You are in the queue, when somebody will answer, and while closed how to reach you, unless that is `known`."""
    promise = handoff.promise_text(words, hours, urgency, at, language)
    said = words.say("queued", language, promise=promise)[0], asked(words, hours, memory, language, at, known)
    return Draft(Author.BOT, Kind.HANDOFF, " ".join(filter(None, said)))


def left(text: str, memory: Memory, words: Words) -> str:
    """The valid telephone number or e-mail address in a message of theirs; "" for none, and while a booking asks for it."""
    if memory.safety.under_13 or memory.booking.state == "asking":
        return ""
    found = contact_in(text, words.practice.country)
    return found.value if found and found.kind else ""


def thanks(text: str, visit: Visit, memory: Memory, words: Words, language: str) -> Draft | None:
    """What is said to a contact that comes by itself while they wait; None when the message is about something else too."""
    if visit.handoff is None or not (contact := left(text, memory, words)):
        return None
    found = contact_in(text, words.practice.country)
    rest = text.replace(found.written, "") if found else text
    if "?" in rest or len([c for c in rest if c.isalpha()]) > _ELSE:
        return None
    return Draft(Author.BOT, Kind.HANDOFF, words.say("contact_kept", language, contact=contact)[0])


def card(
    details: Details, verdict: Verdict, visit: Visit, memory: Memory, contact: str, note: str, language: str
) -> Card:
    """The card of somebody who asks for a person; a wish in the note, such as "text only", stands apart, where it is seen."""
    wish = "" if memory.safety.under_13 else details.safe_contact(f"{note}\n{contact}", language)
    seq = visit.last_seq + 1
    return handoff.card(verdict, note, seq, memory, contact=contact, note=note, safe_contact=wish)
