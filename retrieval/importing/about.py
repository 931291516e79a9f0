"""What a web page says of itself: title, date, language, summary, declared questions."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from datetime import date, datetime
from typing import Any

from lxml.html import HtmlElement

from retrieval.importing.clean import same, tidy, unseen
from retrieval.importing.model import Page

_SEPARATOR = re.compile(r"\s+[|–—·•»:-]\s+|\s*[|»]\s*")
_NO_TITLE = re.compile(
    r"^(home|index|blog|article|post|page|untitled|new page|document|\w*[-_\d][\w-]*"
    r"|.*\.(html?|php|aspx?|docx?|pdf))( ?\d+)?$",
    re.I,
)
_MODIFIED = (
    "article:modified_time",
    "og:updated_time",
    "datemodified",
    "last-modified",
    "dcterms.modified",
    "lastmod",
    "revised",
)
_PUBLISHED = (
    *("article:published_time", "datepublished", "date", "dc.date", "dcterms.date", "dcterms.created", "pubdate"),
    *("publish-date", "sailthru.date", "parsely-pub-date"),
)
_MONTH_NAMES = """jan january enero ene,feb february febrero,mar march marzo,apr april abril abr,may mayo,
jun june junio,
jul july julio,aug august agosto ago,sep sept september septiembre,oct october octubre,nov november noviembre,
dec december diciembre dic"""
_MONTHS = {name: month for month, names in enumerate(_MONTH_NAMES.split(","), 1) for name in names.split()}
_ISO = re.compile(r"\b(\d{4})-(\d{2})-(\d{2})")
_MONTH_FIRST = re.compile(r"\b([A-Za-z]{3,10})\.? (\d{1,2})(?:st|nd|rd|th)?,? (\d{4})\b")
_DAY_FIRST = re.compile(r"\b(\d{1,2})(?:st|nd|rd|th)?(?: de)? ([A-Za-z]{3,10})\.?,?(?: de)? (\d{4})\b")


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
    page.summary = _one_line(metas.get("description") or metas.get("og:description") or "")
    page.questions = tuple(
        _one_line(str(entry.get("name", "")))
        for entry in linked
        if entry.get("@type") == "Question" and entry.get("name")
    )
    return page


def _title(root: HtmlElement, metas: dict[str, str], linked: list[dict[str, Any]]) -> str:
    """The main heading; without one, or with several, what the page's own titles say, without the site's name."""
    site = same(metas.get("og:site_name", ""))
    found = root.find(".//head/title")
    given = [metas.get("og:title", ""), metas.get("twitter:title", ""), (found.text or "") if found is not None else ""]
    given += [entry["headline"] for entry in linked if isinstance(entry.get("headline"), str)]
    titles = [_one_line(title) for title in given]
    titles = [title for title in titles if title and len(title) < 300 and not _NO_TITLE.match(title)]
    heads = [_one_line(head.text_content()) for head in root.iter("h1") if not _is_sign(head)]
    heads = [head for head in heads if head and same(head) != site and not _NO_TITLE.match(head)]
    for head in heads:
        if any(same(head) == same(part) for title in titles for part in [title, *_SEPARATOR.split(title)[:1]]):
            return head
    if len(heads) == 1 and not any(same(heads[0]) == same(_SEPARATOR.split(title)[-1]) for title in titles):
        return heads[0]
    if not titles:
        return ""
    parts = [part for part in _SEPARATOR.split(titles[0]) if part.strip() and same(part) != site]
    if len(parts) < 2:
        return (parts or titles)[0].strip()
    return parts[0] if len(parts[0].split()) >= 3 else max(parts, key=len)


def _one_line(text: str) -> str:
    return tidy(unseen(text)[0]).replace("\n", " ")


def _is_sign(head: HtmlElement) -> bool:
    """A main heading that is the site's name over the door: in a logo, or a link home in the page's header."""
    names = " ".join(f"{e.get('class') or ''} {e.get('id') or ''}" for e in [head, *head.iterancestors()][:3]).lower()
    home = any((a.get("href") or "").rstrip("/") in ("", ".") or a.get("rel") == "home" for a in head.iter("a"))
    return bool(re.search(r"\b(logo|brand|branding|site-?title|site-?name)\b", names)) or home


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


def date_in(text: str) -> date | None:
    """The first whole date, with day, month and year, that stands in `text`."""
    for pattern, order in ((_ISO, (1, 2, 3)), (_MONTH_FIRST, (3, 1, 2)), (_DAY_FIRST, (3, 2, 1))):
        for match in pattern.finditer(text[:300]):
            year, month, day = (match.group(at) for at in order)
            number = int(month) if month.isdigit() else _MONTHS.get(month.lower(), 0)
            if found := _checked(int(year), number, int(day)):
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
