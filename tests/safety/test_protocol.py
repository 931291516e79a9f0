"""The published protocol is made from what is loaded: every reason, every line, and digests that move with them."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from bot.model import Reason
from bot.safety import Filter, protocol
from bot.words import Words


@pytest.mark.parametrize("language", ["en", "es"])
def test_every_reason_is_named_in_each_language(words: Words, rules: Filter, language: str) -> None:
    rows = {row["reason"]: row for row in protocol(words, rules, language)["reasons"]}
    assert set(rows) == {str(reason) for reason in Reason} - {"none"}
    assert all(row["name"] and row["meant"] for row in rows.values())
    assert rows["suicide"]["rules"] > 20 and {4, 3, 2} <= set(rows["suicide"]["levels"])


def test_every_line_of_every_country_stands_in_it_with_source_and_day(words: Words, rules: Filter) -> None:
    shown = {country["code"]: country["lines"] for country in protocol(words, rules)["countries"]}
    assert set(shown) == set(words.countries)
    for code, country in words.countries.items():
        assert [line["name"] for line in shown[code]] == [line.name for line in country.lines]
        assert all(line["source"] and line["checked_on"] for line in shown[code] if code)


def test_the_versions_move_with_what_is_loaded(words: Words, rules: Filter) -> None:
    before = protocol(words, rules)
    english = words.languages["en"]
    more: dict[str, Any] = {"rule": [{"id": "practice.x"}]}
    changed = {**words.languages, "en": replace(english, rules={**english.rules, "practice_x": more})}
    other = Words(words.practice, words.countries, changed, words.corpus)
    after = protocol(other, rules)
    assert after["digest"] != before["digest"]
    assert after["replies"] == before["replies"] and after["lines_digest"] == before["lines_digest"]
    assert after == protocol(other, rules), "the same when asked again"


def test_rules_only_is_said(words: Words, rules: Filter) -> None:
    found = protocol(words, rules)
    assert found["second_stage"] is False and found["examples_digest"] == ""
