"""More turns at once than there is room for: plain ones come again and are lost nowhere; words of risk always get through."""

from __future__ import annotations

import re
import threading
from collections.abc import Callable
from typing import Any

import httpx
import pytest
from cast import Server, Visitor


@pytest.fixture(scope="module")
def narrow(make_server: Any) -> Server:
    one: Server = make_server(
        HANDRAIL_TURNS_AT_ONCE="1", HANDRAIL_CONVERSATIONS_PER_MINUTE="100000", HANDRAIL_MESSAGES_PER_MINUTE="100000"
    )
    return one


def at_once(*calls: Callable[[], httpx.Response]) -> list[httpx.Response]:
    answers: list[httpx.Response | None] = [None] * len(calls)
    together = threading.Barrier(len(calls))

    def one(place: int) -> None:
        together.wait()
        answers[place] = calls[place]()

    threads = [threading.Thread(target=one, args=(n,)) for n in range(len(calls))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return [a for a in answers if a is not None]


def test_plain_turns_come_again_and_crises_pass(narrow: Server) -> None:
    plain, crises = [Visitor(narrow.url) for _ in range(16)], [Visitor(narrow.url) for _ in range(6)]
    flagged = Visitor(narrow.url)
    asked = flagged.say("I can't do this any more")
    assert asked["conversation"]["urgency"] >= 2
    refused = 0
    for round_ in range(20):
        said = [lambda v=v: v.post("what is exposure therapy?", f"m{round_}") for v in plain]
        cries = [lambda v=v: v.post("I am going to kill myself tonight", f"m{round_}") for v in crises]
        answers = at_once(*said, *cries, lambda: flagged.post("yes", f"m{round_}"))
        assert [a.status_code for a in answers[len(plain) :]] == [201] * 7, "words of risk were held up"
        for answer in answers[: len(plain)]:
            assert answer.status_code in {201, 503}, answer.text
            if answer.status_code == 503:
                refused += 1
                assert answer.headers["retry-after"] == "2"
                assert answer.json()["lines"], "the lines come with the refusal"
        if refused:
            break
    assert refused, "there was room for all"
    shed = next((v, a) for v, a in zip(plain, answers, strict=False) if a.status_code == 503)[0]
    assert shed.post("what is exposure therapy?", f"m{round_}").status_code == 201
    own = [m.get("client_id") for m in shed.messages() if m["author"] == "visitor"]
    assert own.count(f"m{round_}") == 1
    figures = httpx.get(narrow.url + "/metrics").text
    (counted,) = re.findall(r"^handrail_turns_shed_total (\d+)", figures, re.M)
    assert int(counted) >= refused


def test_answers_without_a_conversation_give_way_too(narrow: Server) -> None:
    http = httpx.Client(base_url=narrow.url, timeout=30, headers={"Authorization": f"Bearer {narrow.key('asks', 'answers')}"})
    refused = 0
    for _ in range(20):
        calls = [lambda: http.post("/v1/answers", json={"text": "what is exposure therapy?"})] * 12
        calls += [lambda: http.post("/v1/answers", json={"text": "I want to die"})] * 4
        answers = at_once(*calls)
        assert [a.status_code for a in answers[12:]] == [200] * 4
        refused = sum(a.status_code == 503 for a in answers)
        assert {a.status_code for a in answers} <= {200, 503}
        if refused:
            break
    assert refused
