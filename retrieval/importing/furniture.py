"""Which parts of a web page are not its article, by their tags, roles and class names."""

from __future__ import annotations

import re

from lxml.html import HtmlElement

from retrieval.importing.signs import parts

_TAGS = {
    "nav": "menu", "footer": "page footer", "aside": "side box", "form": "form", "button": "button", "select": "form",
    "textarea": "form", "input": "form", "label": "form", "fieldset": "form", "dialog": "pop-up", "figcaption": "picture caption",
    "menu": "menu", "search": "menu", "audio": "player", "video": "player", "iframe": "embedded page", "object": "embedded page",
    "canvas": "picture", "map": "picture", "del": "struck out", "s": "struck out", "strike": "struck out",
    "noscript": "shown without scripts only", "template": "template that is never shown", "marquee": "promotion",
}  # fmt: skip
_ROLES = {
    "navigation": "menu", "banner": "page header", "contentinfo": "page footer", "complementary": "side box", "search": "menu",
    "dialog": "pop-up", "alertdialog": "pop-up", "menu": "menu", "menubar": "menu", "toolbar": "menu", "doc-endnotes": "references",
    "doc-bibliography": "references", "doc-footnote": "references", "doc-toc": "table of contents",
}  # fmt: skip
_MAY_HOLD_MORE = (
    "reader comments",
    "related posts",
    "cookie banner",
)  # these may be longer than the article beside them
_NEVER = ("html", "body", "main", "article", "h1")
_CAMEL = re.compile(r"(?<=[a-z])(?=[A-Z])")
_SEPARATE = re.compile(r"[\s_:/-]+")
_STATE = re.compile(r"^(?:has|is|no|with|without|js|col|row|container|wp|page|single|post|type|status|format|hentry)-")


def reason(element: HtmlElement, total: int, in_article: bool) -> str:
    """Why an element is not part of the article, or "". `total` is the page's words; an element that holds most of them,
    or the page's main heading, is not left out for its class name, whatever that is."""
    tag = element.tag
    if tag in _NEVER:
        return ""
    by_tag = _TAGS.get(tag, "")
    if by_tag:
        if tag == "form" and _holds_article(element, total):
            return ""
        if tag == "label" and len(element.text_content().split()) > 12:
            return ""
        if tag == "form":
            return "sign-up form" if "mail" in element.text_content().lower() else "form"
        return by_tag
    if tag == "header" and not in_article:
        return "" if _has_heading(element) else "page header"
    by_role = _ROLES.get((element.get("role") or "").lower(), "")
    if by_role and not (_has_heading(element) and by_role == "page header"):
        return by_role
    if (element.get("aria-modal") or "").lower() == "true":
        return "pop-up"
    named = _by_name(element)
    if not named or _has_heading(element) or _has_main(element):
        return ""
    if named not in _MAY_HOLD_MORE and _holds_article(element, total):
        return ""
    return named


def _by_name(element: HtmlElement) -> str:
    words = f"{element.get('class') or ''} {element.get('id') or ''}".strip()
    if not words:
        return ""
    for name in words.split():
        if _STATE.match(name.lower()):
            name = name[name.index("-") + 1 :] if name.lower().startswith(("wp-", "post-", "js-")) else ""
        plain = _SEPARATE.sub(" ", _CAMEL.sub(" ", name)).lower().strip()
        for why, pattern in parts():
            if plain and pattern.search(plain):
                return why
    return ""


def _has_heading(element: HtmlElement) -> bool:
    return element.find(".//h1") is not None


def _has_main(element: HtmlElement) -> bool:
    return element.find(".//main") is not None or element.find(".//article") is not None


def _holds_article(element: HtmlElement, total: int) -> bool:
    return _has_heading(element) or len(element.text_content().split()) * 2 > total
