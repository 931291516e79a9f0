"""Takes visitors' messages: reads the visit, has it thought about, commits the turn; one at a time a conversation."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from weakref import WeakValueDictionary

from bot.model import NotThere, Recorded, Stale, Turn, Visit
from bot.ports import Store
from bot.turn import Job, Thinker

TRIES = 8  # a turn is taken anew when the conversation moved on meanwhile; after that the store is at fault
Think = Callable[[Job], Awaitable[Turn]]


@dataclass(frozen=True, slots=True)
class Taken:
    """A turn and what the store made of it. `turn` is None when the client id had been answered before."""

    recorded: Recorded
    turn: Turn | None


class Desk:
    """Takes any number of conversations at once. `think` says where it is thought; without it, in a thread here."""

    def __init__(self, thinker: Thinker, think: Think | None = None) -> None:
        self.thinker = thinker
        self._think = think or self._think_here
        self._busy: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()

    @property
    def store(self) -> Store:
        return self.thinker.parts.store

    async def take(self, conversation: str, text: str, client_id: str | None = None, visit: Visit | None = None) -> Taken:
        """Screens, decides, answers, and commits the turn. Raises NotThere, Reused, StoreFault; never loses a text in silence.

        `visit`: as it was read a moment ago, so that it need not be read again; it may be out of date.
        """
        return await self._take(conversation, text, client_id, lambda v: self._job("message", v, text, client_id), visit)

    async def ask_for_person(self, conversation: str, contact: str, note: str) -> Taken:
        """The visitor asks for a person, with a contact and a note or without; the note is screened like any message."""
        return await self._take(conversation, note, None, lambda visit: self._job("person", visit, note, None, contact))

    async def overhear(self, conversation: str, text: str, client_id: str | None = None) -> Taken:
        """A person has it in another front end: recorded and screened as ever, and no bot speaks."""
        return await self._take(conversation, text, client_id, lambda visit: self._job("overheard", visit, text, client_id))

    async def _take(
        self, conversation: str, text: str, client_id: str | None, job: Callable[[Visit], Job], visit: Visit | None = None
    ) -> Taken:
        lock = self._busy.setdefault(conversation, asyncio.Lock())
        if lock.locked():
            visit = None  # another message of this conversation is before it, and changes what was read
        async with lock:
            if client_id and (before := await self.store.answered(conversation, client_id, text)):
                return Taken(before, None)
            for _ in range(TRIES):
                visit = visit or await self.store.visit(conversation)
                if visit is None:
                    raise NotThere(conversation)
                turn = await self._think(job(visit))
                try:
                    return Taken(await self.store.record(turn), turn)
                except Stale:
                    visit = None
            raise Stale(conversation)

    def _job(self, what: str, visit: Visit, text: str, client_id: str | None, contact: str = "") -> Job:
        return Job(what, visit, text, self.thinker.parts.clock(), client_id, contact)

    async def _think_here(self, job: Job) -> Turn:
        return await asyncio.to_thread(self.thinker.work, job)
