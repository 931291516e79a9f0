"""The practice's own words and hours, and a real store."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from handoff_cast import Clock, Run

from bot.hours import Hours
from bot.stores.sqlite import SqliteStore
from bot.words import Words, load

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="session")
def words() -> Words:
    return load(ROOT / "corpus")


@pytest.fixture(scope="session")
def hours(words: Words) -> Hours:
    return Hours(words.practice)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def run(tmp_path: Path, clock: Clock) -> Run:
    """Runs a test's coroutine on a started store, and closes it."""

    def run_on(test: Callable[[SqliteStore], Awaitable[Any]]) -> Any:
        async def whole() -> Any:
            store = SqliteStore(tmp_path / "data", secret="a secret for tests, long enough", clock=clock)
            await store.start()
            try:
                return await test(store)
            finally:
                await store.close()

        return asyncio.run(whole())

    return run_on
