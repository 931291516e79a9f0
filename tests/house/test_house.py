"""The house keeps its own rules: imports, sizes, style, and documents that name files which exist."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
CODE = [
    p
    for top in ("bot", "retrieval", "web", "tests")
    for p in (ROOT / top).rglob("*")
    if p.suffix in {".py", ".js", ".css", ".html"}
]
CODE = [p for p in CODE if "__pycache__" not in p.parts]


def run(*command: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=280)


def tool(name: str) -> str:
    return str(Path(sys.executable).parent / name)


def test_imports_run_strictly_down() -> None:
    done = run(tool("lint-imports"), "--no-cache")
    assert done.returncode == 0, done.stdout[-3000:]


def test_ruff_is_content() -> None:
    done = run(tool("ruff"), "check", ".")
    assert done.returncode == 0, done.stdout[-3000:]


def test_mypy_strict_is_content() -> None:
    done = run(tool("mypy"))
    assert done.returncode == 0, done.stdout[-3000:]


def test_no_file_has_outgrown_its_room() -> None:
    long = {str(p.relative_to(ROOT)): n for p in CODE if (n := len(p.read_text(encoding="utf-8").splitlines())) > 400}
    assert not long, f"over 400 lines: {long}"


def test_every_exception_is_caught_in_three_places_at_most() -> None:
    wide = [
        str(p.relative_to(ROOT))
        for p in CODE
        if p.suffix == ".py" and p.parts[len(ROOT.parts)] in {"bot", "retrieval"}
        for line in p.read_text(encoding="utf-8").splitlines()
        if re.search(r"^\s*except(\s+\(?.*\b(Base)?Exception\b.*|\s*):", line) and "BaseException" not in line
    ]
    assert len(wide) <= 3, wide


def test_only_words_live_in_corpus_and_web() -> None:
    assert not [p for top in ("corpus", "web") for p in (ROOT / top).rglob("*.py")]


def test_every_module_says_what_it_owes() -> None:
    silent = [
        str(p.relative_to(ROOT))
        for top in ("bot", "retrieval")
        for p in (ROOT / top).rglob("*.py")
        if "versions" not in p.parts and not p.read_text(encoding="utf-8").lstrip().startswith(('"""', 'r"""'))
    ]
    assert not silent, silent


@pytest.mark.parametrize("document", ["docs/architecture.md", "README.md"])
def test_documents_name_files_that_exist(document: str) -> None:
    text = (ROOT / document).read_text(encoding="utf-8")
    named = set(re.findall(r"`((?:bot|retrieval|corpus|web|tests|docs)/[\w./-]*)`", text))
    assert named, f"{document} names no file: then nothing was checked"
    missing = sorted(name for name in named if not (ROOT / name).exists())
    assert not missing, missing


def test_the_architecture_walks_past_every_room() -> None:
    text = (ROOT / "docs/architecture.md").read_text(encoding="utf-8")
    rooms = {p.stem for p in (ROOT / "bot").iterdir() if p.suffix == ".py" and p.stem not in {"__init__"}}
    unnamed = sorted(room for room in rooms if f"bot/{room}" not in text)
    assert not unnamed, f"docs/architecture.md does not mention: {unnamed}"


def test_decisions_fit_a_page() -> None:
    pages = sorted((ROOT / "docs/decisions").glob("*.md"))
    assert len(pages) >= 8
    assert not [p.name for p in pages if len(p.read_text(encoding="utf-8").splitlines()) > 60]
