"""A question to the sentences that answer it, best first, and how likely it is that they do."""

from __future__ import annotations

import json
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from retrieval.build import FORMAT, article_from, current, manifest_of
from retrieval.embed import Embedder
from retrieval.files import broken_seal
from retrieval.followup import leans_on
from retrieval.indexes import open_index
from retrieval.lexical import Lexical, words_of
from retrieval.model import Article, Hit, IndexUnusable, Passage
from retrieval.rank import ALIKE, ASKED, DENSE_REACH, LEXICAL, LEXICAL_REACH, Signs, confidence, threshold

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Vectors = NDArray[np.float32]
    Rows = NDArray[np.int64]

_ALL_AT_ONCE = 5_000  # questions: up to here all are compared, beyond only those of the articles that were found


@dataclass(frozen=True, slots=True)
class Found:
    """What one search gave. `confidence` is how likely the corpus answers the question at all (0 to 1); `query` is the
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


class Snapshot:
    """One generation of the index, opened: read-only, shared by threads."""

    def __init__(self, generation: Path) -> None:
        manifest = manifest_of(generation)
        if fault := broken_seal(generation, FORMAT):
            raise IndexUnusable(f"the index is {fault}: run handrail index")
        self.version: str = manifest["version"]
        self.model: str = manifest["model"]
        records = json.loads((generation / "articles.json").read_text(encoding="utf-8"))
        self.articles: dict[str, Article] = {record["slug"]: article_from(record) for record in records}
        held = json.loads((generation / "passages.json").read_text(encoding="utf-8"))
        self.passages: tuple[Passage, ...] = tuple(
            Passage(place, slug, self.articles[slug].title, heading, position, tuple(sentences))
            for place, (slug, heading, position, sentences) in enumerate(held)
        )
        lengths = np.array([len(passage.sentences) for passage in self.passages], np.int64)
        self.first_row: Rows = np.concatenate([[0], np.cumsum(lengths)])
        self.passage_of: Rows = np.repeat(np.arange(len(lengths)), lengths)
        self.article_of: Rows = np.repeat(np.arange(len(records)), [record["sentences"] for record in records])
        self.asked_starts: Rows = np.concatenate([[0], np.cumsum([record["asked"] for record in records])])
        self.expires = tuple(article.review.expires for article in self.articles.values())
        self.vectors: Vectors = np.load(generation / "vectors.npy", mmap_mode="r")
        self.asked: Vectors = np.load(generation / "questions.npy", mmap_mode="r")
        self.index = open_index(manifest["kind"], generation)
        self.lexical = Lexical(generation)
        self.by_article: dict[str, list[Passage]] = {slug: [] for slug in self.articles}
        for passage in self.passages:
            self.by_article[passage.article].append(passage)
        self.shut_out = lru_cache(maxsize=4)(self._shut_out)

    def _shut_out(self, today: date) -> NDArray[np.bool_]:
        """Which articles may not answer: those whose review has expired."""
        return np.array([expires is not None and expires < today for expires in self.expires], np.bool_)

    def nearest_asked(self, query: Vectors, articles: Rows) -> Vectors:
        """For each of these articles, the cosine of the query with the nearest of its title, summary and questions."""
        if len(self.asked) <= _ALL_AT_ONCE:
            best: Vectors = np.maximum.reduceat(self.asked @ query, self.asked_starts[:-1])
            return best[articles]
        seen: dict[int, float] = {}
        for article in articles.tolist():
            if article not in seen:
                own = self.asked[self.asked_starts[article] : self.asked_starts[article + 1]]
                seen[article] = float((own @ query).max())
        return np.array([seen[article] for article in articles.tolist()], np.float32)


class Search:
    """Open with `Search.open`; safe to use from many threads. A new index is taken up at the next search, and an index
    that was made with another model, or that is damaged, is passed over as long as this one is open."""

    def __init__(self, folder: Path, embedder: Embedder, snapshot: Snapshot, stamp: tuple[int, int]) -> None:
        self._folder, self._embedder = folder, embedder
        self._snapshot, self._stamp, self._lock = snapshot, stamp, threading.Lock()

    @classmethod
    def open(cls, folder: Path, embedder: Embedder) -> Search:
        """Raises IndexUnusable when there is no whole index of this embedder's model in `folder`."""
        stamp = _stamp(folder)
        generation = current(folder)
        if generation is None:
            raise IndexUnusable(f"there is no index in {folder}: run handrail index")
        snapshot = Snapshot(generation)
        if snapshot.model != embedder.digest:
            raise IndexUnusable("the index was made with another model: run handrail index")
        return cls(folder, embedder, snapshot, stamp)

    @property
    def version(self) -> str:
        """The corpus version in force, as answers carry it."""
        return self._now().version

    def articles(self) -> Mapping[str, Article]:
        """Every article of the index by slug, expired ones too."""
        return self._now().articles

    def passages(self, slug: str) -> Sequence[Passage]:
        """An article's passages in reading order; empty when there is no such article."""
        return self._now().by_article.get(slug, ())

    def retired(self, slug: str) -> Sequence[Article]:
        """Former texts of an article that earlier answers may have quoted, newest last; empty when there are none."""
        paths = sorted((self._folder / "retired").glob(f"{slug}.*.json"), key=lambda path: path.stat().st_mtime_ns)
        return [article_from(json.loads(path.read_text(encoding="utf-8"))) for path in paths]

    def search(
        self, query: str, *, today: date, vector: Vectors | None = None, limit: int = 8, context: Sequence[str] = ()
    ) -> list[Hit]:
        """The hits of `find`."""
        return list(self.find(query, today=today, vector=vector, limit=limit, context=context).hits)

    def find(
        self, query: str, *, today: date, vector: Vectors | None = None, limit: int = 8, context: Sequence[str] = ()
    ) -> Found:
        """The best `limit` sentences for `query`, no two saying the same, none from an article whose review expired
        before `today`. `vector` is the query's unit vector when the caller has it (`embedder.encode_query(query)`);
        `context` are the visitor's earlier questions, oldest first, drawn in only when this one cannot stand alone."""
        now = self._now()
        follow_up = bool(context) and leans_on(query)
        asked = now.lexical.mended(query, self._embedder.knows_word)
        if vector is None or asked != query:
            vector = self._embedder.encode_query(asked)
        shares = now.lexical.shares(asked)
        if follow_up:
            before = now.lexical.mended(context[-1], self._embedder.knows_word)
            mixed = 0.5 * vector + 0.5 * self._embedder.encode_query(f"{before} {asked}")
            vector = (mixed / np.linalg.norm(mixed)).astype(np.float32)
            shares = np.maximum(shares, 0.8 * now.lexical.shares(f"{before} {asked}"))
        hits, signs = _ranked(now, vector, shares, today, limit)
        return Found(hits, confidence(signs) if hits else 0.0, asked, follow_up, now.version)

    def _now(self) -> Snapshot:
        """The generation in force, opened anew when `current` was replaced."""
        stamp = _stamp(self._folder)
        if stamp != self._stamp and self._lock.acquire(blocking=False):
            try:
                generation = current(self._folder)
                if generation is not None:
                    fresh = Snapshot(generation)
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


def _ranked(now: Snapshot, vector: Vectors, shares: Vectors, today: date, limit: int) -> tuple[tuple[Hit, ...], Signs]:
    rows, _ = now.index.search(vector, min(DENSE_REACH, now.index.size))
    reach = min(LEXICAL_REACH, len(shares))
    worded = np.argpartition(-shares, reach - 1)[:reach] if reach else np.zeros(0, np.int64)
    rows = np.union1d(rows, worded[shares[worded] > 0])
    rows = rows[~now.shut_out(today)[now.article_of[rows]]]
    if not len(rows):
        return (), Signs(0, 0, 0, 0)
    dense = now.vectors[rows] @ vector
    asked = now.nearest_asked(vector, now.article_of[rows])
    lexical = shares[rows]
    scores = dense + LEXICAL * lexical + ASKED * asked
    order = np.argsort(-scores, kind="stable")
    first = int(order[0])
    signs = Signs(float(scores[first]), float(dense[first]), float(lexical.max()), float(asked.max()))
    hits: list[Hit] = []
    said: list[frozenset[str]] = []
    for place in order.tolist():
        row = int(rows[place])
        passage = now.passages[int(now.passage_of[row])]
        sentence = row - int(now.first_row[passage.id])
        words = frozenset(words_of(passage.sentences[sentence]))
        if any(_alike(words, other) for other in said):
            continue
        said.append(words)
        hits.append(Hit(passage, sentence, float(scores[place]), float(dense[place]), float(lexical[place])))
        if len(hits) == limit:
            break
    return tuple(hits), signs


def _alike(one: frozenset[str], other: frozenset[str]) -> bool:
    return len(one & other) >= ALIKE * len(one | other)
