"""What is found, in what order, what is left out, and what happens to a running search."""

from __future__ import annotations

import random
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from pathlib import Path

import pytest
from papers import ARTICLES, TODAY, prepared

from retrieval import snapshot
from retrieval.articles import read_articles
from retrieval.build import build_index
from retrieval.embed import Embedder
from retrieval.followup import leans_on
from retrieval.search import Search
from retrieval.snapshot import Said

Opened = Callable[..., Search]
PEAK = "A panic attack is a sudden rush of fear that peaks within ten minutes."
CODE = "def f(x):\n    return x ** 2"
ODD = ["", " ", "?", "x", "🙂", "🙂" * 900, "panic " * 666, "a" * 4000, CODE, "\x00\ud800", "¿qué es la ansiedad?"]
LEANING = ["why?", "and for kids?", "how long does it take?", "is that proven?", "what about teens", "tell me more"]
ALONE = ["what is the amygdala's role in anxiety?", "how long does exposure therapy usually take", ""]


@pytest.mark.parametrize(
    ("query", "slug", "sentence"),
    [
        (
            "how long does a panic attack last",
            "panic",
            "A panic attack is a sudden rush of fear that peaks within ten minutes.",
        ),
        ("panik atack how long", "panic", "A panic attack is a sudden rush of fear that peaks within ten minutes."),
        ("does a phone in bed keep me up", "sleep", "Screens in bed keep the brain awake."),
        ("does grief keep to a timetable", "grief", "There is no timetable for grief."),
    ],
)
def test_the_sentence_that_answers_comes_first(
    folder: Path, search_of: Opened, query: str, slug: str, sentence: str
) -> None:
    found = search_of(folder).find(query)
    assert (found.hits[0].passage.article, found.hits[0].text) == (slug, sentence)
    assert [hit.score for hit in found.hits] == sorted((hit.score for hit in found.hits), reverse=True)
    assert all(0 <= hit.confidence <= 1 for hit in found.hits)


@pytest.mark.parametrize("query", ["who won the cup in 1998", "install a printer driver", "SELECT * FROM users; --"])
def test_what_the_articles_do_not_cover_is_not_answerable(folder: Path, search_of: Opened, query: str) -> None:
    found = search_of(folder).find(query)
    assert not found.answerable
    assert found.confidence < 0.5


@pytest.mark.parametrize(
    "query",
    [
        "",
        " ",
        "?",
        "x",
        "🙂",
        "🙂" * 900,
        "panic " * 666,
        "a" * 4000,
        "def f(x):\n    return x ** 2",
        "\x00\ud800",
        "¿qué es la ansiedad?",
    ],
)
def test_any_text_can_be_asked(folder: Path, search_of: Opened, query: str) -> None:
    found = search_of(folder).find(query, context=["what is a panic attack?"])
    assert 0 <= found.confidence <= 1
    assert len(found.hits) <= 8


def test_typing_errors_are_mended_with_the_corpus_words(folder: Path, search_of: Opened) -> None:
    search = search_of(folder)
    assert search.find("timetabel for greif").query == "timetable for grief"
    assert search.find("is baking good for my amygdala").query == "is baking good for my amygdala"


def test_ten_articles_that_say_the_same_give_one_hit(folder: Path, search_of: Opened) -> None:
    for number in range(10):
        (folder / f"copy-{number}.md").write_text(prepared(*ARTICLES["panic"]), encoding="utf-8")
    hits = search_of(folder).search("how long does a panic attack last", limit=8)
    assert len({hit.text for hit in hits}) == len(hits) == 8
    assert hits[0].text.startswith("A panic attack is a sudden rush")


def test_contradicting_articles_are_both_shown(folder: Path, search_of: Opened) -> None:
    for slug, word in (("yes", "helps"), ("no", "does not help")):
        text = f"A cold shower {word} against a panic attack, one small study of athletes reported."
        (folder / f"{slug}.md").write_text(prepared(f"Cold water {slug}", text), encoding="utf-8")
    hits = search_of(folder).search("does a cold shower help against panic attacks?", limit=3)
    assert {"yes", "no"} <= {hit.passage.article for hit in hits[:2]}


def test_an_article_of_one_sentence_answers(tmp_path: Path, search_of: Opened) -> None:
    articles = tmp_path / "articles"
    articles.mkdir()
    (articles / "only.md").write_text(prepared("Yawning", "Yawning cools the brain."), encoding="utf-8")
    search = search_of(articles)
    assert [hit.text for hit in search.search("what does yawning do to the brain?")] == ["Yawning cools the brain."]
    assert len(search.passages("only")) == 1
    assert search.passages("missing") == ()


def test_an_article_that_no_word_can_be_read_from_does_no_harm(folder: Path, search_of: Opened) -> None:
    (folder / "signs.md").write_text(prepared("Signs", "日本語 42.\n\n*!*"), encoding="utf-8")
    assert search_of(folder).search("how long does a panic attack last")[0].passage.article == "panic"


def test_an_expired_review_stops_an_article_from_answering(folder: Path, search_of: Opened) -> None:
    title, body = ARTICLES["panic"]
    text = prepared(title, body, '[review]\nreviewer = "A. Person"\nexpires = "2026-06-01"')
    (folder / "panic.md").write_text(text, encoding="utf-8")
    days = [date(2026, 6, 1)]
    build_index(read_articles(folder), folder.parent / "index", search_of(folder)._embedder)
    search = Search.open(folder.parent / "index", search_of(folder)._embedder, today=lambda: days[0])
    assert search.search("how long does a panic attack last")[0].passage.article == "panic"
    assert "panic" in search.articles
    days[0] = date(2026, 6, 2)
    assert "panic" not in {hit.passage.article for hit in search.search("how long does a panic attack last")}
    assert "panic" not in search.articles
    assert "panic" in search.all_articles


def test_when_every_review_has_expired_nothing_is_found(tmp_path: Path, search_of: Opened) -> None:
    articles = tmp_path / "articles"
    articles.mkdir()
    text = prepared("Yawning", "Yawning cools the brain.", '[review]\nexpires = "2020-01-01"')
    (articles / "only.md").write_text(text, encoding="utf-8")
    found = search_of(articles).find("what does yawning do?")
    assert (found.hits, found.confidence, found.answerable) == ((), 0.0, False)


def test_a_running_search_takes_up_the_new_index_and_drops_what_was_deleted(
    folder: Path, tmp_path: Path, embedder: Embedder, search_of: Opened
) -> None:
    search = search_of(folder)
    before = search.version
    (folder / "panic.md").unlink()
    (folder / "worry.md").write_text(prepared("Worry", "Worry is thinking in circles."), encoding="utf-8")
    build_index(read_articles(folder), tmp_path / "index", embedder)
    hits = search.search("how long does a panic attack last")
    assert "panic" not in {hit.passage.article for hit in hits}
    assert search.search("what is worry?")[0].text == "Worry is thinking in circles."
    assert search.version != before
    assert set(search.articles) == {"grief", "sleep", "worry"}


def test_an_index_of_another_model_or_a_broken_one_is_passed_over_while_running(
    folder: Path, tmp_path: Path, embedder: Embedder, models: Path, search_of: Opened
) -> None:
    search = search_of(folder)
    before = search.version
    build_index(read_articles(folder), tmp_path / "index", Embedder.open(models, precision="float32"))
    assert search.search("how long does a panic attack last")[0].passage.article == "panic"
    assert search.version == before
    (tmp_path / "index" / "current").write_text("nowhere\n")
    assert search.search("how long does a panic attack last")
    (tmp_path / "index" / "current").unlink()
    assert search.search("how long does a panic attack last")
    assert search.version == before


def test_many_threads_search_while_the_index_changes(
    folder: Path, tmp_path: Path, embedder: Embedder, search_of: Opened
) -> None:
    search = search_of(folder)
    stop = threading.Event()

    def ask() -> int:
        asked = 0
        while not stop.is_set():
            assert search.search("how long does a panic attack last")[0].passage.article == "panic"
            asked += 1
        return asked

    with ThreadPoolExecutor(4) as pool:
        asking = [pool.submit(ask) for _ in range(4)]
        for number in range(4):
            (folder / "worry.md").write_text(prepared("Worry", f"Worry has {number} sides."), encoding="utf-8")
            build_index(read_articles(folder), tmp_path / "index", embedder)
        stop.set()
        assert all(each.result() > 0 for each in asking)


def test_the_same_question_gets_the_same_answer(folder: Path, search_of: Opened) -> None:
    search = search_of(folder)
    asked = "does sleep help memory?"
    first = search.find(asked)
    assert all(search.find(asked) == first for _ in range(3))


def test_a_given_vector_takes_the_place_of_the_questions_own(
    folder: Path, embedder: Embedder, search_of: Opened
) -> None:
    search = search_of(folder)
    asked = "does sleep help memory?"
    assert search.search(asked, vector=embedder.encode_query(asked)) == search.search(asked)


def test_a_follow_up_keeps_to_what_was_asked_about(folder: Path, search_of: Opened) -> None:
    search = search_of(folder)
    found = search.find("how long does it last?", context=["what is a panic attack?"])
    assert found.follow_up
    assert found.hits[0].passage.article == "panic"
    alone = search.find("do screens in bed keep the brain awake?", context=["what is a panic attack?"])
    assert not alone.follow_up
    assert alone.hits[0].passage.article == "sleep"


@pytest.mark.parametrize("query", LEANING)
def test_leans_on_the_question_before(query: str) -> None:
    assert leans_on(query)


@pytest.mark.parametrize("query", ALONE)
def test_stands_alone(query: str) -> None:
    assert not leans_on(query)


def test_sentences_that_say_the_same_share_a_telling_word() -> None:
    chance = random.Random(3)
    held = [f"word{n}" for n in range(60)]
    counts = {word: chance.randrange(1, 50) for word in held}
    texts = [" ".join(chance.sample(held, chance.randrange(0, 30))) for _ in range(40)]
    for text in list(texts):
        words = text.split()
        for changed in range(4):  # some so near that they say the same, some just not
            texts.append(" ".join([*words[changed:], *chance.sample(held, chance.randrange(3))]))
    said = [Said.of(text, counts) for text in texts]
    alike = [(one, other) for one in said for other in said if one.like(other)]
    assert len(alike) > len(said)
    assert all(set(one.telling) & set(other.telling) for one, other in alike)


def test_a_corpus_too_large_for_memory_is_searched_alike(
    folder: Path, search_of: Opened, embedder: Embedder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    small = search_of(folder)
    monkeypatch.setattr(snapshot, "_IN_REACH", 0)
    monkeypatch.setattr(snapshot, "_IN_MEMORY", 0)
    large = Search.open(tmp_path / "index", embedder, today=lambda: TODAY)
    for query in ["how long do panic attacks last?", "why can't i sleep", "grief", "ketamine", ""]:
        one, other = small.find(query), large.find(query)
        assert [hit.text for hit in one.hits] == [hit.text for hit in other.hits]
        assert one.confidence == pytest.approx(other.confidence, abs=1e-5)


@pytest.mark.parametrize(
    ("text", "words", "of"),
    [
        ("Does magnesium help?", ["does", "magnesium", "help"], [0, 1, 2]),
        ("is ketamine safe", ["is", "ketamine", "safe"], [0, 1, 1, 1, 2]),
        ("", [], []),
    ],
)
def test_pieces_spell_the_words_they_belong_to(text: str, words: list[str], of: list[int], embedder: Embedder) -> None:
    spelled, places = embedder.spelled(embedder.read_query(text).pieces)
    assert (spelled, places.tolist()) == (words, of)


def test_a_word_that_no_article_knows_makes_a_question_less_answerable(folder: Path, search_of: Opened) -> None:
    search = search_of(folder)
    known, unknown = search.find("how long do panic attacks last?"), search.find("how long do ketamine attacks last?")
    assert known.signs is not None
    assert unknown.signs is not None
    assert known.signs.unknown + 0.1 < unknown.signs.unknown
    assert known.signs.gap < unknown.signs.gap
    assert known.confidence > unknown.confidence
