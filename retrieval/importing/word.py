"""A Word document to blocks: what a reader sees, without hidden, struck or deleted text."""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import docx
from docx.opc.exceptions import PackageNotFoundError
from docx.oxml.ns import qn
from docx.table import Table
from docx.text.paragraph import Paragraph
from lxml import etree

from retrieval.importing.model import Block, Kind, Limits, Page
from retrieval.model import ArticleRefused

_HEADING = re.compile(r"^(?:heading|título|überschrift) ?(\d)", re.I)
_BROKEN = "This .docx file is broken: open it in a word processor, save it anew, and import that."


def read_word(data: bytes, limits: Limits) -> Page:
    """Raises ArticleRefused for a locked, broken or oversized document, and for a zip that is none."""
    _look_inside(data, limits)
    try:
        document = docx.Document(io.BytesIO(data))
    except (
        PackageNotFoundError,
        KeyError,
        ValueError,
        zipfile.BadZipFile,
        etree.XMLSyntaxError,
        AttributeError,
        OSError,
    ) as error:
        raise ArticleRefused(_BROKEN) from error
    page = Page([])
    styles = _styles(document)
    for part in document.iter_inner_content():
        if isinstance(part, Paragraph):
            page.blocks.extend(_paragraph(part, styles))
        elif isinstance(part, Table):
            page.blocks.extend(_table(part, styles))
    properties = document.core_properties
    title = (properties.title or "").strip()
    if title and title.lower() not in ("word document", "document", "untitled"):
        page.title = title
    changed = properties.modified or properties.created
    if changed is not None and changed.year > 2013:  # 2013: the date of a template that programs copy
        page.updated = changed.date()
    page.language = (properties.language or "")[:2].lower()
    return page


def _look_inside(data: bytes, limits: Limits) -> None:
    if data.startswith(b"\xd0\xcf\x11\xe0"):
        raise ArticleRefused(
            "This document is locked with a password or in the old .doc format: save it as .docx without a password."
        )
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            entries = archive.infolist()
            names = {entry.filename for entry in entries}
            unpacked = sum(entry.file_size for entry in entries)
    except (zipfile.BadZipFile, ValueError, OSError, NotImplementedError) as error:
        raise ArticleRefused(_BROKEN) from error
    if "word/document.xml" not in names or "[Content_Types].xml" not in names:
        raise ArticleRefused("This file is a zip archive, not a Word document: unpack it and import the files in it.")
    if unpacked > limits.unpacked_bytes or len(entries) > 10_000:
        raise ArticleRefused(
            f"This .docx file unpacks to {unpacked // 1_000_000:,} MB, "
            f"more than {limits.unpacked_bytes // 1_000_000:,} MB: "
            "save it without its pictures and import that."
        )


@dataclass(frozen=True, slots=True)
class _Style:
    name: str = "Normal"
    hides: bool = False


def _styles(document: Any) -> dict[str, _Style]:
    """The document's styles by id, looked up once: asking a paragraph for its style searches them all each time."""
    found = {}
    for style in document.styles.element.iter(qn("w:style")):
        name = style.find(qn("w:name"))
        vanish = style.find(f"{qn('w:rPr')}/{qn('w:vanish')}")
        hides = vanish is not None and vanish.get(qn("w:val"), "1") not in ("0", "false", "off")
        shown = (name.get(qn("w:val")) or "") if name is not None else ""
        found[style.get(qn("w:styleId")) or ""] = _Style(shown, hides)
    return found


def _paragraph(paragraph: Paragraph, styles: dict[str, _Style]) -> Iterator[Block]:
    given = paragraph._p.find(f"{qn('w:pPr')}/{qn('w:pStyle')}")
    style = styles.get(given.get(qn("w:val")) or "", _Style()) if given is not None else _Style()
    seen: list[str] = []
    bold = letters = 0
    for run in _runs(paragraph._p):
        text = _text(run)
        why = _unseen(run, style)
        if not text.strip() or not why:
            seen.append(text)
            size = len("".join(text.split())) if not why else 0
            letters += size
            bold += size if _on(run, "w:b") else 0
        elif why == "struck out":
            yield Block(text, dropped=why)
        else:
            yield Block(text, flagged=why)
    text = "".join(seen)
    if not text.strip():
        return
    kind, level = _kind(paragraph, style.name)
    for part in re.split(r"\n\s*\n", text):
        if part.strip():
            yield Block(part.strip(), kind, level, strong=bool(letters) and bold == letters)


def _kind(paragraph: Paragraph, name: str) -> tuple[Kind, int]:
    match = _HEADING.match(name)
    if match:
        return "heading", int(match.group(1)) or 1
    if name.lower() in ("title", "título"):
        return "heading", 1
    if name.lower().startswith("list") or paragraph._p.find(f"{qn('w:pPr')}/{qn('w:numPr')}") is not None:
        return "item", 0
    return "text", 0


def _runs(element: Any) -> Iterator[Any]:
    """The runs of a paragraph that stand in its text, links and insertions included, deletions and text boxes not."""
    for child in element:
        if child.tag == qn("w:r"):
            yield child
        elif child.tag in (
            qn("w:hyperlink"),
            qn("w:ins"),
            qn("w:smartTag"),
            qn("w:sdt"),
            qn("w:sdtContent"),
            qn("w:fldSimple"),
        ):
            yield from _runs(child)


def _text(run: Any) -> str:
    parts = []
    for child in run:
        if child.tag == qn("w:t"):
            parts.append(child.text or "")
        elif child.tag in (qn("w:br"), qn("w:cr")):
            parts.append("\n")
        elif child.tag == qn("w:tab"):
            parts.append(" ")
        elif child.tag == qn("w:noBreakHyphen"):
            parts.append("-")
    return "".join(parts)


def _unseen(run: Any, style: _Style) -> str:
    if _on(run, "w:vanish") or style.hides:
        return "hidden text (marked as hidden in the document)"
    color = _value(run, "w:color")
    shade = run.find(f"{qn('w:rPr')}/{qn('w:shd')}")
    if (
        color
        and color.upper() in ("FFFFFF", "FEFEFE", "FDFDFD")
        and shade is None
        and _value(run, "w:highlight") is None
    ):
        return "hidden text (white on the page)"
    size = _value(run, "w:sz")
    if size and size.isdigit() and int(size) <= 4:  # half points
        return "hidden text (font size next to nothing)"
    if _on(run, "w:strike") or _on(run, "w:dstrike"):
        return "struck out"
    return ""


def _on(run: Any, name: str) -> bool:
    found = run.find(f"{qn('w:rPr')}/{qn(name)}")
    return found is not None and found.get(qn("w:val"), "1") not in ("0", "false", "off")


def _value(run: Any, name: str) -> str | None:
    found = run.find(f"{qn('w:rPr')}/{qn(name)}")
    value = found.get(qn("w:val")) if found is not None else None
    return str(value) if value is not None else None


def _table(table: Table, styles: dict[str, _Style]) -> Iterator[Block]:
    for row in table.rows:
        cells: list[str] = []
        for cell in row.cells:
            seen = []
            for paragraph in cell.paragraphs:
                for block in _paragraph(paragraph, styles):
                    if block.taken:
                        seen.append(block.text)
                    else:
                        yield block
            text = " ".join(seen)
            if text and (not cells or cells[-1] != text):  # a merged cell is given once for each column
                cells.append(text)
        if cells:
            rest = "; ".join(cells[1:])
            yield Block(f"{cells[0]}: {rest}" if rest else cells[0], "item" if rest else "text", says="row of a table")
