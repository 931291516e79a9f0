"""Rows to nouns and back: times as whole microseconds, nested nouns as compact JSON without their defaults."""

from __future__ import annotations

import dataclasses
import json
import types
import typing
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from enum import Enum
from functools import cache
from typing import Any, TypeVar

from bot.model import (
    Action,
    Author,
    BookingDraft,
    Card,
    Citation,
    Conversation,
    Delivery,
    Draft,
    Event,
    Handoff,
    HandoffState,
    Kind,
    Memory,
    Message,
    Outcome,
    Owner,
    Reason,
)
from bot.stores.prepared import Row
from bot.stores.seal import Lock

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
T = TypeVar("T")


def micros(at: datetime) -> int:
    return (at - EPOCH) // _MICROSECOND


def maybe_micros(at: datetime | None) -> int | None:
    return None if at is None else (at - EPOCH) // _MICROSECOND


def moment(value: int) -> datetime:
    return EPOCH + timedelta(microseconds=value)


def maybe_moment(value: int | None) -> datetime | None:
    return None if value is None else EPOCH + timedelta(microseconds=value)


def as_json(value: Any) -> str:
    """Compact, with sorted keys: the same value is always the same text."""
    return _sorted(value)


def packed(noun: Any) -> bytes:
    """A dataclass as JSON bytes; fields that have their default are left out."""
    return _text(noun).encode("ascii")


def unpacked(kind: type[T], data: bytes) -> T:
    """The dataclass again. Fields that this version does not know are dropped; missing ones take their default."""
    return typing.cast(T, _noun(kind, json.loads(data)))


def _fields(noun: Any) -> dict[str, Any]:
    """What the encoder asks for when it meets a noun. Enums are text or whole numbers to it already."""
    found = {}
    kind: Any = type(noun)
    for name, default in _defaults(kind):
        held = getattr(noun, name)
        if held is not default and held != default:
            found[name] = held
    return found


@cache
def _defaults(kind: Any) -> tuple[tuple[str, Any], ...]:
    return tuple(
        (f.name, f.default_factory() if f.default_factory is not dataclasses.MISSING else f.default)
        for f in dataclasses.fields(kind)
    )


@cache
def _readers(kind: Any) -> dict[str, Callable[[Any], Any]]:
    hints = typing.get_type_hints(kind)
    return {f.name: _reader(hints[f.name]) for f in dataclasses.fields(kind)}


def _reader(hint: Any) -> Callable[[Any], Any]:
    """How a JSON value becomes what the field's type says."""
    origin = typing.get_origin(hint)
    if origin in (typing.Union, types.UnionType):
        (inner,) = (_reader(a) for a in typing.get_args(hint) if a is not type(None))
        return lambda v: None if v is None else inner(v)
    if origin is tuple:
        part = _reader(typing.get_args(hint)[0])
        return lambda v: tuple(part(x) for x in v)
    if isinstance(hint, type) and issubclass(hint, Enum):
        return hint
    if dataclasses.is_dataclass(hint) and isinstance(hint, type):
        return lambda v: _noun(hint, v)
    return lambda v: v


def _noun(kind: type, plain: dict[str, Any]) -> Any:
    readers = _readers(kind)
    return kind(**{name: readers[name](value) for name, value in plain.items() if name in readers})


_text = json.JSONEncoder(separators=(",", ":"), ensure_ascii=True, check_circular=False, default=_fields).encode
_sorted = json.JSONEncoder(separators=(",", ":"), ensure_ascii=True, check_circular=False, sort_keys=True).encode
quoted = json.encoder.encode_basestring_ascii


# ── messages ────────────────────────────────────────────────────────────────────────────────────────────────


def message_id(conversation: str, seq: int) -> str:
    return f"{conversation}.{seq}"


def sealed_body(lock: Lock, seq: int, draft: Draft, client_id: str | None = None) -> bytes:
    body = f'{{"t":{quoted(draft.text)}'  # by hand: it is the same JSON, in a third of the time
    if draft.citations:
        body += f',"c":{_text([[c.n, c.article, c.title, c.heading, c.quote, c.url] for c in draft.citations])}'
    if draft.actions:
        body += f',"a":{_text([[a.type, a.label, a.value] for a in draft.actions])}'
    if client_id is not None:
        body += f',"i":{quoted(client_id)}'
    return lock.seal(f"{body}}}".encode("ascii"), f"message {seq}")


def message(row: Row, lock: Lock, conversation: str) -> Message:
    """Row: seq, author, kind, created_at, body, name."""
    seq, author, kind, created_at, sealed, name = row
    body = json.loads(lock.open(sealed, f"message {seq}"))
    return Message(
        id=message_id(conversation, seq),
        conversation=conversation,
        seq=seq,
        author=Author(author),
        kind=Kind(kind),
        text=body["t"],
        created_at=moment(created_at),
        citations=tuple(Citation(*c) for c in body.get("c", ())),
        actions=tuple(Action(*a) for a in body.get("a", ())),
        client_id=body.get("i"),
        name=name,
    )


# ── conversations and handoffs ──────────────────────────────────────────────────────────────────────────────


def conversation(row: Row) -> Conversation:
    """Row: id, language, country, channel, owner, owner_epoch, urgency, created_at, ended_at, erased_at."""
    id, language, country, channel, owner, epoch, urgency, created, ended, erased = row
    return Conversation(
        id,
        language,
        country,
        channel,
        Owner(owner),
        epoch,
        urgency,
        moment(created),
        maybe_moment(ended),
        maybe_moment(erased),
    )


def memory(sealed: bytes | None, lock: Lock) -> Memory:
    return Memory() if sealed is None else unpacked(Memory, lock.open(sealed, "memory"))


def sealed_memory(lock: Lock, memory: Memory) -> bytes:
    return lock.seal(packed(memory), "memory")


def as_read(memory: Memory) -> Memory:
    """The memory as it will come back from the store. Only its rooms' notes may be of a form that JSON changes."""
    if all(_plain(part.notes) for part in (memory.safety, memory.talk, memory.booking)):
        return memory
    return unpacked(Memory, packed(memory))


def _plain(value: Any) -> bool:
    kind = type(value)
    if kind is dict:
        return all(type(name) is str and _plain(held) for name, held in value.items())
    return kind in _AS_IT_IS or (kind is list and all(map(_plain, value)))


_AS_IT_IS = frozenset({str, int, float, bool, type(None)})


def handoff(row: Row, lock: Lock | None) -> Handoff:
    """Row: `statements.handoffs.COLUMNS`, then the booking's sealed draft. Without a key the card is empty."""
    (id, conversation, reason, urgency, state, opened, due, version, holder, name, lease, acknowledged, closed, outcome,
     card, booking, language, country, draft) = row  # fmt: skip
    shown = Card()
    if lock is not None and card is not None:
        shown = unpacked(Card, lock.open(card, f"card {id}"))
    if lock is not None and draft is not None:
        shown = dataclasses.replace(shown, booking=unpacked(BookingDraft, lock.open(draft, f"booking {id}")))
    return Handoff(
        id=id,
        conversation=conversation,
        reason=Reason(reason),
        urgency=urgency,
        state=HandoffState(state),
        opened_at=moment(opened),
        due_at=maybe_moment(due),
        version=version,
        holder=holder,
        holder_name=name,
        lease_until=maybe_moment(lease),
        acknowledged_at=maybe_moment(acknowledged),
        closed_at=maybe_moment(closed),
        outcome=None if outcome is None else Outcome(outcome),
        card=shown,
        booking=bool(booking),
        language=language,
        country=country,
    )


# ── events and deliveries ───────────────────────────────────────────────────────────────────────────────────


def event(row: Row) -> Event:
    """Row: id, conversation, seq, kind, data, created_at."""
    id, conversation, seq, kind, data, created = row
    return Event(id, conversation, seq, kind, json.loads(data), moment(created))


def delivery(row: Row) -> Delivery:
    """Row: id, target, kind, attempt, due_at, state, handoff, conversation, last_error, step, the event's row."""
    id, target, kind, attempt, due, state, handoff, conversation, error, step, *rest = row
    return Delivery(
        id=id,
        event=None if rest[0] is None else event(tuple(rest)),
        target=target,
        kind=kind,
        attempt=attempt,
        due_at=moment(due),
        state=state,
        handoff=handoff,
        conversation=conversation,
        last_error=error,
        step=step,
    )
