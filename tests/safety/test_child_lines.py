"""A child who is hurt is shown the children's line, in every country that has one."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from bot import words
from bot.model import Owner, SafetyMemory
from bot.safety import Filter, Script

WORDS = words.load(Path(__file__).parents[2] / "corpus")
FILTER, SCRIPT = Filter(WORDS, rules_only=True), Script(WORDS)
COUNTRIES = [c for c in WORDS.countries.values() if any("child_abuse" in line.about for line in c.lines)]


@pytest.mark.parametrize("country", COUNTRIES, ids=lambda c: c.code)
def test_a_child_who_is_hurt(country: words.Country) -> None:
    screening = FILTER.screen("I'm 12 and my dad hits me", SafetyMemory(), language="en", country=country.code)
    assert screening.memory.minor
    spoken = SCRIPT.reply(
        screening, language="en", country=country.code, owner=Owner.BOT, open_now=True, now=datetime(2026, 3, 2, tzinfo=UTC)
    )
    text = spoken.drafts[0].text
    assert any(line.name in text for line in country.lines if "child_abuse" in line.about), text
