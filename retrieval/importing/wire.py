"""What passes between the process that parses and the one that asks: frames of bytes, and JSON, which runs nothing."""

from __future__ import annotations

import struct
from datetime import date
from typing import Any, BinaryIO

from retrieval.importing.model import Imported, Piece
from retrieval.model import Article, Section, Source

LENGTH = struct.Struct(">Q")
OUT_OF_MEMORY = "memory"


def read_frame(stream: BinaryIO) -> bytes | None:
    """One length-prefixed frame, or None when the other side is gone."""
    head = stream.read(LENGTH.size)
    if len(head) < LENGTH.size:
        return None
    (length,) = LENGTH.unpack(head)
    data = stream.read(length)
    return data if len(data) == length else None


def frame(data: bytes) -> bytes:
    return LENGTH.pack(len(data)) + data


def to_plain(imported: Imported) -> dict[str, Any]:
    article = imported.article
    return {
        "pieces": [[fate, piece.text, piece.reason] for fate, piece in imported.pieces],
        "notes": list(imported.notes),
        "article": None
        if article is None
        else {
            "slug": article.slug,
            "title": article.title,
            "sections": [[section.heading, list(section.paragraphs)] for section in article.sections],
            "summary": article.summary,
            "questions": list(article.questions),
            "topics": list(article.topics),
            "sources": [[source.name, source.url] for source in article.sources],
            "updated": article.updated.isoformat() if article.updated else "",
            "language": article.language,
            "digest": article.digest,
        },
    }


def from_plain(path: str, plain: dict[str, Any]) -> Imported:
    pieces = tuple((fate, Piece(text, reason)) for fate, text, reason in plain["pieces"])
    given = plain["article"]
    if given is None:
        return Imported(path, None, pieces, tuple(plain["notes"]))
    article = Article(
        slug=given["slug"],
        title=given["title"],
        sections=tuple(Section(heading, tuple(paragraphs)) for heading, paragraphs in given["sections"]),
        summary=given["summary"],
        questions=tuple(given["questions"]),
        topics=tuple(given["topics"]),
        sources=tuple(Source(name=name, url=url) for name, url in given["sources"]),
        updated=date.fromisoformat(given["updated"]) if given["updated"] else None,
        language=given["language"],
        path=path,
        digest=given["digest"],
    )
    return Imported(path, article, pieces, tuple(plain["notes"]))
