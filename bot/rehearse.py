"""A conversation without a store: what the bot would say, for `ask`, for answers by API, and for measuring."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from bot.model import Citation, Conversation, Handoff, HandoffState, Kind, Memory, Owner, Route, Turn, Visit
from bot.turn import Job, Thinker
from retrieval.model import Progress, silent

# When one message gets several replies, the one that names the whole: safety first.
FIRST = (
    Kind.CRISIS,
    Kind.SUPPORT,
    Kind.BOUNDARY,
    Kind.IDENTITY,
    Kind.ANSWER,
    Kind.BOOKING,
    Kind.HANDOFF,
    Kind.NO_ANSWER,
    Kind.SMALLTALK,
)


@dataclass(frozen=True, slots=True)
class Rehearsed:
    """What was said to the last text, and the verdict after all of them."""

    turn: Turn
    per_turn: tuple[int, ...]  # the conversation's urgency after each text

    @property
    def kind(self) -> Kind:
        kinds = {d.kind for d in self.turn.replies}
        return next((k for k in FIRST if k in kinds), Kind.NOTICE)

    @property
    def text(self) -> str:
        return "\n\n".join(d.text for d in self.turn.replies)

    @property
    def citations(self) -> tuple[Citation, ...]:
        return tuple(c for d in self.turn.replies for c in d.citations)

    def shape(self) -> dict[str, Any]:
        """The promised JSON of `handrail ask` and POST /v1/answers."""
        verdict = self.turn.verdict
        reason = verdict.level_reason if verdict.level > verdict.urgency else verdict.reason
        return {
            "kind": self.kind.value,
            "text": self.text,
            "citations": [
                {"n": c.n, "article": c.article, "title": c.title, "heading": c.heading, "quote": c.quote, "url": c.url}
                for c in self.citations
            ],
            "route": (Route.HUMAN if verdict.level >= 2 else verdict.route).value,
            "urgency": max(verdict.level, verdict.urgency),
            "reason": reason.value,
        }


def rehearse(
    thinker: Thinker, texts: Sequence[str], *, language: str, country: str, now: datetime, queued: bool = True
) -> Rehearsed:
    """Takes the texts as one visitor's, oldest first. Blocks while it thinks; writes nowhere.

    `queued` False: no reply may say that anybody is in a queue or was told.
    """
    talk = Conversation("rehearsal", language, country, "rehearsal", Owner.BOT, 0, 0, now)
    visit = Visit(talk, Memory(), None, 0, 0)
    turn: Turn | None = None
    levels: list[int] = []
    for text in texts:
        turn = thinker.work(Job("message", visit, text, now, queued=queued))
        levels.append(max(turn.verdict.level, turn.verdict.urgency))
        visit = _after(visit, turn)
    if turn is None:
        raise ValueError("no text was given")
    return Rehearsed(turn, tuple(levels))


FIRST_WORDS = (
    "Hello, is anyone there?",
    "What is therapy, and how much is a session?",
    "I feel sad today",
    "I would like to book an appointment for next week",
)


def warm(thinker: Thinker, progress: Progress = silent) -> None:
    """What is made at the first use is made before the first visitor."""
    practice, now = thinker.parts.words.practice, thinker.parts.clock()
    progress("waking up", 0, len(FIRST_WORDS))
    for number, text in enumerate(FIRST_WORDS, 1):
        rehearse(thinker, [text], language=practice.languages[0], country=practice.country, now=now)
        progress("waking up", number, len(FIRST_WORDS))


def _after(visit: Visit, turn: Turn) -> Visit:
    """What the store would have left: nobody claims in a rehearsal."""
    talk = visit.conversation
    owner = turn.owner or talk.owner
    handoff = visit.handoff
    if turn.opening and handoff is None:
        o = turn.opening
        handoff = Handoff(
            "rehearsal", talk.id, o.reason, o.urgency, HandoffState.WAITING, turn.at, o.due_at, card=o.card
        )
    talk = Conversation(
        talk.id,
        turn.language or talk.language,
        turn.country or talk.country,
        talk.channel,
        owner,
        talk.owner_epoch + (owner is not talk.owner),
        max(talk.urgency, turn.verdict.level),
        talk.created_at,
    )
    said = (1 if turn.text else 0) + len(turn.replies) + len(turn.system)
    return Visit(talk, turn.memory, handoff, visit.version + 1, visit.last_seq + said)
