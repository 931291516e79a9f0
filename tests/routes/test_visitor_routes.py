"""The visitor's calls, as contract.md promises them, against a real server."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from cast import Server, Visitor, copy_warm
from fastapi.testclient import TestClient

from bot.app import build
from bot.settings import Settings

MESSAGE = {"id", "seq", "author", "kind", "text", "citations", "actions", "created_at"}
CONVERSATION = {"id", "owner", "urgency", "language", "country", "handoff"}
OURS = "/v1/conversations/{id}"


def problem(answer: httpx.Response, status: int) -> dict[str, Any]:
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"].startswith("application/problem+json")
    body: dict[str, Any] = answer.json()
    assert {"type", "title", "status", "detail"} <= set(body)
    assert body["status"] == status
    return body


def test_the_first_message_says_that_this_is_no_person(visitor: Visitor) -> None:
    first = visitor.opened["messages"]
    assert len(first) == 1
    assert set(first[0]) >= MESSAGE
    assert (first[0]["author"], first[0]["kind"], first[0]["seq"]) == ("bot", "disclosure", 1)
    assert "automated" in first[0]["text"]
    assert "not a person" in first[0]["text"]
    assert set(visitor.opened["conversation"]) == CONVERSATION
    assert visitor.opened["conversation"]["country"] == "US"


def test_an_answer_quotes_an_article_word_for_word(server: Server, visitor: Visitor) -> None:
    said = visitor.say("does therapy really change the brain?")
    answer = said["replies"][0]
    assert answer["kind"] == "answer"
    assert answer["citations"]
    for citation in answer["citations"]:
        assert set(citation) == {"n", "article", "title", "heading", "quote", "url"}
        assert citation["quote"] in answer["text"]
        page = httpx.get(server.url + citation["url"].partition("#")[0])
        assert page.status_code == 200
        anchor = citation["url"].partition("#")[2]
        assert f'id="{anchor}"' in page.text
    assert said["conversation"]["owner"] == "bot"
    assert said["conversation"]["urgency"] == 0


def test_wanting_to_die_brings_the_lines_and_the_queue_at_once(visitor: Visitor) -> None:
    said = visitor.say("I want to die")
    text = "\n".join(m["text"] for m in said["replies"])
    assert "988" in text
    assert said["replies"][0]["kind"] in {"crisis", "support"}
    talk = said["conversation"]
    assert talk["owner"] == "queue"
    assert talk["urgency"] >= 2
    assert talk["handoff"]["state"] == "waiting"
    assert talk["handoff"]["reason"] == "suicide"
    assert talk["handoff"]["due_at"].endswith("Z")


def test_asking_to_book_opens_the_queue_at_the_first_message(visitor: Visitor) -> None:
    said = visitor.say("I'd like to book an appointment with a therapist")
    assert said["replies"][0]["kind"] == "booking"
    assert said["conversation"]["owner"] == "queue"
    assert said["conversation"]["handoff"]["reason"] == "booking"
    assert said["conversation"]["urgency"] == 0


def test_a_question_outside_the_articles_is_said_to_be_outside(visitor: Visitor) -> None:
    said = visitor.say("What is the capital of Mongolia?")
    assert said["replies"][0]["kind"] == "no_answer"
    assert not said["replies"][0]["citations"]
    assert any(a["type"] == "person" for a in said["replies"][0]["actions"])


def test_a_person_can_be_asked_for_first_of_all(visitor: Visitor) -> None:
    answer = visitor.http.post(visitor.path + "/handoff", json={"contact": "+1 555-0123", "note": "afternoons please"})
    assert answer.status_code == 202, answer.text
    talk = answer.json()["conversation"]
    assert talk["owner"] == "queue"
    assert talk["handoff"]["reason"] == "asked"


def test_a_person_can_be_asked_for_without_a_body(visitor: Visitor) -> None:
    answer = visitor.http.post(visitor.path + "/handoff")
    assert answer.status_code == 202, answer.text
    assert answer.json()["conversation"]["owner"] == "queue"


def test_risk_in_the_note_of_a_request_counts(visitor: Visitor) -> None:
    answer = visitor.http.post(visitor.path + "/handoff", json={"note": "I am going to kill myself tonight"})
    talk = answer.json()["conversation"]
    assert talk["urgency"] >= 3
    assert talk["handoff"]["reason"] == "suicide"
    assert "988" in "\n".join(m["text"] for m in answer.json()["replies"])


@pytest.mark.parametrize(
    "body",
    [b"{}", b'{"text": ""}', b'{"text": "   \\n\\t "}', b'{"text": "\\u200b\\u200d"}', b'{"text": 7}', b"[]", b"{", b"null",
     json.dumps({"text": "a" * 4001}).encode(), b'{"text": "\xff\xfe"}', b'{"text": "\\ud800"}',
     json.dumps({"text": "a" * 1_000_000}).encode()],
    ids=["none", "empty", "blank", "invisible", "number", "list", "cut", "null", "4001", "not-utf8", "half-surrogate", "1MB"],
)  # fmt: skip
def test_what_is_no_message_is_refused_and_named(visitor: Visitor, body: bytes) -> None:
    before = len(visitor.messages())
    answer = visitor.http.post(visitor.path + "/messages", content=body, headers={"Content-Type": "application/json"})
    problem(answer, 422)
    assert len(visitor.messages()) == before


def test_over_two_megabytes_is_too_large(visitor: Visitor) -> None:
    answer = visitor.http.post(visitor.path + "/messages", content=b'{"text": "' + b"a" * 3_000_000 + b'"}')
    problem(answer, 413)


def test_4000_characters_and_control_characters_are_taken_whole(visitor: Visitor) -> None:
    for text in ("ü" * 4000, "a\x00b\x07c\u202ed", "line\r\nbreak\ttab"):
        said = visitor.say(text)
        assert said["message"]["text"] == text
    assert [m["text"] for m in visitor.messages() if m["author"] == "visitor"][0] == "ü" * 4000


def test_tokens(server: Server, visitor: Visitor, stranger: Visitor, clinician: httpx.Client) -> None:
    path = visitor.path + "/messages"
    problem(httpx.get(server.url + path), 401)
    problem(httpx.get(server.url + path, headers={"Authorization": "Bearer hrv_nobody"}), 401)
    problem(stranger.http.get(path), 404)
    problem(visitor.http.get("/v1/conversations/c_unknown/messages"), 404)
    problem(visitor.http.get("/v1/handoffs"), 403)
    problem(clinician.get(path), 403)
    problem(httpx.get(server.url + "/v1/handoffs"), 401)


def test_another_party_s_id_is_no_conversation_on_any_route(server: Server, visitor: Visitor, stranger: Visitor) -> None:
    """The routes are read from the API's own description, so that a new one is tried too."""
    before = visitor.messages()
    paths = httpx.get(server.url + "/openapi.json").json()["paths"]
    routes = [(path, method) for path, calls in paths.items() if path.startswith(OURS) for method in calls]
    assert len(routes) >= 10, routes
    for path, method in routes:
        body = {"text": "hello", "typing": True, "language": "es", "contact": ""} if method in {"post", "patch"} else None
        problem(stranger.http.request(method, path.replace(OURS, visitor.path), json=body), 404)
    assert visitor.messages() == before


def test_an_expired_token_opens_nothing(warm: Path, tmp_path: Path) -> None:
    """By the clock alone: nothing else happens in the conversation, and it was open a moment before."""
    at = datetime.fromisoformat("2026-06-01T12:00:00+00:00")
    chosen = Settings(data=copy_warm(warm, tmp_path / "data"), token_days=3, rules_only=True)
    with TestClient(build(chosen, clock=lambda: at), base_url="https://testserver") as http:
        opened = http.post("/v1/conversations", json={}).json()
        http.headers["Authorization"] = f"Bearer {opened['token']}"
        path = f"/v1/conversations/{opened['id']}/messages"
        assert http.post(path, json={"text": "hello"}).status_code == 201
        at += timedelta(days=3, seconds=-1)
        assert http.post(path, json={"text": "still there"}).status_code == 201
        at += timedelta(seconds=1)
        problem(http.get(path), 401)
        problem(http.post(path, json={"text": "hello"}), 401)
        http.headers.pop("Authorization")  # the cookie that the page keeps is the same token
        problem(http.post(path, json={"text": "hello"}), 401)


def test_the_token_never_works_in_the_address(server: Server, visitor: Visitor) -> None:
    problem(httpx.get(f"{server.url}{visitor.path}/messages?token={visitor.token}"), 401)


def test_a_client_id_is_answered_once(visitor: Visitor) -> None:
    first = visitor.post("what is cbt?", "one")
    again = visitor.post("what is cbt?", "one")
    assert (first.status_code, again.status_code) == (201, 200)
    assert first.json()["message"] == again.json()["message"]
    assert first.json()["replies"] == again.json()["replies"]
    problem(visitor.post("something else", "one"), 422)
    assert [m["text"] for m in visitor.messages() if m["author"] == "visitor"] == ["what is cbt?"]


def test_two_messages_at_once_are_both_there_in_one_order(visitor: Visitor) -> None:
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda n: visitor.post(f"message number {n}", f"c{n}"), range(16)))
    assert {a.status_code for a in answers} == {201}
    found = visitor.messages()
    assert [m["seq"] for m in found] == list(range(1, len(found) + 1))
    assert sorted(m["text"] for m in found if m["author"] == "visitor") == sorted(
        f"message number {n}" for n in range(16)
    )


def test_one_client_id_sent_by_many_at_once_is_one_message(visitor: Visitor) -> None:
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: visitor.post("what is dbt?", "same"), range(8)))
    assert sorted(a.status_code for a in answers) == [200] * 7 + [201]
    assert len({a.json()["message"]["id"] for a in answers}) == 1


def test_messages_after_a_seq(visitor: Visitor) -> None:
    visitor.say("hello")
    everything = visitor.messages()
    assert visitor.messages(after=everything[0]["seq"]) == everything[1:]
    assert visitor.messages(after=10_000) == []
    problem(visitor.http.get(visitor.path + "/messages", params={"after": "x"}), 422)
    problem(visitor.http.get(visitor.path + "/messages", params={"after": -1}), 422)


def frames(lines: Iterator[str]) -> Iterator[dict[str, str]]:
    frame: dict[str, str] = {}
    for line in lines:
        if line.startswith(":"):
            yield {"comment": line}
        elif line:
            name, _, value = line.partition(":")
            frame[name] = value.strip()
        elif frame:
            yield frame
            frame = {}


def read_messages(visitor: Visitor, count: int, last: str = "") -> list[dict[str, Any]]:
    headers = {"Last-Event-ID": last} if last else {}
    found: list[dict[str, Any]] = []
    with visitor.http.stream("GET", visitor.path + "/events", headers=headers, timeout=30) as stream:
        assert stream.status_code == 200
        assert stream.headers["content-type"].startswith("text/event-stream")
        for frame in frames(stream.iter_lines()):
            if frame.get("event") == "message":
                found.append(json.loads(frame["data"]))
                assert frame["id"] == str(found[-1]["seq"])
                if len(found) == count:
                    return found
    return found


def test_the_stream_gives_each_message_once_in_order_and_resumes(server: Server, visitor: Visitor) -> None:
    writer = Visitor.__new__(Visitor)
    writer.__dict__ |= visitor.__dict__ | {
        "http": httpx.Client(base_url=server.url, headers=dict(visitor.http.headers))
    }
    timer = threading.Timer(0.5, lambda: writer.say("what is neuroplasticity?"))
    timer.start()
    live = read_messages(visitor, 3)
    timer.join()
    assert [m["seq"] for m in live] == [1, 2, 3]
    assert [m["author"] for m in live] == ["bot", "visitor", "bot"]
    assert [m["seq"] for m in read_messages(visitor, 1, last="2")] == [3]


def test_the_stream_asks_for_the_token_and_a_number(server: Server, visitor: Visitor, stranger: Visitor) -> None:
    problem(httpx.get(server.url + visitor.path + "/events"), 401)
    problem(stranger.http.get(visitor.path + "/events"), 404)
    problem(visitor.http.get(visitor.path + "/events", headers={"Last-Event-ID": "many"}), 422)


def test_transcript_and_end(visitor: Visitor) -> None:
    visitor.say("hello there")
    for format, kind in (("json", "application/json"), ("text", "text/plain"), ("html", "text/html")):
        kept = visitor.http.get(visitor.path + "/transcript", params={"format": format})
        assert kept.status_code == 200
        assert kept.headers["content-type"].startswith(kind)
        assert "hello there" in kept.text
    assert visitor.http.post(visitor.path + "/typing", json={"typing": True}).status_code == 204
    assert visitor.http.post(visitor.path + "/end").status_code == 200
    said = visitor.say("I came back, and I want to kill myself")
    assert said["conversation"]["urgency"] >= 3, "screened also after the end"


def test_erasing_takes_the_text_away_at_once(visitor: Visitor) -> None:
    visitor.say("something very private")
    receipt = visitor.http.delete(visitor.path)
    assert receipt.status_code == 200
    body = receipt.json()["receipt"]
    assert body["complete"] is True
    assert body["messages"] >= 2
    assert visitor.http.get(visitor.path + "/messages").status_code in {401, 404}
    assert visitor.post("still here?").status_code in {401, 404}


def test_erasing_with_an_open_handoff_says_what_is_kept(visitor: Visitor, clinician: httpx.Client) -> None:
    handoff = visitor.say("I want to end my life")["conversation"]["handoff"]["id"]
    body = visitor.http.delete(visitor.path).json()["receipt"]
    assert body["complete"] is False
    assert body["text"]
    assert visitor.http.get(visitor.path + "/messages").status_code in {401, 404}
    kept = clinician.get(f"/v1/handoffs/{handoff}").json()
    assert any("end my life" in m["text"] for m in kept["messages"])
    assert clinician.post(f"/v1/handoffs/{handoff}/claim").status_code == 200
    assert (
        clinician.post(f"/v1/handoffs/{handoff}/close", json={"outcome": "no_contact", "note": "erased"}).status_code
        == 200
    )
    after = clinician.get(f"/v1/handoffs/{handoff}")
    assert "end my life" not in after.text


def test_country_and_language_can_be_chosen(server: Server) -> None:
    abroad = Visitor(server.url, country="GB")
    text = "\n".join(m["text"] for m in abroad.say("I want to die")["replies"])
    assert "116 123" in text
    assert "988" not in text
    moved = abroad.http.patch(abroad.path, json={"country": "AU"})
    assert moved.json()["conversation"]["country"] == "AU"
    problem(abroad.http.patch(abroad.path, json={"country": "Utopia"}), 422)


def test_sixty_conversations_a_minute_and_then_a_rest(make_server: Any) -> None:
    one = make_server()
    with httpx.Client(base_url=one.url) as http:
        statuses = [http.post("/v1/conversations").status_code for _ in range(61)]
    assert statuses == [201] * 60 + [429]


def test_a_flood_is_slowed_but_words_of_risk_never_are(make_server: Any) -> None:
    one = make_server(HANDRAIL_MESSAGES_PER_MINUTE="3")
    visitor = Visitor(one.url)
    assert [visitor.post("hello").status_code for _ in range(4)] == [201, 201, 201, 429]
    slow = problem(visitor.post("hello again"), 429)
    assert slow["lines"], "the lines come with the refusal"
    said = visitor.post("I am going to kill myself")
    assert said.status_code == 201
    assert "988" in said.text


def test_origins(server: Server, visitor: Visitor) -> None:
    foreign = visitor.http.post(
        visitor.path + "/messages", json={"text": "hi"}, headers={"Origin": "https://evil.example"}
    )
    body = problem(foreign, 403)
    assert "HANDRAIL_ALLOWED_ORIGINS=https://evil.example" in body["detail"]
    own = visitor.http.post(visitor.path + "/messages", json={"text": "hi"}, headers={"Origin": server.url})
    assert own.status_code == 201
