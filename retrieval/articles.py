"""A folder of articles to the corpus: what was read, and per file what was refused and why."""

from __future__ import annotations

import hashlib
import os
import re
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from retrieval.importing import SUFFIXES, Imported, Piece, read_all
from retrieval.language import language_of
from retrieval.markdown import asked_in, fields_of, sections_of, split_front_matter
from retrieval.model import Article, ArticleRefused, Progress, Section, silent

LARGEST = 4_000_000  # bytes of a prepared article; the importer has limits of its own


@dataclass(frozen=True, slots=True)
class FileReport:
    """What became of one file. `refused` is empty, or says why there is no article; `slug` is then empty."""

    path: str
    slug: str = ""
    refused: str = ""
    notes: tuple[str, ...] = ()
    kept: tuple[Piece, ...] = ()  # of an imported file: (text, as what)
    dropped: tuple[Piece, ...] = ()  # (text, why it is not the article)
    flagged: tuple[Piece, ...] = ()  # (text, why a person must look)


@dataclass(frozen=True, slots=True)
class Corpus:
    """The articles of a folder, by file name, and the report of every file."""

    articles: tuple[Article, ...]
    reports: tuple[FileReport, ...]
    language: str = "en"

    @property
    def digest(self) -> str:
        """sha256, hexadecimal, over every article's slug, its file's bytes and what was read from them."""
        whole = hashlib.sha256(self.language.encode())
        for article in self.articles:
            read = (article.title, article.summary, article.questions, article.sections)
            whole.update(f"{article.slug} {article.digest} {read}\n".encode())
        return whole.hexdigest()

    @property
    def by_slug(self) -> Mapping[str, Article]:
        return {article.slug: article for article in self.articles}

    @property
    def refused(self) -> tuple[FileReport, ...]:
        return tuple(each for each in self.reports if each.refused)


def read_articles(folder: Path, *, language: str = "en", progress: Progress = silent) -> Corpus:
    """Every article below `folder`. A file that cannot be read is refused in the report and stops nothing.

    Raises ArticleRefused when the folder is missing, holds no file of a known kind, or none that could be read.
    """
    if not folder.is_dir():
        raise ArticleRefused(f"there is no folder {folder}: name the folder that holds the articles")
    paths, closed = _listed(folder)
    if not paths and not closed:
        raise ArticleRefused(f"the folder {folder} holds no articles: put {' '.join(SUFFIXES)} files into it")
    articles: dict[str, Article] = {}
    reports = [FileReport(str(path.relative_to(folder)), refused=why) for path, why in closed]
    for place, (path, found) in enumerate(_read(paths, language)):
        name = str(path.relative_to(folder))
        if isinstance(found, ArticleRefused):
            reports.append(FileReport(name, refused=str(found).removeprefix(f"{path.name}: ")))
        else:
            article, said = found
            slug = _free(article.slug, articles)
            articles[slug] = replace(article, slug=slug, path=name)
            reports.append(replace(said, path=name, slug=slug))
        progress("reading articles", place + 1, len(paths))
    if not articles:
        first = reports[0]
        raise ArticleRefused(
            f"none of the {len(reports)} files in {folder} could be read; {first.path}: {first.refused}"
        )
    return Corpus(tuple(articles.values()), tuple(reports), language)


Outcome = tuple[Article, FileReport] | ArticleRefused


def _read(paths: Sequence[Path], language: str) -> Iterator[tuple[Path, Outcome]]:
    """Prepared files here, all others apart, in the order of the paths."""
    outcomes = {path: _prepared_file(path, language) for path in paths if path.suffix.lower() == ".md"}
    others = [path for path in paths if outcomes.get(path) is None]
    imported = iter(read_all(others))
    for path in paths:
        outcome = outcomes.get(path)
        yield path, outcome if outcome is not None else _imported(*next(imported), language)


def _listed(folder: Path) -> tuple[list[Path], list[tuple[Path, str]]]:
    """(the files of a known kind below the folder, by name; what cannot be opened, and why). A link to a file is read as
    that file; a link to a folder is not followed."""
    paths: list[Path] = []
    closed: list[tuple[Path, str]] = []

    def shut(fault: OSError) -> None:
        if Path(fault.filename) != folder:
            closed.append((Path(fault.filename), f"it cannot be opened: {fault.strerror}"))

    for root, folders, files in os.walk(folder, onerror=shut):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        closed += [
            (Path(root, name), "it is a link to a folder, which is not followed: put the files themselves there")
            for name in folders
            if Path(root, name).is_symlink()
        ]
        for name in files:
            path = Path(root, name)
            if name.startswith((".", "~$")) or path.suffix.lower() not in SUFFIXES:
                continue
            if path.is_file():
                paths.append(path)
            elif path.is_symlink():
                closed.append((path, "it is a link that leads nowhere: put the file itself there"))
    return sorted(paths), sorted(closed)


def _free(slug: str, taken: Mapping[str, Article]) -> str:
    if slug not in taken:
        return slug
    return next(f"{slug}-{number}" for number in range(2, len(taken) + 3) if f"{slug}-{number}" not in taken)


def slug_of(name: str) -> str:
    """A file name's last URL part: ASCII small letters, digits and hyphens, at most 80 characters."""
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode()
    return re.sub(r"[^a-z0-9]+", "-", plain.lower()).strip("-")[:80].strip("-") or "article"


def _prepared_file(path: Path, language: str) -> Outcome | None:
    """A file with front matter of our own; None when it has none and must be imported."""
    try:
        with path.open("rb") as file:
            raw = file.read(LARGEST + 1)
        if not raw.removeprefix(b"\xef\xbb\xbf").lstrip().startswith(b"+++"):
            return None
        if len(raw) > LARGEST:
            raise ArticleRefused(f"it has more than {LARGEST // 1_000_000} MB: split it into several articles")
        text, notes = _decoded(raw)
        table, body = split_front_matter(text)
        heading, sections = sections_of(body)
        sections, nowhere = asked_in(table, sections)
        notes += tuple(f"its front matter asks under “{each}”, which is no heading of it" for each in nowhere)
        fields = fields_of(table)
        fields["title"] = fields["title"] or heading or _spoken(path)
        article = Article(slug=slug_of(path.stem), sections=sections, **{"language": language, **fields})
        return _finished(article, FileReport(path.name, notes=notes), raw, language)
    except ArticleRefused as refusal:
        return refusal
    except OSError as fault:
        return ArticleRefused(f"it cannot be opened: {fault.strerror or fault}")


def _imported(path: Path, found: Imported | ArticleRefused, language: str) -> Outcome:
    if isinstance(found, ArticleRefused):
        return found
    if found.article is None:
        return ArticleRefused("; ".join(found.notes) or "nothing in it reads like an article")
    said = FileReport(path.name, kept=found.kept, dropped=found.dropped, flagged=found.flagged, notes=found.notes)
    article = replace(found.article, slug=slug_of(found.article.slug or path.stem), language=language)
    try:
        return _finished(article, said, path.read_bytes(), language)
    except ArticleRefused as refusal:
        return refusal
    except OSError as fault:
        return ArticleRefused(f"it cannot be opened: {fault.strerror or fault}")


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
