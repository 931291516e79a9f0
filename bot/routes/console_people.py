"""People, API keys and the audit log: for admins; the log for auditors too."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import JSONResponse, Response
from pydantic import Field

from bot import office
from bot.model import Key, User
from bot.routes import access, shapes
from bot.routes.access import Staff
from bot.routes.console_board import board
from bot.routes.problems import Problem
from bot.routes.state import Here, here

router = APIRouter(prefix="/v1/console", include_in_schema=False)

Admin = Annotated[Staff, Depends(access.staff("admin"))]
Auditor = Annotated[Staff, Depends(access.staff("audit"))]
PAGE = 100
LOOKED_AT = 5000  # rows looked through for one page of a filtered log


class NewPerson(shapes.Body):
    email: str = Field(min_length=3, max_length=254)
    name: str = Field("", max_length=80)
    role: str = Field(pattern="^(admin|clinician|front_desk|auditor)$")


class ChangePerson(shapes.Body):
    name: str | None = Field(None, min_length=1, max_length=80)
    role: str | None = Field(None, pattern="^(admin|clinician|front_desk|auditor)$")


class NewKey(shapes.Body):
    name: str = Field(min_length=1, max_length=80)
    scopes: list[str] = Field(min_length=1, max_length=5)
    days: int | None = Field(None, ge=1, le=3650)


def person(user: User) -> dict[str, Any]:
    return {
        "id": user.id,
        "name": user.name,
        "email": user.email,
        "role": user.role,
        "on_duty": user.on_duty,
        "second_step": bool(user.totp_secret),
        "state": "disabled" if user.disabled_at else "active" if user.password_hash else "invited",
    }


def key(one: Key, now: datetime) -> dict[str, Any]:
    expired = one.expires_at is not None and one.expires_at <= now
    return {
        "id": one.id,
        "name": one.name,
        "prefix": one.prefix,
        "scopes": sorted(one.scopes),
        "state": "revoked" if one.revoked_at else "expired" if expired else "active",
        "created_at": shapes.when(one.created_at),
        "expires_at": shapes.when(one.expires_at),
        "last_used_at": shapes.when(one.last_used_at),
    }


@router.get("/people")
async def people(request: Request, who: Admin) -> JSONResponse:
    app = here(request)
    return JSONResponse(
        {
            "people": [person(user) for user in await app.store.users()],
            "keys": [key(one, app.clock()) for one in await app.store.keys()],
        }
    )


async def _order(app: Here, by: Staff, make: office.Order, /, **given: Any) -> dict[str, Any]:
    """One of the office's orders, the same as on the command line, in this person's name."""
    try:
        return await make(app.store, app.clock(), **given, by=by.holder.id)
    except office.OrderRefused as error:
        raise Problem(422, str(error)) from None


@router.post("/people", status_code=201)
async def add(request: Request, who: Admin) -> JSONResponse:
    """A new person; the answer holds the one-time link to set a password with, once."""
    sent = await shapes.body(NewPerson)(request)
    given = {"email": sent.email.strip(), "name": sent.name.strip(), "role": sent.role}
    made = await _order(here(request), who, office.user_add, **given)
    return JSONResponse(made, 201)


async def _another(app: Here, id: str, who: Staff) -> User:
    """Somebody else: nobody takes their own rights away, so that there is always an admin left."""
    user = await app.store.user(id=id)
    if user is None:
        raise Problem(404, "There is no such person.")
    if f"user:{id}" == who.holder.id:
        raise Problem(409, "Another admin must do this: nobody changes their own rights.")
    return user


@router.post("/people/{id}")
async def change(request: Request, id: str, who: Admin) -> JSONResponse:
    """Name or role. A changed role ends the person's sessions, and their claims go back when the lease ends."""
    sent = await shapes.body(ChangePerson)(request)
    app = here(request)
    if sent.role is not None:
        await _another(app, id, who)
    changes = {k: v for k, v in {"name": sent.name, "role": sent.role}.items() if v is not None}
    if not changes:
        raise Problem(422, "Send a name or a role.")
    changed = await app.store.change_user(id, **changes)
    if changed is None:
        raise Problem(404, "There is no such person.")
    if sent.role is not None:
        await app.store.end_session(user=id)
    await app.store.audit(who.holder.id, "user.change", id, app.clock(), {"role": sent.role} if sent.role else None)
    board(request.app.state).changed()
    return JSONResponse(person(changed))


@router.post("/people/{id}/disable")
async def disable(request: Request, id: str, who: Admin) -> JSONResponse:
    """No more signing in; every session ends now; what they hold goes back to the queue when its lease ends."""
    app = here(request)
    await _another(app, id, who)
    done = await _order(app, who, office.user_disable, who=id)
    board(request.app.state).changed()
    return JSONResponse(done)


@router.post("/people/{id}/reset")
async def reset(request: Request, id: str, who: Admin) -> JSONResponse:
    """A new one-time link; the old password, second step and passkeys stop working."""
    app = here(request)
    await _another(app, id, who)
    for passkey, one in (await app.store.kept("passkey")).items():
        if one["user"] == id:
            await app.store.drop("passkey", passkey)
    return JSONResponse(await _order(app, who, office.user_reset, who=id))


@router.post("/keys", status_code=201)
async def add_key(request: Request, who: Admin) -> JSONResponse:
    """A new API key; the answer holds it, once."""
    sent = await shapes.body(NewKey)(request)
    made = await _order(here(request), who, office.key_add, name=sent.name.strip(), scopes=sent.scopes, days=sent.days)
    return JSONResponse(made, 201)


@router.delete("/keys/{id}", status_code=204)
async def revoke(request: Request, id: str, who: Admin) -> Response:
    await _order(here(request), who, office.key_revoke, who=id)
    return Response(status_code=204)


# ── the audit log ──


@router.get("/audit")
async def audit(
    request: Request,
    who: Auditor,
    before: Annotated[int, Query(ge=0, le=2**53)] = 0,
    actor: Annotated[str, Query(max_length=100)] = "",
    action: Annotated[str, Query(max_length=60)] = "",
    subject: Annotated[str, Query(max_length=100)] = "",
) -> JSONResponse:
    """The log, latest first, `before` a row's number; `more` says where to go on. A call looks through 5,000 rows."""
    app = here(request)
    names = {f"user:{u.id}": u.name for u in await app.store.users()}
    names |= {f"key:{k.id}": k.name for k in await app.store.keys()}
    end = before - 1 if before else await _last(app)
    found: list[dict[str, Any]] = []
    floor = max(0, end - LOOKED_AT)
    while end > floor and len(found) < PAGE:
        start = max(floor, end - 500)
        rows = [row for row in await app.store.audit_rows(start, end - start) if start < row["id"] <= end]
        for row in reversed(rows):
            if (
                (not actor or actor.lower() in f"{row['who']} {names.get(row['who'], '')}".lower())
                and row["action"].startswith(action)
                and (not subject or subject in row["subject"])
            ):
                found.append(row | {"at": shapes.when(row["at"]), "name": names.get(row["who"], row["who"])})
                if len(found) == PAGE:
                    break
        end = found[-1]["id"] - 1 if len(found) == PAGE else start
    return JSONResponse({"rows": found, "more": end + 1 if end > 0 else 0})


async def _last(app: Here) -> int:
    """The last row's number: the log is gapless, so halving finds it."""
    low, high = 0, 1
    while await app.store.audit_rows(high, 1):
        low, high = high, high * 2
    while low < high:
        middle = (low + high) // 2
        if await app.store.audit_rows(middle, 1):
            low = middle + 1
        else:
            high = middle
    return low


@router.post("/audit/verify")
async def verify(request: Request, who: Auditor) -> JSONResponse:
    """Recomputes the chain from its first row."""
    app = here(request)
    rows, fault = await app.store.audit_verify()
    await app.store.audit(who.holder.id, "audit.verify", "audit", app.clock(), {"rows": rows, "fault": fault})
    return JSONResponse({"rows": rows, "fault": fault})
