"""Two replicas behind nginx on PostgreSQL: one is killed, one is drained, and nothing that was acknowledged is lost."""

from __future__ import annotations

import json
import signal
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from cast import Server, Visitor
from cluster import Cluster

WRITERS = 4


@pytest.fixture(scope="module")
def cluster(warm: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    with Cluster(
        tmp_path_factory.mktemp("cluster"), HANDRAIL_CONVERSATIONS_PER_MINUTE="100000", HANDRAIL_RULES_ONLY="true"
    ) as one:
        yield one.start(warm)


class Writer(threading.Thread):
    """Writes as the widget does: the same client id again until it is answered."""

    def __init__(self, url: str, stop: threading.Event) -> None:
        super().__init__()
        self.visitor, self.stopped = Visitor(url), stop
        self.acknowledged: dict[str, dict[str, Any]] = {}
        self.failures: list[str] = []

    def run(self) -> None:
        number = 0
        while not self.stopped.is_set():
            number += 1
            for _ in range(40):
                try:
                    answer = self.visitor.post(f"what is exposure therapy, number {number}?", f"n{number}")
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
    """Streams as the widget does: after a break it connects anew, with the last id that it has."""

    def __init__(self, visitor: Visitor, stop: threading.Event) -> None:
        super().__init__(daemon=True)
        self.visitor, self.stopped = visitor, stop
        self.seen: list[int] = []
        self.connections = 0

    def run(self) -> None:
        while not self.stopped.is_set():
            headers = {"Last-Event-ID": str(self.seen[-1] if self.seen else 0)}
            self.connections += 1
            try:
                with self.visitor.http.stream(
                    "GET", self.visitor.path + "/events", headers=headers, timeout=30
                ) as stream:
                    for line in stream.iter_lines():
                        if line.startswith("data: ") and "seq" in (message := json.loads(line[6:])):
                            self.seen.append(message["seq"])
                        if self.stopped.is_set():
                            return
            except httpx.TransportError:
                time.sleep(0.05)


def streams(replica: Server) -> float:
    """How many event streams a replica holds open, by its own count."""
    shown = httpx.get(replica.url + "/metrics", timeout=10).text
    return float(next(line.split()[1] for line in shown.splitlines() if line.startswith("handrail_streams ")))


def run(cluster: Cluster, how: signal.Signals) -> tuple[list[Writer], list[Reader], Server]:
    """Traffic, and the replica with most listeners stopped in the middle of it."""
    stop, over = threading.Event(), threading.Event()
    writers = [Writer(cluster.url, stop) for _ in range(WRITERS)]
    readers = [Reader(w.visitor, over) for w in writers]
    for thread in (*readers, *writers):
        thread.start()

    def written(count: int) -> None:
        end = time.monotonic() + 60
        goal = sum(len(w.acknowledged) for w in writers) + count
        while sum(len(w.acknowledged) for w in writers) < goal:
            assert time.monotonic() < end, [w.failures[-5:] for w in writers]
            time.sleep(0.01)

    written(20)
    gone = max(cluster.replicas, key=streams)
    gone.stop(how)
    written(20)
    stop.set()
    for writer in writers:
        writer.join(30)
    end = time.monotonic() + 20
    for writer, reader in zip(writers, readers, strict=True):
        last = writer.visitor.messages()[-1]["seq"]
        while (not reader.seen or reader.seen[-1] < last) and time.monotonic() < end:
            time.sleep(0.02)
    over.set()
    return writers, readers, gone


def whole(writers: list[Writer], readers: list[Reader]) -> None:
    """Each acknowledged message once and in order, seq gapless; each stream exactly 1 … n."""
    for writer, reader in zip(writers, readers, strict=True):
        found = writer.visitor.messages()
        assert [m["seq"] for m in found] == list(range(1, len(found) + 1))
        by_id = {m["id"]: m for m in found}
        own = [m["client_id"] for m in found if m["author"] == "visitor"]
        assert len(own) == len(set(own)), "a message came twice"
        assert [int(c[1:]) for c in own] == sorted(int(c[1:]) for c in own)
        assert set(writer.acknowledged) <= set(own)
        for answer in writer.acknowledged.values():
            for message in (answer["message"], *answer["replies"]):
                assert by_id[message["id"]] == message
        assert reader.seen == list(range(1, len(found) + 1)), "the stream skipped or doubled"


@pytest.mark.slow
def test_a_replica_is_drained_and_no_request_fails(cluster: Cluster) -> None:
    writers, readers, left = run(cluster, signal.SIGTERM)
    left.start()
    whole(writers, readers)
    assert [w.failures for w in writers] == [[]] * WRITERS, "a request failed at the proxy"
    assert max(r.connections for r in readers) >= 2, "no stream moved to the other replica"


@pytest.mark.slow
def test_a_replica_is_killed_and_nothing_acknowledged_is_lost(cluster: Cluster) -> None:
    writers, readers, killed = run(cluster, signal.SIGKILL)
    killed.start()
    whole(writers, readers)
    assert max(r.connections for r in readers) >= 2, "no stream moved to the other replica"


@pytest.mark.slow
def test_a_handoff_opened_at_one_replica_is_claimed_once_over_both(cluster: Cluster) -> None:
    keys = [httpx.Client(base_url=one.url, timeout=30) for one in cluster.replicas]
    for number, http in enumerate(keys):
        http.headers["Authorization"] = f"Bearer {cluster.replicas[number].key(f'clinician {number}', 'handoffs')}"
    for _ in range(4):
        id = Visitor(cluster.url).say("I want to talk to a person please")["conversation"]["handoff"]["id"]
        answers: list[int] = []
        together = threading.Barrier(4)

        def claim(
            http: httpx.Client, id: str = id, answers: list[int] = answers, together: threading.Barrier = together
        ) -> None:
            together.wait()
            answers.append(http.post(f"/v1/handoffs/{id}/claim").status_code)

        threads = [threading.Thread(target=claim, args=(keys[n % 2],)) for n in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert sorted(answers) == [200, 409, 409, 409]
