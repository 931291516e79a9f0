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
from retrieval.importing.model import Block, Kind, Page
from retrieval.importing.signs import found
from retrieval.model import ArticleRefused

_BLOCKS = frozenset(
    [
        "address",
        "article",
        "aside",
        "blockquote",
        "body",
        "center",
        "dd",
        "details",
        "dialog",
        "dir",
        "div",
        "dl",
        "dt",
        "fieldset",
        "figcaption",
        "figure",
        "footer",
        "form",
        "h1",
        "h2",
        "h3",
        "h4",
        "h5",
        "h6",
        "header",
        "hgroup",
        "hr",
        "html",
        "li",
        "main",
        "menu",
        "nav",
        "ol",
        "p",
        "pre",
        "search",
        "section",
        "summary",
        "table",
        "tbody",
        "td",
        "tfoot",
        "th",
        "thead",
        "tr",
        "ul",
    ]
)
_SILENT = frozenset(
    [
        "script",
        "style",
        "head",
        "meta",
        "link",
        "svg",
        "math",
        "img",
        "picture",
        "source",
        "track",
        "base",
        "title",
        "param",
        "colgroup",
        "col",
        "area",
    ]
)
_APART = frozenset(("br", "label", "option", "select", "input"))  # their words stand apart, too
_HEADINGS = {f"h{level}": level for level in range(1, 7)}
_BOLD = frozenset(("b", "strong"))
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
    walker = _Walker(sheet, total=max(1, len(_words(body).split())))
    if not prepared and len(text) < _FOR_TRAFILATURA:
        walker.body = _where_the_article_is(root, body, text)
    walker.walk(body, _Inside())
    walker.flush(_Inside())
    page.blocks = walker.blocks
    return page


class _Walker:
    def __init__(self, sheet: hidden.Sheet, total: int) -> None:
        self.blocks: list[Block] = []
        self.body: set[HtmlElement] | None = None
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
        if tag in _SILENT:
            return
        if tag == "br":
            self._text.append("\n")
            return
        style = self._sheet.style(element)
        inside = _inside(element, style, around)
        why = self._left_out(element, style, inside)
        if why:
            return
        is_block = tag in _BLOCKS or tag == "button"
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
            text = _words(element)
            decoration = "aria-hidden" in why_hidden and len(text.split()) < 4
            if text:
                before = self.blocks[-1] if self.blocks else None
                if "display" in why_hidden and before is not None and before.taken and before.text.endswith("?"):
                    why_hidden += "; perhaps the folded answer to the question above: unfold it and save the page again"
                self.blocks.append(Block(text, dropped="decoration") if decoration else Block(text, flagged=why_hidden))
            return True
        why = furniture.reason(element, self._total, inside.article)
        if not why and element.tag == "sup" and _FOOTNOTE.match(_words(element)):
            return True
        if not why and hidden.for_screen_readers(element):
            why = "for screen readers only"
        if not why and self.body is not None and element in self.body:
            why = "outside the article"
        if not why:
            return False
        text = _words(element)
        if text:
            self.blocks.append(Block(text, dropped=why))
        return True

    def _comment(self, text: str) -> None:
        """A comment in the source: programs leave many; those that read like sentences are for a person to see."""
        text = " ".join(text.split())
        if found("machine", text) or (len(text.split()) >= 5 and not _PROGRAM.search(text)):
            self.blocks.append(Block(text[:2000], flagged="hidden text (a comment in the page's source)"))

    def _row(self, row: HtmlElement) -> None:
        cells = [_words(cell) for cell in row if isinstance(cell.tag, str)]
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


def _words(element: HtmlElement) -> str:
    """All text of an element as one line, with blanks between its blocks."""
    parts: list[str] = []
    for event, node in etree.iterwalk(element, events=("start", "end", "comment")):
        if event == "comment":
            continue
        block = node.tag in _BLOCKS or node.tag in _APART or node.tag == "button"
        if event == "start":
            if block:
                parts.append(" ")
            if node.text and node.tag not in _SILENT:
                parts.append(node.text)
        else:
            if block:
                parts.append(" ")
            if node is not element and node.tail:
                parts.append(node.tail)
    return " ".join("".join(parts).split())


def _is_plain_row(row: HtmlElement) -> bool:
    """A row of a table of facts, not of a page that is laid out as a table."""
    cells = [cell for cell in row if isinstance(cell.tag, str)]
    short = all(len((cell.text_content() or "").split()) <= 60 for cell in cells)
    return short and len(cells) > 1 and not any(row.iter("table", "ul", "ol", "h1", "h2", "h3", "h4"))


def _where_the_article_is(root: HtmlElement, body: HtmlElement, text: str) -> set[HtmlElement] | None:
    """The elements beside the article's own: what stands outside the smallest element that holds every paragraph
    which trafilatura takes for the article. Marked question-and-answer blocks stay in, wherever they stand."""
    import trafilatura  # only here: a folder without web pages need not wait for it

    extracted = trafilatura.extract(
        text, output_format="txt", include_comments=False, include_tables=True, favor_recall=True
    )
    seen = {same(line.lstrip("-|# ")) for line in (extracted or "").splitlines() if len(line.split()) >= 12}
    if not seen:
        return None
    holders = [
        e for e in body.iter("p", "div", "li", "td", "blockquote", "section", "dd") if same(e.text_content()) in seen
    ]
    if not holders:
        return None
    shared: list[HtmlElement] | None = None
    for holder in holders:
        chain = [holder, *holder.iterancestors()][::-1]
        if shared is None:
            shared = chain
        else:
            shared = [one for one, other in zip(shared, chain, strict=False) if one is other]
    if not shared:
        return None
    home = shared[-1]
    if len(holders) == 1 and home.getparent() is not None and home is not body:
        home = home.getparent()
    within = set(home.iterancestors())
    beside = {
        e for a in within if a is not root and isinstance(a.tag, str) for e in a if e is not home and e not in within
    }
    lead = _between_heading_and(home, body)
    return {e for e in beside if isinstance(e.tag, str) and e.tag in _BLOCKS and e not in lead and not _belongs(e)}


def _between_heading_and(home: HtmlElement, body: HtmlElement) -> set[HtmlElement]:
    """What stands after the main heading and before the article's element: a lead that pages set apart."""
    found: set[HtmlElement] = set()
    after = False
    for element in body.iter(*_BLOCKS):
        if element is home:
            return found
        after = after or element.tag == "h1"
        if after:
            found.add(element)
    return set()


def _belongs(element: HtmlElement) -> bool:
    """What may stand beside the article's element and yet be part of it: the main heading, questions with answers."""
    if element.tag == "h1" or element.find(".//h1") is not None:
        return True
    names = f"{element.get('class') or ''} {element.get('id') or ''} {element.get('itemtype') or ''}".lower()
    if "faq" in names or any(True for _ in element.iter("details", "dt")):
        return True
    return any((h.text_content() or "").strip().endswith("?") for h in element.iter("h2", "h3", "h4"))
