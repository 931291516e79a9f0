"""Events, and what follows from them for whoever must be told: rows of the outbox in the same transaction."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, bindparam, func, insert, literal_column, select, update

from bot.model import Event, Message, Notice
from bot.stores import rows
from bot.stores.prepared import Prepared, Tx
from bot.stores.schema import deliveries, events, webhooks

_ACTIVE = Prepared(select(webhooks.c.id, webhooks.c.events).where(webhooks.c.disabled_at.is_(None)))

_EVENT: dict[str, Any] = {name: bindparam(name) for name in ("conversation", "seq", "kind", "data", "created_at")}

# PostgreSQL: a number that each writer draws for itself is no cursor, a smaller one may appear after a larger. The
# transaction's own id, with the event's place in it, is one: every smaller id belongs to a transaction that has ended
# as soon as the fence has passed. `last_value` is where the count began (above all that was brought along).
_BASE = "(SELECT last_value FROM events_id_seq)"
_PLACES = 1024  # events in one transaction, at most
_ID: ColumnElement[int] = literal_column(f"{_BASE} + CAST(CAST(pg_current_xact_id() AS text) AS bigint) * {_PLACES}")
_NUMBERED = {**_EVENT, "id": _ID + bindparam("place")}
_ADD = Prepared(insert(events).values(_EVENT), postgresql=insert(events).values(_NUMBERED))
_ADD_TOLD = Prepared(
    insert(events).values(_EVENT).returning(events.c.id),
    postgresql=insert(events).values(_NUMBERED).returning(events.c.id),
)
FENCE = f"{_BASE} + CAST(CAST(pg_snapshot_xmin(pg_current_snapshot()) AS text) AS bigint) * {_PLACES}"
"""In PostgreSQL no event can appear below this any more."""
START_COUNT = """
    SELECT setval('events_id_seq', top) FROM (SELECT COALESCE(max(id), 0) AS top FROM events) AS found
    WHERE top >= (SELECT last_value FROM events_id_seq) + CAST(CAST(pg_current_xact_id() AS text) AS bigint) * 1024
"""
"""For a database filled from elsewhere, whose transactions count lower: the count begins above what is there."""

_DELIVER = Prepared(
    insert(deliveries).values(
        {
            **{
                name: bindparam(name)
                for name in (
                    "event",
                    "target",
                    "kind",
                    "due_at",
                    "handoff",
                    "conversation",
                    "step",
                    "cancel_on_claim",
                    "created_at",
                )
            },
            "attempt": literal_column("0"),
            "state": literal_column("'due'"),
            "last_error": literal_column("''"),
        }
    )
)

_FEED = select(events.c.id, events.c.conversation, events.c.seq, events.c.kind, events.c.data, events.c.created_at)
_AFTER = _FEED.where(events.c.id > bindparam("after")).order_by(events.c.id).limit(bindparam("most"))
FEED = Prepared(
    _AFTER,
    postgresql=_FEED.where(events.c.id > bindparam("after"), events.c.id < literal_column(FENCE))
    .order_by(events.c.id)
    .limit(bindparam("most")),
)
LAST = Prepared(select(func.coalesce(func.max(events.c.id), 0)))

_CANCEL = Prepared(
    update(deliveries)
    .where(
        deliveries.c.handoff == bindparam("h"), literal_column("cancel_on_claim = 1"), literal_column("state = 'due'")
    )
    .values(state=literal_column("'cancelled'"), ended_at=bindparam("at"))
)


@dataclass(slots=True)
class Happened:
    """What one unit of work tells the world. `tell` writes it all at the unit's end."""

    conversation: str
    at: int  # microseconds
    hooked: bool = True  # False: it is known that no webhook is active
    rows: list[tuple[str, int, str]] = field(default_factory=list)  # kind, seq, data

    def add(self, kind: str, at: int, /, **data: Any) -> None:
        self.rows.append((kind, at, rows.as_json({"conversation": self.conversation, **data})))

    def message(self, message: Message) -> None:
        """By hand, since every turn has some of them: the same JSON as `add` makes."""
        talk, seq, author, kind = rows.quoted(self.conversation), message.seq, message.author.value, message.kind.value
        data = f'{{"author":"{author}","conversation":{talk},"kind":"{kind}","message":{rows.quoted(message.id)},"seq":{seq}}}'
        self.rows.append(("message.created", seq, data))

    def tell(self, tx: Tx) -> None:
        """Inserts the events, and a delivery for each active webhook that asked for the kind."""
        tx.touched.add(self.conversation)
        if not self.rows:
            return
        same = {"conversation": self.conversation, "created_at": self.at}
        found = [
            {**same, "seq": seq, "kind": kind, "data": data, "place": place}
            for place, (kind, seq, data) in enumerate(self.rows, tx.told)
        ]
        tx.told += len(found)
        assert tx.told < _PLACES, "too many events in one transaction"
        hooks = [(id, frozenset(json.loads(wanted))) for id, wanted in tx.all(_ACTIVE, {})] if self.hooked else []
        if not hooks:
            tx.many(_ADD, found)
            return
        due = []
        for row in found:
            told = tx.one(_ADD_TOLD, row)
            assert told is not None
            for id, wanted in hooks:
                if not wanted or row["kind"] in wanted:
                    due.append(
                        _delivery(f"webhook:{id}", str(row["kind"]), self.at, self.at, self.conversation, event=told[0])
                    )
        if due:
            tx.many(_DELIVER, due)


def notify(tx: Tx, notices: Iterable[Notice], conversation: str, handoff: str, at: datetime) -> None:
    due = [
        _delivery(
            n.target, n.kind, rows.micros(n.due_at), rows.micros(at), conversation,
            handoff=handoff, step=n.step, cancel_on_claim=int(n.cancel_on_claim),
        )
        for n in notices
    ]  # fmt: skip
    if due:
        tx.many(_DELIVER, due)


def cancel(tx: Tx, handoff: str, at: datetime) -> None:
    """Notices that a claim makes needless."""
    tx.run(_CANCEL, {"h": handoff, "at": rows.micros(at)})


def feed(tx: Tx, after: int, limit: int) -> tuple[Event, ...]:
    return tuple(map(rows.event, tx.all(FEED, {"after": after, "most": limit})))


def last(tx: Tx) -> int:
    """The id of the last event."""
    row = tx.one(LAST, {})
    return int(row[0]) if row else 0


def _delivery(
    target: str, kind: str, due_at: int, at: int, conversation: str,
    *, event: int | None = None, handoff: str = "", step: int = 0, cancel_on_claim: int = 0,
) -> dict[str, Any]:  # fmt: skip
    return {
        "event": event,
        "target": target,
        "kind": kind,
        "due_at": due_at,
        "handoff": handoff,
        "conversation": conversation,
        "step": step,
        "cancel_on_claim": cancel_on_claim,
        "created_at": at,
    }
