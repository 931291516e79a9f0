"""Every rule over a page's words carries its proof."""

from __future__ import annotations

import pytest

from retrieval.importing.signs import Sign, found, parts, signs


def _cases(which: str) -> list[tuple[Sign, str]]:
    return [(sign, text) for sign in signs() for text in getattr(sign, which)]


@pytest.mark.parametrize(("sign", "text"), _cases("fires"), ids=lambda value: getattr(value, "reason", value))
def test_fires(sign: Sign, text: str) -> None:
    assert sign.pattern.search(text)


@pytest.mark.parametrize(("sign", "text"), _cases("silent"), ids=lambda value: getattr(value, "reason", value))
def test_stays_silent(sign: Sign, text: str) -> None:
    assert not sign.pattern.search(text)


def test_every_rule_has_both_and_a_known_place() -> None:
    for sign in signs():
        assert len(sign.fires) >= 3, sign.reason
        assert len(sign.silent) >= 1, sign.reason
        assert sign.where in ("line", "zone", "sentence", "machine")
        assert (sign.where == "zone") == (sign.until in ("end", "heading", "prose", "list"))


ARTICLE_SENTENCES = (
    "Therapy is a first-line treatment on its own, and it goes well together with medication.",
    "Short courses for one fear are counted in 8 to 16 sessions.",
    "A phone app can be a first contact, and it never stands in for a person.",
    "Software can imitate parts of a relationship, and studies of chatbots for young people report less worry.",
    "By the third week many people notice a shift.",
    "The alliance predicts the outcome better than the kind of therapy does.",
    "Waits for talking therapy can run to months, and cost keeps others away.",
    "Decisions about medication belong with a prescriber.",
    "Call to mind a place where you were safe, and stay there for a while.",
    "Make an appointment with yourself: ten quiet minutes after lunch.",
    "Share your plan with a friend, since a plan that is told is kept more often.",
    "The comments of a harsh inner voice can be answered.",
    "Related skills, such as breathing out slowly, are learned along the way.",
    "Researchers reviewed the studies by hand and found that few had a comparison group.",
    "We offer the brain something new, and it adapts.",
)


@pytest.mark.parametrize("text", ARTICLE_SENTENCES)
def test_an_articles_own_sentences_are_left_alone(text: str) -> None:
    assert [found(where, text) for where in ("line", "zone", "sentence", "machine")] == [None] * 4


def test_class_names_name_parts() -> None:
    named = {}
    for reason, pattern in parts():
        for name in (
            "cookie banner",
            "breadcrumbs",
            "comment list",
            "related posts",
            "author box",
            "share",
            "cta",
            "toc",
            "content",
            "entry",
        ):
            if pattern.search(name):
                named.setdefault(name, reason)
    assert named["cookie banner"] == "cookie banner"
    assert named["comment list"] == "reader comments"
    assert named["author box"] == "author box"
    assert named["cta"] == "promotion"
    assert "content" not in named
    assert "entry" not in named
