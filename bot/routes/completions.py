"""POST /v1/chat/completions: Handrail as a model for any chat front end, the safety filter in force."""

from __future__ import annotations

import json
import secrets
from collections.abc import AsyncIterator
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Request
from fastapi.responses import JSONResponse, Response, StreamingResponse
from pydantic import Field

from bot.routes import access, shapes, shedding
from bot.routes.integration import alone
from bot.routes.problems import Problem
from bot.routes.state import here

router = APIRouter(prefix="/v1", tags=["completions"])

MODEL = "handrail"
CONVERSATION = "x-handrail-conversation"
PIECE = 24  # characters a streamed piece


class Part(shapes.Body):
    type: str = "text"
    text: str = ""


class Said(shapes.Body):
    role: Literal["system", "developer", "user", "assistant", "tool"]
    content: str | list[Part] | None = None

    def plain(self) -> str:
        if isinstance(self.content, list):
            return "\n".join(part.text for part in self.content if part.type == "text")
        return self.content or ""


class Completion(shapes.Body):
    messages: list[Said] = Field(
        min_length=1, max_length=500, examples=[[{"role": "user", "content": "What is exposure therapy?"}]]
    )
    model: str = Field(MODEL, max_length=200, examples=[MODEL])
    stream: bool = False


async def caller(request: Request) -> str:
    """The conversation that the caller may write to, or "" for an answer alone.

    Alone: a key with the scope `answers`. With the header: that conversation's own token as the bearer, or a key with
    the scopes `answers` and `handoffs`.
    """
    conversation = request.headers.get(CONVERSATION, "")
    if conversation and access.bearer(request).startswith(access.VISITOR_PREFIX):
        return await access.visitor(request, conversation)
    who = await access.staff("answers")(request)
    if not conversation:
        return ""
    if "handoffs" not in who.scopes:
        raise Problem(403, "To write into a conversation the key needs the scopes answers and handoffs.")
    if await here(request).store.visit(conversation) is None:
        raise Problem(404, "There is no such conversation.")
    return conversation


@router.get("/models")
async def models(request: Request, who: Annotated[access.Staff, Depends(access.staff("answers"))]) -> JSONResponse:
    """The one model there is, for front ends that ask."""
    return JSONResponse({"object": "list", "data": [{"id": MODEL, "object": "model", "owned_by": "handrail"}]})


@router.post("/chat/completions", response_model=None, openapi_extra=shapes.takes(Completion))
async def complete(request: Request, conversation: Annotated[str, Depends(caller)]) -> Response:
    """The reply to the last user message. Roles other than user are read past: no instruction changes what Handrail says."""
    asked = await shapes.body(Completion)(request)
    texts = [text for m in asked.messages if m.role == "user" and (text := m.plain()).strip()]
    if not texts:
        raise Problem(422, "messages: there is no user message with a text")
    if len(texts[-1]) > shapes.TEXT_LIMIT:
        raise Problem(422, f"messages: the last text is over {shapes.TEXT_LIMIT:,} characters")
    if conversation:
        text, extension = await _turn(request, conversation, texts[-1])
    else:
        shape = await alone(here(request), texts, None, None)
        text, extension = shape.pop("text"), shape
    id, made = "chatcmpl-" + secrets.token_hex(12), int(here(request).clock().timestamp())
    if asked.stream:
        return StreamingResponse(_pieces(id, made, text, extension), media_type="text/event-stream")
    choice = {"index": 0, "message": {"role": "assistant", "content": text}, "finish_reason": "stop"}
    words = len(text.split())
    usage = {"prompt_tokens": 0, "completion_tokens": words, "total_tokens": words}
    return JSONResponse(
        {
            "id": id,
            "object": "chat.completion",
            "created": made,
            "model": MODEL,
            "choices": [choice],
            "usage": usage,
            "handrail": extension,
        }
    )


async def _turn(request: Request, conversation: str, text: str) -> tuple[str, dict[str, Any]]:
    """A turn of that conversation, handoff and all. While a person has it the bot is silent and the text is empty."""
    app = here(request)
    async with shedding.a_turn(app, text, conversation):
        taken = await app.desk.take(conversation, text)
    done = taken.recorded
    replies = [shapes.message(m) for m in done.replies]
    extension = {
        "kind": replies[0]["kind"] if replies else "message",
        "citations": [c for m in replies for c in m["citations"]],
        "route": taken.turn.verdict.route.value if taken.turn else "human",
        "urgency": done.conversation.urgency,
        "reason": taken.turn.verdict.reason.value if taken.turn else "none",
        "conversation": shapes.conversation(done.conversation, done.handoff),
    }
    return "\n\n".join(m["text"] for m in replies), extension


async def _pieces(id: str, made: int, text: str, extension: dict[str, Any]) -> AsyncIterator[bytes]:
    """The text in pieces, then the extension with the finish. Whole already: nothing is shown before it was screened."""

    def chunk(delta: dict[str, Any], finish: str | None = None, **more: Any) -> bytes:
        body = {
            "id": id,
            "object": "chat.completion.chunk",
            "created": made,
            "model": MODEL,
            "choices": [{"index": 0, "delta": delta, "finish_reason": finish}],
            **more,
        }
        return f"data: {json.dumps(body, ensure_ascii=False)}\n\n".encode()

    yield chunk({"role": "assistant", "content": ""})
    for start in range(0, len(text), PIECE):
        yield chunk({"content": text[start : start + PIECE]})
    yield chunk({}, "stop", handrail=extension)
    yield b"data: [DONE]\n\n"
