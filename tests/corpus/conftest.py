"""Reads the words that ship: each article's front matter and body, the questions, the exercises."""

import re
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]
ENGLISH = ROOT / "corpus" / "en"


@dataclass(frozen=True)
class Words:
    slug: str
    front: dict[str, Any]
    body: str

    @property
    def prose(self) -> str:
        """The body without headings, list marks and emphasis marks; one space between words."""
        lines = [line for line in self.body.splitlines() if not line.startswith("#")]
        text = "\n".join(re.sub(r"^- ", "", line) for line in lines)
        return re.sub(r"\s+", " ", re.sub(r"[*_`]", "", text)).strip()


def read(path: Path) -> Words:
    before, front, body = path.read_text(encoding="utf-8").split("+++\n", 2)
    assert before == "", f"{path.name} begins with something else than +++"
    return Words(path.stem, tomllib.loads(front), body)


@pytest.fixture(scope="session")
def articles() -> dict[str, Words]:
    return {path.stem: read(path) for path in sorted((ENGLISH / "articles").glob("*.md"))}


@pytest.fixture(scope="session")
def questions() -> list[dict[str, Any]]:
    return list(tomllib.loads((ENGLISH / "questions.toml").read_text(encoding="utf-8"))["question"])


@pytest.fixture(scope="session")
def exercises() -> list[dict[str, Any]]:
    return list(tomllib.loads((ENGLISH / "exercises.toml").read_text(encoding="utf-8"))["exercise"])


@pytest.fixture(scope="session")
def root() -> Path:
    return ROOT
