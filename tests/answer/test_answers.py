"""A question to the articles: the quotes, the frame, the hedges, the follow-ups, and the honest no."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path

import pytest

from bot.answer import Answers
from bot.model import Draft, Kind, TalkMemory
from bot.words import Words
from bot.writers import writer
from retrieval.articles import read_articles
from retrieval.build import build_index
from retrieval.embed import Embedder
from retrieval.evaluate import stands_in
from retrieval.search import Search

from .conftest import MONDAY, ROOT, Chat

QUESTIONS = (
    "does therapy really change the brain?",
    "What is CBT?",
    "how long does therapy take",
    "What is the difference between CBT and DBT?",
    "which therapy is right for me",
    "what types of therapy are there",
    "why is therapy so hard",
    "how do i do a breathing exercise",
    "trauma",
    "is therapy as good as medication?",
)


def quotes(draft: Draft) -> str:
    return " ".join(c.quote for c in draft.citations)


@pytest.mark.parametrize("question", QUESTIONS)
def test_every_quote_stands_in_its_article_and_in_the_text(question: str, chat: Chat, search: Search) -> None:
    draft = chat(question)[0].drafts[0]
    assert draft.kind is Kind.ANSWER
    assert draft.citations
    for n, citation in enumerate(draft.citations, 1):
        assert citation.n == n
        assert stands_in(search.articles[citation.article], citation.quote)
        assert citation.quote in draft.text
        assert citation.title in draft.text
        assert f"[{n}]" in draft.text


@pytest.mark.parametrize("question", QUESTIONS)
def test_a_citation_links_to_the_sentence_it_quotes(question: str, chat: Chat, search: Search) -> None:
    for citation in chat(question)[0].drafts[0].citations:
        path, _, anchor = citation.url.partition("#s")
        position, _, sentence = anchor.partition("-")
        assert path == f"/articles/{citation.article}?v={search.articles[citation.article].digest[:8]}"
        passage = search.passages(citation.article)[int(position)]
        assert citation.quote.startswith(passage.sentences[int(sentence)])


@pytest.mark.parametrize("question", QUESTIONS)
def test_two_to_five_sentences_from_one_or_two_articles_in_reading_order(question: str, chat: Chat) -> None:
    citations = chat(question)[0].drafts[0].citations
    slugs = [c.article for c in citations]
    assert 1 <= len(set(slugs)) <= 2
    assert slugs == sorted(slugs, key=slugs.index)
    for slug in set(slugs):
        places = [tuple(map(int, c.url.split("#s")[1].split("-"))) for c in citations if c.article == slug]
        assert places == sorted(places)


def test_openings_are_not_said_twice_in_a_row(chat: Chat) -> None:
    spoken = chat("what is CBT?", "what is DBT?", "what is EMDR?", "what is mindfulness?")
    openings = [s.drafts[0].text.split("\n")[0] for s in spoken]
    assert len(set(openings)) == 4


def test_a_reported_figure_brings_its_caution_along(chat: Chat) -> None:
    draft = chat("Does therapy shrink the amygdala in people with PTSD by 12%?")[0].drafts[0]
    assert "12%" in quotes(draft)
    assert "caution" in quotes(draft)


def test_a_study_is_not_quoted_without_how_far_it_goes(chat: Chat) -> None:
    draft = chat("did the San Diego meditation study find brain changes after seven days?")[0].drafts[0]
    assert "seven days" in quotes(draft)
    assert "not proof" in quotes(draft)


def test_a_sentence_that_cannot_stand_alone_brings_the_one_before(chat: Chat, search: Search) -> None:
    for question in QUESTIONS:
        for citation in chat(question)[0].drafts[0].citations:
            assert not citation.quote.startswith(("It ", "They ", "This ", "These ", "However", "Next, "))


def test_both_sides_of_a_comparison_are_named(chat: Chat) -> None:
    draft = chat("what is the difference between exposure therapy and psychodynamic therapy?")[0].drafts[0]
    shown = quotes(draft).lower()
    assert "exposure" in shown
    assert "psychodynamic" in shown


def test_suggested_questions_are_answered_and_new(chat: Chat) -> None:
    first = chat("what is DBT?")[0].drafts[0]
    asks = [a.value for a in first.actions if a.type == "ask"]
    assert 1 <= len(asks) <= 3
    assert "What is DBT?" not in asks
    for ask in asks:
        assert chat(ask)[0].drafts[0].kind is Kind.ANSWER


@pytest.mark.parametrize(
    "question", ["what is the capital of peru", "how do i change a flat tire", "who won the world cup in 1998"]
)
def test_what_the_articles_do_not_cover_is_said_so(question: str, chat: Chat) -> None:
    spoken = chat(question)[0]
    assert [d.kind for d in spoken.drafts] == [Kind.NO_ANSWER]
    assert not spoken.drafts[0].citations
    assert question in spoken.drafts[0].text
    assert "person" in [a.type for a in spoken.drafts[0].actions]
    assert spoken.gap is not None
    assert spoken.score < 0.5


def test_the_nearest_article_is_named_where_one_is_near(chat: Chat) -> None:
    draft = chat("what is it called when therapy is held in a swimming pool with dolphins")[0].drafts[0]
    if draft.kind is Kind.NO_ANSWER and any(a.type == "link" for a in draft.actions):
        link = next(a for a in draft.actions if a.type == "link")
        assert link.label in draft.text
        assert link.value.startswith("/articles/")
    else:
        assert draft.kind is Kind.NO_ANSWER


def test_the_gap_holds_no_name_or_number(chat: Chat) -> None:
    gap = chat("my name is Dana Petrov, call 555-010-4477: does ayahuasca fix a broken carburettor?")[0].gap
    assert gap is not None
    assert "Dana" not in gap.question
    assert "Petrov" not in gap.question
    assert "4477" not in gap.question
    assert "carburettor" in gap.question


# ── follow-ups ──────────────────────────────────────────────────────────────────────────────────────────────


def test_how_long_does_it_take_is_about_what_was_asked_before(chat: Chat) -> None:
    draft = chat("what is CBT?", "how long does it take?")[1].drafts[0]
    assert draft.citations[0].article == "cognitive-behavioral-therapy"
    assert "8 to 16 sessions" in quotes(draft)


def test_and_the_other_one_is_about_the_other_one(chat: Chat) -> None:
    draft = chat("what is CBT?", "and DBT?")[1].drafts[0]
    assert {c.article for c in draft.citations} == {"dialectical-behavior-therapy"}


def test_a_new_question_does_not_drag_the_old_topic_along(chat: Chat) -> None:
    alone = chat("do mental health apps work?")[0].drafts[0]
    after = chat("is exposure therapy safe?", "do mental health apps work?")[1].drafts[0]
    assert [c.quote for c in after.citations] == [c.quote for c in alone.citations]


def test_kids_are_not_answered_from_an_article_that_says_nothing_of_them(chat: Chat) -> None:
    draft = chat("does therapy really change the brain?", "what about toddlers?")[1].drafts[0]
    assert draft.kind is Kind.NO_ANSWER
    assert "toddlers" in draft.text


def test_tell_me_more_goes_on_where_the_answer_stopped(chat: Chat, search: Search) -> None:
    spoken = chat("is exposure therapy safe?", *["tell me more"] * 10)
    answered = [s.drafts[0] for s in spoken if s.drafts[0].kind is Kind.ANSWER]
    assert len(answered) >= 3
    shown = [q for draft in answered for c in draft.citations for q in [c.quote]]
    assert len(shown) == len(set(shown))
    last = spoken[-1].drafts[0]
    assert last.kind is Kind.NO_ANSWER
    assert {"link", "person"} <= {a.type for a in last.actions}


def test_not_what_i_asked_tries_once_more_and_then_offers_a_person(chat: Chat) -> None:
    first, second, third = chat("what is DBT?", "that's not what i asked", "still not what i asked")
    assert second.drafts[0].kind is Kind.ANSWER
    assert not {c.quote for c in first.drafts[0].citations} & {c.quote for c in second.drafts[0].citations}
    assert "person" in [a.type for a in second.drafts[0].actions]
    assert third.drafts[0].kind is Kind.NO_ANSWER
    assert third.gap is not None
    assert "DBT" in third.gap.question


@pytest.mark.parametrize("follow", ["is that proven?", "how do they know?", "says who?"])
def test_is_that_proven_gives_evidence_or_its_limits(follow: str, chat: Chat) -> None:
    draft = chat("does therapy really change the brain?", follow)[1].drafts[0]
    assert draft.kind is Kind.ANSWER
    assert any(word in quotes(draft) for word in ("scans", "research", "stud", "sure"))


def test_the_source_is_named_when_asked(chat: Chat) -> None:
    first, second = chat("what is EMDR?", "where does that come from?")
    assert [c.quote for c in second.drafts[0].citations] == [c.quote for c in first.drafts[0].citations]
    assert "link" in [a.type for a in second.drafts[0].actions]


def test_thanks_do_not_end_the_topic(chat: Chat) -> None:
    spoken = chat("what is CBT?", "thanks!", "how long does it take?")
    assert spoken[1].drafts[0].kind is Kind.SMALLTALK
    assert spoken[2].drafts[0].citations[0].article == "cognitive-behavioral-therapy"


def test_yes_after_no_answer_takes_up_the_offer_of_a_person(chat: Chat) -> None:
    spoken = chat("what is the capital of peru", "yes please")[1]
    assert spoken.person
    assert "person" in [a.type for a in spoken.drafts[0].actions]


def test_two_questions_get_two_answers_with_numbers_that_go_on(chat: Chat) -> None:
    spoken = chat("What is EMDR, and how much is a session?")[0]
    numbers = [c.n for draft in spoken.drafts for c in draft.citations]
    assert numbers == list(range(1, len(numbers) + 1))
    articles = {c.article for draft in spoken.drafts for c in draft.citations}
    assert "practice" in articles
    assert len(articles) >= 2


def test_what_is_remembered_can_be_kept_as_json(chat: Chat) -> None:
    for spoken in chat("what is CBT?", "more", "and DBT?", "are you open today?", "i feel anxious"):
        assert json.loads(json.dumps(asdict(spoken.memory)))


def test_the_memory_does_not_grow_without_end(chat: Chat) -> None:
    spoken = chat(*["what is CBT?", "tell me more", "and DBT?", "is that proven?"] * 12)[-1]
    assert len(json.dumps(asdict(spoken.memory))) < 20_000


# ── odd input ───────────────────────────────────────────────────────────────────────────────────────────────

ODD = (
    "a",
    "?",
    "?!?!",
    "😀😀😭",
    "12345",
    "asdkjh qwlekj",
    "def f(x):\n    return x + 1\nprint(f(2))",
    "<script>alert(1)</script><b>hi</b>;",
    "{{7*7}} ${x} [link](javascript:alert(1))",
    "x" * 4000,
    "word " * 800,
    "I had a long week and my work was hard and nobody listens. " * 66,
    "¿Cómo puede ayudarme la terapia con la ansiedad que tengo?",
    "Wie kann mir die Therapie bei meiner Angst helfen, und was ist das?",
    "\u202ewhat is cbt\u202c",
    "ＷＨＡＴ ＩＳ ＣＢＴ",
    "what   is\n\n\ncbt",
    "\x00\x01 what is cbt",
    "!" * 4000,
)


@pytest.mark.parametrize("text", ODD, ids=range(len(ODD)))
def test_odd_input_gets_a_sensible_reply(text: str, chat: Chat) -> None:
    for spoken in (chat(text)[0], chat("what is CBT?", text)[1]):
        assert spoken.drafts
        for draft in spoken.drafts:
            assert draft.text.strip()
            assert len(draft.text) < 4000
            assert "{" not in draft.text
            assert "<script" not in draft.text
            assert draft.kind in {Kind.ANSWER, Kind.NO_ANSWER, Kind.SMALLTALK}
            assert (draft.kind is Kind.ANSWER) == bool(draft.citations)


def test_another_language_is_not_answered_in_english_quotes(chat: Chat, said: Words) -> None:
    spoken = chat("¿Cómo puede ayudarme la terapia con la ansiedad que tengo?")[0]
    assert spoken.drafts[0].kind is Kind.NO_ANSWER
    assert "person" in [a.type for a in spoken.drafts[0].actions]
    assert spoken.gap is not None


def test_the_question_in_a_long_message_is_found(chat: Chat) -> None:
    story = "It has been a strange month at work. We moved house and the cat does not like the new place at all. " * 4
    spoken = chat(f"{story} Anyway, how long does therapy usually take? My sister also asked me about the garden.")[0]
    assert spoken.drafts[0].kind is Kind.ANSWER
    assert spoken.drafts[0].citations[0].article == "how-long-therapy-takes"


@pytest.mark.parametrize(
    ("question", "kind"),
    [
        ("difference between cbt and dbt", Kind.ANSWER),
        ("which is better cbt or hypnosis", Kind.NO_ANSWER),
        ("whats the diff between a psychologist and a therapist", Kind.NO_ANSWER),
        ("is online as good as in person", Kind.ANSWER),  # in other words than the article's, near a question it lists
    ],
)
def test_nothing_is_compared_with_what_no_article_speaks_of(question: str, kind: Kind, chat: Chat) -> None:
    assert chat(question)[0].drafts[0].kind is kind


@pytest.mark.parametrize("question", ["what is the meaning of life", "how long is a school day", "how do i pet a cat"])
def test_the_articles_own_words_do_not_make_a_question_theirs(question: str, chat: Chat) -> None:
    assert chat(question)[0].drafts[0].kind is Kind.NO_ANSWER


def test_a_plural_is_about_the_same_thing(chat: Chat) -> None:
    draft = chat("how long are waits in the uk")[0].drafts[0]
    assert "months" in " ".join(c.quote for c in draft.citations)


def test_a_comparison_shows_what_is_said_of_each_side(chat: Chat) -> None:
    quoted = " ".join(c.quote for c in chat("difference between cbt and dbt")[0].drafts[0].citations)
    assert "CBT puts more weight" in quoted
    assert "DBT puts more weight" in quoted


def test_which_medication_is_answered_with_who_decides_or_not_at_all(chat: Chat) -> None:
    draft = chat("what meds for panic")[0].drafts[0]
    assert draft.kind is Kind.NO_ANSWER
    assert "person" in [a.type for a in draft.actions]


@pytest.mark.parametrize(
    ("turns", "article"),
    [
        (("can therapy change my brain", "really", "how fast"), "how-long-therapy-takes"),
        (("what are the four conditions", "explain the second one"), "four-conditions-for-growth"),
    ],
)
def test_a_follow_up_of_shape_alone_is_about_what_was_asked(turns: tuple[str, ...], article: str, chat: Chat) -> None:
    draft = chat(*turns)[-1].drafts[0]
    assert draft.kind is Kind.ANSWER
    assert article in {c.article for c in draft.citations}


@pytest.mark.parametrize("about", ["what is cbt?", "what is emdr?", "how does trauma affect the brain?"])
def test_a_follow_up_that_is_a_question_of_its_own_is_not_answered_with_what_was_just_said(
    about: str, chat: Chat
) -> None:
    first, second = chat(about, "does it hurt?")
    said = {citation.quote for citation in first.drafts[0].citations}
    shown = second.drafts[0].citations
    assert second.drafts[0].kind is Kind.ANSWER
    assert {citation.article for citation in shown} == {"why-therapy-can-feel-hard"}
    assert not said & {citation.quote for citation in shown}
    assert second.memory.notes["about"] == first.memory.notes["about"]  # the topic is still there for the next one


def test_what_points_at_the_last_answer_is_not_taken_for_a_question_of_its_own(chat: Chat) -> None:
    _, second = chat("why do i feel worse after sessions", "is that normal")
    assert {citation.article for citation in second.drafts[0].citations} == {"why-therapy-can-feel-hard"}


def test_how_does_it_work_is_about_the_topic_where_there_is_one(chat: Chat) -> None:
    assert chat("how does it work")[0].drafts[0].kind is Kind.SMALLTALK
    draft = chat("what is exposure therapy?", "how does it work")[-1].drafts[0]
    assert "exposure-therapy" in {c.article for c in draft.citations}


def test_an_article_answers_in_its_own_language_alone(said: Words, tmp_path: Path, embedder: Embedder) -> None:
    """A Spanish page among English ones: it answers Spanish questions, and no English one."""
    build_index(read_articles(ROOT / "tests" / "importing" / "pages"), tmp_path, embedder)
    search = Search.open(tmp_path, embedder, today=MONDAY.date)
    answers = Answers(search, said, writer=writer("quote"))
    spanish = answers.reply("¿Hay que practicar la calma todos los días?", TalkMemory(), language="es", now=MONDAY)
    draft = spanish.drafts[0]
    assert {c.article for c in draft.citations} == {"calma-tablas"}
    assert "inglés" not in draft.text
    for question in ("do i have to practice calm every day", "calma", "what is the alarm"):
        cited = {hit.passage.article for hit in search.search(question)}
        assert cited and "calma-tablas" not in cited
