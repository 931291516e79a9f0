"""One message on its way to a reply: what was written, what is remembered, and who words it."""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from bot.answer.practice import Facts
from bot.answer.talk import Talk, fold
from bot.answer.wording import Wording
from bot.model import Draft, Gap, TalkMemory
from retrieval.language import language_of

_CODE = re.compile(
    r"(?m)^\s*(?:def |class \w+[:(]|import \w|from \w+ import|function\b|const |let \w+ ?=|var |#include)"
    r"|^\s*(?:public |private )|^\s*(?:SELECT .+ FROM|<\?|<!)"
    r"|[{};]\s*$|=>|</?\w+[^>]*>|\w\(\w*\)\s*[{;:]|==|!=|\+\+|&&|::|\w+\.\w+\("
)
_REMEMBERED = 8  # questions


@dataclass(frozen=True, slots=True)
class Spoken:
    """What is said to one message. `score` is the confidence that the articles answer it, 0 to 1; `person` says that
    the visitor took up the offer of a person, so that a handoff may be opened."""

    drafts: tuple[Draft, ...]
    memory: TalkMemory
    gap: Gap | None = None
    score: float = 0.0
    person: bool = False


@dataclass(frozen=True, slots=True)
class Asked:
    """A message, or one question of it. `vector` is the text's own unit vector where it is at hand."""

    text: str
    memory: TalkMemory
    language: str
    now: datetime
    talk: Talk
    facts: Facts
    wording: Wording
    vector: Any = None
    folded: str = field(init=False, repr=False)  # the text as patterns see it
    core: str = field(init=False, repr=False)  # … without the courtesies at its two ends
    spoken: str = field(init=False, repr=False)  # the language that the text is written in, "" where it does not show

    def __post_init__(self) -> None:
        folded = fold(self.text)
        for name, value in (("folded", folded), ("core", self.talk.core(folded)), ("spoken", language_of(self.text))):
            object.__setattr__(self, name, value)

    def of(self, text: str, memory: TalkMemory) -> Asked:
        """The same with another text."""
        return replace(self, text=text, memory=memory, vector=None)

    def note(self, **notes: Any) -> TalkMemory:
        """The memory after this message: the question kept, and these notes changed."""
        held = {**self.memory.notes, **notes}
        return replace(self.memory, questions=(*self.memory.questions, self.text)[-_REMEMBERED:], notes=held)


def odd(text: str, folded: str) -> str:
    """The reply block for what is no sentence at all: symbols, one letter, code. "" for any other text."""
    letters = sum(c.isalpha() for c in text)
    if not letters:
        marks = "".join(text.split())
        plain = all(c.isascii() or c in "¿¡…" for c in marks)
        return "talk_unclear" if plain else "talk_emoji"
    if len(folded.replace(" ", "")) < 2:
        return "talk_unclear"
    if len(_CODE.findall(text)) >= max(2, len(text.split()) // 12):
        return "no_answer_code"
    return ""
