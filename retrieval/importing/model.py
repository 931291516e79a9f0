"""The nouns of importing: limits, the blocks of a page, and what became of each."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from typing import Literal, NamedTuple

from retrieval.model import Article

SUFFIXES = (".md", ".txt", ".html", ".htm", ".pdf", ".docx")

Fate = Literal["kept", "dropped", "flagged"]
Kind = Literal["heading", "text", "item"]


class Piece(NamedTuple):
    """A piece of the file and why it was kept ("heading", "question", "text" …), left out, or flagged for a person."""

    text: str
    reason: str


@dataclass(frozen=True, slots=True)
class Limits:
    """What one file may cost. Sizes in bytes; `memory` is the address space of the process that parses."""

    seconds: float = 20.0
    memory: int = 1024 * 1024 * 1024
    text_bytes: int = 10_000_000  # .html .htm .md .txt
    file_bytes: int = 50_000_000  # .pdf .docx
    unpacked_bytes: int = 200_000_000  # what a .docx may hold once unpacked
    pages: int = 2_000  # of a .pdf
    characters: int = 10_000_000  # of text, whatever the format


@dataclass(frozen=True, slots=True)
class Imported:
    """What became of one file: its pieces in the file's order. `article` is None when nothing to quote was left."""

    path: str
    article: Article | None
    pieces: tuple[tuple[Fate, Piece], ...]
    notes: tuple[str, ...] = ()

    @property
    def kept(self) -> tuple[Piece, ...]:
        return tuple(piece for fate, piece in self.pieces if fate == "kept")

    @property
    def dropped(self) -> tuple[Piece, ...]:
        return tuple(piece for fate, piece in self.pieces if fate == "dropped")

    @property
    def flagged(self) -> tuple[Piece, ...]:
        return tuple(piece for fate, piece in self.pieces if fate == "flagged")


@dataclass(slots=True)
class Block:
    """One block of a page on its way to the article. `dropped` and `flagged` say why it is not taken."""

    text: str
    kind: Kind = "text"
    level: int = 0  # of a marked heading, 1 to 6; 0: the heading is only guessed
    dropped: str = ""
    flagged: str = ""
    links: float = 0.0  # share of its characters that stand in links
    strong: bool = False  # all of it in bold, or larger than the text around it
    question: bool = False  # marked as the question of a pair (<summary>, <dt>, "Q:")
    says: str = ""  # why it is kept, where there is more to say than its kind

    @property
    def taken(self) -> bool:
        return not self.dropped and not self.flagged

    @property
    def words(self) -> int:
        return len(self.text.split())


@dataclass(slots=True)
class Page:
    """What a format's reader makes of a file: its blocks in order, and what it says of itself."""

    blocks: list[Block]
    title: str = ""
    updated: date | None = None
    language: str = ""
    summary: str = ""
    topics: tuple[str, ...] = ()
    questions: tuple[str, ...] = ()  # that the page declares to answer (schema.org FAQPage)
    notes: list[str] = field(default_factory=list)
