"""Health, figures, description and pages of a real server."""

from __future__ import annotations

import re

import httpx
import pytest
from cast import Server, Visitor


def test_it_is_up_and_ready(server: Server) -> None:
    assert httpx.get(server.url + "/healthz").json()["status"] == "up"
    ready = httpx.get(server.url + "/readyz").json()
    assert ready == {"status": "ready", "model": True, "index": True, "store": True}


def test_metrics_count_turns_and_tell_nothing_of_a_person(server: Server, visitor: Visitor) -> None:
    visitor.say("my very unusual private words")
    text = httpx.get(server.url + "/metrics").text
    assert re.search(r"handrail_turns_total\{.*\} \d", text)
    assert "unusual" not in text
    assert visitor.id not in text


def test_metrics_hold_what_a_shift_depends_on(server: Server) -> None:
    """Turns, verdicts by urgency, the queue's age, promises, the outbox' lag, open streams."""
    visitor = Visitor(server.url)
    visitor.say("I am going to kill myself tonight")

    def figure(name: str) -> float:
        found = re.search(rf"^{re.escape(name)} ([\d.e+]+)$", httpx.get(server.url + "/metrics").text, re.M)
        assert found, name
        return float(found[1])

    before = figure("handrail_streams")
    with visitor.http.stream("GET", visitor.path + "/events", timeout=30) as stream:
        lines = stream.iter_lines()  # held: a generator that is let go closes its stream
        next(lines)
        assert figure("handrail_streams") == before + 1
    assert figure('handrail_verdicts_total{reason="suicide",urgency="4"}') >= 1
    assert figure('handrail_store{figure="queue_4"}') >= 1
    assert figure('handrail_store{figure="queue_oldest_seconds"}') > 0
    for name in ("promises_kept", "promises_broken", "outbox_lag_seconds", "outbox_dead", "outbox_due"):
        assert figure(f'handrail_store{{figure="{name}"}}') >= 0
    assert figure("handrail_turn_seconds_count") >= 1
    assert figure("handrail_crisis_referrals_total") >= 1


def test_metrics_from_elsewhere_want_a_key(make_server) -> None:  # type: ignore[no-untyped-def]
    one = make_server(HANDRAIL_PROXIES="1", HANDRAIL_METRICS_KEY="let-me-see")
    elsewhere = {"X-Forwarded-For": "203.0.113.9"}
    assert httpx.get(one.url + "/metrics", headers=elsewhere).status_code == 401
    allowed = elsewhere | {"Authorization": "Bearer let-me-see"}
    assert httpx.get(one.url + "/metrics", headers=allowed).status_code == 200


def test_the_description_has_every_promised_call(server: Server) -> None:
    paths = httpx.get(server.url + "/openapi.json").json()["paths"]
    promised = {
        "/v1/conversations": {"post"},
        "/v1/conversations/{id}": {"delete"},
        "/v1/conversations/{id}/messages": {"get", "post"},
        "/v1/conversations/{id}/events": {"get"},
        "/v1/conversations/{id}/handoff": {"post"},
        "/v1/conversations/{id}/typing": {"post"},
        "/v1/conversations/{id}/end": {"post"},
        "/v1/conversations/{id}/transcript": {"get"},
        "/v1/answers": {"post"},
        "/v1/handoffs": {"get"},
        "/v1/handoffs/next": {"post"},
        "/v1/handoffs/{id}": {"get"},
        "/v1/events": {"get"},
        "/v1/webhooks": {"get", "post"},
        "/v1/webhooks/{id}": {"delete"},
        "/v1/webhooks/{id}/replay": {"post"},
        "/healthz": {"get"},
        "/readyz": {"get"},
        "/metrics": {"get"},
    }
    promised |= {
        f"/v1/handoffs/{{id}}/{step}": {"post"}
        for step in ("claim", "messages", "notes", "release", "transfer", "urgency", "close")
    }
    missing = {path: methods - set(paths.get(path, {})) for path, methods in promised.items()}
    assert not {path: methods for path, methods in missing.items() if methods}


@pytest.mark.parametrize("path", ["/", "/chat", "/chat?embed=1", "/articles", "/practice", "/safety-protocol", "/demo", "/gallery", "/docs", "/console"])  # fmt: skip
def test_pages_come_from_here_alone(server: Server, path: str) -> None:
    page = httpx.get(server.url + path, follow_redirects=True)
    assert page.status_code == 200, page.text[:300]
    assert page.headers["content-type"].startswith("text/html")
    loaded = re.findall(
        r"<(?:script|link|img|iframe|source)[^>]*(?:src|href)=[\"']?(https?:)?//([^\"'\s>]+)", page.text
    )
    assert not loaded, loaded
    assert not re.search(r"<script(?![^>]*(?:src=|application/json))[^>]*>", page.text), "an inline script"
    assert not re.search(r"\sstyle=|\son[a-z]+=|<style", page.text), "an inline style or handler"
    policy = page.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy


def test_the_chat_page_carries_the_lines_before_anything_runs(server: Server) -> None:
    page = httpx.get(server.url + "/chat").text
    assert "988" in page
    assert page.index("988") < page.index("<textarea")
    assert "116 123" in httpx.get(server.url + "/chat?country=GB").text


def test_security_headers_and_request_ids(server: Server) -> None:
    answer = httpx.get(server.url + "/healthz", headers={"X-Request-ID": "abc-1"})
    assert answer.headers["x-request-id"] == "abc-1"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["referrer-policy"] == "no-referrer"
    made = httpx.get(server.url + "/healthz", headers={"X-Request-ID": "a b\tc" * 30}).headers["x-request-id"]
    assert re.fullmatch(r"[0-9a-f]{16}", made)


def test_what_is_not_there_is_a_problem(server: Server) -> None:
    answer = httpx.get(server.url + "/v1/nothing")
    assert answer.status_code == 404
    assert answer.headers["content-type"].startswith("application/problem+json")
    wrong = httpx.put(server.url + "/v1/conversations")
    assert wrong.status_code == 405
    assert wrong.headers["content-type"].startswith("application/problem+json")


def test_static_files_stay_in_their_folder(server: Server) -> None:
    assert httpx.get(server.url + "/embed.js").headers["content-type"].startswith("text/javascript")
    for path in ("/static/../templates/talk.html", "/static/%2e%2e/templates/talk.html", "/static/nothing.js"):
        assert httpx.get(server.url + path).status_code == 404


def test_logs_hold_no_visitor_text(make_server) -> None:  # type: ignore[no-untyped-def]
    one = make_server(HANDRAIL_LOG_LEVEL="debug")
    visitor = Visitor(one.url)
    visitor.say("my secret is a purple giraffe")
    visitor.post("purple giraffe " * 400)
    visitor.http.post(visitor.path + "/messages", content=b'{"text": "purple giraffe"')
    httpx.get(one.url + "/v1/conversations/purple-giraffe/messages")
    log = one.log()
    assert "giraffe" not in log
    assert visitor.token not in log
