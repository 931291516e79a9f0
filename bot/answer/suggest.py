"""What to ask next: questions that the corpus can answer, and that were not just answered."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from bot.answer.talk import Talk, fold, fold_known
from bot.ports import Search
from retrieval.model import Article

MOST = 3
_TRIED = 8  # candidates looked at in one turn


class Suggestions:
    """Keeps what each suggested question leads to, so that a question is looked up once in an index's life."""

    def __init__(self, search: Search) -> None:
        self._search = search
        self._leads: dict[tuple[str, str], tuple[bool, str, str]] = {}

    def leads_to(self, question: str) -> tuple[bool, str, str]:
        """(answerable, article, first sentence) that the question finds."""
        return self._leads_to(self._search.version, question)

    def _leads_to(self, version: str, question: str) -> tuple[bool, str, str]:
        key = (version, question)
        if (known := self._leads.get(key)) is not None:
            return known
        if len(self._leads) > 4096:
            self._leads.clear()
        found = self._search.find(question, limit=1)
        hit = found.hits[0] if found.hits else None
        leads = (found.answerable, hit.passage.article if hit else "", hit.text if hit else "")
        self._leads[key] = leads
        return leads

    def after(
        self, talk: Talk, slugs: Sequence[str], shown: Iterable[str], asked: Sequence[str], most: int = MOST
    ) -> tuple[str, ...]:
        """Up to `most` next questions from these articles, nearest first, that lead to something not shown yet."""
        articles, version, seen = self._search.articles, self._search.version, set(shown)
        said = {fold(question) for question in asked}
        own = {frozenset(talk.content(question)) for question in said}
        chosen: list[str] = []
        leads: set[str] = set()
        for question in self._candidates(talk, [articles[s] for s in slugs if s in articles])[:_TRIED]:
            if talk.known_content(question) in own or fold_known(question) in said:
                continue
            answerable, slug, lead = self._leads_to(version, question)
            if not answerable or lead in seen or lead in leads or slug not in slugs:
                continue
            leads.add(lead)
            chosen.append(question)
            if len(chosen) == most:
                break
        return tuple(chosen)

    @staticmethod
    def _candidates(talk: Talk, articles: Sequence[Article]) -> list[str]:
        """Two of the first article's questions for each of the second's; headings where there are no questions."""
        own = [list(a.questions or (s.heading for s in a.sections if len(s.heading.split()) > 1)) for a in articles]
        mixed: list[str] = []
        while any(own):
            for place, questions in enumerate(own):
                for _ in range(2 if place == 0 else 1):
                    if questions:
                        mixed.append(questions.pop(0))
        return mixed

    def starters(self, talk: Talk, most: int = MOST) -> tuple[str, ...]:
        """What to offer where nothing was asked: the language's own starters, as far as this corpus answers them."""
        offers = talk.table.get("offers", {})
        if offers.get("practice"):  # a language that the articles are not in: questions that the practice answers
            return tuple(str(q) for q in offers["practice"][:most])
        wanted = [str(q) for q in offers.get("starters", ())]
        wanted += [a.questions[0] for a in self._search.articles.values() if a.questions][: _TRIED - 1]
        found = (q for q in dict.fromkeys(wanted) if self.leads_to(q)[0])
        return tuple(q for q, _ in zip(found, range(most), strict=False))
