"""Markdown with TOML front matter to an article's fields and sections, without mark-up."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import date, datetime
from typing import Any

from markdown_it import MarkdownIt
from markdown_it.token import Token

from retrieval.model import ArticleRefused, Review, Section, Source

_PARSER = MarkdownIt("commonmark").enable("table")
_SPACE = re.compile(r"\s+")
_LINE = re.compile(r"at line (\d+)")


def split_front_matter(text: str) -> tuple[dict[str, Any], str]:
    """(the table between the two `+++` lines with which the text begins, the Markdown below).
    Raises ArticleRefused, with the line in the file, when it is not closed or not TOML."""
    lines = text.lstrip("\ufeff").lstrip().splitlines()
    if not lines or lines[0].rstrip() != "+++":
        raise ArticleRefused("it does not begin with front matter")
    try:
        end = next(number for number, line in enumerate(lines[1:], 1) if line.rstrip() == "+++")
    except StopIteration:
        raise ArticleRefused("its front matter is not closed: put a line +++ below it") from None
    try:
        return tomllib.loads("\n".join(lines[1:end])), "\n".join(lines[end + 1 :])
    except tomllib.TOMLDecodeError as fault:
        said = _LINE.sub(lambda match: f"at line {int(match.group(1)) + 1}", str(fault))
        raise ArticleRefused(f"its front matter is not valid TOML: {said}") from None


def sections_of(markdown: str) -> tuple[str, tuple[Section, ...]]:
    """(the text of a first-level heading or "", the sections). Paragraphs, list items, quotes and table rows each
    become one paragraph of plain text; code blocks and raw HTML are left out."""
    title, sections, heading, paragraphs = "", list[Section](), "", list[str]()
    tokens = _PARSER.parse(markdown)
    row: list[str] | None = None
    for place, token in enumerate(tokens):
        if token.type == "tr_open":
            row = []
        elif token.type == "tr_close" and row is not None:
            paragraphs.append(": ".join(cell for cell in row if cell))
            row = None
        if token.type != "inline":
            continue
        plain = _plain(token.children or ())
        before = tokens[place - 1]
        if before.type == "heading_open":
            if before.tag == "h1" and not title:
                title = plain
                continue
            if paragraphs:
                sections.append(Section(heading, tuple(paragraphs)))
            heading, paragraphs = plain, []
        elif row is not None:
            row.append(plain)
        elif plain:
            paragraphs.append(plain)
    if paragraphs:
        sections.append(Section(heading, tuple(paragraphs)))
    return title, tuple(sections)


def _plain(tokens: Iterable[Token]) -> str:
    parts: list[str] = []
    for token in tokens:
        if token.type in ("text", "code_inline"):
            parts.append(token.content)
        elif token.type in ("softbreak", "hardbreak"):
            parts.append(" ")
        elif token.type == "image":
            parts.append("")
    return _SPACE.sub(" ", "".join(parts)).strip()


def fields_of(table: dict[str, Any]) -> dict[str, Any]:
    """The front matter as Article's keyword arguments. Unknown keys are passed over; a key of the wrong kind
    refuses."""
    return {
        "title": _text(table, "title"),
        "summary": _text(table, "summary"),
        "questions": _texts(table, "questions"),
        "topics": _texts(table, "topics"),
        "sources": tuple(_source(each) for each in _list(table, "sources")),
        "updated": _day(table, "updated"),
        "review": _review(table.get("review", {})),
        **({"language": str(table["language"])} if table.get("language") else {}),
    }


def asked_in(table: dict[str, Any], sections: Sequence[Section]) -> tuple[tuple[Section, ...], tuple[str, ...]]:
    """(the sections with the questions that the front matter's table `asked` lists under their headings, the headings
    in it that the text does not have). Raises ArticleRefused when it is no table of lists of texts."""
    asked = table.get("asked", {})
    if not isinstance(asked, dict):
        raise ArticleRefused("its front matter's asked is not a table of headings")
    lists = {" ".join(heading.split()): _texts(asked, heading) for heading in asked}
    filled = tuple(replace(section, asked=lists.get(section.heading, ())) for section in sections)
    here = {section.heading for section in sections}
    return filled, tuple(heading for heading in lists if heading not in here)


def _text(table: dict[str, Any], key: str) -> str:
    value = table.get(key, "")
    if not isinstance(value, str):
        raise ArticleRefused(f"its front matter's {key} is not a text in quotes")
    return _SPACE.sub(" ", value).strip()


def _list(table: dict[str, Any], key: str) -> list[Any]:
    value = table.get(key, [])
    if not isinstance(value, list):
        raise ArticleRefused(f"its front matter's {key} is not a list")
    return value


def _texts(table: dict[str, Any], key: str) -> tuple[str, ...]:
    values = _list(table, key)
    if not all(isinstance(value, str) for value in values):
        raise ArticleRefused(f"its front matter's {key} is not a list of texts in quotes")
    return tuple(value.strip() for value in values if value.strip())


def _day(table: dict[str, Any], key: str) -> date | None:
    value = table.get(key, "")
    if isinstance(value, datetime):
        return value.date()
    if isinstance(value, date):
        return value
    if value == "":
        return None
    try:
        return date.fromisoformat(str(value))
    except ValueError:
        raise ArticleRefused(f"its front matter's {key} is not a date such as 2026-05-31") from None


def _source(value: Any) -> Source:
    if isinstance(value, str):
        return Source(value)
    if not isinstance(value, dict):
        raise ArticleRefused("its front matter's sources hold something that is neither a text nor a table")
    return Source(
        name=str(value.get("name") or value.get("title") or ""),
        publisher=str(value.get("publisher", "")),
        date=str(value.get("date", "")),
        url=str(value.get("url", "")),
    )


def _review(value: Any) -> Review:
    if not isinstance(value, dict):
        raise ArticleRefused("its front matter's review is not a table")
    expires = "expires" if "expires" in value else "expiry"
    return Review(_text(value, "reviewer"), _text(value, "licence"), _day(value, "date"), _day(value, expires))
