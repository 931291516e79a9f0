"""Writers, readers and clinicians as they are at a practice, through whatever stands between; and the count from the outside."""

from __future__ import annotations

import contextlib
import json
import socket
import threading
import time
from typing import Any

import httpx
from cast import Server, Target, Visitor, until
from fault_table import note

PATIENCE = 90.0  # seconds that a writer goes on with one message
TOLD = ["message.created", "handoff.claimed"]


class Writer(threading.Thread):
    """Writes as the widget does: the same client id again until it is answered."""

    def __init__(self, visitor: Visitor, stop: threading.Event, url: str = "", wait: float = 30.0) -> None:
        super().__init__(daemon=True)
        self.visitor, self.stopped, self.wait = visitor, stop, wait
        self.http = httpx.Client(base_url=url or str(visitor.http.base_url), headers=dict(visitor.http.headers), timeout=wait)
        self.acknowledged: dict[str, dict[str, Any]] = {}
        self.failures: list[str] = []

    def run(self) -> None:
        number = 0
        while not self.stopped.is_set():
            number += 1
            body = {"text": f"what is exposure therapy, number {number}?", "client_id": f"n{number}"}
            end = time.monotonic() + PATIENCE
            while time.monotonic() < end:
                try:
                    answer = self.http.post(self.visitor.path + "/messages", json=body)
                except httpx.TransportError as error:
                    self.failures.append(type(error).__name__)
                    time.sleep(0.05)
                    continue
                if answer.status_code in {200, 201}:
                    self.acknowledged[f"n{number}"] = answer.json()
                    break
                self.failures.append(str(answer.status_code))
                time.sleep(0.05)
            else:
                return


class Reader(threading.Thread):
    """Streams as the widget does: after a break, or a silence, it connects anew with the last id that it has."""

    def __init__(self, visitor: Visitor, stop: threading.Event, url: str = "", silence: float = 30.0) -> None:
        super().__init__(daemon=True)
        self.path, self.stopped, self.silence = visitor.path, stop, silence
        self.http = httpx.Client(base_url=url or str(visitor.http.base_url), headers=dict(visitor.http.headers))
        self.seen: list[int] = []
        self.connections = 0
        self._line: Any = None

    def run(self) -> None:
        while not self.stopped.is_set():
            headers = {"Last-Event-ID": str(self.seen[-1] if self.seen else 0)}
            self.connections += 1
            try:
                with self.http.stream("GET", self.path + "/events", headers=headers, timeout=self.silence) as stream:
                    self._line = stream.extensions["network_stream"]
                    for line in stream.iter_lines():
                        if line.startswith("data: ") and line.endswith("}") and "seq" in (message := json.loads(line[6:])):
                            self.seen.append(message["seq"])
                        if self.stopped.is_set():
                            return
            except (httpx.TransportError, json.JSONDecodeError):  # a frame that was cut is no frame
                time.sleep(0.05)

    def hang_up(self) -> None:
        """Once it is `stopped`: ends at once, rather than at the next word on the line."""
        if self._line is not None:
            with contextlib.suppress(OSError):
                self._line.get_extra_info("socket").shutdown(socket.SHUT_RDWR)
        self.join(self.silence + 5)


class Shift:
    """Two clinicians who want the same handoff, and a system that is told of it: made before the fault, counted after it."""

    def __init__(self, servers: list[Server], target: Target) -> None:
        self.keys = [httpx.Client(base_url=servers[n % len(servers)].url, timeout=30) for n in range(2)]
        for number, http in enumerate(self.keys):
            name = f"clinician {number} {target.http.server_port}"
            http.headers["Authorization"] = f"Bearer {servers[0].key(name, 'handoffs,webhooks')}"
        page: dict[str, Any] = {"last": 0, "events": [None]}
        while page["events"]:
            page = self._page(page["last"])
        self._first = page["last"]  # before there is a webhook: what it is told stands after this
        made = self.keys[0].post("/v1/webhooks", json={"url": target.url, "events": TOLD})
        assert made.status_code == 201, made.text
        self.target, self.statuses = target, set[int]()
        self._hook = made.json()["id"]

    def race(self, visitor: Visitor, url: str = "") -> None:
        """The visitor asks for a person, and both claim, again and again until each has an answer. `joined` waits for them."""
        self.visitor = visitor
        self.handoff: str = visitor.say("I want to talk to a person please")["conversation"]["handoff"]["id"]

        def claim(http: httpx.Client) -> None:
            end = time.monotonic() + PATIENCE
            while time.monotonic() < end:
                try:
                    with httpx.Client(base_url=url or http.base_url, headers=dict(http.headers), timeout=3) as line:
                        status = line.post(f"/v1/handoffs/{self.handoff}/claim").status_code
                except httpx.TransportError:
                    status = 503
                if status in {502, 503}:  # a proxy, or a store that is gone: come again
                    time.sleep(0.05)
                    continue
                self.statuses.add(status)
                return

        self._threads = [threading.Thread(target=claim, args=(http,)) for http in self.keys]
        for thread in self._threads:
            thread.start()

    def joined(self) -> None:
        for thread in self._threads:
            thread.join(PATIENCE + 10)

    def outlived(self, writer: Writer) -> None:
        """Waits until the claims are answered, and the visitor (`writer` writes as them) has written some more."""
        self.joined()
        written([writer], 2)

    def whole(self, told: bool = True) -> int:
        """One owner, the bot silent from the claim on, and each event told at least once, in each conversation's order.

        How many there were to tell. Not `told`: what a dead replica had in hand is told when its lease of two minutes is over.
        """
        self.joined()
        events = self._feed()
        claims = [e for e in events if e["type"] == "handoff.claimed" and e["data"]["handoff"] == self.handoff]
        assert len(claims) == 1, "one owner at a time"
        assert self.statuses <= {200, 409}, self.statuses
        said = self.visitor.messages()
        joined = next(m["seq"] for m in said if m["author"] == "system")
        assert [m for m in said if m["author"] == "visitor" and m["seq"] > joined], "nobody wrote after the claim"
        assert not [m for m in said if m["author"] == "bot" and m["seq"] > joined], "the bot spoke after the claim"
        wanted = {e["id"] for e in events if e["type"] in TOLD}
        if told:
            until(lambda: wanted <= {g.data["event"] for g in self.target.taken}, 150, lambda: f"{len(self.target.taken)} of {len(wanted)}")
        seqs, first = {e["id"]: e["seq"] for e in events}, dict[str, dict[int, None]]()
        for got in self.target.taken:
            first.setdefault(got.data["conversation"], {}).setdefault(got.data["event"])
        for ids in first.values():
            order = [seqs[id] for id in ids if id in seqs]  # meanwhile the claim's own lease may have ended, and been told
            assert order == sorted(order), "out of order in a conversation"
        assert self.keys[0].delete(f"/v1/webhooks/{self._hook}").status_code == 204
        return len(wanted)

    def _page(self, after: int) -> dict[str, Any]:
        found: dict[str, Any] = self.keys[0].get("/v1/events", params={"after": after}).json()
        return found

    def _feed(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = []
        while page := self._page(found[-1]["id"] if found else self._first)["events"]:
            found += page
        return found


def written(writers: list[Writer], count: int) -> None:
    goal = sum(len(w.acknowledged) for w in writers) + count
    until(lambda: sum(len(w.acknowledged) for w in writers) >= goal, 90, lambda: [w.failures[-5:] for w in writers])


def caught_up(writers: list[Writer], readers: list[Reader], seconds: float = 40.0) -> None:
    """Waits until every stream has what was written, or for so long."""
    end = time.monotonic() + seconds
    for writer, reader in zip(writers, readers, strict=True):
        last = writer.visitor.messages()[-1]["seq"]
        while (not reader.seen or reader.seen[-1] < last) and time.monotonic() < end:
            time.sleep(0.02)


def counted(writers: list[Writer], readers: list[Reader]) -> tuple[int, int, int, int]:
    """(acknowledged, lost, doubled, gaps), as each visitor finds it; the streams count too."""
    acknowledged = lost = doubled = gaps = 0
    for writer, reader in zip(writers, readers, strict=True):
        found = writer.visitor.messages()
        seqs = list(range(1, len(found) + 1))
        gaps += [m["seq"] for m in found] != seqs
        by_id = {m["id"]: m for m in found}
        own = [m["client_id"] for m in found if m["author"] == "visitor" and m.get("client_id")]
        doubled += len(own) - len(set(own))
        numbers = [int(c[1:]) for c in own]
        assert numbers == sorted(numbers), "out of order"
        acknowledged += len(writer.acknowledged)
        lost += len(set(writer.acknowledged) - set(own))
        for answer in writer.acknowledged.values():
            lost += sum(by_id.get(m["id"]) != m for m in (answer["message"], *answer["replies"]))
        doubled += len(reader.seen) - len(set(reader.seen))
        lost += len(set(seqs) - set(reader.seen))
        gaps += reader.seen != sorted(reader.seen)
    return acknowledged, lost, doubled, gaps


class Traffic:
    """Visitors who write and read at once, from the first word to the count. `through` is what stands between them and `url`."""

    def __init__(self, url: str, count: int, through: str = "", patience: float = 30.0) -> None:
        self._stop, self._over = threading.Event(), threading.Event()
        self.visitors = [Visitor(url) for _ in range(count)]
        self.writers = [Writer(v, self._stop, through, patience) for v in self.visitors]
        self.readers = [Reader(v, self._over, through, patience) for v in self.visitors]
        for thread in (*self.readers, *self.writers):
            thread.start()

    def ended(self, shift: Shift, patience: float = 60.0) -> None:
        """The claims are answered, the first visitor has written after them, nobody writes any more, the streams have it all."""
        shift.outlived(self.writers[0])
        self._stop.set()
        for writer in self.writers:
            writer.join(patience)
        caught_up(self.writers, self.readers)
        self._over.set()

    def noted(self, fault: str, times: int) -> int:
        """Counts, and leaves a row in the table: nothing is lost, doubled or missing. How many were acknowledged."""
        acknowledged, lost, doubled, gaps = counted(self.writers, self.readers)
        note(fault, times, acknowledged, lost, doubled, gaps)
        assert (lost, doubled, gaps) == (0, 0, 0)
        return acknowledged
