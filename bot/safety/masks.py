"""Sees through masked words: leetspeak, stretched, spaced and joined words, typing slips near words that matter."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence

from bot.safety.fold import Tokens, fold, unmask

_LEET = str.maketrans("013457@$!|+€£", "oleastasiltel")
_LEET_I = str.maketrans("013457@$!|+€£", "oieastasiltel")
_CHUNK = re.compile(r"\S{2,40}")
_HAS_MASK = re.compile(r"[A-Za-z][0-9@$!|*+€£.#_\-/\\·•]+[A-Za-z]|[0-9@$!|*+€£]+[A-Za-z]|\*")
_WILD = re.compile(r"[*.#_·•\-]")
_STRETCH = re.compile(r"(.)\1{2,}")
_DOUBLE = re.compile(r"(.)\1+")
_LONGEST = 24
_KEPT = 5_000  # chunks remembered
_RUN = 40  # single letters looked at together


class Masks:
    """What one language's pack needs to see through. `risky` are the words worth a second look; `known` all its words."""

    def __init__(
        self,
        known: Iterable[str],
        risky: Iterable[str],
        near: Iterable[str],
        real: Iterable[str],
        same: Mapping[str, object],
    ) -> None:
        self.known = frozenset(known)
        self.risky = frozenset(w for w in risky if len(w) > 2)
        self._parts = frozenset(w for w in self.known if len(w) > 1) | {"i", "a"}
        self._real = frozenset(real)
        self._same = same
        self._by_length: dict[int, list[str]] = {}
        for word in sorted(self.risky):
            self._by_length.setdefault(len(word), []).append(word)
        self._seen: dict[str, tuple[str, int, int]] = {}
        self._any_risk = re.compile("|".join(map(re.escape, sorted(self.risky))) or r"(?!)")
        self._near: dict[str, str] = {}
        for word in sorted(near):
            for slip in _shorter(word):
                self._near.setdefault(slip, word)
            self._near[word] = word
        self._near_words = frozenset(near)

    def chunks(self, text: str, found: Tokens) -> Tokens:
        """Chunks such as `k1ll`, `su*cide`, `d!e` replaced by the word that they stand for."""
        if not _HAS_MASK.search(text):
            return found
        swaps: dict[int, tuple[int, int, str]] = {}
        n = 0
        for match in _CHUNK.finditer(text):
            while n < len(found.words) and found.ends[n] <= match.start():
                n += 1
            chunk = match.group()
            if chunk.isalpha() or not _HAS_MASK.search(chunk):
                continue
            if chunk not in self._seen:
                if len(self._seen) > _KEPT:
                    self._seen.clear()
                self._seen[chunk] = self._plain(chunk)
            word, _, b = self._seen[chunk]
            if not word:
                continue
            last = n
            while last < len(found.words) and found.starts[last] < match.end():
                last += 1
            if last > n:
                swaps[n] = (last, match.start() + b, word)
        return _swapped(found, swaps) if swaps else found

    def _plain(self, chunk: str) -> tuple[str, int, int]:
        """(the word, where it starts and ends in the chunk), or "" when it stands for nothing that matters."""
        core = chunk.strip("\"'“”‘’()[]{}<>,;:?.")
        a = chunk.find(core) if core else 0
        for text in (core, core.rstrip("!")):
            if len(text) < 3 or text.isalpha() or text.isdigit():
                continue
            for table in (_LEET, _LEET_I):
                word = fold(text.translate(table))[0].strip(".-_*")
                bare = _DOUBLE.sub(r"\1\1", re.sub(r"[.\-_·•/\\]", "", word))
                for form in (word, bare):
                    if form in self.risky:
                        return form, a, a + len(text)
            wild = fold(text.translate(_LEET_I))[0]
            if "*" in wild or _WILD.search(wild[1:-1]):
                pattern = re.compile("".join("[a-z]" if _WILD.match(c) else re.escape(c) for c in wild))
                if sum(c.isalpha() for c in wild) >= 2:
                    for word in self._by_length.get(len(wild), ()):
                        if pattern.fullmatch(word):
                            return word, a, a + len(text)
        return "", 0, 0

    def word(self, word: str) -> Sequence[str]:
        """What one unknown token stands for: itself, a corrected word, or several words written as one."""
        if word.isascii() is False:
            plain = unmask(word)
            if plain != word and (plain in self.known or plain in self._same):
                return (plain,)
            word = plain if plain.isascii() else word
        if len(word) < 4 or len(word) > 60 or word in self._real or word.isdigit():
            return (word,)
        if _STRETCH.search(word):
            for form in (_STRETCH.sub(r"\1", word), _STRETCH.sub(r"\1\1", word), _DOUBLE.sub(r"\1", word)):
                if form in self.known or form in self._same:
                    return (form,)
            word = _STRETCH.sub(r"\1", word)
        elif word[-1] == word[-2] and _DOUBLE.sub(r"\1", word[-2:]) and word[:-1] in self.risky:
            return (word[:-1],)
        near = self._correct(word)
        if near:
            return (near,)
        if len(word) >= 6 and word.isalpha() and self._any_risk.search(word):
            parts = self.split(word)
            if parts:
                return parts
        return (word,)

    def _correct(self, word: str) -> str:
        """The risk word that is one slip away (a letter too many, missing, wrong, or two swapped), or ""."""
        if len(word) < 5 or len(word) > _LONGEST or word in self._real:
            return ""
        if word in self._near:
            return self._near[word]
        for slip in _shorter(word):
            if slip in self._near_words:
                return slip
            found = self._near.get(slip, "")
            if found and word[0] == found[0] and abs(len(found) - len(word)) <= 1 and _one_slip(word, found):
                return found
        return ""

    def split(self, word: str) -> tuple[str, ...]:
        """Words written as one, as the fewest known words, if one of them matters; () when they are not all known."""
        best: list[tuple[str, ...] | None] = [()] + [None] * len(word)
        for end in range(1, len(word) + 1):
            for start in range(max(0, end - _LONGEST), end):
                before = best[start]
                part = word[start:end]
                if before is None or (part not in self._parts and part not in self._same):
                    continue
                if best[end] is None or len(before) + 1 < len(best[end] or ()):
                    best[end] = (*before, part)
        parts = best[-1] or ()
        return parts if len(parts) > 1 and any(p in self.risky for p in parts) else ()

    def spaced(self, words: Sequence[str], start: int) -> tuple[int, tuple[str, ...]]:
        """A run of single letters from `start`: (where it ends, the words that it spells), or (where to look next, ())."""
        end = start
        while end < len(words) and len(words[end]) == 1 and words[end].isalnum() and end - start < _RUN:
            end += 1
        if end - start < 3:
            return end, ()
        if not self._any_risk.search("".join(words[start:end]).translate(_LEET_I)):
            return (end if end - start < _RUN else start + _RUN // 2), ()
        for first in (start, start + 1):
            for last in (end, end - 1):
                joined = "".join(words[first:last]).translate(_LEET_I)
                if joined in self.risky:
                    return last, (*words[start:first], joined)
                parts = self.split(joined) if len(joined) > 4 else ()
                if parts:
                    return last, (*words[start:first], *parts)
        return end, ()


def _shorter(word: str) -> list[str]:
    """The word with one letter left out, each way."""
    return [word[:n] + word[n + 1 :] for n in range(len(word))]


def _one_slip(a: str, b: str) -> bool:
    """Whether one letter wrong, missing, too many, or one swap of neighbours makes a into b."""
    if len(a) == len(b):
        wrong = [n for n in range(len(a)) if a[n] != b[n]]
        if len(wrong) == 1:
            return True
        return (
            len(wrong) == 2 and wrong[1] == wrong[0] + 1 and a[wrong[0]] == b[wrong[1]] and a[wrong[1]] == b[wrong[0]]
        )
    longer, shorter = (a, b) if len(a) > len(b) else (b, a)
    return shorter in _shorter(longer)


def _swapped(found: Tokens, swaps: Mapping[int, tuple[int, int, str]]) -> Tokens:
    """The tokens from each key up to its first value replaced by one word that ends at the second."""
    words: list[str] = []
    starts: list[int] = []
    ends: list[int] = []
    breaks: set[int] = set()
    n = 0
    while n < len(found.words):
        if n in found.breaks:
            breaks.add(len(words))
        last, end, word = swaps.get(n, (n + 1, found.ends[n], found.words[n]))
        words.append(word)
        starts.append(found.starts[n])
        ends.append(max(end, found.ends[last - 1]))
        n = last
    return Tokens(words, starts, ends, breaks)
