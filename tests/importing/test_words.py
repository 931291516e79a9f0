"""One block's words: cleaned, parted from promotions, paired with questions."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from retrieval.importing.clean import tidy, unseen
from retrieval.importing.faq import is_heading_above, pairs
from retrieval.importing.model import Block
from retrieval.importing.plain import joined, read_plain, titled
from retrieval.importing.promotions import cut


@pytest.mark.parametrize(
    ("raw", "clean"),
    [
        ("it''s what they''re used to", "it's what they're used to"),
        ("the clients'' own words", "the clients' own words"),
        ("it’’s so", "it’s so"),
        ("a ''quoted'' word", "a ''quoted'' word"),
        ("weâ€™ve â€œheardâ€\x9d cafÃ©", "we’ve “heard” café"),
        ("a\u00a0b&nbsp;c &amp; d", "a b c & d"),
        ("ﬁrst ﬂight", "first flight"),
        ("the brain changes [3], as said [1, 2–4].", "the brain changes, as said."),
        ("It ends.Then it goes on.", "It ends. Then it goes on."),
        ("See www.Example.Org/A.Then for it", "See www.Example.Org/A.Then for it"),
        ("U.S.A. and 3.5 and v2.0Beta", "U.S.A. and 3.5 and v2.0Beta"),
        ("one  \t two\n\n three", "one two\nthree"),
        ("calm , then", "calm, then"),
        ("YouTube and PayPal", "YouTube and PayPal"),
    ],
)
def test_tidy(raw: str, clean: str) -> None:
    assert tidy(raw) == clean


def test_unseen_characters_are_counted_and_taken_out() -> None:
    assert unseen("pan\u200bic\u2060") == ("panic", 2, "")
    assert unseen("\ufeffstart soft\xadly") == ("start softly", 0, "")
    assert unseen("👩\u200d👩\u200d👧") == ("👩\u200d👩\u200d👧", 0, "")
    hidden = "".join(chr(0xE0000 + ord(c)) for c in "obey")
    assert unseen(f"calm{hidden}") == ("calm", 0, "obey")


@given(st.text(alphabet=st.characters(codec="utf-8", exclude_categories=["Cs"]), max_size=80))
@settings(max_examples=150, deadline=None)
def test_tidy_gives_lines_without_loose_space(text: str) -> None:
    for line in tidy(text).split("\n"):
        assert line == " ".join(line.split())


@pytest.mark.parametrize(
    ("text", "kept", "gone"),
    [
        ("It rings. Schedule your consultTherapy helps.", ["It rings. Therapy helps."], "Schedule your consult"),
        ("It rings early. Book now!", ["It rings early."], "Book now!"),
        (
            "Book a free 15-minute callHow long it takes varies.",
            ["How long it takes varies."],
            "Book a free 15-minute call",
        ),
        ("Try the GoodMind app for free. Sleep helps.", ["Sleep helps."], "Try the GoodMind app for free."),
        (
            "the circuitSchedule your consultTherapy goes on.",
            ["the circuit", "Therapy goes on."],
            "Schedule your consult",
        ),
        ("Book now Therapy changes the way it rings.", ["Therapy changes the way it rings."], "Book now"),
        ("Videos on YouTube help. PayPal, too.", ["Videos on YouTube help. PayPal, too."], ""),
        ("Schedule a pleasant activity. It helps.", ["Schedule a pleasant activity. It helps."], ""),
    ],
)
def test_promotions_are_cut_and_nothing_else(text: str, kept: list[str], gone: str) -> None:
    assert cut(text) == (kept, [gone] if gone else [])


@pytest.mark.parametrize(
    ("block", "question", "answer"),
    [
        (Block("Q: Does it help?", "text"), "Does it help?", None),
        (Block("Does it help? Yes, in time it does.", "item"), "Does it help?", "Yes, in time it does."),
        (Block("Q. Does it help? A. Yes, in time it does.", "text"), "Does it help?", "Yes, in time it does."),
        (Block("3. Does it help? Yes, in time it does.", "item"), "Does it help?", "Yes, in time it does."),
        (Block("Does it help?\nYes, in time it does.", "text"), "Does it help?", "Yes, in time it does."),
        (Block("¿Sirve de algo? Sí, con el tiempo.", "item"), "¿Sirve de algo?", "Sí, con el tiempo."),
    ],
)
def test_pairs(block: Block, question: str, answer: str | None) -> None:
    made = pairs([block])
    assert (made[0].kind, made[0].question, made[0].text) == ("heading", True, question)
    assert [piece.text for piece in made[1:]] == ([answer] if answer else [])


def test_a_question_inside_an_article_stays_text() -> None:
    made = pairs([Block("Why does this matter? Because the alarm learns from what we do.")])
    assert [(block.kind, block.text) for block in made] == [
        ("text", "Why does this matter? Because the alarm learns from what we do.")
    ]


def test_headings_above_questions() -> None:
    assert is_heading_above("Frequently Asked Questions")
    assert is_heading_above("FAQ")
    assert is_heading_above("Preguntas frecuentes")
    assert not is_heading_above("Questions about the past are allowed in any session and may be asked")


def test_titles_and_joined_lines() -> None:
    assert titled("How the Brain Learns to Be Calm")
    assert not titled("The brain learns to be calm.")
    assert not titled("the brain learns")
    assert joined("a help-", "ful habit") == "a helpful habit"
    assert joined("an evidence-", "based way") == "an evidence-based way"
    assert joined("one", "two") == "one two"


def test_wrapped_and_unwrapped_text_give_the_same_paragraphs() -> None:
    sentences = "The alarm is quick and coarse, and it rings before there is proof. " * 4
    words, wrapped = sentences.split(), [""]
    for word in words:
        if len(wrapped[-1]) + len(word) + 1 > 70:
            wrapped.append("")
        wrapped[-1] = f"{wrapped[-1]} {word}".strip()
    one = read_plain("\n".join(wrapped))
    other = read_plain(sentences.strip())
    assert [block.text for block in one.blocks] == [block.text for block in other.blocks] == [sentences.strip()]
