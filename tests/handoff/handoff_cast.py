"""A clock that stands still, a few people, and a visitor who waits for one of them."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from bot import handoff as steps
from bot.model import (
    Author,
    Card,
    Conversation,
    Draft,
    Handoff,
    Holder,
    Kind,
    Memory,
    Notice,
    Owner,
    Reason,
    Route,
    Turn,
    Verdict,
)
from bot.stores.sqlite import SqliteStore
from bot.words import Words

MONDAY = datetime(2026, 11, 23, 15, 0, tzinfo=UTC)  # 10:00 in the practice's zone: open
SUNDAY = datetime(2026, 11, 22, 15, 0, tzinfo=UTC)
ANA = Holder("user:ana", "Ana Ruiz", "clinician")
BEN = Holder("user:ben", "Ben Cole", "clinician")
DESK = Holder("user:dee", "Dee Moss", "front_desk")
ROBOT = Holder("key:1", "calendar", "key", frozenset({"handoffs"}))
LEASE = timedelta(minutes=2)


class Clock:
    def __init__(self, at: datetime = MONDAY) -> None:
        self.at = at

    def __call__(self) -> datetime:
        return self.at

    def pass_(self, **time: float) -> datetime:
        self.at += timedelta(**time)
        return self.at


Run = Callable[[Callable[[SqliteStore], Awaitable[Any]]], Any]


def with_table(words: Words, **tables: Any) -> Words:
    """The same words, with some tables of practice.toml laid over."""
    practice = replace(words.practice, table={**words.practice.table, **tables})
    return Words(practice, words.countries, words.languages, words.corpus)


async def waiting(
    store: SqliteStore,
    at: datetime,
    *,
    urgency: int = 0,
    reason: Reason = Reason.ASKED,
    due: datetime | None = None,
    notices: tuple[Notice, ...] = (),
    card: Card | None = None,
    booking: bool = False,
    id: str = "c1",
) -> Handoff:
    """A visitor writes, and a handoff waits for it."""
    first = (Draft(Author.BOT, Kind.DISCLOSURE, "This is an automated assistant, not a person."),)
    talk = Conversation(id, "en", "US", "web", Owner.BOT, 0, 0, at)
    await store.open(talk, f"token of {id}".encode(), at + timedelta(days=30), first, Memory())
    visit = await store.visit(id)
    assert visit is not None
    verdict = Verdict(Route.HUMAN, urgency, reason, level=urgency, level_reason=reason)
    opening = steps.opening(reason, urgency, due, card, booking)
    recorded = await store.record(
        Turn(id, visit.version, 0, at, "I want to talk to someone.", verdict, (), Memory(),
             opening=opening, owner=Owner.QUEUE, notices=notices)
    )  # fmt: skip
    assert recorded.handoff is not None
    return recorded.handoff
