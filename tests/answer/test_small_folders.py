"""A folder of three short texts that nobody prepared: what it says is found, and what it does not say is not made up."""

from __future__ import annotations

import pytest

from bot.answer import Answers
from bot.model import Kind, TalkMemory
from bot.words import Words
from bot.writers import writer
from retrieval.articles import read_articles
from retrieval.build import build_index
from retrieval.embed import Embedder
from retrieval.search import Search

from .conftest import MONDAY

TEA = """Drinking Tea Before Bed

Black tea contains caffeine, which can keep you awake for up to six hours. Herbal teas such as chamomile have no caffeine.
A warm drink can be part of a calming bedtime routine.
"""
WALK = """# Walking and mood

A 20-minute walk can lift a low mood for several hours. Walking outdoors helps more than walking on a treadmill, according
to a 2019 review.

## How often?

Three times a week is enough for most people. Start with ten minutes if you have not moved much lately.

## Is walking a treatment?

No. Walking supports treatment, and it does not replace therapy or medication.
"""
COUPLES = """<html><head><title>Couples therapy: what to expect</title></head><body><nav>Home About Contact</nav>
<h1>Couples therapy: what to expect</h1>
<p>In couples therapy, both partners meet with one therapist. The therapist does not take sides.</p>
<h2>How long does it take?</h2><p>Most couples come for 12 to 20 sessions. Sessions last 75 minutes.</p>
<h2>What if my partner refuses to come?</h2>
<p>You can begin alone. One person who changes often changes the way the two of you argue.</p>
<footer>Call us today!</footer></body></html>
"""

SAID = (
    ("how long does tea keep you awake", "six hours"),
    ("does chamomile have caffeine", "no caffeine"),
    ("how often should i walk", "Three times a week"),
    ("is walking outside better", "outdoors"),
    ("does walking replace therapy", "does not replace"),
    ("how many sessions for couples", "12 to 20 sessions"),
    ("does the therapist take sides", "does not take sides"),
    ("what did the review say about walking outdoors", "2019 review"),
)
NOT_SAID = (
    "is green tea healthy",
    "how do i get a divorce",
    "what is cbt",
    "does running help depression",
    "who is the president of france",
    "what is the best pill for sleeping",
)


@pytest.fixture(scope="module")
def answers(embedder: Embedder, said: Words, tmp_path_factory: pytest.TempPathFactory) -> Answers:
    folder = tmp_path_factory.mktemp("articles")
    for name, text in (("tea.txt", TEA), ("walk.md", WALK), ("couples.html", COUPLES)):
        (folder / name).write_text(text, encoding="utf-8")
    index = tmp_path_factory.mktemp("index")
    build_index(read_articles(folder), index, embedder)
    return Answers(Search.open(index, embedder, today=MONDAY.date), said, writer=writer("quote"))


@pytest.mark.parametrize(("question", "held"), SAID)
def test_what_it_says_is_quoted(question: str, held: str, answers: Answers) -> None:
    draft = answers.reply(question, TalkMemory(), language="en", now=MONDAY).drafts[0]
    assert draft.kind is Kind.ANSWER
    assert held in " ".join(c.quote for c in draft.citations)


@pytest.mark.parametrize("question", NOT_SAID)
def test_what_it_does_not_say_is_not_answered(question: str, answers: Answers) -> None:
    spoken = answers.reply(question, TalkMemory(), language="en", now=MONDAY)
    assert spoken.drafts[0].kind is Kind.NO_ANSWER
    assert spoken.gap is not None
