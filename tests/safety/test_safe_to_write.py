"""“Is it safe to write here now?” is a question: its answer is read, and what follows keeps the visitor safe."""

from __future__ import annotations

import re
from typing import Any

import pytest

from bot.model import Kind, Reason, Route

ASKS = re.compile(r"killing yourself|thinking about suicide|matarte|pensando en el suicidio|quitarte la vida", re.I)
OPENING = {"en": "my husband hits me", "es": "mi esposo me pega"}


@pytest.mark.parametrize(
    ("language", "answer"),
    [
        ("en", "no"),
        ("en", "not really"),
        ("en", "he's in the next room"),
        ("en", "my husband is home"),
        ("en", "I can't talk long"),
        ("en", "he checks my phone"),
        ("en", "not sure"),
        ("es", "no"),
        ("es", "él está en el otro cuarto"),
        ("es", "revisa mi celular"),
    ],
)
def test_not_safe_means_short_the_way_out_and_one_question(talk: Any, language: str, answer: str) -> None:
    told, unsafe = talk([OPENING[language], answer], language=language)
    assert told.memory.pending == "safe"
    assert unsafe.screening.verdict.route is Route.HUMAN and unsafe.screening.verdict.level == 2
    assert unsafe.screening.verdict.level_reason is Reason.ABUSE
    (draft,) = unsafe.drafts
    assert draft.kind is Kind.SUPPORT and draft.actions[0].type == "exit"
    assert unsafe.memory.pending == "danger" and unsafe.text.count("?") == 1
    assert "1-800-799-7233" in unsafe.text and not ASKS.search(unsafe.text)


@pytest.mark.parametrize(
    ("language", "answer"),
    [("en", "yes"), ("en", "I'm alone right now"), ("en", "he is out"), ("es", "sí"), ("es", "estoy sola ahora")],
)
def test_safe_means_time_to_go_on(talk: Any, language: str, answer: str) -> None:
    _, safe = talk([OPENING[language], answer], language=language)
    assert safe.drafts and safe.screening.verdict.level <= 1 and safe.memory.pending == ""
    assert any(action.type == "person" for action in safe.drafts[0].actions)


def test_danger_at_this_moment_is_an_emergency(talk: Any) -> None:
    *_, now = talk([OPENING["en"], "no", "yes"])
    assert now.screening.verdict.urgency == 4 and now.screening.verdict.reason is Reason.ABUSE
    assert now.drafts[0].kind is Kind.CRISIS and "911" in now.text and now.drafts[0].actions[0].type == "exit"


def test_no_danger_at_this_moment_keeps_the_level(talk: Any) -> None:
    *_, calm = talk([OPENING["en"], "no", "no, not right now"])
    assert calm.screening.verdict.level == 2 and calm.screening.verdict.urgency <= 2
    assert calm.drafts and not ASKS.search(calm.text)


def test_another_matter_answers_nothing(talk: Any) -> None:
    _, other = talk([OPENING["en"], "How long does therapy take?"])
    assert other.memory.notes["answered"] == "" and other.screening.verdict.level == 1


def test_a_whole_talk_never_says_to_confront_and_never_repeats_itself(talk: Any) -> None:
    turns = talk([OPENING["en"], "no he is downstairs", "no", "he hit me again yesterday", "yes I'm alone now"])
    blocks = [part for turn in turns for part in turn.text.split("\n\n") if part]
    assert len(blocks) == len(set(blocks))
    assert all("confront" not in block.lower() and "leave him" not in block.lower() for block in blocks)
    assert all(len(turn.text.split()) <= 90 for turn in turns)
