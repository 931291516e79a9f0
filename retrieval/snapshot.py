"""One generation of the index, opened: read-only, memory-mapped, shared by threads."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from retrieval.embed import Reading
from retrieval.files import broken_seal
from retrieval.folder import FORMAT, article_from, manifest_of
from retrieval.indexes import open_index
from retrieval.lexical import Lexical, words_of
from retrieval.model import Article, IndexUnusable, Passage
from retrieval.vectors import large

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Vectors = NDArray[np.float32]
    Rows = NDArray[np.int64]

RARITY = 1.5  # a query word's weight in the word-by-word share: its idf to this power
_IN_MEMORY = 30_000  # word pieces: up to here their vectors are held ready as float32, 46 MB at most
_ALL_AT_ONCE = 5_000  # questions: up to here all are compared, beyond only those of the articles that were found


class Snapshot:
    """Sentences are rows: `passage_of` and `article_of` say where a row stands, `first_row` where a passage begins.
    Raises IndexUnusable when the generation is not whole."""

    def __init__(self, generation: Path) -> None:
        if fault := broken_seal(generation, FORMAT):
            raise IndexUnusable(f"the index is {fault}: run handrail index")
        manifest = manifest_of(generation)
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
        self.vectors: Vectors = np.load(generation / "vectors.npy", mmap_mode="r")
        self.index = open_index(manifest["kind"], generation)
        self.lexical = Lexical(generation)
        self._asked: Vectors = np.load(generation / "questions.npy", mmap_mode="r")
        self._asked_starts: Rows = np.concatenate([[0], np.cumsum([record["asked"] for record in records])])
        self._words = _Words(generation) if manifest["words"] else None
        self.size = float(np.clip(np.log10(max(len(self.passage_of), 1)) - 2, 0, 1))
        self.by_article: dict[str, list[Passage]] = {slug: [] for slug in self.articles}
        for passage in self.passages:
            self.by_article[passage.article].append(passage)
        self.shut_out = lru_cache(maxsize=4)(self._shut_out)
        self.said_at = lru_cache(maxsize=8192)(self._said_at)
        self.in_force = lru_cache(maxsize=4)(self._in_force)

    def _shut_out(self, today: date) -> NDArray[np.bool_]:
        return np.array([article.review.expired(today) for article in self.articles.values()], np.bool_)

    def _said_at(self, row: int) -> frozenset[str]:
        passage, sentence = self.place(row)
        return frozenset(words_of(passage.sentences[sentence]))

    def _in_force(self, today: date) -> dict[str, Article]:
        return {slug: article for slug, article in self.articles.items() if not article.review.expired(today)}

    def place(self, row: int) -> tuple[Passage, int]:
        """The passage in which a row stands, and its place there."""
        passage = self.passages[int(self.passage_of[row])]
        return passage, row - int(self.first_row[passage.id])

    def nearest_asked(self, query: Vectors, articles: Rows) -> Vectors:
        """For each of these articles, the cosine of the query with the nearest of its title, summary and questions."""
        if len(self._asked) <= _ALL_AT_ONCE:
            best: Vectors = np.maximum.reduceat(self._asked @ query, self._asked_starts[:-1])
            return best[articles]
        distinct, where = np.unique(articles, return_inverse=True)
        spans = [slice(int(self._asked_starts[each]), int(self._asked_starts[each + 1])) for each in distinct]
        nearest = np.array([(self._asked[span] @ query).max() for span in spans], np.float32)
        return nearest[where]

    def matches(self, query: Reading, rows: Rows) -> Matches | None:
        """How the query's words are met by each of these sentences; None when the index holds no word vectors."""
        return None if self._words is None else self._words.matches(query, rows)


@dataclass(frozen=True, slots=True, eq=False)
class Matches:
    """`met` (n, rows): for each word piece of the query, the best cosine with a piece of the sentence. `weight` (n,):
    how much a query piece counts, more the rarer it is in the corpus; they add up to one."""

    met: Vectors
    weight: Vectors

    @property
    def shares(self) -> Vectors:
        """Shape (rows,): how well each sentence meets the query, about 0 to 1."""
        return self.weight @ self.met

    def covered(self, places: Rows) -> float:
        """How well these sentences together meet the query, about 0 to 1."""
        if not len(self.weight) or not len(places):
            return 0.0
        return float(self.weight @ self.met[:, places].max(axis=1))


class _Words:
    """Late interaction (Khattab and Zaharia, SIGIR 2020) over the sentence model's own word vectors."""

    def __init__(self, generation: Path) -> None:
        stored: NDArray[np.int8] = np.load(generation / "words.npy", mmap_mode="r")
        self._vectors: Vectors | None = large(stored) if len(stored) <= _IN_MEMORY else None
        self._stored = stored
        self._starts: Rows = np.load(generation / "word_starts.npy")
        held: Rows = np.load(generation / "piece_counts.npy")
        sentences = len(self._starts) - 1
        self._weight: Vectors = (np.log(1 + (sentences - held + 0.5) / (held + 0.5)) ** RARITY).astype(np.float32)

    def matches(self, query: Reading, rows: Rows) -> Matches:
        met: Vectors = np.zeros((len(query.pieces), len(rows)), np.float32)
        weight = self._weight[query.pieces]
        weight = weight / max(float(weight.sum()), 1e-9)
        starts, ends = self._starts[rows], self._starts[rows + 1]
        full = ends > starts
        if len(query.pieces) and full.any():
            lengths = (ends - starts)[full]
            first = np.concatenate([[0], np.cumsum(lengths)[:-1]])
            places = np.repeat(starts[full] - first, lengths) + np.arange(int(lengths.sum()))
            words = self._vectors[places] if self._vectors is not None else large(self._stored[places])
            cosines = query.words @ words.T
            met[:, full] = np.maximum.reduceat(cosines, first, axis=1)
        return Matches(met, weight)
