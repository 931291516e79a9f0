"""The audit log: append-only, each row chained to the one before it by HMAC."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any

from sqlalchemy import bindparam, insert, literal_column, select

from bot.stores import rows
from bot.stores.prepared import Prepared, Row, Tx
from bot.stores.schema import audit

_COLUMNS = (audit.c.id, audit.c.at, audit.c.who, audit.c.action, audit.c.subject, audit.c.detail, audit.c.link)
_ALONE = Prepared(  # one appender at a time; SQLite has one writer anyway
    select(literal_column("1")), postgresql=select(literal_column("pg_advisory_xact_lock(727274, 2)"))
)
_LAST = Prepared(select(audit.c.id, audit.c.link).order_by(audit.c.id.desc()).limit(1))
_ADD = Prepared(insert(audit).values({c.name: bindparam(c.name) for c in _COLUMNS}))
_AFTER = Prepared(
    select(*_COLUMNS).where(audit.c.id > bindparam("after")).order_by(audit.c.id).limit(bindparam("most"))
)


def append(tx: Tx, who: str, action: str, subject: str, at: datetime, detail: dict[str, Any] | None = None) -> None:
    """Call it last in a unit: from here on the log is locked until the commit."""
    tx.run(_ALONE, {})
    last = tx.one(_LAST, {}) or (0, b"")
    row: Row = (last[0] + 1, rows.micros(at), who, action, subject, rows.as_json(detail or {}))
    link = tx.safe.link(bytes(last[1]), _canonical(row))
    tx.run(_ADD, dict(zip((c.name for c in _COLUMNS), (*row, link), strict=True)))


def listed(tx: Tx, after: int, limit: int) -> tuple[dict[str, Any], ...]:
    return tuple(
        {
            "id": id,
            "at": rows.moment(at),
            "who": who,
            "action": action,
            "subject": subject,
            "detail": json.loads(detail),
        }
        for id, at, who, action, subject, detail, _ in tx.all(_AFTER, {"after": after, "most": limit})
    )


def verified(tx: Tx) -> tuple[int, str]:
    """(rows checked, "" or the first fault). Rows cut off at the end show only beside a count kept elsewhere."""
    number, link = 0, b""
    while batch := tx.all(_AFTER, {"after": number, "most": 1000}):
        for row in batch:
            if row[0] != number + 1:
                return number, f"row {number + 1} is missing"
            if tx.safe.link(link, _canonical(row[:-1])) != bytes(row[-1]):
                return number, f"row {row[0]} was changed"
            number, link = row[0], bytes(row[-1])
    return number, ""


def _canonical(row: Row) -> bytes:
    return json.dumps(row, separators=(",", ":")).encode()
