"""One generation of the index, opened: read-only, memory-mapped, shared by threads."""

from __future__ import annotations

import json
import math
from collections import Counter
from collections.abc import Mapping, Sequence
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

ALIKE = 0.85  # share of words in common from which two sentences say the same
RARITY = 1.5  # a query word's weight in the word-by-word share: its idf to this power
_IN_REACH = 5_000  # sentences: up to here their vectors are held in memory, 8 MB at most
_IN_MEMORY = 30_000  # word pieces: up to here their vectors are held ready as float32, 46 MB at most


@dataclass(frozen=True, slots=True)
class Said:
    """A sentence's words. Of two sentences that say the same, at least one word is `telling` for both."""

    words: frozenset[str]
    telling: tuple[str, ...]

    @classmethod
    def of(cls, text: str, counts: Mapping[str, int]) -> Said:
        """Its rarest words are telling, as many as it may lack of a sentence like it, and one more (prefix filtering:
        Chaudhuri, Ganti and Kaushik, ICDE 2006); `counts` says how often each word occurs, the same for every sentence."""
        words = frozenset(words_of(text))
        rarest = sorted(words, key=lambda word: (counts.get(word, 0), word))
        return cls(words, tuple(rarest[: 1 + len(words) - math.ceil(ALIKE * len(words) - 1e-9)]) or ("",))

    def like(self, other: Said) -> bool:
        """Whether the words in common are ALIKE of all their words; most pairs are told apart by their numbers."""
        least = ALIKE * (len(self.words) + len(other.words)) / (1 + ALIKE)
        fewer = min(len(self.words), len(other.words))
        return fewer >= least and len(self.words & other.words) >= least


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
        vectors: Vectors = np.asarray(np.load(generation / "vectors.npy", mmap_mode="r"))
        self._few = len(vectors) <= _IN_REACH
        self.vectors = np.array(vectors) if self._few else vectors
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
        self.open_to = lru_cache(maxsize=8)(self._open_to)
        self.said_at = lru_cache(maxsize=8192)(self._said_at)
        self.in_force = lru_cache(maxsize=4)(self._in_force)

    def language_for(self, query: str) -> str:
        """The language whose articles answer: the query's own where it shows and there are such articles, else the one
        that most are in; "" where there is only one."""
        if len(self.languages) < 2:
            return ""
        spoken = language_of(query)
        return spoken if spoken in self.languages else self.languages[0]

    def _open_to(self, today: date, language: str) -> NDArray[np.bool_]:
        """The articles that may answer: their review has not expired, and they are in no other language."""
        held = self.articles.values()
        return np.array([not a.review.expired(today) and language in ("", a.language) for a in held], np.bool_)

    def _said_at(self, row: int) -> Said:
        passage, sentence = self.place(row)
        return Said.of(passage.sentences[sentence], self.lexical.words)

    def dense(self, query: Vectors) -> Vectors | None:
        """The query's product with every sentence, shape (rows,); None where they are too many to compare them all."""
        return self.vectors @ query if self._few else None

    def proposed(self, query: Vectors, dense: Vectors | None, count: int) -> Rows:
        """The `count` rows of the largest products, in no order."""
        if dense is None:
            return self.index.search(query, min(count, self.index.size))[0]
        return np.argpartition(-dense, count)[:count] if count < len(dense) else np.arange(len(dense))

    def together(self, rows: Sequence[Rows]) -> Rows:
        """Each row once, in order."""
        whole = np.concatenate(rows)
        if not self._few:
            return np.unique(whole)
        held = np.zeros(len(self.passage_of), np.bool_)
        held[whole] = True
        return np.flatnonzero(held)

    def _in_force(self, today: date) -> dict[str, Article]:
        return {slug: article for slug, article in self.articles.items() if not article.review.expired(today)}

    def place(self, row: int) -> tuple[Passage, int]:
        """The passage in which a row stands, and its place there."""
        passage = self.passages[self.passage_of[row]]
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
    """`met` (rows, n): for each word piece of the query, the best cosine with a piece of the sentence. `weight` (n,):
    how much a query piece counts, more the rarer it is in the corpus; they add up to one."""

    met: Vectors
    weight: Vectors

    @property
    def shares(self) -> Vectors:
        """Shape (rows,): how well each sentence meets the query, about 0 to 1."""
        return self.met @ self.weight

    def unmet(self, places: Rows) -> Vectors:
        """Shape (n,): the weight of each word piece that all of these sentences together leave unmet."""
        best: Vectors = self.met[places].max(axis=0, initial=0)
        return self.weight * (1 - best)


class _Words:
    """Late interaction (Khattab and Zaharia, SIGIR 2020) over the sentence model's own word vectors."""

    def __init__(self, generation: Path) -> None:
        stored: NDArray[np.int8] = np.asarray(np.load(generation / "words.npy", mmap_mode="r"))
        self._vectors: Vectors | None = large(stored) if len(stored) <= _IN_MEMORY else None
        self._stored = stored
        self._starts: Rows = np.load(generation / "word_starts.npy")
        held: Rows = np.load(generation / "piece_counts.npy")
        sentences = len(self._starts) - 1
        self._weight: Vectors = (np.log(1 + (sentences - held + 0.5) / (held + 0.5)) ** RARITY).astype(np.float32)

    def matches(self, query: Reading, rows: Rows) -> Matches:
        met: Vectors = np.zeros((len(rows), len(query.pieces)), np.float32)
        weight = self._weight[query.pieces]
        weight = weight / max(float(weight.sum()), 1e-9)
        starts, ends = self._starts[rows], self._starts[rows + 1]
        full = ends > starts
        if len(query.pieces) and full.any():
            starts, ends = starts[full], ends[full]
            first = np.concatenate([[0], np.cumsum(ends - starts)])
            cosines: Vectors = np.empty((int(first[-1]), len(query.pieces)), np.float32)
            of_query = query.words.T
            for start, end, at in zip(starts.tolist(), ends.tolist(), first.tolist(), strict=False):
                # sentence by sentence: a fifth faster than one product, for which the vectors are gathered first
                np.dot(self._at(start, end), of_query, out=cosines[at : at + end - start])
            met[full] = np.maximum.reduceat(cosines, first[:-1], axis=0)
        return Matches(met, weight)

    def _at(self, start: int, end: int) -> Vectors:
        return self._vectors[start:end] if self._vectors is not None else large(self._stored[start:end])
