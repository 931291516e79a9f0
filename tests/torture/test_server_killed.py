"""SIGKILL in the middle of traffic: every acknowledged message is there once, in order, seq gapless."""

from __future__ import annotations

import os
import signal
import threading
import time
from typing import Any

import httpx
import pytest
from cast import Visitor
from fault_table import note

ROUNDS = 6 if os.environ.get("HANDRAIL_TORTURE") == "full" else 2
WRITERS = 6


def write_until_it_dies(url: str, visitor: Visitor, acknowledged: dict[str, dict[str, Any]], first: int) -> None:
    with httpx.Client(base_url=url, headers=dict(visitor.http.headers), timeout=60) as http:
        for n in range(first, first + 10_000):
            body = {"text": f"what is exposure therapy, number {n}?", "client_id": f"n{n}"}
            try:
                answer = http.post(visitor.path + "/messages", json=body)
            except httpx.TransportError:
                return
            if answer.status_code in {200, 201}:
                acknowledged[body["client_id"]] = answer.json()


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_every_acknowledged_message_survives_a_kill(make_server) -> None:  # type: ignore[no-untyped-def]
    one = make_server(HANDRAIL_MESSAGES_PER_MINUTE="1000000")
    visitors = [Visitor(one.url) for _ in range(WRITERS)]
    kept: list[dict[str, dict[str, Any]]] = [{} for _ in visitors]
    for round in range(ROUNDS):
        threads = [
            threading.Thread(target=write_until_it_dies, args=(one.url, v, k, round * 10_000))
            for v, k in zip(visitors, kept, strict=True)
        ]
        for thread in threads:
            thread.start()
        while sum(map(len, kept)) < 40 * (round + 1):
            assert any(thread.is_alive() for thread in threads), "no answer before it was killed"
            time.sleep(0.005)
        one.stop(signal.SIGKILL)
        for thread in threads:
            thread.join()
        one.start()
    total = 0
    for visitor, acknowledged in zip(visitors, kept, strict=True):
        found = visitor.messages()
        assert [m["seq"] for m in found] == list(range(1, len(found) + 1)), "a gap or a double"
        by_id = {m["id"]: m for m in found}
        assert len(by_id) == len(found)
        for answer in acknowledged.values():
            for message in (answer["message"], *answer["replies"]):
                assert by_id[message["id"]] == message
        own = [m["client_id"] for m in found if m["author"] == "visitor"]
        assert len(own) == len(set(own)), "a message came twice"
        numbers = [int(c[1:]) for c in own]
        assert numbers == sorted(numbers), "out of order"
        again = next(iter(acknowledged))
        repeated = visitor.post(f"what is exposure therapy, number {again[1:]}?", again)
        assert repeated.status_code == 200
        assert repeated.json()["message"] == acknowledged[again]["message"]
        total += len(acknowledged)
    assert total >= 40 * ROUNDS
    note("SIGKILL of the server under load, SQLite", ROUNDS, total)
