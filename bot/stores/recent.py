"""Visits in progress, as the last commit left them, so that most messages need not be looked up on disk.

Only for a plug whose process is the only one that writes: there every change passes the writer, in the order of the commits,
and what a change leaves unsaid is forgotten. From just before a commit until it is told here, what it changes is looked up on
disk: nobody who has seen the commit is given the visit before it. Used from the event loop's thread, but for `changing`.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from bot.model import Visit

MOST = 4096  # visits, and tokens; some 4 KB each


class Recent:
    """A visit is kept when a turn has left it, or when it was read and nothing changed meanwhile; any other change drops it."""

    def __init__(self, most: int = MOST) -> None:
        self._most = most
        self._visits: dict[str, Visit] = {}
        self._tokens: dict[bytes, tuple[str, datetime]] = {}  # a token's conversation and its last moment never change
        self._changed: dict[str, int] = {}  # by conversation: the change that was its last
        self._all_changed = 0
        self._under_way: list[frozenset[str] | None] = []  # what the commits change that are not told yet; None: any
        self.changes = 0
        """How many there were. A reader notes it before it reads, and says so afterwards."""

    def visit(self, id: str) -> Visit | None:
        return None if self._may_change(id) else self._visits.get(id)

    def of_token(self, digest: bytes, now: datetime) -> Visit | None:
        """None also where it must be looked up: an erased visit is never kept, and an expired token never answers."""
        id, until = self._tokens.get(digest, ("", now))
        return self.visit(id) if until > now else None

    def token(self, digest: bytes, id: str, until: datetime) -> None:
        self._tokens[digest] = id, until
        _within(self._tokens, self._most)

    def read(self, visit: Visit, changes: int) -> None:
        """It was read by somebody who had seen so many changes: of those after it, none may be this visit's."""
        id = visit.conversation.id
        if changes >= max(self._all_changed, self._changed.get(id, 0)) and not self._may_change(id):
            self._keep(id, visit)

    def changing(self, touched: frozenset[str] | None) -> None:
        """Called by the writer's thread before it commits: these will change, or (None) any may."""
        self._under_way.append(touched)

    def settled(self, touched: frozenset[str] | None) -> None:
        """All that this commit changed has been told, or it did not come to a commit."""
        if touched in self._under_way:
            self._under_way.remove(touched)

    def changed(self, touched: Iterable[str], left: Visit | None = None) -> None:
        """A unit of work was committed that changed these; `left` is what it made of one of them, where it says so."""
        self.changes += 1
        for id in touched:
            self._visits.pop(id, None)
            self._changed[id] = self.changes
        if len(self._changed) > 2 * self._most:
            self._changed.clear()
            self._all_changed = self.changes
        if left is not None:
            self._keep(left.conversation.id, left)

    def forget(self) -> None:
        """Something was committed that may have changed any of them."""
        self.changes += 1
        self._all_changed = self.changes
        self._changed.clear()
        self._visits.clear()

    def _may_change(self, id: str) -> bool:
        return any(touched is None or id in touched for touched in self._under_way)

    def _keep(self, id: str, visit: Visit) -> None:
        self._visits.pop(id, None)  # the newest stand last
        if visit.conversation.erased_at is None:
            self._visits[id] = visit
            _within(self._visits, self._most)


def _within(kept: dict[Any, Any], most: int) -> None:
    while len(kept) > most:
        del kept[next(iter(kept))]  # the oldest
