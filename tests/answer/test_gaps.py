"""What went unanswered: redacted, and grouped by what it means."""

from __future__ import annotations

import pytest

from bot.answer import group_gaps, redact
from bot.settings import SettingsFault
from bot.writers import writer
from retrieval.embed import Embedder


@pytest.mark.parametrize(
    ("text", "gone", "kept"),
    [
        ("my name is anna schmidt, is ketamine safe", ["anna", "schmidt"], "is ketamine safe"),
        ("My name is O'Brien and I ask about yoga", ["Brien"], "yoga"),
        ("call me on (555) 010-4477 about yoga", ["4477"], "yoga"),
        ("write to ana.b+x@mail.example.org please", ["ana.b", "mail.example"], "please"),
        ("I live at 12 Oak Street, Springfield IL 62704, any groups near", ["12 Oak", "62704"], "any groups near"),
        ("since March 3rd 2019 and 04/05/2020 I jog", ["March", "2019", "04/05"], "I jog"),
        ("does my husband Mike need hypnosis", ["Mike"], "need hypnosis"),
        ("Dr. Petrova said reiki works", ["Petrova"], "reiki works"),
        ("my SSN is 123-45-6789, member no 88776655", ["6789", "88776655"], "member no"),
        ("see https://me.example/page and @dana_p on it", ["me.example", "dana_p"], "on it"),
        ("I am 94 years old, can I do yoga", ["94"], "can I do yoga"),
        ("my brother juan sleepwalks", ["juan"], "sleepwalks"),
        ("me llamo Lucía Gómez y busco yoga", ["Lucía", "Gómez"], "busco yoga"),
    ],
)
def test_identifiers_are_taken_out(text: str, gone: list[str], kept: str) -> None:
    left = redact(text)
    assert kept in left
    for part in gone:
        assert part not in left


@pytest.mark.parametrize(
    "text",
    [
        "is yoga as good as CBT for anxiety in 8 to 16 sessions",
        "will ketamine help, or does it mark people",
        "does hypnosis work for 5 year olds",
        "what about tai chi twice a week",
        "I asked on Monday about ADHD",
    ],
)
def test_the_question_itself_is_left_whole(text: str) -> None:
    assert redact(text) == text


def test_the_articles_own_words_name_nobody() -> None:
    text = "what does Mindfulness do for Vertigo"
    assert redact(text, {"mindfulness", "vertigo"}) == text


def test_gaps_that_mean_the_same_are_one_group_by_demand(embedder: Embedder) -> None:
    rows = [
        ("does hypnosis work", 2),
        ("can hypnosis help me quit smoking", 1),
        ("is hypnotherapy effective", 2),
        ("do you treat my dog", 4),
        ("what do you know about vertigo", 1),
    ]
    groups = group_gaps(rows, embedder.encode)
    assert sum(group.times for group in groups) == 10
    assert groups[0].times == 5
    assert "hypno" in groups[0].question
    assert any("hypno" in other for other in groups[0].others)
    assert ["do you treat my dog"] == [g.question for g in groups if "dog" in g.question]
    assert [g.times for g in groups] == sorted((g.times for g in groups), reverse=True)


def test_no_gaps_are_no_groups(embedder: Embedder) -> None:
    assert group_gaps([], embedder.encode) == ()


def test_an_unknown_writer_is_answered_with_those_there_are() -> None:
    with pytest.raises(SettingsFault, match="quote"):
        writer("poet")
