"""The nouns of the search: articles, their sections, passages and sentences, and what a search finds."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date as Day

Progress = Callable[[str, int, int], None]  # what is being done, how many are done, of how many


def silent(doing: str, done: int, of: int) -> None:
    """The progress callback that shows nothing."""


class ArticleRefused(ValueError):
    """An article cannot be read. The message says why, and what to do, in one line."""


class ModelUnusable(ValueError):
    """The embedding model cannot be used. The message says why, and what to do, in one line."""


class IndexUnusable(ValueError):
    """There is no index that can be searched. The message says why, and what to do, in one line."""


@dataclass(frozen=True, slots=True)
class Review:
    """Who reviewed an article, under which licence, when, and until when. All empty: not yet reviewed."""

    reviewer: str = ""
    licence: str = ""
    date: Day | None = None
    expires: Day | None = None

    def expired(self, today: Day) -> bool:
        return self.expires is not None and self.expires < today


@dataclass(frozen=True, slots=True)
class Source:
    """A work that an article draws its facts from."""

    name: str
    publisher: str = ""
    date: str = ""
    url: str = ""


@dataclass(frozen=True, slots=True)
class Section:
    """One heading of an article ("" above the first) and its paragraphs, as plain text without mark-up. `asked` are
    questions that this section answers, in visitors' own words; they are searched and never shown."""

    heading: str
    paragraphs: tuple[str, ...]
    asked: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Article:
    """One article as the index reads it. `slug` is unique in its corpus and is the last part of its URL."""

    slug: str
    title: str
    sections: tuple[Section, ...]
    summary: str = ""
    questions: tuple[str, ...] = ()
    topics: tuple[str, ...] = ()
    sources: tuple[Source, ...] = ()
    updated: Day | None = None
    review: Review = field(default_factory=Review)
    language: str = "en"
    path: str = ""
    digest: str = ""  # sha256 of the file's bytes, hexadecimal


@dataclass(frozen=True, slots=True)
class Passage:
    """A paragraph-sized piece of one article, split into sentences that stand word for word in the article."""

    id: int  # its row in the index
    article: str  # slug
    title: str
    heading: str
    position: int  # 0 for the article's first passage
    sentences: tuple[str, ...]

    @property
    def text(self) -> str:
        return " ".join(self.sentences)


@dataclass(frozen=True, slots=True)
class Hit:
    """One sentence that the search found, in its passage. `score` is comparable between searches of one index."""

    passage: Passage
    sentence: int  # its place in passage.sentences
    score: float
    dense: float = 0.0  # cosine of the query with the sentence, in its context
    lexical: float = 0.0  # BM25 share
    confidence: float = 0.0  # how likely this find answers the question, 0 to 1; comparable between indexes too

    @property
    def text(self) -> str:
        return self.passage.sentences[self.sentence]
