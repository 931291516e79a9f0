"""The practice's words, and a real store with a webhook in it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from bot.stores.sqlite import SqliteStore
from bot.words import Words, load

ROOT = Path(__file__).parents[2]
NOW = datetime(2026, 11, 23, 15, 0, tzinfo=UTC)


@pytest.fixture(scope="session")
def words() -> Words:
    return load(ROOT / "corpus")


@pytest.fixture
def run(tmp_path: Path) -> Callable[[Callable[[SqliteStore], Awaitable[Any]]], Any]:
    def run_on(test: Callable[[SqliteStore], Awaitable[Any]]) -> Any:
        async def whole() -> Any:
            store = SqliteStore(tmp_path / "data", secret="a secret for tests, long enough", clock=lambda: NOW)
            await store.start()
            try:
                return await test(store)
            finally:
                await store.close()

        return asyncio.run(whole())

    return run_on
