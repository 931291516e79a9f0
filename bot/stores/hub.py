"""Bells: whoever watches a conversation is woken after a commit that touched it."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable


class Bell:
    """One watcher. Rings are kept from the moment it is made, and come as one when nobody was waiting."""

    __slots__ = ("_closed", "_conversation", "_hub", "_rung", "_waiter")

    def __init__(self, hub: Hub, conversation: str | None) -> None:
        self._hub, self._conversation = hub, conversation
        self._rung = self._closed = False
        self._waiter: asyncio.Future[None] | None = None

    def __aiter__(self) -> Bell:
        return self

    async def __anext__(self) -> None:
        """Returns at the next ring; ends when the store closes. Safe to cancel, and to wait for again."""
        if not self._rung:
            if self._closed:
                raise StopAsyncIteration
            self._waiter = asyncio.get_running_loop().create_future()
            try:
                await self._waiter
            finally:
                self._waiter = None
        if not self._rung:
            raise StopAsyncIteration
        self._rung = False

    def ring(self) -> None:
        self._rung = True
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    def end(self) -> None:
        self._closed = True
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    async def aclose(self) -> None:
        self._hub.remove(self, self._conversation)


class Hub:
    """All bells of one process. Used from the event loop's thread alone."""

    def __init__(self) -> None:
        self._bells: dict[str | None, set[Bell]] = {}
        self._closed = False

    def watch(self, conversation: str | None) -> Bell:
        bell = Bell(self, conversation)
        if self._closed:
            bell.end()
        self._bells.setdefault(conversation, set()).add(bell)
        return bell

    def remove(self, bell: Bell, conversation: str | None) -> None:
        bells = self._bells.get(conversation)
        if bells is not None:
            bells.discard(bell)
            if not bells:
                del self._bells[conversation]

    def ring(self, conversations: Iterable[str]) -> None:
        for conversation in conversations:
            for bell in self._bells.get(conversation, ()):
                bell.ring()
        for bell in self._bells.get(None, ()):
            bell.ring()

    def ring_all(self) -> None:
        for bells in self._bells.values():
            for bell in bells:
                bell.ring()

    def close(self) -> None:
        self._closed = True
        for bells in list(self._bells.values()):
            for bell in list(bells):
                bell.end()

    def __len__(self) -> int:
        return sum(map(len, self._bells.values()))
