"""What became of a file, for a person to check: a line-by-line report and a page to look at."""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import cache
from importlib import resources
from pathlib import Path

from jinja2 import Environment, StrictUndefined, Template

from retrieval.importing.apart import read_all
from retrieval.importing.model import SUFFIXES, Imported
from retrieval.model import ArticleRefused


@cache
def _template(name: str) -> Template:
    text = resources.files("retrieval.importing").joinpath(name).read_text(encoding="utf-8")
    return Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True).from_string(
        text
    )


def preview(imported: Imported) -> str:
    """One HTML page that needs nothing else, with everything in it escaped: the file's pieces in their order, kept,
    dropped and flagged told apart by word, shape and colour."""
    return _template("preview.html").render(imported=imported, article=imported.article)


def write_previews(folder: Path, out: Path) -> int:
    """A preview of each file below `folder` that is imported (prepared articles are not), and an index.html over them.

    Returns how many previews were written into `out`, which is made if it is missing. Raises OSError when it cannot be.
    """
    paths = sorted(path for path in folder.rglob("*") if path.suffix.lower() in SUFFIXES and not is_prepared(path))
    return write_pages([(str(path.relative_to(folder)), outcome) for path, outcome in read_all(paths)], out)


def write_pages(outcomes: Iterable[tuple[str, Imported | ArticleRefused]], out: Path) -> int:
    """Writes a preview for each (name, what became of it), and index.html; returns how many previews."""
    out.mkdir(parents=True, exist_ok=True)
    rows: list[tuple[str, str, Imported | None, str]] = []
    for name, outcome in outcomes:
        if isinstance(outcome, ArticleRefused):
            rows.append((name, "", None, str(outcome)))
            continue
        page = re.sub(r"[^\w.-]+", "_", name).lstrip(".") + ".html"
        (out / page).write_text(preview(outcome), encoding="utf-8")
        rows.append((name, page, outcome, ""))
    (out / "index.html").write_text(_template("previews.html").render(rows=rows), encoding="utf-8")
    return sum(imported is not None for _, _, imported, _ in rows)


def is_prepared(path: Path) -> bool:
    """Whether a file is an article of our own format, which is read as it stands: Markdown under a `+++` table."""
    if path.suffix.lower() != ".md" or not path.is_file():
        return False
    try:
        with path.open("rb") as file:
            return file.read(64).removeprefix(b"\xef\xbb\xbf").lstrip().startswith(b"+++")
    except OSError:
        return False


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
