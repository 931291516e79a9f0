"""The order of the finds: vectors, words and the article's own questions weighed into one score a sentence."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING

import numpy as np

from retrieval.confidence import Signs, confidence
from retrieval.embed import Reading
from retrieval.model import Hit
from retrieval.snapshot import Snapshot

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
_GUESS, _GUESS_SLOPE = np.float32(0.25), np.float32(0.6)  # the word-by-word share from the dense one, where it must be
SAME = 0.6  # cosine from which on the question begins to be one that the article names
FAR = 0.55  # cosine below which the nearest sentence and the nearest listed question begin to be of something else
ALIKE = 0.85  # share of words in common from which two sentences say the same


@dataclass(frozen=True, slots=True, eq=False)
class Asked:
    """One reading of the question and how much it counts."""

    text: str
    reading: Reading
    vector: Vectors
    weight: float


@dataclass(frozen=True, slots=True, eq=False)
class _Parts:
    """One reading's parts for the rows looked at, each of shape (rows,)."""

    dense: Vectors
    lexical: Vectors
    near: Vectors
    section: Vectors

    @property
    def coarse(self) -> Vectors:
        total: Vectors = self.dense + np.float32(LEXICAL) * self.lexical
        asked: Vectors = np.float32(ASKED) * self.near + np.float32(SECTION) * self.section
        return np.add(total, asked, dtype=np.float32)

    def at(self, places: Rows) -> _Parts:
        return _Parts(self.dense[places], self.lexical[places], self.near[places], self.section[places])


def ranked(
    now: Snapshot, asked: Sequence[Asked], before: Asked | None, today: date, limit: int
) -> tuple[tuple[Hit, Signs], ...]:
    """The best `limit` sentences, no two saying the same, none from an article whose review has expired by `today` or
    that is in another language than the question, where the corpus has more than one."""
    everyone = [*asked, *([before] if before else [])]
    shares = [now.lexical.shares(each.text) for each in everyone]
    named = [now.named.cosines(each.vector) for each in everyone]
    rows = _candidates(now, everyone, shares, named)
    rows = rows[~now.shut_out(today, now.language_for(asked[0].text))[now.article_of[rows]]]
    if not len(rows):
        return ()
    articles, vectors = now.article_of[rows], now.vectors[rows]
    parts = [
        _Parts(vectors @ each.vector, share[rows], *now.named.nearest(each.vector, cosines, rows))
        for each, share, cosines in zip(everyone, shares, named, strict=True)
    ]
    whole = sum(each.weight for each in asked)
    scores = sum((each.weight * part.coarse for each, part in zip(asked, parts, strict=False)), np.zeros(len(rows)))
    scores = scores + LEANING * whole * now.leaning[rows]
    if before:
        scores = scores + SAME_ARTICLE * _best_of(parts[-1].coarse, articles)
    best = _unlike(now, rows, np.argsort(-scores, kind="stable"), max(WORDS_REACH, limit))
    rows, scores, parts = rows[best], scores[best], [part.at(best) for part in parts]
    matches = [now.matches(each.reading, rows) for each in everyone]
    words = [
        match.shares if match else _GUESS + _GUESS_SLOPE * part.dense
        for match, part in zip(matches, parts, strict=True)
    ]
    for each, own in zip(asked, words, strict=False):
        scores = scores + each.weight * WORDS * own
    if before:
        earlier = parts[-1].coarse + WORDS * words[-1]
        scores = scores - SAID_BEFORE * np.clip((earlier - earlier.max() + _NEAR_BEST) / _NEAR_BEST, 0, 1)
    order = np.argsort(-scores, kind="stable")
    unknown = max(now.lexical.unknown(each.text) for each in asked)
    weights = [each.weight / whole for each in asked]

    def mean(values: Iterable[Vectors], place: int) -> float:
        return float(sum(weight * value[place] for weight, value in zip(weights, values, strict=False)))

    together = order[:COVERING]
    covered = sum(
        weight * (match.covered(together) if match else float(own[together].max()))
        for weight, match, own in zip(weights, matches, words, strict=False)
    )
    gaps = (match.gap(together) if match else (1 - covered) / 2 for match in matches)
    gap = sum(weight * each for weight, each in zip(weights, gaps, strict=False))
    pieces = (len(each.reading.pieces) for each in asked)
    length = sum(weight * _length(count) for weight, count in zip(weights, pieces, strict=True))
    found: list[tuple[Hit, Signs]] = []
    for place in _distinct(now, rows, order, limit):
        dense, asked_near = (mean(each, place) for each in ([p.dense for p in parts], [p.near for p in parts]))
        signs = Signs(
            dense=dense,
            lexical=mean((part.lexical for part in parts), place),
            asked=asked_near,
            same=max(0.0, (asked_near - SAME) / (1 - SAME)),
            far=max(0.0, 1 - max(dense, asked_near) / FAR),
            words=mean(words, place),
            covered=covered,
            gap=gap,
            length=length,
            unknown=unknown,
            size=now.size,
        )
        passage, sentence = now.place(int(rows[place]))
        score = float(scores[place]) / whole
        found.append((Hit(passage, sentence, score, signs.dense, signs.lexical, confidence(signs)), signs))
    return tuple(found)


def _length(pieces: int) -> float:
    """0 for one word piece, 1 for twenty or more."""
    return min(math.log(max(pieces, 1)) / math.log(20), 1.0)


def _candidates(
    now: Snapshot, asked: Sequence[Asked], shares: Sequence[Vectors], named: Sequence[Vectors | None]
) -> Rows:
    found: list[Rows] = []
    for each, share, cosines in zip(asked, shares, named, strict=True):
        rows, _ = now.index.search(each.vector, min(DENSE_REACH, now.index.size))
        reach = min(LEXICAL_REACH, len(share))
        worded = np.argpartition(-share, reach - 1)[:reach]
        found += [rows, worded[share[worded] > 0], now.named.rows(cosines, SECTIONS_REACH)]
    return np.unique(np.concatenate(found))


def _best_of(scores: Vectors, articles: Rows) -> Vectors:
    """For each row, the best score within its article."""
    _, where = np.unique(articles, return_inverse=True)
    best = np.full(int(where.max()) + 1, -np.inf, np.float32)
    np.maximum.at(best, where, scores)
    return best[where]


def _unlike(now: Snapshot, rows: Rows, order: Rows, count: int) -> Rows:
    """The first `count` places in the order, without those that say word for word what an earlier one said."""
    said: dict[frozenset[str], int] = {}
    for place in order.tolist():
        said.setdefault(now.said_at(int(rows[place])), place)
        if len(said) == count:
            break
    return np.array(list(said.values()), np.int64)


def _distinct(now: Snapshot, rows: Rows, order: Rows, limit: int) -> list[int]:
    """The first `limit` places in the order, without those that say what an earlier one said."""
    chosen: list[int] = []
    said: list[frozenset[str]] = []
    for place in order.tolist():
        own = now.said_at(int(rows[place]))
        if any(_alike(own, other) for other in said):
            continue
        said.append(own)
        chosen.append(place)
        if len(chosen) == limit:
            break
    return chosen


def _alike(one: frozenset[str], other: frozenset[str]) -> bool:
    """Whether the words in common are ALIKE of all their words; most pairs are told apart by their numbers alone."""
    least = ALIKE * (len(one) + len(other)) / (1 + ALIKE)
    return min(len(one), len(other)) >= least and len(one & other) >= least
