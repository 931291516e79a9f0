"""The sockets: what a plug must do, as Protocols. One contract kit per socket runs on every plug."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from bot.model import (
    Citation,
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
from retrieval.model import Article, Passage

if TYPE_CHECKING:
    from retrieval.search import Found

Clock = Callable[[], datetime]
"""The time now, aware, in UTC."""


class Conversations(Protocol):
    """What the visitor's side needs. Every write is durable when its call returns."""

    async def open(
        self,
        conversation: Conversation,
        token_digest: bytes,
        expires_at: datetime,
        first: Sequence[Draft],
        memory: Memory,
    ) -> tuple[Message, ...]: ...

    async def visit_of(self, token_digest: bytes, now: datetime) -> Visit | None:
        """The conversation that the token opens, as it stands; None when the token is unknown or has expired."""

    async def visit(self, conversation: str) -> Visit | None: ...

    async def answered(self, conversation: str, client_id: str, text: str) -> Recorded | None:
        """The first answer to this client id. Raises Reused when it came with another text."""

    async def record(self, turn: Turn) -> Recorded:
        """One transaction. Raises Stale, Reused, NotThere (unknown or erased), StoreFault."""

    async def add(
        self, conversation: str, drafts: Sequence[Draft], at: datetime, unless_since: int | None = None
    ) -> tuple[Message, ...]:
        """System messages outside a turn (reminders, "no one has joined yet"); none when anyone but the system has
        written after the seq `unless_since`."""

    async def messages(self, conversation: str, after: int = 0, limit: int = 1000) -> tuple[Message, ...]: ...

    async def choose(self, conversation: str, language: str | None, country: str | None) -> Conversation: ...

    async def end(self, conversation: str, at: datetime) -> Conversation: ...

    async def erase(self, conversation: str, at: datetime, by: str) -> Receipt: ...


class Handoffs(Protocol):
    """What clinicians and integrators need."""

    async def queue(
        self, state: HandoffState | None = HandoffState.WAITING, limit: int = 200, bookings_only: bool = False
    ) -> tuple[Handoff, ...]:
        """Highest urgency first, then longest wait; closed ones latest first. `bookings_only`: without a risk flag."""

    async def handoff(self, id: str) -> Handoff | None: ...

    async def earlier(self, conversation: str) -> tuple[Handoff, ...]: ...

    async def move(self, move: Move) -> Handoff:
        """One conditional UPDATE … RETURNING with its events, notes, messages, notices and audit, in one transaction.

        Raises NotThere, Held (another holds it, or the version is old), RiskOpen.
        """

    async def claim_next(self, move: Callable[[Handoff], Move], bookings_only: bool = False) -> Handoff | None:
        """Claims the first in line; skips what another claims at the same moment. None when the queue is empty."""

    async def say(
        self,
        handoff: str,
        by: Holder,
        draft: Draft,
        at: datetime,
        client_id: str | None = None,
        version: int | None = None,
    ) -> tuple[Message, bool]:
        """A staff message, by the present holder only. (message, True when the client id had it already)."""

    async def note(self, handoff: str, by: Holder, text: str, at: datetime) -> Note: ...

    async def notes(self, handoff: str) -> tuple[Note, ...]: ...

    async def renew(self, holder: str, until: datetime) -> int:
        """Renews the leases of all that this holder has claimed; how many."""

    async def lapsed(self, now: datetime) -> tuple[Handoff, ...]:
        """Claimed handoffs whose lease has run out."""

    async def events(self, after: int = 0, limit: int = 500) -> tuple[Event, ...]:
        """The global feed, in order; an id is never given out before every smaller one is visible."""


class Deliveries(Protocol):
    """The outbox."""

    async def due(self, now: datetime, limit: int = 100, busy: Collection[str] = ()) -> tuple[Delivery, ...]:
        """Claims due deliveries for sending: each is given to exactly one caller until its lease runs out.

        None for the targets in `busy`. In one conversation a webhook's later event waits for the earlier one.
        """

    async def next_due(self) -> datetime | None:
        """When the next delivery is due, or the lease of one in a sender's hand runs out; None when nothing waits."""

    async def retime(self, now: datetime) -> int:
        """After the clock was set back: what was made later than `now` waits from now on, not from then. How many."""

    async def sent(self, delivery: int, at: datetime) -> None: ...

    async def failed(self, delivery: int, error: str, retry_at: datetime | None) -> None:
        """To be tried again at `retry_at`, or dead when that is None."""

    async def deliveries(self, target: str = "", state: str | None = None, limit: int = 200) -> tuple[Delivery, ...]:
        """Latest first; for all targets when none is given (then dead ones, unless a state is)."""

    async def replay(self, target: str, first: int | None, last: int | None, at: datetime) -> int:
        """Dead deliveries of a target made due again, or all of the events `first` to `last`; how many."""

    async def add_webhook(self, webhook: Webhook) -> None: ...

    async def webhooks(self, owner: str | None = None) -> tuple[Webhook, ...]: ...

    async def webhook(self, id: str) -> Webhook | None: ...

    async def change_webhook(self, id: str, **changes: Any) -> Webhook | None: ...

    async def remove_webhook(self, id: str) -> bool: ...


class Staff(Protocol):
    """People, keys, sessions and the audit log."""

    async def add_user(self, user: User) -> None: ...

    async def users(self) -> tuple[User, ...]: ...

    async def user(self, id: str = "", email: str = "") -> User | None: ...

    async def change_user(self, id: str, **changes: Any) -> User | None: ...

    async def add_key(self, key: Key, digest: bytes) -> None: ...

    async def keys(self) -> tuple[Key, ...]: ...

    async def key_of(self, digest: bytes, now: datetime) -> Key | None:
        """The key, unless revoked or expired; notes its use (at most once a minute)."""

    async def revoke_key(self, id_or_name: str, at: datetime) -> bool: ...

    async def add_session(
        self, digest: bytes, user: str, csrf: str, at: datetime, address: str, agent: str
    ) -> None: ...

    async def session(self, digest: bytes, now: datetime, idle: float, longest: float) -> tuple[User, str] | None:
        """(user, csrf) of a live session, touching it; None when unknown, idle for `idle` s, older than `longest` s,
        ended, or its user disabled."""

    async def sessions(self, user: str) -> tuple[dict[str, Any], ...]: ...

    async def end_session(self, digest: bytes = b"", user: str = "", id: str = "") -> int: ...

    async def put_secret(self, kind: str, digest: bytes, value: dict[str, Any], expires_at: datetime) -> None:
        """One-time links, recovery codes, sign-in challenges."""

    async def take_secret(self, kind: str, digest: bytes, now: datetime) -> dict[str, Any] | None:
        """Gives it once, and removes it."""

    async def keep(self, kind: str, id: str, value: dict[str, Any], at: datetime) -> None:
        """A small record of another room's (a passkey, a mark on a flag, leave), encrypted; the same id replaces it."""

    async def kept(self, kind: str) -> dict[str, dict[str, Any]]:
        """All records of the kind by id."""

    async def drop(self, kind: str, id: str) -> bool: ...

    async def audit(
        self, who: str, action: str, subject: str, at: datetime, detail: dict[str, Any] | None = None
    ) -> None: ...

    async def audit_rows(self, after: int = 0, limit: int = 200) -> tuple[dict[str, Any], ...]: ...

    async def audit_verify(self) -> tuple[int, str]:
        """(rows checked, "" or the first fault found)."""


class Watch(Protocol):
    """A bell of one watcher, to be awaited again and again."""

    def __aiter__(self) -> AsyncIterator[None]: ...

    async def __anext__(self) -> None: ...

    async def aclose(self) -> None: ...


class Store(Conversations, Handoffs, Deliveries, Staff, Protocol):
    """All of it, in one place that commits it together."""

    async def start(self) -> None:
        """Takes the lock, migrates, checks the key. Raises StoreFault with what to do."""

    async def close(self) -> None: ...

    async def ready(self) -> bool: ...

    async def backup(self, path: Path) -> dict[str, int]:
        """A copy written while others write, opened and counted as proof: rows by table."""

    def watch(self, conversation: str | None = None) -> Watch:
        """Wakes (coalesced) after commits that touch the conversation, or any when None; ends when the store closes.

        It listens from the call on. Close it with `aclose()`.
        """

    def wake(self, conversation: str) -> None:
        """Wakes the conversation's watchers of this process though nothing was committed (somebody types)."""

    def end_watches(self) -> None:
        """Ends all watches: at SIGTERM, so that the streams end and the server can drain."""

    async def gaps(self, limit: int = 200) -> tuple[tuple[str, int, datetime], ...]:
        """(redacted question, times asked, last asked) in demand's order; exact repeats counted, grouping is not the
        store's."""

    async def idle_since(self, before: datetime, limit: int = 500, cared: bool | None = None) -> tuple[str, ...]:
        """Conversations in which nothing was written since, longest idle first: none that is erased or has an open
        handoff. `cared`: only those with a handoff in the past, or only those without. For retention."""

    async def tidy(self, before: datetime) -> dict[str, int]:
        """Takes away what holds no conversation and ended before: deliveries, events, expired secrets and sessions."""

    async def rewrap(self) -> int:
        """Every data key under the present secret; how many were moved. Afterwards the previous secrets can go."""

    async def counts(self) -> dict[str, float]:
        """For metrics: queue length by urgency, oldest wait, outbox lag, dead letters. No personal data."""


class Permanent(Exception):
    """A send that no retry can mend (gone, a refused address). The outbox gives it up at once."""


class RetryAfter(Exception):
    """A send to be tried again, not before `seconds` from now: the target asked for it."""

    def __init__(self, seconds: float, detail: str = "") -> None:
        super().__init__(detail or f"asked to come back in {seconds:.0f} s")
        self.seconds = seconds


class Notifier(Protocol):
    """How staff learn of it. Raises Permanent, RetryAfter, or any other error to be tried again later."""

    async def send(self, delivery: Delivery, handoff: Handoff | None) -> None: ...


class Search(Protocol):
    """The articles, and what is found in them."""

    @property
    def version(self) -> str:
        """The corpus version in force."""

    @property
    def articles(self) -> Mapping[str, Article]:
        """The articles that may answer, by slug: one whose review has expired is not among them."""

    def passages(self, slug: str) -> Sequence[Passage]:
        """An article's passages in reading order; empty when there is no such article."""

    def edition(self, slug: str, digest: str) -> Article | None:
        """The article as it stood when its digest began so, also one that no longer answers; None when there is none."""

    def find(self, query: str, *, vector: Any = None, limit: int = 8, context: Sequence[str] = ()) -> Found:
        """The best sentences, best first, and how likely the corpus answers the question at all. `vector` is the
        query's own unit vector where the caller has it; `context` are the visitor's earlier questions, oldest first."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What an answer will say, before it is worded. `told` are the quotes as they are set in the corpus's manner, one a
    citation and in reading order; `sources` the lines that name where they stand."""

    opening: str
    quotes: tuple[Citation, ...]
    told: tuple[str, ...]
    sources: tuple[str, ...]
    closing: str = ""
    items: bool = False  # the quotes are items of a list
    language: str = "en"


class Writer(Protocol):
    """How an answer is worded. Every quote must stand in its text, word for word; else the text is not used."""

    def write(self, plan: Plan) -> str: ...
