"""The figures hold their floors on the held-out questions, and the figures themselves are computed rightly."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from html.parser import HTMLParser
from pathlib import Path

import pytest
from papers import ROOT, TODAY

from retrieval.articles import read_articles
from retrieval.build import build_index
from retrieval.embed import Embedder
from retrieval.evaluate import Evaluation, auroc, evaluate, wilson
from retrieval.plots import html, table
from retrieval.questions import Question, QuestionsRefused, read_questions
from retrieval.search import Search

FLOORS = tomllib.loads((Path(__file__).parent / "floors.toml").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def search(embedder: Embedder, tmp_path_factory: pytest.TempPathFactory) -> Search:
    folder = tmp_path_factory.mktemp("index")
    build_index(read_articles(ROOT / "corpus/en/articles"), folder, embedder)
    return Search.open(folder, embedder, today=lambda: TODAY)


@pytest.fixture(scope="module")
def questions() -> tuple[Question, ...]:
    return read_questions(ROOT / "corpus/en/questions.toml")


@pytest.fixture(scope="module")
def held(search: Search, questions: tuple[Question, ...]) -> Evaluation:
    return evaluate(search, questions, floors=FLOORS)


def test_every_floor_holds_on_the_held_questions(held: Evaluation) -> None:
    assert set(FLOORS) <= {row.name for row in held.rows}
    below = [f"{row.name}: {row.value:.3f} < {row.floor}" for row in held.rows if not row.holds]
    assert not below


def test_counts_are_the_set_s_own(held: Evaluation, questions: tuple[Question, ...]) -> None:
    answerable = [q for q in questions if q.split == "held" and q.expect == "answer"]
    row = next(row for row in held.rows if row.name == "right sentence first")
    assert row.count == len(answerable) > 80
    assert row.low < row.value < row.high
    misses = [miss for miss in held.misses if miss.figure == "right sentence first"]
    assert len(misses) == row.count - row.good


@dataclass(frozen=True)
class Quote:
    article: str
    quote: str


def test_composed_replies_are_judged_and_an_invented_quote_is_caught(
    search: Search, questions: tuple[Question, ...]
) -> None:
    chosen = [q for q in questions if q.expect == "answer"][:3] + [q for q in questions if q.expect == "booking"][:1]
    replies = {q.turns: ("answer", [Quote((*q.articles, "none")[0], "Words that nobody wrote.")]) for q in chosen}
    right = chosen[0]
    holder = next(
        slug for slug, article in search.articles.items()
        if any(right.sentences[0] in paragraph for section in article.sections for paragraph in section.paragraphs)
    )  # fmt: skip
    replies[right.turns] = ("answer", [Quote(holder, right.sentences[0])])
    judged = evaluate(search, chosen, split="all", compose=lambda turns: replies[tuple(turns)])
    rows = {row.name: (row.good, row.count) for row in judged.rows}
    assert rows["reply's quotes that stand in their article"] == (1, 4)
    assert rows["reply holds a right sentence"] == (1, 3)
    assert rows["reply of the right kind: answer"] == (3, 3)
    assert rows["reply of the right kind: booking"] == (0, 1)


class Tags(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.links: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.links += [value or "" for name, value in attrs if name in ("src", "href")]


def test_the_page_has_the_table_the_plots_and_the_misses_and_fetches_nothing(held: Evaluation) -> None:
    page = html(held)
    read = Tags()
    read.feed(page)
    assert read.tags.count("svg") == 3
    assert not read.links
    assert "script" not in read.tags
    assert all(row.name in page for row in held.rows if "'" not in row.name)
    assert f"Misses ({len(held.misses)})" in page
    assert all(f"{row.value:.3f}" in table(held.rows) for row in held.rows)


def test_wilson_and_auroc_against_known_values() -> None:
    assert wilson(0, 0) == (0.0, 1.0)
    assert wilson(8, 10) == pytest.approx((0.4902, 0.9433), abs=1e-4)  # Newcombe (Stat Med 1998), method 3
    assert wilson(0, 20)[0] == 0.0
    assert wilson(20, 20)[1] == 1.0
    assert auroc([(0.9, True), (0.8, True), (0.1, False)]) == 1.0
    assert auroc([(0.9, False), (0.1, True)]) == 0.0
    assert auroc([(0.5, True), (0.5, False)]) == 0.5
    assert auroc([(0.5, True)]) == 0.5
    assert auroc([(0.1, True), (0.4, True), (0.35, False), (0.8, False)]) == 0.25


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "holds no questions"),
        ("[[question]", "not valid TOML"),
        ('[[question]]\nid = "a"\nexpect = "answer"\nsplit = "held"', "a has no text"),
        ('[[question]]\nid = "a"\ntext = "x"\nexpect = "maybe"\nsplit = "held"', "choose one of"),
        ('[[question]]\nid = "a"\ntext = "x"\nexpect = "no_answer"\nsplit = "test"', "tune or held"),
        ('[[question]]\nid = "a"\ntext = "x"\nexpect = "answer"\nsplit = "held"', "no article or no sentence"),
        ('[[question]]\nid = "a"\ntext = "x"\nexpect = "no_answer"\nsplit = "held"\n' * 2, "two questions"),
    ],
)
def test_a_question_set_that_cannot_be_used_says_which_question(tmp_path: Path, text: str, said: str) -> None:
    path = tmp_path / "questions.toml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(QuestionsRefused, match=said):
        read_questions(path)
    with pytest.raises(QuestionsRefused, match="there is no question set"):
        read_questions(tmp_path / "none.toml")
