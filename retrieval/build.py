"""The corpus to an index folder: only what changed is embedded, the folder is whole or the old one stays.

An index folder holds generations and a file `current` that names the one in force. A generation is written aside,
sealed with checksums and only then named, so that Ctrl-C, a full disk or a power cut leave the old one in force.
"""

from __future__ import annotations

import dataclasses
import fcntl
import hashlib
import json
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from retrieval.articles import Corpus
from retrieval.embed import Embedder
from retrieval.files import SEAL, broken_seal, sealed
from retrieval.indexes import kind_for, write_index
from retrieval.lexical import Lexical, terms_of, words_of
from retrieval.model import Article, IndexUnusable, Passage, Progress, Review, Section, Source, silent
from retrieval.passages import passages_of

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Vectors = NDArray[np.float32]

FORMAT = 1
# A sentence's vector is the sum of these parts, so that one product with the query weighs them all.
# Weights found on the question set's `tune` split: see docs/retrieval.md.
BLEND = {"sentence": 0.4, "context": 0.35, "passage": 0.25}


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


def current(folder: Path) -> Path | None:
    """The generation in force, or None when there is no index."""
    try:
        name = (folder / "current").read_text(encoding="ascii").strip()
    except (OSError, ValueError):
        return None
    return folder / name if name and "/" not in name and (folder / name).is_dir() else None


def manifest_of(generation: Path) -> dict[str, Any]:
    """The generation's manifest. Raises IndexUnusable when it cannot be read."""
    try:
        manifest: dict[str, Any] = json.loads((generation / "manifest.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        raise IndexUnusable("the index cannot be read: run handrail index") from None
    return manifest


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
    if manifest["corpus"] != corpus.digest or manifest["blend"] != BLEND:
        return "the articles have changed"
    if manifest["kind"] != kind_for(kind, manifest["sentences"]):
        return "another vector index was chosen"
    return ""


def build_index(
    corpus: Corpus, folder: Path, embedder: Embedder, *, kind: str = "auto", progress: Progress = silent
) -> Built:
    """Brings the index in `folder` up to the corpus. A running Search picks it up by itself.

    Raises IndexUnusable when another process is indexing the same folder, OSError when the disk is full or the folder
    cannot be written: the index in force stays in force.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with _alone(folder):
        stale = why_stale(folder, corpus, embedder, kind=kind)
        generation = current(folder)
        if not stale and generation is not None:
            held = manifest_of(generation)
            count = len(corpus.articles)
            return Built(held["version"], count, held["passages"], held["sentences"], 0, count, 0, False)
        _sweep(folder, generation)
        old = _Taken(generation, embedder)
        name = f"{corpus.digest[:12]}-{_number(generation) + 1}"
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
        _point(folder, name)
        _sweep(folder, folder / name)
        return dataclasses.replace(built, retired=retired)


def _write(
    fresh: Path, corpus: Corpus, embedder: Embedder, old: _Taken, kind: str, version: str, progress: Progress
) -> Built:
    passages: list[Passage] = []
    rows: list[Vectors] = []
    questions: list[Vectors] = []
    records: list[dict[str, Any]] = []
    embedded = 0
    for place, article in enumerate(corpus.articles):
        own = passages_of(article, len(passages))
        key = content_key(article, own)
        vectors = old.vectors(article.slug, key)
        if vectors is None:
            vectors = embedded_article(article, own, embedder)
            embedded += 1
        passages.extend(own)
        rows.append(vectors[0])
        questions.append(vectors[1])
        records.append({**article_record(article), "key": key, "sentences": len(vectors[0]), "asked": len(vectors[1])})
        progress("indexing articles", place + 1, len(corpus.articles))
    whole: Vectors = np.vstack(rows).astype(np.float32)
    np.save(fresh / "vectors.npy", whole)
    np.save(fresh / "questions.npy", np.vstack(questions).astype(np.float32))
    terms = [
        terms_of(sentence) + terms_of(f"{passage.heading} {passage.title}")
        for passage in passages
        for sentence in passage.sentences
    ]
    plain = [word for article in corpus.articles for word in words_of(" ".join(_texts(article)))]
    Lexical.write(fresh, terms, plain)
    chosen = kind_for(kind, len(whole))
    write_index(chosen, fresh, whole)
    _write_json(fresh / "articles.json", records)
    _write_json(fresh / "passages.json", [[p.article, p.heading, p.position, list(p.sentences)] for p in passages])
    manifest = {
        "version": version, "format": FORMAT, "model": embedder.digest, "model_name": embedder.name,
        "corpus": corpus.digest, "language": corpus.language, "blend": BLEND, "kind": chosen,
        "articles": len(records), "passages": len(passages), "sentences": len(whole),
    }  # fmt: skip
    _write_json(fresh / "manifest.json", manifest)
    count = len(records)
    return Built(version, count, len(passages), len(whole), embedded, count - embedded, 0, True)


def embedded_article(article: Article, passages: tuple[Passage, ...], embedder: Embedder) -> tuple[Vectors, Vectors]:
    """(blended vectors of the article's sentences, unit vectors of its title, summary and questions)."""
    sentences = [(passage, sentence) for passage in passages for sentence in passage.sentences]
    contexts = [f"{passage.title}. {passage.heading}. {sentence}" for passage, sentence in sentences]
    around = [f"{passage.title}. {passage.heading}. {passage.text}" for passage in passages]
    asked = [article.title, *([article.summary] if article.summary else []), *article.questions]
    vectors = embedder.encode([*(sentence for _, sentence in sentences), *contexts, *around, *asked])
    count, groups = len(sentences), len(passages)
    alone, context = vectors[:count], vectors[count : 2 * count]
    wide = vectors[2 * count : 2 * count + groups]
    lengths = [len(passage.sentences) for passage in passages]
    whole = BLEND["sentence"] * alone + BLEND["context"] * context + BLEND["passage"] * np.repeat(wide, lengths, axis=0)
    return whole.astype(np.float32), vectors[2 * count + groups :]


def content_key(article: Article, passages: tuple[Passage, ...]) -> str:
    """What decides an article's vectors, as a digest: its texts, their division and the blend."""
    texts = [_texts(article), [[passage.heading, passage.sentences] for passage in passages], BLEND]
    return hashlib.sha256(json.dumps(texts).encode()).hexdigest()[:32]


def _texts(article: Article) -> list[str]:
    texts = [article.title, article.summary, *article.questions]
    for section in article.sections:
        texts += [section.heading, *section.paragraphs]
    return texts


class _Taken:
    """The generation in force, as a source of vectors that need not be made again."""

    def __init__(self, generation: Path | None, embedder: Embedder) -> None:
        self._places: dict[tuple[str, str], tuple[slice, slice]] = {}
        self._records: list[dict[str, Any]] = []
        if generation is None or broken_seal(generation, FORMAT):
            return
        self._records = json.loads((generation / "articles.json").read_text(encoding="utf-8"))
        if manifest_of(generation)["model"] != embedder.digest:
            return
        self._rows: Vectors = np.load(generation / "vectors.npy", mmap_mode="r")
        self._asked: Vectors = np.load(generation / "questions.npy", mmap_mode="r")
        row = asked = 0
        for record in self._records:
            ends = row + record["sentences"], asked + record["asked"]
            self._places[record["slug"], record["key"]] = slice(row, ends[0]), slice(asked, ends[1])
            row, asked = ends

    def vectors(self, slug: str, key: str) -> tuple[Vectors, Vectors] | None:
        place = self._places.get((slug, key))
        return None if place is None else (self._rows[place[0]], self._asked[place[1]])

    def retire(self, corpus: Corpus, folder: Path) -> int:
        """Keeps the text of articles that are gone or changed, by digest, so that an old citation still resolves."""
        here = {(article.slug, article.digest) for article in corpus.articles}
        slugs = {article.slug for article in corpus.articles}
        for record in self._records:
            if (record["slug"], record["digest"]) not in here:
                folder.mkdir(exist_ok=True)
                path = folder / f"{record['slug']}.{record['digest'][:16]}.json"
                if not path.exists():
                    _write_json(path.with_suffix(".new"), record)
                    path.with_suffix(".new").replace(path)
        return sum(record["slug"] not in slugs for record in self._records)


def article_record(article: Article) -> dict[str, Any]:
    """The article as JSON."""
    record = dataclasses.asdict(article)
    record["updated"] = article.updated.isoformat() if article.updated else ""
    review = article.review
    record["review"] = {
        **record["review"],
        "date": review.date.isoformat() if review.date else "",
        "expires": review.expires.isoformat() if review.expires else "",
    }
    return record


def article_from(record: dict[str, Any]) -> Article:
    """The article that `article_record` wrote."""

    def day(text: str) -> date | None:
        return date.fromisoformat(text) if text else None

    review = record["review"]
    fields = {name: record[name] for name in ("slug", "title", "summary", "language", "path", "digest")}
    return Article(
        **fields,
        sections=tuple(Section(each["heading"], tuple(each["paragraphs"])) for each in record["sections"]),
        questions=tuple(record["questions"]),
        topics=tuple(record["topics"]),
        sources=tuple(Source(**each) for each in record["sources"]),
        updated=day(record["updated"]),
        review=Review(review["reviewer"], review["licence"], day(review["date"]), day(review["expires"])),
    )


def _write_json(path: Path, value: Any) -> None:
    with path.open("w", encoding="utf-8") as file:
        json.dump(value, file, ensure_ascii=False)
        file.flush()
        os.fsync(file.fileno())


def _point(folder: Path, name: str) -> None:
    fresh = folder / ".current.new"
    with fresh.open("w", encoding="ascii") as file:
        file.write(name + "\n")
        file.flush()
        os.fsync(file.fileno())
    fresh.replace(folder / "current")
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _number(generation: Path | None) -> int:
    tail = generation.name.rsplit("-", 1)[-1] if generation is not None else "0"
    return int(tail) if tail.isdigit() else 0


def _sweep(folder: Path, keep: Path | None) -> None:
    """Removes generations that are not in force, and what an interrupted run left. Open ones stay readable (Unix)."""
    for path in folder.iterdir():
        half_written = path.name.startswith(".") and path.name.endswith(".new")
        if path.is_dir() and path != keep and (half_written or (path / SEAL).exists()):
            shutil.rmtree(path, ignore_errors=True)


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    with (folder / "lock").open("w", encoding="ascii") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise IndexUnusable(f"another process is indexing into {folder}: wait until it is done") from None
        yield
