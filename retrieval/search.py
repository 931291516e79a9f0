"""A question to the sentences that answer it, best first, and how likely it is that they do."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from retrieval.embed import Embedder, Reading
from retrieval.folder import article_from, current
from retrieval.followup import leans_on
from retrieval.lexical import words_of
from retrieval.model import Article, Hit, IndexUnusable, Passage
from retrieval.rank import (
    ALIKE,
    ASKED,
    DENSE_REACH,
    LEXICAL,
    LEXICAL_REACH,
    WORDS,
    WORDS_REACH,
    Signs,
    confidence,
    threshold,
)
from retrieval.snapshot import Snapshot

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Vectors = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Found:
    """What one search gave. `confidence` is how likely the corpus answers the question at all, 0 to 1; `query` is the
    question as it was searched, typing errors mended; `follow_up` says that the turns before were drawn in."""

    hits: tuple[Hit, ...]
    confidence: float
    query: str
    follow_up: bool
    version: str

    @property
    def answerable(self) -> bool:
        """Whether the confidence reaches the threshold found on the question set."""
        return self.confidence >= threshold()


class Search:
    """Open with `Search.open`; safe to use from many threads. A new index is taken up at the next search; one that was
    made with another model, or that is damaged, is passed over as long as this one is open."""

    def __init__(self, folder: Path, embedder: Embedder, today: Callable[[], date]) -> None:
        self._folder, self._embedder, self._today = folder, embedder, today
        self._lock = threading.Lock()
        self._stamp = _stamp(folder)
        generation = current(folder)
        if generation is None:
            raise IndexUnusable(f"there is no index in {folder}: run handrail index")
        self._snapshot = Snapshot(generation)
        if self._snapshot.model != embedder.digest:
            raise IndexUnusable("the index was made with another model: run handrail index")

    @classmethod
    def open(cls, folder: Path, embedder: Embedder, *, today: Callable[[], date]) -> Search:
        """`today` says which reviews have expired. Raises IndexUnusable when `folder` holds no whole index of this
        embedder's model."""
        return cls(folder, embedder, today)

    @property
    def version(self) -> str:
        """The corpus version in force, as answers carry it."""
        return self._now().version

    @property
    def articles(self) -> Mapping[str, Article]:
        """The articles that answer, by slug: those whose review has not expired."""
        return self._now().in_force(self._today())

    @property
    def all_articles(self) -> Mapping[str, Article]:
        """Every article of the index by slug, those whose review has expired too."""
        return self._now().articles

    def passages(self, slug: str) -> Sequence[Passage]:
        """An article's passages in reading order; empty when there is no such article."""
        return self._now().by_article.get(slug, ())

    def retired(self, slug: str) -> Sequence[Article]:
        """Former texts of an article that earlier answers may have quoted, newest last; empty when there are none."""
        if not slug.replace("-", "").isalnum():
            return ()
        paths = sorted((self._folder / "retired").glob(f"{slug}.*.json"), key=lambda path: path.stat().st_mtime_ns)
        return [article_from(json.loads(path.read_text(encoding="utf-8"))) for path in paths]

    def search(
        self, query: str, *, vector: Vectors | None = None, limit: int = 8, context: Sequence[str] = ()
    ) -> list[Hit]:
        """The hits of `find`, best first."""
        return list(self.find(query, vector=vector, limit=limit, context=context).hits)

    def find(self, query: str, *, vector: Vectors | None = None, limit: int = 8, context: Sequence[str] = ()) -> Found:
        """The best `limit` sentences for `query`, no two saying the same, none from an article whose review has
        expired. `vector` takes the place of the query's own unit vector (the embedder remembers texts that it read a
        moment ago, so there is nothing to save by it); `context` are the visitor's earlier questions, oldest first,
        drawn in only when this one cannot stand alone."""
        now = self._now()
        mended = now.lexical.mended(query, self._embedder.knows_word)
        follow_up = bool(context) and leans_on(mended)
        asked = f"{now.lexical.mended(context[-1], self._embedder.knows_word)} {mended}" if follow_up else mended
        reading = self._embedder.read_query(asked)
        shares = now.lexical.shares(asked)
        dense = reading.vector if vector is None else vector
        if follow_up:
            mixed = 0.5 * self._embedder.encode_query(mended) + 0.5 * dense
            dense = (mixed / np.linalg.norm(mixed)).astype(np.float32)
        hits = _ranked(now, asked, reading, dense, shares, self._today(), limit)
        likely = max((hit.confidence for hit in hits[:3]), default=0.0)
        return Found(hits, likely, mended, follow_up, now.version)

    def _now(self) -> Snapshot:
        """The generation in force, opened anew when `current` was replaced."""
        stamp = _stamp(self._folder)
        if stamp != self._stamp and self._lock.acquire(blocking=False):
            try:
                generation = current(self._folder)
                fresh = Snapshot(generation) if generation is not None else self._snapshot
                if fresh.model == self._embedder.digest:
                    self._snapshot = fresh
                self._stamp = stamp
            except IndexUnusable:
                self._stamp = stamp
            finally:
                self._lock.release()
        return self._snapshot


def _stamp(folder: Path) -> tuple[int, int]:
    try:
        held = (folder / "current").stat()
    except OSError:
        return (0, 0)
    return (held.st_mtime_ns, held.st_ino)


def _ranked(
    now: Snapshot, asked: str, reading: Reading, vector: Vectors, shares: Vectors, today: date, limit: int
) -> tuple[Hit, ...]:
    rows, _ = now.index.search(vector, min(DENSE_REACH, now.index.size))
    reach = min(LEXICAL_REACH, len(shares))
    worded = np.argpartition(-shares, reach - 1)[:reach]
    rows = np.union1d(rows, worded[shares[worded] > 0])
    rows = rows[~now.shut_out(today)[now.article_of[rows]]]
    if not len(rows):
        return ()
    dense = now.vectors[rows] @ vector
    near = now.nearest_asked(vector, now.article_of[rows])
    scores = dense + LEXICAL * shares[rows] + ASKED * near
    best = np.argsort(-scores, kind="stable")[:WORDS_REACH]
    rows, dense, near, scores = rows[best], dense[best], near[best], scores[best]
    words = now.word_shares(reading, rows, dense)
    scores = scores + WORDS * words
    unknown = now.lexical.unknown(asked)
    hits: list[Hit] = []
    said: list[frozenset[str]] = []
    for place in np.argsort(-scores, kind="stable").tolist():
        row = int(rows[place])
        passage = now.passages[int(now.passage_of[row])]
        sentence = row - int(now.first_row[passage.id])
        own = frozenset(words_of(passage.sentences[sentence]))
        if any(len(own & other) >= ALIKE * len(own | other) for other in said):
            continue
        said.append(own)
        signs = Signs(float(dense[place]), float(shares[row]), float(near[place]), float(words[place]), unknown)
        hits.append(Hit(passage, sentence, float(scores[place]), signs.dense, signs.lexical, confidence(signs)))
        if len(hits) == limit:
            break
    return tuple(hits)
