"""Answers from the articles: found, composed, gone on with, tried again, or honestly not there."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from bot.answer.asked import Asked, Spoken
from bot.answer.compose import MARGIN, Quoted, choose, joined
from bot.answer.followup import HERE, REACH, Reading, read
from bot.answer.redact import redact
from bot.answer.suggest import Suggestions
from bot.answer.talk import Shape, fold, fold_known
from bot.answer.wording import echo
from bot.model import Action, Gap, TalkMemory
from bot.ports import Search
from retrieval.confidence import threshold
from retrieval.lexical import stem
from retrieval.model import Article, Hit, Passage

NEAR = 0.3  # share of the threshold from which an article counts as near
_GO_ON = 3  # sentences of "tell me more"
_LOOKED = 16  # hits among which one must fit
_NEAREST = 6  # hits, one of which must speak of each side of a comparison
_EDITION = 8  # hexadecimal digits of a digest that a link carries
_KEPT = 60  # quoted sentences remembered


@dataclass(frozen=True, slots=True)
class _Known:
    """Of one version of the articles: words that name nobody, and the questions, folded, that each names as its own."""

    version: str
    words: frozenset[str]
    asked: Mapping[str, tuple[str, ...]]
    languages: tuple[str, ...] = ("en",)  # of the articles, that of most of them first

    @classmethod
    def of(cls, version: str, articles: Mapping[str, Article]) -> _Known:
        words: set[str] = set()
        asked: dict[str, tuple[str, ...]] = {}
        for slug, article in articles.items():
            own = [fold_known(question) for question in article.questions]
            for question in own:
                asked[question] = (*asked.get(question, ()), slug)
            headings = (section.heading for section in article.sections)
            words.update(fold_known(" ".join((article.title, *article.topics, *headings, *own))).split())
        spoken = Counter(article.language for article in articles.values()).most_common()
        return cls(version, frozenset(words), asked, tuple(language for language, _ in spoken) or ("en",))


class FromArticles:
    """The search, and how its finds become a reply."""

    def __init__(self, search: Search, suggest: Suggestions) -> None:
        self._search, self._suggest = search, suggest
        self._read = _Known("", frozenset(), {})

    def language(self) -> str:
        """The language that most of the articles are in."""
        return self._known().languages[0]

    def edition(self, slug: str) -> str:
        """Which text of the article is quoted: the beginning of its file's digest."""
        article = self._search.articles.get(slug)
        return article.digest[:_EDITION] if article else ""

    def _in(self, slug: str) -> str:
        article = self._search.articles.get(slug)
        return article.language if article else ""

    def answers_in(self, language: str) -> bool:
        """Whether some article is in that language."""
        return language in self._known().languages

    def gap(self, question: str, language: str, nearest: str = "", score: float = 0.0) -> Gap:
        """A question that went unanswered, redacted; the words of the articles' titles and questions name nobody."""
        return Gap(redact(question, self._known().words), language, nearest, round(score, 4))

    def _known(self) -> _Known:
        """What is read off the articles once in an index's life."""
        if self._read.version != self._search.version:
            self._read = _Known.of(self._search.version, self._search.articles)
        return self._read

    def confidence(self, asked: Asked) -> float:
        return self._search.find(asked.text, vector=asked.vector, limit=1).confidence

    def answers(self, asked: Asked) -> bool:
        return self.confidence(asked) >= threshold()

    # ── a question ──────────────────────────────────────────────────────────────────────────────────────────

    def answer(self, asked: Asked) -> Spoken:
        """The answer to a question, alone or as a follow-up; or that there is none."""
        talk = asked.talk
        reading = read(self._search, talk, asked.core, asked.text, asked.memory, asked.vector)
        if not reading.answerable:
            return self._not_there(asked, reading)
        shape, content = talk.shape(asked.core), set(talk.content(asked.core))
        hits = self._fresh(asked, reading)
        if shape.must:
            hits = self._fitting(asked, shape, hits, reading)
        if not hits or (not reading.named and self._unknown_side(asked, shape, hits)):
            return self._not_there(asked, replace(reading, confidence=min(reading.confidence, 0.5 * threshold())))
        needed = [*self._sides(asked, shape, hits), *reading.also]
        own = () if reading.follows else self._own(asked)
        alone = reading.follows and not content
        quotes = choose(hits, shape, talk, dict(self._search.articles), needed, own, alone)
        heard = asked.wording.say("answer_heard") if talk.feeling_beside(asked.text) else ""
        back = shape.back if shape.name == "topic" or not content - talk.generic else ""
        return self._said(asked, reading, quotes, shape, shape.opening, back=back, heard=heard)

    @staticmethod
    def _fresh(asked: Asked, reading: Reading) -> tuple[Hit, ...]:
        """The hits; in a follow-up without those that were quoted already, where others are as good."""
        if not reading.follows:
            return reading.hits
        fresh = tuple(hit for hit in reading.hits if hit.text not in asked.memory.quoted)
        return fresh if fresh and fresh[0].score >= reading.hits[0].score - MARGIN else reading.hits

    @staticmethod
    def _fitting(asked: Asked, shape: Shape, hits: Sequence[Hit], reading: Reading) -> tuple[Hit, ...]:
        """The hits that fit the shape and speak of the topic, with those beside the first; none when none is near."""
        words = (set(reading.about.split()) | set(asked.talk.content(asked.core))) - asked.talk.generic
        topic = {word for word in words if not any(p.search(word) for p in shape.fits)}
        fit = [h for h in hits[:_LOOKED] if any(p.search(h.text) for p in shape.fits) and _speaks_of(h, topic)]
        beside = [h for h in hits if fit and h not in fit and h.passage.id == fit[0].passage.id]
        return (*fit, *beside)

    def _own(self, asked: Asked) -> tuple[str, ...]:
        """The articles that name this very question, in these words, as one that they answer."""
        return self._known().asked.get(asked.core, ())

    def _unknown_side(self, asked: Asked, shape: Shape, hits: Sequence[Hit]) -> bool:
        """Whether a comparison names a side of which nothing near speaks: there is nothing to compare with it."""
        for side in shape.sides:
            own = {stem(word) for word in asked.talk.content(side) if word not in asked.talk.generic}
            if not own or any(own & _stems(hit) for hit in hits[:_NEAREST]):
                continue
            one = self._search.find(self._defining(asked, side), limit=1)
            if not one.answerable or not own & _stems(one.hits[0]):
                return True
        return False

    @staticmethod
    def _defining(asked: Asked, side: str) -> str:
        return str(asked.talk.table.get("offers", {}).get("define", "{topic}")).format(topic=side)

    def _sides(self, asked: Asked, shape: Shape, hits: Sequence[Hit]) -> list[Hit]:
        """For a comparison: a sentence for each side that the first find does not speak of, or that its passage gives
        to that side."""
        if len(shape.sides) != 2 or not hits:
            return []
        shown = fold_known(hits[0].text).split()
        beside = [hit for hit in hits[1:] if hit.passage.id == hits[0].passage.id]
        sides = [set(asked.talk.content(side)) - asked.talk.generic for side in shape.sides]
        found: list[Hit] = []
        for side, own, other in zip(shape.sides, sides, reversed(sides), strict=True):
            alone = (hit for hit in beside if own & (words := set(fold_known(hit.text).split())) and not other & words)
            if own and (hit := next(alone, None)):
                found.append(hit)
            elif own and not own & set(shown):
                one = self._search.find(self._defining(asked, side), limit=1)
                found += [hit for hit in one.hits[:1] if one.answerable]
        return found

    def _said(
        self, asked: Asked, reading: Reading, quotes: Sequence[Quoted], shape: Shape, opening: str, *, back: str = "",
        heard: str = "", extra: Sequence[Action] = (), wrong: int = 0,
    ) -> Spoken:  # fmt: skip
        """An answer, with the questions that may come next, and the memory after it."""
        slugs = tuple(dict.fromkeys(q.passage.article for q in quotes))
        if asked.language != self.language() and all(self._in(slug) == asked.language for slug in slugs):
            opening = "answer_own"  # the other openings say that the articles are in another language
        sentences = tuple(s for q in quotes for s in q.sentences)
        before = asked.memory.quoted if reading.follows else ()
        asks = self._suggest.after(asked.talk, slugs, (*before, *sentences), (*asked.memory.questions, asked.text))
        actions = (*asked.wording.asks(asks), *extra)
        draft = asked.wording.answer(quotes, opening, shape=shape, back=back, heard=heard, actions=actions)
        last = max((q for q in quotes if q.passage.article == slugs[0]), key=lambda q: (q.passage.position, q.last))
        memory = asked.note(
            about=reading.about, query=reading.query, asks=list(asks), offered="", wrong=wrong, practice="",
            at=[last.passage.position, last.last],
            places=[[q.passage.article, q.passage.position, q.first, q.last] for q in quotes],
        )  # fmt: skip
        memory = replace(
            memory,
            article=slugs[0],
            heading=quotes[0].passage.heading,
            quoted=(*before, *sentences)[-_KEPT:],
            articles=tuple(dict.fromkeys((*memory.articles, *slugs))),
        )
        return Spoken((draft,), memory, score=reading.confidence)

    # ── none ────────────────────────────────────────────────────────────────────────────────────────────────

    def _not_there(self, asked: Asked, reading: Reading) -> Spoken:
        near = self._near(reading)
        said = echo(asked.text)
        before = self._search.articles.get(asked.memory.article)
        if reading.follows and before is not None and said:
            said = reading.missing or said
            return self.none(asked, "no_answer_part", reading, topic=f"“{before.title}”", looked_for=said)
        if not said:
            return self.none(asked, "no_answer_words", reading)
        return self.none(asked, "no_answer_near" if near else "no_answer", reading, near=near, looked_for=said)

    def _near(self, reading: Reading) -> Article | None:
        if not reading.hits or reading.confidence < NEAR * threshold():
            return None
        return self._search.articles.get(reading.hits[0].passage.article)

    def none(
        self, asked: Asked, block: str, reading: Reading | None = None, *, near: Article | None = None, **values: Any
    ) -> Spoken:
        """No answer: said plainly, a person offered, and counted as a gap under the redacted question."""
        draft = asked.wording.no_answer(block, near=near, **values)
        question = asked.text
        if reading is not None and reading.follows and asked.memory.questions:
            question = f"{asked.memory.questions[-1]} … {asked.text}"
        slug = reading.hits[0].passage.article if reading and reading.hits else ""
        score = reading.confidence if reading else 0.0
        gap = self.gap(question, asked.language, slug, score)
        notes: dict[str, Any] = {"offered": "person", "asks": []}
        if reading is not None and not reading.follows:
            notes |= {"about": reading.about, "query": asked.text}
            memory = replace(asked.note(**notes), article="", heading="", quoted=())
        else:
            memory = asked.note(**notes)
        return Spoken((draft,), memory, gap, score)

    # ── going on ────────────────────────────────────────────────────────────────────────────────────────────

    def follow(self, asked: Asked, name: str, ask: str) -> Spoken | None:
        """A follow-up without words of its own, after an answer or after none."""
        if name == "wrong":
            return self._next_reading(asked)
        if not asked.memory.article:
            return None
        if name == "more":
            return self._more(asked)
        if name == "steps":
            return self._more(asked, "answer_how")
        if name in ("source", "again"):
            return self._shown_again(asked, name)
        return self._aspect(asked, name, ask)

    def _reading(self, asked: Asked, query: str, hits: Sequence[Hit], confidence: float) -> Reading:
        about = str(asked.memory.notes.get("about", ""))
        return Reading(query, tuple(hits), confidence, about, follows=True)

    def _more(self, asked: Asked, opening: str = "answer_more") -> Spoken:
        """The article goes on where the last answer stopped; at its end, what else was found for the question."""
        quotes = self._onward(asked.memory)
        query = str(asked.memory.notes.get("query", ""))
        if quotes:
            reading = self._reading(asked, query, (), 1.0)
            return self._said(asked, reading, quotes, Shape("more", ""), opening)
        found = self._search.find(query, limit=REACH)
        fresh = [h for h in found.hits if h.text not in asked.memory.quoted and h.score >= found.hits[0].score - MARGIN]
        if fresh and found.answerable:
            reading = self._reading(asked, query, fresh, found.confidence)
            quotes = choose(fresh, Shape("more", ""), asked.talk, dict(self._search.articles))
            return self._said(asked, reading, quotes, Shape("more", ""), "answer_more")
        slug = asked.memory.article
        asks = self._suggest.after(asked.talk, asked.memory.articles[::-1], asked.memory.quoted, asked.memory.questions)
        article = self._search.articles.get(slug)
        link = (Action("link", article.title, f"{asked.wording.base_url}/articles/{slug}"),) if article else ()
        draft = asked.wording.no_answer("no_answer_more", actions=(*link, *asked.wording.asks(asks)))
        return Spoken((draft,), asked.note(asks=list(asks), offered="person"))

    def _onward(self, memory: TalkMemory) -> tuple[Quoted, ...]:
        """The next sentences of the last article that were not shown: to the end of a section, three or so."""
        position, sentence = memory.notes.get("at") or (-1, -1)
        slug, seen = memory.article, set(memory.quoted)
        chosen: dict[tuple[str, int, int], Passage] = {}
        heading = None
        for passage in self._search.passages(slug):
            for n, text in enumerate(passage.sentences):
                if (passage.position, n) <= (position, sentence) or text in seen:
                    continue
                if len(chosen) >= _GO_ON or (len(chosen) >= 2 and passage.heading != heading):
                    break
                chosen[slug, passage.position, n] = passage
                heading = passage.heading
        return joined(chosen, [slug], dict(self._search.articles))

    def _next_reading(self, asked: Asked) -> Spoken:
        """ "That is not what I asked": the best passage not shown yet; the second time, a person."""
        wrong = int(asked.memory.notes.get("wrong", 0)) + 1
        query = str(asked.memory.notes.get("query", ""))
        found = self._search.find(query, limit=REACH)
        places = {(slug, position) for slug, position, *_ in asked.memory.notes.get("places") or ()}
        fresh = [h for h in found.hits if h.text not in asked.memory.quoted]
        fresh = [h for h in fresh if (h.passage.article, h.passage.position) not in places] or fresh
        if wrong > 1 or not fresh or not found.answerable:
            spoken = self.none(asked.of(query, asked.memory), "no_answer_wrong")
            return replace(spoken, memory=asked.note(offered="person", wrong=wrong, asks=[]))
        reading = self._reading(asked, query, fresh, found.confidence)
        shape = asked.talk.shape(asked.talk.core(fold(query)))
        quotes = choose(fresh[:4], shape, asked.talk, dict(self._search.articles))
        offers = asked.wording.offers()
        spoken = self._said(asked, reading, quotes, shape, "answer_next_reading", extra=offers, wrong=wrong)
        return replace(spoken, memory=replace(spoken.memory, notes={**spoken.memory.notes, "query": query}))

    def _shown_again(self, asked: Asked, name: str) -> Spoken | None:
        quotes = []
        for slug, position, first, last in asked.memory.notes.get("places") or ():
            passage = next((p for p in self._search.passages(slug) if p.position == position), None)
            if passage is not None and last < len(passage.sentences):
                quotes.append(Quoted(passage, first, last))
        if not quotes:
            return None
        article = self._search.articles.get(quotes[0].passage.article)
        link = (Action("link", article.title, f"{asked.wording.base_url}/articles/{article.slug}"),) if article else ()
        draft = asked.wording.answer(quotes, f"answer_{name}", shape=Shape(name, ""), actions=link)
        return Spoken((draft,), asked.memory, score=1.0)

    def _aspect(self, asked: Asked, name: str, ask: str) -> Spoken:
        """Why, is it proven, in simpler words, an example: looked up for the topic, what was shown left out."""
        about = str(asked.memory.notes.get("about", ""))
        question = str(asked.memory.notes.get("query", ""))
        query = ask.format(topic=about or question, question=question.rstrip(" ?.!"))
        found = self._search.find(query, limit=REACH)
        here = asked.memory.article
        hits = [replace(h, score=h.score + HERE * (h.passage.article == here)) for h in found.hits]
        fresh = sorted((h for h in hits if h.text not in asked.memory.quoted), key=lambda h: -h.score)
        reading = self._reading(asked, question, fresh, found.confidence)
        if not fresh or not found.answerable:
            return self._not_there(asked, replace(reading, query=query))
        fits = (asked.talk.claims, asked.talk.hedges) if name == "proven" else asked.talk.shape(name).fits
        shape = Shape(name, "", fits=fits)
        quotes = choose(fresh, shape, asked.talk, dict(self._search.articles))
        return self._said(asked, reading, quotes, shape, "answer_why" if name == "why" else f"answer_{name}")


def _stems(hit: Hit) -> set[str]:
    return {stem(word) for word in fold_known(f"{hit.passage.title} {hit.passage.heading} {hit.text}").split()}


def _speaks_of(hit: Hit, topic: set[str]) -> bool:
    """Whether the sentence, its heading or its article's title names the topic; anything does where there is none."""
    said = {word[:5] for word in _stems(hit)}
    return not topic or any(stem(word)[:5] in said for word in topic)
