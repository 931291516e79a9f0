"""The JSON at the HTTP edge: what comes in is checked here, what goes out is shaped here."""

from __future__ import annotations

import unicodedata
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Any, TypeVar

from fastapi import Request
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from bot.model import Conversation, Event, Handoff, Message, Note, Webhook
from bot.routes.problems import Problem

TEXT_LIMIT = 4000


class Body(BaseModel):
    model_config = ConfigDict(strict=True, extra="ignore")


def _said(text: str) -> str:
    """A text that says something. Control and formatting characters alone are blank."""
    if not any(unicodedata.category(c)[0] not in "ZC" or unicodedata.category(c) == "Co" for c in text):
        raise ValueError("the text is empty")
    return text


class NewConversation(Body):
    language: str | None = Field(None, pattern=r"^[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8})*$", max_length=35, examples=["en"])
    country: str | None = Field(None, pattern=r"^([A-Za-z]{2})?$", examples=["US"])


class Choices(Body):
    """What the visitor chose in the page; what is left out stays."""

    language: str | None = Field(None, pattern=r"^[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8})*$", max_length=35, examples=["es"])
    country: str | None = Field(None, pattern=r"^([A-Za-z]{2})?$", examples=["MX"])


class NewMessage(Body):
    text: str = Field(min_length=1, max_length=TEXT_LIMIT, examples=["Does therapy really change the brain?"])
    client_id: str | None = Field(None, min_length=1, max_length=200, examples=["c0ffee-1"])

    _not_blank = field_validator("text")(_said)


class AskPerson(Body):
    contact: str | None = Field(None, max_length=200, examples=["+1 555-0123"])
    note: str | None = Field(None, max_length=TEXT_LIMIT, examples=["Please call in the afternoon."])


class Typing(Body):
    typing: bool = True


class Question(Body):
    text: str = Field(min_length=1, max_length=TEXT_LIMIT, examples=["What is cognitive behavioral therapy?"])
    language: str | None = Field(None, pattern=r"^[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8})*$", max_length=35)
    country: str | None = Field(None, pattern=r"^([A-Za-z]{2})?$")

    _not_blank = field_validator("text")(_said)


class StaffText(Body):
    text: str = Field(min_length=1, max_length=TEXT_LIMIT, examples=["Hello, this is the practice. I am here now."])
    client_id: str | None = Field(None, min_length=1, max_length=200)
    version: int | None = None

    _not_blank = field_validator("text")(_said)


class StaffNote(Body):
    text: str = Field(min_length=1, max_length=TEXT_LIMIT, examples=["Called back, no answer."])

    _not_blank = field_validator("text")(_said)


class Release(Body):
    note: str = Field("", max_length=TEXT_LIMIT, examples=["My shift ends."])
    version: int | None = None


class Transfer(Body):
    to: str = Field(min_length=1, max_length=200, examples=["user:u_2"])
    note: str = Field("", max_length=TEXT_LIMIT)
    version: int | None = None


class SetUrgency(Body):
    urgency: int = Field(ge=0, le=4, examples=[1])
    note: str = Field("", max_length=TEXT_LIMIT, examples=["Spoke by phone; safe with a friend tonight."])
    version: int | None = None


class Close(Body):
    outcome: str = Field(pattern="^(resolved|returned_to_bot|referred|no_contact|duplicate)$", examples=["resolved"])
    note: str = Field("", max_length=TEXT_LIMIT)
    version: int | None = None


class NewWebhook(Body):
    url: str = Field(min_length=8, max_length=2000, examples=["https://integrator.example/handrail"])
    events: list[str] = Field(default_factory=list, max_length=20, examples=[["handoff.opened"]])


class Replay(Body):
    first: int | None = Field(None, ge=0)
    last: int | None = Field(None, ge=0)


M = TypeVar("M", bound=Body)


def takes(model: type[M], *, optional: bool = False) -> dict[str, Any]:
    """The OpenAPI part for a body that `body(model)` reads."""
    schema = model.model_json_schema()
    content = {"application/json": {"schema": schema}}
    example = {n: f["examples"][0] for n, f in schema.get("properties", {}).items() if f.get("examples")}
    if example:
        content["application/json"]["example"] = example
    return {"requestBody": {"required": not optional, "content": content}}


def body(model: type[M]) -> Callable[[Request], Awaitable[M]]:
    """Reads the request's JSON strictly: not UTF-8, not JSON, or not of the shape is a 422 that says where and why."""

    async def read(request: Request) -> M:
        raw = await request.body() or b"{}"
        try:
            return model.model_validate_json(raw)
        except ValidationError as error:
            faults = [
                {"field": ".".join(map(str, e["loc"])), "detail": e["msg"].removeprefix("Value error, ")}
                for e in error.errors(include_url=False, include_input=False, include_context=False)
            ]
            raise Problem(422, f"{faults[0]['field'] or 'body'}: {faults[0]['detail']}", errors=faults) from None

    return read


def when(at: datetime | None) -> str | None:
    """RFC 3339 in UTC."""
    return None if at is None else at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def message(m: Message) -> dict[str, Any]:
    shape: dict[str, Any] = {
        "id": m.id,
        "seq": m.seq,
        "author": m.author.value,
        "kind": m.kind.value,
        "text": m.text,
        "citations": [
            {"n": c.n, "article": c.article, "title": c.title, "heading": c.heading, "quote": c.quote, "url": c.url}
            for c in m.citations
        ],
        "actions": [{"type": a.type, "label": a.label, "value": a.value} for a in m.actions],
        "created_at": when(m.created_at),
    }
    if m.client_id:
        shape["client_id"] = m.client_id
    if m.name:
        shape["name"] = m.name
    return shape


def conversation(c: Conversation, handoff: Handoff | None) -> dict[str, Any]:
    brief = handoff and {
        "id": handoff.id,
        "state": handoff.state.value,
        "reason": handoff.reason.value,
        "due_at": when(handoff.due_at),
    }
    return {
        "id": c.id,
        "owner": c.owner.value,
        "urgency": c.urgency,
        "language": c.language,
        "country": c.country,
        "handoff": brief,
    }


def handoff(h: Handoff, *, transcript: bool = True) -> dict[str, Any]:
    """The queue's row with its card. `transcript` False (front desk): no word of the visitor's but the booking's."""
    card = h.card
    booking = card.booking
    shape: dict[str, Any] = {
        "id": h.id,
        "conversation": h.conversation,
        "reason": h.reason.value,
        "urgency": h.urgency,
        "state": h.state.value,
        "opened_at": when(h.opened_at),
        "due_at": when(h.due_at),
        "version": h.version,
        "holder": {"id": h.holder, "name": h.holder_name} if h.holder else None,
        "lease_until": when(h.lease_until),
        "acknowledged_at": when(h.acknowledged_at),
        "closed_at": when(h.closed_at),
        "outcome": h.outcome and h.outcome.value,
        "booking": h.booking,
        "language": h.language,
        "country": h.country,
    }
    shape["card"] = {
        "fired": [
            {"seq": m.seq, "text": m.text, "span": list(m.span), "rule": m.rule, "why": m.why} for m in card.marked
        ]
        if transcript
        else [],
        "shown": list(card.shown) if transcript else [],
        "articles": list(card.articles) if transcript else [],
        "contact": card.contact,
        "safe_contact": card.safe_contact,
        "note": card.note if transcript else "",
        "consent": card.consent,
        "booking": booking
        and {
            "state": booking.state,
            "whom": booking.whom,
            "name": booking.name,
            "contact": booking.contact,
            "times": booking.times,
            "slots": list(booking.slots),
            "may_leave_message": booking.may_leave_message,
            "note": booking.note,
        },
    }
    return shape


def note(n: Note) -> dict[str, Any]:
    return {"id": n.id, "handoff": n.handoff, "by": n.by, "text": n.text, "created_at": when(n.created_at)}


def event(e: Event) -> dict[str, Any]:
    return {
        "id": e.id,
        "type": e.kind,
        "conversation": e.conversation,
        "seq": e.seq,
        "data": e.data,
        "created_at": when(e.created_at),
    }


def webhook(w: Webhook, *, secret: bool = False) -> dict[str, Any]:
    shape = {
        "id": w.id,
        "url": w.url,
        "events": list(w.events),
        "created_at": when(w.created_at),
        "disabled_at": when(w.disabled_at),
    }
    return shape | ({"secret": w.secret} if secret else {})
