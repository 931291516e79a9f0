"""The server does what its own description says, for every role: no 5xx, documented statuses and content types alone."""

from __future__ import annotations

import os
import sys
from collections import Counter
from typing import Any

import api_table
import httpx
import pytest
import schemathesis
from cast import ROOT, Server, Visitor
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

sys.path.append(str(ROOT / "tests" / "console"))
from people import Person, first_admin, hire  # noqa: E402

CHECKS = [not_a_server_error, status_code_conformance, content_type_conformance, response_headers_conformance, response_schema_conformance]
EXAMPLES = 100 if os.environ.get("HANDRAIL_TORTURE") == "full" else 16
LONG = {"/v1/conversations/{id}/events", "/v1/stream"}  # streams: tests/routes and tests/stores hold them


@pytest.fixture(scope="module")
def house(make_server: Any) -> Server:
    """Its own: what is thrown at it here is no other test's concern."""
    one: Server = make_server(HANDRAIL_CONVERSATIONS_PER_MINUTE="100000")
    return one


@pytest.fixture(scope="module")
def document(house: Server) -> dict[str, Any]:
    found: dict[str, Any] = httpx.get(house.url + "/openapi.json", timeout=30).json()
    return found


def session(one: Person) -> dict[str, str]:
    """Somebody signed in, as their browser shows it."""
    return {name: one.http.headers[name] for name in ("Cookie", "X-CSRF-Token")}


class Roles:
    """Everybody who may call, and the ids that they may try: their own, another's, none."""

    def __init__(self, house: Server) -> None:
        mine, others, asks = Visitor(house.url), Visitor(house.url), Visitor(house.url)
        handoff = asks.say("I want to talk to a person please")["conversation"]["handoff"]["id"]
        keys = {scope: house.key(scope, scope) for scope in ("answers", "handoffs", "webhooks")}
        every = house.key("every", "answers,handoffs,webhooks")
        made = httpx.post(
            house.url + "/v1/webhooks", headers={"Authorization": f"Bearer {every}"}, json={"url": "https://hooks.example.com/x"}
        )
        tokens = {"visitor": mine.token, **keys, "every": every, "unknown": "hrk_unknown"}
        self.headers = {role: {"Authorization": f"Bearer {token}"} for role, token in tokens.items()} | {"nobody": {}}
        admin = first_admin(house)
        people = {role: hire(admin, f"{role}@larkfield.example", role, role) for role in ("clinician", "front_desk", "auditor")}
        self.headers |= {role: session(one) for role, one in {"admin": admin, **people}.items()}
        self.ids = {
            "conversations": [mine.id, others.id, asks.id, "c_none"],
            "handoffs": [handoff, "h_none"],
            "webhooks": [made.json()["id"], "wh_none"],
        }

    def right(self, house: Server, path: str) -> str:
        """The role that may call it; a visitor is a new one for each operation, since some of them erase it."""
        if not path.startswith("/v1/conversations"):
            return "every"
        mine = Visitor(house.url)
        mine.say("hello")
        self.headers["visitor"] = {"Authorization": f"Bearer {mine.token}"}
        self.ids["conversations"][0] = mine.id
        return "visitor"

    def aim(self, path: str, given: dict[str, Any], pick: int) -> dict[str, Any]:
        """Ids that exist in the place of the made-up ones, more often than not: one's own, another's, one of nobody."""
        known = next((ids for room, ids in self.ids.items() if path.startswith(f"/v1/{room}/")), None)
        if known is None or "id" not in given or pick > 9:
            return given
        return given | {"id": known[0] if pick < 6 else known[pick % len(known)]}


@pytest.fixture(scope="module")
def roles(house: Server) -> Roles:
    return Roles(house)


def test_every_operation_keeps_its_description(house: Server, document: dict[str, Any], roles: Roles) -> None:
    schema = schemathesis.openapi.from_dict(document)
    operations = [found.ok() for found in schema.get_all_operations()]
    operations = [o for o in operations if o.path not in LONG]
    faults: list[str] = []
    asked: Counter[int] = Counter()
    table = api_table.Table(len(operations), len(CHECKS))

    def one(operation: Any) -> None:
        right = roles.right(house, operation.path)
        cases = operation.as_strategy() | operation.as_strategy(generation_mode=schemathesis.GenerationMode.NEGATIVE)

        @settings(
            max_examples=EXAMPLES, deadline=None, database=None, derandomize=True, phases=[Phase.generate],
            suppress_health_check=list(HealthCheck),
        )  # fmt: skip
        @given(case=cases, role=st.sampled_from([right] * 8 + sorted(roles.headers)), pick=st.integers(0, 11))
        def ask(case: Any, role: str, pick: int) -> None:
            case.path_parameters = roles.aim(operation.path, dict(case.path_parameters or {}), pick)
            made_up = {"authorization", "cookie", "x-csrf-token"}
            case.headers = {k: v for k, v in (case.headers or {}).items() if k.lower() not in made_up} | roles.headers[role]
            case.cookies = {}
            answer = case.call(base_url=house.url, timeout=35)
            asked[answer.status_code] += 1
            table.note(role, answer.status_code)
            case.validate_response(answer, checks=CHECKS)

        try:
            ask()
        except BaseExceptionGroup as group:
            faults.append(f"{operation.method.upper()} {operation.path}: {group.exceptions[0]}"[:900])
        except AssertionError as error:
            faults.append(f"{operation.method.upper()} {operation.path}: {error}"[:900])

    for operation in operations:
        one(operation)
    api_table.MADE.append(table.done(len(faults)))
    assert not faults, "\n\n".join(faults)
    assert len(operations) >= 30
    assert {200, 401, 403, 404, 422} <= set(asked), asked
    for role in roles.headers:
        assert table.of(role), f"nothing was asked as {role}"
    assert not [code for role in ("nobody", "unknown") for code in table.of(role) if code in {403, 409}], "told a stranger what there is"


def test_every_call_of_the_contract_is_described(document: dict[str, Any]) -> None:
    """Each with a summary, a documented success, and an example where it takes a body."""
    paths = document["paths"]
    for call in (
        "POST /v1/conversations", "POST /v1/conversations/{id}/messages", "GET /v1/conversations/{id}/messages",
        "GET /v1/conversations/{id}/events", "POST /v1/conversations/{id}/handoff", "POST /v1/conversations/{id}/typing",
        "POST /v1/conversations/{id}/end", "GET /v1/conversations/{id}/transcript", "DELETE /v1/conversations/{id}",
        "POST /v1/answers", "GET /v1/handoffs", "POST /v1/handoffs/next", "POST /v1/handoffs/{id}/claim",
        "POST /v1/handoffs/{id}/messages", "POST /v1/handoffs/{id}/notes", "POST /v1/handoffs/{id}/release",
        "POST /v1/handoffs/{id}/transfer", "POST /v1/handoffs/{id}/urgency", "POST /v1/handoffs/{id}/close",
        "GET /v1/handoffs/{id}", "GET /v1/events", "POST /v1/webhooks", "GET /v1/webhooks", "DELETE /v1/webhooks/{id}",
        "POST /v1/webhooks/{id}/replay", "POST /v1/chat/completions", "GET /healthz", "GET /readyz", "GET /metrics",
    ):  # fmt: skip
        method, path = call.split()
        operation = paths[path][method.lower()]
        assert operation["summary"], call
        assert [s for s in operation["responses"] if s.startswith("2")], call
        for content in operation.get("requestBody", {}).get("content", {}).values():
            assert content.get("example") or call.endswith(("typing", "replay")), call


def test_every_example_does_what_it_shows(house: Server, document: dict[str, Any], roles: Roles) -> None:
    """Each body that the description gives as an example, sent as it stands to something that it fits."""
    key = httpx.Client(base_url=house.url, timeout=30, headers=roles.headers["every"])
    users = [line for line in house.run("user", "list").stdout.splitlines()[1:] if line.strip()]
    sent = 0
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            for media, content in operation.get("requestBody", {}).get("content", {}).items():
                body = content.get("example")
                if body is None or path.endswith("/hook") or "chatwoot" in path:
                    continue
                visitor = Visitor(house.url)
                client, id = visitor.http, visitor.id
                if not path.startswith("/v1/conversations"):
                    client = key
                if path.startswith("/v1/handoffs/{id}"):
                    id = visitor.say("I want to talk to a person please")["conversation"]["handoff"]["id"]
                    assert key.post(f"/v1/handoffs/{id}/claim").status_code == 200
                if path.startswith("/v1/webhooks/{id}"):
                    id = roles.ids["webhooks"][0]
                if path.endswith("/transfer"):
                    body = body | {"to": f"user:{users[0].split()[0]}"}  # the one name in them that only this house knows
                answer = client.request(method.upper(), path.replace("{id}", id), json=body, headers={"Content-Type": media})
                sent += 1
                if path.endswith("/transfer") and "not on duty" in answer.text:
                    continue  # understood: nobody here is on duty
                assert answer.status_code in {200, 201, 202, 204}, f"{method.upper()} {path} {body}: {answer.status_code} {answer.text}"
    assert sent >= 13
