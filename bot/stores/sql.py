"""The store's face, the same on every plug: each call is one unit of work, written or read."""

from __future__ import annotations

import dataclasses
import os
from abc import ABC, abstractmethod
from collections.abc import Callable, Collection, Sequence
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

from bot.model import (
    Conversation,
    Delivery,
    Draft,
    Event,
    Handoff,
    HandoffState,
    Holder,
    Key,
    Memory,
    Message,
    Move,
    Note,
    Receipt,
    Recorded,
    Turn,
    User,
    Visit,
    Webhook,
)
from bot.stores.hub import Bell, Hub
from bot.stores.prepared import Tx
from bot.stores.seal import Chance
from bot.stores.statements import (
    audit,
    conversations,
    deliveries,
    erase,
    events,
    figures,
    handoffs,
    moves,
    record,
    retention,
    rotate,
    staff,
)

T = TypeVar("T")


def now_utc() -> datetime:
    return datetime.now(UTC)


class SqlStore(ABC):
    """`bot.ports.Store` over any plug that can write and read a unit of work."""

    def __init__(self, folder: Path, clock: Callable[[], datetime], chance: Chance = os.urandom) -> None:
        self._clock, self._chance = clock, chance
        self.hub = Hub()
        self.folder = folder

    @abstractmethod
    async def write(self, work: Callable[[Tx], T]) -> T:
        """Runs the unit in a transaction; returns when it is durable."""

    @abstractmethod
    async def read(self, work: Callable[[Tx], T]) -> T:
        """Runs the unit on a snapshot; it must not write."""

    @abstractmethod
    async def start(self) -> None: ...

    @abstractmethod
    async def close(self) -> None: ...

    @abstractmethod
    async def backup(self, path: Path) -> dict[str, int]:
        """A copy of all of it in one SQLite file, while others write; the rows by table."""

    def new_id(self) -> str:
        return self._chance(12).hex()

    async def ready(self) -> bool:
        await self.read(events.last)
        return True

    def watch(self, conversation: str | None = None) -> Bell:
        return self.hub.watch(conversation)

    def wake(self, conversation: str) -> None:
        self.hub.ring((conversation,))

    def end_watches(self) -> None:
        self.hub.close()

    # ── conversations ──

    async def open(
        self,
        conversation: Conversation,
        token_digest: bytes,
        expires_at: datetime,
        first: Sequence[Draft],
        memory: Memory,
    ) -> tuple[Message, ...]:
        return await self.write(
            partial(
                conversations.open,
                new=conversation,
                token_digest=token_digest,
                expires_at=expires_at,
                first=first,
                memory=memory,
            )
        )

    async def visit_of(self, token_digest: bytes, now: datetime) -> Visit | None:
        found = await self.read(partial(conversations.of_token, digest=token_digest, now=now))
        return found and found[0]

    async def visit(self, conversation: str) -> Visit | None:
        return await self.read(partial(conversations.visit, id=conversation))

    async def answered(self, conversation: str, client_id: str, text: str) -> Recorded | None:
        return await self.read(partial(record.answered, conversation=conversation, client_id=client_id, text=text))

    async def record(self, turn: Turn) -> Recorded:
        return await self.write(partial(record.record, turn=turn, new_id=self.new_id))

    async def add(
        self, conversation: str, drafts: Sequence[Draft], at: datetime, unless_since: int | None = None
    ) -> tuple[Message, ...]:
        return await self.write(
            partial(conversations.add, id=conversation, drafts=drafts, at=at, unless_since=unless_since)
        )

    async def messages(self, conversation: str, after: int = 0, limit: int = 1000) -> tuple[Message, ...]:
        return await self.read(partial(conversations.messages, id=conversation, after=after, limit=limit))

    async def choose(self, conversation: str, language: str | None, country: str | None) -> Conversation:
        at = self._clock()
        return await self.write(
            partial(conversations.choose, id=conversation, language=language, country=country, at=at)
        )

    async def end(self, conversation: str, at: datetime) -> Conversation:
        return await self.write(partial(conversations.end, id=conversation, at=at))

    async def erase(self, conversation: str, at: datetime, by: str) -> Receipt:
        return await self.write(partial(erase.erase, id=conversation, at=at, by=by))

    # ── handoffs ──

    async def queue(
        self, state: HandoffState | None = HandoffState.WAITING, limit: int = 200, bookings_only: bool = False
    ) -> tuple[Handoff, ...]:
        return await self.read(partial(handoffs.queue, state=state, limit=limit, bookings_only=bookings_only))

    async def handoff(self, id: str) -> Handoff | None:
        return await self.read(partial(handoffs.one, id=id))

    async def earlier(self, conversation: str) -> tuple[Handoff, ...]:
        return await self.read(partial(handoffs.earlier, conversation=conversation))

    async def move(self, move: Move) -> Handoff:
        return await self.write(partial(moves.move, step=move, new_id=self.new_id))

    async def claim_next(self, move: Callable[[Handoff], Move], bookings_only: bool = False) -> Handoff | None:
        return await self.write(
            partial(moves.claim_next, step_for=move, new_id=self.new_id, bookings_only=bookings_only)
        )

    async def say(
        self,
        handoff: str,
        by: Holder,
        draft: Draft,
        at: datetime,
        client_id: str | None = None,
        version: int | None = None,
    ) -> tuple[Message, bool]:
        return await self.write(
            partial(moves.say, handoff=handoff, by=by, draft=draft, at=at, client_id=client_id, version=version)
        )

    async def note(self, handoff: str, by: Holder, text: str, at: datetime) -> Note:
        return await self.write(partial(moves.note, id=self.new_id(), handoff=handoff, by=by, content=text, at=at))

    async def notes(self, handoff: str) -> tuple[Note, ...]:
        return await self.read(partial(moves.notes, handoff=handoff))

    async def renew(self, holder: str, until: datetime) -> int:
        return await self.write(partial(handoffs.renew, holder=holder, until=until))

    async def lapsed(self, now: datetime) -> tuple[Handoff, ...]:
        return await self.read(partial(handoffs.lapsed, now=now))

    async def events(self, after: int = 0, limit: int = 500) -> tuple[Event, ...]:
        return await self.read(partial(events.feed, after=after, limit=limit))

    # ── deliveries ──

    async def due(self, now: datetime, limit: int = 100, busy: Collection[str] = ()) -> tuple[Delivery, ...]:
        return await self.write(partial(deliveries.due, now=now, limit=limit, busy=busy))

    async def next_due(self) -> datetime | None:
        return await self.read(deliveries.next_due)

    async def retime(self, now: datetime) -> int:
        return await self.write(partial(deliveries.retime, now=now))

    async def sent(self, delivery: int, at: datetime) -> None:
        await self.write(partial(deliveries.sent, id=delivery, at=at))

    async def failed(self, delivery: int, error: str, retry_at: datetime | None) -> None:
        await self.write(partial(deliveries.failed, id=delivery, error=error, retry_at=retry_at, at=self._clock()))

    async def deliveries(self, target: str = "", state: str | None = None, limit: int = 200) -> tuple[Delivery, ...]:
        return await self.read(partial(deliveries.listed, target=target, state=state, limit=limit))

    async def replay(self, target: str, first: int | None, last: int | None, at: datetime) -> int:
        return await self.write(partial(deliveries.replay, target=target, first=first, last=last, at=at))

    async def add_webhook(self, webhook: Webhook) -> None:
        await self.write(partial(deliveries.add_webhook, hook=webhook))

    async def webhooks(self, owner: str | None = None) -> tuple[Webhook, ...]:
        return await self.read(partial(deliveries.webhooks, owner=owner))

    async def webhook(self, id: str) -> Webhook | None:
        return await self.read(partial(deliveries.webhook, id=id))

    async def change_webhook(self, id: str, **changes: Any) -> Webhook | None:
        return await self.write(partial(deliveries.change_webhook, id=id, change=_changing(changes)))

    async def remove_webhook(self, id: str) -> bool:
        return await self.write(partial(deliveries.remove_webhook, id=id, at=self._clock()))

    # ── staff ──

    async def add_user(self, user: User) -> None:
        await self.write(partial(staff.add_user, user=user))

    async def users(self) -> tuple[User, ...]:
        return await self.read(staff.users)

    async def user(self, id: str = "", email: str = "") -> User | None:
        return await self.read(partial(staff.user, id=id, email=email))

    async def change_user(self, id: str, **changes: Any) -> User | None:
        return await self.write(partial(staff.change_user, id=id, change=_changing(changes)))

    async def add_key(self, key: Key, digest: bytes) -> None:
        await self.write(partial(staff.add_key, key=key, digest=digest))

    async def keys(self) -> tuple[Key, ...]:
        return await self.read(staff.keys)

    async def key_of(self, digest: bytes, now: datetime) -> Key | None:
        found = await self.read(partial(staff.key_of, digest=digest, now=now))
        if found is None:
            return None
        key, noted = found
        if noted:
            await self.write(partial(staff.key_used, id=key.id, now=now))
        return key

    async def revoke_key(self, id_or_name: str, at: datetime) -> bool:
        return await self.write(partial(staff.revoke_key, which=id_or_name, at=at))

    async def add_session(self, digest: bytes, user: str, csrf: str, at: datetime, address: str, agent: str) -> None:
        await self.write(
            partial(
                staff.add_session,
                id=self.new_id(),
                digest=digest,
                user=user,
                csrf=csrf,
                at=at,
                address=address,
                agent=agent,
            )
        )

    async def session(self, digest: bytes, now: datetime, idle: float, longest: float) -> tuple[User, str] | None:
        found = await self.read(partial(staff.session, digest=digest, now=now, idle=idle, longest=longest))
        if found is None:
            return None
        user, csrf, touched = found
        if touched:
            await self.write(partial(staff.touch, id=touched, now=now))
        return user, csrf

    async def sessions(self, user: str) -> tuple[dict[str, Any], ...]:
        return await self.read(partial(staff.sessions, user=user))

    async def end_session(self, digest: bytes = b"", user: str = "", id: str = "") -> int:
        return await self.write(partial(staff.end_session, digest=digest, user=user, id=id))

    async def put_secret(self, kind: str, digest: bytes, value: dict[str, Any], expires_at: datetime) -> None:
        await self.write(partial(staff.put_secret, kind=kind, digest=digest, value=value, expires_at=expires_at))

    async def take_secret(self, kind: str, digest: bytes, now: datetime) -> dict[str, Any] | None:
        return await self.write(partial(staff.take_secret, kind=kind, digest=digest, now=now))

    async def keep(self, kind: str, id: str, value: dict[str, Any], at: datetime) -> None:
        await self.write(partial(staff.keep, kind=kind, id=id, value=value, at=at))

    async def kept(self, kind: str) -> dict[str, dict[str, Any]]:
        return await self.read(partial(staff.kept, kind=kind))

    async def drop(self, kind: str, id: str) -> bool:
        return await self.write(partial(staff.drop, kind=kind, id=id))

    async def audit(
        self, who: str, action: str, subject: str, at: datetime, detail: dict[str, Any] | None = None
    ) -> None:
        await self.write(partial(audit.append, who=who, action=action, subject=subject, at=at, detail=detail))

    async def audit_rows(self, after: int = 0, limit: int = 200) -> tuple[dict[str, Any], ...]:
        return await self.read(partial(audit.listed, after=after, limit=limit))

    async def audit_verify(self) -> tuple[int, str]:
        return await self.read(audit.verified)

    # ── figures, keys, age ──

    async def gaps(self, limit: int = 200) -> tuple[tuple[str, int, datetime], ...]:
        return await self.read(partial(figures.gaps, limit=limit))

    async def counts(self) -> dict[str, float]:
        return await self.read(partial(figures.counts, now=self._clock()))

    async def idle_since(self, before: datetime, limit: int = 500, cared: bool | None = None) -> tuple[str, ...]:
        return await self.read(partial(retention.idle_since, before=before, limit=limit, cared=cared))

    async def tidy(self, before: datetime) -> dict[str, int]:
        return await self.write(partial(retention.tidy, before=before))

    async def rewrap(self) -> int:
        """Every data key under the present secret, 500 at a time; how many. The older secret can then be forgotten."""
        done = 0
        while moved := await self.write(rotate.rewrap_some):
            done += moved
        return done


def _changing(changes: dict[str, Any]) -> Callable[[Any], Any]:
    return lambda old: dataclasses.replace(old, **changes)
