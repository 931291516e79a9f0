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
STATUSES = {"/v1/conversations": ("422", "429"), "/v1/answers": ("401", "403", "422")}


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
    parts["schemas"] = {"Problem": PROBLEM, "Message": MESSAGE, "Conversation": CONVERSATION}
    parts["securitySchemes"] = {
        "visitor": {"type": "http", "scheme": "bearer", "description": "the token of one conversation"},
        "key": {"type": "http", "scheme": "bearer", "description": "an API key with the scope that the call needs"},
    }
    for path, methods in document["paths"].items():
        for operation in methods.values():
            _operation(path, operation)
    document["paths"]["/v1/conversations/{id}/events"] = {"get": _stream()}
    return document


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
        operation["security"] = [{"visitor": []}] if mine else []
    elif tag in {"integration", "completions"}:
        statuses |= {"401", "403", "404", "409", "422", "429"}
        operation["security"] = [{"key": []}]
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
