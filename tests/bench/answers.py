"""Composed answers over the question set, without the filter: kinds, sentences shown, follow-ups, groundedness.

    .venv/bin/python tests/bench/answers.py [--split tune|held|all] [--misses] [--data FOLDER]

Questions that the safety filter answers (boundary, identity, booking) are left out: they never reach this room.
"""

from __future__ import annotations

import argparse
import sys
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path

from bot import words
from bot.answer import Answers, Spoken, practice_page
from bot.model import Kind, TalkMemory
from bot.writers import writer
from retrieval.articles import read_articles
from retrieval.build import build_index, why_stale
from retrieval.embed import Embedder
from retrieval.evaluate import stands_in, wilson
from retrieval.questions import Question, read_questions
from retrieval.search import Search
from retrieval.sentences import split_sentences

ROOT = Path(__file__).parent.parent.parent
NOW = datetime(2026, 11, 23, 15, tzinfo=UTC)
KINDS = {"answer": "answer", "no_answer": "no_answer", "smalltalk": "smalltalk", "practice": "practice"}


def open_search(data: Path) -> Search:
    """The shipped articles' index in `data`, made when it is missing or stale."""
    embedder = Embedder.open(data / "models")
    corpus = read_articles(ROOT / "corpus" / "en" / "articles")
    if why_stale(data / "index", corpus, embedder):
        build_index(corpus, data / "index", embedder)
    return Search.open(data / "index", embedder, today=lambda: NOW.date())


def asked(answers: Answers, turns: tuple[str, ...]) -> Spoken:
    memory, spoken = TalkMemory(), None
    for text in turns:
        spoken = answers.reply(text, memory, language="en", now=NOW)
        memory = spoken.memory
    assert spoken is not None
    return spoken


def kind_of(spoken: Spoken) -> str:
    """"practice" for what the practice states, or does not; else the kind of the first reply."""
    kinds = [draft.kind for draft in spoken.drafts]
    cited = [c for draft in spoken.drafts for c in draft.citations]
    if cited and all(c.article == "practice" for c in cited):
        return "practice"
    if spoken.memory.notes.get("practice") and Kind.ANSWER not in kinds:
        return "practice"
    return (Kind.ANSWER if Kind.ANSWER in kinds else kinds[0]).value


def measure(
    answers: Answers, search: Search, said: words.Words, questions: list[Question]
) -> tuple[dict[str, list[int]], list[str]]:
    """Figures as name -> [good, of], and the misses in words."""
    figures: dict[str, list[int]] = {}
    misses: list[str] = []
    page = [text for _, text in practice_page(said)]

    def note(name: str, good: bool, question: Question | None = None, came: str = "") -> None:
        held = figures.setdefault(name, [0, 0])
        held[0] += good
        held[1] += 1
        if not good and question is not None:
            misses.append(f"{name}: {question.id} {' / '.join(question.turns)!r} came {came[:160]!r}")

    for question in questions:
        if question.expect not in KINDS:
            continue
        spoken = asked(answers, question.turns)
        kind = kind_of(spoken)
        note(f"kind right: {question.expect}", kind == question.expect, question, f"{kind}: {spoken.drafts[0].text}")
        cited = [c for draft in spoken.drafts for c in draft.citations]
        for citation in cited:
            stands = (
                any(citation.quote in text for text in page)
                if citation.article == "practice"
                else stands_in(search.articles[citation.article], citation.quote)
            )
            shown = any(citation.quote in draft.text for draft in spoken.drafts)
            note("quotes that stand in their article and in the text", stands and shown, question, citation.quote)
        if question.expect != "answer" or kind != "answer":
            continue
        quotes = [" ".join(c.quote.split()) for c in cited]
        right = [any(" ".join(s.split()) in quote for s in question.sentences) for quote in quotes]
        came = " | ".join(quotes)
        sentences = sum(len(split_sentences(quote)) for quote in quotes)
        note("right sentence shown, of those answered", any(right), question, came)
        note("right sentence in the first quote", right[:1] == [True])
        note("right article, of those answered", bool(cited) and any(c.article in question.articles for c in cited))
        few = 2 <= sentences <= 5 and len({c.article for c in cited}) <= 2
        note("two to five sentences, from one or two articles", few)
        for tag in ("typo", "follow_up", "followup", "follow-up"):
            if tag in question.tags:
                note(f"  {tag}: right sentence shown", any(right))
                note(f"  {tag}: right sentence in the first quote", right[:1] == [True])
    return figures, misses


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--split", default="all", choices=("tune", "held", "all"))
    options.add_argument("--misses", action="store_true")
    options.add_argument("--data", type=Path, default=ROOT / "data")
    chosen = options.parse_args()
    search, said = open_search(chosen.data), words.load(ROOT / "corpus")
    answers = Answers(search, said, writer=writer("quote"))
    questions = read_questions(ROOT / "corpus" / "en" / "questions.toml")
    for split in ("tune", "held") if chosen.split == "all" else (chosen.split,):
        own = [q for q in questions if q.split == split]
        figures, misses = measure(answers, search, said, own)
        print(f"\n{split}: {len(own)} questions, {dict(Counter(q.expect for q in own))}")
        for name, (good, count) in figures.items():
            low, high = wilson(good, count)
            print(f"  {name:<52} {good:>4} of {count:<4} {good / count:6.1%}  ({low:.1%} to {high:.1%})")
        if chosen.misses:
            print("\n".join(misses), file=sys.stderr)


if __name__ == "__main__":
    main()
