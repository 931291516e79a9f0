"""Whole talks as people lead them: what the script says to a shrug, to a refusal to call, and to somebody else's danger."""

from __future__ import annotations

from typing import Any

import pytest


@pytest.mark.parametrize(
    ("language", "first", "then"),
    [
        ("en", "I don't want to be here anymore", "I'm not going to call anyone"),
        ("es", "quiero morirme", "no voy a llamar a nadie"),
    ],
)
def test_unwilling_to_call_lowers_the_barrier_and_keeps_the_line(
    talk: Any, language: str, first: str, then: str
) -> None:
    _, said = talk([first, then], language=language)
    assert said.screening.verdict.level >= 2
    assert "988" in said.text
    assert any(key.startswith("safety_unwilling/") for key in said.memory.said)
    assert any(key.startswith("safety_barrier_") for key in said.memory.said)


def test_a_shrug_is_no_answer_and_the_question_is_not_put_twice(talk: Any) -> None:
    turns = talk(["I can't go on like this", "no one is home", "what do I do", "I am at work"])
    assert [turn.screening.memory.notes["answered"] for turn in turns] == ["", "", "", ""]
    assert all(turn.screening.verdict.level < 4 for turn in turns)
    assert turns[-1].memory.asked.count("thoughts") == 1


def test_a_friend_in_danger_is_never_asked_about_as_the_visitor(talk: Any) -> None:
    turns = talk(["my friend wants to kill herself", "I'm 14", "what do I do"])
    assert all(turn.screening.verdict.level < 3 for turn in turns)
    assert not {"plan", "means", "when"} & set(turns[-1].memory.asked)
    assert "988" in turns[0].text


def test_leaning_on_the_bot_alone_is_answered_as_that_and_not_as_secrecy(talk: Any) -> None:
    _, said = talk(["can you keep a secret", "you're the only one I can talk to"])
    assert any(key.startswith("safety_dependence/") for key in said.memory.said)
    assert said.text


def test_after_a_no_in_crisis_the_line_is_shown_again(talk: Any) -> None:
    turns = talk(["I want to kill myself", "no plan"])
    assert "988" in turns[-1].text


def test_a_closed_queue_never_points_to_a_line_that_is_not_there(talk: Any) -> None:
    for text in (
        "should I stop taking my zoloft",
        "my brother says he wants to die",
        "you're the only one I can talk to",
    ):
        for open_now in (True, False):
            (said,) = talk([text], open_now=open_now, promise="A person will look by noon.")
            assert "line above" not in said.text


@pytest.mark.parametrize(
    ("language", "turns", "block"),
    [
        ("en", ["I took 20 advil", "an hour ago", "yes"], "safety_emergency_coming"),
        ("en", ["I took 20 advil", "an hour ago", "my mom is calling an ambulance"], "safety_emergency_coming"),
        ("en", ["I took 20 advil", "an hour ago", "no"], "safety_emergency_unwilling"),
        ("en", ["I took 20 advil", "I'm not going to call anyone"], "safety_emergency_unwilling"),
        ("en", ["I took 20 advil", "I feel strange"], "safety_emergency_called"),
        ("es", ["me tomé 20 pastillas", "hace una hora", "ya llamé al 911"], "safety_emergency_coming"),
    ],
)
def test_in_an_emergency_it_asks_whether_help_was_called(
    talk: Any, language: str, turns: list[str], block: str
) -> None:
    said = talk(turns, language=language)
    assert all(turn.screening.verdict.level == 4 for turn in said)
    assert any(key.startswith(block + "/") for key in said[-1].memory.said)
    assert "911" in said[-1].text and len(said[-1].text.split()) <= 90
