"""A handoff from hand to hand: each step one conditional UPDATE, with all that goes with it in the same transaction."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from typing import Any

from sqlalchemy import bindparam, insert, literal_column, select, text

from bot.model import (
    Author,
    BookingDraft,
    Draft,
    Handoff,
    HandoffState,
    Held,
    Holder,
    Message,
    Move,
    Note,
    NotThere,
    Reason,
    Reused,
    RiskOpen,
)
from bot.stores import rows
from bot.stores.prepared import Prepared, Tx
from bot.stores.schema import handoffs as h
from bot.stores.schema import messages as m
from bot.stores.schema import notes as n
from bot.stores.statements import audit, conversations, erase, events, handoffs
from bot.stores.statements.conversations import Head, Once

_OPEN_RISK = 2

_STEP = Prepared(
    text(
        """
        UPDATE handoffs SET
            state = CASE WHEN :moved = 1 THEN :state ELSE state END,
            holder = CASE WHEN :handed = 1 THEN :holder ELSE holder END,
            holder_name = CASE WHEN :handed = 1 THEN :holder_name ELSE holder_name END,
            lease_until = CASE WHEN :leased = 1 THEN :lease_until ELSE lease_until END,
            version = version + :counted,
            urgency = CASE WHEN :judged = 1 THEN :urgency ELSE urgency END,
            acknowledged_at = CASE WHEN :seen = 1 THEN COALESCE(acknowledged_at, :at) ELSE acknowledged_at END,
            claimed_at = CASE WHEN :claimed = 1 THEN COALESCE(claimed_at, :at) ELSE claimed_at END,
            closed_at = CASE WHEN :closed = 1 THEN :at ELSE closed_at END,
            outcome = CASE WHEN :closed = 1 THEN :outcome ELSE outcome END
        WHERE id = :key
            AND ((:if_waiting = 1 AND state = 'waiting') OR (:if_claimed = 1 AND state = 'claimed')
                OR (:if_closed = 1 AND state = 'closed'))
            AND (:must_hold = 0 OR holder = :by)
            AND (:versioned = 0 OR version = :version)
            AND (:lapsing = 0 OR lease_until <= :at)
            AND (:no_risk = 0 OR (SELECT urgency FROM conversations WHERE id = handoffs.conversation) < 2)
        RETURNING conversation
        """
    ),
    touching=True,
)
_NOW = select(h.c.state, h.c.holder, h.c.holder_name, h.c.version, h.c.conversation).where(h.c.id == bindparam("id"))
_STANDS = Prepared(_NOW)
_STANDS_HELD = Prepared(_NOW, postgresql=_NOW.with_for_update())

_LINE = (
    select(h.c.id, h.c.urgency)
    .where(literal_column("state = 'waiting'"), text("(:bookings = 0 OR (booking = 1 AND urgency < 2))"))
    .order_by(h.c.urgency.desc(), h.c.opened_at, h.c.id)
    .limit(1)
)
_MARK, _BACK = Prepared(text("SAVEPOINT line")), Prepared(text("ROLLBACK TO SAVEPOINT line"))
_FIRST = Prepared(_LINE)
_FREE = Prepared(_LINE, postgresql=_LINE.with_for_update(skip_locked=True))
_WAITING = select(h.c.id, h.c.urgency).where(h.c.id == bindparam("id"), literal_column("state = 'waiting'"))
_WAIT_FOR = Prepared(_WAITING, postgresql=_WAITING.with_for_update())

_NOTE = Prepared(
    insert(n).values(
        {name: bindparam(name) for name in ("id", "handoff", "conversation", "author", "body", "created_at")}
    )
)
_NOTES = Prepared(
    select(n.c.id, n.c.handoff, n.c.author, n.c.body, n.c.created_at, n.c.conversation)
    .where(n.c.handoff == bindparam("handoff"))
    .order_by(n.c.created_at, n.c.id)
)
_SAID = Prepared(
    select(m.c.seq, m.c.author, m.c.kind, m.c.created_at, m.c.body, m.c.name, m.c.text_mac).where(
        m.c.conversation == bindparam("id"), m.c.client_mac == bindparam("mac")
    )
)


def move(tx: Tx, step: Move, new_id: Callable[[], str]) -> Handoff:
    moved = tx.one(_STEP, _values(step))
    if moved is None:
        raise _why_not(tx, step)
    head = conversations.held(tx, moved[0], step.at, erased=True)
    if step.refuse_with_open_risk and head.conversation.urgency >= _OPEN_RISK:
        raise RiskOpen(step.handoff)
    if step.note:
        _put_note(tx, head, new_id(), step.handoff, step.by, step.note, step.at)
    for draft in step.say:
        head.say(draft, name=step.by.name if draft.author is Author.CLINICIAN else None)
    if step.booking is not None:
        handoffs.book(tx, step.handoff, head.conversation.id, step.booking, step.at, head.lock)
    after = handoffs.one(tx, step.handoff)
    assert after is not None
    if step.event:
        head.happened.add(
            step.event, head.last_seq, handoff=after.id, state=after.state.value, urgency=after.urgency,
            reason=after.reason.value, holder=after.holder, outcome=after.outcome and after.outcome.value,
        )  # fmt: skip
    changes: dict[str, Any] = {"owner": step.owner}
    memory = None
    if step.urgency is not None:
        changes["urgency"] = step.urgency
        old = head.memory
        reason = old.safety.reason if step.urgency else Reason.NONE
        memory = replace(old, safety=replace(old.safety, level=step.urgency, reason=reason))
    if after.booking and after.state is HandoffState.CLOSED:  # the next request starts anew
        memory = replace(memory or head.memory, booking=BookingDraft())
    elif step.booking is not None:  # the bot goes on from the request as staff left it
        memory = replace(memory or head.memory, booking=step.booking)
    erased = head.conversation.erased_at is not None and after.state is HandoffState.CLOSED
    head.write(memory=memory, **changes)
    if _seen(step) or step.state is HandoffState.CLOSED:  # the ladder stops
        events.cancel(tx, step.handoff, step.at)
    events.notify(tx, step.notices, head.conversation.id, step.handoff, step.at)
    if erased:
        erase.complete(tx, head.conversation.id, head.wrapped, step.at)
        after = replace(after, card=type(after.card)())
    detail: dict[str, Any] = {"state": after.state.value, "version": after.version, "holder": after.holder}
    if step.urgency is not None:
        detail["urgency"] = step.urgency
    if step.outcome is not None:
        detail["outcome"] = step.outcome.value
    audit.append(tx, step.by.id, f"handoff.{step.action}", step.handoff, step.at, detail)
    return after


def claim_next(
    tx: Tx, step_for: Callable[[Handoff], Move], new_id: Callable[[], str], bookings_only: bool
) -> Handoff | None:
    """The first in line. What another claimer holds is skipped; what a turn is just raising is waited for."""
    wanted = {"bookings": int(bookings_only)}
    tx.run(_MARK, {})
    while True:
        free = tx.one(_FREE, wanted)
        first = tx.one(_FIRST, wanted)
        if first is None:
            return None
        if free is None or free[1] < first[1]:
            tx.run(_BACK, {})  # nothing is held while waiting: two that wait for each other would both lose
            free = tx.one(_WAIT_FOR, {"id": first[0]})
            if free is None:
                tx.run(_BACK, {})
                continue
        found = handoffs.one(tx, free[0])
        assert found is not None
        return move(tx, step_for(found), new_id)


def say(
    tx: Tx, handoff: str, by: Holder, draft: Draft, at: datetime, client_id: str | None, version: int | None
) -> tuple[Message, bool]:
    conversation = _held_by(tx, handoff, by, version)
    head = conversations.held(tx, conversation, at, erased=True)
    once = None if client_id is None else Once.of(head.lock, by.id, client_id, draft.text)
    if once is not None:
        first = tx.one(_SAID, {"id": conversation, "mac": once.client_mac})
        if first is not None:
            if bytes(first[6]) != once.text_mac:
                raise Reused(once.client_id)
            return rows.message(first[:6], head.lock, conversation), True
    said = head.say(draft, name=by.name, once=once)
    head.write()
    return said, False


def note(tx: Tx, id: str, handoff: str, by: Holder, content: str, at: datetime) -> Note:
    conversation = _held_by(tx, handoff, by, None, also_closed=True)
    head = conversations.held(tx, conversation, at, erased=True)
    made = _put_note(tx, head, id, handoff, by, content, at)
    audit.append(tx, by.id, "note.added", handoff, at)
    return made


def notes(tx: Tx, handoff: str) -> tuple[Note, ...]:
    found = []
    for id, of, author, body, created, conversation in tx.all(_NOTES, {"handoff": handoff}):
        lock = conversations.lock_of(tx, conversation)
        if lock is not None:
            found.append(Note(id, of, author, lock.open(body, f"note {id}").decode(), rows.moment(created)))
    return tuple(found)


def _put_note(tx: Tx, head: Head, id: str, handoff: str, by: Holder, content: str, at: datetime) -> Note:
    tx.run(
        _NOTE,
        {
            "id": id,
            "handoff": handoff,
            "conversation": head.conversation.id,
            "author": by.name,
            "body": head.lock.seal(content.encode(), f"note {id}"),
            "created_at": rows.micros(at),
        },
    )
    return Note(id, handoff, by.name, content, at)


def _held_by(tx: Tx, handoff: str, by: Holder, version: int | None, also_closed: bool = False) -> str:
    """The handoff's conversation, when the caller holds it under that version. Raises NotThere, Held."""
    row = tx.one(_STANDS_HELD, {"id": handoff})
    if row is None:
        raise NotThere(handoff)
    state, holder, name, now, conversation = row
    fits = state == "claimed" or (also_closed and state == "closed")
    if not fits or holder != by.id or version not in (None, now):
        raise Held(name, state)
    return str(conversation)


def _values(step: Move) -> dict[str, Any]:
    handed = step.holder is not None or step.state is HandoffState.WAITING
    leased = step.lease_until is not None or step.state in (HandoffState.WAITING, HandoffState.CLOSED)
    return {
        "key": step.handoff,
        "at": rows.micros(step.at),
        "by": step.by.id,
        "moved": int(step.state is not None),
        "state": step.state.value if step.state else "",
        "handed": int(handed),
        "holder": step.holder.id if step.holder else "",
        "holder_name": step.holder.name if step.holder else "",
        "leased": int(leased),
        "lease_until": rows.maybe_micros(step.lease_until),
        "counted": int(step.state is not None),  # whoever acted under the version before it is stale
        "judged": int(step.urgency is not None),
        "urgency": step.urgency or 0,
        "seen": int(_seen(step)),
        "claimed": int(step.state is HandoffState.CLAIMED),
        "closed": int(step.state is HandoffState.CLOSED),
        "outcome": step.outcome.value if step.outcome else None,
        "if_waiting": int(HandoffState.WAITING in step.expects),
        "if_claimed": int(HandoffState.CLAIMED in step.expects),
        "if_closed": int(HandoffState.CLOSED in step.expects),
        "must_hold": int(step.must_hold),
        "versioned": int(step.version is not None),
        "version": step.version or 0,
        "lapsing": int(step.action == "lapse"),
        "no_risk": int(step.refuse_with_open_risk),
    }


def _seen(step: Move) -> bool:
    return step.state is HandoffState.CLAIMED or step.action == "acknowledge"


def _why_not(tx: Tx, step: Move) -> Exception:
    row = tx.one(_STANDS, {"id": step.handoff})
    if row is None:
        return NotThere(step.handoff)
    state, holder, name, version, _ = row
    fits = HandoffState(state) in step.expects and (not step.must_hold or holder == step.by.id)
    if fits and step.refuse_with_open_risk and step.version in (None, version):
        return RiskOpen(step.handoff)
    return Held(name, state)
