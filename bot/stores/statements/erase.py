"""A conversation taken away: its key first, so that nothing of it opens any more, then its rows."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import bindparam, delete, func, null, select, text, update

from bot.model import Receipt
from bot.stores import rows
from bot.stores.prepared import Prepared, Tx
from bot.stores.schema import bookings, conversations, gaps, messages, notes
from bot.stores.schema import handoffs as h
from bot.stores.statements import audit, handoffs
from bot.stores.statements import conversations as talk

KEPT = "erased_kept_for_clinician"
"""Why something is kept: a key of replies.toml."""

_COUNT = Prepared(select(func.count()).select_from(messages).where(messages.c.conversation == bindparam("id")))
_CLOSE_VISITOR_SIDE = Prepared(
    update(conversations)
    .where(conversations.c.id == bindparam("key"))
    .values(erased_at=bindparam("at"), token_digest=null(), token_expires_at=null())
)
_TAKE_KEY = Prepared(
    text(
        "UPDATE conversations SET data_key = NULL, memory = NULL, token_digest = NULL, token_expires_at = NULL,"
        " language = '', country = '', urgency = 0, owner = 'bot' WHERE id = :key"
    )
)
_ERASED_THEN = Prepared(text("UPDATE conversations SET erased_at = COALESCE(erased_at, active_at) WHERE id = :key"))
_CLOSED_THEN = Prepared(
    text(
        "UPDATE handoffs SET state = 'closed', lease_until = NULL, closed_at = COALESCE(closed_at, opened_at)"
        " WHERE conversation = :key AND state <> 'closed'"
    )
)
_ROWS = tuple(
    Prepared(delete(t).where(t.c.conversation == bindparam("key"))) for t in (messages, notes, gaps, bookings)
)
_CARDS = Prepared(update(h).where(h.c.conversation == bindparam("key")).values(card=null()))
_ERASED = Prepared(
    select(conversations.c.id, conversations.c.erased_at)
    .where(conversations.c.erased_at.is_not(None))
    .order_by(conversations.c.erased_at)
)


def erase(tx: Tx, id: str, at: datetime, by: str) -> Receipt:
    """Raises NotThere when unknown or erased already."""
    handoffs.hold_open(tx, id)
    head = talk.held(tx, id, at)
    counted = tx.one(_COUNT, {"id": id})
    open_now = handoffs.open_of(tx, id, head.lock)
    complete_now = open_now is None
    head.happened.add("conversation.erased", head.last_seq, complete=complete_now)
    head.write()
    _close(tx, id, at)
    if complete_now:
        _take(tx, id, head.wrapped)
    audit.append(tx, by, "conversation.erased", id, at, {"complete": complete_now})
    return Receipt(id, at, counted[0] if counted else 0, complete_now, "" if complete_now else KEPT)


def erase_again(tx: Tx, id: str, at: datetime) -> int:
    """What a restored backup still holds of a conversation erased since. 1 when there was something to take."""
    lock = talk.lock_of(tx, id)
    if lock is None:
        return 0
    _close(tx, id, at)
    if handoffs.open_of(tx, id, lock) is not None:
        return 1
    head = talk.held(tx, id, at, erased=True)
    head.happened.add("conversation.erased", head.last_seq, complete=True)
    head.write()
    _take(tx, id, head.wrapped)
    audit.append(tx, "restore", "conversation.erased", id, at, {"complete": True})
    return 1


def forget(tx: Tx, id: str) -> int:
    """A conversation of a restored backup whose key is gone: its rows go too. Its handoffs stay, closed, without cards."""
    tx.run(_TAKE_KEY, {"key": id})
    tx.run(_ERASED_THEN, {"key": id})
    tx.run(_CLOSED_THEN, {"key": id})
    _clear(tx, id)
    return 1


def complete(tx: Tx, id: str, wrapped: bytes, at: datetime) -> None:
    """The clinician's side, once the handoff is closed."""
    head = talk.held(tx, id, at, erased=True)
    head.happened.add("conversation.erased", head.last_seq, complete=True)
    head.write()
    _take(tx, id, wrapped)


def erased(tx: Tx) -> tuple[tuple[str, datetime], ...]:
    return tuple((id, rows.moment(at)) for id, at in tx.all(_ERASED, {}))


def _close(tx: Tx, id: str, at: datetime) -> None:
    tx.run(_CLOSE_VISITOR_SIDE, {"key": id, "at": rows.micros(at)})


def _take(tx: Tx, id: str, wrapped: bytes) -> None:
    tx.run(_TAKE_KEY, {"key": id})
    _clear(tx, id)
    tx.safe.forget(wrapped)
    tx.wipe = True


def _clear(tx: Tx, id: str) -> None:
    for statement in _ROWS:
        tx.run(statement, {"key": id})
    tx.run(_CARDS, {"key": id})
