"""The real search over the shipped articles, made once, and answers that word them."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from bot import words
from bot.answer import Answers, Spoken
from bot.model import TalkMemory
from bot.words import Words
from bot.writers import writer
from retrieval.articles import read_articles
from retrieval.build import build_index
from retrieval.embed import Embedder
from retrieval.search import Search

ROOT = Path(__file__).parent.parent.parent
MONDAY = datetime(2026, 11, 23, 15, tzinfo=UTC)  # 10:00 in the demo practice's zone: it is open

Chat = Callable[..., list[Spoken]]


@pytest.fixture(scope="session")
def embedder(warm: Path) -> Embedder:
    return Embedder.open(warm / "models")


@pytest.fixture(scope="session")
def search(embedder: Embedder, tmp_path_factory: pytest.TempPathFactory) -> Search:
    folder = tmp_path_factory.mktemp("index")
    build_index(read_articles(ROOT / "corpus" / "en" / "articles"), folder, embedder)
    return Search.open(folder, embedder, today=lambda: date(2026, 11, 23))


@pytest.fixture(scope="session")
def said() -> Words:
    return words.load(ROOT / "corpus")


@pytest.fixture(scope="session")
def answers(search: Search, said: Words) -> Answers:
    return Answers(search, said, writer=writer("quote"))


@pytest.fixture(scope="session")
def chat(answers: Answers) -> Chat:
    """What is said to each of a visitor's texts, in one conversation."""

    def talk(*texts: str, language: str = "en", now: datetime = MONDAY) -> list[Spoken]:
        memory, spoken = TalkMemory(), []
        for text in texts:
            spoken.append(answers.reply(text, memory, language=language, now=now))
            memory = spoken[-1].memory
        return spoken

    return talk
