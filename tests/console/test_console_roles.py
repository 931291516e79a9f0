"""Who may do what: every route of the application with every kind of caller, against one table. No route is left out."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from cast import Server, Visitor, copy_warm
from people import COOKIE, Person, hire

from bot.app import build
from bot.settings import Settings

VISITOR, ANSWERS, HANDOFFS, WEBHOOKS = "visitor", "key:answers", "key:handoffs", "key:webhooks"
ADMIN, CLINICIAN, DESK, AUDITOR = "admin", "clinician", "front_desk", "auditor"
CALLERS = ("nobody", VISITOR, ANSWERS, HANDOFFS, WEBHOOKS, ADMIN, CLINICIAN, DESK, AUDITOR)

ALL = set(CALLERS)
CARE = {HANDOFFS, ADMIN, CLINICIAN}
BOOKS = CARE | {DESK}
PEOPLE = {ADMIN, CLINICIAN, DESK, AUDITOR}
HOOKS = {WEBHOOKS, ADMIN}
LOG = {ADMIN, AUDITOR}

TABLE: dict[str, set[str]] = {
    # anyone: pages, scripts, the state of the service, and the ways in
    "GET /": ALL, "GET /chat": ALL, "GET /articles": ALL, "GET /articles/{slug}": ALL, "GET /practice": ALL,
    "GET /safety-protocol": ALL, "GET /demo": ALL, "GET /gallery": ALL, "GET /embed.js": ALL, "GET /static/{name:path}": ALL,
    "GET /look.css": ALL, "GET /healthz": ALL, "GET /readyz": ALL, "GET /metrics": set(), "GET /openapi.json": ALL, "GET /docs": ALL,
    "POST /v1/conversations": ALL, "GET /console": ALL, "GET /console/welcome": ALL, "GET /appointments/{token}.ics": ALL,
    "GET /v1/signin": ALL, "POST /v1/signin/password": ALL, "POST /v1/signin/code": ALL, "POST /v1/signin/welcome": ALL,
    "POST /v1/signin/out": ALL, "POST /v1/signin/passkey/options": ALL, "POST /v1/signin/passkey": ALL,
    "POST /v1/channels/chatwoot/{token}": ALL,  # whoever knows the address's token; to everybody else there is nothing
    # the holder of one conversation's token
    "POST /v1/conversations/{id}/messages": {VISITOR}, "GET /v1/conversations/{id}/messages": {VISITOR},
    "GET /v1/conversations/{id}/events": {VISITOR}, "POST /v1/conversations/{id}/handoff": {VISITOR},
    "DELETE /v1/conversations/{id}/handoff": {VISITOR}, "POST /v1/conversations/{id}/typing": {VISITOR}, "POST /v1/conversations/{id}/end": {VISITOR},
    "PATCH /v1/conversations/{id}": {VISITOR}, "GET /v1/conversations/{id}/transcript": {VISITOR},
    "DELETE /v1/conversations/{id}": {VISITOR},
    # answers without a conversation
    "POST /v1/answers": {ANSWERS, ADMIN, CLINICIAN}, "POST /v1/chat/completions": {ANSWERS, ADMIN, CLINICIAN},
    "GET /v1/models": {ANSWERS, ADMIN, CLINICIAN},
    # the queue
    "GET /v1/handoffs": BOOKS, "GET /v1/stream": BOOKS,
    "POST /v1/handoffs/next": CARE, "GET /v1/handoffs/{id}": CARE, "POST /v1/handoffs/{id}/claim": CARE,
    "POST /v1/handoffs/{id}/acknowledge": CARE, "POST /v1/handoffs/{id}/messages": CARE, "POST /v1/handoffs/{id}/notes": CARE,
    "POST /v1/handoffs/{id}/release": CARE, "POST /v1/handoffs/{id}/transfer": CARE, "POST /v1/handoffs/{id}/urgency": CARE,
    "POST /v1/handoffs/{id}/close": CARE, "GET /v1/events": CARE,
    "POST /v1/console/handoffs/{id}/typing": CARE, "GET /v1/console/handoffs/{id}/canned": CARE, "GET /v1/console/articles": CARE,
    "POST /v1/console/handoffs/{id}/marks": CARE, "GET /v1/console/handoffs/{id}/marks": CARE,
    "GET /v1/console/gaps": CARE, "GET /v1/console/figures": CARE,
    # bookings, without a transcript
    "GET /v1/console/bookings/{id}": BOOKS, "POST /v1/console/bookings/{id}/take": BOOKS,
    "POST /v1/console/bookings/{id}/release": BOOKS, "POST /v1/console/bookings/{id}/accept": BOOKS,
    "POST /v1/console/bookings/{id}/offer": BOOKS, "POST /v1/console/bookings/{id}/decline": BOOKS,
    "GET /v1/console/bookings/{id}/fhir": BOOKS, "POST /v1/console/bookings/{id}/acknowledge": BOOKS,
    "POST /v1/console/duty": BOOKS - {HANDOFFS}, "POST /v1/console/stay": BOOKS | {AUDITOR},
    # webhooks
    "POST /v1/webhooks": HOOKS, "GET /v1/webhooks": HOOKS, "GET /v1/webhooks/{id}": HOOKS, "DELETE /v1/webhooks/{id}": HOOKS,
    "POST /v1/webhooks/{id}/rotate": HOOKS, "POST /v1/webhooks/{id}/replay": HOOKS,
    # one's own account
    "GET /v1/account": PEOPLE, "POST /v1/account/password": PEOPLE, "DELETE /v1/account/sessions": PEOPLE,
    "DELETE /v1/account/sessions/{id}": PEOPLE, "POST /v1/account/totp": PEOPLE, "POST /v1/account/totp/confirm": PEOPLE,
    "POST /v1/account/recovery": PEOPLE, "POST /v1/account/totp/off": PEOPLE, "POST /v1/account/passkeys/options": PEOPLE,
    "POST /v1/account/passkeys": PEOPLE, "DELETE /v1/account/passkeys/{id}": PEOPLE,
    # people, keys and the log
    "GET /v1/console/people": {ADMIN}, "POST /v1/console/people": {ADMIN}, "POST /v1/console/people/{id}": {ADMIN},
    "POST /v1/console/people/{id}/disable": {ADMIN}, "POST /v1/console/people/{id}/reset": {ADMIN},
    "POST /v1/console/keys": {ADMIN}, "DELETE /v1/console/keys/{id}": {ADMIN},
    "GET /v1/console/audit": LOG, "POST /v1/console/audit/verify": LOG,
    # the console's pages: the way in for whoever is not signed in, another page for whoever may not see this one
    "GET /console/account": PEOPLE, "GET /console/gaps": {ADMIN, CLINICIAN}, "GET /console/figures": {ADMIN, CLINICIAN},
    "GET /console/people": {ADMIN}, "GET /console/audit": LOG, "GET /console/webhooks": {ADMIN},
}  # fmt: skip


def walk(routes: Any) -> Iterator[tuple[str, str]]:
    """Every (method, path), down through the routers that were included."""
    for route in routes:
        inner = getattr(route, "original_router", None)
        if inner is not None:
            yield from walk(inner.routes)
        for method in getattr(route, "methods", None) or ():
            if method != "HEAD":
                yield method, route.path


@pytest.fixture(scope="module")
def there(warm: Path, tmp_path_factory: pytest.TempPathFactory) -> set[str]:
    """The application as it is joined, not started."""
    app = build(Settings(data=copy_warm(warm, tmp_path_factory.mktemp("walked"))))
    return {f"{method} {path}" for method, path in walk(app.router.routes)}


class Caller:
    """One kind of caller, with the headers that make them one."""

    def __init__(self, server: Server, kind: str, visitor: Visitor, admin: Person) -> None:
        self.kind, self.id = kind, visitor.id
        self.http = httpx.Client(base_url=server.url, timeout=30, headers={"X-Forwarded-For": "10.9.9.9"})
        if kind == VISITOR:
            self.http.headers["Authorization"] = f"Bearer {visitor.token}"
        elif kind.startswith("key:"):
            self.http.headers["Authorization"] = f"Bearer {server.key('walk ' + kind, kind[4:])}"
        elif kind != "nobody":
            one = hire(admin, f"walk-{kind}@larkfield.example", f"Walk {kind}", kind)
            self.http.headers.update({"Cookie": f"{COOKIE}={one.cookie}", "X-CSRF-Token": one.me["csrf"]})

    def ask(self, route: str) -> tuple[int, str]:
        """(status, the page as far as it tells a sign-in page from another)."""
        method, path = route.split(" ")
        mine = path.startswith("/v1/conversations/")
        path = re.sub(r"\{[^}]*\}", lambda found: self.id if mine and found[0] == "{id}" else "nothing-here", path)
        with self.http.stream(method, path, json={} if method in {"POST", "PATCH"} else None) as answer:
            text = answer.read().decode() if path.startswith("/console") or path.endswith("/next") else ""
        if path.endswith("/next") and answer.status_code == 200:  # what the walk took it lets go of
            self.http.post(f"/v1/handoffs/{answer.json()['id']}/release", json={"note": "only looking"})
        return answer.status_code, text


SIGN_IN = 'id="email"'  # stands on the sign-in page alone
LAST = ("POST /v1/signin/out", "DELETE /v1/conversations/{id}")  # after which the caller is nobody any more


def test_the_table_names_every_route_and_no_other(there: set[str]) -> None:
    assert len(there) > 80
    assert there - set(TABLE) == set(), "a new route: say here who may call it"
    assert set(TABLE) - there == set(), "the table names routes that are gone"


@pytest.mark.parametrize("kind", CALLERS)
def test_every_route_lets_in_whom_the_table_names_and_nobody_else(kind: str, server: Server, admin: Person) -> None:
    caller = Caller(server, kind, Visitor(server.url), admin)
    wrong = []
    for route in sorted(TABLE, key=lambda route: (route in LAST, route)):
        status, page = caller.ask(route)
        if route.startswith("GET /console/") and kind not in TABLE[route]:
            held = status == 303 or (status == 200 and SIGN_IN in page)
        elif route.startswith("GET /console/") and TABLE[route] != ALL:
            held = status == 200 and SIGN_IN not in page
        elif kind in TABLE[route]:
            held = status not in {401, 403} or (status == 401 and route in MAY_REFUSE)
        elif kind == "nobody":
            held = status == 401
        else:
            held = status in {401, 403}
        if not held:
            wrong.append((route, status, "let in" if kind in TABLE[route] else "keep out"))
    assert not wrong


MAY_REFUSE = {"POST /v1/signin/code", "POST /v1/signin/password", "POST /v1/signin/passkey", "POST /v1/signin/welcome"}


def test_the_front_desk_reads_no_transcript(server: Server, admin: Person) -> None:
    """Also not by way of the stream, of a booking, or of a handoff that is none."""
    desk = hire(admin, "walk-desk-2@larkfield.example", "Walk Desk", DESK)
    visitor = Visitor(server.url)
    secret = "lighthouse-on-the-hill"
    visitor.say(f"I would like to talk to a person about my {secret}.")
    id = visitor.http.get(visitor.path + "/messages").json()["conversation"]["handoff"]["id"]
    assert desk.get(f"/v1/stream?handoff={id}").status_code == 403
    assert desk.get(f"/v1/console/bookings/{id}").status_code == 404
    assert desk.post(f"/v1/console/bookings/{id}/take").status_code == 404
    assert desk.get("/v1/events").status_code == 403
    everything = desk.get("/v1/handoffs?state=all").text + desk.get("/console").text
    assert secret not in everything and id not in everything
