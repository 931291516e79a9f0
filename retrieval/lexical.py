"""The words' side of the search: BM25 (weights by bm25s, summed here), and typing errors mended with the corpus's
words."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Scores = NDArray[np.float32]

_WORD = re.compile(r"[^\W_]+(?:['’][^\W_]+)*")
_COMMON = """
    a an and are as at be been but by can could did do does doing done for from get had has have he her him
    his how i if in into is it its just me my of on or our she should so some than that the their them then
    there these they this those to too us was we were what when where which who whom why will with would you
    your about am any also im ive it's i'm don't isn't doesn't really actually please tell know want explain
    say said thing things hi hello hey thanks thank ok okay sorry pls whats
    el la los las un una unos unas de del al y o que qué en con por para no se es son su sus lo le les me mi te tu como
    cómo cuál cuáles cuándo dónde porque si más pero esto eso hay está ser puede puedo
"""
COMMON = frozenset(_COMMON.split())
_ENDINGS = (("ations", "at"), ("ation", "at"), ("ies", "y"), ("ing", ""), ("ed", ""), ("es", ""), ("ly", ""), ("s", ""))


def words_of(text: str) -> list[str]:
    """The words of a text, small letters, typographic apostrophes made plain."""
    if text.isascii():
        return _WORD.findall(text.lower())
    return [match.group().lower().replace("’", "'") for match in _WORD.finditer(text)]


def stem(word: str) -> str:
    """A word without its English inflection, roughly: the same for therapy, therapies, therapy's."""
    word = word.removesuffix("'s")
    for ending, instead in _ENDINGS:
        if word.endswith(ending) and len(word) - len(ending) >= 3 and not word.endswith("ss"):
            word = word[: -len(ending)] + instead
            break
    if len(word) > 3 and word[-1] == word[-2] and word[-1] not in "aeosl":
        word = word[:-1]
    return word[:-1] if len(word) > 4 and word.endswith("e") else word


def terms_of(text: str) -> list[str]:
    """The stems that count for a match; common words are left out."""
    return [stem(word) for word in words_of(text) if word not in COMMON]


class Lexical:
    """BM25 over numbered documents, read from a folder (memory-mapped)."""

    def __init__(self, folder: Path) -> None:
        self._weights: Scores = np.asarray(np.load(folder / "bm25_weights.npy", mmap_mode="r"))
        self._rows: NDArray[np.int32] = np.asarray(np.load(folder / "bm25_rows.npy", mmap_mode="r"))
        self._starts: NDArray[np.int64] = np.load(folder / "bm25_starts.npy")
        held = json.loads((folder / "words.json").read_text(encoding="utf-8"))
        self._terms: dict[str, int] = {term: place for place, term in enumerate(held["terms"])}
        self.words: dict[str, int] = held["words"]
        self.documents: int = held["documents"]
        self._unseen = float(np.log(1 + (self.documents + 0.5) / 0.5))
        counts = np.diff(self._starts)
        self._idf: NDArray[np.float64] = np.log(1 + (self.documents - counts + 0.5) / (counts + 0.5))
        self._deletions: dict[str, list[str]] | None = None

    @staticmethod
    def write(folder: Path, documents: Sequence[Sequence[str]], words: Iterable[str]) -> None:
        """Weighs the documents (lists of terms) with bm25s and writes the folder's files; `words` are their plain
        words."""
        import bm25s

        vocabulary: dict[str, int] = {}
        ids = [[vocabulary.setdefault(term, len(vocabulary)) for term in terms] for terms in documents]
        model = bm25s.BM25(method="lucene", k1=1.2, b=0.5)
        if not vocabulary:
            vocabulary, ids = {"": 0}, [[0], *ids[1:]]
        model.index((ids, vocabulary), create_empty_token=False, show_progress=False)
        np.save(folder / "bm25_weights.npy", model.scores["data"].astype(np.float32))
        np.save(folder / "bm25_rows.npy", model.scores["indices"].astype(np.int32))
        np.save(folder / "bm25_starts.npy", np.asarray(model.scores["indptr"], np.int64))
        held: dict[str, Any] = {"documents": len(ids), "terms": list(vocabulary), "words": Counter(words)}
        (folder / "words.json").write_text(json.dumps(held, ensure_ascii=False), encoding="utf-8")

    def idf(self, term: str) -> float:
        """How much a term says: more the fewer documents hold it; the most for a term that none holds."""
        place = self._terms.get(term)
        return self._unseen if place is None else float(self._idf[place])

    def holds(self, word: str) -> bool:
        """Whether some document holds the word, in any form; common words and single letters are in all of them."""
        return len(word) < 2 or word in COMMON or stem(word) in self._terms

    def shares(self, query: str) -> tuple[Scores, float]:
        """float32 of shape (documents,): BM25 as a share of the most that the query's terms could give, 0 to 1; and the
        share of the query's weight that is in words which no document holds, 0 to 1."""
        found: Scores = np.zeros(self.documents, np.float32)
        most = unknown = 0.0
        for term in dict.fromkeys(terms_of(query)):
            weight = self.idf(term)
            most += weight
            if (place := self._terms.get(term)) is None:
                unknown += weight
            else:
                span = slice(int(self._starts[place]), int(self._starts[place + 1]))
                found[self._rows[span]] += self._weights[span]
        return (found / np.float32(most), unknown / most) if most > 0 else (found, 0.0)

    def mended(self, query: str, known: Callable[[str], bool]) -> str:
        """The query with each word that neither the corpus nor `known` holds replaced by the corpus's nearest word,
        at one slip away (two from eight letters on). Short words, numbers and words without a near one stay as they
        are."""

        def mend(match: re.Match[str]) -> str:
            word = match.group().lower().replace("’", "'")
            if len(word) < 4 or not word.isalpha() or word in self.words or word in COMMON or known(word):
                return match.group()
            return self._nearest(word) or match.group()

        return _WORD.sub(mend, query)

    def _nearest(self, word: str) -> str:
        if self._deletions is None:
            table: dict[str, list[str]] = {}
            for held in self.words:
                if len(held) >= 4:
                    for form in _shortened(held):
                        table.setdefault(form, []).append(held)
            self._deletions = table
        reach = 2 if len(word) >= 8 else 1
        near = {other for form in _shortened(word) for other in self._deletions.get(form, ())}
        rated = sorted((slips(word, other), -self.words[other], other) for other in near if word[0] == other[0])
        return rated[0][2] if rated and rated[0][0] <= reach else ""


def _shortened(word: str) -> set[str]:
    """The word and every form with one letter left out; from eight letters on, with two left out."""
    once = {word[:place] + word[place + 1 :] for place in range(len(word))}
    if len(word) < 8 or len(word) > 20:
        return {word} | once
    return {word} | once | {form[:place] + form[place + 1 :] for form in once for place in range(len(form))}


def slips(one: str, other: str) -> int:
    """Edit distance with neighbours swapped counting as one (optimal string alignment)."""
    before: list[int] = []
    last = list(range(len(other) + 1))
    for i, left in enumerate(one, 1):
        row = [i]
        for j, right in enumerate(other, 1):
            best = min(last[j] + 1, row[j - 1] + 1, last[j - 1] + (left != right))
            if i > 1 and j > 1 and left == other[j - 2] and one[i - 2] == right:
                best = min(best, before[j - 2] + 1)
            row.append(best)
        before, last = last, row
    return last[-1]
