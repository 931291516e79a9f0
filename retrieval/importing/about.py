"""What a web page says of itself: title, date, language, summary, declared questions."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from datetime import date, datetime
from typing import Any

from lxml.html import HtmlElement

from retrieval.importing.clean import same, tidy
from retrieval.importing.model import Page

_SEPARATOR = re.compile(r"\s+[|–—·•»:-]\s+|\s*[|»]\s*")
_MODIFIED = (
    "article:modified_time",
    "og:updated_time",
    "datemodified",
    "last-modified",
    "dcterms.modified",
    "lastmod",
    "revised",
)
_PUBLISHED = ("article:published_time", "datepublished", "date", "dc.date", "dcterms.date", "dcterms.created", "pubdate", "publish-date",
              "sailthru.date", "parsely-pub-date")  # fmt: skip
_MONTHS = {
    name: month
    for month, names in enumerate(
        ("jan january enero ene", "feb february febrero", "mar march marzo", "apr april abril abr", "may mayo", "jun june junio",
         "jul july julio", "aug august agosto ago", "sep sept september septiembre", "oct october octubre", "nov november noviembre",
         "dec december diciembre dic"), 1)
    for name in names.split()
}  # fmt: skip
_ISO = re.compile(r"\b(\d{4})-(\d{2})-(\d{2})")
_MONTH_FIRST = re.compile(r"\b([A-Za-z]{3,10})\.? (\d{1,2})(?:st|nd|rd|th)?,? (\d{4})\b")
_DAY_FIRST = re.compile(r"\b(\d{1,2})(?:st|nd|rd|th)?(?: de)? ([A-Za-z]{3,10})\.?,?(?: de)? (\d{4})\b")
_MONTH_ONLY = re.compile(r"\b([A-Za-z]{3,10})\.? (\d{4})\b")


def page_of(root: HtmlElement) -> Page:
    """A Page without blocks, filled from <head>, JSON-LD and <time>."""
    metas: dict[str, str] = {}
    for meta in root.iter("meta"):
        name = (
            meta.get("property") or meta.get("name") or meta.get("itemprop") or meta.get("http-equiv") or ""
        ).lower()
        if name and meta.get("content"):
            metas.setdefault(name, meta.get("content"))
    linked = list(_linked_data(root))
    page = Page([])
    page.title = _title(root, metas, linked)
    page.updated = _date(root, metas, linked)
    page.language = (root.get("lang") or metas.get("language") or metas.get("content-language") or "")[:2].lower()
    page.summary = tidy(metas.get("description") or metas.get("og:description") or "").replace("\n", " ")
    page.questions = tuple(
        tidy(str(entry.get("name", ""))).replace("\n", " ")
        for entry in linked
        if entry.get("@type") == "Question" and entry.get("name")
    )
    return page


def _title(root: HtmlElement, metas: dict[str, str], linked: list[dict[str, Any]]) -> str:
    """The main heading when the page's title agrees with it, otherwise the page's title without the site's name."""
    heads = [tidy(head.text_content()).replace("\n", " ") for head in root.iter("h1")]
    heads = [head for head in heads if head]
    found = root.find(".//head/title")
    titles = [metas.get("og:title", ""), metas.get("twitter:title", ""), found.text or "" if found is not None else ""]
    titles += [str(entry["headline"]) for entry in linked if isinstance(entry.get("headline"), str)]
    titles = [tidy(title).replace("\n", " ") for title in titles if title and title.strip()]
    for head in heads:
        if any(same(head) and same(head) in same(title) for title in titles):
            return head
    if titles:
        parts = [part for part in _SEPARATOR.split(titles[0]) if part.strip()]
        site = same(metas.get("og:site_name", ""))
        parts = [part for part in parts if not site or same(part) != site] or parts
        if len(titles[0]) < 200 and len(parts) > 1:
            return parts[0] if len(parts[0].split()) >= 3 else max(parts, key=len)
        if titles[0] and len(titles[0].split()) > 1:
            return titles[0]
    return heads[0] if len(heads) == 1 else (titles[0] if titles and not heads else "")


def _date(root: HtmlElement, metas: dict[str, str], linked: list[dict[str, Any]]) -> date | None:
    for names, key in ((_MODIFIED, "dateModified"), (_PUBLISHED, "datePublished")):
        for name in names:
            if found := date_in(metas.get(name, "")):
                return found
        for entry in linked:
            if found := date_in(str(entry.get(key, ""))):
                return found
    for time in root.iter("time"):
        if any(
            e.tag in ("aside", "footer", "nav") or "comment" in (e.get("class") or "") for e in time.iterancestors()
        ):
            continue
        if found := date_in(time.get("datetime") or time.text_content()):
            return found
    return None


def date_in(text: str, *, month_alone: bool = False) -> date | None:
    """The first whole date that stands in `text`; with `month_alone` also "May 2024", read as the first of that month."""
    for pattern, order in ((_ISO, (1, 2, 3)), (_MONTH_FIRST, (3, 1, 2)), (_DAY_FIRST, (3, 2, 1))):
        for match in pattern.finditer(text[:300]):
            year, month, day = (match.group(at) for at in order)
            number = int(month) if month.isdigit() else _MONTHS.get(month.lower(), 0)
            if found := _checked(int(year), number, int(day)):
                return found
    if month_alone:
        for match in _MONTH_ONLY.finditer(text[:300]):
            if found := _checked(int(match.group(2)), _MONTHS.get(match.group(1).lower(), 0), 1):
                return found
    return None


def _checked(year: int, month: int, day: int) -> date | None:
    if not 1990 <= year <= 2100:
        return None
    try:
        return datetime(year, month, day).date()
    except ValueError:
        return None


def _linked_data(root: HtmlElement) -> Iterator[dict[str, Any]]:
    for script in root.iter("script"):
        if (script.get("type") or "").lower() != "application/ld+json" or not script.text or len(script.text) > 500_000:
            continue
        try:
            data = json.loads(script.text, strict=False)
        except (ValueError, RecursionError):
            continue
        yield from _entries(data, 0)


def _entries(data: object, depth: int) -> Iterator[dict[str, Any]]:
    if depth > 8:
        return
    if isinstance(data, dict):
        yield data
        for value in data.values():
            yield from _entries(value, depth + 1)
    elif isinstance(data, list):
        for value in data:
            yield from _entries(value, depth + 1)
