"""Who is asking: the token of one conversation, an API key, or a signed-in person. Deny by default."""

from __future__ import annotations

import hashlib
import secrets
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from fastapi import Request

from bot.model import Holder, User
from bot.routes.problems import Problem
from bot.routes.state import here

VISITOR_COOKIE = "__Host-handrail"
STAFF_COOKIE = "__Host-handrail-staff"
VISITOR_PREFIX, KEY_PREFIX, SESSION_PREFIX = "hrv_", "hrk_", "hrs_"

ROLE_SCOPES: dict[str, frozenset[str]] = {
    "admin": frozenset({"handoffs", "bookings", "admin", "audit", "answers"}),
    "clinician": frozenset({"handoffs", "bookings", "answers"}),
    "front_desk": frozenset({"bookings"}),
    "auditor": frozenset({"audit"}),
}


def digest(token: str) -> bytes:
    """SHA-256: tokens are 256 random bits, so that a slow hash would add nothing."""
    return hashlib.sha256(token.encode()).digest()


def new_token(prefix: str) -> str:
    return prefix + secrets.token_urlsafe(32)


def bearer(request: Request) -> str:
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    return token.strip() if scheme.lower() == "bearer" else ""


async def visitor(request: Request, id: str) -> str:
    """The conversation's id, when the caller holds its token. 401 without one, 404 for another's. What was read of it on the
    way is left in `request.state.visit`."""
    app = here(request)
    token = bearer(request) or request.cookies.get(VISITOR_COOKIE, "")
    if not token:
        raise Problem(401, "Send the conversation's token: Authorization: Bearer …")
    found = await app.store.visit_of(digest(token), app.clock())
    if found is None:
        if token.startswith(KEY_PREFIX) and await app.store.key_of(digest(token), app.clock()):
            raise Problem(403, "This is an API key; a visitor's route takes the conversation's own token.")
        raise Problem(401, "This token is unknown or has expired.")
    if found.conversation.id != id:
        raise Problem(404, "There is no such conversation, or it is not yours.")
    request.state.visit = found
    return id


@dataclass(frozen=True, slots=True)
class Staff:
    """A signed-in person or an API key, and what it may do."""

    holder: Holder
    user: User | None = None
    csrf: str = ""

    @property
    def scopes(self) -> frozenset[str]:
        return self.holder.scopes

    @property
    def reads_transcripts(self) -> bool:
        return "handoffs" in self.scopes


async def session(request: Request) -> Staff | None:
    """The signed-in person of the session cookie, or None."""
    app = here(request)
    token = request.cookies.get(STAFF_COOKIE, "")
    if not token:
        return None
    idle, longest = app.settings.session_idle_minutes * 60.0, app.settings.session_hours * 3600.0
    found = await app.store.session(digest(token), app.clock(), idle, longest)
    if found is None:
        return None
    user, csrf = found
    holder = Holder(f"user:{user.id}", user.name, user.role, ROLE_SCOPES.get(user.role, frozenset()))
    return Staff(holder, user, csrf)


async def staff_member(request: Request) -> Staff:
    """Whoever it is, of the staff's side; 401 when nobody, 403 for a visitor's token."""
    app = here(request)
    token = bearer(request)
    if token:
        key = await app.store.key_of(digest(token), app.clock())
        if key is not None:
            if not app.rates.hit("key", key.id, app.settings.key_calls_per_minute, time.monotonic()):
                raise Problem(429, "This key has made its calls for this minute: wait for Retry-After.", {"Retry-After": "30"})
            return Staff(Holder(f"key:{key.id}", key.name, "key", key.scopes))
        if await app.store.visit_of(digest(token), app.clock()):
            raise Problem(403, "A visitor's token opens its own conversation alone.")
        raise Problem(401, "This key is unknown, revoked or expired.")
    found = await session(request)
    if found is None:
        visitor_token = request.cookies.get(VISITOR_COOKIE, "")
        if visitor_token and await app.store.visit_of(digest(visitor_token), app.clock()):
            raise Problem(403, "A visitor's token opens its own conversation alone.")
        raise Problem(401, "Sign in, or send an API key: Authorization: Bearer …")
    if request.method not in {"GET", "HEAD"} and not secrets.compare_digest(
        request.headers.get("x-csrf-token", "").encode(), found.csrf.encode()
    ):
        raise Problem(403, "The X-CSRF-Token header is missing or wrong: reload the page.")
    return found


def staff(*any_of: str) -> Callable[[Request], Awaitable[Staff]]:
    """A dependency: staff with at least one of these scopes; 403 names what is missing."""

    async def check(request: Request) -> Staff:
        found = await staff_member(request)
        if not found.scopes & set(any_of):
            raise Problem(403, f"This needs the scope {' or '.join(any_of)}.")
        return found

    return check
