"""The console's pages: signed out the way in, signed in the queue; what a role may not see is not there for it."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import RedirectResponse, Response

from bot.routes import access, console_account, console_bookings, console_figures, console_passkeys, console_people
from bot.routes import console_work as work
from bot.routes.access import Staff
from bot.routes.console_board import board
from bot.routes.console_stream import stream_route
from bot.routes.pages import page
from bot.routes.state import here

__all__ = ["router", "stream_route"]

router = APIRouter(include_in_schema=False)
for part in (console_account, console_passkeys, work, console_bookings, console_figures, console_people):
    router.include_router(part.router)

PAGES = (  # path, name, the scopes that open it
    ("/console", "Queue", frozenset({"handoffs", "bookings"})),
    ("/console/gaps", "Gaps", frozenset({"handoffs"})),
    ("/console/figures", "Figures", frozenset({"handoffs"})),
    ("/console/people", "People and keys", frozenset({"admin"})),
    ("/console/audit", "Audit log", frozenset({"audit"})),
    ("/console/webhooks", "Webhooks", frozenset({"admin"})),
)
ANYONE = frozenset({"handoffs", "bookings", "admin", "audit"})


async def inside(request: Request, name: str, scopes: frozenset[str] = ANYONE, **context: Any) -> Response:
    """A page for people who are signed in and may see it; the way in for everybody else."""
    who = await access.session(request)
    if who is None:
        return page(request, "console/signin.html", passkeys=console_passkeys.usable(request))
    if not who.scopes & scopes:
        return RedirectResponse(home(who), 303)
    return shown(request, who, name, **context)


def home(who: Staff) -> str:
    """The first page that this person may see."""
    return next((path for path, _, scopes in PAGES if who.scopes & scopes), "/console/account")


def shown(request: Request, who: Staff, name: str, **context: Any) -> Response:
    app, user = here(request), who.user
    assert user is not None  # a session is a person's
    config = {
        "user": {"id": f"user:{user.id}", "name": user.name, "role": user.role},
        "csrf": who.csrf,
        "transcripts": who.reads_transcripts,
        "time_zone": app.words.practice.time_zone,
        "text_limit": 4000,
        "beat": 3,
    }
    answer = page(
        request,
        f"console/{name}.html",
        me=user,
        config=config,
        reasons=work.REASONS,
        nav=[(path, label) for path, label, scopes in PAGES if who.scopes & scopes],
        here=request.url.path,
        **context,
    )
    answer.headers["Cache-Control"] = "no-store"
    return answer


@router.get("/console")
async def queue(request: Request) -> Response:
    """The queue, in the page as it comes: what is waiting is there before any script has run."""
    who = await access.session(request)
    if who is None or not who.scopes & PAGES[0][2]:
        return await inside(request, "queue", PAGES[0][2])
    look = board(request.app.state)
    await look.refresh()
    rows, now = json.loads(look.full if who.reads_transcripts else look.desk), here(request).clock()
    for row in (*rows["waiting"], *rows["claimed"]):
        minutes = int((now - datetime.fromisoformat(row["opened_at"])).total_seconds() // 60)
        row["waited"] = f"waiting {minutes} min" if minutes < 90 else f"waiting {minutes // 60} h"
    return shown(request, who, "queue", rows=rows)


@router.get("/console/welcome")
async def welcome(request: Request) -> Response:
    """The one-time link's page. The secret stands in the fragment, which no server ever sees."""
    return page(request, "console/welcome.html")


@router.get("/console/account")
async def account(request: Request) -> Response:
    return await inside(request, "account", passkeys=console_passkeys.usable(request))


@router.get("/console/gaps")
async def gaps(request: Request) -> Response:
    return await inside(request, "gaps", PAGES[1][2])


@router.get("/console/figures")
async def figures(request: Request) -> Response:
    return await inside(request, "figures", PAGES[2][2])


@router.get("/console/people")
async def people(request: Request) -> Response:
    return await inside(request, "people", PAGES[3][2])


@router.get("/console/audit")
async def audit(request: Request) -> Response:
    return await inside(request, "audit", PAGES[4][2])


@router.get("/console/webhooks")
async def webhooks(request: Request) -> Response:
    """Where other systems are told, and what could not be told to them. The page asks /v1/webhooks, as an integrator does."""
    return await inside(request, "webhooks", PAGES[5][2])
