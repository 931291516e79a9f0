"""A web page to blocks: its structure decides first, and trafilatura is asked where the article stands."""

from __future__ import annotations

import re
from contextlib import suppress
from dataclasses import dataclass, replace

import lxml.html
from lxml import etree
from lxml.html import HtmlElement

from retrieval.importing import about, furniture, hidden
from retrieval.importing.clean import same
from retrieval.importing.elements import BLOCKS, SILENT, words_of
from retrieval.importing.model import Block, Kind, Page
from retrieval.importing.opinion import beside_the_article, read_as_article
from retrieval.importing.signs import found
from retrieval.model import ArticleRefused

_HEADINGS = {f"h{level}": level for level in range(1, 7)}
_BOLD = frozenset(("b", "strong"))
_DOUBTFUL = frozenset(  # what a class name says and prose may disprove
    str.split("side box,menu,page header,page footer,share bar,tags,pop-up,table of contents,promotion,byline", ",")
)
_FOR_TRAFILATURA = 1_000_000  # characters: beyond, it takes minutes, and a page that long has no frame worth the wait
_FOOTNOTE = re.compile(r"^[\[(]?(?:\d{1,3}|[*†‡])(?:[,;–-]\d{1,3})*[\])]?$")
_PROGRAM = re.compile(
    r"^\s*(/?wp:|\[if |\[endif|<!|end\b|start\b|begin\b|#|/|this site is optimized|google|gtm|\w+:\s*\{)"
    r"|[{}<>;]|https?:",
    re.I,
)


@dataclass(frozen=True, slots=True)
class _Inside:
    """What holds inside an element."""

    kind: Kind = "text"
    level: int = 0
    color: str = ""
    background: str = "ffffff"
    link: bool = False
    bold: bool = False
    question: bool = False
    article: bool = False


def read_webpage(text: str, *, prepared: bool = False) -> Page:
    """`prepared`: rendered from Markdown, so that there is no page around the article."""
    parser = lxml.html.HTMLParser(encoding="utf-8", no_network=True, remove_pis=True, huge_tree=True)
    root: HtmlElement | None = None
    with suppress(etree.ParserError, etree.XMLSyntaxError, ValueError):  # the log below says more than the error
        root = lxml.html.document_fromstring(text.encode("utf-8", "replace"), parser=parser)
    troubles = {entry.type_name for entry in parser.error_log}
    if "ERR_NO_MEMORY" in troubles:  # the parser goes on without what it could not hold
        raise MemoryError
    if "ERR_RESOURCE_LIMIT" in troubles:
        raise ArticleRefused(
            "This page is nested too deeply to be read: copy the article from a browser, and save that."
        )
    if root is None:
        raise ArticleRefused("This page holds no text: open it in a browser, copy the article, and save that.")
    page = about.page_of(root)
    sheet = hidden.Sheet.of("\n".join(style.text or "" for style in root.iter("style")))
    body = root.find("body") if root.find("body") is not None else root
    walker = _Walker(sheet, total=max(1, len(words_of(body).split())))
    if not prepared and len(text) < _FOR_TRAFILATURA:
        walker.seen = read_as_article(text)
        walker.beside = beside_the_article(root, body, walker.seen)
    walker.walk(body, _Inside())
    walker.flush(_Inside())
    page.blocks = walker.blocks
    return page


class _Walker:
    def __init__(self, sheet: hidden.Sheet, total: int) -> None:
        self.blocks: list[Block] = []
        self.beside: set[HtmlElement] = set()
        self.seen: set[str] = set()
        self._sheet = sheet
        self._total = total
        self._text: list[str] = []
        self._linked = self._bold = 0

    def walk(self, element: HtmlElement, around: _Inside) -> None:
        if not isinstance(element.tag, str):
            if element.tag is etree.Comment:
                self._comment(element.text or "")
            return
        tag = element.tag
        if tag in SILENT:
            return
        if tag == "br":
            self._text.append("\n")
            return
        style = self._sheet.style(element)
        inside = _inside(element, style, around)
        why = self._left_out(element, style, inside)
        if why:
            return
        is_block = tag in BLOCKS or tag == "button"
        if tag == "tr" and _is_plain_row(element):
            self.flush(around)
            self._row(element)
            return
        if is_block:
            self.flush(around)
        self._add(element.text, inside)
        for child in element:
            self.walk(child, inside)
            self._add(child.tail, inside)
        if is_block:
            self.flush(inside)

    def flush(self, inside: _Inside) -> None:
        """Ends the block that is being gathered."""
        text = "".join(self._text)
        letters = len("".join(text.split()))
        if letters:
            for part in re.split(r"\n\s*\n", text):  # two line breaks in a row end a paragraph
                if part.strip():
                    self.blocks.append(
                        Block(
                            part.strip(),
                            inside.kind,
                            inside.level,
                            links=self._linked / letters,
                            strong=self._bold >= letters,
                            question=inside.question,
                        )
                    )
        self._text.clear()
        self._linked = self._bold = 0

    def _add(self, text: str | None, inside: _Inside) -> None:
        if not text:
            return
        # line ends of the source are blanks; a break that the reader sees is written by <br> alone
        self._text.append(re.sub(r"\s+", " ", text))
        letters = len("".join(text.split()))
        if inside.link:
            self._linked += letters
        if inside.bold:
            self._bold += letters

    def _left_out(self, element: HtmlElement, style: dict[str, str], inside: _Inside) -> bool:
        """Whether the element is hidden or no part of the article; then it is written down whole, as one block."""
        why_hidden = hidden.why_hidden(element, style, inside.color, inside.background)
        if why_hidden:
            text = words_of(element)
            decoration = "aria-hidden" in why_hidden and len(text.split()) < 4
            if text:
                before = self.blocks[-1] if self.blocks else None
                if "display" in why_hidden and before is not None and before.taken and before.text.endswith("?"):
                    why_hidden += "; perhaps the folded answer to the question above: unfold it and save the page again"
                self.blocks.append(Block(text, dropped="decoration") if decoration else Block(text, flagged=why_hidden))
            return True
        why = furniture.reason(element, self._total, inside.article)
        if why in _DOUBTFUL and self._is_read_as_article(element):
            why = ""
        if not why and element.tag == "sup" and _FOOTNOTE.match(words_of(element)):
            return True
        if not why and hidden.for_screen_readers(element):
            why = "for screen readers only"
        if not why and element in self.beside:
            why = "outside the article"
        if not why:
            return False
        text = words_of(element)
        if text:
            self.blocks.append(Block(text, dropped=why))
        return True

    def _is_read_as_article(self, element: HtmlElement) -> bool:
        """Whether trafilatura takes most of an element's paragraphs for the article, whatever the element is called."""
        if not self.seen or element.tag in ("nav", "footer", "aside", "header", "form"):
            return False
        paragraphs = [same(e.text_content()) for e in element.iter("p", "li", "dd", "blockquote")]
        long = [words for words in paragraphs if len(words) >= 60]
        return bool(long) and sum(words in self.seen for words in long) * 2 >= len(long)

    def _comment(self, text: str) -> None:
        """A comment in the source: programs leave many; those that read like sentences are for a person to see."""
        text = " ".join(text.split())
        if found("machine", text) or (len(text.split()) >= 5 and not _PROGRAM.search(text)):
            self.blocks.append(Block(text[:2000], flagged="hidden text (a comment in the page's source)"))

    def _row(self, row: HtmlElement) -> None:
        cells = [words_of(cell) for cell in row if isinstance(cell.tag, str)]
        cells = [cell for cell in cells if cell]
        if not cells:
            return
        if all(cell.tag == "th" for cell in row if isinstance(cell.tag, str)):
            self.blocks.append(Block(" | ".join(cells), dropped="head of a table"))
            return
        rest = "; ".join(cells[1:])
        self.blocks.append(
            Block(f"{cells[0]}: {rest}" if rest else cells[0], "item" if rest else "text", says="row of a table")
        )


def _inside(element: HtmlElement, style: dict[str, str], around: _Inside) -> _Inside:
    tag = element.tag
    new = around
    if tag in _HEADINGS:
        new = replace(new, kind="heading", level=_HEADINGS[tag])
    elif (element.get("role") or "") == "heading":
        given = element.get("aria-level") or "2"
        new = replace(new, kind="heading", level=int(given) if given in "123456" else 2)
    elif tag == "li":
        new = replace(new, kind="item")
    elif tag in ("summary", "dt", "button") or (element.get("itemprop") == "name" and new.question):
        new = replace(new, question=True)
    elif tag in ("dd", "details", "section", "div", "article") and new.question:
        new = replace(new, question=False)
    if tag == "a" or element.get("role") == "link":
        new = replace(new, link=True)
    weight = style.get("font-weight", "")
    if tag in _BOLD or weight == "bold" or weight in ("600", "700", "800", "900"):
        new = replace(new, bold=True)
    if tag in ("article", "main"):
        new = replace(new, article=True)
    colors = hidden.colour(style.get("color", "") or element.get("color") or "")
    painted = (
        style.get("background-color", "") or style.get("background", "").split(" ")[0] or element.get("bgcolor") or ""
    )
    if colors:
        new = replace(new, color=colors)
    if painted:
        known = hidden.colour(painted)
        if known != "transparent":
            new = replace(new, background=known)  # "" when a picture or a variable paints it: nothing can be said then
    return new


def _is_plain_row(row: HtmlElement) -> bool:
    """A row of a table of facts, not of a page that is laid out as a table."""
    cells = [cell for cell in row if isinstance(cell.tag, str)]
    short = all(len((cell.text_content() or "").split()) <= 60 for cell in cells)
    return short and len(cells) > 1 and not any(row.iter("table", "ul", "ol", "h1", "h2", "h3", "h4"))
