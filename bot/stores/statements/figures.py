"""What the store can count: for metrics, for the practice's next articles, for the proof of a copy."""

from __future__ import annotations

from collections import Counter
from datetime import datetime

from sqlalchemy import bindparam, func, select, text

from bot.model import Gap
from bot.stores import rows
from bot.stores.prepared import Prepared, Tx
from bot.stores.schema import conversations as c
from bot.stores.schema import gaps as g
from bot.stores.schema import metadata

_LATEST = 5000  # questions looked at for the list of gaps

_GAPS = Prepared(
    select(g.c.conversation, g.c.asked_at, g.c.body, c.c.data_key)
    .select_from(g.join(c, c.c.id == g.c.conversation))
    .order_by(g.c.id.desc())
    .limit(bindparam("most"))
)
_QUEUE = Prepared(
    text("SELECT urgency, count(*), min(opened_at) FROM handoffs WHERE state = 'waiting' GROUP BY urgency")
)
_ONE_ROW = {
    "handoffs_claimed": "SELECT count(*) FROM handoffs WHERE state = 'claimed'",
    "promises_broken": "SELECT count(*) FROM handoffs WHERE due_at < COALESCE(acknowledged_at, closed_at, :now)",
    "promises_kept": "SELECT count(*) FROM handoffs WHERE due_at >= acknowledged_at",
    "outbox_due": "SELECT count(*) FROM deliveries WHERE state = 'due' AND due_at <= :now",
    "outbox_oldest_due": "SELECT COALESCE(min(due_at), :now) FROM deliveries WHERE state = 'due' AND due_at <= :now",
    "outbox_dead": "SELECT count(*) FROM deliveries WHERE state = 'dead'",
    "last_event": "SELECT COALESCE(max(created_at), 0) FROM events",
}
_COUNTS = {name: Prepared(text(statement)) for name, statement in _ONE_ROW.items()}
_ROWS = {table.name: Prepared(select(func.count()).select_from(table)) for table in metadata.sorted_tables}


def gaps(tx: Tx, limit: int) -> tuple[tuple[str, int, datetime], ...]:
    asked: Counter[str] = Counter()
    last: dict[str, int] = {}
    for conversation, at, body, key in tx.all(_GAPS, {"most": _LATEST}):
        if key is None:
            continue
        gap = rows.unpacked(Gap, tx.lock(conversation, key).open(body, "gap"))
        asked[gap.question] += 1
        last[gap.question] = max(at, last.get(gap.question, 0))
    ordered = sorted(asked, key=lambda question: (-asked[question], -last[question]))
    return tuple((question, asked[question], rows.moment(last[question])) for question in ordered[:limit])


def counts(tx: Tx, now: datetime) -> dict[str, float]:
    """Times in seconds."""
    at = rows.micros(now)
    found = {f"queue_{urgency}": 0.0 for urgency in range(5)}
    found["queue_oldest_seconds"] = 0.0
    for urgency, number, oldest in tx.all(_QUEUE, {}):
        found[f"queue_{urgency}"] = float(number)
        found["queue_oldest_seconds"] = max(found["queue_oldest_seconds"], (at - oldest) / 1e6)
    for name, statement in _COUNTS.items():
        row = tx.one(statement, {"now": at})
        found[name] = float(row[0]) if row else 0.0
    found["last_event"] /= 1e6  # seconds since 1970
    found["outbox_lag_seconds"] = max(0.0, (at - found.pop("outbox_oldest_due")) / 1e6)
    return found


def table_sizes(tx: Tx) -> dict[str, int]:
    return {name: (tx.one(statement, {}) or (0,))[0] for name, statement in _ROWS.items()}
