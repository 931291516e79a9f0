"""The order of the finds: vectors, words and the article's own questions weighed into one score a sentence."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING

import numpy as np

from retrieval.confidence import Signs, confidence
from retrieval.embed import Reading
from retrieval.model import Hit
from retrieval.named import Nearness
from retrieval.snapshot import Matches, Said, Snapshot

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Vectors = NDArray[np.float32]
    Rows = NDArray[np.int64]

# A sentence's score = its dense product + LEXICAL * BM25 share + ASKED * cosine with its article's nearest question
# + SECTION * how near its section's nearest question is + WORDS * word-by-word share + LEANING.
# Found on the question sets' `tune` splits: see docs/retrieval.md.
LEXICAL, ASKED, SECTION, WORDS = 0.30, 0.30, 1.0, 1.0
LEANING = 0.1  # what a sentence gains that leans on the one before: its own words say less than it means
# A follow-up is asked alone and, at this weight, together with the question before it; the articles that answered that
# one are drawn in, and the sentences that answered it stand back.
TOGETHER, SAME_ARTICLE, SAID_BEFORE = 0.5, 0.6, 0.2
_NEAR_BEST = 0.15  # score below the best, within which a sentence counts as having answered the question before

DENSE_REACH = 128  # sentences that the vectors propose
LEXICAL_REACH = 64  # sentences that the words propose
SECTIONS_REACH = 4  # sections whose own questions are nearest
WORDS_REACH = 32  # the best of them, compared word by word (or as many as are asked for)
COVERING = 8  # of which the first so many count for `covered`
NEAREST = 3  # … and so many for `three`
_GUESS, _GUESS_SLOPE = np.float32(0.25), np.float32(0.6)  # the word-by-word share from the dense one, where it must be
SAME = 0.6  # cosine from which on the question begins to be one that the article names
FAR = 0.55  # cosine below which the nearest sentence and the nearest listed question begin to be of something else


@dataclass(frozen=True, slots=True, eq=False)
class Asked:
    """One reading of the question and how much it counts; `words` are those that its pieces spell, `word_of` (n,) says
    of each piece to which it belongs."""

    text: str
    reading: Reading
    vector: Vectors
    weight: float
    words: Sequence[str]
    word_of: Rows


@dataclass(frozen=True, slots=True, eq=False)
class _Seen:
    """What the whole index shows to one reading: `dense` (rows,) or None, where they are too many, `lexical` (rows,),
    `unknown`, the share of its words that the articles never use, and how near the listed questions are, or None."""

    dense: Vectors | None
    lexical: Vectors
    unknown: float
    near: Nearness | None

    @classmethod
    def by(cls, now: Snapshot, asked: Asked) -> _Seen:
        return cls(now.dense(asked.vector), *now.lexical.shares(asked.text), now.named.nearness(asked.vector))


@dataclass(frozen=True, slots=True, eq=False)
class _Parts:
    """One reading's parts for the rows looked at, each of shape (rows,)."""

    dense: Vectors
    lexical: Vectors
    near: Vectors
    coarse: Vectors  # all but the word-by-word share

    @classmethod
    def of(cls, now: Snapshot, asked: Asked, seen: _Seen, rows: Rows) -> _Parts:
        dense = now.vectors[rows] @ asked.vector if seen.dense is None else seen.dense[rows]
        lexical = seen.lexical[rows]
        near, section = now.named.nearest(asked.vector, seen.near, rows)
        total: Vectors = dense + np.float32(LEXICAL) * lexical
        of_questions: Vectors = np.float32(ASKED) * near + np.float32(SECTION) * section
        return cls(dense, lexical, near, np.add(total, of_questions, dtype=np.float32))

    def at(self, places: Rows) -> _Parts:
        return _Parts(self.dense[places], self.lexical[places], self.near[places], self.coarse[places])


def ranked(
    now: Snapshot, asked: Sequence[Asked], before: Asked | None, today: date, limit: int
) -> tuple[tuple[Hit, ...], Signs | None]:
    """The best `limit` sentences, no two saying the same, none from an article whose review has expired by `today` or
    that is in another language than the question, where the corpus has more than one; and the signs of the first."""
    everyone = [*asked, *([before] if before else [])]
    seen = [_Seen.by(now, each) for each in everyone]
    rows = _candidates(now, everyone, seen)
    rows = rows[now.open_to(today, now.language_for(asked[0].text))[now.article_of[rows]]]
    if not len(rows):
        return (), None
    parts = [_Parts.of(now, each, saw, rows) for each, saw in zip(everyone, seen, strict=True)]
    whole = sum(each.weight for each in asked)
    scores = sum((each.weight * part.coarse for each, part in zip(asked, parts, strict=False)), np.zeros(len(rows)))
    scores += LEANING * whole * now.leaning[rows]
    if before:
        scores += SAME_ARTICLE * _best_of(parts[-1].coarse, now.article_of[rows])
    best = _unlike(now, rows, np.argsort(-scores, kind="stable"), max(WORDS_REACH, limit))
    rows, scores, parts = rows[best], scores[best], [part.at(best) for part in parts]
    matches = [now.matches(each.reading, rows) for each in everyone]
    words = [
        match.shares if match else _GUESS + _GUESS_SLOPE * part.dense
        for match, part in zip(matches, parts, strict=True)
    ]
    for each, own in zip(asked, words, strict=False):
        scores += each.weight * WORDS * own
    if before:
        earlier = parts[-1].coarse + WORDS * words[-1]
        scores -= SAID_BEFORE * np.clip((earlier - earlier.max() + _NEAR_BEST) / _NEAR_BEST, 0, 1)
    order = np.argsort(-scores, kind="stable")
    weights = [each.weight / whole for each in asked]
    together = [_together(now, *each, rows, order) for each in zip(asked, seen, matches, words, strict=False)]
    covered, gap, unknown = (
        sum(weight * one for weight, one in zip(weights, each, strict=True)) for each in zip(*together, strict=True)
    )
    length = sum(weight * _length(len(each.reading.pieces)) for weight, each in zip(weights, asked, strict=True))
    dense = _mean(weights, [part.dense for part in parts])
    lexical = _mean(weights, [part.lexical for part in parts])
    near = _mean(weights, [part.near for part in parts])
    three = sum(dense[place] for place in order[:NEAREST].tolist()) / len(order[:NEAREST])
    found: list[Hit] = []
    first: Signs | None = None
    for place in _distinct(now, rows, order, limit):
        signs = Signs(
            dense=dense[place],
            lexical=lexical[place],
            same=max(0.0, (near[place] - SAME) / (1 - SAME)),
            far=max(0.0, 1 - max(dense[place], near[place]) / FAR),
            three=three,
            covered=covered,
            gap=gap,
            unknown=unknown,
            length=length,
            size=now.size,
        )
        first = first or signs
        passage, sentence = now.place(int(rows[place]))
        score = float(scores[place]) / whole
        found.append(Hit(passage, sentence, score, signs.dense, signs.lexical, confidence(signs)))
    return tuple(found), first


def _mean(weights: Sequence[float], values: Sequence[Vectors]) -> list[float]:
    """The weighed mean of each row; values beyond the weights (the question before) do not count."""
    mean: list[float] = sum(weight * value for weight, value in zip(weights, values, strict=False)).tolist()  # type: ignore[union-attr]
    return mean


def _together(
    now: Snapshot, asked: Asked, seen: _Seen, match: Matches | None, words: Vectors, rows: Rows, order: Rows
) -> tuple[float, float, float]:
    """`covered`, `gap` and `unknown` of the signs, for one reading. Without word vectors they are guessed."""
    best = order[:COVERING]
    if match is None:
        covered = float(words[best].max())
        return covered, (1 - covered) / 2, seen.unknown * (1 - covered)
    if not asked.words:
        return 0.0, 0.0, 0.0
    passages = now.passage_of[rows]
    left = match.unmet(best)
    gaps = np.bincount(asked.word_of, left)
    first = np.bincount(asked.word_of, match.unmet(np.flatnonzero(passages == passages[order[0]])))
    unknown = sum(gap for gap, word in zip(gaps.tolist(), asked.words, strict=True) if not now.lexical.holds(word))
    return 1 - float(left.sum()), float(first.max()), unknown


def _length(pieces: int) -> float:
    """0 for one word piece, 1 for twenty or more."""
    return min(math.log(max(pieces, 1)) / math.log(20), 1.0)


def _candidates(now: Snapshot, asked: Sequence[Asked], seen: Sequence[_Seen]) -> Rows:
    found: list[Rows] = []
    for each, saw in zip(asked, seen, strict=True):
        reach = min(LEXICAL_REACH, len(saw.lexical))
        worded = np.argpartition(-saw.lexical, reach - 1)[:reach]
        found.append(now.proposed(each.vector, saw.dense, DENSE_REACH))
        found += [worded[saw.lexical[worded] > 0], now.named.rows(saw.near, SECTIONS_REACH)]
    return now.together(found)


def _best_of(scores: Vectors, articles: Rows) -> Vectors:
    """For each row, the best score within its article."""
    _, where = np.unique(articles, return_inverse=True)
    best = np.full(int(where.max()) + 1, -np.inf, np.float32)
    np.maximum.at(best, where, scores)
    return best[where]


def _unlike(now: Snapshot, rows: Rows, order: Rows, count: int) -> Rows:
    """The first `count` places in the order, without those that say word for word what an earlier one said."""
    said: dict[frozenset[str], int] = {}
    for place, row in zip(order.tolist(), rows[order].tolist(), strict=True):
        said.setdefault(now.said_at(row).words, place)
        if len(said) == count:
            break
    return np.array(list(said.values()), np.int64)


def _distinct(now: Snapshot, rows: Rows, order: Rows, limit: int) -> list[int]:
    """The first `limit` places in the order, without those that say what an earlier one said."""
    chosen: list[int] = []
    told: dict[str, list[Said]] = {}
    for place, row in zip(order.tolist(), rows[order].tolist(), strict=True):
        own = now.said_at(row)
        if any(own.like(other) for word in own.telling for other in told.get(word, ())):
            continue
        for word in own.telling:
            told.setdefault(word, []).append(own)
        chosen.append(place)
        if len(chosen) == limit:
            break
    return chosen
