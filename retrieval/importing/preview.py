"""What became of a file, for a person to check: a line-by-line report and a page to look at."""

from __future__ import annotations

from functools import cache
from importlib import resources

from jinja2 import Environment, StrictUndefined, Template

from retrieval.importing.model import Imported


@cache
def _template() -> Template:
    text = resources.files("retrieval.importing").joinpath("preview.html").read_text(encoding="utf-8")
    return Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True).from_string(
        text
    )


def preview(imported: Imported) -> str:
    """One HTML page that needs nothing else, with everything in it escaped: the file's pieces in their order, kept,
    dropped and flagged told apart by word, shape and colour."""
    return _template().render(imported=imported, article=imported.article)


def report(imported: Imported, *, width: int = 96) -> str:
    """The same as plain text: facts, counts, notes, and one line a piece, cut at `width` characters (0: whole)."""
    article = imported.article
    lines = [f"{imported.path}"]
    if article is None:
        lines.append("  no article")
    else:
        words = sum(len(paragraph.split()) for section in article.sections for paragraph in section.paragraphs)
        lines.append(f"  title: {article.title}")
        lines.append(
            f"  {words} words in {len(article.sections)} sections · {len(article.questions)} questions · "
            f"language {article.language} · updated {article.updated or 'unknown'}"
        )
    counts = (
        f"{len(imported.kept)} kept · {len(imported.dropped)} dropped · {len(imported.flagged)} flagged for a person"
    )
    lines.append(f"  {counts}")
    lines += [f"  note: {note}" for note in imported.notes]
    marks = {"kept": "+", "dropped": "-", "flagged": "!"}
    for fate, piece in imported.pieces:
        text = piece.text if not width or len(piece.text) <= width else piece.text[: width - 1].rstrip() + "…"
        lines.append(f"  {marks[fate]} [{piece.reason}] {text}")
    return "\n".join(lines)
