"""Small talk and feelings: their own replies, and never in the way of a question."""

from __future__ import annotations

import re
import tomllib
from dataclasses import replace

import pytest

from bot.answer.needed import Sieve, needed
from bot.answer.practice import Facts
from bot.answer.talk import Talk, fold
from bot.model import Kind
from bot.words import Language, Words
from retrieval.questions import read_questions

from .conftest import MONDAY, ROOT, Chat

SMALL = (
    ("hi", "talk_greeting"),
    ("Hello there!", "talk_greeting"),
    ("good morning", "talk_greeting"),
    ("how are you?", "talk_how_are_you"),
    ("Thanks so much!", "talk_thanks"),
    ("thank you, that was really helpful", "talk_thanks"),
    ("ok bye", "talk_goodbye"),
    ("thanks, bye!", "talk_goodbye"),
    ("what can you do?", "talk_can_do"),
    ("help", "talk_can_do"),
    ("how does this chat work", "talk_can_do"),
    ("delete everything", "talk_erase"),
    ("can you delete what i wrote", "talk_erase"),
    ("How do I erase this conversation?", "talk_erase"),
    ("ok", "talk_okay"),
    ("lol", "talk_okay"),
    ("you are useless", "talk_insult"),
    ("test", "talk_test"),
    ("tell me a joke", "talk_chat"),
)

FEELINGS = (
    "I feel so anxious today",
    "im sad",
    "i'm really overwhelmed right now",
    "feeling lonely",
    "i can't sleep",
    "I had a really hard week",
    "i am so stressed out with work",
    "i've been worrying a lot lately",
)


@pytest.fixture(scope="module")
def talk(said: Words) -> Talk:
    return Talk(said.language("en"), said.practice)


@pytest.mark.parametrize(("text", "block"), SMALL)
def test_small_talk_has_its_own_reply(text: str, block: str, talk: Talk, chat: Chat, said: Words) -> None:
    assert talk.smalltalk(text) == block
    spoken = chat(text)[0]
    assert spoken.drafts[0].kind is Kind.SMALLTALK
    assert spoken.gap is None
    own = said.practice
    values = {"practice": own.name, "telephone": own.telephone, "offer": own.booking_offer}
    assert spoken.drafts[0].text in [v.format(**values) for v in said.variants(block, "en")]


@pytest.mark.parametrize("text", FEELINGS)
def test_a_feeling_is_acknowledged_with_something_to_choose(text: str, chat: Chat) -> None:
    spoken = chat(text)[0]
    assert spoken.drafts[0].kind is Kind.SMALLTALK
    assert {"exercise", "ask", "person"} <= {a.type for a in spoken.drafts[0].actions}
    assert spoken.gap is None


@pytest.mark.parametrize(
    ("text", "article"),
    [
        ("hi, what is cbt?", "cognitive-behavioral-therapy"),
        ("Good morning! could you please tell me what is DBT? thanks", "dialectical-behavior-therapy"),
        ("anxiety", "anxiety-and-the-brain"),
        ("what is depression", "depression-and-the-brain"),
        ("i'm so anxious all the time, can therapy help with anxiety?", "anxiety-and-the-brain"),
    ],
)
def test_a_question_is_answered_whatever_stands_around_it(text: str, article: str, chat: Chat) -> None:
    draft = chat(text)[0].drafts[0]
    assert draft.kind is Kind.ANSWER
    assert article in {c.article for c in draft.citations}


@pytest.mark.parametrize("text", ["am i broken", "how do i change a flat tire", "what is sadness", "is fear normal?"])
def test_a_question_is_no_feeling(text: str, talk: Talk) -> None:
    assert talk.feeling(talk.core(fold(text))) is None


def test_the_same_small_talk_is_not_answered_in_the_same_words(chat: Chat) -> None:
    texts = [s.drafts[0].text for s in chat("hi", "hi", "hi", "hi")]
    assert len(set(texts)) == 4


def test_every_block_that_the_patterns_name_is_there(said: Words) -> None:
    table = said.language("en").tables["talk"]
    named = {row["block"] for row in table["smalltalk"]}
    named |= {row["opening"] for row in table["shape"]} | {row["back"] for row in table["shape"] if row.get("back")}
    for block in named:
        assert len(said.variants(block, "en")) >= 4


def test_what_is_offered_at_the_start_is_answered(chat: Chat) -> None:
    for action in chat("hi")[0].drafts[0].actions:
        assert action.type == "ask"
        assert chat(action.value)[0].drafts[0].kind is Kind.ANSWER


@pytest.mark.parametrize(
    ("typed", "folded"),
    [
        ("What's CBT?", "whats cbt"),
        ("  ¿Qué   es—la TCC? ", "que es la tcc"),
        ("don’t_know", "dont know"),
        ("ＣＢＴ", "cbt"),
    ],
)
def test_text_is_folded_before_it_is_matched(typed: str, folded: str) -> None:
    assert fold(typed) == folded


# ── Spanish ─────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.fixture(scope="module")
def spanish(said: Words) -> Language:
    folder = ROOT / "corpus" / "es"
    table = tomllib.loads((folder / "talk.toml").read_text(encoding="utf-8"))
    return replace(said.language("en"), code="es", folder=folder, tables={"talk": table})


@pytest.mark.parametrize(
    ("text", "stated"),
    [
        ("¿cuánto cuesta una sesión?", "$140 for a 50-minute session"),
        ("¿Abren los sábados?", "El sábado y domingo cerramos."),
        ("¿está abierto ahora?", "De lunes a miércoles abrimos de 9:00 a 18:00."),
        ("hablan español", "Hablamos inglés y español."),
        ("¿dónde están?", "12 Demo Street"),
        ("¿atienden a adolescentes?", "We see young people from 16."),
    ],
)
def test_the_practice_is_asked_in_spanish(text: str, stated: str, spanish: Language, said: Words) -> None:
    talk = Talk(spanish, said.practice, said.language("en"))
    facts = Facts(said, talk, "es")
    core = talk.core(fold(text))
    topic = talk.topic(core)
    assert topic is not None
    found = facts.stated(topic, core, MONDAY)
    assert stated in " ".join(found.sentences)
    assert found.url == "/practice?lang=es"
    assert any(" ".join(found.sentences) in row for _, row in facts.page())


@pytest.mark.parametrize(
    ("text", "block"),
    [
        ("¡Hola!", "talk_greeting"),
        ("muchas gracias", "talk_thanks"),
        ("adiós", "talk_goodbye"),
        ("ayuda", "talk_can_do"),
        ("borra todo", "talk_erase"),
        ("¿cómo puedo borrar mis mensajes?", "talk_erase"),
    ],
)
def test_small_talk_in_spanish(text: str, block: str, spanish: Language, said: Words) -> None:
    assert Talk(spanish, said.practice).smalltalk(text) == block


def test_english_articles_keep_their_hedges_in_a_spanish_talk(spanish: Language, said: Words) -> None:
    talk = Talk(spanish, said.practice, said.language("en"))
    assert talk.hedges.search("One study is not proof.")
    assert talk.feeling(talk.core(fold("me siento muy ansioso hoy")))


@pytest.mark.parametrize("code", ["en", "es"])
def test_the_quick_look_never_passes_over_a_pattern_that_matches(said: Words, code: str) -> None:
    talk = Talk(said.language(code), said.practice)
    patterns = [pattern for topic in talk.topics for pattern in topic.patterns]
    sieve = Sieve(patterns)
    asked = [turn for question in read_questions(ROOT / "corpus/en/questions.toml") for turn in question.turns]
    passed = 0
    for text in map(fold, [*asked, "cuánto cuesta una sesión?", "dónde están?", "a qué hora abren", ""]):
        likely = sieve.likely(text)
        matching = [place for place, pattern in enumerate(patterns) if pattern.search(text)]
        assert set(matching) <= set(likely), text
        assert likely == sorted(likely)
        passed += bool(matching)
    assert passed > 3


@pytest.mark.parametrize(
    ("pattern", "pieces"),
    [
        (r"\bhow (much|many) is\b", {"how "}),
        (r"(fee|price)s?", {"fee", "price"}),
        (r"(?:open)+ now", {"open"}),
        (r"(open)? now", {" now"}),
        (r"\w+|hello", set()),
        (r"(?i)hello", set()),
        (r"(?=hello)", set()),
        (r"", set()),
    ],
)
def test_what_a_pattern_cannot_match_without(pattern: str, pieces: set[str]) -> None:
    assert needed(re.compile(pattern)) == pieces
