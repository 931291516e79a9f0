"""One visitor message with all that follows from it, as one unit of work."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from sqlalchemy import bindparam, insert, select

from bot.model import Author, Draft, Handoff, Kind, Message, Recorded, Reused, Stale, Turn, Visit
from bot.referrals import KIND, midnight, referral
from bot.stores import rows
from bot.stores.prepared import Prepared, Tx
from bot.stores.schema import conversations as c
from bot.stores.schema import gaps
from bot.stores.schema import messages as m
from bot.stores.seal import Lock
from bot.stores.statements import audit, conversations, handoffs, staff
from bot.stores.statements.conversations import Head, Once
from bot.stores.statements.events import notify

_FIRST = Prepared(
    select(m.c.seq, m.c.text_mac).where(m.c.conversation == bindparam("id"), m.c.client_mac == bindparam("mac"))
)
_TURN = Prepared(
    select(m.c.seq, m.c.author, m.c.kind, m.c.created_at, m.c.body, m.c.name)
    .where(m.c.conversation == bindparam("id"), m.c.seq >= bindparam("seq"))
    .where((m.c.seq == bindparam("seq")) | (m.c.answers == bindparam("seq")))
    .order_by(m.c.seq)
)
_KEY_OF = Prepared(select(c.c.data_key, *conversations.NOUN).where(c.c.id == bindparam("id")))
_GAP = Prepared(
    insert(gaps).values({name: bindparam(name) for name in ("conversation", "asked_at", "language", "body")})
)


def record(tx: Tx, turn: Turn, new_id: Callable[[], str]) -> Recorded:
    if turn.opening is not None:
        handoffs.hold_open(tx, turn.conversation)
    head = conversations.held(tx, turn.conversation, turn.at)
    once = None
    if turn.client_id is not None and turn.text is not None:
        once = Once.of(head.lock, Author.VISITOR.value, turn.client_id, turn.text)
        again = repeated(tx, turn.conversation, head.lock, once)
        if again is not None:
            return Recorded(again[0], again[1:], head.conversation, handoffs.open_of(tx, turn.conversation, head.lock))
    if head.version != turn.version:
        raise Stale(turn.conversation)

    before = head.conversation
    message = None
    if turn.text is not None:
        message = head.say(Draft(Author.VISITOR, Kind.MESSAGE, turn.text), once=once)
    seq = message.seq if message else None
    drafts = turn.replies if before.owner_epoch == turn.owner_epoch else _without_bot(turn.replies)
    said = tuple(head.say(draft, answers=seq) for draft in (*drafts, *turn.system))

    urgency = max(before.urgency, turn.verdict.urgency, turn.verdict.level)
    for kind in turn.events:
        about = {"message": message.id} if message else {}
        head.happened.add(kind, seq or head.last_seq, **about, urgency=urgency, reason=turn.verdict.reason.value)
    handoff = handoffs.open_of(tx, turn.conversation, head.lock) if head.handed else None
    open_before = handoff
    if turn.opening is not None:
        handoff = _opened(tx, head, turn, handoff, new_id)
    if turn.gap is not None:
        _note_gap(tx, head, turn)
    _note_safety(tx, turn, said, before.country if turn.country is None else turn.country, seq, new_id)
    after = head.write(
        memory=turn.memory,
        urgency=urgency,
        owner=turn.owner,
        language=turn.language,
        country=turn.country,
        ended_at=None,
    )
    notify(tx, turn.notices, turn.conversation, handoff.id if handoff else "", turn.at)
    if handoff is not None and (open_before is None or handoff.urgency > open_before.urgency):
        action = "handoff.opened" if open_before is None else "handoff.escalated"
        detail = {"conversation": turn.conversation, "urgency": handoff.urgency, "reason": handoff.reason.value}
        audit.append(tx, "visitor", action, handoff.id, turn.at, detail)
    tx.left = Visit(after, rows.as_read(turn.memory), handoff, head.version, head.last_seq)
    return Recorded(message, said, after, handoff)


def answered(tx: Tx, conversation: str, client_id: str, text: str) -> Recorded | None:
    row = tx.one(_KEY_OF, {"id": conversation})
    if row is None or row[0] is None or row[10] is not None:
        return None
    lock = tx.lock(conversation, row[0])
    again = repeated(tx, conversation, lock, Once.of(lock, Author.VISITOR.value, client_id, text))
    if again is None:
        return None
    return Recorded(again[0], again[1:], rows.conversation(row[1:]), handoffs.open_of(tx, conversation, lock))


def repeated(tx: Tx, conversation: str, lock: Lock, once: Once) -> tuple[Message, ...] | None:
    """The visitor's message that came with this id before, and its replies. Raises Reused: with another text."""
    first = tx.one(_FIRST, {"id": conversation, "mac": once.client_mac})
    if first is None:
        return None
    if bytes(first[1]) != once.text_mac:
        raise Reused(once.client_id)
    return tuple(rows.message(row, lock, conversation) for row in tx.all(_TURN, {"id": conversation, "seq": first[0]}))


def _without_bot(drafts: tuple[Draft, ...]) -> tuple[Draft, ...]:
    """A bot never speaks after a human has joined."""
    return tuple(draft for draft in drafts if draft.author is not Author.BOT)


def _opened(tx: Tx, head: Head, turn: Turn, old: Handoff | None, new_id: Callable[[], str]) -> Handoff:
    assert turn.opening is not None
    id = turn.conversation
    if old is None:
        conversation = head.conversation
        handoff = handoffs.put(
            tx, new_id(), id, turn.opening, turn.at, head.lock,
            turn.language or conversation.language, conversation.country if turn.country is None else turn.country,
        )  # fmt: skip
        kind = "handoff.opened"
    else:
        handoff = handoffs.raised(tx, old, turn.opening, turn.at, head.lock)
        if handoff.urgency <= old.urgency:
            return handoff
        kind = "handoff.escalated"
    head.happened.add(
        kind,
        head.last_seq,
        handoff=handoff.id,
        state=handoff.state.value,
        urgency=handoff.urgency,
        reason=handoff.reason.value,
    )
    return handoff


def _note_safety(
    tx: Tx, turn: Turn, said: tuple[Message, ...], country: str, seq: int | None, new_id: Callable[[], str]
) -> None:
    """A line that was shown is counted, by its day; what a pack in shadow would have said is kept, by ids alone."""
    shown = referral(turn.verdict, said, country, turn.at)
    if shown is not None:
        staff.keep(tx, KIND, f"{shown['day']} {new_id()}", shown, midnight(turn.at))
    if turn.shadow is not None:
        staff.keep(tx, "shadow", f"{turn.conversation} {seq}", shadowed(turn, seq), turn.at)


def shadowed(turn: Turn, seq: int | None) -> dict[str, Any]:
    """What was said to be, what the pack in shadow would have said, and its rules; no words."""
    assert turn.shadow is not None
    now, then = turn.verdict, turn.shadow
    return {
        "conversation": turn.conversation,
        "seq": seq,
        "at": turn.at.isoformat(timespec="seconds"),
        "urgency": int(now.urgency),
        "reason": now.reason.value,
        "would": {"urgency": int(then.urgency), "reason": then.reason.value},
        "rules": sorted({f.rule for f in then.fired} - {f.rule for f in now.fired}),
        "without": sorted({f.rule for f in now.fired} - {f.rule for f in then.fired}),
    }


def _note_gap(tx: Tx, head: Head, turn: Turn) -> None:
    assert turn.gap is not None
    tx.run(
        _GAP,
        {
            "conversation": turn.conversation,
            "asked_at": rows.micros(turn.at),
            "language": turn.gap.language,
            "body": head.lock.seal(rows.packed(turn.gap), "gap"),
        },
    )
