"""Behind a line that delays, cuts between commit and answer, and falls silent; with readers that do not read."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator
from typing import Any

import pytest
from bad_line import FAULTS, BadLine
from cast import Server, Target, Visitor
from fault_table import note
from outside import Shift, Traffic, written
from size import FULL

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]
WRITERS, WRITES = 4, 600 if FULL else 100


@pytest.fixture(scope="module")
def house(make_server: Any) -> Server:
    one: Server = make_server(
        HANDRAIL_WEBHOOK_ALLOW_PRIVATE="true", HANDRAIL_MESSAGES_PER_MINUTE="1000000", HANDRAIL_CONVERSATIONS_PER_MINUTE="100000"
    )
    return one


@pytest.fixture
def ear() -> Iterator[Target]:
    one = Target(refuses=2)
    yield one
    one.close()


def test_a_bad_line_loses_and_doubles_nothing(house: Server, ear: Target) -> None:
    shift = Shift([house], ear)
    with BadLine(house.port, seed=7) as line:
        traffic = Traffic(house.url, WRITERS, line.url, patience=3)
        written(traffic.writers, WRITES // 2)
        shift.race(traffic.visitors[0], line.url)
        shift.joined()
        written(traffic.writers, WRITES // 2)
        traffic.ended(shift)
    assert set(FAULTS) == set(line.happened), line.happened
    assert any(w.failures for w in traffic.writers), "the line was good"
    traffic.noted(f"a line that delays, cuts, falls silent ({WRITERS} writers)", line.happened.total())

    note("a webhook's target that refuses", len(ear.refused), shift.whole())
    assert len(ear.refused) == 2


def test_readers_that_do_not_read_hold_up_nobody_and_miss_nothing(house: Server) -> None:
    visitor, other = Visitor(house.url), Visitor(house.url)
    slow = []
    for _ in range(20):
        one = socket.socket()
        one.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2048)
        one.connect(("127.0.0.1", house.port))
        head = f"GET {visitor.path}/events HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {visitor.token}\r\n\r\n"
        one.sendall(head.encode())
        slow.append(one)
    text = "how does exposure therapy work? " + "Please tell me more of it. " * 130
    for n in range(60 if FULL else 20):
        assert visitor.post(f"{n} {text}").status_code == 201
        assert other.post(f"hello {n}").status_code == 201
    last = visitor.messages()[-1]["seq"]
    for one in slow:
        one.settimeout(20)
        data = b""
        end = time.monotonic() + 30
        while f"id: {last}\n".encode() not in data and time.monotonic() < end:
            data += one.recv(65536)
        seqs = [int(row[4:]) for row in data.decode(errors="replace").splitlines() if row.startswith("id: ")]
        assert seqs == list(range(1, last + 1))
        one.close()
    note("streams whose readers do not read", len(slow), last)
