"""The console's stream: the queue, the open conversation, who types, a heartbeat; it keeps its holder's claims."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from typing import Any

from fastapi import Request
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from bot import live
from bot.model import NotThere
from bot.routes import access, shapes
from bot.routes.access import STAFF_COOKIE, Staff
from bot.routes.console_board import Board, Line, board
from bot.routes.problems import Problem
from bot.routes.state import Here, here

BEAT = 3.0  # seconds; the console shows "not connected" when it hears nothing for somewhat more than two
LOOK = 1.0  # seconds between two looks at who is typing
_PAGE = 200
_AGAIN_IN = b"retry: 1000\n\n"


class ConsoleStream:
    """GET /v1/stream?handoff=ID&after=SEQ, as plain ASGI."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive)
        app = here(request)
        who = await access.staff("handoffs", "bookings")(request)
        conversation, after = await self._followed(request, app, who)
        mine = _Mine(app, who, access.digest(access.bearer(request) or request.cookies.get(STAFF_COOKIE, "")))
        frames = follow(app, board(request.app.state), mine, conversation, after)
        await live.send_stream(frames, send, receive)

    async def _followed(self, request: Request, app: Here, who: Staff) -> tuple[str, int]:
        """The conversation of ?handoff= and the seq to begin after. Following is a read: it is in the audit log."""
        id, after = request.query_params.get("handoff", ""), request.query_params.get("after", "0")
        if not after.isdigit() or len(after) > 15:
            raise Problem(422, "after is the seq of the last message you have: a whole number.")
        if not id:
            return "", 0
        if not who.reads_transcripts:
            raise Problem(403, "This role sees bookings, not conversations.")
        found = await app.store.handoff(id)
        if found is None:
            raise NotThere(id)
        await app.store.audit(who.holder.id, "transcript.follow", found.conversation, app.clock(), {"handoff": id})
        return found.conversation, int(after)


class _Mine:
    """The caller's session or key, looked at with every beat and not touched: an open console alone keeps nobody in."""

    def __init__(self, app: Here, who: Staff, digest: bytes) -> None:
        self.app, self.who, self.digest = app, who, digest

    async def left(self) -> tuple[float, str]:
        """(seconds that the session still has, "" or why it is over)."""
        app, now = self.app, self.app.clock()
        if self.who.user is None:
            return (0.0, "" if await app.store.key_of(self.digest, now) else "revoked")
        user = await app.store.user(id=self.who.user.id)
        if user is None or user.disabled_at is not None:
            return 0.0, "disabled"
        for one in await app.store.sessions(user.id):
            if one["digest"] == self.digest:
                idle = one["seen_at"] + timedelta(minutes=app.settings.session_idle_minutes) - now
                longest = one["created_at"] + timedelta(hours=app.settings.session_hours) - now
                seconds = min(idle, longest).total_seconds()
                return (seconds, "" if seconds > 0 else "idle" if idle < longest else "over")
        return 0.0, "elsewhere"


async def follow(app: Here, board: Board, mine: _Mine, conversation: str, after: int) -> AsyncIterator[bytes]:
    """Frames until the session ends or the server stops. Each message of the open conversation once, in order."""
    line = Line(mine.who.holder, conversation)
    shown, next_beat = False, app.clock()
    where: tuple[str, datetime | None] | None = None
    await board.join(line)
    try:
        yield _AGAIN_IN
        while app.running:
            now = app.clock()
            if now >= next_beat or next_beat - now > timedelta(seconds=2 * BEAT):
                next_beat = now + timedelta(seconds=BEAT)
                seconds, over = await mine.left()
                if over:
                    yield _frame("ended", {"why": over})
                    return
                await _renew(app, board, line, now)
                yield _frame("beat", {"now": shapes.when(now), "left": round(seconds)})
            if line.queue:
                line.queue = False
                yield b"event: board\ndata: " + (board.full if mine.who.reads_transcripts else board.desk) + b"\n\n"
            if line.talk and conversation:
                line.talk = False
                while page := await app.store.messages(conversation, after, _PAGE):
                    after = page[-1].seq
                    yield b"".join(live.frame("message", shapes.message(m), m.seq) for m in page)
            if conversation and (typing := app.typing_now(conversation, "visitor")) is not shown:
                shown = typing
                yield _frame("typing", {"typing": typing})
            if conversation and (found := app.presence(conversation)) != where:
                where = found
                yield _frame("presence", {"visitor": found[0], "since": shapes.when(found[1])})
            await line.rest(LOOK)
    finally:
        board.leave(line)


async def _renew(app: Here, board: Board, line: Line, now: datetime) -> None:
    if board.holds(line.holder.id):
        await app.store.renew(line.holder.id, now + timedelta(seconds=app.settings.lease_seconds))


def _frame(event: str, data: dict[str, Any]) -> bytes:
    return f"event: {event}\ndata: {json.dumps(data, separators=(',', ':'))}\n\n".encode()


stream_route = Route("/v1/stream", ConsoleStream(), methods=["GET"], name="stream")
