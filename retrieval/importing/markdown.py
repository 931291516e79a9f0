"""Markdown to blocks, rendered to a page first so that raw HTML in it is judged by the same rules."""

from __future__ import annotations

import re
import tomllib
from datetime import date, datetime

from markdown_it import MarkdownIt

from retrieval.importing.about import date_in
from retrieval.importing.clean import same
from retrieval.importing.model import Page
from retrieval.importing.webpage import read_webpage

_FRONT = re.compile(r"\A\s*(---|\+\+\+)[ \t]*\n(.*?)\n(?:\1|\.\.\.)[ \t]*(?:\n|\Z)", re.S)
_ENTRY = re.compile(r"^([A-Za-z_][\w -]{0,30})\s*:\s*(.*)$")
_HARD_BREAKS = re.compile(r"(?: {2,}|\\)\n")


def read_markdown(text: str) -> Page:
    """Front matter in YAML's simple form (`name: value`, lists) or TOML is read for title, date, summary and topics."""
    front = _FRONT.match(text)
    facts: dict[str, object] = {}
    if front:
        facts = _toml(front.group(2)) if front.group(1) == "+++" else _simple_yaml(front.group(2))
        text = text[front.end() :]
    rendered = (
        MarkdownIt("commonmark", {"html": True, "breaks": not _wrapped(text)})
        .enable(["table", "strikethrough"])
        .render(_opened(text))
    )
    page = read_webpage(f"<html><body>{rendered}</body></html>", prepared=True)
    page.title = _string(facts, "title") or page.title
    page.summary = _string(facts, "summary", "description", "excerpt")
    page.language = _string(facts, "language", "lang")[:2].lower()
    page.updated = _day(facts, "updated", "lastmod", "last_modified", "modified", "date", "published")
    page.topics = _strings(facts, "topics", "tags", "categories")
    heads = [block for block in page.blocks if block.kind == "heading" and block.level == 1]
    if (not page.title and len(heads) == 1) or (page.title and heads and same(heads[0].text) == same(page.title)):
        page.title = heads[0].text
    return page


def _wrapped(text: str) -> bool:
    """Whether lines end where the width ran out, so that a line break means nothing."""
    nexts = re.findall(r"(?<=\S)\n[ \t]*(?![-*+>#|]|\d+[.)] )(\S)", text)
    return len(nexts) > 0 and sum(1 for first in nexts if first.islower()) > 0.25 * len(nexts)


def _opened(text: str) -> str:
    """Bullets that programs paste as signs become Markdown's own, on lines of their own."""
    return re.sub(r"^([ \t]*)[•‣◦▪●][ \t]+", r"\1- ", text, flags=re.M)


def _toml(text: str) -> dict[str, object]:
    try:
        return dict(tomllib.loads(text))
    except tomllib.TOMLDecodeError:
        return {}


def _simple_yaml(text: str) -> dict[str, object]:
    facts: dict[str, object] = {}
    name = ""
    for line in text.split("\n"):
        entry = _ENTRY.match(line)
        if entry:
            name, value = entry.group(1).strip().lower(), entry.group(2).strip()
            if value.startswith("[") and value.endswith("]"):
                facts[name] = [part.strip().strip("\"'") for part in value[1:-1].split(",") if part.strip()]
            else:
                facts[name] = value.strip("\"'").replace("''", "'")
        elif name and line.lstrip().startswith("- "):
            known = facts.get(name)
            facts[name] = [*(known if isinstance(known, list) else []), line.lstrip()[2:].strip().strip("\"'")]
    return facts


def _string(facts: dict[str, object], *names: str) -> str:
    return next((str(facts[name]).strip() for name in names if isinstance(facts.get(name), str) and facts[name]), "")


def _strings(facts: dict[str, object], *names: str) -> tuple[str, ...]:
    for name in names:
        value = facts.get(name)
        if isinstance(value, list):
            return tuple(str(part) for part in value)
        if isinstance(value, str) and value:
            return tuple(part.strip() for part in value.split(",") if part.strip())
    return ()


def _day(facts: dict[str, object], *names: str) -> date | None:
    for name in names:
        value = facts.get(name)
        if isinstance(value, datetime):
            return value.date()
        if isinstance(value, date):
            return value
        if isinstance(value, str) and (found := date_in(value)):
            return found
    return None
