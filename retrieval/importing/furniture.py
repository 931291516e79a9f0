"""Which parts of a web page are not its article, by their tags, roles and class names."""

from __future__ import annotations

import re

from lxml.html import HtmlElement

from retrieval.importing.signs import parts

_BY_TAG = {
    "menu": "nav menu search",
    "page footer": "footer",
    "side box": "aside",
    "form": "form select textarea input label fieldset",
    "button": "button",
    "pop-up": "dialog",
    "picture caption": "figcaption",
    "player": "audio video",
    "embedded page": "iframe object",
    "picture": "canvas map",
    "struck out": "del s strike",
    "shown without scripts only": "noscript",
    "template that is never shown": "template",
    "promotion": "marquee",
}
_BY_ROLE = {
    "menu": "navigation search menu menubar toolbar",
    "page header": "banner",
    "page footer": "contentinfo",
    "side box": "complementary",
    "pop-up": "dialog alertdialog",
    "references": "doc-endnotes doc-bibliography doc-footnote",
    "table of contents": "doc-toc",
}
_TAGS = {tag: why for why, tags in _BY_TAG.items() for tag in tags.split()}
_ROLES = {role: why for why, roles in _BY_ROLE.items() for role in roles.split()}
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
    """Why an element is not part of the article, or "".

    `total` is the page's words: an element that holds most of them, or the main heading, is not left out for its name.
    """
    tag = element.tag
    if tag in _NEVER:
        return ""
    by_tag = _TAGS.get(tag, "")
    if tag == "button" and unfolds(element):
        return ""
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


def unfolds(element: HtmlElement) -> bool:
    """Whether a button is the question over an answer that it unfolds."""
    text = " ".join(element.text_content().split())
    return len(text.split()) >= 3 and (text.endswith("?") or element.get("aria-expanded") is not None)


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
