"""Writers and readers as the widget is one, through whatever stands between; and the count from the outside afterwards."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable
from typing import Any

import httpx
from cast import Visitor

TRIES = 60


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
            for _ in range(TRIES):
                try:
                    answer = self.http.post(self.visitor.path + "/messages", json=body)
                except httpx.TransportError as error:
                    self.failures.append(type(error).__name__)
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

    def run(self) -> None:
        while not self.stopped.is_set():
            headers = {"Last-Event-ID": str(self.seen[-1] if self.seen else 0)}
            self.connections += 1
            try:
                with self.http.stream("GET", self.path + "/events", headers=headers, timeout=self.silence) as stream:
                    for line in stream.iter_lines():
                        if line.startswith("data: ") and line.endswith("}") and "seq" in (message := json.loads(line[6:])):
                            self.seen.append(message["seq"])
                        if self.stopped.is_set():
                            return
            except (httpx.TransportError, json.JSONDecodeError):  # a frame that was cut is no frame
                time.sleep(0.05)


def until(true: Callable[[], bool], seconds: float = 60.0, why: Callable[[], object] = lambda: "") -> None:
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end, why()
        time.sleep(0.01)


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
