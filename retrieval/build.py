"""The corpus to an index folder: only what changed is embedded, the folder is whole or the old one stays.

An index folder holds generations and a file `current` that names the one in force. A generation is written aside,
sealed with checksums and only then named, so that Ctrl-C, a full disk or a power cut leave the old one in force.
"""

from __future__ import annotations

import dataclasses
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from retrieval.articles import Corpus
from retrieval.embed import Embedder
from retrieval.files import broken_seal, sealed
from retrieval.folder import FORMAT, alone, article_record, current, manifest_of, number, point, sweep, write_json
from retrieval.indexes import kind_for, write_index
from retrieval.lexical import COMMON, Lexical, terms_of, words_of
from retrieval.model import Article, Passage, Progress, silent
from retrieval.passages import passages_of
from retrieval.vectors import BLEND, ArticleVectors, Taken, content_key, embedded, texts_of

AT_ONCE = 16  # articles that are embedded together
MADE = 1  # raised when an index must be written anew though its vectors can be kept
COMMON_IN = 0.1  # share of sentences that a common word counts as standing in, even where it does not ("hi", "will")
WORDS_UP_TO = 100_000  # sentences: a larger corpus is searched without word-by-word vectors (8 KB a sentence)


@dataclass(frozen=True, slots=True)
class Built:
    """What an index run did: counts of articles, and the version that is now in force."""

    version: str
    articles: int
    passages: int
    sentences: int
    embedded: int  # articles embedded anew
    kept: int  # articles whose vectors were taken over
    retired: int  # articles gone since the last index
    changed: bool


def why_stale(folder: Path, corpus: Corpus, embedder: Embedder, *, kind: str = "auto") -> str:
    """Empty when the index in `folder` is whole and of this corpus and model, otherwise why it must be built, in
    words."""
    generation = current(folder)
    if generation is None:
        return "there is no index yet"
    if fault := broken_seal(generation, FORMAT):
        return f"the index is {fault}"
    manifest = manifest_of(generation)
    if manifest["model"] != embedder.digest:
        return "the index was made with another model"
    if manifest.get("made") != MADE:
        return "the index was made by an earlier version"
    if manifest["corpus"] != corpus.digest or manifest["blend"] != BLEND:
        return "the articles have changed"
    if manifest["kind"] != kind_for(kind, manifest["sentences"]):
        return "another vector index was chosen"
    return ""


def build_index(
    corpus: Corpus, folder: Path, embedder: Embedder, *, kind: str = "auto", progress: Progress = silent
) -> Built:
    """Brings the index in `folder` up to the corpus. A running Search picks it up by itself.

    Raises IndexUnusable when another process is indexing the same folder, ValueError for an unknown kind, OSError when
    the disk is full or the folder cannot be written: the index in force stays in force.
    """
    kind_for(kind, 0)
    folder.mkdir(parents=True, exist_ok=True)
    with alone(folder):
        stale = why_stale(folder, corpus, embedder, kind=kind)
        generation = current(folder)
        if not stale and generation is not None:
            held = manifest_of(generation)
            count = len(corpus.articles)
            return Built(held["version"], count, held["passages"], held["sentences"], 0, count, 0, False)
        sweep(folder, generation)
        old = Taken(generation, embedder)
        name = f"{corpus.digest[:12]}-{number(generation) + 1}"
        fresh = folder / f".{name}.new"
        fresh.mkdir()
        try:
            built = _write(fresh, corpus, embedder, old, kind, name, progress)
            sealed(fresh, FORMAT)
            fresh.rename(folder / name)
        except BaseException:
            shutil.rmtree(fresh, ignore_errors=True)
            raise
        retired = old.retire(corpus, folder / "retired")
        point(folder, name)
        sweep(folder, folder / name)
        return dataclasses.replace(built, retired=retired)


def _write(
    fresh: Path, corpus: Corpus, embedder: Embedder, old: Taken, kind: str, version: str, progress: Progress
) -> Built:
    passages: list[Passage] = []
    parts: list[ArticleVectors] = []
    records: list[dict[str, Any]] = []
    taken = 0
    for start in range(0, len(corpus.articles), AT_ONCE):
        chunk: list[tuple[Article, tuple[Passage, ...], str]] = []
        for article in corpus.articles[start : start + AT_ONCE]:
            own = passages_of(article, len(passages))
            passages.extend(own)
            chunk.append((article, own, content_key(article, own)))
        held = [old.vectors(article.slug, key) for article, _, key in chunk]
        taken += sum(vectors is not None for vectors in held)
        new = [(article, own) for (article, own, _), vectors in zip(chunk, held, strict=True) if vectors is None]
        made = iter(embedded(new, embedder))
        for (article, _, key), kept in zip(chunk, held, strict=True):
            vectors = kept or next(made)
            parts.append(vectors)
            counts = {"sentences": len(vectors.sentences), "asked": len(vectors.asked)}
            records.append({**article_record(article), "key": key, **counts})
        progress("indexing articles", start + len(chunk), len(corpus.articles))
    sentences = sum(len(part.sentences) for part in parts)
    chosen = kind_for(kind, sentences)
    _write_vectors(fresh, parts, chosen, embedder, sentences <= WORDS_UP_TO)
    terms = [
        terms_of(sentence) + terms_of(f"{passage.heading} {passage.title}")
        for passage in passages
        for sentence in passage.sentences
    ]
    Lexical.write(fresh, terms, [word for article in corpus.articles for word in words_of(" ".join(texts_of(article)))])
    write_json(fresh / "articles.json", records)
    write_json(fresh / "passages.json", [[p.article, p.heading, p.position, list(p.sentences)] for p in passages])
    manifest = {
        "version": version,
        "made": MADE,
        "model": embedder.digest,
        "model_name": embedder.name,
        "corpus": corpus.digest,
        "language": corpus.language,
        "blend": BLEND,
        "kind": chosen,
        "words": sentences <= WORDS_UP_TO,
        "articles": len(records),
        "passages": len(passages),
        "sentences": sentences,
    }
    write_json(fresh / "manifest.json", manifest)
    return Built(version, len(records), len(passages), sentences, len(records) - taken, taken, 0, True)


def _write_vectors(fresh: Path, parts: list[ArticleVectors], kind: str, embedder: Embedder, words: bool) -> None:
    whole = np.concatenate([part.sentences for part in parts])
    np.save(fresh / "vectors.npy", whole)
    write_index(kind, fresh, whole)
    np.save(fresh / "questions.npy", np.concatenate([part.asked for part in parts]))
    if not words:
        return
    starts = np.concatenate([[0], np.cumsum(np.concatenate([part.counts for part in parts]))]).astype(np.int64)
    pieces = np.concatenate([part.pieces for part in parts])
    np.save(fresh / "word_starts.npy", starts)
    np.save(fresh / "pieces.npy", pieces)
    np.save(fresh / "words.npy", np.concatenate([part.words for part in parts]))
    sentence_of = np.repeat(np.arange(len(starts) - 1), np.diff(starts))
    once = np.unique(np.stack([pieces, sentence_of]), axis=1)[0] if len(pieces) else pieces
    counts = np.bincount(once, minlength=embedder.vocabulary).astype(np.int64)
    common = [piece for word in COMMON if (piece := embedder.piece_of(word)) is not None]
    counts[common] = np.maximum(counts[common], round(COMMON_IN * (len(starts) - 1)))
    np.save(fresh / "piece_counts.npy", counts)
