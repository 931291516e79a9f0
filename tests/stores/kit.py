"""The cast and the gestures of the store's contract: a visitor writes, a clinician takes over, time passes."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from bot.model import (
    Author,
    Card,
    Citation,
    Conversation,
    Draft,
    Handoff,
    HandoffState,
    Holder,
    Kind,
    Marked,
    Memory,
    Message,
    Move,
    Notice,
    Opening,
    Outcome,
    Owner,
    Reason,
    Recorded,
    Route,
    SafetyMemory,
    Turn,
    Verdict,
)
from bot.ports import Store

START = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)

ANA = Holder("user:ana", "Ana Ruiz", "clinician")
BEN = Holder("user:ben", "Ben Cole", "clinician")
ROBOT = Holder("key:1", "calendar", "key", frozenset({"handoffs"}))


class Clock:
    """Stands still until it is told to go on."""

    def __init__(self, at: datetime = START) -> None:
        self.at = at

    def __call__(self) -> datetime:
        return self.at

    def pass_(self, **time: float) -> datetime:
        self.at += timedelta(**time)
        return self.at


def digest(token: str) -> bytes:
    return hashlib.sha256(token.encode()).digest()


def conversation(id: str, at: datetime = START) -> Conversation:
    return Conversation(id, "en", "US", "web", Owner.BOT, 0, 0, at)


async def open_one(store: Store, id: str = "c1", at: datetime = START) -> tuple[Message, ...]:
    first = (Draft(Author.BOT, Kind.DISCLOSURE, "This is an automated assistant, not a person."),)
    return await store.open(conversation(id, at), digest(f"token of {id}"), at + timedelta(days=30), first, Memory())


def answer(text: str = "It does.") -> Draft:
    cited = Citation(1, "how-therapy-changes-the-brain", "How therapy works", "Plasticity", "It does.", "/a")
    return Draft(Author.BOT, Kind.ANSWER, text, (cited,))


async def turn(store: Store, id: str, text: str | None, at: datetime = START, **changes: Any) -> Turn:
    """A turn on the visit as it is now."""
    visit = await store.visit(id)
    assert visit is not None
    plain = Turn(
        conversation=id,
        version=visit.version,
        owner_epoch=visit.conversation.owner_epoch,
        at=at,
        text=text,
        verdict=Verdict(),
        replies=(answer(),),
        memory=visit.memory,
    )
    return replace(plain, **changes)


async def write(store: Store, id: str, text: str | None, at: datetime = START, **changes: Any) -> Recorded:
    return await store.record(await turn(store, id, text, at, **changes))


def opening(urgency: int = 3, reason: Reason = Reason.SUICIDE, **changes: Any) -> Opening:
    marked = (Marked(2, "I want to die", (0, 13), "suicide.want", "says so"),)
    return replace(Opening(reason, urgency, START + timedelta(minutes=15), Card(marked=marked)), **changes)


async def flag(store: Store, id: str = "c1", urgency: int = 3, at: datetime = START, **changes: Any) -> Handoff:
    """The visitor writes words of risk: the handoff is open afterwards."""
    verdict = Verdict(Route.HUMAN, urgency, Reason.SUICIDE, level=urgency, level_reason=Reason.SUICIDE)
    given = {
        "verdict": verdict,
        "replies": (Draft(Author.BOT, Kind.CRISIS, "Call 988."),),
        "memory": Memory(SafetyMemory(level=urgency, reason=Reason.SUICIDE, signs=("wish",))),
        "opening": opening(urgency),
        "owner": Owner.QUEUE,
        "events": ("safety.flagged",),
        "notices": (Notice("mailto:duty@practice.example", "handoff.opened", at, cancel_on_claim=False),),
        **changes,
    }
    done = await write(store, id, "I want to die", at, **given)
    assert done.handoff is not None
    return done.handoff


def claim(handoff: Handoff, by: Holder = ANA, at: datetime = START, **changes: Any) -> Move:
    return replace(
        Move(
            handoff=handoff.id,
            action="claim",
            by=by,
            at=at,
            expects=frozenset({HandoffState.WAITING}),
            must_hold=False,
            state=HandoffState.CLAIMED,
            holder=by,
            owner=Owner.CLINICIAN,
            lease_until=at + timedelta(minutes=2),
            say=(Draft(Author.SYSTEM, Kind.NOTICE, f"{by.name} has joined."),),
            event="handoff.claimed",
        ),
        **changes,
    )


def release(handoff: Handoff, by: Holder = ANA, at: datetime = START, **changes: Any) -> Move:
    return replace(
        Move(
            handoff.id, "release", by, at, frozenset({HandoffState.CLAIMED}), True, state=HandoffState.WAITING,
            owner=Owner.QUEUE, event="handoff.released",
        ),
        **changes,
    )  # fmt: skip


def close(
    handoff: Handoff, by: Holder = ANA, at: datetime = START, outcome: Outcome = Outcome.RESOLVED, **changes: Any
) -> Move:
    back = outcome is Outcome.RETURNED_TO_BOT
    return replace(
        Move(
            handoff.id, "close", by, at, frozenset({HandoffState.CLAIMED}), True, state=HandoffState.CLOSED,
            outcome=outcome, owner=Owner.BOT if back else None, refuse_with_open_risk=back, event="handoff.closed",
        ),
        **changes,
    )  # fmt: skip


def lower(handoff: Handoff, urgency: int = 0, by: Holder = ANA, at: datetime = START) -> Move:
    return Move(handoff.id, "urgency", by, at, frozenset({HandoffState.CLAIMED}), True, urgency=urgency, note="talked")


def lapse(handoff: Handoff, at: datetime) -> Move:
    system = Holder("system", "Handrail", "system")
    return Move(
        handoff.id, "lapse", system, at, frozenset({HandoffState.CLAIMED}), False, version=handoff.version,
        state=HandoffState.WAITING, owner=Owner.QUEUE, event="handoff.released",
    )  # fmt: skip


def message(text: str) -> Draft:
    return Draft(Author.CLINICIAN, Kind.MESSAGE, text)


def kinds(events: Any) -> list[str]:
    return [event.kind for event in events]
