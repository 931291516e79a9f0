"""Everything sealed, opened once: the proof that a copy is whole and that the key is the right one."""

from __future__ import annotations

from collections.abc import Iterator

from sqlalchemy import bindparam, select

from bot.stores.prepared import Prepared, Tx
from bot.stores.schema import bookings, conversations, gaps, handoffs, messages, notes, records, users, webhooks

_PAGE = 500

_TALKS = Prepared(
    select(conversations.c.id, conversations.c.data_key, conversations.c.memory)
    .where(conversations.c.id > bindparam("after"), conversations.c.data_key.is_not(None))
    .order_by(conversations.c.id)
    .limit(_PAGE)
)
_SEALED = {
    "message {}": Prepared(select(messages.c.seq, messages.c.body).where(messages.c.conversation == bindparam("id"))),
    "card {}": Prepared(select(handoffs.c.id, handoffs.c.card).where(handoffs.c.conversation == bindparam("id"))),
    "booking {}": Prepared(
        select(bookings.c.handoff, bookings.c.draft).where(bookings.c.conversation == bindparam("id"))
    ),
    "note {}": Prepared(select(notes.c.id, notes.c.body).where(notes.c.conversation == bindparam("id"))),
    "gap": Prepared(select(gaps.c.id, gaps.c.body).where(gaps.c.conversation == bindparam("id"))),
}
_OWN = {
    "webhook {}": Prepared(select(webhooks.c.id, webhooks.c.secret)),
    "totp {}": Prepared(select(users.c.id, users.c.totp_secret)),
}
_RECORDS = Prepared(select(records.c.kind, records.c.id, records.c.value))


def opened(tx: Tx) -> int:
    """How many bodies were opened. Raises StoreFault at the first that does not open."""
    number = 0
    for id, wrapped, memory in _talks(tx):
        lock = tx.lock(id, wrapped)
        if memory is not None:
            lock.open(memory, "memory")
            number += 1
        for about, statement in _SEALED.items():
            for which, body in tx.all(statement, {"id": id}):
                if body is not None:
                    lock.open(body, about.format(which))
                    number += 1
    for about, statement in _OWN.items():
        for which, body in tx.all(statement, {}):
            if body is not None:
                tx.safe.own.open(body, about.format(which))
                number += 1
    for kind, which, body in tx.all(_RECORDS, {}):
        tx.safe.own.open(body, f"record {kind} {which}")
        number += 1
    return number


def _talks(tx: Tx) -> Iterator[tuple[str, bytes, bytes | None]]:
    after = ""
    while page := tx.all(_TALKS, {"after": after}):
        yield from page
        after = page[-1][0]
