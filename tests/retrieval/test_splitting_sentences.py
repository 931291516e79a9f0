"""Sentences stand in the text word for word and end where a reader would end them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from retrieval.sentences import split_sentences


@pytest.mark.parametrize(
    ("text", "sentences"),
    [
        ("It works. It lasts.", ("It works.", "It lasts.")),
        ("Dr. Smith (J. Carrasco, MA) wrote it. Read on.", ("Dr. Smith (J. Carrasco, MA) wrote it.", "Read on.")),
        ("About 3.5 hours, e.g. in the U.S. army. Fine.", ("About 3.5 hours, e.g. in the U.S. army.", "Fine.")),
        ("Is it a sign? No. It is not.", ("Is it a sign?", "No.", "It is not.")),
        ("See Fig. 3 and no. 4. Then rest.", ("See Fig. 3 and no. 4.", "Then rest.")),
        ("Come at 8 a.m. on Monday. Or later.", ("Come at 8 a.m. on Monday.", "Or later.")),
        ('He said, "I can\'t. Not now." Then he left.', ('He said, "I can\'t. Not now."', "Then he left.")),
        ("“It hurts. A lot.” She cried.", ("“It hurts. A lot.”", "She cried.")),
        ('"Why?" she asked. Nobody knew.', ('"Why?" she asked.', "Nobody knew.")),
        ("Well… maybe. Yes!", ("Well… maybe.", "Yes!")),
        ("One line\nAnother line", ("One line", "Another line")),
        ("¿Qué es? Es esto.", ("¿Qué es?", "Es esto.")),
        ("1. Sit down", ("1. Sit down",)),
        ("", ()),
        (" \n ", ()),
    ],
)
def test_splits(text: str, sentences: tuple[str, ...]) -> None:
    assert split_sentences(text) == sentences


@given(st.text(alphabet=st.sampled_from("ab A.?!…\"”“'() \n3,;"), max_size=300))
def test_every_sentence_stands_in_the_text_and_nothing_is_lost(text: str) -> None:
    sentences = split_sentences(text)
    place = 0
    for sentence in sentences:
        place = text.index(sentence, place) + len(sentence)
    assert "".join("".join(sentences).split()) == "".join(text.split())


def test_a_run_on_is_cut_where_it_pauses() -> None:
    text = "we walked and talked about it all day long, " * 60
    sentences = split_sentences(text)
    assert len(sentences) > 3
    assert all(len(sentence) <= 600 for sentence in sentences)
    assert all(sentence.endswith(",") for sentence in sentences)


def test_a_megabyte_without_an_end_mark_is_split() -> None:
    assert len(split_sentences("word " * 200_000)) > 1000
