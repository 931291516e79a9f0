"""Signing in: a password and, where it is set up, a second step; server-side sessions; delays that lock nobody out."""

from __future__ import annotations

import asyncio
import secrets
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import pyotp
from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse, Response
from pydantic import Field

from bot.model import User
from bot.routes import access, guard, passwords, shapes
from bot.routes.access import STAFF_COOKIE
from bot.routes.problems import Problem
from bot.routes.state import Here, here

router = APIRouter(prefix="/v1/signin", include_in_schema=False)

PER_ADDRESS = 30  # tries a minute from one address; a session that is open never notices
FREE_TRIES, LONGEST_WAIT = 4, 60.0  # then 2, 4, 8 … seconds between tries, a minute at most
FORGOTTEN = timedelta(hours=1)
TICKET = timedelta(minutes=5)  # between the password and the second step
CODE_TRIES = 5
WELCOME_AGAIN = timedelta(hours=1)
_ONE_CODE = asyncio.Lock()
WRONG = "The e-mail address or the password is not right."


@dataclass(slots=True)
class Tries:
    """Failures by account and by where they came from, in memory. Somebody at work here has a count of their own."""

    _of: dict[str, tuple[int, datetime]] = field(default_factory=dict)

    def wait(self, who: str, now: datetime) -> float:
        """Seconds until the next try is looked at."""
        count, last = self._of.get(who, (0, now))
        if count <= FREE_TRIES or now - last > FORGOTTEN:
            return 0.0
        return max(0.0, min(LONGEST_WAIT, 2.0 ** (count - FREE_TRIES)) - (now - last).total_seconds())

    def failed(self, who: str, now: datetime) -> None:
        if len(self._of) > 10_000:
            self._of = {key: value for key, value in self._of.items() if now - value[1] < FORGOTTEN}
        count, last = self._of.get(who, (0, now))
        self._of[who] = (1 if now - last > FORGOTTEN else count + 1, now)

    def right(self, who: str) -> None:
        self._of.pop(who, None)


class Password(shapes.Body):
    email: str = Field(min_length=1, max_length=254)
    password: str = Field(min_length=1, max_length=1000)


class Code(shapes.Body):
    ticket: str = Field(min_length=1, max_length=200)
    code: str = Field(min_length=1, max_length=40)


class Welcome(shapes.Body):
    token: str = Field(min_length=1, max_length=200)
    password: str = Field(min_length=1, max_length=1000)


def refused(detail: str, **more: Any) -> Problem:
    """401 without the bearer challenge of the API: the console's own page answers it."""
    return Problem(401, detail, {"WWW-Authenticate": "Session"}, **more)


def tries(request: Request) -> Tries:
    state = request.app.state
    if not hasattr(state, "signin_tries"):
        state.signin_tries = Tries()
    found = state.signin_tries
    assert isinstance(found, Tries)
    return found


async def at_the_door(request: Request) -> None:
    """Our own pages alone may sign anybody in, and one address only so often."""
    if request.headers.get("sec-fetch-site", "same-origin") not in {"same-origin", "none"}:
        raise Problem(403, "Sign in on the console's own page.")
    await guard.rate(request, "signin", PER_ADDRESS, guard.address(request))


async def counted_as(request: Request, user: User | None, email: str) -> str:
    """Whose failures these are: an address that this account is signed in from is told apart from all others."""
    address = guard.address(request)
    if user is not None and any(s["address"] == address for s in await here(request).store.sessions(user.id)):
        return f"{email} at {address}"
    return email


def held_back(request: Request, who: str) -> None:
    wait = tries(request).wait(who, here(request).clock())
    if wait > 0:
        raise Problem(429, f"Too many tries: wait {wait:.0f} s.", {"Retry-After": str(max(1, round(wait)))})


@router.get("")
async def signed_in(request: Request) -> JSONResponse:
    """Whether somebody is signed in here: a strict cookie stays behind when a link of another site is followed."""
    return JSONResponse({"signed_in": await access.session(request) is not None})


@router.post("/password")
async def password(request: Request) -> Response:
    """The first step. Says the same, after the same time, whether the address or the password is wrong."""
    await at_the_door(request)
    sent = await shapes.body(Password)(request)
    app, email = here(request), sent.email.strip().lower()
    user = await app.store.user(email=email)
    who = await counted_as(request, user, email)
    held_back(request, who)
    right = await passwords.matches(sent.password, user.password_hash if user else "")
    if user is None or not right or user.disabled_at is not None:
        tries(request).failed(who, app.clock())
        if user is not None:
            await app.store.audit(f"user:{user.id}", "signin.refused", user.id, app.clock(), {"step": "password"})
        raise refused(WRONG)
    if user.totp_secret:
        return JSONResponse({"next": "code", "ticket": await ticket(app, user, 0)})
    tries(request).right(who)
    return await begin(request, user, "password")


async def ticket(app: Here, user: User, used: int) -> str:
    value = secrets.token_urlsafe(32)
    await app.store.put_secret("signin", access.digest(value), {"user": user.id, "used": used}, app.clock() + TICKET)
    return value


@router.post("/code")
async def code(request: Request) -> Response:
    """The second step: six digits from the app, or one of the recovery codes."""
    await at_the_door(request)
    sent = await shapes.body(Code)(request)
    app = here(request)
    kept = await app.store.take_secret("signin", access.digest(sent.ticket), app.clock())
    user = await app.store.user(id=str(kept["user"])) if kept else None
    if kept is None or user is None or user.disabled_at is not None:
        raise refused("This took too long: begin again with your password.", again=True)
    who = await counted_as(request, user, user.email)
    held_back(request, who)
    how = await second_step(app, user, sent.code)
    if not how:
        tries(request).failed(who, app.clock())
        await app.store.audit(f"user:{user.id}", "signin.refused", user.id, app.clock(), {"step": "code"})
        if kept["used"] + 1 >= CODE_TRIES:
            raise refused("Too many wrong codes: begin again.", again=True)
        new = await ticket(app, user, int(kept["used"]) + 1)
        raise refused("This code is not right, or has been used.", ticket=new)
    tries(request).right(who)
    return await begin(request, user, how)


async def second_step(app: Here, user: User, code: str) -> str:
    """How the second step was passed ("totp", "recovery"), or "". A code is good once."""
    plain = "".join(c for c in code if c.isalnum()).lower()
    if len(plain) == 6 and plain.isdigit():
        return "totp" if await totp_fits(app, user.id, user.totp_secret, plain) else ""
    return "recovery" if await app.store.take_secret("recovery", recovery_digest(user.id, plain), app.clock()) else ""


async def totp_fits(app: Here, user: str, secret: str, code: str) -> bool:
    """Within half a minute either way, and never the same step, or an older one, twice."""
    now, one = app.clock(), pyotp.TOTP(secret)
    async with _ONE_CODE:
        last = int((await app.store.kept("totp_step")).get(user, {}).get("step", 0))
        for step in (-1, 0, 1):
            at = now + timedelta(seconds=30 * step)
            if one.timecode(at) > last and secrets.compare_digest(one.at(at), code):
                await app.store.keep("totp_step", user, {"step": one.timecode(at)}, now)
                return True
    return False


def recovery_digest(user: str, code: str) -> bytes:
    return access.digest(f"recovery {user} {code}")


@router.post("/welcome")
async def welcome(request: Request) -> Response:
    """The one-time link's end: sets the password, ends every other session, signs in."""
    await at_the_door(request)
    sent = await shapes.body(Welcome)(request)
    app = here(request)
    _fit(passwords.fault(sent.password, [app.words.practice.name]))
    kept = await app.store.take_secret("welcome", access.digest(sent.token), app.clock())
    user = await app.store.user(id=str(kept["user"])) if kept else None
    if kept is None or user is None or user.disabled_at is not None:
        raise refused("This link was used already or is too old: ask for a new one.")
    if why := passwords.fault(sent.password, [user.email, user.name]):
        await app.store.put_secret("welcome", access.digest(sent.token), kept, app.clock() + WELCOME_AGAIN)
        _fit(why)
    await app.store.end_session(user=user.id)
    changed = await app.store.change_user(user.id, password_hash=await passwords.hashed(sent.password))
    await app.store.audit(f"user:{user.id}", "password.set", user.id, app.clock())
    return await begin(request, changed or user, "welcome")


def _fit(why: str) -> None:
    if why:
        raise Problem(422, why, errors=[{"field": "password", "detail": why}])


async def begin(request: Request, user: User, how: str) -> Response:
    """A new session in a cookie that no script reads; what was open in this browser before is ended."""
    app = here(request)
    old = request.cookies.get(STAFF_COOKIE, "")
    if old:
        await app.store.end_session(digest=access.digest(old))
    token, csrf = access.new_token(access.SESSION_PREFIX), secrets.token_urlsafe(24)
    agent = request.headers.get("user-agent", "")[:300]
    await app.store.add_session(access.digest(token), user.id, csrf, app.clock(), guard.address(request), agent)
    await app.store.audit(f"user:{user.id}", "signin", user.id, app.clock(), {"how": how})
    answer = JSONResponse({"next": "done"})
    answer.raw_headers.append((b"set-cookie", cookie(token, app.settings.session_hours * 3600).encode()))
    return answer


def cookie(token: str, seconds: int) -> str:
    return f"{STAFF_COOKIE}={token}; Path=/; Max-Age={seconds if token else 0}; Secure; HttpOnly; SameSite=Strict"


@router.post("/out", status_code=204)
async def out(request: Request) -> Response:
    """Signs out here. Whoever is signed out already is told the same."""
    who = await access.session(request)
    answer = Response(status_code=204)
    if who is not None and who.user is not None:
        if not secrets.compare_digest(request.headers.get("x-csrf-token", "").encode(), who.csrf.encode()):
            raise Problem(403, "The X-CSRF-Token header is missing or wrong: reload the page.")
        app = here(request)
        await app.store.end_session(digest=access.digest(request.cookies[STAFF_COOKIE]))
        await app.store.audit(who.holder.id, "signout", who.user.id, app.clock())
    answer.raw_headers.append((b"set-cookie", cookie("", 0).encode()))
    return answer


async def sessions(app: Here, user: str, mine: bytes) -> list[dict[str, Any]]:
    """Where this account is signed in, the latest first."""
    return [
        {
            "id": one["id"],
            "here": one["digest"] == mine,
            "since": shapes.when(one["created_at"]),
            "seen": shapes.when(one["seen_at"]),
            "address": one["address"],
            "agent": one["agent"],
        }
        for one in await app.store.sessions(user)
    ]
