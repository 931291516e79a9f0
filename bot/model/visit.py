"""The visit's nouns: messages, verdicts, memories, handoffs, turns."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from bot.model.kinds import Author, HandoffState, Kind, Outcome, Owner, Reason, Route


@dataclass(frozen=True, slots=True)
class Citation:
    """A quote that stands word for word in the article named. `n` is the number shown in the text."""

    n: int
    article: str
    title: str
    heading: str
    quote: str
    url: str


@dataclass(frozen=True, slots=True)
class Action:
    """Something the visitor can tap: a call (`tel:`), a text (`sms:`), a link, a suggested question, a person."""

    type: str  # call | text | link | ask | person | exit | exercise
    label: str
    value: str


@dataclass(frozen=True, slots=True)
class Draft:
    """Something to be said, before the store has given it an id, a seq and a time."""

    author: Author
    kind: Kind
    text: str
    citations: tuple[Citation, ...] = ()
    actions: tuple[Action, ...] = ()


@dataclass(frozen=True, slots=True)
class Message:
    id: str
    conversation: str
    seq: int  # 1, 2, 3 … without a gap in one conversation
    author: Author
    kind: Kind
    text: str
    created_at: datetime
    citations: tuple[Citation, ...] = ()
    actions: tuple[Action, ...] = ()
    client_id: str | None = None
    name: str | None = None  # the clinician's display name, on a clinician's message


@dataclass(frozen=True, slots=True)
class Fired:
    """One rule that fired: where, in the text as typed (character offsets, end exclusive), and the sentence why."""

    rule: str
    span: tuple[int, int]
    urgency: int
    reason: Reason
    why: str = ""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the filter says of one message in its conversation.

    `urgency` is this message's own, with what the conversation before it adds; `level` is the conversation's
    after it, which only a clinician lowers. `reply` names the block of replies.toml that answers it, or is empty.
    """

    route: Route = Route.BOT
    urgency: int = 0
    reason: Reason = Reason.NONE
    fired: tuple[Fired, ...] = ()
    level: int = 0
    level_reason: Reason = Reason.NONE
    reply: str = ""
    stage: str = "rules"  # rules | examples (the second stage raised it)
    intents: tuple[str, ...] = ()  # what else the words ask for, whatever weighs more: booking, asked, identity …


@dataclass(frozen=True, slots=True)
class SafetyMemory:
    """What the filter and its script carry from turn to turn. Its room is bot/safety."""

    level: int = 0
    reason: Reason = Reason.NONE
    signs: tuple[str, ...] = ()  # noticed so far: they add up
    asked: tuple[str, ...] = ()  # direct questions put: thoughts, plan, means, when …
    pending: str = ""  # the direct question that the visitor has not answered yet
    said: tuple[str, ...] = ()  # ledger of "block/variant" already shown
    lines: tuple[str, ...] = ()  # crisis lines already shown, by name
    minor: bool = False
    under_13: bool = False
    turns: int = 0  # visitor messages seen
    notes: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class TalkMemory:
    """What an answer leaves for the follow-up. Its room is bot/answer."""

    questions: tuple[str, ...] = ()  # the visitor's last questions, newest last
    article: str = ""
    heading: str = ""
    quoted: tuple[str, ...] = ()  # sentences shown for the present topic, not shown again
    articles: tuple[str, ...] = ()  # slugs shown in this conversation, in order
    said: tuple[str, ...] = ()  # ledger of openings used
    notes: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class BookingDraft:
    """A consultation request as it fills. Its room is bot/booking. state: "" (none) | asking | paused | ready | given_up."""

    state: str = ""
    asked: str = ""  # the detail asked for last
    whom: str = ""
    name: str = ""
    contact: str = ""
    contact_kind: str = ""  # phone | email
    times: str = ""  # in the visitor's own words
    slots: tuple[str, ...] = ()  # as read by the parser, RFC 3339 in the practice's zone
    may_leave_message: str = ""  # "" | yes | no
    note: str = ""
    refused: tuple[str, ...] = ()  # details the visitor declined to give
    notes: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Memory:
    """What one conversation remembers between turns. Kept encrypted beside its messages."""

    safety: SafetyMemory = field(default_factory=SafetyMemory)
    talk: TalkMemory = field(default_factory=TalkMemory)
    booking: BookingDraft = field(default_factory=BookingDraft)


@dataclass(frozen=True, slots=True)
class Conversation:
    id: str
    language: str
    country: str  # ISO 3166 alpha-2, or "" when unknown
    channel: str
    owner: Owner
    owner_epoch: int  # +1 at each change of owner: the fence for the bot's replies
    urgency: int
    created_at: datetime
    ended_at: datetime | None = None
    erased_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Marked:
    """Words of the visitor's that fired, for the clinician's card."""

    seq: int
    text: str
    span: tuple[int, int]
    rule: str
    why: str
    urgency: int = 0  # of the rule that fired


@dataclass(frozen=True, slots=True)
class Card:
    """What a clinician sees first: facts in the visitor's own words, never generated prose. Encrypted at rest."""

    marked: tuple[Marked, ...] = ()
    shown: tuple[str, ...] = ()  # what the bot showed: reply blocks and crisis lines by name
    articles: tuple[str, ...] = ()
    contact: str = ""
    safe_contact: str = ""  # wishes: "text only", "no voicemail"
    note: str = ""  # what the visitor wrote with the request
    consent: str = ""  # the sentence the visitor agreed to, with its date
    booking: BookingDraft | None = None


@dataclass(frozen=True, slots=True)
class Handoff:
    id: str
    conversation: str
    reason: Reason
    urgency: int
    state: HandoffState
    opened_at: datetime
    due_at: datetime | None  # when a person is promised to have looked
    version: int = 0  # +1 at each claim, release, transfer, close: every staff write carries it
    holder: str = ""  # "user:<id>" or "key:<id>"
    holder_name: str = ""
    lease_until: datetime | None = None
    acknowledged_at: datetime | None = None
    closed_at: datetime | None = None
    outcome: Outcome | None = None
    card: Card = field(default_factory=Card)
    booking: bool = False  # a consultation request is part of it
    language: str = "en"
    country: str = ""


@dataclass(frozen=True, slots=True)
class Holder:
    """Who acts on a handoff: a signed-in person or an API key. Each key is a holder of its own."""

    id: str  # "user:<id>" or "key:<id>"
    name: str
    role: str  # admin | clinician | front_desk | auditor | key
    scopes: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Notice:
    """Something staff must learn, now or later. No visitor text: a handoff's id, urgency and reason alone."""

    target: str  # a notifier's name and address ("mailto:duty@…", "webhook:https://…"), "console", or "visitor"
    kind: str  # handoff.opened | handoff.escalated | ladder.repeat | ladder.next | ladder.visitor | promise.broken …
    due_at: datetime
    cancel_on_claim: bool = False
    step: int = 0


@dataclass(frozen=True, slots=True)
class Opening:
    """A handoff to open, or, when one is open already, what to raise in it."""

    reason: Reason
    urgency: int
    due_at: datetime | None
    card: Card
    booking: bool = False


@dataclass(frozen=True, slots=True)
class Gap:
    """A question that the articles do not cover: redacted text alone. Encrypted with the conversation's key."""

    question: str
    language: str
    nearest: str = ""
    score: float = 0.0


@dataclass(frozen=True, slots=True)
class Turn:
    """One visitor message with all that follows from it; the store records it in ONE transaction.

    `replies` by the bot are inserted only if the conversation's owner_epoch is still `owner_epoch` (a bot never
    speaks after a human has joined); `system` messages are inserted in any case. `version` is the visit's version
    that the turn was computed on: the store refuses a stale one with `Stale`, and the turn is taken anew.
    """

    conversation: str
    version: int
    owner_epoch: int
    at: datetime
    text: str | None  # None: the visitor did something else than write (asked for a person with the button)
    verdict: Verdict
    replies: tuple[Draft, ...]
    memory: Memory
    client_id: str | None = None
    opening: Opening | None = None
    system: tuple[Draft, ...] = ()
    owner: Owner | None = None  # the owner after it, when it changes (to queue or back to bot)
    language: str | None = None
    country: str | None = None
    gap: Gap | None = None
    score: float = 0.0  # how sure the search was that the articles answer it
    events: tuple[str, ...] = ()  # event kinds beside message.created, e.g. safety.flagged, booking.requested
    notices: tuple[Notice, ...] = ()
    shadow: Verdict | None = None  # what the rules in shadow would have said, where that differs


@dataclass(frozen=True, slots=True)
class Visit:
    """A conversation as a turn finds it."""

    conversation: Conversation
    memory: Memory
    handoff: Handoff | None  # the open one
    version: int
    last_seq: int


@dataclass(frozen=True, slots=True)
class Recorded:
    """What a committed turn left: the visitor's message, the replies, the visit after it."""

    message: Message | None  # None where the turn had no text
    replies: tuple[Message, ...]
    conversation: Conversation
    handoff: Handoff | None
