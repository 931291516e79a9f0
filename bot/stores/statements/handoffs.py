"""Handoffs opened, raised and read. How they move from hand to hand is in moves."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, bindparam, case, insert, literal_column, select, update
from sqlalchemy.dialects import postgresql, sqlite

from bot import handoff as steps
from bot.model import BookingDraft, Handoff, HandoffState, Opening
from bot.stores import rows
from bot.stores.prepared import Prepared, Tx
from bot.stores.schema import bookings as b
from bot.stores.schema import conversations as c
from bot.stores.schema import handoffs as h
from bot.stores.seal import Lock

COLUMNS = (
    h.c.id, h.c.conversation, h.c.reason, h.c.urgency, h.c.state, h.c.opened_at, h.c.due_at, h.c.version, h.c.holder,
    h.c.holder_name, h.c.lease_until, h.c.acknowledged_at, h.c.closed_at, h.c.outcome, h.c.card, h.c.booking,
    h.c.language, h.c.country,
)  # fmt: skip
_WHOLE = select(*COLUMNS, b.c.draft, c.c.data_key).select_from(
    h.outerjoin(b, b.c.handoff == h.c.id).join(c, c.c.id == h.c.conversation)
)
_IS_OPEN: ColumnElement[bool] = literal_column("handoffs.state <> 'closed'")
_QUEUED = (h.c.urgency.desc(), h.c.opened_at, h.c.id)  # highest urgency first, then longest wait

_ONE = Prepared(_WHOLE.where(h.c.id == bindparam("id")))
_OPEN_OF = Prepared(_WHOLE.where(h.c.conversation == bindparam("conversation"), _IS_OPEN))
_OPEN_HELD = Prepared(  # the handoff's row is locked before the conversation's: the order that every unit keeps
    select(h.c.id).where(h.c.conversation == bindparam("conversation"), _IS_OPEN),
    postgresql=select(h.c.id).where(h.c.conversation == bindparam("conversation"), _IS_OPEN).with_for_update(),
)
_EARLIER = Prepared(_WHOLE.where(h.c.conversation == bindparam("conversation")).order_by(h.c.opened_at, h.c.id))
_LAPSED = Prepared(
    _WHOLE.where(literal_column("handoffs.state = 'claimed'"), h.c.lease_until <= bindparam("now"))
    .order_by(h.c.lease_until)
    .limit(500)
)
_BOOKINGS: ColumnElement[bool] = literal_column(
    "handoffs.booking = 1 AND handoffs.urgency < 2"
)  # what the front desk may see
_STATE = h.c.state == bindparam("state")
_QUEUE = {
    (True, False): Prepared(_WHOLE.where(_STATE).order_by(*_QUEUED).limit(bindparam("most"))),
    (True, True): Prepared(_WHOLE.where(_STATE, _BOOKINGS).order_by(*_QUEUED).limit(bindparam("most"))),
    (False, False): Prepared(_WHOLE.order_by(*_QUEUED).limit(bindparam("most"))),
    (False, True): Prepared(_WHOLE.where(_BOOKINGS).order_by(*_QUEUED).limit(bindparam("most"))),
}
_CLOSED = Prepared(
    _WHOLE.where(literal_column("handoffs.state = 'closed'"))
    .order_by(h.c.closed_at.desc(), h.c.id)
    .limit(bindparam("most"))
)

_NEW = Prepared(
    insert(h).values(
        {
            **{
                name: bindparam(name)
                for name in (
                    "id",
                    "conversation",
                    "reason",
                    "urgency",
                    "opened_at",
                    "due_at",
                    "card",
                    "booking",
                    "language",
                    "country",
                )
            },
            "state": literal_column("'waiting'"),
            "version": literal_column("0"),
            "holder": literal_column("''"),
            "holder_name": literal_column("''"),
        }
    ),
    touching=True,
)
_RAISE = Prepared(
    update(h)
    .where(h.c.id == bindparam("key"))
    .values({name: bindparam(name) for name in ("reason", "urgency", "due_at", "card", "booking")}),
    touching=True,
)
_UPSERT: dict[str, Any] = {
    name: bindparam(name) for name in ("handoff", "conversation", "state", "draft", "updated_at")
}
_FILLED: dict[str, Any] = {name: bindparam(name) for name in ("state", "draft", "updated_at")}
_BOOK = Prepared(
    sqlite.insert(b).values(_UPSERT).on_conflict_do_update(index_elements=["handoff"], set_=_FILLED),
    postgresql=postgresql.insert(b).values(_UPSERT).on_conflict_do_update(index_elements=["handoff"], set_=_FILLED),
    touching=True,
)
_RENEW = Prepared(
    update(h)
    .where(h.c.holder == bindparam("h"), literal_column("state = 'claimed'"))
    .values(lease_until=case((h.c.lease_until > bindparam("until"), h.c.lease_until), else_=bindparam("until")))
    .returning(h.c.id)
)


def _read(tx: Tx, row: tuple[Any, ...], lock: Lock | None = None) -> Handoff:
    if lock is None and row[-1] is not None:
        lock = tx.lock(row[1], row[-1])
    return rows.handoff(row[:-1], lock)


def one(tx: Tx, id: str) -> Handoff | None:
    row = tx.one(_ONE, {"id": id})
    return None if row is None else _read(tx, row)


def open_of(tx: Tx, conversation: str, lock: Lock | None = None) -> Handoff | None:
    row = tx.one(_OPEN_OF, {"conversation": conversation})
    return None if row is None else _read(tx, row, lock)


def hold_open(tx: Tx, conversation: str) -> None:
    """Locks the conversation's open handoff, where rows are locked, before the conversation itself."""
    tx.one(_OPEN_HELD, {"conversation": conversation})


def earlier(tx: Tx, conversation: str) -> tuple[Handoff, ...]:
    return tuple(_read(tx, row) for row in tx.all(_EARLIER, {"conversation": conversation}))


def lapsed(tx: Tx, now: datetime) -> tuple[Handoff, ...]:
    return tuple(_read(tx, row) for row in tx.all(_LAPSED, {"now": rows.micros(now)}))


def queue(tx: Tx, state: HandoffState | None, limit: int, bookings_only: bool) -> tuple[Handoff, ...]:
    """Highest urgency first, then longest wait; closed ones latest first."""
    if state is HandoffState.CLOSED and not bookings_only:
        return tuple(_read(tx, row) for row in tx.all(_CLOSED, {"most": limit}))
    values: dict[str, Any] = {"most": limit} if state is None else {"most": limit, "state": state.value}
    return tuple(_read(tx, row) for row in tx.all(_QUEUE[state is not None, bookings_only], values))


def renew(tx: Tx, holder: str, until: datetime) -> int:
    """A lease is only ever made longer."""
    return len(tx.all(_RENEW, {"h": holder, "until": rows.micros(until)}))


def put(
    tx: Tx, id: str, conversation: str, opening: Opening, at: datetime, lock: Lock, language: str, country: str
) -> Handoff:
    """A new handoff; the caller holds the conversation and has seen that none is open."""
    card = replace(opening.card, booking=None)
    tx.run(
        _NEW,
        {
            "id": id,
            "conversation": conversation,
            "reason": opening.reason.value,
            "urgency": opening.urgency,
            "opened_at": rows.micros(at),
            "due_at": rows.maybe_micros(opening.due_at),
            "card": lock.seal(rows.packed(card), f"card {id}"),
            "booking": int(opening.booking),
            "language": language,
            "country": country,
        },
    )
    book(tx, id, conversation, opening.card.booking, at, lock)
    return Handoff(
        id, conversation, opening.reason, opening.urgency, HandoffState.WAITING, at, opening.due_at,
        card=opening.card, booking=opening.booking, language=language, country=country,
    )  # fmt: skip


def raised(tx: Tx, old: Handoff, opening: Opening, at: datetime, lock: Lock) -> Handoff:
    """The open handoff with what is new in it, as bot/handoff.py judges."""
    now = steps.raised(old, opening)
    new = replace(old, reason=now.reason, urgency=now.urgency, due_at=now.due_at, card=now.card, booking=now.booking)
    tx.run(
        _RAISE,
        {
            "key": old.id,
            "reason": new.reason.value,
            "urgency": new.urgency,
            "due_at": rows.maybe_micros(new.due_at),
            "card": lock.seal(rows.packed(replace(new.card, booking=None)), f"card {old.id}"),
            "booking": int(new.booking),
        },
    )
    book(tx, old.id, old.conversation, opening.card.booking, at, lock)
    return new


def book(tx: Tx, id: str, conversation: str, draft: BookingDraft | None, at: datetime, lock: Lock) -> None:
    if draft is None:
        return
    sealed = lock.seal(rows.packed(draft), f"booking {id}")
    tx.run(
        _BOOK,
        {
            "handoff": id,
            "conversation": conversation,
            "state": draft.state,
            "draft": sealed,
            "updated_at": rows.micros(at),
        },
    )
