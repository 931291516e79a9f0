"""A paraphrase is the clinician's: what repeats the visitor is refused, what is kept reads back as a test case."""

from __future__ import annotations

import tomllib

import pytest

from bot.safety import cases

SAID = ["I bought the rope on Friday and nobody at home knows it", "help", "me quiero morir"]


@pytest.mark.parametrize(
    "words",
    [
        "they bought the rope on Friday and told nobody",
        "BOUGHT THE R\u043ePE ON FRIDAY",
        "Dijo: me quiero morir, y nada más",
        "write to sam@example.org",
        "her number is 0171 555 01 99",
    ],
)
def test_the_visitor_s_own_words_and_details_are_refused(words: str) -> None:
    assert cases.refused(words, SAID)


@pytest.mark.parametrize("words", ["Has means at hand and hides them.", "Asks for help.", "Wishes not to live (Spanish)."])
def test_own_words_are_kept(words: str) -> None:
    assert cases.refused(words, SAID) == ""


def test_what_is_exported_is_read_back_as_groups() -> None:
    marks = [
        {"mark": "missed", "seq": 3, "rule": "", "words": 'Says “soon” and "bye".', "should_be": 3},
        {"mark": "missed", "seq": 5, "rule": "", "words": "", "should_be": None},
        {"mark": "wrong", "seq": 7, "rule": "suicide.wish", "words": "A saying\\ about work.", "should_be": None},
        {"mark": "right", "seq": 8, "rule": "suicide.wish"},
    ]
    groups = tomllib.loads(cases.as_toml(cases.cases(marks)))["group"]
    assert [(g["at_least"], g["at_most"], g["texts"]) for g in groups] == [
        (3, 4, ['Says “soon” and "bye".']),
        (0, 1, ["A saying\\ about work."]),
    ]
