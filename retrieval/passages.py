"""Articles to the passages and sentences that the index holds."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from retrieval.model import Article, Passage
from retrieval.sentences import split_sentences

LONG = 110  # words: a passage is closed before it would grow beyond this
SHORT = 30  # words: a paragraph with fewer is joined by the next of its section


def passages_of(article: Article, first_id: int = 0) -> tuple[Passage, ...]:
    """The article's passages in reading order, numbered from `first_id`. Short paragraphs of one section share a
    passage, long ones are cut between sentences; no passage crosses a heading."""
    found: list[Passage] = []
    for section in article.sections:
        for sentences in _grouped(section.paragraphs):
            place = len(found)
            found.append(Passage(first_id + place, article.slug, article.title, section.heading, place, sentences))
    return tuple(found)


def all_passages(articles: Iterable[Article]) -> tuple[Passage, ...]:
    """Every article's passages, numbered through; a passage's id is its place."""
    found: list[Passage] = []
    for article in articles:
        found.extend(passages_of(article, len(found)))
    return tuple(found)


def _grouped(paragraphs: Iterable[str]) -> Iterator[tuple[str, ...]]:
    held: list[str] = []
    words = 0
    for paragraph in paragraphs:
        for place, sentence in enumerate(split_sentences(paragraph)):
            length = len(sentence.split())
            fresh_paragraph = place == 0 and words >= SHORT
            if held and (fresh_paragraph or words + length > LONG):
                yield tuple(held)
                held, words = [], 0
            held.append(sentence)
            words += length
    if held:
        yield tuple(held)
