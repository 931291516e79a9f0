"""A question read in its conversation: what the visitor means, without dragging the old topic into a new question."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from bot.answer.talk import Talk, fold, fold_known
from bot.model import TalkMemory
from bot.ports import Search
from retrieval.confidence import threshold
from retrieval.model import Hit, Passage
from retrieval.search import Found

REACH = 48  # hits of each reading that are weighed together
SHARE = 0.7  # of the question with its topic put in, against the bare one
HERE = 0.08  # what a sentence gains that stands in the article of the last answer
HOME = 0.3  # … and more, when the follow-up has no word of its own
NAMED = 0.3  # nearness to a listed question (Signs.same) from which it counts as the same one
SURER = 0.04  # by how much a question that the articles list is surer alone, before its topic gives way
LEANS = 3  # content words, up to which a question that points back is a follow-up


@dataclass(frozen=True, slots=True)
class Reading:
    """A question as it was understood. `query` is what was looked for; `about` the topic it stands in, as the next
    follow-up will need it; `missing` words of a follow-up that nothing found speaks of."""

    query: str
    hits: tuple[Hit, ...]
    confidence: float
    about: str
    follows: bool = False
    missing: str = ""
    also: tuple[Hit, ...] = ()  # shown beside the first
    named: bool = False  # it is nearly a question that the articles list as theirs

    @property
    def answerable(self) -> bool:
        return self.confidence >= threshold() and not self.missing and bool(self.hits)


def leans(talk: Talk, core: str) -> bool:
    """Whether the question cannot be understood alone: no topic of its own, or few words and one that points back."""
    content = talk.content(core)
    if not content:
        return True
    back = bool(talk.points_back.search(core)) and not talk.fills_a_place.search(core)
    if len(content) <= LEANS and back:
        return True
    return len(content) <= LEANS - 1 and bool(talk.leans.search(core))


def subject(talk: Talk, core: str) -> str:
    """What a question that stands alone is about."""
    return " ".join(talk.content(core)[:8])


def read(search: Search, talk: Talk, core: str, text: str, memory: TalkMemory, vector: Any = None) -> Reading:
    """The question alone, or, when it leans on the turns before, with its topic put in, weighed with the bare one."""
    topic = str(memory.notes.get("about", ""))
    found = search.find(text, vector=vector, limit=REACH if topic else 16)
    named = found.signs is not None and found.signs.same >= NAMED
    bare = Reading(found.query, found.hits, found.confidence, subject(talk, core) or topic, named=named)
    if not topic or not leans(talk, core):
        return bare
    own = talk.content(talk.points_back.sub(" ", core))
    if own and set(own) <= set(topic.split()):
        return bare  # it names the old topic itself
    if own and len(own) <= 2 and not talk.points_back.search(core):
        other = search.find(" ".join(own), limit=REACH)
        if other.answerable and set(own) & _named(talk, other.hits[0].passage):
            return _of_the_other(search, talk, " ".join(own), topic, memory, other)
    full = _own_question(search, talk, own, memory.article) or put_in(talk, core, topic)
    drawn = search.find(text, limit=REACH, context=(str(memory.notes.get("query", "")) or topic,))
    mixed = None if drawn.follow_up else search.find(full, limit=REACH)
    told = (mixed or drawn).confidence
    surer = told < threshold() or (named and bare.confidence >= told + SURER)
    if bare.answerable and surer and not talk.points_at.search(core):
        return replace(bare, about=topic, follows=True)  # of therapy at large: what it leans on says nothing of it
    mixed = mixed or search.find(full, limit=REACH)
    hits = drawn.hits if drawn.follow_up else _weighed(bare.hits, mixed.hits, memory.article)
    if not own:
        hits = _at_home(hits, memory.article)
    sure = [told, 0.9 * bare.confidence]
    if mixed.hits and mixed.hits[0].passage.article == memory.article:
        sure.append(mixed.confidence)
    missing = "" if mixed.answerable and full.endswith("?") else _missing(own, topic, hits, bare)
    confidence = min(max(sure), 0.5 * threshold()) if missing else max(sure)
    also = tuple(hit for hit in mixed.hits[:1] if mixed.answerable and hit.text not in memory.quoted)
    return Reading(full, hits, confidence, topic, True, missing, also)


def put_in(talk: Talk, core: str, topic: str) -> str:
    """The follow-up with the topic in the place of the word that points back, or after it."""
    return talk.points_back.sub(topic, core, count=1) if talk.points_back.search(core) else f"{core} {topic}"


def _named(talk: Talk, passage: Passage) -> set[str]:
    """What a passage is about, by its article's title and its heading."""
    return set(talk.content(fold_known(f"{passage.title} {passage.heading}")))


def _of_the_other(search: Search, talk: Talk, named: str, topic: str, memory: TalkMemory, other: Found) -> Reading:
    """A follow-up that brings in a topic of its own ("and DBT?"): the last question asked of that one, where it finds
    something of it; else that one alone."""
    last = talk.core(fold(str(memory.notes.get("query", ""))))
    if topic and topic in last and last != topic:
        query = last.replace(topic, named)
        found = search.find(query, limit=REACH)
        lead = found.hits[0] if found.hits else None
        said = _named(talk, lead.passage) | set(fold_known(lead.text).split()) if lead else set()
        if found.answerable and set(named.split()) & said:
            return Reading(query, found.hits, found.confidence, named)
    return Reading(named, other.hits, other.confidence, named)


def _own_question(search: Search, talk: Talk, own: Sequence[str], slug: str) -> str:
    """The question that the article of the last answer names as its own and that has all the follow-up's words."""
    article = search.articles.get(slug)
    stems = {_stem(word) for word in own}
    if article is None or not stems:
        return ""
    for question in article.questions:
        if stems <= {_stem(word) for word in talk.content(fold_known(question))}:
            return question if question.endswith("?") else f"{question}?"
    return ""


def _stem(word: str) -> str:
    return word[:5]


def _missing(own: Sequence[str], topic: str, hits: Sequence[Hit], bare: Reading) -> str:
    """Words that a follow-up brought in and that nothing near the top speaks of; "" when all is covered, or nearly."""
    if not own or bare.confidence >= 0.6 * threshold() or not hits:
        return ""
    texts = (f"{hit.passage.title} {hit.passage.heading} {hit.passage.text}" for hit in hits[:3])
    said = [word for text in texts for word in fold_known(text).split()]
    stems = {_stem(word) for word in said}
    unsaid = [word for word in own if _stem(word) not in stems and word not in topic.split()]
    return " ".join(unsaid) if len(unsaid) == len(own) else ""


def _at_home(hits: Sequence[Hit], here: str) -> tuple[Hit, ...]:
    """A follow-up without a word of its own stays with the article that it follows, unless another fits far better."""
    raised = (replace(hit, score=hit.score + HOME * (hit.passage.article == here)) for hit in hits)
    return tuple(sorted(raised, key=lambda hit: -hit.score))


def _weighed(bare: Sequence[Hit], mixed: Sequence[Hit], here: str) -> tuple[Hit, ...]:
    """Both readings' hits by their weighed scores; one that a reading did not find counts as its last."""
    alone = {(hit.passage.id, hit.sentence): hit for hit in bare}
    full = {(hit.passage.id, hit.sentence): hit for hit in mixed}
    low_alone = min((hit.score for hit in bare), default=0.0)
    low_full = min((hit.score for hit in mixed), default=0.0)
    found: list[Hit] = []
    for key in {**full, **alone}:
        hit = full.get(key) or alone[key]
        score = SHARE * (full[key].score if key in full else low_full)
        score += (1 - SHARE) * (alone[key].score if key in alone else low_alone)
        found.append(replace(hit, score=score + HERE * (hit.passage.article == here)))
    return tuple(sorted(found, key=lambda hit: -hit.score))
