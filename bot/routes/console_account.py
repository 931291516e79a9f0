"""One's own account: password, second step, recovery codes, where one is signed in."""

from __future__ import annotations

import secrets
from datetime import timedelta
from typing import Annotated, Any

import pyotp
import segno
from fastapi import APIRouter, Depends, Request
from fastapi.responses import JSONResponse, Response
from pydantic import Field

from bot.model import User
from bot.routes import access, guard, passwords, shapes, signin
from bot.routes.access import STAFF_COOKIE, Staff
from bot.routes.problems import Problem
from bot.routes.state import Here, here

router = APIRouter(prefix="/v1/account", include_in_schema=False)

RECOVERY_CODES, RECOVERY_LAST = 10, timedelta(days=3650)
CODE_LETTERS = "abcdefghjkmnpqrstuvwxyz23456789"  # none that look alike


async def signed_in(request: Request) -> Staff:
    """A person with a session, of any role; an API key has no account."""
    who = await access.staff_member(request)
    if who.user is None:
        raise Problem(403, "This is for people who are signed in, not for API keys.")
    return who


Person = Annotated[Staff, Depends(signed_in)]


class NewPassword(shapes.Body):
    current: str = Field(max_length=1000)
    password: str = Field(min_length=1, max_length=1000)


class Proof(shapes.Body):
    password: str = Field(min_length=1, max_length=1000)


class Confirm(shapes.Body):
    code: str = Field(min_length=1, max_length=20)


def mine(who: Staff) -> User:
    assert who.user is not None  # signed_in
    return who.user


def my_digest(request: Request) -> bytes:
    return access.digest(request.cookies.get(STAFF_COOKIE, ""))


async def audit(app: Here, who: Staff, action: str, subject: str, **detail: Any) -> None:
    await app.store.audit(who.holder.id, action, subject, app.clock(), detail or None)


@router.get("")
async def account(request: Request, who: Person) -> JSONResponse:
    """Who I am, how I sign in, and where I am signed in."""
    app, user = here(request), mine(who)
    passkeys = await app.store.kept("passkey")
    recovery = (await app.store.kept("recovery")).get(user.id, {})
    return JSONResponse(
        {
            "user": {"id": user.id, "name": user.name, "email": user.email, "role": user.role, "on_duty": user.on_duty},
            "csrf": who.csrf,
            "totp": bool(user.totp_secret),
            "recovery_made": recovery.get("made", ""),
            "passkeys": [
                {"id": id, "name": one["name"], "made": one["made"]}
                for id, one in passkeys.items()
                if one["user"] == user.id
            ],
            "sessions": await signin.sessions(app, user.id, my_digest(request)),
        }
    )


async def prove(request: Request, user: User, password: str) -> None:
    """The password again, before what a stolen session must not do."""
    app = here(request)
    who = f"proof {user.id} at {guard.address(request)}"
    signin.held_back(request, who)
    if not await passwords.matches(password, user.password_hash):
        signin.tries(request).failed(who, app.clock())
        raise Problem(422, "This is not your present password.", errors=[{"field": "current", "detail": "not right"}])
    signin.tries(request).right(who)


@router.post("/password", status_code=204)
async def change_password(request: Request, who: Person) -> Response:
    """A new password; every other session of this account ends."""
    sent = await shapes.body(NewPassword)(request)
    app, user = here(request), mine(who)
    await prove(request, user, sent.current)
    if why := passwords.fault(sent.password, [user.email, user.name, app.words.practice.name]):
        raise Problem(422, why, errors=[{"field": "password", "detail": why}])
    await app.store.change_user(user.id, password_hash=await passwords.hashed(sent.password))
    await end_others(request, user)
    await audit(app, who, "password.set", user.id)
    return Response(status_code=204)


async def end_others(request: Request, user: User) -> int:
    app, this, ended = here(request), my_digest(request), 0
    for one in await app.store.sessions(user.id):
        if one["digest"] != this:
            ended += await app.store.end_session(id=one["id"])
    return ended


@router.delete("/sessions", status_code=204)
async def sign_out_elsewhere(request: Request, who: Person) -> Response:
    """Ends every session of mine but this one."""
    ended = await end_others(request, mine(who))
    await audit(here(request), who, "session.end", mine(who).id, sessions=ended)
    return Response(status_code=204)


@router.delete("/sessions/{id}", status_code=204)
async def end_session(request: Request, id: str, who: Person) -> Response:
    """Ends one of my sessions; 404 for anybody else's."""
    app, user = here(request), mine(who)
    if id not in {one["id"] for one in await app.store.sessions(user.id)}:
        raise Problem(404, "There is no such session, or it has ended.")
    await app.store.end_session(id=id)
    await audit(app, who, "session.end", user.id, sessions=1)
    return Response(status_code=204)


# ── the second step ──


@router.post("/totp")
async def begin_totp(request: Request, who: Person) -> JSONResponse:
    """A fresh secret, as a link and as a drawing for the app's camera. It counts once a code of it was typed back."""
    sent = await shapes.body(Proof)(request)
    app, user = here(request), mine(who)
    await prove(request, user, sent.password)
    secret = pyotp.random_base32()
    await app.store.put_secret("totp_new", _pending(user), {"secret": secret}, app.clock() + signin.TICKET * 2)
    link = pyotp.TOTP(secret).provisioning_uri(name=user.email, issuer_name=f"Handrail {app.words.practice.name}")
    return JSONResponse({"secret": secret, "link": link, "drawing": drawing(link)})


def _pending(user: User) -> bytes:
    return access.digest(f"totp of {user.id}")


def drawing(text: str) -> dict[str, Any]:
    """A QR code as one SVG path of unit squares: {size, path}; no markup passes through the browser's parser."""
    code = segno.make(text, error="m", micro=False)
    rows = [bytes(row) for row in code.matrix]
    path = "".join(f"M{x + 4} {y + 4}h1v1h-1z" for y, row in enumerate(rows) for x, dark in enumerate(row) if dark)
    return {"size": len(rows) + 8, "path": path}


@router.post("/totp/confirm")
async def confirm_totp(request: Request, who: Person) -> JSONResponse:
    """The code from the app: from now on signing in asks for one. Shows the recovery codes, once."""
    sent = await shapes.body(Confirm)(request)
    app, user = here(request), mine(who)
    await guard.rate(request, "totp", signin.PER_ADDRESS, user.id)
    kept = await app.store.take_secret("totp_new", _pending(user), app.clock())
    if kept is None:
        raise Problem(422, "This took too long: begin again.", again=True)
    if not await signin.totp_fits(app, user.id, kept["secret"], "".join(c for c in sent.code if c.isdigit())):
        await app.store.put_secret("totp_new", _pending(user), kept, app.clock() + signin.TICKET)
        raise Problem(422, "This code is not right: look again.", errors=[{"field": "code", "detail": "not right"}])
    await app.store.change_user(user.id, totp_secret=kept["secret"])
    await audit(app, who, "totp.on", user.id)
    return JSONResponse({"codes": await new_recovery_codes(app, user)})


async def new_recovery_codes(app: Here, user: User) -> list[str]:
    """Ten codes, each good once; those made before stop working."""
    now = app.clock()
    before = (await app.store.kept("recovery")).get(user.id, {})
    for old in before.get("digests", []):
        await app.store.take_secret("recovery", bytes.fromhex(old), now)
    codes = ["".join(secrets.choice(CODE_LETTERS) for _ in range(10)) for _ in range(RECOVERY_CODES)]
    digests = [signin.recovery_digest(user.id, code) for code in codes]
    for digest in digests:
        await app.store.put_secret("recovery", digest, {"user": user.id}, now + RECOVERY_LAST)
    made = {"made": shapes.when(now), "digests": [digest.hex() for digest in digests]}
    await app.store.keep("recovery", user.id, made, now)
    return [f"{code[:5]}-{code[5:]}" for code in codes]


@router.post("/recovery")
async def recovery(request: Request, who: Person) -> JSONResponse:
    """New recovery codes in place of the old ones."""
    sent = await shapes.body(Proof)(request)
    user = mine(who)
    if not user.totp_secret:
        raise Problem(409, "Set up the second step first.")
    await prove(request, user, sent.password)
    await audit(here(request), who, "recovery.new", user.id)
    return JSONResponse({"codes": await new_recovery_codes(here(request), user)})


@router.post("/totp/off", status_code=204)
async def end_totp(request: Request, who: Person) -> Response:
    """Signing in takes the password alone again."""
    sent = await shapes.body(Proof)(request)
    app, user = here(request), mine(who)
    await prove(request, user, sent.password)
    await app.store.change_user(user.id, totp_secret="")
    for old in (await app.store.kept("recovery")).get(user.id, {}).get("digests", []):
        await app.store.take_secret("recovery", bytes.fromhex(old), app.clock())
    await app.store.drop("recovery", user.id)
    await audit(app, who, "totp.off", user.id)
    return Response(status_code=204)
