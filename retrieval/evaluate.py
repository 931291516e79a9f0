"""How well the search does on the question set: each figure with its count and its interval, and every miss by name."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from retrieval.confidence import threshold
from retrieval.model import Article, Progress, silent
from retrieval.questions import Question
from retrieval.search import Found, Search

SHOWN = 3
STANDS, REPLY_STANDS = "quotes that stand in their article", "reply's quotes that stand in their article"
ALWAYS = {STANDS: 1.0, REPLY_STANDS: 1.0}  # a floor that no caller can lower
_SPACE = re.compile(r"\s+")


class Quoted(Protocol):
    """A citation, as far as the evaluation looks: the article's slug and the quote."""

    @property
    def article(self) -> str: ...

    @property
    def quote(self) -> str: ...


Composed = tuple[str, Sequence[Quoted]]
Compose = Callable[[Sequence[str]], Composed]


@dataclass(frozen=True, slots=True)
class Row:
    """One figure: `good` of `count`, `value` between 0 and 1 with its 95% interval (Wilson; Hanley and McNeil for
    AUROC)."""

    name: str
    good: int
    count: int
    value: float
    low: float
    high: float
    floor: float | None = None

    @property
    def holds(self) -> bool:
        return self.floor is None or self.value >= self.floor


@dataclass(frozen=True, slots=True)
class Miss:
    """One question that went wrong: in which figure, what was asked, what came first and what would have been right."""

    figure: str
    question: str
    asked: str
    came: str
    right: str
    confidence: float


@dataclass(frozen=True, slots=True)
class Evaluation:
    """All figures of a run. `scored` pairs each retrieval question's confidence with whether the corpus answers it."""

    split: str
    version: str
    rows: tuple[Row, ...]
    misses: tuple[Miss, ...]
    scored: tuple[tuple[float, bool], ...]
    threshold: float

    @property
    def holds(self) -> bool:
        return all(row.holds for row in self.rows)


def evaluate(
    search: Search,
    questions: Sequence[Question],
    *,
    split: str = "held",
    floors: Mapping[str, float] | None = None,
    compose: Compose | None = None,
    progress: Progress = silent,
) -> Evaluation:
    """Runs the split's questions ("all" for both). With `compose`, which gets a question's turns and gives the
    reply's kind and citations, the composed answers are judged too. `floors` maps a figure's name to the least it may
    be."""
    chosen = [question for question in questions if split in ("all", question.split)]
    tally = _Tally({**(floors or {}), **ALWAYS})
    scored: list[tuple[float, bool]] = []
    for place, question in enumerate(chosen):
        if question.expect in ("answer", "no_answer"):
            found = search.find(question.text, context=question.turns[:-1])
            scored.append((found.confidence, question.expect == "answer"))
            _judge_search(tally, question, found, search.all_articles)
            if len(question.turns) > 1 and question.expect == "answer":
                _judge_follow_up(tally, question, found, search.find(question.text))
        if compose is not None:
            _judge_reply(tally, question, compose(question.turns), search.all_articles)
        progress("evaluating", place + 1, len(chosen))
    rows = tally.rows()
    if scored:
        rows.append(_auroc_row(scored, tally.floors))
    return Evaluation(split, search.version, tuple(rows), tuple(tally.misses), tuple(scored), threshold())


class _Tally:
    def __init__(self, floors: Mapping[str, float]) -> None:
        self.floors, self.misses = floors, list[Miss]()
        self._counts: dict[str, list[int]] = {}

    def note(self, figure: str, good: bool, miss: Miss | None = None) -> None:
        count = self._counts.setdefault(figure, [0, 0])
        count[0] += good
        count[1] += 1
        if miss is not None and not good:
            self.misses.append(miss)

    def rows(self) -> list[Row]:
        made = []
        for name, (good, count) in self._counts.items():
            low, high = wilson(good, count)
            made.append(Row(name, good, count, good / count, low, high, self.floors.get(name)))
        return made


def _judge_search(tally: _Tally, question: Question, found: Found, articles: Mapping[str, Article]) -> None:
    shown = found.hits[:SHOWN]
    first = shown[0].text if shown else ""
    for hit in found.hits:
        grounded = stands_in(articles[hit.passage.article], hit.text)
        tally.note(STANDS, grounded, _miss("grounded", question, found, hit.text))
    answered = found.confidence >= threshold()
    if question.expect == "no_answer":
        tally.note("unanswerable: not answered", not answered, _miss("not answered", question, found, first))
        near = "near_miss" in question.tags
        tally.note("  near misses: not answered" if near else "  off the subject: not answered", not answered)
        return
    tally.note("answerable: answered", answered, _miss("answered", question, found, first))
    right = [_same(hit.text, question.sentences) for hit in shown]
    tally.note("right sentence first", right[:1] == [True], _miss("right sentence first", question, found, first))
    tally.note(f"right sentence in the first {SHOWN}", any(right), _miss("in the first three", question, found, first))
    by_article = bool(shown) and shown[0].passage.article in question.articles
    tally.note("right article first", by_article, _miss("right article", question, found, first))
    for tag in question.tags:
        if tag in ("typo", "typos", "follow-up", "followup"):
            tally.note(f"  {tag}: right sentence in the first {SHOWN}", any(right))


def _judge_follow_up(tally: _Tally, question: Question, found: Found, bare: Found) -> None:
    """A question with turns before it, against the same one asked without them."""
    for name, one in (("in its talk", found), ("by itself", bare)):
        first = one.hits[:1]
        tally.note(f"  asked {name}: right sentence first", bool(first) and _same(first[0].text, question.sentences))


def _judge_reply(tally: _Tally, question: Question, reply: Composed, articles: Mapping[str, Article]) -> None:
    kind, citations = reply
    asked = " / ".join(question.turns)
    came = "; ".join(citation.quote for citation in citations)
    right = "; ".join(question.sentences)
    same_kind = kind == question.expect
    tally.note(
        f"reply of the right kind: {question.expect}", same_kind,
        Miss("kind of reply", question.id, asked, kind, question.expect, 0.0),
    )  # fmt: skip
    for citation in citations:
        article = articles.get(citation.article)
        grounded = article is not None and stands_in(article, citation.quote)
        miss = Miss("reply's quote grounded", question.id, asked, citation.quote, citation.article, 0.0)
        tally.note(REPLY_STANDS, grounded, miss)
    if question.expect == "answer":
        held = any(_plain(sentence) in _plain(came) for sentence in question.sentences)
        miss = Miss("reply holds the sentence", question.id, asked, came, right, 0.0)
        tally.note("reply holds a right sentence", held, miss)


def _miss(figure: str, question: Question, found: Found, came: str) -> Miss:
    asked = " / ".join(question.turns)
    return Miss(figure, question.id, asked, came, "; ".join(question.sentences), found.confidence)


def stands_in(article: Article, quote: str) -> bool:
    """Whether the quote stands word for word in one paragraph of the article, or in its neighbours read on."""
    paragraphs = [paragraph for section in article.sections for paragraph in section.paragraphs]
    return any(quote in paragraph for paragraph in paragraphs) or quote in " ".join(paragraphs)


def _same(text: str, sentences: Sequence[str]) -> bool:
    plain = _plain(text)
    return any(plain == _plain(sentence) or (len(plain) > 25 and plain in _plain(sentence)) for sentence in sentences)


def _plain(text: str) -> str:
    return _SPACE.sub(" ", text).strip().casefold()


def wilson(good: int, count: int) -> tuple[float, float]:
    """The 95% interval of a share, by Wilson's score (JASA 1927): (low, high). (0, 1) for nothing counted."""
    if count == 0:
        return 0.0, 1.0
    z = 1.959964
    share = good / count
    middle = (share + z * z / (2 * count)) / (1 + z * z / count)
    reach = z / (1 + z * z / count) * math.sqrt(share * (1 - share) / count + z * z / (4 * count * count))
    return max(0.0, middle - reach), min(1.0, middle + reach)


def auroc(scored: Sequence[tuple[float, bool]]) -> float:
    """How likely an answerable question scores above an unanswerable one (a tie counts half). 0.5 when one kind is
    missing."""
    yes = [score for score, answerable in scored if answerable]
    no = [score for score, answerable in scored if not answerable]
    if not yes or not no:
        return 0.5
    wins = sum((above > below) + 0.5 * (above == below) for above in yes for below in no)
    return wins / (len(yes) * len(no))


def _auroc_row(scored: Sequence[tuple[float, bool]], floors: Mapping[str, float]) -> Row:
    """With the standard error of Hanley and McNeil (Radiology 1982)."""
    name, area = "AUROC answerable / unanswerable", auroc(scored)
    yes = sum(answerable for _, answerable in scored)
    no = len(scored) - yes
    q1, q2 = area / (2 - area), 2 * area * area / (1 + area)
    variance = (area * (1 - area) + (yes - 1) * (q1 - area**2) + (no - 1) * (q2 - area**2)) / max(1, yes * no)
    reach = 1.959964 * math.sqrt(max(0.0, variance))
    return Row(name, 0, len(scored), area, max(0.0, area - reach), min(1.0, area + reach), floors.get(name))
