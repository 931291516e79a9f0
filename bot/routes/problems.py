"""Every error as RFC 9457 application/problem+json: what is wrong, and what to do."""

from __future__ import annotations

import traceback
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import structlog
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, Response
from starlette.exceptions import HTTPException

from bot.handoff import Incomplete, NotAllowed
from bot.model import Held, NotThere, Reused, RiskOpen, Stale, StoreFault
from bot.words import Country

log = structlog.get_logger(__name__)

MEDIA = "application/problem+json"
TITLES = {
    400: "Bad request",
    401: "Not signed in",
    403: "Not allowed",
    404: "Not found",
    405: "Method not allowed",
    406: "Not acceptable",
    408: "Too slow",
    409: "Conflict",
    413: "Too large",
    415: "Unsupported media type",
    422: "Not valid",
    429: "Too many requests",
    500: "A fault on our side",
    503: "Not available now",
}


class Problem(Exception):
    """An answer that is an error. `more` are the problem's extension members."""

    def __init__(self, status: int, detail: str, headers: Mapping[str, str] | None = None, **more: Any) -> None:
        super().__init__(detail)
        self.status, self.detail, self.headers, self.more = status, detail, dict(headers or {}), more


def response(status: int, detail: str, headers: Mapping[str, str] | None = None, **more: Any) -> JSONResponse:
    body = {"type": "about:blank", "title": TITLES.get(status, "Error"), "status": status, "detail": detail, **more}
    extra = dict(headers or {})
    if status == 401:
        extra.setdefault("WWW-Authenticate", 'Bearer realm="handrail"')
    return JSONResponse(body, status, extra, media_type=MEDIA)


def lines(country: Country) -> list[dict[str, str]]:
    """Crisis lines as they travel with an error: whatever fails, the visitor can still be shown them."""
    first = [{"name": country.emergency, "call": country.emergency}] if country.code else []
    return first + [{"name": x.name, "call": x.call, "text": x.text, "chat": x.chat} for x in country.lines[:4]]


def install(app: FastAPI, default_country: Country, missing: Callable[[Request], Response]) -> None:
    """Answers the house's own errors; anything else is a fault, logged without the visitor's words.

    `missing` is the page for a reader who came to an address that there is not; programs get the problem.
    """

    async def problem(request: Request, error: Exception) -> JSONResponse:
        assert isinstance(error, Problem)
        return response(error.status, error.detail, error.headers, **error.more)

    async def http(request: Request, error: Exception) -> Response:
        assert isinstance(error, HTTPException)
        detail = str(error.detail)
        reader = "text/html" in request.headers.get("accept", "") and not request.url.path.startswith("/v1/")
        if error.status_code == 404 and reader:
            return missing(request)
        if error.status_code == 404:
            detail = f"There is nothing at {request.url.path}."
        return response(error.status_code, detail, error.headers)

    async def known(request: Request, error: Exception) -> JSONResponse:
        match error:
            case NotThere():
                return response(404, "There is no such thing here, or it is not yours.")
            case NotAllowed():
                return response(403, f"{str(error)[:1].upper()}{str(error)[1:]}.")
            case Incomplete():
                return response(422, f"{str(error)[:1].upper()}{str(error)[1:]}.")
            case Reused():
                return response(422, "This client_id was used before with another text: send a new client_id.")
            case Held():
                return response(409, error.detail or str(error), holder=error.holder_name, state=error.state)
            case RiskOpen():
                return response(409, "A risk flag is open: a clinician must lower the urgency first, with a reason.")
            case Stale():
                return response(
                    409, "The conversation changed at the same moment: send it again.", {"Retry-After": "1"}
                )
            case _:
                log.error("store.fault", detail=str(error))
                return response(
                    503,
                    "Nothing was stored: the service cannot keep messages right now. Please send it again in a moment.",
                    {"Retry-After": "5"},
                    lines=lines(default_country),
                )

    async def fault(request: Request, error: Exception) -> JSONResponse:
        path = getattr(request.scope.get("route"), "path", "unmatched")
        log.error("http.fault", method=request.method, path=path, error=_named(error), at=_places(error))
        return response(500, "Something broke on our side; it has been logged.", lines=lines(default_country))

    async def parameters(request: Request, error: Exception) -> JSONResponse:
        assert isinstance(error, RequestValidationError)
        faults = [{"field": ".".join(map(str, e["loc"][1:])), "detail": e["msg"]} for e in error.errors()]
        return response(422, f"{faults[0]['field']}: {faults[0]['detail']}", errors=faults)

    app.add_exception_handler(RequestValidationError, parameters)
    app.add_exception_handler(Problem, problem)
    app.add_exception_handler(HTTPException, http)
    for kind in (NotAllowed, Incomplete, NotThere, Reused, Held, RiskOpen, Stale, StoreFault):
        app.add_exception_handler(kind, known)
    app.add_exception_handler(Exception, fault)


def _named(error: BaseException) -> str:
    """What it is, and what it came of. The kinds alone: what an error says may quote a visitor."""
    cause = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    return type(error).__name__ + (f" after {_named(cause)}" if cause is not None else "")


def _places(error: BaseException) -> str:
    """Where it broke, innermost first: file, line and function of the last frames."""
    frames = traceback.extract_tb(error.__traceback__)[-6:]
    return " < ".join(f"{'/'.join(Path(f.filename).parts[-2:])}:{f.lineno} {f.name}" for f in reversed(frames))
