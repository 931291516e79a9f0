"""handrail index, evaluate and gaps: the articles, how well they are found, and what they lack."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from bot.commands import terminal


def index(
    articles: Annotated[Path | None, typer.Option(help="A folder of .md, .txt, .html, .pdf or .docx files.")] = None,
    preview: Annotated[
        Path | None, typer.Option(help="A folder for a page per file: what was kept and dropped.")
    ] = None,
) -> None:
    """Reads the articles and writes the index; says per file what was read, and why one was refused."""
    with terminal.told():
        from bot import parts, settings
        from retrieval.articles import read_articles
        from retrieval.build import build_index

        chosen = settings.read(articles=articles)
        with terminal.Progress() as progress:
            corpus = read_articles(parts.articles_folder(chosen), progress=progress)
            embedder = parts.open_embedder(chosen, progress)
            built = build_index(corpus, parts.index_folder(chosen), embedder, kind=chosen.index, progress=progress)
        rows = [(r.path, "refused" if r.refused else "read", r.refused or "; ".join(r.notes)) for r in corpus.reports]
        terminal.table(("file", "", "notes"), rows)
        print(
            f"{built.articles} articles, {built.passages} passages, {built.sentences} sentences; version {built.version}"
        )
        if preview is not None:
            from retrieval.importing import write_previews

            print(f"{write_previews(parts.articles_folder(chosen), preview)} previews in {preview}")
        if any(r.refused for r in corpus.reports):
            raise SystemExit(terminal.FAILURE)


def evaluate(
    html: Annotated[Path | None, typer.Option(help="Also write a page with plots.")] = None,
    questions: Annotated[Path | None, typer.Option(help="Another question set.")] = None,
) -> None:
    """Retrieval, abstention and safety figures on the shipped question sets."""
    with terminal.told():
        from bot.commands.evaluation import run

        run(html, questions)


def gaps() -> None:
    """Questions that the articles do not cover, grouped by meaning, the most asked first."""
    with terminal.told():
        from bot import parts, settings
        from bot.answer import group_gaps
        from bot.commands.people import order

        rows = order("gaps")["gaps"]
        if not rows:
            print("No question has gone unanswered yet.")
            return
        embedder = parts.open_embedder(settings.read())
        groups = group_gaps([(question, times) for question, times, _ in rows], embedder.encode)
        terminal.table(("asked", "question", "also"), [(g.times, g.question, " · ".join(g.others)) for g in groups])
