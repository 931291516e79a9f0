"""When it would suit: a visitor's own words read in the practice's zone, with what could not be read said openly."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from functools import lru_cache
from typing import Any

import dateparser

from bot.booking.echo import Echo, Window
from bot.booking.grammar import Grammar, alternatives, clock_of, grammar, minutes
from bot.hours import Hours
from bot.words import Words

_AHEAD = 21  # days within which a wish without a date is looked up in the opening hours
_SLOTS = 3
_JUST_PAST = 60  # days: a day and month without a year that lies so close behind was meant, and has passed
_MONTH_FIRST = frozenset({"US", "CA", "PH"})


@dataclass(frozen=True, slots=True)
class Wish:
    """Days (dates, or weekdays that recur; neither: any day) and windows within them (none: the whole day)."""

    dates: tuple[date, ...] = ()
    weekdays: frozenset[int] = frozenset()
    windows: tuple[Window, ...] = ()


@dataclass(frozen=True, slots=True)
class Times:
    """What was read. `slots` are RFC 3339 in the practice's zone, "start" or "start/end" (a window)."""

    wishes: tuple[Wish, ...] = ()
    slots: tuple[str, ...] = ()
    either: tuple[date, ...] = ()  # a date that can be read two ways
    past: tuple[date, ...] = ()
    closed: tuple[date, ...] = ()  # dates on which the practice is closed all day
    outside: bool = False  # the practice is never open at such a time
    spans: tuple[tuple[int, int], ...] = field(default=(), compare=False)

    @property
    def found(self) -> bool:
        return bool(self.wishes or self.either or self.past)


@dataclass(frozen=True, slots=True)
class _Token:
    """One word of time, where it stands in the text. kind: date | weekday | weak | day | window."""

    start: int
    end: int
    wish: Wish
    kind: str


class Reader:
    """Reads times in one practice's zone and hours. Languages without words of time fall back on dateparser alone."""

    def __init__(self, words: Words, hours: Hours) -> None:
        self.words, self.hours = words, hours
        self._of = lru_cache(maxsize=16)(self._make)

    def _make(self, language: str) -> Grammar | None:
        own = self.words.language(language)
        table = own.tables.get("booking", {}).get("times") if own.code == language[:2].lower() else None
        return grammar(table) if table else None

    # ── reading ──

    def read(self, text: str, now: datetime, language: str) -> Times:
        """Whatever of `text` speaks of a day or a time of day. `now` is aware; nothing is guessed in silence."""
        text = text.replace("’", "'")
        words, today = self._of(language), self.hours.local(now).date()
        if words is None:
            return self._settle(self._plain(text, now, language), (), (), now, ())
        either: list[date] = []
        past: list[date] = []
        tokens: list[_Token] = []
        taken = bytearray(len(text))
        for match in words.numeric.finditer(text):
            dates = self._numeric(match, today)
            if not dates:
                continue
            taken[match.start() : match.end()] = b"\1" * (match.end() - match.start())
            if len(dates) > 1:
                either += [d for d in dates if d >= today]
                past += [d for d in dates if d < today]
                dates = tuple(d for d in dates if d >= today) or dates
            tokens.append(_Token(match.start(), match.end(), Wish(dates=dates[:1]), "date"))
        for match in words.day.finditer(text):
            if any(taken[match.start() : match.end()]):
                continue
            wish = self._day(match, words, now, language)
            if wish is None:
                continue
            covered = match.end() if not match["near"] else match.start()  # "tonight" is a day and a time
            taken[match.start() : covered] = b"\1" * max(0, covered - match.start())
            kind = "date" if match["named"] or match["iso"] else "weekday" if match["weekday"] else "day"
            kind = "weak" if kind == "weekday" and match["weekday"].lower() in words.table["weak"] else kind
            tokens.append(_Token(match.start(), match.end(), wish, kind))
        place = 0
        while (hit := words.window.search(text, place)) is not None:
            if any(taken[hit.start() : hit.end()]):
                place = hit.start() + 1
                continue
            place = max(hit.end(), place + 1)
            window = self._window(hit, words, bool(tokens))
            if window is not None:
                tokens.append(_Token(hit.start(), hit.end(), Wish(windows=(window,)), "window"))
        tokens = _sifted(tokens, text, words.table["beside"])
        wishes = _joined(tuple(token.wish for token in tokens))
        if not wishes and re.search(rf"\b(?:{alternatives(words.table['any'])})\b", text, re.I):
            wishes = (Wish(weekdays=frozenset(range(7))),)
        kept: list[Wish] = []
        for wish in wishes:
            past += [d for d in wish.dates if d < today]
            left = tuple(d for d in wish.dates if d >= today)
            if left or not wish.dates:
                kept.append(Wish(left, wish.weekdays, wish.windows))
        spans = tuple((token.start, token.end) for token in tokens)
        return self._settle(tuple(kept), tuple(dict.fromkeys(either)), tuple(dict.fromkeys(past)), now, spans)

    def on(self, day: date, text: str, now: datetime, language: str) -> Times:
        """The times of day in `text`, on the day that was meant."""
        windows = tuple(dict.fromkeys(w for wish in self.read(text, now, language).wishes for w in wish.windows))
        return self._settle((Wish((day,), frozenset(), windows),), (), (), now, ())

    def _plain(self, text: str, now: datetime, language: str) -> tuple[Wish, ...]:
        found = dateparser.parse(text[:200], languages=[language[:2]], settings=self._settings(now)) if text else None
        if found is None:
            return ()
        local = found.astimezone(self.hours.zone)
        exact = bool(re.search(r"\d\s*(?:[:h.]\d{2}|h\b|uhr|am|pm)", text, re.I))
        windows: tuple[Window, ...] = ((local.hour * 60 + local.minute, None, True),) if exact else ()
        return (Wish((local.date(),), frozenset(), windows),)

    def _settings(self, now: datetime) -> Any:
        return {
            "RELATIVE_BASE": self.hours.local(now).replace(tzinfo=None),
            "TIMEZONE": self.hours.zone.key,
            "RETURN_AS_TIMEZONE_AWARE": True,
            "PREFER_DATES_FROM": "future",
            "DATE_ORDER": "MDY" if self.words.practice.country in _MONTH_FIRST else "DMY",
        }

    def _numeric(self, match: re.Match[str], today: date) -> tuple[date, ...]:
        """ "11/12" is two dates, the practice's own order first; "24/11" and "11/24" are one."""
        a, b, year = int(match[1]), int(match[3]), match[4]
        if match[2] in ".-" and not year:
            return ()  # "5.30" is a time and "5-6" a span of hours
        orders = [(a, b), (b, a)] if self.words.practice.country in _MONTH_FIRST else [(b, a), (a, b)]
        found = [d for month, day in orders if (d := _date(month, day, year, today))]
        return tuple(dict.fromkeys(found))

    def _day(self, match: re.Match[str], grammar: Grammar, now: datetime, language: str) -> Wish | None:
        table, today = grammar.table, self.hours.local(now).date()
        monday = today - timedelta(days=today.weekday())
        if match["near"]:
            return Wish((today + timedelta(days=table["near"][match["near"].lower()]),))
        if match["next_week"]:
            return Wish(tuple(monday + timedelta(days=7 + n) for n in range(5)))
        if match["this_week"]:
            return Wish(tuple(d for n in range(5) if (d := monday + timedelta(days=n)) >= today))
        if match["group"]:
            if not (match["every"] or match["plural"]) and match["group"].lower() == "day":
                return None
            return Wish(weekdays=frozenset(table["groups"][match["group"].lower()]))
        if match["weekday"]:
            number = table["weekdays"][match["weekday"].lower()]
            if match["each"] or match["many"]:
                return Wish(weekdays=frozenset({number}))
            if match["next"]:
                return Wish((monday + timedelta(days=7 + number),))
            return Wish((today + timedelta(days=(number - today.weekday()) % 7),))
        found = dateparser.parse(match["named"] or match[0], languages=[language[:2]], settings=self._settings(now))
        if found is None:
            return None
        day = found.astimezone(self.hours.zone).date()
        stated = re.search(r"\d{4}", match[0])
        again = _date(day.month, day.day, None, today) if match["named"] and not stated else None
        return Wish((again or day,))

    def _window(self, match: re.Match[str], grammar: Grammar, day_named: bool) -> Window | None:
        table = grammar.table
        if match["part"]:
            for pattern, (start, end) in table["parts"].items():
                if re.fullmatch(pattern, match["part"], re.I):
                    return minutes(start), minutes(end), False
        if match["h1"]:
            last = clock_of(match, 2, table, None)
            first = clock_of(match, 1, table, match["ap2"] if not match["ap1"] else None)
            if first is None or last is None or not (match["between"] or match["ap2"] or match["m1"] or day_named):
                return None
            return (first, last, False) if last > first else None
        if match["after"]:
            start_at = clock_of(match, 3, table, None)
            return None if start_at is None else (start_at, None, False)
        if match["before"]:
            end_at = clock_of(match, 4, table, None)
            return None if end_at is None else (None, end_at, False)
        n = 5 if match["at"] else 6
        exact = clock_of(match, n, table, None)
        said = match[f"ap{n}"] or match[f"m{n}"] or match["at"]
        if exact is None or not (said or match[f"h{n}"].lower() in {"noon", "midday"}):
            return None  # a number alone is no time of day
        return exact, None, True

    # ── against the opening hours ──

    def _settle(
        self,
        wishes: tuple[Wish, ...],
        either: tuple[date, ...],
        past: tuple[date, ...],
        now: datetime,
        spans: tuple[tuple[int, int], ...],
    ) -> Times:
        slots: list[str] = []
        closed: list[date] = []
        kept: list[Wish] = []
        gone: list[date] = list(past)
        for wish in wishes:
            today = self.hours.local(now).date()
            days = wish.dates or tuple(
                d for n in range(_AHEAD) if (d := today + timedelta(days=n)).weekday() in (wish.weekdays or range(7))
            )
            found = 0
            for day in days:
                opens = [(s, e) for s, e in self.hours.opening_on(day)]
                if not opens and wish.dates and len(wish.dates) == 1:
                    closed.append(day)
                for start, end, exact in wish.windows or ((None, None, False),):
                    slot = self._slot(day, start, end, exact, now)
                    if slot == "past" and len(wish.dates) == 1:
                        gone.append(day)
                    elif slot and slot != "past":
                        found += 1
                        if len(slots) < _SLOTS or wish.dates:
                            slots.append(slot)
                if found >= _SLOTS and not wish.dates:
                    break
            if not (wish.dates and all(d in gone for d in wish.dates)):
                kept.append(wish)
        outside = bool(kept) and not slots and not closed
        days_gone, first = tuple(dict.fromkeys(gone)), tuple(dict.fromkeys(slots))[:9]
        return Times(tuple(kept), first, either, days_gone, tuple(closed), outside, spans)

    def _slot(self, day: date, start: int | None, end: int | None, exact: bool, now: datetime) -> str:
        """The first stretch of that day in the window and in the opening hours; "" none, "past" all gone by."""
        low = self.hours.instant(day, start or 0)
        high = self.hours.instant(day, end if end is not None else 24 * 60, closing=True)
        if exact:
            high = low + timedelta(minutes=1)
        if high <= now:
            return "past"
        now = now.replace(second=0, microsecond=0) + timedelta(minutes=1 if now.second or now.microsecond else 0)
        for opens, closes in self.hours.opening_on(day):
            first, last = max(low, opens, now), min(high, closes)
            if exact and opens <= low < closes:
                return self.hours.local(low).isoformat(timespec="seconds")
            if not exact and first < last:
                a, b = self.hours.local(first), self.hours.local(last)
                return f"{a.isoformat(timespec='seconds')}/{b.isoformat(timespec='seconds')}"
        return ""

    def echo(self, times: Times, now: datetime, language: str) -> str:
        """The wishes in plain words, in the language's manner: "Tuesday, November 24, after 4:00 PM"."""
        said = Echo(self.words, self.hours, now, language)
        parts = [said.wish(w.dates, w.weekdays, w.windows) for w in times.wishes]
        return said.either(list(dict.fromkeys(parts)))

    def day(self, day: date, now: datetime, language: str) -> str:
        return Echo(self.words, self.hours, now, language).day(day)


def _date(month: int, day: int, year: str | None, today: date) -> date | None:
    try:
        if year:
            return date(int(year) + (2000 if len(year) == 2 else 0), month, day)
        this = date(today.year, month, day)
        return this if (today - this).days <= _JUST_PAST else date(today.year + 1, month, day)
    except ValueError:
        return None


def _sifted(tokens: list[_Token], text: str, beside: str) -> list[_Token]:
    """In order, without the weekday that only names a date's day ("Tuesday, November 24"), and without a weak
    sign ("sat") that stands alone in a sentence."""
    tokens = sorted(tokens, key=lambda token: (token.start, not token.wish.dates))
    kept: list[_Token] = []
    for n, token in enumerate(tokens):
        near = (tokens[n - 1] if n else None, tokens[n + 1] if n + 1 < len(tokens) else None)
        named = any(
            other is not None
            and other.kind == "date"
            and re.fullmatch(beside, text[min(token.end, other.end) : max(token.start, other.start)], re.I)
            for other in near
        )
        alone = len(tokens) == 1 and len(text.split()) > 1
        if not (token.kind in {"weekday", "weak"} and named) and not (token.kind == "weak" and alone):
            kept.append(token)
    return kept


def _joined(tokens: tuple[Wish, ...]) -> tuple[Wish, ...]:
    """Days and the windows beside them make one wish: "Mon or Tue after 4" is one, "Mon after 4, Tue at 9" two."""
    done: list[Wish] = []
    dates: list[date] = []
    weekdays: set[int] = set()
    windows: list[Window] = []
    days_first = True

    def close() -> None:
        if dates or weekdays or windows:
            done.append(Wish(tuple(dict.fromkeys(dates)), frozenset(weekdays), tuple(dict.fromkeys(windows))))
        dates.clear()
        weekdays.clear()
        windows.clear()

    for token in tokens:
        if token.windows:
            days_first = days_first if windows else bool(dates or weekdays)
            windows.extend(token.windows)
            continue
        if windows and (dates or weekdays) and days_first:
            close()
        if (dates and token.weekdays) or (weekdays and token.dates):
            close()
        dates.extend(token.dates)
        weekdays.update(token.weekdays)
    close()
    return tuple(done)
