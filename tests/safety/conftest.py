"""What the safety tests share: the shipped words, the filter on its rules alone, and one talk from start to end."""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from bot.model import Draft, Owner, Route, SafetyMemory
from bot.safety import Filter, Screening, Script
from bot.words import Words, load

ROOT = Path(__file__).parents[2]
NOW = datetime(2026, 11, 23, 15, 0, tzinfo=UTC)


@pytest.fixture(scope="session")
def words() -> Words:
    return load(ROOT / "corpus")


@pytest.fixture(scope="session")
def rules(words: Words) -> Filter:
    return Filter(words, rules_only=True)


@pytest.fixture(scope="session")
def script(words: Words) -> Script:
    return Script(words)


@dataclass(frozen=True)
class Said:
    """One turn of a talk: what was found, and what the bot answered."""

    screening: Screening
    drafts: tuple[Draft, ...]
    memory: SafetyMemory

    @property
    def text(self) -> str:
        return "\n\n".join(draft.text for draft in self.drafts)


Talk = Callable[..., list[Said]]


@pytest.fixture(scope="session")
def talk(rules: Filter, script: Script) -> Talk:
    """talk([turns], country=…, language=…, open_now=…): the turns in order, as a visit takes them."""

    def run(
        turns: Sequence[str], *, country: str = "US", language: str = "en", open_now: bool = True, promise: str = ""
    ) -> list[Said]:
        memory, said, owner = SafetyMemory(), [], Owner.BOT
        for text in turns:
            screening = rules.screen(text, memory, language=language, country=country)
            spoken = script.reply(
                screening, language=language, country=country, owner=owner, open_now=open_now, now=NOW, promise=promise
            )
            memory = spoken.memory
            owner = Owner.QUEUE if screening.verdict.route is Route.HUMAN else owner
            said.append(Said(screening, spoken.drafts, memory))
        return said

    return run


Groups = Callable[[str], list[dict[str, Any]]]


@pytest.fixture(scope="session")
def groups() -> Groups:
    """groups(language): our own messages, by class."""

    def read(language: str) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = []
        for path in sorted((Path(__file__).parent / "messages" / language).glob("*.toml")):
            found += tomllib.loads(path.read_text(encoding="utf-8"))["group"]
        return found

    return read
