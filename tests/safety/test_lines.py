"""Never a wrong country's number: over all countries, all kinds of reply."""

from __future__ import annotations

import re
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest

from bot.safety import proof
from bot.words import Words, WordsFault, load, read_countries

MESSAGES = [
    "I want to die",
    "I want to kill myself",
    "I'm going to kill myself tonight",
    "I just took 40 paracetamol",
    "my brother is suicidal",
    "my friend swallowed a bottle of pills",
    "my husband hits me",
    "he is hitting me right now",
    "I was raped",
    "I make myself throw up",
    "I can't bond with my baby",
    "I drink every night and can't stop",
    "I stopped drinking and I'm shaking and seeing things",
    "I lost my mother",
    "I'm 11 years old",
    "I am 15",
    "the voices tell me to jump",
    "I took a double dose by mistake",
    "promise you won't tell anyone",
    "je veux mourir",
    "chest pain down my left arm",
    "I'm going to stab my boss tonight",
    "how do I kill myself",
]


def numbers(words: Words, code: str) -> set[str]:
    country = words.country(code)
    found = {country.emergency} if country.code else set()
    for line in country.lines:
        found |= {value for value in (line.call, line.text) if value}
    return found


def standing(number: str, text: str) -> bool:
    return re.search(rf"(?<![\d-]){re.escape(number)}(?![\d-])", text) is not None


@pytest.mark.parametrize("code", ["US", "GB", "IE", "CA", "AU", "NZ", "MX", "ES", "", "FR", "XX"])
def test_only_the_country_s_own_numbers_are_shown(talk: Any, words: Words, code: str) -> None:
    own = numbers(words, code)
    foreign = set().union(*(numbers(words, other) for other in words.countries)) - own
    for text in MESSAGES:
        for turn in talk([text, "yes", "I still want to die"], country=code):
            shown = turn.text
            for number in sorted(own, key=len, reverse=True):
                shown = shown.replace(number, " ")
            assert [n for n in foreign if standing(n, shown)] == [], (code, text, turn.text)
            for action in (a for draft in turn.drafts for a in draft.actions if a.type in {"call", "text"}):
                digits = re.sub(r"\D", "", action.value.split("?")[0])
                assert digits in {re.sub(r"\D", "", n) for n in own}, (code, text, action)


def test_every_number_that_can_be_tapped_also_stands_in_the_text(talk: Any, words: Words) -> None:
    for code in words.countries:
        for text in MESSAGES:
            for draft in (d for turn in talk([text], country=code) for d in turn.drafts):
                bare = re.sub(r"\D", "", draft.text)
                for action in draft.actions:
                    if action.type in {"call", "text"}:
                        assert re.sub(r"\D", "", action.value.split("?")[0]) in bare, (code, text, action)


@pytest.mark.parametrize("code", ["US", "GB", "IE", "CA", "AU", "NZ", "MX", "ES"])
def test_each_country_offers_a_call_and_where_there_is_one_a_text(talk: Any, words: Words, code: str) -> None:
    (turn,) = talk(["I want to kill myself"], country=code)
    kinds = {action.type for action in turn.drafts[0].actions}
    assert "call" in kinds
    if any(line.text for line in words.country(code).about("suicide", "crisis")):
        assert "text" in kinds


def test_an_unknown_country_is_told_so(talk: Any) -> None:
    for code in ("", "FR"):
        (turn,) = talk(["I'm going to kill myself tonight"], country=code)
        assert "your local emergency number" in turn.text and "findahelpline.com" in turn.text


def test_every_line_has_a_source_and_a_day(words: Words) -> None:
    assert [f for f in proof.lines(words, date(2026, 11, 23)) if f.level == "fault"] == []


def test_old_lines_are_named(words: Words) -> None:
    assert proof.lines(words, date(2026, 11, 23)) == []
    old = proof.lines(words, date(2026, 11, 22) + timedelta(days=91))
    assert len(old) == sum(len(country.lines) for country in words.countries.values())
    assert all(f.level == "warning" and "look again" in f.what for f in old)


def test_lines_that_ended_are_not_in_the_file() -> None:
    text = (Path(__file__).parents[2] / "corpus" / "crisis_lines.toml").read_text(encoding="utf-8")
    entries = "\n".join(line for line in text.splitlines() if not line.startswith("#"))
    assert "988, then 3" not in entries and "931-2237" not in entries


def test_a_practice_country_without_lines_is_refused(tmp_path: Path) -> None:
    (tmp_path / "en" / "rules").mkdir(parents=True)
    practice = tmp_path / "practice.toml"
    practice.write_text('name="A"\ntelephone="1"\ncountry="FR"\ntime_zone="Europe/Paris"\n')
    (tmp_path / "crisis_lines.toml").write_text(
        '[unknown]\nname="your country"\nemergency="your local emergency number"\n'
    )
    with pytest.raises(WordsFault, match="FR"):
        load(tmp_path)


def test_a_broken_line_says_where(tmp_path: Path) -> None:
    path = tmp_path / "crisis_lines.toml"
    path.write_text('[unknown]\nname="x"\nemergency="y"\n[[unknown.lines]]\nid="a"\nnumber="1"\n')
    with pytest.raises(WordsFault, match=r"\[unknown\]"):
        read_countries(path)
