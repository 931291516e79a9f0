"""Two replicas behind nginx on PostgreSQL: one is killed, one is drained, and nothing that was acknowledged is lost."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from cast import ROOT, Server, Target, Visitor, copy_warm, until
from cluster import Cluster, nginx
from outside import Shift, Traffic, written
from size import FULL

WRITERS = 4


@pytest.fixture(scope="module", autouse=True)
def proxy() -> None:
    """It is installed where that can be; only where it cannot be found at all is there nothing to try."""
    try:
        nginx()
    except SystemExit as missing:
        pytest.skip(str(missing))


@pytest.fixture(scope="module")
def cluster(warm: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    with Cluster(
        tmp_path_factory.mktemp("cluster"),
        HANDRAIL_CONVERSATIONS_PER_MINUTE="100000",
        HANDRAIL_RULES_ONLY="true",
        HANDRAIL_WEBHOOK_ALLOW_PRIVATE="true",
    ) as one:
        yield one.start(warm)


def streams(replica: Server) -> float:
    """How many event streams a replica holds open, by its own count."""
    shown = httpx.get(replica.url + "/metrics", timeout=10).text
    return float(next(line.split()[1] for line in shown.splitlines() if line.startswith("handrail_streams ")))


def run(cluster: Cluster, how: signal.Signals, target: Target) -> tuple[Traffic, Server, Shift]:
    """Traffic and a race for a handoff, and the replica with most listeners stopped in the middle of it."""
    shift = Shift(cluster.replicas, target)
    traffic = Traffic(cluster.url, WRITERS)
    until(lambda: all(reader.seen for reader in traffic.readers))
    written(traffic.writers, 20)
    gone = max(cluster.replicas, key=streams)
    shift.race(traffic.visitors[0], cluster.url)
    gone.stop(how)
    written(traffic.writers, 20)
    traffic.ended(shift, patience=30)
    for reader in traffic.readers:
        reader.hang_up()  # so that none is counted in the next test
    return traffic, gone, shift


@pytest.mark.slow
def test_a_replica_is_drained_and_no_request_fails(cluster: Cluster, target: Target) -> None:
    traffic, left, shift = run(cluster, signal.SIGTERM, target)
    left.start()
    assert traffic.noted("SIGTERM of one of two replicas behind nginx", 1) < shift.whole()
    assert [w.failures for w in traffic.writers] == [[]] * WRITERS, "a request failed at the proxy"
    assert max(r.connections for r in traffic.readers) >= 2, "no stream moved to the other replica"


@pytest.mark.slow
def test_a_replica_is_killed_and_nothing_acknowledged_is_lost(cluster: Cluster, target: Target) -> None:
    traffic, killed, shift = run(cluster, signal.SIGKILL, target)
    killed.start()
    assert traffic.noted("SIGKILL of one of two replicas behind nginx", 1) < shift.whole(told=FULL)
    assert max(r.connections for r in traffic.readers) >= 2, "no stream moved to the other replica"


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


@pytest.mark.skipif(not FULL, reason="in full by `make torture`: it starts a second cluster")
def test_make_cluster_starts_all_of_it_and_ends_all_of_it(warm: Path, tmp_path: Path) -> None:
    """What `make cluster` runs, as it runs it."""
    (tmp_path / "cluster").mkdir()
    copy_warm(warm, tmp_path / "cluster")
    log = tmp_path / "log"
    command = [sys.executable, str(ROOT / "tests" / "cluster.py")]
    with log.open("w") as out:
        env = {**os.environ, "HANDRAIL_DATA": str(tmp_path), "PYTHONUNBUFFERED": "1"}
        process = subprocess.Popen(command, cwd=ROOT, env=env, stdout=out, stderr=out)
    try:
        until(lambda: "Ctrl-C" in log.read_text() or process.poll() is not None, 200)
        said = log.read_text()
        assert process.poll() is None, said
        chat, console = re.search(r"Chat +(\S+)", said), re.search(r"Console +(\S+)", said)
        assert chat and console
        assert httpx.get(chat[1]).status_code == 200
        assert "/console/welcome#" in said
        pids = [int(n) for n in re.findall(r"process (\d+)", said)]
        assert len(pids) == 2
        assert Visitor(chat[1].removesuffix("/chat")).say("hello")["replies"]
    finally:
        process.send_signal(signal.SIGINT)
        assert process.wait(60) == 0
    assert not [pid for pid in pids if Path(f"/proc/{pid}").exists()], "a replica was left behind"
