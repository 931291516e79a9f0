"""Chosen sentences and stated facts to drafts: the frame from corpus/, the numbers, the sources, what can be tapped."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from bot.answer.compose import Quoted
from bot.answer.practice import SLUG, Stated
from bot.answer.talk import Shape
from bot.model import Action, Author, Citation, Draft, Kind
from bot.ports import Plan, Writer
from bot.words import Words
from retrieval.model import Article

LEDGER = 80  # openings remembered
_ECHO = 80  # characters of the visitor's own words that are said back
_MARKUP = re.compile(r"[\[\]{}<>|*_`#\\\"“”„«»]|https?://\S+")


@dataclass(slots=True)
class Wording:
    """Words one turn's replies. `said` is the ledger, and grows with each block that is used."""

    words: Words
    writer: Writer
    language: str
    base_url: str = ""
    edition: Callable[[str], str] = lambda slug: ""  # an article's edition, as its links name it
    said: list[str] = field(default_factory=list)
    cited: int = 0  # numbers used so far in this turn

    def say(self, block: str, **values: Any) -> str:
        """The block's next variant."""
        text, key = self.words.say(block, self.language, self.said, **values)
        self.said = [*(k for k in self.said if k != key), key][-LEDGER:]
        return text

    # ── answers ─────────────────────────────────────────────────────────────────────────────────────────────

    def answer(
        self, quotes: Sequence[Quoted], opening: str, *, shape: Shape, back: str = "", heard: str = "",
        actions: Sequence[Action] = (), looked_for: str = "",
    ) -> Draft:  # fmt: skip
        """The answer. `opening` and `back` name reply blocks; `heard` stands before all, where a feeling was said."""
        first = quotes[0].passage
        citations = tuple(self._cite(q) for q in quotes)
        items = shape.name == "list" and len(citations) > 2
        lead = self.say(opening, title=first.title, heading=first.heading, topic=looked_for or first.title)
        block = "answer_quote_item" if items else "answer_quote"
        plan = Plan(
            opening=" ".join(filter(None, (heard, lead))),
            quotes=citations,
            told=tuple(self.say_plain(block, quote=c.quote, n=c.n) for c in citations),
            sources=self._sources(citations),
            closing=self.say(back) if back else "",
            items=items,
            language=self.language,
        )
        return Draft(Author.BOT, Kind.ANSWER, self._written(plan), citations, tuple(actions))

    def _cite(self, quoted: Quoted) -> Citation:
        self.cited += 1
        p = quoted.passage
        edition = self.edition(p.article)
        version = (
            f"?v={edition}" if edition else ""
        )  # so that the link still shows this text when the article has changed
        url = f"{self.base_url}/articles/{p.article}{version}#s{p.position}-{quoted.first}"
        return Citation(self.cited, p.article, p.title, p.heading, quoted.text, url)

    def _sources(self, citations: Sequence[Citation]) -> tuple[str, ...]:
        """One line a section that was quoted, with all its numbers."""
        lines: list[str] = []
        sections = dict.fromkeys((c.article, c.heading) for c in citations)
        for section in sections:
            own = [c for c in citations if (c.article, c.heading) == section]
            block = "answer_source_line" if own[0].heading else "answer_source_line_plain"
            marks = " ".join(f"[{c.n}]" for c in own)
            lines.append(self.say_plain(block, marks=marks, title=own[0].title, heading=own[0].heading, url=own[0].url))
        return tuple(lines)

    def _written(self, plan: Plan) -> str:
        text = self.writer.write(plan)
        if all(c.quote in text for c in plan.quotes):
            return text
        return "\n\n".join(filter(None, (plan.opening, *plan.told, plan.closing, *plan.sources)))

    def say_plain(self, block: str, **values: Any) -> str:
        """A block that is set, not said: it stays out of the ledger."""
        return self.words.say(block, self.language, (), **values)[0]

    # ── the practice ────────────────────────────────────────────────────────────────────────────────────────

    def practice(self, stated: Stated, looked_for: str) -> Draft:
        """What practice.toml states, word for word as it stands on /practice; or that it states nothing on it."""
        if not stated.sentences:
            text = self.say("practice_not_stated", label=stated.topic.label)
            return Draft(Author.BOT, Kind.NO_ANSWER, text, (), self.offers(call=True))
        before = [self.say(block, **values) for block, values in stated.frame] or [self.say("practice_lead")]
        name = self.words.practice.name
        quotes = self._contiguous(stated)
        citations = []
        for quote in quotes:
            self.cited += 1
            url = f"{self.base_url}{stated.url}"
            citations.append(Citation(self.cited, SLUG, name, stated.topic.heading, quote, url))
        told = " ".join(f"{c.quote} [{c.n}]" for c in citations)
        after = self.say("practice_not_stated_part", looked_for=echo(looked_for)) if stated.part else ""
        text = "\n\n".join(filter(None, (" ".join([*before, told]), after, *self._sources(citations))))
        return Draft(Author.BOT, Kind.ANSWER, text, tuple(citations), self.offers() if stated.part else ())

    def _contiguous(self, stated: Stated) -> list[str]:
        whole = " ".join(stated.sentences)
        return [whole] if any(whole in text for text in stated.page) else list(stated.sentences)

    # ── no answer ───────────────────────────────────────────────────────────────────────────────────────────

    def no_answer(
        self, block: str, *, near: Article | None = None, actions: Sequence[Action] = (), **values: Any
    ) -> Draft:
        """Says what was looked for, names the nearest article if one is near, offers a person."""
        text = self.say(block, nearest=near.title if near else "", **values)
        link = (Action("link", near.title, f"{self.base_url}/articles/{near.slug}"),) if near else ()
        return Draft(Author.BOT, Kind.NO_ANSWER, text, (), (*link, *actions, *self.offers()))

    def small(self, block: str, actions: Iterable[Action] = (), **values: Any) -> Draft:
        return Draft(Author.BOT, Kind.SMALLTALK, self.say(block, **values), (), tuple(actions))

    # ── what can be tapped ──────────────────────────────────────────────────────────────────────────────────

    def offers(self, call: bool = False) -> tuple[Action, ...]:
        """A person; with `call` the telephone too."""
        person = Action("person", self.say_plain("action_person"), "")
        if not call:
            return (person,)
        return (person, Action("call", self.say_plain("action_call"), self.words.practice.telephone))

    def asks(self, questions: Iterable[str]) -> tuple[Action, ...]:
        return tuple(Action("ask", question, question) for question in questions)


def echo(text: str) -> str:
    """The visitor's own words to be said back: one short line without mark-up, "" when there is none."""
    plain = " ".join(_MARKUP.sub(" ", text).split()).strip(" ?!.,;:…-'’")
    return plain if 0 < len(plain) <= _ECHO else ""
