"""An article's vectors: made by the embedder, or taken over from the index in force when nothing in it has changed."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from retrieval.articles import Corpus
from retrieval.embed import Embedder
from retrieval.files import broken_seal
from retrieval.folder import FORMAT, manifest_of, write_json
from retrieval.model import Article, Passage

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Vectors = NDArray[np.float32]
    Small = NDArray[np.int8]
    Numbers = NDArray[np.int64]

# A sentence's vector is the sum of these parts, so that one product with the query weighs them all.
# Weights found on the question set's `tune` split: see docs/retrieval.md.
BLEND = {"sentence": 0.4, "context": 0.35, "passage": 0.25}
_SCALE = 254  # a word vector's number times this is stored in 8 bits: -0.5 to 0.5


@dataclass(frozen=True, slots=True)
class ArticleVectors:
    """`sentences` (n, d): blended. `asked` (m, d): what it says it answers. `words` (w, d): every sentence's word
    pieces, 8 bits; `pieces` (w,): their numbers in the model's vocabulary; `counts` (n,): how many each sentence
    has."""

    sentences: Vectors
    asked: Vectors
    words: Small
    pieces: Numbers
    counts: Numbers


def small(words: Vectors) -> Small:
    """Unit vectors' numbers in 8 bits."""
    return np.clip(np.rint(words * _SCALE), -127, 127).astype(np.int8)


def large(words: Small) -> Vectors:
    """What `small` stored, as float32."""
    return words.astype(np.float32) / np.float32(_SCALE)


def embedded(batch: Sequence[tuple[Article, Sequence[Passage]]], embedder: Embedder) -> list[ArticleVectors]:
    """Reads every sentence alone, in its context and in its passage, and everything that the articles say they
    answer."""
    alone: list[str] = []
    rest: list[str] = []
    for article, passages in batch:
        alone += [sentence for passage in passages for sentence in passage.sentences]
        rest += [f"{p.title}. {p.heading}. {sentence}" for p in passages for sentence in p.sentences]
        rest += [f"{p.title}. {p.heading}. {p.text}" for p in passages]
        rest += [text for text, _ in asked_of(article)]
    readings = embedder.read_all(alone)
    vectors = embedder.encode(rest)
    done: list[ArticleVectors] = []
    for article, passages in batch:
        lengths = [len(passage.sentences) for passage in passages]
        count, groups = sum(lengths), len(passages)
        asked = len(asked_of(article))
        context, around, answers = np.split(vectors[: count + groups + asked], [count, count + groups])
        vectors = vectors[count + groups + asked :]
        own = list(islice(readings, count))
        whole = (
            BLEND["sentence"] * np.stack([reading.vector for reading in own])
            + BLEND["context"] * context
            + BLEND["passage"] * np.repeat(around, lengths, axis=0)
        )
        done.append(
            ArticleVectors(
                sentences=whole.astype(np.float32),
                asked=answers,
                words=small(np.concatenate([reading.words for reading in own])),
                pieces=np.concatenate([reading.pieces for reading in own]),
                counts=np.array([len(reading.pieces) for reading in own], np.int64),
            )
        )
    return done


def asked_of(article: Article) -> list[tuple[str, int]]:
    """What the article answers: its title, summary and questions, and each section's; with the section's place, or -1
    for what is said of the whole. A question that is a section's heading is that section's."""
    headings = {section.heading: place for place, section in reversed(list(enumerate(article.sections)))}
    whole = [article.title, *([article.summary] if article.summary else [])]
    own = [(text, -1) for text in whole] + [(text, headings.get(text, -1)) for text in article.questions]
    return own + [(text, place) for place, section in enumerate(article.sections) for text in section.asked]


def content_key(article: Article, passages: Sequence[Passage]) -> str:
    """What decides an article's vectors, as a digest: its texts, their division and the blend."""
    texts = [texts_of(article), [[passage.heading, passage.sentences] for passage in passages], BLEND]
    return hashlib.sha256(json.dumps(texts).encode()).hexdigest()[:32]


def texts_of(article: Article) -> list[str]:
    """Everything that the article says, its questions too."""
    texts = [article.title, article.summary, *article.questions]
    for section in article.sections:
        texts += [section.heading, *section.paragraphs, *section.asked]
    return texts


class Taken:
    """The generation in force, as a source of vectors that need not be made again."""

    def __init__(self, generation: Path | None, embedder: Embedder) -> None:
        self._places: dict[tuple[str, str], tuple[slice, slice]] = {}
        self._records: list[dict[str, Any]] = []
        if generation is None or broken_seal(generation, FORMAT):
            return
        self._records = json.loads((generation / "articles.json").read_text(encoding="utf-8"))
        manifest = manifest_of(generation)
        if manifest["model"] != embedder.digest or not manifest["words"]:
            return
        self._sentences: Vectors = np.load(generation / "vectors.npy", mmap_mode="r")
        self._asked: Vectors = np.load(generation / "questions.npy", mmap_mode="r")
        self._words: Small = np.load(generation / "words.npy", mmap_mode="r")
        self._pieces: Numbers = np.load(generation / "pieces.npy", mmap_mode="r")
        self._starts: Numbers = np.load(generation / "word_starts.npy")
        row = asked = 0
        for record in self._records:
            ends = row + record["sentences"], asked + record["asked"]
            self._places[record["slug"], record["key"]] = slice(row, ends[0]), slice(asked, ends[1])
            row, asked = ends

    def vectors(self, slug: str, key: str) -> ArticleVectors | None:
        """The article's vectors when it stood in the index just so."""
        place = self._places.get((slug, key))
        if place is None:
            return None
        rows, asked = place
        words = slice(int(self._starts[rows.start]), int(self._starts[rows.stop]))
        counts = np.diff(self._starts[rows.start : rows.stop + 1])
        return ArticleVectors(
            self._sentences[rows], self._asked[asked], self._words[words], self._pieces[words], counts
        )

    def retire(self, corpus: Corpus, folder: Path) -> int:
        """Keeps the text of articles that are gone or changed, by digest, so that an old citation still resolves.
        How many are gone."""
        here = {(article.slug, article.digest) for article in corpus.articles}
        slugs = {article.slug for article in corpus.articles}
        for record in self._records:
            if (record["slug"], record["digest"]) not in here:
                folder.mkdir(exist_ok=True)
                path = folder / f"{record['slug']}.{record['digest'][:16]}.json"
                if not path.exists():
                    write_json(path.with_suffix(".new"), record)
                    path.with_suffix(".new").replace(path)
        return sum(record["slug"] not in slugs for record in self._records)
