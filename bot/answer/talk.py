"""How a visitor talks: what a message is, read from the patterns of corpus/<language>/talk.toml."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import Any

from bot.answer.needed import Sieve
from bot.words import Language, Practice, WordsFault

_APOSTROPHES = re.compile(r"['’‘`´ʼ]")
_NOT_WORD = re.compile(r"[^\w\s]|_")
_SPACE = re.compile(r"\s+")
_ASCII = {mark: " " for mark in range(128) if not chr(mark).isalnum()} | dict.fromkeys(map(ord, "'`"))
_PARTS = re.compile(r"(?<=[.!?…])[\"”’)]*\s+|\n+")
_SAID = re.compile(r"[.!?,;…\n]+|\s-\s")
_CLAUSES = re.compile(r"[.!?,;:…\n]+")
_TOO_LONG = 400  # folded characters: whole-message patterns are for short messages


def fold(text: str) -> str:
    """The text as patterns see it: lower case, no accents, apostrophes or punctuation, single spaces."""
    if text.isascii():
        return " ".join(text.lower().translate(_ASCII).split())
    plain = unicodedata.normalize("NFKD", text.casefold())
    plain = "".join(c for c in plain if not unicodedata.combining(c))
    return _SPACE.sub(" ", _NOT_WORD.sub(" ", _APOSTROPHES.sub("", plain))).strip()


@lru_cache(maxsize=16384)
def fold_known(text: str) -> str:
    """`fold` for the articles' own texts, remembered. Never for what a visitor wrote."""
    return fold(text)


def parts_of(text: str) -> tuple[str, ...]:
    """The message's sentences, as typed."""
    return tuple(part.strip() for part in _PARTS.split(text) if part.strip())


@dataclass(frozen=True, slots=True)
class Shape:
    """The shape of a question. `sides` are a comparison's two, folded."""

    name: str
    opening: str
    back: str = ""
    fits: tuple[re.Pattern[str], ...] = ()
    sides: tuple[str, ...] = ()
    must: bool = False  # an answer without a sentence that fits is none


@dataclass(frozen=True, slots=True)
class Feeling:
    """A feeling that the visitor said, and questions of the articles that may help with it."""

    word: str
    ask: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Topic:
    """Something that visitors ask of the practice. `say` are sentences with {paths} into practice.toml."""

    name: str
    heading: str
    label: str
    say: tuple[Any, ...] = ()
    patterns: tuple[re.Pattern[str], ...] = field(default=(), repr=False)
    unless: tuple[re.Pattern[str], ...] = field(default=(), repr=False)
    particular: re.Pattern[str] | None = field(default=None, repr=False)  # what may be asked and not be mentioned
    facts: bool = False  # whether the practice's own facts that match belong to it


class Talk:
    """One language's patterns, compiled. Raises WordsFault, naming the pattern, when one is no regular expression."""

    def __init__(self, language: Language, practice: Practice, articles: Language | None = None) -> None:
        """`articles` is the articles' language, where it is another: it knows how their sentences hang together."""
        table = language.tables.get("talk")
        if table is None:
            raise WordsFault(f"{language.folder}/talk.toml is missing")
        self.table: Mapping[str, Any] = table
        self._path = f"{language.folder}/talk.toml"
        dates = table.get("dates", {})
        insurers = practice.get("insurance", "accepted") or ()
        self._fill = {
            "{weekday}": "|".join(f"(?:{p})" for p in dates.get("weekday_patterns", ())) or "(?!)",
            "{month}": "|".join(f"(?:{p})" for p in dates.get("month_patterns", ())) or "(?!)",
            "{holiday}": str(dates.get("named_holidays", "")) or "(?!)",
            "{practice}": re.escape(fold(practice.name)) or "(?!)",
            "{insurance}": "|".join(re.escape(fold(str(i))) for i in insurers) or "(?!)",
        }
        front, back = "|".join(table.get("front", ())), "|".join(table.get("back", ()))
        self._front = self._compile(rf"^(?:{front})\b\s*") if front else self._compile("(?!)")
        self._back = self._compile(rf"\s*\b(?:{back})$") if back else self._compile("(?!)")
        self.stop = frozenset(str(table.get("stop", "")).split())
        self.points_back = self._compile(table.get("points_back", "(?!)"))
        self.points_at = self._compile(table.get("points_at", "(?!)"))
        self.fills_a_place = self._compile(table.get("fills_a_place", "(?!)"))
        self.leans = self._compile(table.get("leans", "(?!)"))
        rows = table.get("shape", ())
        self._shapes = [(self._shape(row), self._all(row, "patterns"), self._only(row)) for row in rows]
        rows = table.get("followup", ())
        self._follow = [(str(row["name"]), self._whole(row), str(row.get("ask", ""))) for row in rows]
        self._small = [(str(row["block"]), self._whole(row)) for row in table.get("smalltalk", ())]
        self._read_feelings(table.get("distress", {}))
        self.topics = tuple(self._topic(row) for row in table.get("practice", {}).get("topic", ()))
        self._topics = [(pattern, topic) for topic in self.topics for pattern in topic.patterns]
        self._sieve = Sieve([pattern for pattern, _ in self._topics])
        sentences = ((articles or language).tables.get("talk") or table).get("sentences", {})
        self.joins = self._compile(f"(?i){table['joins']}" if table.get("joins") else "(?!)")
        self.begins = self._compile(table.get("begins", "(?!)"))
        self.generic = frozenset(str(table.get("generic", "")).split())
        self.depends = self._compile(sentences.get("depends", "(?!)"))
        self.hedges = self._compile(sentences.get("hedges", "(?!)"))
        self.claims = self._compile(sentences.get("claims", "(?!)"))
        self.known_content = lru_cache(maxsize=8192)(self._known_content)
        self.company = lru_cache(maxsize=8192)(self._company)

    # ── compiling ───────────────────────────────────────────────────────────────────────────────────────────

    def _compile(self, pattern: str) -> re.Pattern[str]:
        for name, value in self._fill.items():
            pattern = pattern.replace(name, value)
        try:
            return re.compile(pattern)
        except re.error as error:
            raise WordsFault(f"{self._path}: the pattern {pattern[:60]!r} cannot be read: {error}") from None

    def fill(self, pattern: str) -> re.Pattern[str]:
        """A pattern with the names of days and months put in."""
        return self._compile(pattern)

    def compile(self, *path: str) -> re.Pattern[str]:
        """One pattern of the table, by its path; one that never matches when it is not there."""
        value: Any = self.table
        for name in path:
            value = value.get(name, "") if isinstance(value, Mapping) else ""
        return self._compile(str(value) or "(?!)")

    def _all(self, row: Mapping[str, Any], key: str) -> tuple[re.Pattern[str], ...]:
        return tuple(self._compile(p) for p in row.get(key, ()))

    def _only(self, row: Mapping[str, Any]) -> re.Pattern[str] | None:
        return self._compile(row["only"]) if row.get("only") else None

    def _whole(self, row: Mapping[str, Any]) -> re.Pattern[str]:
        return self._compile(rf"^(?:{'|'.join(row.get('whole', ())) or '(?!)'})$")

    def _shape(self, row: Mapping[str, Any]) -> Shape:
        fits = tuple(self._compile(f"(?i){p}") for p in row.get("fits", ()))
        must = bool(row.get("must", False))
        return Shape(str(row["name"]), str(row["opening"]), str(row.get("back", "")), fits, must=must)

    def _topic(self, row: Mapping[str, Any]) -> Topic:
        return Topic(
            str(row["name"]),
            str(row["heading"]),
            str(row["label"]),
            tuple(row.get("say", ())),
            self._all(row, "patterns"),
            self._all(row, "unless"),
            self._compile(row["particular"]) if row.get("particular") else None,
            bool(row.get("facts", False)),
        )

    def _read_feelings(self, table: Mapping[str, Any]) -> None:
        rows = [(str(row["words"]), tuple(row.get("ask", ()))) for row in table.get("feeling", ())]
        every = "|".join(words for words, _ in rows) or "(?!)"
        self._feeling = [self._compile(p.replace("{feeling}", every)) for p in table.get("patterns", ())]
        self._plain_feeling = self._all(table, "plain")
        self._loose_feeling = [self._compile(p.replace("{feeling}", every)) for p in table.get("loose", ())]
        self._feelings = [(self._compile(rf"\b(?:{words})\b"), ask) for words, ask in rows]
        self._asks = self._compile(table.get("asks", "(?!)"))
        self._not_asks = self._compile(table.get("not_asks", "(?!)"))

    # ── reading ─────────────────────────────────────────────────────────────────────────────────────────────

    def core(self, folded: str) -> str:
        """The folded message without the courtesies at its two ends; the whole when there is nothing else."""
        left = folded
        for _ in range(8):
            shorter = self._back.sub("", self._front.sub("", left, count=1), count=1).strip()
            if shorter == left:
                break
            left = shorter
        return left

    def content(self, folded: str) -> tuple[str, ...]:
        """The words that carry a topic, in order."""
        return tuple(word for word in folded.split() if word not in self.stop and (len(word) > 1 or word.isdigit()))

    def _known_content(self, text: str) -> frozenset[str]:
        """The content of one of the articles' own texts, as a set; remembered, so never of what a visitor wrote."""
        return frozenset(self.content(fold_known(text)))

    def smalltalk(self, text: str) -> str:
        """The reply block for a message that is small talk and nothing else; "" for any other."""
        whole = fold(text)
        if not whole or len(whole) > _TOO_LONG:
            return ""
        found = [self._small_one(whole)]
        if not found[0]:
            found = [self._small_one(self.core(whole))]
        if not found[0]:
            parts = [folded for part in _SAID.split(text) if (folded := fold(part))]
            found = [self._small_one(part) for part in parts] if len(parts) > 1 else []
        if not found or not all(found):
            return ""
        rank = [block for block, _ in self._small]
        return min(found, key=rank.index)

    def _small_one(self, folded: str) -> str:
        return next((block for block, whole in self._small if whole.match(folded)), "")

    def followup(self, core: str) -> tuple[str, str]:
        """(name, what it asks for) of a follow-up that is a command or an echo; two empty strings for any other."""
        if len(core) > _TOO_LONG:
            return "", ""
        return next(((name, ask) for name, whole, ask in self._follow if whole.match(core)), ("", ""))

    def asked_by(self, name: str) -> str:
        """What a follow-up of that name asks for."""
        return next((ask for own, _, ask in self._follow if own == name), "")

    def shape(self, core: str) -> Shape:
        """The shape of a question, "other" when it has none that we know."""
        core = self.begins.sub("", core)
        for shape, patterns, only in self._shapes:
            for pattern in patterns:
                match = pattern.search(core[:_TOO_LONG])
                if match is None or (only is not None and not only.search(core)):
                    continue
                groups = match.groupdict()
                sides = tuple(s.strip() for s in (groups.get("a") or "", groups.get("b") or "") if s.strip())
                return replace(shape, sides=sides)
        return Shape("other", "answer_other")

    def feeling(self, core: str, loose: bool = False) -> Feeling | None:
        """The feeling that a message says, and says only; with `loose`, one that is said among other things."""
        if len(core) > _TOO_LONG or (not loose and self.asks(core)):
            return None
        core = self._not_asks.sub("", core).strip()
        patterns = [*self._feeling, *self._plain_feeling, *(self._loose_feeling if loose else ())]
        if not any(p.search(core) for p in patterns):
            return None
        for pattern, ask in self._feelings:
            match = pattern.search(core)
            if match:
                return Feeling(match.group(), ask)
        return Feeling("", self._feelings[-1][1] if self._feelings else ())

    def _company(self, sentences: tuple[str, ...], sentence: int) -> tuple[int, ...]:
        """The sentence of a passage with those that it may not be shown without, in order."""
        first = last = sentence
        if self.hedges.search(sentences[sentence]) and sentence and self.claims.search(sentences[sentence - 1]):
            first -= 1  # a hedge alone would hang in the air
        while first and sentence - first < 2 and self.depends.search(sentences[first]):
            first -= 1
        for after in range(sentence + 1, min(sentence + 3, len(sentences))):
            if self.hedges.search(sentences[after]):
                last = after
                break
            if not self.claims.search(sentences[after]):
                break
        return tuple(range(first, last + 1))

    def feeling_beside(self, text: str) -> bool:
        """Whether one clause of a message says a feeling: "I feel so anxious, what can I do?"."""
        return any(self.feeling(self.core(fold(clause))) for clause in _CLAUSES.split(text) if clause.strip())

    def asks(self, core: str) -> bool:
        """Whether question words stand in it."""
        return bool(self._asks.search(self._not_asks.sub("", core)))

    def topic(self, core: str) -> Topic | None:
        """What the message asks of the practice; None when it does not."""
        if len(core) > _TOO_LONG:
            return None
        for place in self._sieve.likely(core):
            pattern, topic = self._topics[place]
            if pattern.search(core) and not any(p.search(core) for p in topic.unless):
                return topic
        return None

    def named(self, name: str) -> Topic | None:
        return next((topic for topic in self.topics if topic.name == name), None)

    def joined(self, parts: Sequence[str]) -> str:
        """ "a, b and c" in the language's own word."""
        if len(parts) < 2:
            return "".join(parts)
        return f"{', '.join(parts[:-1])} {self.table.get('and', ',')} {parts[-1]}"
