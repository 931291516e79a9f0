"""Two replicas behind nginx on PostgreSQL: one is killed, one is drained, and nothing that was acknowledged is lost."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from cast import Visitor
from cluster import Cluster
from fault_table import note
from outside import Reader, Writer, caught_up, counted, written

WRITERS = 4


@pytest.fixture(scope="module")
def cluster(warm: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    with Cluster(
        tmp_path_factory.mktemp("cluster"), HANDRAIL_CONVERSATIONS_PER_MINUTE="100000", HANDRAIL_RULES_ONLY="true"
    ) as one:
        yield one.start(warm)


def run(cluster: Cluster, fault: Any) -> tuple[list[Writer], list[Reader]]:
    stop, over = threading.Event(), threading.Event()
    visitors = [Visitor(cluster.url) for _ in range(WRITERS)]
    writers, readers = [Writer(v, stop) for v in visitors], [Reader(v, over) for v in visitors]
    for thread in (*readers, *writers):
        thread.start()
    written(writers, 20)
    fault()
    written(writers, 20)
    stop.set()
    for writer in writers:
        writer.join(30)
    caught_up(writers, readers)
    over.set()
    return writers, readers


def whole(fault: str, writers: list[Writer], readers: list[Reader]) -> None:
    """Each acknowledged message once and in order, seq gapless; each stream exactly 1 … n."""
    acknowledged, lost, doubled, gaps = counted(writers, readers)
    note(fault, 1, acknowledged, lost, doubled, gaps)
    assert (lost, doubled, gaps) == (0, 0, 0)


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
