"""The visitor's calls: one conversation, opened, written to, read, streamed, ended, erased."""

from __future__ import annotations

import asyncio
import secrets
import time
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Annotated, Any

import structlog
from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import HTMLResponse, JSONResponse, PlainTextResponse, Response
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from bot import handoff as steps
from bot import live
from bot.desk import Taken
from bot.model import Action, Author, Conversation, Draft, Kind, Memory, Owner, SafetyMemory
from bot.routes import access, guard, shapes, shedding
from bot.routes.plain import PlainRoute
from bot.routes.problems import Problem
from bot.routes.state import Here, here

router = APIRouter(prefix="/v1/conversations", tags=["visitor"])
log = structlog.get_logger(__name__)

Mine = Annotated[str, Depends(access.visitor)]
SEQ_MAX = 2**53


@router.post("", status_code=201, openapi_extra=shapes.takes(shapes.NewConversation, optional=True))
async def open_conversation(request: Request) -> JSONResponse:
    """Opens a conversation. Its first message says that this is an automated assistant, not a person."""
    app = here(request)
    await guard.rate(request, "open", app.settings.conversations_per_minute, guard.address(request))
    asked = await shapes.body(shapes.NewConversation)(request)
    language = (asked.language or app.words.practice.languages[0]).split("-")[0].lower()
    country = (asked.country if asked.country is not None else app.words.practice.country).upper()
    now, token = app.clock(), access.new_token(access.VISITOR_PREFIX)
    talk = Conversation("c_" + secrets.token_urlsafe(12), language, country, "widget", Owner.BOT, 0, 0, now)
    text, said = app.words.say("disclosure", language)
    first = await app.store.open(
        talk,
        access.digest(token),
        now + timedelta(days=app.settings.token_days),
        [Draft(Author.BOT, Kind.DISCLOSURE, text, actions=await _starters(app, language))],
        Memory(safety=SafetyMemory(said=(said,))),
    )
    body = {
        "id": talk.id,
        "token": token,
        "messages": [shapes.message(m) for m in first],
        "conversation": shapes.conversation(talk, None),
    }
    answer = JSONResponse(body, 201)
    answer.raw_headers.append((b"set-cookie", _cookie(token).encode()))
    return answer


async def _starters(app: Here, language: str) -> tuple[Action, ...]:
    """Questions to begin with. They are searched for, off the loop; a search that fails shuts no door: there are none then."""
    key = language, app.search.version
    if key not in app.starters:
        (found,) = await asyncio.gather(asyncio.to_thread(app.parts.answers.starters, language), return_exceptions=True)
        if isinstance(found, BaseException):
            log.error("starters", language=language, error=type(found).__name__)
            return ()
        app.starters[key] = found
    return app.starters[key]


def _cookie(token: str) -> str:
    """Partitioned: in a frame on the practice's page it is kept apart from other sites'. Gone with the browser."""
    age = "" if token else "Max-Age=0; "
    return f"{access.VISITOR_COOKIE}={token}; Path=/; {age}Secure; HttpOnly; SameSite=None; Partitioned"


async def post_message(request: Request, id: str) -> JSONResponse:
    """One message in; what the bot says to it out. Committed when this answers."""
    app = here(request)
    await access.visitor(request, id)
    message = await shapes.body(shapes.NewMessage)(request)
    await _within_rate(request, app, id, message.text)
    began = time.perf_counter()
    async with shedding.a_turn(app, message.text, id):
        taken = await app.desk.take(id, message.text, message.client_id, request.state.visit)
    if taken.turn:
        app.metrics.count(taken.turn, time.perf_counter() - began)
    return JSONResponse(_taken(taken), 201 if taken.turn else 200)


message_route = PlainRoute(
    router.prefix + "/{id}/messages",
    post_message,
    methods=["POST"],
    status_code=201,
    tags=list(router.tags),
    openapi_extra=shapes.takes(shapes.NewMessage),
)


async def _within_rate(request: Request, app: Here, id: str, text: str) -> None:
    """A flood is slowed, but words of risk never are: they are screened before they are counted out."""
    try:
        await guard.rate(request, "message", app.settings.messages_per_minute, id)
    except Problem:
        if not await shedding.at_risk(app, text, id):
            raise


def _taken(taken: Taken) -> dict[str, Any]:
    done = taken.recorded
    return {
        "message": done.message and shapes.message(done.message),
        "replies": [shapes.message(m) for m in done.replies],
        "conversation": shapes.conversation(done.conversation, done.handoff),
    }


@router.get("/{id}/messages")
async def get_messages(request: Request, id: Mine, after: Annotated[int, Query(ge=0, le=SEQ_MAX)] = 0) -> JSONResponse:
    """All messages after a seq, in order."""
    app = here(request)
    found = await _all_messages(app, id, after)
    visit = await app.store.visit(id)
    state = shapes.conversation(visit.conversation, visit.handoff) if visit else None
    return JSONResponse({"messages": found, "conversation": state})


async def _all_messages(app: Here, id: str, after: int = 0) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    while page := await app.store.messages(id, after, 1000):
        found += [shapes.message(m) for m in page]
        after = page[-1].seq
        if len(page) < 1000:
            break
    return found


@router.post("/{id}/handoff", status_code=202, openapi_extra=shapes.takes(shapes.AskPerson, optional=True))
async def ask_for_person(request: Request, id: Mine) -> JSONResponse:
    """Asks for a person, at any time, also as the first thing."""
    asked = await shapes.body(shapes.AskPerson)(request)
    taken = await here(request).desk.ask_for_person(id, (asked.contact or "").strip(), (asked.note or "").strip())
    return JSONResponse(_taken(taken), 202)


@router.delete("/{id}/handoff")
async def leave_queue(request: Request, id: Mine) -> JSONResponse:
    """Leaves the queue: the bot goes on. 409 once a person has it, and while a risk flag is open: a clinician still looks."""
    app = here(request)
    visit = await app.store.visit(id)
    if visit and visit.handoff:
        await app.store.move(steps.withdraw(visit.handoff, app.clock(), app.words))
        visit = await app.store.visit(id)
    return JSONResponse({"conversation": shapes.conversation(visit.conversation, visit.handoff) if visit else None})


@router.post("/{id}/typing", status_code=204, openapi_extra=shapes.takes(shapes.Typing, optional=True))
async def typing(request: Request, id: Mine) -> Response:
    """The visitor is typing; forgotten after some seconds, stored nowhere."""
    sign = await shapes.body(shapes.Typing)(request)
    here(request).typing_sign(id, "visitor", sign.typing)
    return Response(status_code=204)


@router.patch("/{id}", openapi_extra=shapes.takes(shapes.Choices))
async def choose(request: Request, id: Mine) -> JSONResponse:
    """The language and the country that the visitor chose in the page; the lines shown follow the country."""
    app, chosen = here(request), await shapes.body(shapes.Choices)(request)
    language = chosen.language.split("-")[0].lower() if chosen.language else None
    talk = await app.store.choose(id, language, None if chosen.country is None else chosen.country.upper())
    visit = await app.store.visit(id)
    return JSONResponse({"conversation": shapes.conversation(talk, visit.handoff if visit else None)})


@router.post("/{id}/end")
async def end(request: Request, id: Mine) -> JSONResponse:
    """The visitor is done. A handoff that is open stays open: people still look."""
    app = here(request)
    talk = await app.store.end(id, app.clock())
    visit = await app.store.visit(id)
    answer = JSONResponse({"conversation": shapes.conversation(talk, visit.handoff if visit else None)})
    answer.raw_headers.append((b"set-cookie", _cookie("").encode()))
    return answer


@router.get("/{id}/transcript", response_model=None)
async def transcript(
    request: Request, id: Mine, format: Annotated[str, Query(pattern="^(json|text|html)$")] = "json"
) -> Response:
    """All that was said, as JSON, text or a page, to keep."""
    app = here(request)
    found = await _all_messages(app, id)
    if format == "json":
        return JSONResponse({"id": id, "practice": app.words.practice.name, "messages": found})
    if format == "html":
        page = app.templates.get_template("transcript.html").render(practice=app.words.practice, messages=found, id=id)
        return HTMLResponse(page, headers={"Content-Disposition": "attachment; filename=conversation.html"})
    text = "\n\n".join(f"[{m['created_at']}] {m['author']}: {m['text']}" for m in found)
    return PlainTextResponse(text, headers={"Content-Disposition": "attachment; filename=conversation.txt"})


@router.delete("/{id}")
async def erase(request: Request, id: Mine) -> JSONResponse:
    """Takes the text away at once, with a receipt; while a handoff is open the clinician's side stays until it closes."""
    app = here(request)
    receipt = await app.store.erase(id, app.clock(), "visitor")
    visit_language = app.words.practice.languages[0]
    text, _ = app.words.say("erased" if receipt.complete else "erased_later", visit_language)
    body = {
        "receipt": {
            "conversation": receipt.conversation,
            "erased_at": shapes.when(receipt.erased_at),
            "messages": receipt.messages,
            "complete": receipt.complete,
            "text": text,
        }
    }
    answer = JSONResponse(body)
    answer.raw_headers.append((b"set-cookie", _cookie("").encode()))
    return answer


class EventStream:
    """GET /v1/conversations/{id}/events, as plain ASGI: each message once, in order, and the state when it changes."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive)
        app = here(request)
        id = await access.visitor(request, request.path_params["id"])
        after = _resume(request)

        async def state() -> dict[str, Any] | None:
            visit = await app.store.visit(id)
            if visit is None:
                return None
            shape = shapes.conversation(visit.conversation, visit.handoff)
            until = app.typing_until(id, "clinician")
            return shape | ({"typing": "clinician", "typing_until": shapes.when(until)} if until else {})

        frames = live.follow(app.store, id, after, render=shapes.message, state=state)
        app.came(id)
        try:
            with app.metrics.streams.track_inprogress():
                await stream(frames, send, receive)
        finally:
            app.went(id)


def _resume(request: Request) -> int:
    given = request.headers.get("last-event-id") or request.query_params.get("after") or "0"
    if not given.isdigit() or int(given) > SEQ_MAX:
        raise Problem(422, "Last-Event-ID is the seq of the last message you have: a whole number.")
    return int(given)


async def stream(frames: Any, send: Send, receive: Receive) -> None:
    """Sends frames until they end or the reader goes."""
    await live.send_stream(frames, send, receive)


events_route = Route("/v1/conversations/{id}/events", EventStream(), methods=["GET"], name="events")

Handler = Callable[[Request], Awaitable[Response]]
