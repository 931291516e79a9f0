"""When the practice is open, and what may honestly be promised of a person's time. The one place that knows."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from babel import Locale, UnknownLocaleError
from babel.dates import format_date, format_skeleton, format_time, get_timezone_name

from bot.words import Practice, WordsFault

DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_FULL = 24 * 60
_FAR = 400  # days looked ahead before "never" is the answer
_CLOSE = 15  # minutes that a risk flag leaves at least, however near closing time is

Span = tuple[int, int]  # minutes after local midnight, end exclusive; an end beyond 24:00 runs into the next day
Period = tuple[datetime, datetime]  # UTC


@dataclass(frozen=True, slots=True)
class Promise:
    """What a visitor may be told. `key` names a block of replies ([promise_minutes] …) that `values` fill.

    `due_at` is UTC, or None when nothing can be promised (no hours stated, or closed for more than a year).
    """

    due_at: datetime | None
    key: str
    open: bool
    values: Mapping[str, str]


def _clock(text: str, where: str) -> int:
    hour, _, minute = text.strip().partition(":")
    if not (hour.isdigit() and minute.isdigit() and len(minute) == 2):
        raise WordsFault(f"{where}: {text!r} is no time of day; write 09:00")
    minutes = int(hour) * 60 + int(minute)
    if minutes > _FULL or int(minute) > 59:
        raise WordsFault(f"{where}: {text!r} is no time of day; the day ends at 24:00")
    return minutes


def _spans(texts: Any, where: str) -> tuple[Span, ...]:
    """["09:00-12:00", "22:00-02:00"]; one that ends before it starts runs across midnight."""
    if not isinstance(texts, list | tuple):
        raise WordsFault(f'{where}: write a list of hours, ["09:00-18:00"]')
    found: list[Span] = []
    for text in texts:
        start, dash, end = str(text).replace("–", "-").partition("-")
        if not dash:
            raise WordsFault(f"{where}: {text!r} has no end; write 09:00-18:00")
        first, last = _clock(start, where), _clock(end, where)
        if first == last:
            raise WordsFault(f"{where}: {text!r} is empty; the whole day is 00:00-24:00")
        found.append((first, last if last > first else last + _FULL))
    return tuple(sorted(found))


def _day(value: Any, where: str) -> date:
    if isinstance(value, datetime):
        return value.date()
    if isinstance(value, date):
        return value
    raise WordsFault(f"{where}: {value!r} is no date; write 2026-12-24, without quotes")


class Hours:
    """practice.toml's [hours], [[holidays]], [[leave]] and [escalation], read once. Raises WordsFault, in one line."""

    def __init__(self, practice: Practice) -> None:
        try:
            self.zone = ZoneInfo(practice.time_zone)
        except (ZoneInfoNotFoundError, ValueError):
            raise WordsFault(f"practice.toml: time_zone {practice.time_zone!r}: write America/New_York") from None
        table = practice.get("hours") or {}
        if wrong := [name for name in table if name not in DAYS]:
            raise WordsFault(f"practice.toml: [hours] has {wrong[0]!r}; the days are {', '.join(DAYS)}")
        self._week = {n: _spans(table.get(name, []), f"practice.toml: [hours] {name}") for n, name in enumerate(DAYS)}
        self._holidays: dict[date, tuple[Span, ...]] = {}
        self.holiday_names: dict[date, str] = {}
        for entry in practice.get("holidays") or ():
            day = _day(entry.get("date"), "practice.toml: [[holidays]] date")
            self._holidays[day] = _spans(entry.get("hours", []), f"practice.toml: [[holidays]] {day}")
            self.holiday_names[day] = str(entry.get("name", ""))
        self._leave: list[tuple[str, date, date]] = []
        for entry in practice.get("leave") or ():
            first = _day(entry.get("first"), "practice.toml: [[leave]] first")
            last = _day(entry.get("last", first), "practice.toml: [[leave]] last")
            if last < first:
                raise WordsFault(f"practice.toml: [[leave]] ends ({last}) before it starts ({first})")
            self._leave.append((str(entry.get("who", "")), first, last))
        self._escalation: Mapping[str, Any] = practice.get("escalation") or {}

    # ── the calendar ──

    def local(self, at: datetime) -> datetime:
        return at.astimezone(self.zone)

    def on_leave(self, who: str, at: datetime) -> bool:
        """Whether [[leave]] has this address away on that day. Leave without `who` is the whole practice's."""
        day = self.local(at).date()
        return any(name == who and first <= day <= last for name, first, last in self._leave)

    def _closed(self, day: date) -> bool:
        return any(not name and first <= day <= last for name, first, last in self._leave)

    def _own(self, day: date) -> tuple[Span, ...]:
        if self._closed(day):
            return ()
        return self._holidays[day] if day in self._holidays else self._week[day.weekday()]

    def _on(self, day: date) -> list[Span]:
        """Minutes open between midnight and midnight. The night before spills in, unless this day has its own hours."""
        spans = [(start, min(end, _FULL)) for start, end in self._own(day)]
        if day not in self._holidays and not self._closed(day):
            spans += [(0, end - _FULL) for _, end in self._own(day - timedelta(days=1)) if end > _FULL]
        return sorted(spans)

    def instant(self, day: date, minutes: int, closing: bool = False) -> datetime:
        """UTC of a wall-clock time. A missing one is the moment the clocks go forward; of a doubled one,
        opening takes the first and closing the second."""
        wall = datetime.combine(day, time()) + timedelta(minutes=minutes)
        early, late = wall.replace(tzinfo=self.zone, fold=0), wall.replace(tzinfo=self.zone, fold=1)
        chosen = (late if closing else early).astimezone(UTC)
        if chosen.astimezone(self.zone).replace(tzinfo=None) == wall:
            return chosen
        low, high = late.astimezone(UTC), early.astimezone(UTC)  # a missing time: the change lies between
        before = low.astimezone(self.zone).utcoffset()
        while high - low > timedelta(seconds=1):
            middle = low + (high - low) / 2
            low, high = (middle, high) if middle.astimezone(self.zone).utcoffset() == before else (low, middle)
        return high.replace(microsecond=0)

    def _days(self, first: date, days: int) -> Iterator[Period]:
        for n in range(days):
            day = first + timedelta(days=n)
            for start, end in self._on(day):
                opens, closes = self.instant(day, start, False), self.instant(day, end, True)
                if closes > opens:
                    yield opens, closes

    def periods(self, at: datetime, days: int = _FAR) -> Iterator[Period]:
        """Open periods (UTC) that end after `at`, in order, joined where one meets the next; `days` days ahead."""
        held: Period | None = None
        for opens, closes in self._days(self.local(at).date() - timedelta(days=1), days + 2):
            if closes <= at:
                continue
            if held and opens <= held[1]:
                held = held[0], max(held[1], closes)
                continue
            if held:
                yield held
            held = opens, closes
        if held:
            yield held

    def opening_on(self, day: date) -> tuple[Period, ...]:
        """The open periods (UTC) of one local day, midnight to midnight; empty when closed all day."""
        return tuple(self._days(day, 1))

    def open_at(self, at: datetime) -> bool:
        return any(opens <= at for opens, _ in self.periods(at, 1))

    def next_opening(self, at: datetime) -> datetime | None:
        """`at` itself while open; else when it opens next, in UTC; None when not within 400 days."""
        first = next(self.periods(at), None)
        return max(at, first[0]) if first else None

    def closes_at(self, at: datetime) -> datetime | None:
        """When the present opening ends; None while closed, or when it does not close within a fortnight."""
        first = next(self.periods(at, 15), None)
        if not first or first[0] > at or first[1] - at > timedelta(days=14):
            return None
        return first[1]

    def day_ends(self, at: datetime) -> datetime | None:
        """The last closing of the working day of `at`, when there is one still to come."""
        day = self.local(at).date()
        ends = [closes for opens, closes in self.periods(at, 1) if self.local(opens).date() <= day and closes > at]
        return ends[-1] if ends else None

    def add_open(self, at: datetime, minutes: float) -> datetime | None:
        """The moment when so many open minutes have passed since `at`; None when it never comes."""
        left = timedelta(minutes=minutes)
        for opens, closes in self.periods(at):
            start = max(opens, at)
            if start + left <= closes:
                return start + left
            left -= closes - start
        return None

    # ── the promise ──

    def target(self, urgency: int) -> float:
        """Minutes, from [escalation]; the shipped figures when not stated."""
        given = self._escalation.get(str(int(urgency)), {}).get("target_minutes")
        return float(given) if given else {4: 2.0, 3: 15.0, 2: 240.0}.get(int(urgency), 480.0)

    def _same_day(self, urgency: int) -> bool:
        return bool(self._escalation.get(str(int(urgency)), {}).get("same_day", urgency == 2))

    def due(self, urgency: int, at: datetime) -> datetime | None:
        """When a person is promised to have looked, in UTC.

        Urgency 4: its minutes from now, open or not. 3: its minutes from now while open, else from the next
        opening. The rest: their minutes of open time; with `same_day` (always at 2) not after the working day ends.
        """
        minutes = self.target(urgency)
        if urgency >= 4:
            return at + timedelta(minutes=minutes)
        start = self.next_opening(at)
        if start is None:
            return None
        if urgency == 3:
            return start + timedelta(minutes=minutes)
        counted = self.add_open(start, minutes)
        if not self._same_day(urgency):
            return counted
        end = self.day_ends(start)
        if end is None or (counted and counted <= end):
            return counted
        least = start + timedelta(minutes=_CLOSE if urgency >= 2 else 60)
        return max(end, least) if urgency >= 2 or least <= end else counted

    def promise(self, urgency: int, at: datetime, language: str) -> Promise:
        """The promise as words: the block's key and the values for it (see Promise)."""
        due, open_now = self.due(urgency, at), self.open_at(at)
        opens = None if open_now else self.next_opening(at)
        values = self.words_of(due, at, language, "") | self.words_of(opens, at, language, "opens_")
        if due is None:
            return Promise(None, "promise_none", open_now, values)
        minutes = max(1, round((due - at).total_seconds() / 60))
        values["minutes"] = str(minutes)
        if urgency >= 4:
            return Promise(due, "promise_now" if open_now else "promise_now_closed", open_now, values)
        if minutes <= 90:
            return Promise(due, "promise_minutes" if minutes > 1 else "promise_minute", open_now, values)
        return Promise(due, "promise_" + self.nearness(due, at), open_now, values)

    def promise_words(self, urgency: int, at: datetime, language: str) -> dict[str, str]:
        """Values for a reply block: time, day, zone, minutes, and opens_time, opens_day while closed."""
        return dict(self.promise(urgency, at, language).values)

    def nearness(self, when: datetime, now: datetime) -> str:
        """today | tomorrow | day (this week) | date (later), by the practice's own calendar."""
        days = (self.local(when).date() - self.local(now).date()).days
        return "today" if days <= 0 else "tomorrow" if days == 1 else "day" if days < 7 else "date"

    def words_of(self, when: datetime | None, now: datetime, language: str, prefix: str = "") -> dict[str, str]:
        """`when` in the language's manner, in the practice's zone: {time, day, date, zone}, each after `prefix`."""
        if when is None:
            return dict.fromkeys((f"{prefix}time", f"{prefix}day", f"{prefix}date", f"{prefix}zone"), "")
        try:
            locale = Locale.parse(language.replace("-", "_"))
        except (UnknownLocaleError, ValueError):
            locale = Locale("en")
        local = self.local(when)
        return {
            f"{prefix}time": format_time(local, "short", tzinfo=self.zone, locale=locale).replace("\u202f", " "),
            f"{prefix}day": format_date(local.date(), "EEEE", locale=locale),
            f"{prefix}date": _date(local.date(), local.year != self.local(now).year, locale),
            f"{prefix}zone": get_timezone_name(self.zone, locale=locale),
        }


def _date(day: date, with_year: bool, locale: Locale) -> str:
    """Such as "Thursday, November 26"; with the year when it is not this one."""
    if with_year:
        return format_date(day, "full", locale=locale)
    return format_date(day, "EEEE", locale=locale) + ", " + format_skeleton("MMMMd", day, locale=locale)
