"""One step of the booking as it is being made: the draft so far, what is said, which sentences were used before."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from bot.model import Action, Author, BookingDraft, Draft, Kind
from bot.words import Words

ORDER = ("whom", "name", "contact", "times", "message", "note")
_SAID = 60  # ledger entries kept, so that no sentence comes twice while a fresh one is left
_ANSWERS = {
    "whom": ("booking_for_me", "booking_for_other"),
    "name": ("booking_skip",),
    "contact": ("booking_skip",),
    "times": ("booking_skip",),
    "message": ("booking_yes", "booking_no"),
    "note": ("booking_nothing",),
    "confirm": ("booking_yes", "booking_no"),
}


@dataclass(frozen=True, slots=True)
class BookingStep:
    """What one message did to the request.

    `left`: the message is (also) about something else; answer it first, then say `drafts`, the way back to the
    booking, which may be empty.
    """

    drafts: tuple[Draft, ...]
    draft: BookingDraft
    left: bool = False
    done: bool = False  # it has just become complete and confirmed
    given_up: bool = False  # just now: an open handoff that is a booking alone may be withdrawn
    card_changed: bool = False  # the clinician's card has something new


@dataclass(slots=True)
class Talk:
    """Made for one message and thrown away after it; what lasts is `draft`."""

    words: Words
    draft: BookingDraft
    text: str
    now: datetime
    language: str
    minor: bool = False
    under_13: bool = False
    lines: list[str] = field(default_factory=list)
    actions: tuple[Action, ...] = ()

    def set(self, **changes: Any) -> None:
        self.draft = replace(self.draft, **changes)

    def note(self, **notes: Any) -> None:
        self.draft = replace(self.draft, notes={**self.draft.notes, **notes})

    def say(self, block: str, **values: Any) -> None:
        said = list(self.draft.notes.get("said", []))
        text, key = self.words.say(block, self.language, said, **values)
        self.lines.append(text)
        self.note(said=[*(k for k in said if k != key), key][-_SAID:])

    def label(self, block: str) -> str:
        return self.words.say(block, self.language)[0]

    def offer(self, *blocks: str) -> None:
        self.actions = tuple(Action("ask", text, text) for text in (self.label(b) for b in blocks))

    def ask(self, detail: str) -> None:
        """The question for one detail, and the answers that can be tapped."""
        safe = detail == "contact" and self.minor
        values = {"summary": self.summary()} if detail == "confirm" else {}
        self.say("booking_ask_contact_minor" if safe else f"booking_ask_{detail}", **values)
        self.set(asked=detail)
        self.offer(*_ANSWERS.get(detail, ()))

    def missing(self) -> str:
        """The first detail neither given nor declined; "" when none is."""
        draft = self.draft
        given: Mapping[str, object] = {
            "whom": draft.whom,
            "name": draft.name,
            "contact": draft.contact,
            "times": draft.times,
            "message": draft.may_leave_message or draft.contact_kind != "phone",
            "note": draft.note or draft.notes.get("note_given"),
        }
        return next((d for d in ORDER if not given[d] and d not in draft.refused), "")

    def summary(self) -> str:
        """The whole request as the visitor may check it, a line a detail."""
        draft, none = self.draft, self.label("booking_not_said")
        leave = {"yes": self.label("booking_yes"), "no": self.label("booking_no")}.get(draft.may_leave_message, "")
        values = {
            "whom": self.label("booking_me") if draft.whom == "me" else draft.whom,
            "name": draft.name,
            "contact": draft.contact,
            "times": draft.notes.get("echo") or draft.times,
            "message": leave,
            "note": draft.note,
        }
        shown = [d for d in ORDER if values[d] or d in {"whom", "name", "contact", "times"}]
        return "\n".join(
            self.words.say(f"booking_summary_{d}", self.language, value=values[d] or none)[0] for d in shown
        )

    def step(self, **flags: bool) -> BookingStep:
        text = " ".join(self.lines) if not any("\n" in line for line in self.lines) else "\n\n".join(self.lines)
        drafts = (Draft(Author.BOT, Kind.BOOKING, text, actions=self.actions),) if self.lines else ()
        return BookingStep(drafts, self.draft, **flags)
