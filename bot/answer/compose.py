"""Hits to the two to five sentences shown: with what they need to stand alone, never without their hedge."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from functools import lru_cache

from bot.answer.talk import Shape, Talk, fold_known
from retrieval.model import Article, Hit, Passage

# Found on the question set's `tune` split (tests/bench/answers.py): the right sentence is shown in 82 of 91 answers,
# with 39 quoted words an answer; wider margins show it no more often and say more.
MOST = 5  # sentences in one answer
USUAL = 4  # … where the question does not ask for several things
LEAST = 2
ROOMY = ("list", "comparison", "which_therapy")  # shapes that ask for several things
MARGIN = 0.20  # a further sentence is shown when its score is within this of the first's
LISTED = 0.6  # … and this, when a list was asked for and it stands in the first one's passage
OTHER = 0.12  # … and this, when it stands in another article
FITS = 0.06  # what a sentence of the right shape gains
FITS_ALONE = 0.25  # … when the shape is all that the question says ("how long?")
OWN = 0.30  # … and one of the article that names this very question as its own

ALIKE = 0.6  # share of words in common from which two sentences say the same

Place = tuple[str, int, int]  # slug, passage position, sentence


@dataclass(frozen=True, slots=True)
class Quoted:
    """Sentences that follow one another in one paragraph, as one quote."""

    passage: Passage
    first: int
    last: int  # included

    @property
    def text(self) -> str:
        return " ".join(self.passage.sentences[self.first : self.last + 1])

    @property
    def sentences(self) -> tuple[str, ...]:
        return self.passage.sentences[self.first : self.last + 1]


def ranked(
    hits: Sequence[Hit], shape: Shape, own: Collection[str] = (), alone: bool = False
) -> list[tuple[float, Hit]]:
    """The hits with what the shape of the question adds, best first. `own` are articles that name it as theirs; `alone`
    says that the question has no word of its own beside its shape."""
    gain = FITS_ALONE if alone else FITS
    bonus = [gain * any(p.search(h.text) for p in shape.fits) + OWN * (h.passage.article in own) for h in hits]
    scored = [(hit.score + more, hit) for hit, more in zip(hits, bonus, strict=True)]
    return sorted(scored, key=lambda pair: -pair[0])


def choose(
    hits: Sequence[Hit], shape: Shape, talk: Talk, articles: dict[str, Article], needed: Sequence[Hit] = (),
    own: Collection[str] = (), alone: bool = False,
) -> tuple[Quoted, ...]:  # fmt: skip
    """The quotes in reading order, from one or two articles. `needed` are shown whatever their score."""
    scored = ranked(hits, shape, own, alone)
    if not scored:
        return ()
    top, lead = scored[0]
    chosen: dict[Place, Passage] = {}
    order: list[str] = []

    def add(hit: Hit, most: int) -> None:
        if any(alike(hit.text, passage.sentences[n]) for (_, _, n), passage in chosen.items()):
            return
        slug = hit.passage.article
        places = [(slug, hit.passage.position, n) for n in talk.company(hit.passage.sentences, hit.sentence)]
        fresh = [place for place in places if place not in chosen]
        if (slug not in order and len(order) == 2) or len(chosen) + len(fresh) > most:
            return
        if slug not in order:
            order.append(slug)
        chosen.update((place, hit.passage) for place in fresh)

    add(lead, MOST)  # the first one comes with all that it needs: five sentences at most
    for hit in needed:
        add(hit, MOST)
    for score, hit in scored[1:]:
        listed = shape.name == "list" and hit.passage.id == lead.passage.id
        if score >= top - (LISTED if listed else MARGIN if hit.passage.article == lead.passage.article else OTHER):
            add(hit, MOST if shape.name in ROOMY else USUAL)
    _fill(lead, chosen, talk)
    for _, hit in scored[1:]:
        if len(chosen) < LEAST and hit.passage.article == lead.passage.article:
            add(hit, MOST)
    return joined(chosen, order, articles)


def alike(one: str, other: str) -> bool:
    """Whether two sentences say the same in nearly the same words."""
    a, b = _words(one), _words(other)
    both = len(a & b)
    return both >= ALIKE * (len(a) + len(b) - both)


@lru_cache(maxsize=8192)
def _words(text: str) -> frozenset[str]:
    return frozenset(fold_known(text).split())


def _fill(lead: Hit, chosen: dict[Place, Passage], talk: Talk) -> None:
    """A sentence or more beside the first, where the answer would be too short."""
    passage, sentences = lead.passage, lead.passage.sentences
    for n in (*range(lead.sentence + 1, len(sentences)), *range(lead.sentence - 1, -1, -1)):
        if len(chosen) >= LEAST:
            return
        for more in talk.company(passage.sentences, n):
            chosen.setdefault((passage.article, passage.position, more), passage)


def joined(chosen: dict[Place, Passage], order: Sequence[str], articles: dict[str, Article]) -> tuple[Quoted, ...]:
    """The chosen sentences in reading order; neighbours of one paragraph become one quote."""
    quotes: list[Quoted] = []
    for slug, position, n in sorted(chosen, key=lambda place: (order.index(place[0]), *place[1:])):
        passage = chosen[slug, position, n]
        last = quotes[-1] if quotes else None
        if last and last.passage.id == passage.id and last.last + 1 == n:
            whole = Quoted(passage, last.first, n)
            if stands(articles.get(slug), whole.text):
                quotes[-1] = whole
                continue
        quotes.append(Quoted(passage, n, n))
    return tuple(quotes)


def stands(article: Article | None, quote: str) -> bool:
    """Whether the quote stands word for word in one paragraph of the article."""
    return article is not None and any(quote in p for section in article.sections for p in section.paragraphs)
