"""The board: the queue and who is there, worked out once for all consoles, and the bells that wake their streams."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import Awaitable, Callable
from typing import Any

from bot.model import Handoff, HandoffState, Holder
from bot.routes import shapes
from bot.routes.state import Here

MOST = 200  # handoffs of each state shown
REST = 0.03  # seconds between two looks, so that a flood of messages costs a steady share and no more
LOOK_AGAIN = 5.0  # seconds; what no event tells: people on and off duty, drift of any kind
_PAGE = 500
_TOUCHES = ("handoff.", "booking.", "safety.", "conversation.erased", "conversation.ended")


class Line:
    """One console that listens: who it is, which conversation is open in it, and what is new for it."""

    __slots__ = ("board", "conversation", "holder", "queue", "talk", "woken")

    def __init__(self, holder: Holder, conversation: str = "") -> None:
        self.holder, self.conversation = holder, conversation
        self.queue = self.talk = True
        self.woken = asyncio.Event()

    def wake(self, *, queue: bool = False, talk: bool = False) -> None:
        self.queue, self.talk = self.queue or queue, self.talk or talk
        self.woken.set()

    async def rest(self, seconds: float) -> None:
        """Until there is something new, or so many seconds."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self.woken.wait()
        self.woken.clear()


class Board:
    """Follows the feed of events while any console listens. `full` and `desk` are the two views, as JSON bytes."""

    def __init__(self, app: Here) -> None:
        self.app = app
        self.lines: set[Line] = set()
        self.waiting: tuple[Handoff, ...] = ()
        self.claimed: tuple[Handoff, ...] = ()
        self.people: list[dict[str, Any]] = []
        self.full = self.desk = b"{}"
        self._task: asyncio.Task[None] | None = None
        self._again = asyncio.Event()
        self._last = 0
        self._spoke: dict[str, int] = {}  # conversation somebody has: the seq of the visitor's last message seen here

    async def join(self, line: Line) -> None:
        self.lines.add(line)
        if self._task is None or self._task.done():
            self._last = await newest(self.app.store.events)
            await self.refresh()
            self._task = asyncio.create_task(self._follow(), name="board")
        else:
            self.changed()

    def leave(self, line: Line) -> None:
        self.lines.discard(line)
        if not self.lines and self._task is not None:
            self._task.cancel()
            self._task = None
        self.changed()

    def changed(self) -> None:
        """Something that no event tells has changed here: who is on duty, who is connected."""
        self._again.set()

    def holds(self, holder: str) -> bool:
        return any(h.holder == holder for h in self.claimed)

    async def _follow(self) -> None:
        bell = self.app.store.watch(None)
        ring = asyncio.ensure_future(anext(bell))
        again = asyncio.ensure_future(self._again.wait())
        try:
            while True:
                done, _ = await asyncio.wait((ring, again), timeout=LOOK_AGAIN, return_when=asyncio.FIRST_COMPLETED)
                if ring in done:
                    if ring.exception() is not None:  # the store has closed
                        return
                    ring = asyncio.ensure_future(anext(bell))
                touched = await self._heard()
                if again in done:
                    self._again.clear()
                    again = asyncio.ensure_future(self._again.wait())
                if touched or again in done or not done:
                    await self.refresh()
                await asyncio.sleep(REST)
        finally:
            ring.cancel()
            again.cancel()
            await asyncio.gather(ring, again, return_exceptions=True)
            await bell.aclose()

    async def _heard(self) -> bool:
        """Wakes the streams whose conversation moved; True when the queue may have changed."""
        touched = False
        while page := await self.app.store.events(self._last, _PAGE):
            self._last = page[-1].id
            moved = {event.conversation for event in page}
            touched = touched or any(event.kind.startswith(_TOUCHES) for event in page)
            for event in page:
                if event.kind == "message.created" and event.data.get("author") == "visitor":
                    touched = self._said(event.conversation, event.seq) or touched
            for line in self.lines:
                if line.conversation in moved:
                    line.wake(talk=True)
            if len(page) < _PAGE:
                break
        return touched

    def _said(self, conversation: str, seq: int) -> bool:
        """A visitor wrote where a person is, or about a request: its ticket says so. Elsewhere the queue does not change by it."""
        if conversation not in {h.conversation for h in (*self.claimed, *self.waiting) if h.holder or h.booking}:
            return False
        self._spoke[conversation] = max(seq, self._spoke.get(conversation, 0))
        return True

    async def refresh(self) -> None:
        """Reads the queue and the people anew, and wakes everyone when anything is different."""
        store = self.app.store
        self.waiting = await store.queue(HandoffState.WAITING, MOST)
        self.claimed = await store.queue(HandoffState.CLAIMED, MOST)
        here_now = {line.holder.id for line in self.lines}
        self.people = [
            {"id": id, "name": u.name, "role": u.role, "on_duty": u.on_duty, "here": id in here_now}
            for id, u in [(f"user:{u.id}", u) for u in await store.users()]
            if u.disabled_at is None and u.role != "auditor" and u.password_hash
        ]
        held = {h.conversation for h in (*self.claimed, *self.waiting)}
        self._spoke = {talk: seq for talk, seq in self._spoke.items() if talk in held}
        full, desk = self._view(brief), self._view(desk_brief)
        if (full, desk) == (self.full, self.desk):
            return
        self.full, self.desk = full, desk
        for line in self.lines:
            line.wake(queue=True)

    def _view(self, shape: Callable[[Handoff, int], dict[str, Any] | None]) -> bytes:
        rows = {
            "waiting": [row for h in self.waiting if (row := shape(h, self._spoke.get(h.conversation, 0)))],
            "claimed": [row for h in self.claimed if (row := shape(h, self._spoke.get(h.conversation, 0)))],
            "people": self.people,
        }
        return json.dumps(rows, separators=(",", ":"), ensure_ascii=False).encode()


def board(state: Any) -> Board:
    """The application's one board, made at first need. `state` is the app's."""
    if not hasattr(state, "board"):
        state.board = Board(state.here)
    found = state.board
    assert isinstance(found, Board)
    return found


def brief(h: Handoff, spoke: int = 0) -> dict[str, Any]:
    """A row of the queue: why a person is needed, and since when; no word of the visitor's."""
    heaviest = max(reversed(h.card.marked), key=lambda mark: mark.urgency).why if h.card.marked else ""
    if h.conversation.startswith("drill_"):
        heaviest = "A drill: no one is in danger."
    return {
        "id": h.id,
        "conversation": h.conversation,
        "reason": h.reason.value,
        "urgency": h.urgency,
        "state": h.state.value,
        "opened_at": shapes.when(h.opened_at),
        "due_at": shapes.when(h.due_at),
        "acknowledged_at": shapes.when(h.acknowledged_at),
        "version": h.version,
        "holder": {"id": h.holder, "name": h.holder_name} if h.holder else None,
        "booking": h.booking,
        "offer": offer_of(h),
        "why": heaviest,
        "spoke": spoke,
        "language": h.language,
        "country": h.country,
    }


def offer_of(h: Handoff) -> str:
    """offered | chosen | "": whether other times were offered, and the visitor has taken one."""
    notes = h.card.booking.notes if h.card.booking else {}
    return "chosen" if notes.get("chosen") else "offered" if notes.get("offered") else ""


def desk_brief(h: Handoff, spoke: int = 0) -> dict[str, Any] | None:
    """The front desk's row: consultation requests alone; with a risk flag only that a clinician has it now."""
    if not h.booking:
        return None
    if h.urgency >= 2:
        return brief(h) | {"reason": "booking", "urgency": 0, "why": "", "due_at": None, "paused": True}
    return brief(h, spoke) | {"reason": "booking", "why": ""}


async def newest(events: Callable[[int, int], Awaitable[Any]]) -> int:
    """The id of the last event there is, found by halving: some forty looks at one row each."""
    low, high = 0, 1
    while await events(high, 1):
        low, high = high, high * 2
    while low < high:
        middle = (low + high) // 2
        if await events(middle, 1):
            low = middle + 1
        else:
            high = middle
    return low
