"""The nouns. Every room speaks in these; rows exist only in the store, pydantic only at the HTTP edge."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from enum import IntEnum, StrEnum
from typing import Any


class Author(StrEnum):
    VISITOR = "visitor"
    BOT = "bot"
    CLINICIAN = "clinician"
    SYSTEM = "system"


class Owner(StrEnum):
    """Who has the conversation."""

    BOT = "bot"
    QUEUE = "queue"
    CLINICIAN = "clinician"


class Kind(StrEnum):
    """What a message is. The bot's kinds first; a clinician's or the system's are message, notice and crisis."""

    DISCLOSURE = "disclosure"
    ANSWER = "answer"
    NO_ANSWER = "no_answer"
    SUPPORT = "support"
    CRISIS = "crisis"
    BOOKING = "booking"
    HANDOFF = "handoff"
    BOUNDARY = "boundary"
    IDENTITY = "identity"
    SMALLTALK = "smalltalk"
    MESSAGE = "message"
    NOTICE = "notice"


class Urgency(IntEnum):
    """How soon a person must look, from the words used. It predicts nothing about a person."""

    NONE = 0
    CONCERN = 1
    CHECK_IN = 2  # from here on a risk flag is open, until a clinician lowers it
    CRISIS = 3
    EMERGENCY = 4


class Route(StrEnum):
    BOT = "bot"
    HUMAN = "human"


class Reason(StrEnum):
    SUICIDE = "suicide"
    SELF_HARM = "self_harm"
    HARM_TO_OTHERS = "harm_to_others"
    ABUSE = "abuse"
    PSYCHOSIS = "psychosis"
    OVERDOSE = "overdose"
    MEDICAL = "medical"
    EATING = "eating"
    PERINATAL = "perinatal"
    MINOR = "minor"
    SOMEONE_ELSE = "someone_else"
    BEREAVEMENT = "bereavement"
    SUBSTANCE = "substance"
    MEDICATION = "medication"
    DIAGNOSIS = "diagnosis"
    BOOKING = "booking"
    ASKED = "asked"
    UNSURE = "unsure"
    FAULT = "fault"
    NONE = "none"


class HandoffState(StrEnum):
    WAITING = "waiting"
    CLAIMED = "claimed"
    CLOSED = "closed"


class Outcome(StrEnum):
    """How a handoff ended, in the clinician's word."""

    RESOLVED = "resolved"
    RETURNED_TO_BOT = "returned_to_bot"
    REFERRED = "referred"
    NO_CONTACT = "no_contact"
    DUPLICATE = "duplicate"


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


@dataclass(frozen=True, slots=True)
class Move:
    """One step of a handoff's state machine, as one conditional UPDATE. Made by bot/handoff.py alone."""

    handoff: str
    action: str  # claim | release | transfer | close | urgency | acknowledge | lapse
    by: Holder
    at: datetime
    expects: frozenset[HandoffState]
    must_hold: bool  # the caller must be the present holder
    version: int | None = None  # the claim's version the caller acts under, when it sent one
    state: HandoffState | None = None
    holder: Holder | None = None  # the new holder; with state WAITING there is none
    owner: Owner | None = None  # the conversation's owner after it
    lease_until: datetime | None = None
    urgency: int | None = None
    outcome: Outcome | None = None
    refuse_with_open_risk: bool = False
    note: str = ""  # a private note that goes with it
    say: tuple[Draft, ...] = ()  # messages to the visitor that go with it
    event: str = ""  # handoff.claimed …
    notices: tuple[Notice, ...] = ()
    booking: BookingDraft | None = None  # the request as it stands after it: a slot accepted, declined, expired


@dataclass(frozen=True, slots=True)
class Note:
    id: str
    handoff: str
    by: str
    text: str
    created_at: datetime


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened: ids and states only, never visitor text."""

    id: int  # global
    conversation: str
    seq: int  # the message's seq, or the conversation's last one
    kind: str
    data: dict[str, Any]
    created_at: datetime


@dataclass(frozen=True, slots=True)
class Webhook:
    id: str
    url: str
    events: tuple[str, ...]  # empty: all
    secret: str
    created_at: datetime
    owner: str  # the key that made it
    disabled_at: datetime | None = None
    previous_secret: str = ""


@dataclass(frozen=True, slots=True)
class Delivery:
    """One thing to be sent to one target, tried until it is taken, refused for good, or dead."""

    id: int
    event: Event | None
    target: str  # "webhook:<id>", or a notice's target
    kind: str
    attempt: int
    due_at: datetime
    state: str  # due | sending | sent | dead | cancelled
    handoff: str = ""
    conversation: str = ""
    last_error: str = ""
    step: int = 0


@dataclass(frozen=True, slots=True)
class User:
    id: str
    email: str
    name: str
    role: str  # admin | clinician | front_desk | auditor
    password_hash: str = ""
    totp_secret: str = ""
    disabled_at: datetime | None = None
    on_duty: bool = False


@dataclass(frozen=True, slots=True)
class Key:
    """An API key as the store knows it: never the key itself."""

    id: str
    name: str
    prefix: str
    scopes: frozenset[str]
    created_at: datetime
    expires_at: datetime | None = None
    revoked_at: datetime | None = None
    last_used_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Receipt:
    """What an erasure took away, and what it keeps until when."""

    conversation: str
    erased_at: datetime
    messages: int
    complete: bool  # False while a clinician's side is kept until the handoff closes
    kept: str = ""  # why, as a key of replies.toml


class NotThere(LookupError):
    """Unknown, or another's: the caller cannot tell which."""


class Stale(RuntimeError):
    """The conversation moved on while the turn was being computed: take it anew."""


class Reused(ValueError):
    """A client id came again with another text."""


class Held(RuntimeError):
    """The handoff is not the caller's to act on. Says whose it is."""

    def __init__(self, holder_name: str = "", state: str = "", detail: str = "") -> None:
        super().__init__(detail or f"held by {holder_name or 'nobody'} ({state})")
        self.holder_name, self.state, self.detail = holder_name, state, detail


class RiskOpen(RuntimeError):
    """Refused while a risk flag is open."""


class StoreFault(RuntimeError):
    """The store cannot take or give anything now (full, read-only, gone). Says what to do, in one line."""
