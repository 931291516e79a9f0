"""Unanswered questions grouped by what they mean, the most asked first."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

Embed = Callable[[list[str]], Any]  # texts to rows of unit vectors

ALIKE = 0.62  # cosine of a question with the middle of a group, from which it belongs to it


@dataclass(frozen=True, slots=True)
class GapGroup:
    """Questions that ask for the same. `question` is the one asked most; `times` counts all of them."""

    question: str
    times: int
    others: tuple[str, ...] = ()


def group_gaps(rows: Iterable[Sequence[Any]], embed: Embed) -> tuple[GapGroup, ...]:
    """Groups of (redacted question, times asked, …) rows, by demand. A question joins the group whose middle is
    nearest, weighed by how often each was asked, when it is near enough; else it opens one."""
    held = sorted(((str(row[0]), int(row[1])) for row in rows if str(row[0]).strip()), key=lambda r: (-r[1], r[0]))
    if not held:
        return ()
    vectors = np.asarray(embed([question for question, _ in held]), np.float32)
    middles: list[Any] = []
    members: list[list[int]] = []
    for place, vector in enumerate(vectors):
        near = [float(vector @ (middle / (np.linalg.norm(middle) or 1.0))) for middle in middles]
        best = int(np.argmax(near)) if near else -1
        if best >= 0 and near[best] >= ALIKE:
            members[best].append(place)
            middles[best] = middles[best] + held[place][1] * vector
        else:
            members.append([place])
            middles.append(held[place][1] * vector)
    groups = [
        GapGroup(held[own[0]][0], sum(held[n][1] for n in own), tuple(held[n][0] for n in own[1:])) for own in members
    ]
    return tuple(sorted(groups, key=lambda group: (-group.times, group.question)))
