"""The practice's own questions: stated, or said to be not stated; never made up."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from bot.answer import Answers, practice_page
from bot.answer.talk import Talk, fold
from bot.model import Kind, TalkMemory
from bot.words import Words, load, read_practice
from bot.writers import writer
from retrieval.search import Search

from .conftest import MONDAY, ROOT, Chat

SATURDAY_NIGHT = datetime(2026, 11, 29, 3, tzinfo=UTC)  # 22:00 on the 28th

STATED = (
    ("are you open on Saturday?", "On Saturday and Sunday we are closed."),
    ("what are your hours", "From Monday to Wednesday we are open from 9:00 AM to 6:00 PM."),
    ("how late are you open thursday", "On Thursday we are open from 9:00 AM to 8:00 PM."),
    ("are you open on christmas day?", "On December 25, 2026 (Christmas Day) we are closed."),
    ("can i come in on dec 24", "On December 24, 2026 (Christmas Eve) we are open from 9:00 AM to 12:00 PM."),
    ("how much is a session?", "$140 for a 50-minute session"),
    ("hi there, what do you charge pls", "$140 for a 50-minute session"),
    ("how long is a session", "50-minute session"),
    ("is the first call free?", "The first 15-minute consultation is free."),
    ("what if i have to cancel", "charged at half the fee"),
    ("do you take insurance", "We accept Example Health and Sample Mutual."),
    ("where are you located", "12 Demo Street, Suite 3, Springfield"),
    ("is there parking?", "Parking is behind the building."),
    ("is it wheelchair accessible", "there is a lift"),
    ("can we meet over zoom instead", "Sessions can be held by video or in the office."),
    ("whats your phone number", "+1 555-0142"),
    ("can i email you", "hello@larkfield.example"),
    ("do you speak spanish", "We speak English and Spanish."),
    ("do you see teenagers", "We see young people from 16."),
    ("who will i talk to", "the practice's own clinicians"),
    ("are these chats confidential?", "stored encrypted"),
    ("can my parents see what i write", "stored encrypted"),
    ("will my boss find out that i wrote to you", "stored encrypted"),
    ("will you tell my mom", "confidential within the limits of the law"),
    ("how soon can i get an appointment", "same week"),
)


@pytest.mark.parametrize(("question", "stated"), STATED)
def test_what_is_stated_is_quoted_as_it_stands_on_the_page(question: str, stated: str, chat: Chat, said: Words) -> None:
    draft = chat(question)[0].drafts[0]
    assert draft.kind is Kind.ANSWER
    page = dict(practice_page(said))
    for citation in draft.citations:
        assert citation.article == "practice"
        assert citation.title == said.practice.name
        assert citation.url == "/practice"
        assert citation.quote in page[citation.heading]
        assert citation.quote in draft.text
    assert stated in " ".join(c.quote for c in draft.citations)


@pytest.mark.parametrize(
    "question",
    [
        "do you have a sliding scale?",
        "can i pay with a credit card",
        "do you offer couples therapy?",
        "can i choose a female therapist",
    ],
)
def test_what_is_not_stated_is_said_to_be_not_stated(question: str, chat: Chat) -> None:
    spoken = chat(question)[0]
    assert spoken.drafts[0].kind is Kind.NO_ANSWER
    assert not spoken.drafts[0].citations
    assert {"person", "call"} <= {a.type for a in spoken.drafts[0].actions}
    assert spoken.gap is not None


@pytest.mark.parametrize(("question", "part"), [("do you take aetna?", "aetna"), ("do you speak korean?", "korean")])
def test_a_part_that_is_not_mentioned_is_neither_promised_nor_refused(question: str, part: str, chat: Chat) -> None:
    draft = chat(question)[0].drafts[0]
    assert draft.kind is Kind.ANSWER
    assert part in draft.text
    assert "person" in [a.type for a in draft.actions]
    assert all(part not in c.quote.lower() for c in draft.citations)


def test_open_now_depends_on_now(chat: Chat) -> None:
    now = chat("are you open right now?", now=MONDAY)[0].drafts[0].text
    then = chat("are you open right now?", now=SATURDAY_NIGHT)[0].drafts[0].text
    assert "open right now" in now
    assert "closed right now" in then
    assert "Monday" in then


def test_today_and_tomorrow_follow_the_calendar(chat: Chat) -> None:
    thanksgiving = datetime(2026, 11, 26, 15, tzinfo=UTC)
    assert "Thanksgiving" in chat("are you open today?", now=thanksgiving)[0].drafts[0].text
    assert "On Friday we are open" in chat("and tomorrow?", now=thanksgiving)[0].drafts[0].text


@pytest.mark.parametrize(
    "question",
    [
        "how long does therapy take",
        "is online therapy as good as face to face?",
        "do mental health apps keep my data safe",
        "why is it so hard to get therapy",
        "can a therapist prescribe medication?",
        "how long are waiting lists for therapy?",
        "what happens in a first session",
    ],
)
def test_questions_for_the_articles_are_left_to_them(question: str, chat: Chat) -> None:
    spoken = chat(question)[0]
    assert all(c.article != "practice" for d in spoken.drafts for c in d.citations)


def test_no_question_of_an_article_is_taken_for_the_practices(search: Search, said: Words) -> None:
    talk = Talk(said.language("en"), said.practice)
    taken = [q for a in search.articles.values() for q in a.questions if talk.topic(talk.core(fold(q)))]
    assert taken == []


def test_a_practice_that_states_little_promises_nothing(tmp_path: Path, search: Search) -> None:
    path = tmp_path / "practice.toml"
    path.write_text('name = "Bare"\ntelephone = "+1 555-0199"\ncountry = "US"\ntime_zone = "America/Denver"\n')
    bare = load(ROOT / "corpus", path)
    assert read_practice(path).name == "Bare"
    answers = Answers(search, bare, writer=writer("quote"))
    for question, _ in STATED:
        spoken = answers.reply(question, TalkMemory(), language="en", now=MONDAY)
        cited = [c for draft in spoken.drafts for c in draft.citations]
        assert all(c.article != "practice" or "555-0199" in c.quote or "English" in c.quote for c in cited), question
    assert [text for _, text in practice_page(bare) if "140" in text] == []


def test_a_fact_of_the_practices_own_is_found_by_its_wording(tmp_path: Path, search: Search) -> None:
    path = tmp_path / "practice.toml"
    shipped = (ROOT / "corpus" / "practice.toml").read_text(encoding="utf-8")
    fact = '[[facts]]\nask = ["do you have a therapy dog"]\nsay = "Biscuit is here on Tuesdays."\n'
    path.write_text(f"{shipped}\n{fact}")
    answers = Answers(search, load(ROOT / "corpus", path), writer=writer("quote"))
    draft = answers.reply("is there a therapy dog?", TalkMemory(), language="en", now=MONDAY).drafts[0]
    assert draft.citations[0].quote == "Biscuit is here on Tuesdays."
