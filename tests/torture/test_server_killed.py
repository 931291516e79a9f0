"""SIGKILL in the middle of traffic: messages, streams, webhooks and the claim, counted from the outside once it is back."""

from __future__ import annotations

import signal
from typing import Any

import pytest
from cast import Server, Target
from outside import Shift, Traffic, written
from size import FULL

ROUNDS = 6 if FULL else 2
WRITERS = 6


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_everything_acknowledged_survives_a_kill(make_server: Any, target: Target) -> None:
    one: Server = make_server(
        HANDRAIL_MESSAGES_PER_MINUTE="1000000", HANDRAIL_WEBHOOK_ALLOW_PRIVATE="true", HANDRAIL_CONVERSATIONS_PER_MINUTE="100000"
    )
    shift = Shift([one], target)
    traffic = Traffic(one.url, WRITERS)
    writers = traffic.writers
    for round_ in range(ROUNDS):
        written(writers, 40)
        if round_ == 0:
            shift.race(traffic.visitors[0])  # the claims may be under way when it is killed
        one.stop(signal.SIGKILL)
        one.start()
    written(writers, 40)
    traffic.ended(shift)
    acknowledged = traffic.noted("SIGKILL of the server under load, SQLite", ROUNDS)
    assert all(writer.failures for writer in writers), "nobody noticed the kill"
    assert all(reader.connections > ROUNDS for reader in traffic.readers)
    assert shift.whole() > acknowledged
    for writer in writers:
        first = next(iter(writer.acknowledged))
        repeated = writer.visitor.post(f"what is exposure therapy, number {first[1:]}?", first)
        assert repeated.status_code == 200
        assert repeated.json()["message"] == writer.acknowledged[first]["message"]
