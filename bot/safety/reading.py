"""A text as one pack reads it: sentences of canonical words, and whose, whether and when a finding in one is meant."""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from bot.safety.fold import Tokens
from bot.safety.pack import Grammar, Pack
from bot.safety.phrases import Phrase

_LONG = 72  # words read at a time where nobody wrote a full stop
_OVERLAP = 20
_BACK = 8  # words looked back for whose it is
_REACH = 7  # words that a negation reaches
_QUOTES = re.compile(r"[“”«»„\"]")


@dataclass(slots=True)
class Sentence:
    """One sentence, or one window of a very long one. `places[n]` is word n's token."""

    words: list[str]
    places: list[int]
    text: str
    keys: set[str]
    first: int  # its first word's number in the window's own list is 0; words before `first` were read before
    _starts: dict[int, int] = field(default_factory=dict)
    _phrases: dict[str, bool] = field(default_factory=dict)

    def has(self, phrases: Sequence[Phrase]) -> bool:
        return any(self.may(p) and p.pattern.search(self.text) for p in phrases)

    def may(self, phrase: Phrase) -> bool:
        """Whether the words that the phrase needs are here at all."""
        keys = self.keys
        return all(not need.isdisjoint(keys) for need in phrase.needs)

    def find(self, phrase: Phrase) -> Iterator[tuple[int, int]]:
        """Where the phrase stands: numbers of words, end exclusive."""
        if not self._starts:
            at = 0
            for n, word in enumerate(self.words):
                self._starts[at] = n
                at += len(word) + 1
            self._starts[at] = len(self.words)
        for match in phrase.pattern.finditer(self.text):
            a, b = self._starts[match.start()], self._starts[match.end()]
            if b > a and b > self.first:
                yield a, b

    def about(self, grammar: Grammar, what: str) -> bool:
        """Whether the grammar's phrases `what` (past, recent, now, …) stand in this sentence."""
        found = self._phrases.get(what)
        if found is None:
            found = self._phrases[what] = self.has(grammar.phrases[what])
        return found


def sentences(found: Tokens, pack: Pack) -> Iterator[Sentence]:
    """Every sentence of the text in the pack's canonical words; long ones in overlapping windows."""
    words: list[str] = []
    places: list[int] = []
    total = len(found.words)
    n = 0
    raw = found.words
    form = pack.form
    forms = pack.forms
    tried = 0  # up to here runs of single letters have been looked at
    while n < total:
        if n in found.breaks and words:
            yield from _windows(words, places, pack)
            words, places = [], []
        word = raw[n]
        if len(word) == 1 and n >= tried and n + 2 < total and len(raw[n + 1]) == 1 and len(raw[n + 2]) == 1:
            end, spelt = pack.masks.spaced(raw, n)
            if spelt:
                for part in spelt:
                    for w in form(part):
                        words.append(w)
                        places.append(_pack_place(n, end))
                n = end
                continue
            tried = end
        known = forms.get(word)
        if known is None:
            known = form(word)
        for w in known:
            words.append(w)
            places.append(n)
        n += 1
    if words:
        yield from _windows(words, places, pack)


def _pack_place(first: int, end: int) -> int:
    """A word spelt over several tokens: both ends in one number (negative, so that it is no plain token number)."""
    return -(first * 64 + (end - first)) - 1


def span(found: Tokens, places: Sequence[int]) -> tuple[int, int]:
    """From the first to the last of these places, as character offsets in the text as typed."""
    starts, ends = [], []
    for place in (places[0], places[-1]):
        if place < 0:
            first, length = divmod(-place - 1, 64)
            starts.append(found.starts[first])
            ends.append(found.ends[first + length - 1])
        else:
            starts.append(found.starts[place])
            ends.append(found.ends[place])
    return min(starts), max(ends)


def _windows(words: list[str], places: list[int], pack: Pack) -> Iterator[Sentence]:
    if len(words) <= _LONG:
        yield _sentence(words, places, pack, 0)
        return
    at = 0
    while at < len(words):
        yield _sentence(words[at : at + _LONG], places[at : at + _LONG], pack, _OVERLAP if at else 0)
        if at + _LONG >= len(words):
            return
        at += _LONG - _OVERLAP


def _sentence(words: list[str], places: list[int], pack: Pack, first: int) -> Sentence:
    keys = set(words)
    stems = pack.prefix_keys
    for length in pack.prefixes:
        for word in words:
            if len(word) >= length:
                stem = word[:length] + "*"
                if stem in stems:
                    keys.add(stem)
    return Sentence(words, places, " ".join(words) + " ", keys, first)


def who(sentence: Sentence, grammar: Grammar, a: int, b: int) -> str:
    """self, other, you or generic: by the reflexive word inside, else the subject inside, else the nearest before it."""
    words, lists = sentence.words, grammar.words
    for n in range(b - 1, a - 1, -1):
        for kind in ("self", "other", "you", "generic"):
            if words[n] in lists["strong_" + kind]:
                return kind
    for n in (*range(a, b), *range(a - 1, max(-1, a - 1 - _BACK), -1)):
        word = words[n]
        if word in lists["other"]:
            return "other"
        if word in lists["self"]:
            if n + 1 < len(words) and words[n + 1] in lists["other"]:
                continue
            return "self"
        if word in lists["generic"]:
            return "generic"
        if word in lists["you"]:
            return "you"
    return "self"


def negated(sentence: Sentence, grammar: Grammar, a: int, b: int, phrase: Phrase) -> bool:
    """Whether an odd number of denials reaches the finding, or stands in a gap of it. What is doubtful is not denied."""
    words, lists = sentence.words, grammar.words
    denials = sum(
        words[n] in lists["negators"] and words[n] not in phrase.words and not _void(sentence, grammar, n)
        for n in range(a, b)
    )
    if words[a] in lists["subjects"] and (a == 0 or words[a - 1] not in lists["keeps"]):
        return denials % 2 == 1
    for n in range(a - 1, max(-1, a - 1 - _REACH), -1):
        word = words[n]
        if word in lists["barriers"]:
            break
        if word in lists["negators"]:
            if _void(sentence, grammar, n):
                continue
            denials += 1
        elif word in lists["strong_self"] or (word in lists["subjects"] and n and words[n - 1] not in lists["keeps"]):
            break
    return denials % 2 == 1


def _void(sentence: Sentence, grammar: Grammar, n: int) -> bool:
    at = sum(len(w) + 1 for w in sentence.words[:n])
    return sentence.text.startswith(grammar.void, at)


class Quotations:
    """Where quotation marks stand in a text."""

    def __init__(self, text: str) -> None:
        self._marks = [m.start() for m in _QUOTES.finditer(text)]

    def around(self, a: int, b: int) -> int:
        """Where the quotation around the characters a to b opens, or -1."""
        before = bisect_left(self._marks, a)
        if before % 2 == 1 and self._marks[-1] >= b:
            return self._marks[before - 1]
        return -1
