"""Judged blocks to an Article, and what became of the rest."""

from __future__ import annotations

import hashlib
import re
import unicodedata
from datetime import date

from retrieval.importing import promotions
from retrieval.importing.about import date_in
from retrieval.importing.clean import same, tidy, unseen
from retrieval.importing.model import Block, Fate, Imported, Page, Piece
from retrieval.importing.sift import sift
from retrieval.importing.signs import found
from retrieval.language import language_of
from retrieval.model import Article, ArticleRefused, Section, Source

_ENDED = re.compile(r"""[.!?…:;]["'”’)\]]*$""")
_URL = re.compile(r"https?://[^\s<>\"')\]]+")
_PHONE = re.compile(r"\(?\d{3}\)?[ .-]\d{3}[ .-]\d{4}|\bopinions\b")
_CHANGED = re.compile(r"updated|modified|reviewed|actualizado", re.I)
_SHORT_ITEM = 9  # words: items up to this length are told in one paragraph, as a list in a sentence


def assemble(page: Page, *, path: str, data: bytes) -> Imported:
    """Raises ArticleRefused when the file held no words at all."""
    if not any(block.text.split() for block in page.blocks):
        raise ArticleRefused("This file holds no text: open it, check that the article is in it, and save it again.")
    title, hidden_in_title = _clean_line(page.title)
    stem = re.split(r"[\\/]", path)[-1].rsplit(".", 1)[0]
    blocks = sift(page.blocks, title, stem)
    blocks += hidden_in_title
    notes = list(page.notes)
    title = _title(blocks, title, stem, notes)
    sections = _sections(blocks)
    if page.updated is None:
        page.updated = _date(blocks)
    if page.updated is None:
        notes.append("No date found: the article has none until you give it one.")
    taken = " ".join(paragraph for section in sections for paragraph in section.paragraphs)
    language = _language(taken, page.language, notes)
    pieces = tuple(_piece(block) for block in blocks)
    total = sum(block.words for block in blocks)
    if total >= 60 and len(taken.split()) < total / 4:
        notes.append("Most of this file was left out: look at the preview before you rely on it.")
    if not sections:
        notes.append(
            "Nothing was left to quote: there is no article in this file, or it could not be told from the rest."
        )
        return Imported(path, None, pieces, tuple(notes))
    sources = _sources(blocks)
    article = Article(
        slug=_slug(stem) or _slug(title) or hashlib.sha256(data).hexdigest()[:12],
        title=title,
        sections=sections,
        summary=_summary(page.summary),
        questions=_questions(blocks, page.questions),
        topics=tuple(tidy(unseen(topic)[0]) for topic in page.topics if not found("machine", topic)),
        sources=sources,
        updated=page.updated,
        language=language,
        path=path,
        digest=hashlib.sha256(data).hexdigest(),
    )
    return Imported(path, article, pieces, tuple(notes))


def _piece(block: Block) -> tuple[Fate, Piece]:
    if block.flagged:
        return "flagged", Piece(block.text, block.flagged)
    if block.dropped:
        return "dropped", Piece(block.text, block.dropped)
    plain = {"heading": "question" if block.question else "heading", "item": "list item", "text": "text"}
    return "kept", Piece(block.text, block.says or plain[block.kind])


def _clean_line(text: str) -> tuple[str, list[Block]]:
    plain, _, _ = unseen(text)
    plain = tidy(plain).replace("\n", " ")
    if found("machine", plain):
        return "", [Block(plain, flagged="text for a machine, in the page's title")]
    return plain, []


def _title(blocks: list[Block], title: str, stem: str, notes: list[str]) -> str:
    head = next((block.text for block in blocks if block.taken and block.says == "title"), "")
    if title or head:
        return title or head
    first = next((block for block in blocks if block.taken and block.kind == "heading" and not block.question), None)
    if first is not None and first is next((block for block in blocks if block.taken), None):
        notes.append("No title found: its first heading is taken.")
        first.says = "title"
        return first.text
    notes.append("No title found: the file's name is taken.")
    words = re.sub(r"[-_+.\s]+", " ", stem).strip()
    return words[:1].upper() + words[1:] if words else "Untitled"


def _sections(blocks: list[Block]) -> tuple[Section, ...]:
    sections: list[Section] = []
    heading, paragraphs, items = "", list[str](), list[str]()

    def close() -> None:
        paragraphs.extend(_told(items, paragraphs))
        items.clear()
        if paragraphs:
            sections.append(Section(heading, tuple(paragraphs)))
        paragraphs.clear()

    for block in blocks:
        if not block.taken or block.says == "title":
            continue
        if block.kind == "heading":
            close()
            heading = block.text.rstrip(":").strip()
        elif block.kind == "item":
            items.append(block.text)
        else:
            paragraphs.extend(_told(items, paragraphs))
            items.clear()
            paragraphs.append(block.text)
    close()
    return tuple(sections)


def _told(items: list[str], paragraphs: list[str]) -> list[str]:
    """List items as paragraphs: short ones in one sentence, behind the line that announces them; long ones alone."""
    if not items:
        return []
    if len(items) > 1 and all(len(item.split()) <= _SHORT_ITEM for item in items):
        told = "; ".join(item.rstrip(" .;,") for item in items) + "."
        if paragraphs and paragraphs[-1].endswith(":"):
            return [f"{paragraphs.pop()} {told}"]
        return [told]
    whole = [item if _ENDED.search(item) else item.rstrip(" ;,") + "." for item in items]
    if paragraphs and paragraphs[-1].endswith(":"):
        return [f"{paragraphs.pop()} {whole[0]}", *whole[1:]]
    return whole


def _questions(blocks: list[Block], declared: tuple[str, ...]) -> tuple[str, ...]:
    """The questions that stand as headings over an answer; in the words the page declares, where it declares them."""
    asked = {same(question): question for question in declared}
    found_ones = [block.text for block in blocks if block.taken and block.question and block.says != "title"]
    return tuple(dict.fromkeys(asked.get(same(text), text) for text in found_ones))


def _summary(text: str) -> str:
    text = tidy(unseen(text)[0]).replace("\n", " ")
    if not text or found("machine", text):
        return ""
    kept, _ = promotions.cut(text)
    return " ".join(kept) if kept and len(" ".join(kept).split()) >= 5 else ""


def _sources(blocks: list[Block]) -> tuple[Source, ...]:
    found_ones = []
    for block in blocks:
        if block.dropped != "references" or not 4 <= block.words <= 80 or _PHONE.search(block.text):
            continue
        url = _URL.search(block.text)
        name = _URL.sub("", block.text).strip(" .") if url else block.text
        name = re.sub(r"^\W*\d{0,2}[.)\]]\s+", "", name)
        found_ones.append(Source(name=name or block.text, url=url.group().rstrip(".,;") if url else ""))
    return tuple(found_ones[:60])


def _date(blocks: list[Block]) -> date | None:
    """The date in a byline; the one behind "updated" before any other."""
    lines = [block.text for block in blocks if block.dropped == "byline"]
    changed = [line[match.start() :] for line in lines if (match := _CHANGED.search(line))]
    return next((found for line in [*changed, *lines] if (found := date_in(line))), None)


def _language(text: str, declared: str, notes: list[str]) -> str:
    read_as = language_of(text) if len(text.split()) >= 25 else ""
    if read_as and declared and read_as != declared:
        notes.append(f"The file declares the language {declared!r}; its words read as {read_as!r}, which is taken.")
    return read_as or declared or "en"


def _slug(text: str) -> str:
    plain = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode().lower()
    return re.sub(r"[^a-z0-9]+", "-", plain).strip("-")[:80].rstrip("-")
