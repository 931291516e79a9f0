"""The questions that articles and their sections say they answer, and how near a query comes to them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Vectors = NDArray[np.float32]
    Rows = NDArray[np.int64]

ALL_AT_ONCE = (
    5_000  # questions: up to here all are compared, and sections propose their rows; beyond, those of the finds
)
NEAR = 0.4  # cosine from which on a question that a section says it answers counts for it


@dataclass(frozen=True, slots=True, eq=False)
class Nearness:
    """A query's cosine with the nearest question of each article, and of each section; -1 where a section has none."""

    of_article: Vectors
    of_section: Vectors


class Named:
    """`asked` (m, d) unit vectors, `of_articles` how many of them each article has, in order; `under` (m,) the number of
    the section that each stands under, -1 for the whole article's; `article_of` and `section_of` (n,) where each row of
    the index stands, rows of one section side by side."""

    def __init__(self, asked: Vectors, of_articles: Rows, under: Rows, article_of: Rows, section_of: Rows) -> None:
        self._small = len(asked) <= ALL_AT_ONCE
        self._asked = np.array(asked) if self._small else asked
        self._starts: Rows = np.concatenate([[0], np.cumsum(of_articles)]).astype(np.int64)
        self._under, self._article_of, self._section_of = under, article_of, section_of
        held = np.flatnonzero(under >= 0)
        self._by_section = held[np.argsort(under[held], kind="stable")]
        self._sections, self._firsts = np.unique(under[self._by_section], return_index=True)
        self._count = 1 + int(max(under.max(initial=-1), section_of.max(initial=-1)))
        self._rows = np.argsort(section_of, kind="stable") if self._small else section_of[:0]
        places = np.searchsorted(section_of[self._rows], self._sections, side="left")
        ends = np.searchsorted(section_of[self._rows], self._sections, side="right")
        self._spans = list(zip(places.tolist(), ends.tolist(), strict=True))

    def nearness(self, query: Vectors) -> Nearness | None:
        """To every article and section; None where there are too many questions to compare them all."""
        if not self._small:
            return None
        cosines = self._asked @ query
        of_section: Vectors = np.full(self._count, -1, np.float32)
        if len(self._sections):
            of_section[self._sections] = np.maximum.reduceat(cosines[self._by_section], self._firsts)
        return Nearness(np.maximum.reduceat(cosines, self._starts[:-1]), of_section)

    def rows(self, near: Nearness | None, count: int) -> Rows:
        """The rows of the `count` sections whose own questions are nearest; none where not all were compared."""
        if near is None or not len(self._sections):
            return self._rows[:0]
        best = np.argsort(-near.of_section[self._sections], kind="stable")[:count]
        return np.concatenate([self._rows[slice(*self._spans[place])] for place in best.tolist()])

    def nearest(self, query: Vectors, near: Nearness | None, rows: Rows) -> tuple[Vectors, Vectors]:
        """For each of these rows, the cosine with the nearest that its article says it answers, and by how much that
        with the nearest of its section's is above NEAR: a section that lists nothing has no disadvantage."""
        if near is not None:
            of_article, of_section = near.of_article[self._article_of[rows]], near.of_section
        else:
            of_section = np.full(self._count, -1, np.float32)
            distinct, where = np.unique(self._article_of[rows], return_inverse=True)
            spans = [np.arange(self._starts[each], self._starts[each + 1]) for each in distinct]
            asked = np.concatenate(spans)
            some = self._asked[asked] @ query
            starts = np.concatenate([[0], np.cumsum([len(span) for span in spans])[:-1]]).astype(np.int64)
            of_article = np.maximum.reduceat(some, starts)[where]
            known = self._under[asked] >= 0
            np.maximum.at(of_section, self._under[asked][known], some[known])
        return of_article, np.maximum(of_section[self._section_of[rows]] - NEAR, 0)
