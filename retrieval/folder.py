"""The index folder: which generation is in force, what it says of itself, and how the next one takes its place."""

from __future__ import annotations

import dataclasses
import fcntl
import json
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from typing import Any

from retrieval.files import SEAL
from retrieval.model import Article, IndexUnusable, Review, Section, Source

FORMAT = 2


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
        sections=tuple(
            Section(each["heading"], tuple(each["paragraphs"]), tuple(each.get("asked", ())))
            for each in record["sections"]
        ),
        questions=tuple(record["questions"]),
        topics=tuple(record["topics"]),
        sources=tuple(Source(**each) for each in record["sources"]),
        updated=day(record["updated"]),
        review=Review(review["reviewer"], review["licence"], day(review["date"]), day(review["expires"])),
    )


def write_json(path: Path, value: Any) -> None:
    """Writes and flushes to the disk."""
    with path.open("w", encoding="utf-8") as file:
        json.dump(value, file, ensure_ascii=False)
        file.flush()
        os.fsync(file.fileno())


def point(folder: Path, name: str) -> None:
    """Names the generation in force, in one step."""
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


def number(generation: Path | None) -> int:
    """The generation's running number; 0 for none."""
    tail = generation.name.rsplit("-", 1)[-1] if generation is not None else "0"
    return int(tail) if tail.isdigit() else 0


def sweep(folder: Path, keep: Path | None) -> None:
    """Removes generations that are not in force, and what an interrupted run left. Open ones stay readable (Unix)."""
    for path in folder.iterdir():
        half_written = path.name.startswith(".") and path.name.endswith(".new")
        if path.is_dir() and path != keep and (half_written or (path / SEAL).exists()):
            shutil.rmtree(path, ignore_errors=True)


@contextmanager
def alone(folder: Path) -> Iterator[None]:
    """Keeps every other process from indexing into the folder. Raises IndexUnusable when one is at it."""
    with (folder / "lock").open("w", encoding="ascii") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise IndexUnusable(f"another process is indexing into {folder}: wait until it is done") from None
        yield
