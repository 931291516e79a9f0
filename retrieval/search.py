"""A question to the sentences that answer it, best first, and how likely it is that they do."""

from __future__ import annotations

import dataclasses
import json
import os
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from threadpoolctl import threadpool_limits

from retrieval.confidence import Signs, threshold
from retrieval.embed import Embedder
from retrieval.folder import article_from, current
from retrieval.followup import leans_on
from retrieval.model import Article, Hit, IndexUnusable, Passage
from retrieval.rank import TOGETHER, Asked, ranked
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
    signs: Signs | None  # of the first hit

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
        # Products this small gain nothing by a second BLAS thread, whose waiting costs six times the work when cores are
        # busy (8.4 ms against 1.4 ms of processor time a search, measured): searches run side by side instead.
        threadpool_limits(limits=1, user_api="blas")
        self._named = str(folder / "current")
        self._stamp = _stamp(self._named)
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

    def edition(self, slug: str, digest: str) -> Article | None:
        """The article as it stood when its digest began so: the one in the index, its review expired or not, or a
        former one; None when there is none."""
        now = self._now().articles.get(slug)
        texts = [*self.retired(slug), *([now] if now else [])]
        return next((text for text in reversed(texts) if digest and text.digest.startswith(digest)), None)

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
        mended = self._mended(now, query)
        follow_up = bool(context) and leans_on(mended)
        asked = [self._asked(mended, 1.0)]
        before = None
        if follow_up:
            last = self._mended(now, context[-1])
            asked.append(self._asked(f"{last} {mended}", TOGETHER))
            before = self._asked(last, 1.0)
        if vector is not None and mended == query:
            asked[0] = dataclasses.replace(asked[0], vector=vector)
        hits, signs = ranked(now, asked, before, self._today(), limit)
        return Found(hits, hits[0].confidence if hits else 0.0, mended, follow_up, now.version, signs)

    def _mended(self, now: Snapshot, text: str) -> str:
        return now.lexical.mended(text, self._embedder.knows_word)

    def _asked(self, text: str, weight: float) -> Asked:
        reading = self._embedder.read_query(text)
        return Asked(text, reading, reading.vector, weight, *self._embedder.spelled(reading.pieces))

    def _now(self) -> Snapshot:
        """The generation in force, opened anew when `current` was replaced."""
        stamp = _stamp(self._named)
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


def _stamp(path: str) -> tuple[int, int]:
    try:
        held = os.stat(path)
    except OSError:
        return (0, 0)
    return (held.st_mtime_ns, held.st_ino)
