"""A PDF to blocks: lines put together again, running heads left out, unseen text flagged."""

from __future__ import annotations

import io
import re
from collections import Counter
from dataclasses import dataclass, field
from itertools import pairwise

import pypdf
from pypdf.errors import DependencyError, FileNotDecryptedError, PdfReadError, PyPdfError

from retrieval.importing.about import date_in
from retrieval.importing.model import Block, Limits, Page
from retrieval.importing.plain import begins_anew, joined, titled
from retrieval.model import ArticleRefused

_BULLET = re.compile(r"^\s*[•‣◦▪●○■□➤✓\uf0b7-]\s*(?=\S)")
_NUMBER_ALONE = re.compile(r"^(page\s)?[\s–—|-]*\d{1,4}(\s?(of|/|de)\s?\d{1,4})?[\s–—|-]*$", re.I)
_BULLET_ALONE = re.compile(r"^(?:[•‣◦▪●○■□➤✓\uf0b7\x7f–-]|\d{1,2}[.)])$")
_BOLD = re.compile(r"bold|black|heavy|semibold|demi", re.I)
_NO_INK = "hidden text (painted with no ink)"
_ENDED = re.compile(r"""[.!?…:]["'”’)\]]*$""")
_DIGITS = re.compile(r"\d+")
_NO_TITLE = re.compile(
    r"^(untitled|untitled document|document\d*|microsoft word.*|.*\.(docx?|pdf|indd|pages|html?))$", re.I
)


@dataclass(slots=True)
class _Line:
    text: str
    size: float = 0.0  # points
    height: float = 0.0  # where it stands, points above the page's foot
    bold: bool = False
    unseen: str = ""


@dataclass(slots=True)
class _Ink:
    """How a page's content stream paints text at the moment."""

    fill: tuple[float, ...] = (0.0,)
    mode: int = 0
    kept: list[tuple[tuple[float, ...], int]] = field(default_factory=list)

    def operator(self, operator: bytes, operands: list[object]) -> None:
        if operator == b"q":
            self.kept.append((self.fill, self.mode))
        elif operator == b"Q" and self.kept:
            self.fill, self.mode = self.kept.pop()
        elif operator in (b"rg", b"g", b"k", b"sc", b"scn"):
            numbers = tuple(float(o) for o in operands if isinstance(o, (int, float)))
            self.fill = (1.0 - min(1.0, max(numbers) + 0.0),) if operator == b"k" and numbers else numbers or (0.0,)
        elif operator == b"Tr" and operands:
            self.mode = int(operands[0]) if isinstance(operands[0], (int, float)) else 0

    @property
    def white(self) -> bool:
        return bool(self.fill) and min(self.fill) > 0.97


def read_pdf(data: bytes, limits: Limits) -> Page:
    """Raises ArticleRefused for a locked, broken, scanned or overlong PDF."""
    try:
        reader = pypdf.PdfReader(io.BytesIO(data), strict=False)
        if reader.is_encrypted and not reader.decrypt(""):
            raise ArticleRefused("This PDF is locked with a password: save a copy without one and import that.")
        count = len(reader.pages)
        if count > limits.pages:
            raise ArticleRefused(
                f"This PDF has {count} pages, more than {limits.pages}: split it and import the parts."
            )
        pages, pictures, unread = _lines(reader, limits)
        page = _about(reader)
    except (FileNotDecryptedError, DependencyError) as error:
        raise ArticleRefused("This PDF is locked with a password: save a copy without one and import that.") from error
    except (
        PyPdfError,
        PdfReadError,
        ValueError,
        KeyError,
        TypeError,
        IndexError,
        AttributeError,
        RecursionError,
        OSError,
    ) as error:
        if isinstance(error, ArticleRefused):
            raise
        raise ArticleRefused("This PDF is broken: open it in a PDF reader, save it anew, and import that.") from error
    words = sum(len(line.text.split()) for lines in pages for line in lines)
    if words < 5 * max(1, len(pages)) and (pictures or words == 0) and words < 40:
        raise ArticleRefused(
            "This PDF holds pictures of its pages and no text: run text recognition (OCR) over it, import the result."
            if pictures
            else "This PDF holds no text: export it from the program that made it and import that."
        )
    page.notes += [f"Page {number} could not be read and was left out." for number in unread]
    page.blocks = _blocks(_without_running_heads(pages))
    return page


def _lines(reader: pypdf.PdfReader, limits: Limits) -> tuple[list[list[_Line]], bool, list[int]]:
    pages: list[list[_Line]] = []
    pictures, total, unread = False, 0, []
    for number, page in enumerate(reader.pages, 1):
        try:
            lines = _page_lines(page)
        except (PyPdfError, ValueError, KeyError, TypeError, IndexError, AttributeError, AssertionError):
            unread.append(number)
            continue
        total += sum(len(line.text) for line in lines)
        if total > limits.characters:
            raise ArticleRefused(
                f"This PDF holds more than {limits.characters:,} characters: split it and import the parts."
            )
        if not lines and not pictures:
            pictures = _has_pictures(page)
        pages.append(lines)
    if unread and len(unread) == len(reader.pages):
        raise PdfReadError("no page could be read")
    return pages, pictures, unread


def _has_pictures(page: pypdf.PageObject) -> bool:
    resources = page.get("/Resources")
    objects = resources.get_object().get("/XObject") if resources is not None else None
    return bool(objects is not None and len(objects.get_object()))


def _page_lines(page: pypdf.PageObject) -> list[_Line]:
    ink = _Ink()
    runs: list[_Line] = []

    def before(operator: bytes, operands: list[object], cm: list[float], tm: list[float]) -> None:
        ink.operator(operator, operands)

    def text(run: str, cm: list[float], tm: list[float], font: object, size: float) -> None:
        if not run:
            return
        scale = abs(tm[3] or tm[1]) * abs(cm[3] or cm[1])
        real = abs((size or 0) * scale)
        unseen = ""
        if ink.mode == 3:
            unseen = _NO_INK
        elif ink.white:
            unseen = "hidden text (white on the page)"
        elif run.strip() and 0 < real < 2:
            unseen = "hidden text (font size next to nothing)"
        name = str(font.get("/BaseFont", "")) if isinstance(font, dict) else ""
        height = tm[4] * cm[1] + tm[5] * cm[3] + cm[5]
        runs.append(_Line(run, real, height, bool(_BOLD.search(name)), unseen))

    page.extract_text(visitor_operand_before=before, visitor_text=text)
    seen = [run for run in runs if run.text.strip()]
    if seen and all(run.unseen == _NO_INK for run in seen):
        for run in seen:
            run.unseen = ""  # the text layer of a scan: all of it is painted so
    return _lines_of(runs)


def _lines_of(runs: list[_Line]) -> list[_Line]:
    lines = [_Line("")]
    for run in runs:
        for at, part in enumerate(run.text.split("\n")):
            line = lines[-1]
            if at or (part.strip() and line.text.strip() and line.unseen != run.unseen):
                line = _Line("")
                lines.append(line)
            if part.strip():
                if not line.text.strip():
                    line.size, line.height, line.bold, line.unseen = run.size, run.height, run.bold, run.unseen
                line.bold = line.bold and run.bold
            line.text += part
    found: list[_Line] = []
    bullet = False
    for line in lines:
        line.text = " ".join(line.text.split())
        if _BULLET_ALONE.match(line.text):
            bullet = True
        elif line.text:
            line.text = f"• {line.text}" if bullet else line.text
            bullet = False
            found.append(line)
    return found


def _without_running_heads(pages: list[list[_Line]]) -> list[list[_Line | Block]]:
    """Lines at the top or foot of most pages, digits aside, and page numbers, become dropped blocks."""
    edges: Counter[str] = Counter()
    for lines in pages:
        edges.update({_DIGITS.sub("#", line.text) for line in [*lines[:2], *lines[-2:]]})
    often = {text for text, count in edges.items() if count >= 3 and count >= 0.4 * len(pages)}
    told: set[str] = set()
    result: list[list[_Line | Block]] = []
    for lines in pages:
        edge = {id(line) for line in [*lines[:2], *lines[-2:]]}
        kept: list[_Line | Block] = []
        for line in lines:
            pattern = _DIGITS.sub("#", line.text)
            if id(line) in edge and (pattern in often or _NUMBER_ALONE.match(line.text)):
                if pattern not in told:
                    told.add(pattern)
                    kept.append(Block(line.text, dropped="running head, foot or page number"))
                continue
            kept.append(line)
        result.append(kept)
    return result


def _blocks(pages: list[list[_Line | Block]]) -> list[Block]:
    flat = [line for lines in pages for line in lines]
    sizes = Counter(
        round(line.size, 1) for line in flat if isinstance(line, _Line) and line.text for _ in line.text.split()
    )
    body = sizes.most_common(1)[0][0] if sizes else 0.0
    widths = sorted(len(line.text) for line in flat if isinstance(line, _Line) and line.text)
    width = widths[int(len(widths) * 0.9)] if widths else 0
    leading = _leading([line for line in flat if isinstance(line, _Line)])
    blocks: list[Block] = []
    before: _Line | None = None  # the line that the next one may go on from
    for line in flat:
        if isinstance(line, Block):
            blocks.append(line)
            continue
        if line.unseen:
            _unseen(blocks, line)
            continue
        larger = bool(body) and line.size > body * 1.08
        bullet = _BULLET.match(line.text)
        if bullet:
            blocks.append(Block(line.text[bullet.end() :], "item"))
        elif before is not None and not _parted(before, line, width, leading):
            last = next(block for block in reversed(blocks) if block.taken)
            last.text = joined(last.text, line.text)
        elif larger and len(line.text.split()) <= 20:
            blocks.append(Block(line.text, "heading", 1 if line.size > body * 1.5 else 2))
        else:
            blocks.append(Block(line.text, strong=line.bold))
        before = line
    return blocks


def _unseen(blocks: list[Block], line: _Line) -> None:
    if blocks and blocks[-1].flagged == line.unseen:
        blocks[-1].text = joined(blocks[-1].text, line.text)
    else:
        blocks.append(Block(line.text, flagged=line.unseen))


def _leading(lines: list[_Line]) -> float:
    """The usual distance from one line to the next, in points; 0 when the lines do not tell."""
    gaps = sorted(
        one.height - other.height
        for one, other in pairwise(lines)
        if one.size == other.size and one.height > other.height
    )
    return gaps[len(gaps) // 4] if len(gaps) >= 4 else 0.0


def _parted(before: _Line, line: _Line, width: int, leading: float) -> bool:
    """Whether `line` begins a block of its own: size, weight or distance differ, or the line before ended early."""
    if abs(before.size - line.size) > 0.4:
        return True
    if (
        before.bold != line.bold
        and (before.bold or line.bold)
        and len((before if before.bold else line).text) < 0.8 * width
    ):
        return True
    gap = before.height - line.height
    if leading and 1.3 * leading < gap < 20 * leading:
        return True
    if gap < 0 and _ENDED.search(before.text) and not line.text[:1].islower():  # the next column, or the next page
        return True
    if titled(before.text) and len(before.text) < 0.6 * width and not line.text[:1].islower():
        return True
    return begins_anew(before.text, line.text, width, slack=0.2)


def _about(reader: pypdf.PdfReader) -> Page:
    page = Page([])
    facts = reader.metadata
    if facts is None:
        return page
    title = str(facts.get("/Title") or "").strip()
    if title and not _NO_TITLE.match(title) and len(title.split()) > 1:
        page.title = title
    for name in ("/ModDate", "/CreationDate"):
        raw = str(facts.get(name) or "")
        match = re.match(r"D?:?(\d{4})(\d{2})(\d{2})", raw)
        if match and (found := date_in("-".join(match.groups()))):
            page.updated = found
            break
    return page
