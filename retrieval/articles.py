"""A folder of articles to the corpus: what was read, and per file what was refused and why."""

from __future__ import annotations

import hashlib
import html
import importlib
import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from types import ModuleType

from retrieval.language import language_of
from retrieval.markdown import fields_of, sections_of, split_front_matter
from retrieval.model import Article, ArticleRefused, Progress, Section, silent

SUFFIXES = (".md", ".markdown", ".txt", ".html", ".htm", ".pdf", ".docx")
LARGEST = 4 * 1024 * 1024  # bytes of a prepared article; the importer has limits of its own
_TAG = re.compile(r"<(script|style)\b.*?</\1>|<!--.*?-->|<[^>]*>", re.S | re.I)


@dataclass(frozen=True, slots=True)
class FileReport:
    """What became of one file. `slug` is empty when it was refused, and `reason` then says why."""

    path: str
    slug: str = ""
    reason: str = ""
    notes: tuple[str, ...] = ()
    kept: tuple[str, ...] = ()
    dropped: tuple[tuple[str, str], ...] = ()  # (text, why it is not the article)
    flagged: tuple[tuple[str, str], ...] = ()  # (text, why a person must look)


@dataclass(frozen=True, slots=True)
class Corpus:
    """The articles of a folder, by file name, and the report of every file."""

    articles: tuple[Article, ...]
    report: tuple[FileReport, ...]
    language: str = "en"

    @property
    def digest(self) -> str:
        """sha256, hexadecimal, over every article's slug and bytes."""
        whole = hashlib.sha256(self.language.encode())
        for article in self.articles:
            whole.update(f"{article.slug} {article.digest}\n".encode())
        return whole.hexdigest()

    @property
    def by_slug(self) -> Mapping[str, Article]:
        return {article.slug: article for article in self.articles}

    @property
    def refused(self) -> tuple[FileReport, ...]:
        return tuple(each for each in self.report if not each.slug)


def read_articles(folder: Path, *, language: str = "en", progress: Progress = silent) -> Corpus:
    """Every article below `folder`. A file that cannot be read is refused in the report and stops nothing.

    Raises ArticleRefused when the folder is missing, holds no file of a known kind, or none that could be read.
    """
    if not folder.is_dir():
        raise ArticleRefused(f"there is no folder {folder}: name the folder that holds the articles")
    paths = sorted(path for path in folder.rglob("*") if path.suffix.lower() in SUFFIXES and _plain_file(path, folder))
    if not paths:
        raise ArticleRefused(f"the folder {folder} holds no articles: put {' '.join(SUFFIXES)} files into it")
    articles: dict[str, Article] = {}
    report: list[FileReport] = []
    for place, path in enumerate(paths):
        name = str(path.relative_to(folder))
        try:
            article, said = read_article(path, language=language)
        except ArticleRefused as refusal:
            report.append(FileReport(name, reason=str(refusal)))
        except OSError as fault:
            report.append(FileReport(name, reason=f"it cannot be opened: {fault.strerror or fault}"))
        else:
            slug = _free(article.slug, articles)
            articles[slug] = replace(article, slug=slug, path=name)
            report.append(replace(said, path=name, slug=slug))
        progress("reading articles", place + 1, len(paths))
    if not articles:
        first = report[0]
        raise ArticleRefused(f"none of the {len(paths)} files in {folder} could be read; {first.path}: {first.reason}")
    return Corpus(tuple(articles.values()), tuple(report), language)


def _plain_file(path: Path, folder: Path) -> bool:
    hidden = any(part.startswith((".", "~$")) for part in path.relative_to(folder).parts)
    return not hidden and path.is_file()


def _free(slug: str, taken: Mapping[str, Article]) -> str:
    if slug not in taken:
        return slug
    return next(f"{slug}-{number}" for number in range(2, len(taken) + 3) if f"{slug}-{number}" not in taken)


def slug_of(name: str) -> str:
    """A file name's last URL part: ASCII small letters, digits and hyphens, at most 80 characters."""
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode()
    return re.sub(r"[^a-z0-9]+", "-", plain.lower()).strip("-")[:80].strip("-") or "article"


def read_article(path: Path, *, language: str = "en") -> tuple[Article, FileReport]:
    """One file. Raises ArticleRefused with the reason, OSError when it cannot be opened."""
    if path.suffix.lower() in (".md", ".markdown"):
        raw = path.read_bytes()
        text, notes = _decoded(raw)
        if len(raw) > LARGEST:
            raise ArticleRefused(
                f"it has {len(raw) / 1e6:.1f} MB; an article may have {LARGEST // 1_000_000} MB: split it"
            )
        table, body = split_front_matter(text)
        if table is not None:
            article = _prepared(path, table, body, language)
            return _finished(article, FileReport(path.name, article.slug, notes=notes), raw, language)
    return _imported(path, language)


def _prepared(path: Path, table: dict[str, object], body: str, language: str) -> Article:
    heading, sections = sections_of(body)
    fields = fields_of(table)
    fields["title"] = fields["title"] or heading or _spoken(path)
    return Article(slug=slug_of(path.stem), sections=sections, **{"language": language, **fields})


def _imported(path: Path, language: str) -> tuple[Article, FileReport]:
    importer = _importer()
    if importer is None:
        return _read_plainly(path, language)
    found = importer.read(path)
    said = FileReport(
        path.name,
        kept=tuple(found.kept),
        dropped=tuple(found.dropped),
        flagged=tuple(found.flagged),
        notes=tuple(found.notes),
    )
    if found.article is None:
        raise ArticleRefused(said.notes[0] if said.notes else "nothing in it reads like an article")
    article: Article = replace(found.article, slug=slug_of(found.article.slug or path.stem), language=language)
    return _finished(article, said, path.read_bytes(), language)


def _importer() -> ModuleType | None:
    try:
        return importlib.import_module("retrieval.importing")
    except ModuleNotFoundError as fault:
        if fault.name != "retrieval.importing":
            raise
        return None


def _read_plainly(path: Path, language: str) -> tuple[Article, FileReport]:
    raw = path.read_bytes()
    if len(raw) > LARGEST or path.suffix.lower() not in (".md", ".markdown", ".txt", ".html", ".htm"):
        raise ArticleRefused("files of this kind and size need the importer")
    text, notes = _decoded(raw)
    if path.suffix.lower() in (".html", ".htm"):
        text = html.unescape(_TAG.sub("\n\n", text))
    heading, sections = sections_of(text)
    article = Article(slug_of(path.stem), heading or _spoken(path), sections, language=language)
    return _finished(article, FileReport(path.name, notes=notes), raw, language)


def _finished(article: Article, said: FileReport, raw: bytes, language: str) -> tuple[Article, FileReport]:
    if not any(_readable(section) for section in article.sections):
        raise ArticleRefused("it has no text")
    notes = list(said.notes)
    seen = language_of(" ".join(paragraph for section in article.sections for paragraph in section.paragraphs))
    if seen and seen != language:
        notes.append(f"it reads as {seen!r}, not {language!r}: it answers questions in its own language at best")
        article = replace(article, language=seen)
    digest = hashlib.sha256(raw).hexdigest()
    return replace(article, digest=digest), replace(said, slug=article.slug, notes=tuple(notes))


def _readable(section: Section) -> bool:
    return any(character.isalnum() for paragraph in section.paragraphs for character in paragraph)


def _decoded(raw: bytes) -> tuple[str, tuple[str, ...]]:
    if b"\0" in raw[:4096]:
        raise ArticleRefused("it is not text")
    try:
        return raw.decode("utf-8-sig"), ()
    except UnicodeDecodeError as fault:
        note = f"it is not UTF-8 (byte {fault.start + 1}) and was read as Windows-1252: save it as UTF-8"
        return raw.decode("cp1252", errors="replace"), (note,)


def _spoken(path: Path) -> str:
    return re.sub(r"[-_\s]+", " ", path.stem).strip().capitalize() or "Untitled"
