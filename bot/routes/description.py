"""/openapi.json: the server's own description, with what FastAPI cannot see of the streams and the problems."""

from __future__ import annotations

from typing import Any

from fastapi import FastAPI, Request
from fastapi.openapi.utils import get_openapi
from fastapi.responses import JSONResponse

PROBLEM = {
    "type": "object",
    "required": ["type", "title", "status", "detail"],
    "properties": {
        "type": {"type": "string"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string", "description": "what is wrong, and what to do"},
    },
}
TIME = {"type": "string", "format": "date-time"}
CITATION = {
    "type": "object",
    "properties": {
        "n": {"type": "integer"},
        **{name: {"type": "string"} for name in ("article", "title", "heading", "quote", "url")},
    },
}
ACTION = {"type": "object", "properties": {name: {"type": "string"} for name in ("type", "label", "value")}}
MESSAGE = {
    "type": "object",
    "required": ["id", "seq", "author", "kind", "text", "citations", "actions", "created_at"],
    "properties": {
        "id": {"type": "string"},
        "seq": {"type": "integer", "description": "1, 2, 3 … without a gap in one conversation"},
        "author": {"type": "string", "enum": ["visitor", "bot", "clinician", "system"]},
        "kind": {"type": "string"},
        "text": {"type": "string"},
        "citations": {"type": "array", "items": CITATION},
        "actions": {"type": "array", "items": ACTION},
        "created_at": TIME,
    },
}
CONVERSATION = {
    "type": "object",
    "properties": {
        "id": {"type": "string"},
        "owner": {"type": "string", "enum": ["bot", "queue", "clinician"]},
        "urgency": {"type": "integer", "minimum": 0, "maximum": 4},
        "language": {"type": "string"},
        "country": {"type": "string"},
        "handoff": {
            "type": ["object", "null"],
            "properties": {
                "id": {"type": "string"},
                "state": {"type": "string"},
                "reason": {"type": "string"},
                "due_at": {"type": ["string", "null"], "format": "date-time"},
            },
        },
    },
}
HANDOFF = {
    "type": "object",
    "required": ["id", "conversation", "reason", "urgency", "state", "opened_at", "version", "card"],
    "properties": {
        **{name: {"type": "string"} for name in ("id", "conversation", "reason")},
        "urgency": {"type": "integer", "minimum": 0, "maximum": 4},
        "state": {"type": "string", "enum": ["waiting", "claimed", "closed"]},
        "opened_at": TIME,
        "version": {"type": "integer"},
        "holder": {"type": ["object", "null"], "properties": {"id": {"type": "string"}, "name": {"type": "string"}}},
        "card": {"type": "object", "description": "facts in the visitor's words: what fired, what was shown, contact"},
    },
}
EVENT = {
    "type": "object",
    "required": ["id", "type", "conversation", "seq", "data", "created_at"],
    "properties": {
        "id": {"type": "integer"},
        "type": {"type": "string"},
        "conversation": {"type": "string"},
        "seq": {"type": "integer"},
        "data": {"type": "object"},
        "created_at": TIME,
    },
}
WEBHOOK = {
    "type": "object",
    "required": ["id", "url", "events", "created_at"],
    "properties": {
        **{name: {"type": "string"} for name in ("id", "url", "secret")},
        "events": {"type": "array", "items": {"type": "string"}},
        "created_at": TIME,
    },
}
ANSWER = {
    "type": "object",
    "required": ["kind", "text", "citations", "route", "urgency", "reason"],
    "properties": {
        **{name: {"type": "string"} for name in ("kind", "text", "reason")},
        "citations": {"type": "array", "items": CITATION},
        "route": {"type": "string", "enum": ["bot", "human"]},
        "urgency": {"type": "integer", "minimum": 0, "maximum": 4},
        "handoff": {"type": "string", "enum": ["caller"]},
    },
}


def _ref(name: str) -> dict[str, Any]:
    return {"$ref": f"#/components/schemas/{name}"}


def _object(**properties: dict[str, Any]) -> dict[str, Any]:
    return {"type": "object", "required": list(properties), "properties": properties}


def _list(name: str) -> dict[str, Any]:
    return {"type": "array", "items": _ref(name)}


_TURN = _object(
    message={"anyOf": [_ref("Message"), {"type": "null"}]}, replies=_list("Message"), conversation=_ref("Conversation")
)
_TEXT = {"type": "string"}
SHAPES: dict[str, dict[str, Any]] = {
    "POST /v1/conversations": _object(
        id=_TEXT, token=_TEXT, messages=_list("Message"), conversation=_ref("Conversation")
    ),
    "POST /v1/conversations/{id}/messages": _TURN,
    "POST /v1/conversations/{id}/handoff": _TURN,
    "DELETE /v1/conversations/{id}/handoff": _object(conversation=_ref("Conversation")),
    "GET /v1/conversations/{id}/messages": _object(messages=_list("Message"), conversation=_ref("Conversation")),
    "POST /v1/conversations/{id}/end": _object(conversation=_ref("Conversation")),
    "PATCH /v1/conversations/{id}": _object(conversation=_ref("Conversation")),
    "POST /v1/answers": ANSWER,
    "GET /v1/handoffs": _object(handoffs=_list("Handoff")),
    **{
        f"POST /v1/handoffs/{call}": _ref("Handoff")
        for call in ("next", *(f"{{id}}/{step}" for step in ("claim", "release", "transfer", "urgency", "close")))
    },
    "GET /v1/handoffs/{id}": _ref("Handoff"),
    "POST /v1/handoffs/{id}/messages": _object(message=_ref("Message")),
    "GET /v1/events": _object(events=_list("Event"), last={"type": "integer"}),
    "POST /v1/webhooks": _ref("Webhook"),
    "GET /v1/webhooks": _object(webhooks=_list("Webhook")),
    "GET /v1/webhooks/{id}": _ref("Webhook"),
}
"""What a call answers with when it went well."""
AGAIN = {"POST /v1/conversations/{id}/messages", "POST /v1/handoffs/{id}/messages"}
NOTHING = {"POST /v1/handoffs/next": "nobody waits"}
ALSO = {"GET /v1/conversations/{id}/transcript": ("text/plain", "text/html")}
"""What a call may also answer in, beside JSON."""


def install(app: FastAPI) -> None:
    """Puts GET /openapi.json in place, made once."""

    def document() -> dict[str, Any]:
        if app.openapi_schema is None:
            app.openapi_schema = _finished(
                get_openapi(title=app.title, version=app.version, summary=app.summary, routes=app.routes)
            )
        return app.openapi_schema

    app.openapi = document  # type: ignore[method-assign]

    @app.get("/openapi.json", include_in_schema=False)
    async def openapi(request: Request) -> JSONResponse:
        return JSONResponse(document())


def _finished(document: dict[str, Any]) -> dict[str, Any]:
    parts = document.setdefault("components", {})
    parts["schemas"] = {
        "Problem": PROBLEM,
        "Message": MESSAGE,
        "Conversation": CONVERSATION,
        "Handoff": HANDOFF,
        "Event": EVENT,
        "Webhook": WEBHOOK,
    }
    parts["securitySchemes"] = {
        "visitor": {"type": "http", "scheme": "bearer", "description": "the token of one conversation"},
        "key": {"type": "http", "scheme": "bearer", "description": "an API key with the scope that the call needs"},
    }
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            _went_well(f"{method.upper()} {path}", operation)
            _operation(path, operation)
    document["paths"]["/v1/conversations/{id}/events"] = {"get": _stream()}
    return document


def _went_well(call: str, operation: dict[str, Any]) -> None:
    answers = operation["responses"]
    if call in SHAPES:
        well = next(status for status in answers if status.startswith("2"))
        answers[well]["content"] = {"application/json": {"schema": SHAPES[call]}}
        if call in AGAIN:
            again = {
                "description": "the same client_id came before: the first answer",
                "content": answers[well]["content"],
            }
            answers["200"] = again
    for media in ALSO.get(call, ()):
        answers["200"]["content"][media] = {"schema": {"type": "string"}}
    if call in NOTHING:
        answers["204"] = {"description": NOTHING[call]}


def _operation(path: str, operation: dict[str, Any]) -> None:
    answers = operation.setdefault("responses", {})
    answers.pop("422", None)
    tag = (operation.get("tags") or [""])[0]
    mine = path.startswith("/v1/conversations/{id}")
    statuses = {"400", "413", "503"} | (
        {"422"} if operation.get("requestBody") or operation.get("parameters") else set()
    )
    if tag == "visitor":
        statuses |= {"403", "429"} | ({"401", "404", "422"} if mine else set())
        statuses |= {"409"} if path.endswith("/handoff") else set()
        operation["security"] = [{"visitor": []}] if mine else []
    elif tag in {"integration", "completions"}:
        statuses |= {"401", "403", "404", "409", "422", "429"}
        operation["security"] = [{"key": []}]
    elif tag == "channels":
        statuses |= {"404", "422"}
    elif path == "/metrics":
        statuses |= {"401"}
    for status in sorted(statuses):
        answers[status] = {
            "description": "a problem",
            "content": {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}},
        }


def _stream() -> dict[str, Any]:
    problem = {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}
    return {
        "tags": ["visitor"],
        "summary": "Events",
        "description": "Each message once, in order, as `message` events whose id is the seq; `state` when the "
        "conversation changes; a comment every 20 s. Resumes after Last-Event-ID.",
        "operationId": "events",
        "security": [{"visitor": []}],
        "parameters": [
            {"name": "id", "in": "path", "required": True, "schema": {"type": "string"}},
            {"name": "Last-Event-ID", "in": "header", "required": False, "schema": {"type": "integer", "minimum": 0}},
        ],
        "responses": {
            "200": {"description": "a stream", "content": {"text/event-stream": {"schema": {"type": "string"}}}},
            **{status: {"description": "a problem", "content": problem} for status in ("401", "403", "404", "422")},
        },
    }
