"""What the practice states about itself, and nothing else: practice.toml as sentences for replies and page."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta
from typing import Any

from babel import Locale, UnknownLocaleError
from babel.dates import format_date, format_time, get_day_names

from bot.answer.talk import Talk, Topic, fold
from bot.hours import DAYS, Hours
from bot.words import Words

PAGE = "/practice"
SLUG = "practice"
NEAR = 0.6  # share of content words in common from which a question asks for one of the practice's own facts
_PATH = re.compile(r"\{([a-z_.]+)\}")


@dataclass(frozen=True, slots=True)
class Stated:
    """What is stated on a topic. `sentences` follow one another on the page; empty: nothing is stated.

    `part` is something particular that was asked and is not mentioned; `frame` says the state of things at this moment.
    """

    topic: Topic
    sentences: tuple[str, ...] = ()
    part: str = ""
    frame: tuple[tuple[str, Mapping[str, str]], ...] = ()  # reply blocks with their values, said before the quote
    page: tuple[str, ...] = ()  # the page's texts, in which the quotes stand
    url: str = PAGE


def _locale(language: str) -> Locale:
    try:
        return Locale.parse(language.replace("-", "_"))
    except (UnknownLocaleError, ValueError):
        return Locale("en")


def _spans_of(texts: Any) -> tuple[tuple[int, int], ...]:
    """["09:00-18:00"] as minutes after midnight. Hours has proved the form."""
    found = []
    for text in texts or ():
        start, _, end = str(text).replace("–", "-").partition("-")
        found.append((_minutes(start), _minutes(end)))
    return tuple(sorted(found))


def _minutes(clock: str) -> int:
    hour, _, minute = clock.strip().partition(":")
    return int(hour) * 60 + int(minute)


class Facts:
    """One practice in one language. Made again when the words are."""

    def __init__(self, words: Words, talk: Talk, language: str) -> None:
        self._words, self._talk, self._language = words, talk, language
        self.practice = words.practice
        self.hours = Hours(words.practice)
        self._locale = _locale(language)
        self._dates: Mapping[str, Any] = talk.table.get("dates", {})
        names = get_day_names("wide", "format", locale=self._locale)
        self._day_names = tuple(str(names[n]) for n in range(7))
        self._facts = [
            (tuple(fold(str(a)) for a in row.get("ask", ())), str(row.get("say", "")).strip())
            for row in self.practice.get("facts") or ()
        ]

        self._page = tuple(text for _, text in self.page())
        self._url = PAGE if language == "en" else f"{PAGE}?lang={language}"

    # ── what is stated ──────────────────────────────────────────────────────────────────────────────────────

    def sentences(self, topic: Topic) -> tuple[str, ...]:
        """Everything stated on a topic, in the page's order."""
        if topic.name == "hours":
            return (*self._week(), *(s for _, s in self._holidays()))
        found = [self._filled(say) for say in topic.say]
        found += [say for asks, say in self._facts if topic.facts and self._home(asks) is topic]
        return tuple(dict.fromkeys(s for s in found if s))

    def page(self) -> list[tuple[str, str]]:
        """(heading, text) of all that is stated, for the page /practice. Every quote of a reply stands in it."""
        rows: dict[str, list[str]] = {}
        for topic in self._talk.topics:
            held = rows.setdefault(topic.heading, [])
            held += [s for s in self.sentences(topic) if s not in held]
        for asks, say in self._facts:
            if asks and self._home(asks) is None:
                rows.setdefault(asks[0], []).append(say)
        return [(heading, " ".join(held)) for heading, held in rows.items() if held]

    def _home(self, asks: tuple[str, ...]) -> Topic | None:
        """The topic that a fact of the practice's own belongs to; None: it stands for itself."""
        return next((t for t in (self._talk.topic(ask) for ask in asks) if t is not None and t.facts), None)

    def fact(self, core: str) -> Stated | None:
        """A fact whose own wording is near enough to what was asked."""
        asked = set(self._talk.content(core))
        for asks, say in self._facts:
            for ask in asks:
                own = set(self._talk.content(ask))
                if core == ask or (own and len(asked & own) >= NEAR * len(asked | own)):
                    topic = self._home(asks) or Topic("fact", asks[0], ask)
                    return Stated(topic, (say,), page=self._page, url=self._url)
        return None

    def _filled(self, say: Any) -> str:
        if isinstance(say, Mapping):
            value = self.practice.get(*str(say.get("when", "")).split("."))
            return str(say.get("text", "")) if value is say.get("is", True) else ""
        missing = False

        def put(match: re.Match[str]) -> str:
            nonlocal missing
            value = self._value(match.group(1))
            missing = missing or not value
            return value

        text = _PATH.sub(put, str(say)).strip()
        return "" if missing or not text else re.sub(r"\.\.$", ".", text if text[-1] in ".!?" else f"{text}.")

    def _value(self, path: str) -> str:
        value = self.practice.get(*path.split("."))
        if isinstance(value, list | tuple):
            names: Mapping[str, str] = self._talk.table.get("practice", {}).get("language_names", {})
            return self._talk.joined([names.get(str(v), str(v)) if path == "languages" else str(v) for v in value])
        return "" if isinstance(value, bool | Mapping) else str(value).strip()

    # ── a question about the practice ───────────────────────────────────────────────────────────────────────

    def stated(self, topic: Topic, core: str, now: datetime) -> Stated:
        """What is stated on the topic, as far as it was asked."""
        return replace(self._stated(topic, core, now), page=self._page, url=self._url)

    def _stated(self, topic: Topic, core: str, now: datetime) -> Stated:
        if topic.name == "hours":
            return self._hours_asked(topic, core, now)
        sentences = self.sentences(topic)
        match = topic.particular.search(core) if topic.particular else None
        part = match.group() if match and match.group() not in fold(" ".join(sentences)) else ""
        return Stated(topic, sentences, part)

    def _hours_asked(self, topic: Topic, core: str, now: datetime) -> Stated:
        week = self._week()
        if not week:
            return Stated(topic)
        today = self.hours.local(now).date()
        named = self._find("named_holidays", core)
        if named:
            return self._holiday_asked(topic, named, today)
        if self._has("holidays", core):
            rest = [s for day, s in self._holidays() if day >= today]
            return Stated(topic, tuple(rest) or week)
        if self._has("now", core) and not self._has("tomorrow", core):
            return self._now(topic, now)
        days = self._days(core, today)
        if not days:
            return Stated(topic, week)
        holidays = dict(self._holidays())
        usual = not self._has("today", core) and not self._has("tomorrow", core) and not self._dated(core)
        found: list[str] = []
        for day in days:
            found += [self._group_of(day.weekday())] if usual or day not in holidays else []
            found += [holidays[day]] if day in holidays else []
        closed = all(not self.hours.opening_on(d) for d in days)
        return Stated(topic, tuple(dict.fromkeys(found)), frame=self._next(now) if closed and today in days else ())

    def _now(self, topic: Topic, now: datetime) -> Stated:
        day = self.hours.local(now).date()
        sentence = dict(self._holidays()).get(day) or self._group_of(day.weekday())
        if self.hours.open_at(now):
            return Stated(topic, (sentence,), frame=(("practice_open_now", {}),))
        return Stated(topic, (sentence,), frame=(("practice_closed_now", {}), *self._next(now)))

    def _next(self, now: datetime) -> tuple[tuple[str, Mapping[str, str]], ...]:
        opening = self.hours.next_opening(now)
        if opening is None:
            return ()
        values = self.hours.words_of(opening, now, self._language)
        near = self.hours.nearness(opening, now)
        day = values["date"] if near == "date" else values["day"]
        return (("practice_next_opening", {"day": day, "time": values["time"]}),)

    def _holiday_asked(self, topic: Topic, named: str, today: date) -> Stated:
        called = str(self._dates.get("holiday_names", {}).get(named, named))
        wanted = set(called.split()) - {"day", "eve", "of"} or {called}
        rows = [(day, s) for day, s in self._holidays() if wanted & set(fold(self.hours.holiday_names[day]).split())]
        ahead = [s for day, s in rows if day >= today] or [s for _, s in rows]
        if ahead:
            return Stated(topic, tuple(ahead[:2]))
        rest = tuple(s for day, s in self._holidays() if day >= today) or self._week()
        return Stated(topic, rest, part=named)

    def _days(self, core: str, today: date) -> list[date]:
        """The days that were asked about: by date, as today or tomorrow, by name (the next one), or the weekend."""
        if (match := self._dated(core)) and (found := self._date(match, today)):
            return [found]
        days: list[date] = []
        if self._has("today", core):
            days.append(today)
        if self._has("tomorrow", core):
            days.append(today + timedelta(days=1))
        wanted = [n for n, p in enumerate(self._dates.get("weekday_patterns", ())) if re.search(rf"\b(?:{p})\b", core)]
        if self._has("weekend", core):
            wanted += [5, 6]
        return days + [today + timedelta(days=(n - today.weekday()) % 7) for n in wanted]

    def _dated(self, core: str) -> re.Match[str] | None:
        patterns = (self._talk.fill(p) for p in self._dates.get("date_patterns", ()))
        return next((match for p in patterns if (match := p.search(core))), None)

    def _date(self, match: re.Match[str], today: date) -> date | None:
        months = self._dates.get("month_patterns", ())
        month = next((n for n, p in enumerate(months, 1) if re.fullmatch(p, match.group("month"))), 0)
        for year in (today.year, today.year + 1):
            try:
                found = date(year, month, int(match.group("day")))
            except ValueError:
                continue
            if found >= today:
                return found
        return None

    def _has(self, name: str, core: str) -> bool:
        return bool(self._find(name, core))

    def _find(self, name: str, core: str) -> str:
        match = self._talk.compile("dates", name).search(core)
        return match.group() if match else ""

    # ── hours as sentences ──────────────────────────────────────────────────────────────────────────────────

    def _groups(self) -> list[tuple[list[int], tuple[tuple[int, int], ...]]]:
        groups: list[tuple[list[int], tuple[tuple[int, int], ...]]] = []
        for n in range(7):
            spans = _spans_of(self.practice.get("hours", DAYS[n]))
            if groups and groups[-1][1] == spans:
                groups[-1][0].append(n)
            else:
                groups.append(([n], spans))
        return groups

    def _week(self) -> tuple[str, ...]:
        if not self.practice.get("hours"):
            return ()
        return tuple(self._sentence(days, spans) for days, spans in self._groups())

    def _group_of(self, weekday: int) -> str:
        return next(self._sentence(days, spans) for days, spans in self._groups() if weekday in days)

    def _sentence(self, days: list[int], spans: tuple[tuple[int, int], ...]) -> str:
        names = [self._day_names[n] for n in days]
        template = self._dates.get("from_days" if len(names) > 2 else "on_days", "{days}")
        said = str(template).format(days=self._talk.joined(names), first=names[0], last=names[-1])
        return str(self._dates.get("open" if spans else "closed", "")).format(days=said, spans=self._spans(spans))

    def _holidays(self) -> list[tuple[date, str]]:
        rows = []
        for entry in sorted(self.practice.get("holidays") or (), key=lambda row: str(row["date"])):
            day, spans = entry["date"], _spans_of(entry.get("hours"))
            template = str(self._dates.get("holiday_open" if spans else "holiday_closed", ""))
            said = format_date(day, "long", locale=self._locale)
            rows.append((day, template.format(date=said, name=entry.get("name", ""), spans=self._spans(spans))))
        return rows

    def _spans(self, spans: tuple[tuple[int, int], ...]) -> str:
        if spans == ((0, 24 * 60),):
            return str(self._dates.get("all_day", ""))
        each = [str(self._dates.get("span", "")).format(start=self._clock(a), end=self._clock(b)) for a, b in spans]
        return self._talk.joined(each)

    def _clock(self, minutes: int) -> str:
        if minutes % (24 * 60) == 0:
            return str(self._dates.get("midnight", ""))
        at = time(minutes // 60 % 24, minutes % 60)
        return str(format_time(at, "short", locale=self._locale)).replace("\u202f", " ")


def practice_page(words: Words, language: str = "en") -> list[tuple[str, str]]:
    """(heading, text) rows of the page /practice (/practice?lang=xx in another language than English), where every
    quote of a practice answer stands word for word. English where the language has no words of its own for it."""
    held = words.language(language)
    own = held if "talk" in held.tables else words.language("en")
    return Facts(words, Talk(own, words.practice), own.code).page()
