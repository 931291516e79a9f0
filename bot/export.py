"""A conversation to take out of the house: whole, or without the eighteen identifiers of HIPAA's safe harbour."""

from __future__ import annotations

import re
from datetime import datetime
from typing import Any

from bot.answer.redact import redact
from bot.model import Author, Handoff, Kind, Message, Note, NotThere
from bot.ports import Store

ECHOES = {Kind.BOOKING, Kind.HANDOFF}
"""The bot's messages that may say again what a visitor typed; its others are the practice's own sentences."""

_KNOWN = r"(?!(?:phq|gad|dsm|icd|audit|pcl|scl|mmpi|covid)[ -]?\d{1,2}\b)"
_ENDS = "com|org|net|edu|gov|io|info|me|co|uk|us|ca|au|example"
_CODES = (  # 45 CFR 164.514(b)(2)(i), what a plain reading for names, phones, dates and places leaves standing
    (
        "number",
        re.compile(r"(?<![\w:])(?=\S*(?:::|:\w*:))[0-9A-Fa-f]{0,4}(?::[0-9A-Fa-f]{0,4}){2,8}(?![\w:])"),
    ),  # IPv6, MAC
    ("link", re.compile(rf"(?<![@\w.-])(?:[\w-]+\.){{1,4}}(?:{_ENDS})\b(?:/\S*)?", re.I)),
    ("file", re.compile(r"\b[\w-]+\.(?:jpe?g|png|heic|webp|gif|mp4|mov|wav|m4a|mp3|pdf|docx?)\b", re.I)),
    (
        "number",
        re.compile(rf"\b{_KNOWN}(?=[\w-]*\d[\w-]*\d)(?=[\w-]*[A-Za-z])[A-Za-z0-9][\w-]{{4,}}\b", re.I),
    ),  # plates, VIN
    ("number", re.compile(r"(?<=[Ll]icence plate is )\S+|(?<=[Ll]icense plate is )\S+|(?<=\b[Pp]late )\S+")),
)


def without_identifiers(text: str) -> str:
    """Names, places below a state, dates, ages over 89, numbers of every kind, addresses, accounts, links and files
    replaced by their kind. By rule: a rare name in small letters may stay, so a person reads it before it leaves."""
    for label, pattern in _CODES:
        text = pattern.sub(f"[{label}]", text)
    return redact(text)


async def export(store: Store, id: str, redacted: bool) -> dict[str, Any]:
    """The conversation with its handoffs and their notes. Raises NotThere for one that is unknown or erased."""
    visit = await store.visit(id)
    if visit is None or visit.conversation.erased_at is not None:
        raise NotThere(f"conversation {id}")
    talk, messages = visit.conversation, list(await _all(store, id))
    handoffs = [*await store.earlier(id)]
    if visit.handoff and all(h.id != visit.handoff.id for h in handoffs):
        handoffs.append(visit.handoff)
    when = _since(talk.created_at) if redacted else _stamp
    return {
        "conversation": "conversation" if redacted else talk.id,
        "began": str(talk.created_at.year) if redacted else _stamp(talk.created_at),
        "language": talk.language,
        "country": talk.country,
        "redacted": redacted,
        "messages": [_message(m, when, redacted) for m in messages],
        "handoffs": [_handoff(h, await store.notes(h.id), when, redacted) for h in handoffs],
    }


async def _all(store: Store, id: str) -> list[Message]:
    found: list[Message] = []
    while page := await store.messages(id, found[-1].seq if found else 0, 1000):
        found += page
    return found


def _stamp(at: datetime | None) -> str | None:
    return at.isoformat() if at else None


def _since(start: datetime) -> Any:
    """Redacted times: seconds since the conversation began; of the date the year alone stays."""
    return lambda at: round((at - start).total_seconds()) if at else None


def _message(m: Message, when: Any, redacted: bool) -> dict[str, Any]:
    typed = m.author in {Author.VISITOR, Author.CLINICIAN} or m.kind in ECHOES
    return {
        "seq": m.seq,
        "author": m.author.value,
        "name": None if redacted else m.name,
        "kind": m.kind.value,
        "at": when(m.created_at),
        "text": without_identifiers(m.text) if redacted and typed else m.text,
        "citations": [{"article": c.article, "quote": c.quote} for c in m.citations],
    }


def _handoff(h: Handoff, notes: tuple[Note, ...], when: Any, redacted: bool) -> dict[str, Any]:
    def typed(text: str) -> str:
        return without_identifiers(text) if redacted else text

    card, booking = h.card, h.card.booking
    shape: dict[str, Any] = {
        "reason": h.reason.value,
        "urgency": h.urgency,
        "state": h.state.value,
        "outcome": h.outcome and h.outcome.value,
        "opened": when(h.opened_at),
        "acknowledged": when(h.acknowledged_at),
        "closed": when(h.closed_at),
        "fired": [{"seq": m.seq, "text": typed(m.text), "rule": m.rule} for m in card.marked],
        "shown": list(card.shown),
        "note": typed(card.note),
        "notes": [{"by": "" if redacted else n.by, "at": when(n.created_at), "text": typed(n.text)} for n in notes],
    }
    if not redacted:
        shape |= {"id": h.id, "holder": h.holder_name, "contact": card.contact, "safe_contact": card.safe_contact}
        shape["booking"] = booking and {"name": booking.name, "contact": booking.contact, "times": booking.times}
    return shape
