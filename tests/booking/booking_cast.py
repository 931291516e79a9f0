"""A visitor who books, as a test writes it down."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime

from bot.booking import Booking, BookingStep
from bot.model import BookingDraft

SUNDAY = datetime(2026, 11, 22, 15, 0, tzinfo=UTC)  # 10:00 in the practice's zone, closed


@dataclass
class Chat:
    booking: Booking
    draft: BookingDraft = field(default_factory=BookingDraft)
    now: datetime = SUNDAY
    minor: bool = False
    under_13: bool = False
    said: list[str] = field(default_factory=list)

    def write(self, text: str, wanted: bool = False) -> BookingStep:
        step = self.booking.step(
            text, self.draft, self.now, language="en", wanted=wanted, minor=self.minor, under_13=self.under_13
        )
        self.draft = step.draft
        self.said += [d.text for d in step.drafts]
        return step

    def begin(self, text: str = "I'd like to book a consultation") -> BookingStep:
        return self.write(text, wanted=True)

    def all(self, *texts: str) -> BookingStep:
        """The first as a wish to book, the others as they come."""
        step = self.begin(texts[0])
        for text in texts[1:]:
            step = self.write(text)
        return step

    @property
    def last(self) -> str:
        return self.said[-1]
