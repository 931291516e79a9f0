"""The second stage with the real model: it raises what the rules' words miss, and leaves alone what is said of others."""

from __future__ import annotations

from pathlib import Path

import pytest

from bot import parts, settings
from bot.model import Reason
from bot.safety import Filter
from bot.words import Words


@pytest.fixture(scope="module")
def both(words: Words, warm: Path) -> Filter:
    embedder = parts.open_embedder(settings.read(data=warm, log_level="error"))
    return Filter(words, embed=embedder.encode)


@pytest.mark.parametrize(
    "text",
    [
        "my friend wants to kill herself",
        "my friend is going to kill himself",
        "my cousin says she wants to end her life",
    ],
)
def test_what_is_said_of_someone_else_stays_theirs(both: Filter, text: str) -> None:
    verdict = both.screen(text, language="en", country="US").verdict
    assert (verdict.urgency, verdict.reason) == (1, Reason.SOMEONE_ELSE)


def test_someone_else_hides_nobody(both: Filter) -> None:
    assert both.screen("my friend wants to kill herself and so do I", language="en", country="US").verdict.urgency >= 3
