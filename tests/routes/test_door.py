"""The door: which pages of others may call, how long a request may take, how large it may be though it does not say so."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from cast import copy_warm

from bot.app import build
from bot.routes import guard
from bot.settings import Settings

OWN = "https://www.practice.example"
Ask = Callable[[httpx.AsyncClient], Awaitable[Any]]


@pytest.fixture(scope="module")
def knock(warm: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[Ask], Any]]:
    """Asks the whole application, without a socket between."""
    chosen = Settings(data=copy_warm(warm, tmp_path_factory.mktemp("door")), allowed_origins=OWN, rules_only=True)
    app = build(chosen)
    running = app.router.lifespan_context(app)

    async def inside(calls: Ask) -> Any:
        transport = httpx.ASGITransport(app)
        async with httpx.AsyncClient(transport=transport, base_url="https://chat.practice.example", timeout=30) as http:
            return await calls(http)

    with asyncio.Runner() as runner:
        runner.run(running.__aenter__())
        yield lambda calls: runner.run(inside(calls))
        runner.run(running.__aexit__(None, None, None))


def test_an_allowed_page_may_call_and_reads_its_own_name_alone(knock: Callable[[Ask], Any]) -> None:
    async def calls(http: httpx.AsyncClient) -> list[httpx.Response]:
        origin = {"Origin": OWN}
        asks = {"Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "authorization"}
        return [
            await http.post("/v1/conversations", json={}, headers=origin),
            await http.options("/v1/conversations", headers=origin | asks),
            await http.post("/v1/conversations", json={}),
        ]

    made, before, plain = knock(calls)
    assert made.status_code == 201
    assert before.status_code == 204
    for answer in (made, before):
        assert answer.headers["access-control-allow-origin"] == OWN
        assert "origin" in answer.headers["vary"].lower()
        assert "access-control-allow-credentials" not in answer.headers, "the cookie is no other page's to send"
    assert "POST" in before.headers["access-control-allow-methods"]
    assert "Authorization" in before.headers["access-control-allow-headers"]
    assert "access-control-allow-origin" not in plain.headers


@pytest.mark.parametrize(
    "origin",
    [f"{OWN}.evil.example", "http://www.practice.example", f"{OWN}:8443", "https://practice.example", "https://evil-www.practice.example", "null", "*"],
)
def test_no_other_page_may_however_like_it(knock: Callable[[Ask], Any], origin: str) -> None:
    async def calls(http: httpx.AsyncClient) -> list[httpx.Response]:
        asks = {"Origin": origin, "Access-Control-Request-Method": "POST"}
        return [await http.post("/v1/conversations", json={}, headers={"Origin": origin}), await http.options("/v1/conversations", headers=asks)]

    for answer in knock(calls):
        assert answer.status_code == 403
        assert "access-control-allow-origin" not in answer.headers


def test_a_body_that_does_not_come_is_not_waited_for(knock: Callable[[Ask], Any], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(guard, "SECONDS", 0.5)

    async def half() -> AsyncIterator[bytes]:
        yield b'{"text": "hel'
        await asyncio.sleep(20)

    async def calls(http: httpx.AsyncClient) -> Any:
        opened = (await http.post("/v1/conversations", json={})).json()
        path, token = f"/v1/conversations/{opened['id']}/messages", {"Authorization": f"Bearer {opened['token']}"}
        slow = await http.post(path, content=half(), headers=token | {"Content-Type": "application/json"})
        return slow, (await http.get(path, headers=token)).json()["messages"]

    slow, messages = knock(calls)
    assert slow.status_code == 503
    assert slow.headers["content-type"] == "application/problem+json"
    assert slow.json()["lines"], "the crisis lines travel with the error"
    assert [m["author"] for m in messages] == ["bot"]


def test_a_body_that_does_not_say_how_large_it_is_is_cut_at_the_same_place(knock: Callable[[Ask], Any]) -> None:
    sent = 0

    async def endless() -> AsyncIterator[bytes]:
        nonlocal sent
        while sent < 50_000_000:
            sent += 65536
            yield b"a" * 65536

    async def calls(http: httpx.AsyncClient) -> Any:
        return await http.post("/v1/conversations", content=endless(), headers={"Content-Type": "application/json"})

    answer = knock(calls)
    assert answer.status_code == 413
    assert sent < guard.BODY_LIMIT + 4 * 65536, "it was read on"


def test_every_answer_carries_the_policies_once(knock: Callable[[Ask], Any]) -> None:
    """Pages, scripts, answers and refusals; what a page says for itself is not said over."""

    async def calls(http: httpx.AsyncClient) -> dict[str, httpx.Response]:
        made = (await http.post("/v1/conversations", json={})).json()
        http.cookies.clear()
        talk, mine = f"/v1/conversations/{made['id']}/messages", {"Authorization": f"Bearer {made['token']}", "Origin": OWN}
        return {
            "page": await http.get("/"),
            "script": await http.get("/embed.js", headers={"Origin": OWN}),
            "missing": await http.get("/nowhere", headers={"Accept": "text/html"}),
            "refused": await http.get("/v1/conversations", headers={"Origin": "https://evil.example"}),
            "nobody": await http.post(talk, json={"text": "hello"}),
            "unread": await http.post(talk, content=b"{", headers=mine),
            "answer": await http.post(talk, json={"text": "hello"}, headers=mine | {"X-Request-ID": "mine-1"}),
            "method": await http.put(talk, json={"text": "hello"}, headers=mine),
        }

    answers = knock(calls)
    assert {name: answer.status_code for name, answer in answers.items()} == {
        "page": 200,
        "script": 200,
        "missing": 404,
        "refused": 403,
        "nobody": 401,
        "unread": 422,
        "answer": 201,
        "method": 405,
    }
    for name, answer in answers.items():
        said = [header for header, _ in answer.headers.raw if header.lower() not in {b"vary", b"set-cookie"}]
        assert len(said) == len({header.lower() for header in said}), (name, said)
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["referrer-policy"] == "no-referrer"
        assert "camera=()" in answer.headers["permissions-policy"]
        assert answer.headers["cross-origin-opener-policy"] == "same-origin"
        opens = answer.headers.get("content-security-policy", "")
        assert (name == "script") == (not opens), (name, opens)
        assert "unsafe" not in opens
    assert "script-src 'self'" in answers["page"].headers["content-security-policy"]
    assert answers["script"].headers["access-control-allow-origin"] == "*"
    assert answers["script"].headers["cross-origin-resource-policy"] == "cross-origin"
    assert answers["answer"].headers["cross-origin-resource-policy"] == "same-site"
    assert answers["answer"].headers["cache-control"] == "no-store"
    assert answers["answer"].headers["x-request-id"] == "mine-1"
    named = {answer.headers["x-request-id"] for answer in answers.values()}
    assert len(named) == len(answers)
    for name in ("answer", "unread", "method"):
        assert answers[name].headers["access-control-allow-origin"] == OWN
