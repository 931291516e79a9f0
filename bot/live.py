"""What happened after event n, as a stream: each message once, in order, and the state whenever it changes."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Awaitable, Callable, MutableMapping
from typing import Any

import structlog

from bot.model import Event, Message, StoreFault
from bot.ports import Store, Watch

log = structlog.get_logger(__name__)

HEARTBEAT = 20.0  # seconds; a client that hears nothing for twice as long connects anew
_PAGE = 500
_BEAT = b": still here\n\n"
_AGAIN_IN = b"retry: 2000\n\n"

State = Callable[[], Awaitable[dict[str, Any] | None]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]


async def follow(
    store: Store,
    conversation: str,
    after: int,
    *,
    render: Callable[[Message], dict[str, Any]],
    state: State,
    heartbeat: float = HEARTBEAT,
) -> AsyncIterator[bytes]:
    """A conversation's messages after `after`, then each new one, as server-sent events with the seq as id.

    `state` gives what the reader shows beside them; it is sent first, and whenever it differs. None ends the stream.
    """
    bell = store.watch(conversation)  # before the first look: nothing falls between the two
    try:
        yield _AGAIN_IN
        shown = ""
        while True:
            while page := await store.messages(conversation, after, _PAGE):
                after = page[-1].seq
                yield b"".join(frame("message", render(message), message.seq) for message in page)
            now = await state()
            if now is None:
                return
            text = _json(now)
            if text != shown:
                shown = text
                yield f"event: state\ndata: {text}\n\n".encode()
            while not (rung := await _ring(bell, heartbeat)):
                if rung is None:
                    return
                yield _BEAT
    finally:
        await bell.aclose()


async def follow_all(
    store: Store,
    after: int,
    *,
    render: Callable[[Event], dict[str, Any]],
    beat: Callable[[], Awaitable[None]] | None = None,
    heartbeat: float = HEARTBEAT,
) -> AsyncIterator[bytes]:
    """All that happens, with the event's id. `beat` is called at once and at each heartbeat: it renews leases."""
    bell = store.watch(None)
    loop = asyncio.get_running_loop()
    try:
        yield _AGAIN_IN
        next_beat = 0.0
        while True:
            while page := await store.events(after, _PAGE):
                after = page[-1].id
                yield b"".join(frame(event.kind, render(event), event.id) for event in page)
            if loop.time() >= next_beat:  # also when the bell never falls silent
                next_beat = loop.time() + heartbeat
                if beat is not None:
                    await beat()
                yield _BEAT
            if await _ring(bell, max(0.01, next_beat - loop.time())) is None:
                return
    finally:
        await bell.aclose()


def frame(event: str, data: dict[str, Any], id: int) -> bytes:
    """One server-sent event. JSON holds no line break, so one data line is enough."""
    return f"id: {id}\nevent: {event}\ndata: {_json(data)}\n\n".encode()


async def send_stream(frames: AsyncIterator[bytes], send: Send, receive: Receive) -> None:
    """Plain ASGI: sends the frames until they end or the reader goes away. The answer begins at once."""
    await send(
        {
            "type": "http.response.start",
            "status": 200,
            "headers": [
                (b"content-type", b"text/event-stream; charset=utf-8"),
                (b"cache-control", b"no-store"),
                (b"x-accel-buffering", b"no"),
            ],
        }
    )
    sending = asyncio.create_task(_pass_on(frames, send))
    gone = asyncio.create_task(_gone(receive))
    try:
        await asyncio.wait((sending, gone), return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in (sending, gone):
            task.cancel()
        await asyncio.gather(sending, gone, return_exceptions=True)


async def _pass_on(frames: AsyncIterator[bytes], send: Send) -> None:
    try:
        async for piece in frames:
            await send({"type": "http.response.body", "body": piece, "more_body": True})
    except StoreFault as error:
        log.error("stream.store", detail=str(error))
    except Exception:  # the third of three in the tree: the reader connects anew and resumes after the last seq
        log.exception("stream.fault")
    finally:
        with contextlib.suppress(AttributeError):
            await frames.aclose()  # type: ignore[attr-defined]
    with contextlib.suppress(OSError):
        await send({"type": "http.response.body", "body": b"", "more_body": False})


async def _gone(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


async def _ring(bell: Watch, seconds: float) -> bool | None:
    """True: something happened; False: nothing for so long; None: the store has closed."""
    try:
        async with asyncio.timeout(seconds):
            await anext(bell)
    except TimeoutError:
        return False
    except StopAsyncIteration:
        return None
    return True


def _json(data: dict[str, Any]) -> str:
    """ASCII: many readers take U+2028 and its like for the end of a line."""
    return json.dumps(data, separators=(",", ":"))
