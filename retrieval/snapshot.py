"""One generation of the index, opened: read-only, memory-mapped, shared by threads."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from retrieval.embed import Reading
from retrieval.files import broken_seal
from retrieval.folder import FORMAT, article_from, manifest_of
from retrieval.followup import leans
from retrieval.indexes import open_index
from retrieval.language import language_of
from retrieval.lexical import Lexical, words_of
from retrieval.model import Article, IndexUnusable, Passage
from retrieval.named import Named
from retrieval.vectors import asked_of, large

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Vectors = NDArray[np.float32]
    Rows = NDArray[np.int64]

RARITY = 1.5  # a query word's weight in the word-by-word share: its idf to this power
_IN_REACH = 5_000  # sentences: up to here their vectors are held in memory, 8 MB at most
_IN_MEMORY = 30_000  # word pieces: up to here their vectors are held ready as float32, 46 MB at most


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
        self.leaning: Vectors = np.array([leans(s) for p in self.passages for s in p.sentences], np.float32)
        vectors: Vectors = np.load(generation / "vectors.npy", mmap_mode="r")
        self.vectors = np.array(vectors) if len(vectors) <= _IN_REACH else vectors
        self.index = open_index(manifest["kind"], generation)
        self.lexical = Lexical(generation)
        asked: Vectors = np.load(generation / "questions.npy", mmap_mode="r")
        of_articles = np.array([record["asked"] for record in records], np.int64)
        under, section_of = self._sections(lengths)
        self.named = Named(asked, of_articles, under, self.article_of, section_of)
        self._words = _Words(generation) if manifest["words"] else None
        self.size = float(np.clip(np.log10(max(len(self.passage_of), 1)) - 2, 0, 1))
        self.by_article: dict[str, list[Passage]] = {slug: [] for slug in self.articles}
        for passage in self.passages:
            self.by_article[passage.article].append(passage)
        self.languages = [language for language, _ in Counter(a.language for a in self.articles.values()).most_common()]
        self.shut_out = lru_cache(maxsize=8)(self._shut_out)
        self.said_at = lru_cache(maxsize=8192)(self._said_at)
        self.in_force = lru_cache(maxsize=4)(self._in_force)

    def language_for(self, query: str) -> str:
        """The language whose articles answer: the query's own where it shows and there are such articles, else the one
        that most are in; "" where there is only one."""
        if len(self.languages) < 2:
            return ""
        spoken = language_of(query)
        return spoken if spoken in self.languages else self.languages[0]

    def _shut_out(self, today: date, language: str) -> NDArray[np.bool_]:
        """The articles that may not answer: their review has expired, or they are in another language."""
        return np.array(
            [a.review.expired(today) or bool(language and a.language != language) for a in self.articles.values()],
            np.bool_,
        )

    def _said_at(self, row: int) -> frozenset[str]:
        passage, sentence = self.place(row)
        return frozenset(words_of(passage.sentences[sentence]))

    def _in_force(self, today: date) -> dict[str, Article]:
        return {slug: article for slug, article in self.articles.items() if not article.review.expired(today)}

    def place(self, row: int) -> tuple[Passage, int]:
        """The passage in which a row stands, and its place there."""
        passage = self.passages[int(self.passage_of[row])]
        return passage, row - int(self.first_row[passage.id])

    def _sections(self, lengths: Rows) -> tuple[Rows, Rows]:
        """Sections numbered through all articles: of each question (-1 where it is the whole article's), and of each
        row."""
        under: list[int] = []
        numbers: dict[tuple[str, str], int] = {}
        first = 0
        for slug, article in self.articles.items():
            under += [first + place if place >= 0 else -1 for _, place in asked_of(article)]
            for place, section in enumerate(article.sections):
                numbers.setdefault((slug, section.heading), first + place)
            first += len(article.sections)
        of_passages = np.array([numbers[passage.article, passage.heading] for passage in self.passages], np.int64)
        return np.array(under, np.int64), np.repeat(of_passages, lengths)

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

    def gap(self, places: Rows) -> float:
        """The most of the query's weight that one of its word pieces leaves unmet by all of these sentences, 0 to 1."""
        if not len(self.weight) or not len(places):
            return 0.0
        return float((self.weight * (1 - self.met[:, places].max(axis=1))).max())


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
