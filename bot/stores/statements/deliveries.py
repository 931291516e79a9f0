"""The outbox: what is due, given to one sender at a time; and the webhooks it goes to."""

from __future__ import annotations

import json
from collections.abc import Collection
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import bindparam, delete, insert, select, text, update

from bot.model import Delivery, Webhook
from bot.stores import rows
from bot.stores.prepared import Prepared, Row, Tx
from bot.stores.schema import deliveries as d
from bot.stores.schema import events as e
from bot.stores.schema import webhooks as w

LEASE = timedelta(minutes=2)  # a sender that says nothing for so long has died: its deliveries are due again

_WHOLE = select(
    d.c.id, d.c.target, d.c.kind, d.c.attempt, d.c.due_at, d.c.state, d.c.handoff, d.c.conversation, d.c.last_error,
    d.c.step,
    e.c.id, e.c.conversation, e.c.seq, e.c.kind, e.c.data, e.c.created_at,
).select_from(d.outerjoin(e, e.c.id == d.c.event))  # fmt: skip

# In one conversation a webhook gets events in order: a later one waits until the earlier one is sent or dead.
# Notices (without an event) have their own times. `busy` is a JSON list of targets that have enough in hand.
_FOUND = """
    SELECT id FROM deliveries AS d
    WHERE d.state = 'due' AND d.due_at <= :now AND {not_busy}
        AND (d.event IS NULL OR NOT EXISTS (
            SELECT 1 FROM deliveries AS before
            WHERE before.target = d.target AND before.conversation = d.conversation AND before.id < d.id
                AND before.event IS NOT NULL AND before.state IN ('due', 'sending')))
    ORDER BY d.due_at, d.id LIMIT :most
"""
_TAKE = "UPDATE deliveries SET state = 'sending', lease_until = :lease, attempt = attempt + 1"
_NOT_BUSY = {
    "sqlite": "d.target NOT IN (SELECT value FROM json_each(:busy))",
    "postgresql": "d.target NOT IN (SELECT json_array_elements_text(CAST(:busy AS json)))",
}
_DUE = Prepared(
    text(f"{_TAKE} WHERE id IN ({_FOUND.format(not_busy=_NOT_BUSY['sqlite'])}) RETURNING id"),
    postgresql=text(  # materialized: else the planner may look for rows, and lock them, once more for each one found
        f"WITH found AS MATERIALIZED ({_FOUND.format(not_busy=_NOT_BUSY['postgresql'])} FOR UPDATE SKIP LOCKED)"  # noqa: S608
        f" {_TAKE} WHERE id IN (SELECT id FROM found) RETURNING id"
    ),
)
_LOST = Prepared(
    text(
        "UPDATE deliveries SET state = 'due', lease_until = NULL WHERE state = 'sending' AND lease_until <= :now"
        " RETURNING id"
    )
)
_ONE = Prepared(_WHOLE.where(d.c.id == bindparam("id")))
_SENT = Prepared(
    text(
        "UPDATE deliveries SET state = 'sent', ended_at = :at, lease_until = NULL WHERE id = :id AND state = 'sending'"
    )
)
_AGAIN = Prepared(
    text(
        "UPDATE deliveries SET state = 'due', due_at = :due, last_error = :error, lease_until = NULL"
        " WHERE id = :id AND state = 'sending'"
    )
)
_DEAD = Prepared(
    text(
        "UPDATE deliveries SET state = 'dead', ended_at = :at, last_error = :error, lease_until = NULL"
        " WHERE id = :id AND state = 'sending'"
    )
)
_LISTED = Prepared(_WHOLE.where(d.c.target == bindparam("target")).order_by(d.c.id.desc()).limit(bindparam("most")))
_LISTED_IN = Prepared(
    _WHOLE.where(d.c.target == bindparam("target"), d.c.state == bindparam("state"))
    .order_by(d.c.id.desc())
    .limit(bindparam("most"))
)
_LISTED_ALL = Prepared(_WHOLE.where(d.c.state == bindparam("state")).order_by(d.c.id.desc()).limit(bindparam("most")))
_REPLAY = Prepared(
    text(
        "UPDATE deliveries SET state = 'due', due_at = :at, attempt = 0, last_error = '', ended_at = NULL"
        " WHERE target = :target AND ((:ranged = 0 AND state = 'dead')"
        " OR (:ranged = 1 AND event >= :first AND event <= :last AND state IN ('dead', 'sent')))"
        " RETURNING id"
    )
)
_NEXT = Prepared(  # what a sender has in hand is looked at again when its lease runs out
    text(
        "SELECT min(at) FROM (SELECT min(due_at) AS at FROM deliveries WHERE state = 'due'"
        " UNION ALL SELECT min(lease_until) FROM deliveries WHERE state = 'sending') AS times"
    )
)
# The clock was set back: what was made "later" than now is due as long after now as it was to wait when it was made.
_RETIMED = Prepared(
    text(
        "UPDATE deliveries SET due_at = :now + CASE WHEN attempt = 0 THEN due_at - created_at ELSE 0 END, created_at = :now"
        " WHERE state = 'due' AND created_at > :now RETURNING id"
    )
)
_RELEASED = Prepared(
    text("UPDATE deliveries SET lease_until = :latest WHERE state = 'sending' AND lease_until > :latest RETURNING id")
)
_LET_GO = Prepared(text("UPDATE deliveries SET state = 'due', lease_until = NULL WHERE state = 'sending' RETURNING id"))
_CANCEL_TARGET = Prepared(
    text(
        "UPDATE deliveries SET state = 'cancelled', ended_at = :at"
        " WHERE target = :target AND state IN ('due', 'sending')"
    )
)

_HOOK = (w.c.id, w.c.url, w.c.events, w.c.secret, w.c.created_at, w.c.owner, w.c.disabled_at, w.c.previous_secret)
_ADD = Prepared(insert(w).values({column.name: bindparam(column.name) for column in _HOOK}))
_HOOKS = Prepared(select(*_HOOK).order_by(w.c.created_at, w.c.id))
_HOOK_ONE = Prepared(select(*_HOOK).where(w.c.id == bindparam("id")))
_CHANGE = Prepared(
    update(w)
    .where(w.c.id == bindparam("key"))
    .values({name: bindparam(name) for name in ("url", "events", "secret", "previous_secret", "disabled_at")})
)
_REMOVE = Prepared(delete(w).where(w.c.id == bindparam("id")).returning(w.c.id))


def due(tx: Tx, now: datetime, limit: int, busy: Collection[str]) -> tuple[Delivery, ...]:
    at = rows.micros(now)
    tx.all(_LOST, {"now": at})
    lease = rows.micros(now + LEASE)
    claimed = tx.all(_DUE, {"now": at, "lease": lease, "most": limit, "busy": rows.as_json(sorted(busy))})
    found = (tx.one(_ONE, {"id": id}) for (id,) in sorted(claimed))
    return tuple(rows.delivery(row) for row in found if row is not None)


def let_go(tx: Tx) -> int:
    """What a process that is gone had in hand is due again at once: for a store that one process has to itself."""
    return len(tx.all(_LET_GO, {}))


def retime(tx: Tx, now: datetime) -> int:
    at = rows.micros(now)
    tx.all(_RELEASED, {"latest": rows.micros(now + LEASE)})
    return len(tx.all(_RETIMED, {"now": at}))


def sent(tx: Tx, id: int, at: datetime) -> None:
    tx.run(_SENT, {"id": id, "at": rows.micros(at)})


def failed(tx: Tx, id: int, error: str, retry_at: datetime | None, at: datetime) -> None:
    if retry_at is None:
        tx.run(_DEAD, {"id": id, "error": error[:500], "at": rows.micros(at)})
    else:
        tx.run(_AGAIN, {"id": id, "error": error[:500], "due": rows.micros(retry_at)})


def next_due(tx: Tx) -> datetime | None:
    found = tx.one(_NEXT, {})
    return None if found is None else rows.maybe_moment(found[0])


def listed(tx: Tx, target: str, state: str | None, limit: int) -> tuple[Delivery, ...]:
    """Latest first. An empty target means all."""
    values: dict[str, Any] = {"most": limit}
    if target:
        values["target"] = target
    if state is not None:
        values["state"] = state
    if not target:
        return tuple(map(rows.delivery, tx.all(_LISTED_ALL, {**values, "state": state or "dead"})))
    return tuple(map(rows.delivery, tx.all(_LISTED if state is None else _LISTED_IN, values)))


def replay(tx: Tx, target: str, first: int | None, last: int | None, at: datetime) -> int:
    """All dead ones; with a range of events given, what was sent of it too."""
    ranged = first is not None or last is not None
    values = {
        "target": target,
        "first": first or 0,
        "last": 2**62 if last is None else last,
        "ranged": int(ranged),
        "at": rows.micros(at),
    }
    tx.touched.add("")
    return len(tx.all(_REPLAY, values))


def add_webhook(tx: Tx, hook: Webhook) -> None:
    tx.run(
        _ADD, {**_hook_values(tx, hook), "id": hook.id, "created_at": rows.micros(hook.created_at), "owner": hook.owner}
    )


def webhooks(tx: Tx, owner: str | None) -> tuple[Webhook, ...]:
    return tuple(hook for hook in (_hook(tx, row) for row in tx.all(_HOOKS, {})) if owner in (None, hook.owner))


def webhook(tx: Tx, id: str) -> Webhook | None:
    row = tx.one(_HOOK_ONE, {"id": id})
    return None if row is None else _hook(tx, row)


def change_webhook(tx: Tx, id: str, change: Any) -> Webhook | None:
    """`change` makes the new webhook of the old one."""
    old = webhook(tx, id)
    if old is None:
        return None
    new: Webhook = change(old)
    tx.run(_CHANGE, {**_hook_values(tx, new), "key": id})
    return new


def remove_webhook(tx: Tx, id: str, at: datetime) -> bool:
    """What was still to be sent to it is cancelled."""
    if tx.one(_REMOVE, {"id": id}) is None:
        return False
    tx.run(_CANCEL_TARGET, {"target": f"webhook:{id}", "at": rows.micros(at)})
    return True


def _hook_values(tx: Tx, hook: Webhook) -> dict[str, Any]:
    old = hook.previous_secret
    return {
        "url": hook.url,
        "events": json.dumps(list(hook.events)),
        "secret": tx.safe.own.seal(hook.secret.encode(), f"webhook {hook.id}"),
        "previous_secret": tx.safe.own.seal(old.encode(), f"webhook {hook.id} previous") if old else None,
        "disabled_at": rows.maybe_micros(hook.disabled_at),
    }


def _hook(tx: Tx, row: Row) -> Webhook:
    id, url, events, secret, created, owner, disabled, previous = row
    own = tx.safe.own
    return Webhook(
        id=id,
        url=url,
        events=tuple(json.loads(events)),
        secret=own.open(secret, f"webhook {id}").decode(),
        created_at=rows.moment(created),
        owner=owner,
        disabled_at=rows.maybe_moment(disabled),
        previous_secret=own.open(previous, f"webhook {id} previous").decode() if previous else "",
    )
