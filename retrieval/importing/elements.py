"""The elements of a web page: which are blocks, which carry no text, and the words of one."""

from __future__ import annotations

from lxml import etree
from lxml.html import HtmlElement

BLOCKS = frozenset(
    str.split(
        """address article aside blockquote body center dd details dialog dir div dl dt fieldset figcaption
        figure footer form h1 h2 h3 h4 h5 h6 header hgroup hr html li main menu nav ol p pre search section
        summary table tbody td tfoot th thead tr ul"""
    )
)
SILENT = frozenset(
    str.split("""script style head meta link svg math img picture source track base title param colgroup col area""")
)
_APART = frozenset(("br", "label", "option", "select", "input"))  # their words stand apart, too
_AFTER_LINK = ""  # marks where a link ended, so that two in a row do not run together


def words_of(element: HtmlElement) -> str:
    """All text of an element as one line, with blanks between its blocks."""
    parts: list[str] = []
    for event, node in etree.iterwalk(element, events=("start", "end", "comment")):
        if event == "comment":
            continue
        block = node.tag in BLOCKS or node.tag in _APART or node.tag == "button"
        if event == "start":
            if block:
                parts.append(" ")
            if node.tag == "a" and parts and parts[-1] == _AFTER_LINK:
                parts.append(" ")
            if node.text and node.tag not in SILENT:
                parts.append(node.text)
        else:
            if block:
                parts.append(" ")
            if node is not element and node.tail:
                parts.append(node.tail)
            elif node.tag == "a":
                parts.append(_AFTER_LINK)
    return " ".join("".join(parts).split())
