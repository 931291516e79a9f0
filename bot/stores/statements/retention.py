"""What has been kept long enough: found, and taken away."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import text

from bot.stores import rows
from bot.stores.prepared import Prepared, Tx

_OVER = (
    "SELECT id FROM conversations WHERE active_at < :before AND erased_at IS NULL AND NOT EXISTS ("
    "SELECT 1 FROM handoffs WHERE handoffs.conversation = conversations.id AND handoffs.state <> 'closed')"
)
_CARED = " EXISTS (SELECT 1 FROM handoffs WHERE handoffs.conversation = conversations.id)"
_IDLE = {
    cared: Prepared(text(f"{_OVER}{which} ORDER BY active_at LIMIT :most"))
    for cared, which in ((None, ""), (True, f" AND{_CARED}"), (False, f" AND NOT{_CARED}"))
}
_TIDY = {
    "deliveries": "DELETE FROM deliveries WHERE state IN ('sent', 'cancelled', 'dead') AND ended_at < :before RETURNING id",
    "events": "DELETE FROM events WHERE created_at < :before AND NOT EXISTS"
    " (SELECT 1 FROM deliveries WHERE deliveries.event = events.id) RETURNING id",
    "secrets": "DELETE FROM secrets WHERE expires_at < :before RETURNING kind",
    "sessions": "DELETE FROM sessions WHERE seen_at < :before RETURNING id",
}
_STATEMENTS = {name: Prepared(text(statement)) for name, statement in _TIDY.items()}


def idle_since(tx: Tx, before: datetime, limit: int, cared: bool | None) -> tuple[str, ...]:
    return tuple(id for (id,) in tx.all(_IDLE[cared], {"before": rows.micros(before), "most": limit}))


def tidy(tx: Tx, before: datetime) -> dict[str, int]:
    """What holds no conversation: rows by kind. An event stays as long as a delivery of it does."""
    at = rows.micros(before)
    return {name: len(tx.all(statement, {"before": at})) for name, statement in _STATEMENTS.items()}
