"""`python -m retrieval.importing [--preview DIR] [--table] FILE…`: the report of each file, and its preview page."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from retrieval.importing import SUFFIXES, Imported, read_all, report, write_pages
from retrieval.model import ArticleRefused


def main() -> int:
    """0 when every file could be read, 1 when one was refused."""
    parser = argparse.ArgumentParser(
        prog="python -m retrieval.importing", description="What becomes of a practice's own files."
    )
    parser.add_argument("files", nargs="+", type=Path, metavar="FILE", help="files or folders: " + " ".join(SUFFIXES))
    parser.add_argument(
        "--preview", type=Path, metavar="DIR", help="also write a preview page for each file into this folder"
    )
    parser.add_argument("--table", action="store_true", help="one line a file instead of one line a piece")
    asked = parser.parse_args()
    refused = 0
    outcomes: list[tuple[str, Imported | ArticleRefused]] = []
    if asked.table:
        sys.stdout.write("| file | words in it | words kept | pieces kept, dropped, flagged | questions | title |\n")
        sys.stdout.write("|---|--:|--:|---|--:|---|\n")
    for path, outcome in read_all(_files(asked.files)):
        outcomes.append((path.name, outcome))
        if isinstance(outcome, ArticleRefused):
            refused += 1
            sys.stdout.write(f"refused: {outcome}\n")
            continue
        if asked.table:
            before = sum(len(piece.text.split()) for _, piece in outcome.pieces)
            after = sum(len(piece.text.split()) for piece in outcome.kept)
            title = outcome.article.title if outcome.article else "no article"
            counts = f"{len(outcome.kept)}, {len(outcome.dropped)}, {len(outcome.flagged)}"
            questions = len(outcome.article.questions) if outcome.article else 0
            sys.stdout.write(f"| {path.name} | {before} | {after} | {counts} | {questions} | {title} |\n")
        else:
            sys.stdout.write(report(outcome) + "\n\n")
    if asked.preview:
        write_pages(outcomes, asked.preview)
    return 1 if refused else 0


def _files(given: list[Path]) -> list[Path]:
    found: list[Path] = []
    for path in given:
        found += sorted(p for p in path.rglob("*") if p.suffix.lower() in SUFFIXES) if path.is_dir() else [path]
    return found


if __name__ == "__main__":
    sys.exit(main())
