"""A wish for a time said back in plain words, in the visitor's language and the practice's zone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from itertools import pairwise

from babel import Locale
from babel.dates import format_time, get_day_names
from babel.lists import format_list

from bot.hours import Hours
from bot.words import Words

Window = tuple[int | None, int | None, bool]  # minutes from, minutes until, exact (starts at `from`)
_PARTS: dict[tuple[int | None, int | None], str] = {
    (360, 720): "times_morning",
    (720, 1020): "times_afternoon",
    (1020, 1260): "times_evening",
}


@dataclass(frozen=True, slots=True)
class Echo:
    words: Words
    hours: Hours
    now: datetime
    language: str

    @property
    def locale(self) -> Locale:
        try:
            return Locale.parse(self.language.replace("-", "_"))
        except (ValueError, LookupError):
            return Locale("en")

    def say(self, block: str, **values: str) -> str:
        return self.words.say(block, self.language, **values)[0]

    def either(self, parts: Sequence[str]) -> str:
        return format_list(list(parts), style="or", locale=self.locale) if parts else ""

    def day(self, day: date) -> str:
        """Such as "Tuesday, November 24"."""
        return self.hours.words_of(self.hours.instant(day, 12 * 60), self.now, self.language)["date"]

    def wish(self, dates: tuple[date, ...], weekdays: frozenset[int], windows: tuple[Window, ...]) -> str:
        days = self._days(dates, weekdays)
        if not windows:
            return days
        return self.say("times_day_window", days=days, window=self.either([self._window(w) for w in windows]))

    def _days(self, dates: tuple[date, ...], weekdays: frozenset[int]) -> str:
        if len(dates) > 2 and all(b - a == timedelta(days=1) for a, b in pairwise(dates)):
            return self.say("times_days", first=self.day(dates[0]), last=self.day(dates[-1]))
        if dates:
            return self.either([self.day(d) for d in dates])
        if not weekdays or len(weekdays) == 7:
            return self.say("times_any_day")
        if weekdays == frozenset(range(5)):
            return self.say("times_any_weekday")
        if weekdays == frozenset({5, 6}):
            return self.say("times_any_weekend")
        names = [get_day_names("wide", locale=self.locale)[n] for n in sorted(weekdays)]
        return self.say("times_any_of", days=self.either(names))

    def _window(self, window: Window) -> str:
        start, end, exact = window
        if part := _PARTS.get((start, end)):
            return self.say(part)
        first, last = self._clock(start), self._clock(end)
        if exact:
            return self.say("times_at", time=first)
        if start is not None and end is not None and end < 24 * 60:
            return self.say("times_between", first=first, last=last)
        return self.say("times_after", time=first) if start else self.say("times_before", time=last)

    def _clock(self, minutes: int | None) -> str:
        if minutes is None:
            return ""
        wall = datetime(2000, 1, 1) + timedelta(minutes=minutes)
        return str(format_time(wall.time(), "short", locale=self.locale)).replace("\u202f", " ")
