"""The guided exercises are short, plain, tied to an article, and promise no cure."""

import re

import textstat


def test_shape(exercises, articles):
    assert [each["id"] for each in exercises] == ["paced-breathing", "five-senses", "noticing-a-thought"]
    for each in exercises:
        assert set(each) == {"id", "title", "article", "intro", "outro", "steps"}
        assert each["article"] in articles
        assert 3 <= len(each["steps"]) <= 16
        for step in each["steps"]:
            assert set(step) <= {"text", "seconds", "move"}
            assert 3 <= len(step["text"]) <= 160
            assert 1 <= step.get("seconds", 1) <= 60
            assert ("seconds" in step) == ("move" in step)
            assert step.get("move", "in") in {"in", "out", "hold"}


def test_words_are_plain_and_promise_nothing(exercises):
    for each in exercises:
        text = " ".join([each["intro"], *(step["text"] for step in each["steps"]), each["outro"]])
        assert textstat.flesch_kincaid_grade(text) <= 7, each["id"]
        assert not re.search(r"\bcure|\bguarantee|\bwill (feel|make|calm|help)\b|\bmust\b", text, re.I), each["id"]
        assert "Skip a step or stop whenever you like." in each["intro"]
        assert "not a treatment" in each["outro"]


def test_breathing_lasts_about_a_minute(exercises):
    steps = exercises[0]["steps"]
    assert 50 <= sum(step.get("seconds", 0) for step in steps) <= 75
    assert [step["seconds"] for step in steps if step.get("move") == "in"] == [4] * 6
    assert [step["seconds"] for step in steps if step.get("move") == "out"] == [6] * 6
