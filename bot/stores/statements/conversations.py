"""A conversation opened, found, read, chosen for, ended: units of work of the visitor's side."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import bindparam, func, insert, literal_column, select, update

from bot.model import Conversation, Draft, Memory, Message, NotThere, Owner, Visit
from bot.stores import rows
from bot.stores.prepared import Prepared, Row, Tx
from bot.stores.schema import conversations as c
from bot.stores.schema import handoffs as h
from bot.stores.schema import messages as m
from bot.stores.schema import webhooks as w
from bot.stores.seal import Lock
from bot.stores.statements import handoffs
from bot.stores.statements.events import Happened

NOUN = (
    c.c.id, c.c.language, c.c.country, c.c.channel, c.c.owner, c.c.owner_epoch, c.c.urgency, c.c.created_at,
    c.c.ended_at, c.c.erased_at,
)  # fmt: skip
_HEAD = select(*NOUN, c.c.version, c.c.last_seq, c.c.data_key, c.c.memory).where(c.c.id == bindparam("id"))
_LOOK = _HEAD.add_columns(  # what most turns need not look at any closer
    select(func.count())
    .where(h.c.conversation == c.c.id, literal_column("handoffs.state <> 'closed'"))
    .scalar_subquery(),
    select(func.count()).where(w.c.disabled_at.is_(None)).scalar_subquery(),
)
_READ = Prepared(_HEAD)
_HELD = Prepared(_LOOK, postgresql=_LOOK.with_for_update(of=c))

_OPEN = Prepared(
    insert(c).values(
        {
            name: bindparam(name)
            for name in (
                "id", "language", "country", "channel", "owner", "owner_epoch", "urgency", "created_at", "version",
                "last_seq", "active_at", "data_key", "memory", "token_digest", "token_expires_at",
            )
        }
    ),
    touching=True,
)  # fmt: skip
_BY_TOKEN = Prepared(
    select(*_HEAD.selected_columns, c.c.token_expires_at).where(
        c.c.token_digest == bindparam("digest"), c.c.token_expires_at > bindparam("now"), c.c.erased_at.is_(None)
    )
)
_WRITE = Prepared(
    update(c)
    .where(c.c.id == bindparam("key"))
    .values(
        {
            name: bindparam(name)
            for name in (
                "language",
                "country",
                "owner",
                "owner_epoch",
                "urgency",
                "ended_at",
                "version",
                "last_seq",
                "active_at",
                "memory",
            )
        }
    ),
    touching=True,
)

_SAY = Prepared(
    insert(m).values(
        {
            name: bindparam(name)
            for name in (
                "conversation", "seq", "author", "kind", "created_at", "body", "name", "answers", "client_mac",
                "text_mac",
            )
        }
    )
)  # fmt: skip
_MESSAGE = (m.c.seq, m.c.author, m.c.kind, m.c.created_at, m.c.body, m.c.name)
_AFTER = Prepared(
    select(*_MESSAGE)
    .where(m.c.conversation == bindparam("id"), m.c.seq > bindparam("after"))
    .order_by(m.c.seq)
    .limit(bindparam("most"))
)
_KEY_OF = Prepared(select(c.c.data_key).where(c.c.id == bindparam("id")))
_SINCE = Prepared(
    select(literal_column("1"))
    .select_from(m)
    .where(m.c.conversation == bindparam("id"), m.c.seq > bindparam("after"), literal_column("author <> 'system'"))
    .limit(1)
)


class Once(NamedTuple):
    """A client id, and what it and its text are compared by later: neither is kept in the clear."""

    client_id: str
    client_mac: bytes
    text_mac: bytes

    @classmethod
    def of(cls, lock: Lock, author: str, client_id: str, text: str) -> Once:
        return cls(client_id, lock.digest("client", author, client_id), lock.digest("text", text))


class Head:
    """A conversation's row, held for writing: what changes in it is gathered here and written once, at the end."""

    __slots__ = (
        "at", "conversation", "handed", "happened", "last_seq", "lock", "sealed", "spoken", "tx", "version", "wrapped",
    )  # fmt: skip

    def __init__(self, tx: Tx, row: Row, at: datetime) -> None:
        self.tx, self.at = tx, at
        self.conversation = rows.conversation(row[:10])
        self.version, self.last_seq, self.wrapped, self.sealed, handed, hooks = row[10:16]
        if self.wrapped is None:
            raise NotThere(self.conversation.id)
        self.lock: Lock = tx.lock(self.conversation.id, self.wrapped)
        self.handed = bool(handed)  # a handoff is open
        self.happened = Happened(self.conversation.id, rows.micros(at), hooked=bool(hooks))
        self.spoken: list[dict[str, Any]] = []

    @property
    def memory(self) -> Memory:
        return rows.memory(self.sealed, self.lock)

    def say(
        self, draft: Draft, name: str | None = None, answers: int | None = None, once: Once | None = None
    ) -> Message:
        """The draft as the conversation's next message."""
        self.last_seq += 1
        seq, id = self.last_seq, self.conversation.id
        self.spoken.append(
            {
                "conversation": id,
                "seq": seq,
                "author": draft.author.value,
                "kind": draft.kind.value,
                "created_at": self.happened.at,
                "body": rows.sealed_body(self.lock, seq, draft, once and once.client_id),
                "name": name,
                "answers": answers,
                "client_mac": once and once.client_mac,
                "text_mac": once and once.text_mac,
            }
        )
        said = Message(
            rows.message_id(id, seq), id, seq, draft.author, draft.kind, draft.text, self.at,
            draft.citations, draft.actions, once and once.client_id, name,
        )  # fmt: skip
        self.happened.message(said)
        return said

    def write(self, memory: Memory | None = None, **changes: Any) -> Conversation:
        """Messages, the row's changes (version +1; owner_epoch +1 when the owner changes) and events, all at once."""
        before = self.conversation
        owner: Owner = changes.get("owner") or before.owner
        changed = Conversation(
            id=before.id,
            language=changes.get("language") or before.language,
            country=before.country if changes.get("country") is None else changes["country"],
            channel=before.channel,
            owner=owner,
            owner_epoch=before.owner_epoch + (owner != before.owner),
            urgency=changes.get("urgency", before.urgency),
            created_at=before.created_at,
            ended_at=changes.get("ended_at", before.ended_at),
            erased_at=before.erased_at,
        )
        self.version += 1
        if self.spoken:
            self.tx.many(_SAY, self.spoken)
        self.tx.run(
            _WRITE,
            {
                "key": before.id,
                "language": changed.language,
                "country": changed.country,
                "owner": changed.owner.value,
                "owner_epoch": changed.owner_epoch,
                "urgency": changed.urgency,
                "ended_at": rows.maybe_micros(changed.ended_at),
                "version": self.version,
                "last_seq": self.last_seq,
                "active_at": self.happened.at,
                "memory": self.sealed if memory is None else rows.sealed_memory(self.lock, memory),
            },
        )
        self.happened.tell(self.tx)
        return changed


def held(tx: Tx, id: str, at: datetime, erased: bool = False) -> Head:
    """The conversation, locked for writing. Raises NotThere; an erased one too, unless `erased`."""
    row = tx.one(_HELD, {"id": id})
    if row is None or (row[9] is not None and not erased):
        raise NotThere(id)
    return Head(tx, row, at)


def open(
    tx: Tx, new: Conversation, token_digest: bytes, expires_at: datetime, first: Sequence[Draft], memory: Memory
) -> tuple[Message, ...]:
    wrapped, lock = tx.safe.new_key(new.id)
    tx.run(
        _OPEN,
        {
            "id": new.id,
            "language": new.language,
            "country": new.country,
            "channel": new.channel,
            "owner": new.owner.value,
            "owner_epoch": new.owner_epoch,
            "urgency": new.urgency,
            "created_at": rows.micros(new.created_at),
            "version": 0,
            "last_seq": 0,
            "active_at": rows.micros(new.created_at),
            "data_key": wrapped,
            "memory": rows.sealed_memory(lock, memory),
            "token_digest": token_digest,
            "token_expires_at": rows.micros(expires_at),
        },
    )
    head = held(tx, new.id, new.created_at)
    head.happened.add("conversation.started", 0, language=new.language, country=new.country, channel=new.channel)
    said = tuple(head.say(draft) for draft in first)
    head.write()
    return said


def of_token(tx: Tx, digest: bytes, now: datetime) -> tuple[Visit, datetime] | None:
    """The visit, and until when the token opens it."""
    row = tx.one(_BY_TOKEN, {"digest": digest, "now": rows.micros(now)})
    found = _visit(tx, row)
    return None if row is None or found is None else (found, rows.moment(row[14]))


def visit(tx: Tx, id: str) -> Visit | None:
    """Also once the visitor's side is erased (`erased_at` says so), as long as a clinician's side is kept."""
    return _visit(tx, tx.one(_READ, {"id": id}))


def _visit(tx: Tx, row: Row | None) -> Visit | None:
    if row is None or row[12] is None:
        return None
    id = row[0]
    lock = tx.lock(id, row[12])
    return Visit(
        rows.conversation(row[:10]), rows.memory(row[13], lock), handoffs.open_of(tx, id, lock), row[10], row[11]
    )


def messages(tx: Tx, id: str, after: int, limit: int) -> tuple[Message, ...]:
    """Also after the visitor's side was erased, as long as a clinician's side is kept. Afterwards there are none."""
    lock = lock_of(tx, id)
    if lock is None:
        return ()
    return tuple(rows.message(row, lock, id) for row in tx.all(_AFTER, {"id": id, "after": after, "most": limit}))


def add(tx: Tx, id: str, drafts: Sequence[Draft], at: datetime, unless_since: int | None) -> tuple[Message, ...]:
    """Nothing is added when someone has written after `unless_since`."""
    head = held(tx, id, at)
    if unless_since is not None and tx.one(_SINCE, {"id": id, "after": unless_since}) is not None:
        return ()
    said = tuple(head.say(draft) for draft in drafts)
    head.write()
    return said


def choose(tx: Tx, id: str, language: str | None, country: str | None, at: datetime) -> Conversation:
    return held(tx, id, at).write(language=language, country=country)


def end(tx: Tx, id: str, at: datetime) -> Conversation:
    return held(tx, id, at).write(ended_at=at)


def lock_of(tx: Tx, id: str) -> Lock | None:
    """The conversation's key; None when it was erased."""
    found = tx.one(_KEY_OF, {"id": id})
    return None if found is None or found[0] is None else tx.lock(id, found[0])
