"""Our own short messages: urgency at least as needed for all of them, above what is right for 2 in 100 at most."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from bot.safety import Filter

LANGUAGES = sorted(path.name for path in (Path(__file__).parent / "messages").iterdir() if path.is_dir())


@pytest.mark.parametrize("language", LANGUAGES)
def test_no_message_falls_below_what_it_needs(rules: Filter, groups: Any, language: str) -> None:
    missed = []
    for group in groups(language):
        for text in group["texts"]:
            verdict = rules.screen(text, language=language).verdict
            if verdict.urgency < group["at_least"]:
                missed.append((group["class"], text, verdict.urgency))
    assert missed == []


@pytest.mark.parametrize("language", LANGUAGES)
def test_hardly_a_message_is_raised_above_what_is_right(rules: Filter, groups: Any, language: str) -> None:
    rows = [(group, text) for group in groups(language) for text in group["texts"]]
    above = [
        (group["class"], text, found)
        for group, text in rows
        if (found := rules.screen(text, language=language).verdict.urgency) > group["at_most"]
    ]
    assert len(above) <= 0.02 * len(rows), above


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_reason_is_the_one_that_matters(rules: Filter, groups: Any, language: str) -> None:
    wrong = []
    for group in groups(language):
        for text in group["texts"]:
            reason = str(rules.screen(text, language=language).verdict.reason)
            if ("reason" in group and reason != group["reason"]) or reason == group.get("not_reason"):
                wrong.append((group["class"], text, reason))
    assert len(wrong) <= 0.01 * sum(len(group["texts"]) for group in groups(language)), wrong


def test_there_are_enough_of_them(groups: Any) -> None:
    assert sum(len(group["texts"]) for group in groups("en")) >= 400
    assert len({group["class"] for group in groups("en")}) >= 40
