"""The question set: what is asked, what must come back, and in which split it stands."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from pathlib import Path

EXPECTED = ("answer", "no_answer", "practice", "smalltalk", "boundary", "identity", "booking")
SPLITS = ("tune", "held")


class QuestionsRefused(ValueError):
    """The question set cannot be used. The message names the question and says why, in one line."""


@dataclass(frozen=True, slots=True)
class Question:
    """One question. `turns` are the visitor's texts, oldest first; the last one is asked. `sentences` are the sentences
    that answer it, word for word as they stand in one of `articles`."""

    id: str
    turns: tuple[str, ...]
    expect: str
    articles: tuple[str, ...]
    sentences: tuple[str, ...]
    tags: tuple[str, ...]
    split: str

    @property
    def text(self) -> str:
        return self.turns[-1]


def read_questions(path: Path) -> tuple[Question, ...]:
    """The set in `[[question]]` tables. Raises QuestionsRefused when it is missing, broken or incomplete."""
    try:
        tables = tomllib.loads(path.read_text(encoding="utf-8")).get("question", [])
    except FileNotFoundError:
        raise QuestionsRefused(f"there is no question set at {path}") from None
    except (UnicodeDecodeError, tomllib.TOMLDecodeError) as fault:
        raise QuestionsRefused(f"{path} is not valid TOML: {fault}") from None
    found: dict[str, Question] = {}
    for number, table in enumerate(tables, 1):
        name = str(table.get("id") or f"number {number}")
        turns = tuple(table["turns"]) if "turns" in table else (table.get("text", ""),)
        question = Question(
            id=name,
            turns=turns,
            expect=table.get("expect", ""),
            articles=tuple(table.get("articles", ())),
            sentences=tuple(table.get("sentences", ())),
            tags=tuple(table.get("tags", ())),
            split=table.get("split", ""),
        )
        if fault_in := _fault(question):
            raise QuestionsRefused(f"{path}: question {name} {fault_in}")
        if name in found:
            raise QuestionsRefused(f"{path}: two questions have the id {name}")
        found[name] = question
    if not found:
        raise QuestionsRefused(f"{path} holds no questions")
    return tuple(found.values())


def _fault(question: Question) -> str:
    if not question.turns or not all(isinstance(turn, str) and turn.strip() for turn in question.turns):
        return "has no text"
    if question.expect not in EXPECTED:
        return f"expects {question.expect!r}: choose one of {', '.join(EXPECTED)}"
    if question.split not in SPLITS:
        return f"is in split {question.split!r}: choose tune or held"
    if question.expect == "answer" and not (question.articles and question.sentences):
        return "expects an answer and names no article or no sentence"
    return ""
