"""The Spanish words: every English block and table is there, with the same places to fill, short enough, and in Spanish."""

from __future__ import annotations

import json
import re
import string
import tomllib
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]
ENGLISH, SPANISH = ROOT / "corpus" / "en", ROOT / "corpus" / "es"
LOCALES = ROOT / "web" / "static" / "locales"
FILES = sorted(path.name for path in (ENGLISH / "replies").glob("*.toml"))
MOST_WORDS = 90
SAME = re.compile(r"^(?:[\W\d]|\{\w+\}|Handrail)*$")  # no word of any language in it
ENGLISH_WORDS = set(
    "the and you your with that this have are not from will what which when please call text person here can our for".split()
)
OTHER_LANGUAGES = {"multilingual"}


def table(folder: Path, name: str) -> dict[str, Any]:
    return tomllib.loads((folder / name).read_text(encoding="utf-8"))


def places(variants: list[str]) -> set[str]:
    return {name for text in variants for _, name, _, _ in string.Formatter().parse(text) if name}


def blocks() -> list[tuple[str, list[str], list[str]]]:
    """(block, English variants, Spanish variants) of every reply block."""
    rows = []
    for name in FILES:
        spanish = table(SPANISH / "replies", name)
        for block, held in table(ENGLISH / "replies", name).items():
            rows.append((block, held["variants"], spanish.get(block, {}).get("variants", [])))
    return rows


@pytest.mark.parametrize("name", FILES)
def test_every_block_is_there_in_spanish_and_none_without_an_english_one(name: str) -> None:
    assert set(table(SPANISH / "replies", name)) == set(table(ENGLISH / "replies", name))


def test_every_block_has_as_many_variants_where_english_has_three() -> None:
    assert [b for b, english, spanish in blocks() if len(spanish) < min(3, len(english))] == []


def test_every_block_fills_the_same_places() -> None:
    """One English place may be left out: the hours of a line that is only a page are English words."""
    wrong = []
    for block, english, spanish in blocks():
        left_out = {"hours"} if block == "safety_line_chat" else set()
        if places(spanish) | left_out != places(english) | left_out:
            wrong.append((block, places(spanish) ^ places(english)))
    assert wrong == []


def test_no_block_is_longer_than_a_turn_may_be() -> None:
    assert [b for b, _, spanish in blocks() if max(len(v.split()) for v in spanish) > MOST_WORDS] == []


def test_no_english_is_left_in_the_replies() -> None:
    left = []
    for block, english, spanish in blocks():
        if block in OTHER_LANGUAGES:
            continue
        for text in spanish:
            words = re.findall(r"[a-záéíóúñü]+", re.sub(r"\{\w+\}", "", text.lower()))
            untranslated = text in english and not SAME.match(text) and not block.startswith(("answer_source_line", "mail_subject_other"))
            if untranslated or len(ENGLISH_WORDS.intersection(words)) > 0:
                left.append((block, text))
    allowed = {"line_chat", "booking_no"}  # a name and an address; a word that both languages have
    assert [row for row in left if row[0] not in allowed] == []


def test_the_visitor_is_spoken_to_in_one_form() -> None:
    """“tú” throughout: no “usted”, and no request in its form (“que llame”, of someone else, is none)."""
    formal = re.compile(r"\b(?:usted|ustedes)\b|(?<!que )(?<!quien )\b(?:llame|escriba)\b", re.I)
    texts = [(b, v) for b, _, spanish in blocks() for v in spanish if b not in OTHER_LANGUAGES]
    assert [(b, v) for b, v in texts if formal.search(v)] == []


def test_every_question_is_opened_as_spanish_opens_it() -> None:
    texts = [(b, v) for b, _, spanish in blocks() for v in spanish if b not in OTHER_LANGUAGES]
    assert [(b, v) for b, v in texts if v.count("?") != v.count("¿")] == []


def test_the_exercises_are_the_same_step_by_step() -> None:
    english = {e["id"]: e for e in table(ENGLISH, "exercises.toml")["exercise"]}
    spanish = {e["id"]: e for e in table(SPANISH, "exercises.toml")["exercise"]}
    assert set(spanish) == set(english)
    for id, ours in spanish.items():
        theirs = english[id]
        assert ours["article"] == theirs["article"]
        assert [(s.get("seconds"), s.get("move")) for s in ours["steps"]] == [(s.get("seconds"), s.get("move")) for s in theirs["steps"]]
        assert all(s["text"] not in {t["text"] for t in theirs["steps"]} for s in ours["steps"])


def test_the_canned_replies_have_the_same_keys_and_places() -> None:
    english = {r["key"]: r for r in table(ENGLISH, "canned.toml")["reply"]}
    spanish = {r["key"]: r for r in table(SPANISH, "canned.toml")["reply"]}
    assert set(spanish) == set(english)
    assert [k for k in spanish if places([spanish[k]["text"]]) != places([english[k]["text"]])] == []


def test_the_protocol_page_has_every_section() -> None:
    english, spanish = table(ENGLISH, "protocol.toml"), table(SPANISH, "protocol.toml")
    assert {k: set(v) for k, v in spanish.items()} == {k: set(v) for k, v in english.items()}
    assert {k: len(v) for k, v in spanish["text"].items()} == {k: len(v) for k, v in english["text"].items()}


def test_every_practice_topic_is_there_and_says_the_same_facts() -> None:
    """The same topics, each filled from the same paths of practice.toml."""

    def paths(row: dict[str, Any]) -> set[str]:
        found: set[str] = set()
        for say in row.get("say", ()):
            found |= {say["when"]} if isinstance(say, dict) else set(re.findall(r"\{([a-z_.]+)\}", say))
        return found

    english = {t["name"]: t for t in table(ENGLISH, "talk.toml")["practice"]["topic"]}
    spanish = {t["name"]: t for t in table(SPANISH, "talk.toml")["practice"]["topic"]}
    assert set(spanish) == set(english)
    assert [n for n in spanish if paths(spanish[n]) != paths(english[n])] == []


def test_the_follow_ups_and_small_talk_are_the_same_kinds() -> None:
    english, spanish = table(ENGLISH, "talk.toml"), table(SPANISH, "talk.toml")
    assert {f["name"] for f in spanish["followup"]} == {f["name"] for f in english["followup"]}
    assert {s["block"] for s in spanish["smalltalk"]} == {s["block"] for s in english["smalltalk"]}


def test_the_booking_words_have_every_pattern() -> None:
    english, spanish = table(ENGLISH, "booking.toml"), table(SPANISH, "booking.toml")
    for part in ("whole", "part"):
        assert set(spanish[part]) == set(english[part])
    assert set(english["times"]) <= set(spanish["times"])


def keys(value: Any, before: str = "") -> set[str]:
    if not isinstance(value, dict):
        return {before}
    return {key for name, held in value.items() for key in keys(held, f"{before}{name}.")}


def plain(found: set[str]) -> set[str]:
    """Without the plural forms, which differ from language to language."""
    return {re.sub(r"\.(?:zero|one|two|few|many|other)\.$", "", key) for key in found}


def test_the_widget_speaks_spanish_throughout() -> None:
    english, spanish = (json.loads((LOCALES / f"{code}.json").read_text(encoding="utf-8")) for code in ("en", "es"))
    assert plain(keys(english)) <= plain(keys(spanish))
