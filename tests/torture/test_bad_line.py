"""Behind a line that delays, cuts between commit and answer, and falls silent; with readers that do not read."""

from __future__ import annotations

import json
import socket
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import httpx
import pytest
from bad_line import FAULTS, BadLine
from cast import Server, Visitor
from fault_table import note
from outside import Reader, Writer, caught_up, counted, until, written
from size import FULL

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]
WRITERS, WRITES = 4, 600 if FULL else 100


class Ear:
    """A webhook's target that refuses two deliveries the first time."""

    def __init__(self) -> None:
        self.got: list[dict[str, Any]] = []
        self.refused: set[str] = set()
        ear = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body, id = self.rfile.read(int(self.headers["content-length"])), self.headers["webhook-id"]
                refuse = len(ear.refused) < 2 and len(ear.got) > 3 and id not in ear.refused
                if refuse:
                    ear.refused.add(id)
                else:
                    ear.got.append(json.loads(body))
                self.send_response(503 if refuse else 204)
                self.end_headers()

            def log_message(self, *args: object) -> None:
                pass

        self.http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.http.serve_forever, daemon=True).start()
        self.url = f"http://127.0.0.1:{self.http.server_port}/hook"


@pytest.fixture(scope="module")
def house(make_server: Any) -> Server:
    one: Server = make_server(
        HANDRAIL_WEBHOOK_ALLOW_PRIVATE="true", HANDRAIL_MESSAGES_PER_MINUTE="1000000", HANDRAIL_CONVERSATIONS_PER_MINUTE="100000"
    )
    return one


@pytest.fixture
def ear() -> Iterator[Ear]:
    one = Ear()
    yield one
    one.http.shutdown()


def test_a_bad_line_loses_and_doubles_nothing(house: Server, ear: Ear) -> None:
    keys = [httpx.Client(base_url=house.url, timeout=30) for _ in range(2)]
    for number, http in enumerate(keys):
        http.headers["Authorization"] = f"Bearer {house.key(f'clinician {number}', 'handoffs,webhooks')}"
    made = keys[0].post("/v1/webhooks", json={"url": ear.url, "events": ["message.created", "handoff.claimed"]})
    assert made.status_code == 201, made.text
    first = keys[0].get("/v1/events?after=0").json().get("last", 0)
    stop, over = threading.Event(), threading.Event()
    with BadLine(house.port, seed=7) as line:
        visitors = [Visitor(house.url) for _ in range(WRITERS)]
        writers = [Writer(v, stop, line.url, wait=3) for v in visitors]
        readers = [Reader(v, over, line.url, silence=3) for v in visitors]
        for thread in (*readers, *writers):
            thread.start()
        written(writers, WRITES // 2)
        claimed = visitors[0].say("I want to talk to a person please")["conversation"]["handoff"]["id"]
        statuses = race(line, keys, claimed)
        written(writers, WRITES // 2)
        stop.set()
        for writer in writers:
            writer.join(60)
        caught_up(writers, readers)
        over.set()
    acknowledged, lost, doubled, gaps = counted(writers, readers)
    assert set(FAULTS) == set(line.happened), line.happened
    assert any(w.failures for w in writers), "the line was good"
    note(f"a line that delays, cuts, falls silent ({WRITERS} writers)", line.happened.total(), acknowledged, lost, doubled, gaps)
    assert (lost, doubled, gaps) == (0, 0, 0)

    events = feed(keys[0], first)
    claims = [e for e in events if e["type"] == "handoff.claimed" and e["data"]["handoff"] == claimed]
    assert len(claims) == 1, "one owner at a time"
    assert statuses <= {200, 409}
    said = visitors[0].messages()
    joined = next(m["seq"] for m in said if m["author"] == "system")
    assert not [m for m in said if m["author"] == "bot" and m["seq"] > joined], "the bot spoke after the claim"

    wanted = {e["id"] for e in events if e["type"] in {"message.created", "handoff.claimed"}}
    until(lambda: wanted <= {g["data"]["event"] for g in ear.got}, 60, lambda: len(ear.got))
    note("a webhook's target that refuses", len(ear.refused), len(wanted))
    order: dict[str, list[int]] = {}
    for got in ear.got:
        order.setdefault(got["data"]["conversation"], []).append(got["data"]["event"])
    assert all(ids == sorted(ids) for ids in order.values()), "out of order in a conversation"


def race(line: BadLine, keys: list[httpx.Client], handoff: str) -> set[int]:
    """Both claim, through the bad line, again and again until each has an answer."""
    statuses: set[int] = set()

    def claim(http: httpx.Client) -> None:
        while True:
            try:
                with httpx.Client(base_url=line.url, headers=dict(http.headers), timeout=3) as bad:
                    statuses.add(bad.post(f"/v1/handoffs/{handoff}/claim").status_code)
                return
            except httpx.TransportError:
                continue

    threads = [threading.Thread(target=claim, args=(http,)) for http in keys]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    return statuses


def feed(http: httpx.Client, after: int) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    while page := http.get("/v1/events", params={"after": after}).json()["events"]:
        found += page
        after = page[-1]["id"]
    return found


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
