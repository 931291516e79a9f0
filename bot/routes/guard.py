"""The door: request ids, sizes, times, origins, rates and security headers, before any route sees a request."""

from __future__ import annotations

import asyncio
import random
import re
import time
from urllib.parse import urlsplit

import structlog
from fastapi import Request
from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from bot.routes import problems
from bot.routes.problems import Problem
from bot.routes.state import Here, here
from bot.settings import Settings

log = structlog.get_logger("http")

BODY_LIMIT = 2 * 1024 * 1024  # bytes; a 4,000-character text in JSON escapes is under 50 KB
SECONDS = 30.0  # for any answer but a stream
REQUEST_ID = re.compile(r"^[A-Za-z0-9._-]{1,64}$")
OPEN_TO_ALL = ("/embed.js", "/static/")  # read by pages of any origin: scripts and styles, nothing of a visitor's

Raw = tuple[tuple[bytes, bytes], ...]
ALWAYS: Raw = (
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
    (b"permissions-policy", b"camera=(), microphone=(), geolocation=(), browsing-topics=()"),
    (b"cross-origin-opener-policy", b"same-origin"),
)
FOR_ALL: Raw = ((b"access-control-allow-origin", b"*"), (b"cross-origin-resource-policy", b"cross-origin"))
OURS: Raw = (
    (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'"),
    (b"cross-origin-resource-policy", b"same-site"),
)
UNSTORED: Raw = ((b"cache-control", b"no-store"),)


def page_csp(settings: Settings, *, framed: bool = False) -> str:
    """The policy of our pages: our own scripts and styles, nothing inline, framed only where the practice allows it."""
    ancestors = " ".join(("'self'", *settings.origins)) if framed else "'none'"
    return (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; "
        "connect-src 'self'; frame-src 'self'; manifest-src 'self'; worker-src 'self'; media-src 'self' data:; "
        f"form-action 'self'; base-uri 'none'; frame-ancestors {ancestors}; require-trusted-types-for 'script'"
    )


def address(request: Request) -> str:
    """The caller's address, read from behind as many proxies as the settings trust."""
    hops = [h.strip() for h in request.headers.get("x-forwarded-for", "").split(",") if h.strip()]
    trusted = here(request).settings.proxies
    if trusted and len(hops) >= trusted:
        return hops[-trusted]
    return request.client.host if request.client else "local"


def own_origin(request_headers: Headers, scheme: str, settings: Settings) -> set[str]:
    own = {f"{scheme}://{request_headers.get('host', '')}"}
    if settings.proxies and request_headers.get("x-forwarded-proto"):
        own.add(f"{request_headers['x-forwarded-proto'].split(',')[0].strip()}://{request_headers.get('host', '')}")
    if settings.public_url:
        parts = urlsplit(settings.public_url)
        own.add(f"{parts.scheme}://{parts.netloc}")
    return own


async def rate(request: Request, name: str, per_minute: int, who: str) -> None:
    """429 with Retry-After when `who` has done it `per_minute` times in the last minute."""
    app = here(request)
    if not app.rates.hit(name, who, per_minute, time.monotonic()):
        raise Problem(
            429,
            f"Too many in a minute (the limit is {per_minute}): wait a moment and try again.",
            {"Retry-After": "30"},
            lines=problems.lines(app.words.country(app.words.practice.country)),
        )


class Guard:
    """Pure ASGI, so that a stream costs it nothing."""

    def __init__(self, app: ASGIApp, state: Here) -> None:
        self.app, self.state = app, state
        self._told = state.settings.log_level in {"debug", "info"}  # asked here: a logger makes itself anew at each call

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        headers, began = Headers(scope=scope), time.perf_counter()
        given = headers.get("x-request-id", "")
        request_id = given if REQUEST_ID.match(given) else f"{random.getrandbits(64):016x}"  # names a log line, no secret
        origin, status, started = headers.get("origin"), 0, False
        allowed = origin is not None and origin in self.state.settings.origins

        async def answer(message: Message) -> None:
            nonlocal status, started
            if message["type"] == "http.response.start":
                status, started = message["status"], True
                message["headers"] = headers_out = list(message.get("headers", ()))
                self._mark(headers_out, scope["path"], request_id, origin if allowed else None)
            await send(message)

        structlog.contextvars.bind_contextvars(request_id=request_id)
        try:
            refused = self._refused(scope, headers, origin, allowed)
            if refused is not None:
                await refused(scope, receive, answer)
            elif scope["path"].endswith("/events") or scope["path"] == "/v1/stream":
                await self.app(scope, receive, answer)
            else:
                async with asyncio.timeout(SECONDS):
                    await self.app(scope, _limited(receive), answer)
        except _TooLarge:
            if not started:
                await problems.response(413, f"The body is over {BODY_LIMIT} bytes.")(scope, receive, answer)
        except TimeoutError:
            log.error("http.timeout", path=_template(scope))
            if not started:
                country = self.state.words.country(self.state.words.practice.country)
                slow = problems.response(
                    503, "This took too long; please send it again.", lines=problems.lines(country)
                )
                await slow(scope, receive, answer)
        finally:
            if self._told:
                took = round((time.perf_counter() - began) * 1000, 1)
                log.info("http", method=scope["method"], path=_template(scope), status=status, ms=took)
            structlog.contextvars.unbind_contextvars("request_id")

    def _refused(self, scope: Scope, headers: Headers, origin: str | None, allowed: bool) -> ASGIApp | None:
        length = headers.get("content-length", "0")
        if not length.isdigit() or int(length) > BODY_LIMIT:
            return problems.response(413, f"The body is over {BODY_LIMIT} bytes.")
        if origin is None or scope["path"].startswith(OPEN_TO_ALL):
            return None
        if not allowed and origin not in own_origin(headers, scope.get("scheme", "http"), self.state.settings):
            if scope["method"] in {"GET", "HEAD"} and not scope["path"].startswith("/v1/"):
                return None
            line = ",".join((*self.state.settings.origins, origin))
            return problems.response(
                403, f"The origin {origin} is not allowed here. To allow it, set HANDRAIL_ALLOWED_ORIGINS={line}"
            )
        if scope["method"] == "OPTIONS" and "access-control-request-method" in headers:
            return _preflight()
        return None

    def _mark(self, headers: list[tuple[bytes, bytes]], path: str, request_id: str, origin: str | None) -> None:
        """What every answer carries; what a route has set itself stays."""
        there = {name for name, _ in headers}
        more = FOR_ALL if path.startswith(OPEN_TO_ALL) else OURS + UNSTORED if path.startswith("/v1/") else OURS
        headers += [header for header in ALWAYS + more if header[0] not in there]
        headers.append((b"x-request-id", request_id.encode()))
        if not self.state.running:
            headers.append((b"connection", b"close"))
        if origin and more is not FOR_ALL:
            headers += [
                (b"access-control-allow-origin", origin.encode("latin-1")),
                (b"access-control-expose-headers", b"Retry-After, X-Request-ID"),
                (b"vary", b"Origin"),
            ]


class _TooLarge(Exception):
    pass


def _limited(receive: Receive) -> Receive:
    seen = 0

    async def read() -> Message:
        nonlocal seen
        message = await receive()
        if message["type"] == "http.request":
            seen += len(message.get("body", b""))
            if seen > BODY_LIMIT:
                raise _TooLarge
        return message

    return read


def _preflight() -> ASGIApp:
    from starlette.responses import Response

    return Response(
        status_code=204,
        headers={
            "Access-Control-Allow-Methods": "GET, POST, PATCH, DELETE",
            "Access-Control-Allow-Headers": "Authorization, Content-Type, Last-Event-ID",
            "Access-Control-Max-Age": "600",
        },
    )


def _template(scope: Scope) -> str:
    """The route's pattern, not the URL: no id, and nothing that a caller wrote, goes into a log."""
    route = scope.get("route")
    return getattr(route, "path", "") or "unmatched"
