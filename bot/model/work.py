"""What staff and other systems do: moves, notes, events, deliveries, people, keys; and how a store refuses."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from bot.model.kinds import HandoffState, Outcome, Owner
from bot.model.visit import BookingDraft, Draft, Holder, Notice


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
