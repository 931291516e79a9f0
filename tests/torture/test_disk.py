"""The disk is full, or has gone read-only, in the middle of traffic: each answer says so, and nothing acknowledged is lost."""

from __future__ import annotations

import asyncio
import random
import resource
import sys
from pathlib import Path
from typing import Any

import httpx
import pytest
from cast import Server, Target, Visitor, until
from fault_table import note
from kit import open_one, write
from outside import Shift, Traffic, written
from power import Disk, library
from size import FULL
from test_power_cut import SECRET, lost_after

from bot.model import StoreFault
from bot.stores.sqlite import SqliteStore

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]
ROUNDS = 8 if FULL else 2
WRITERS = 4


def limit(one: Server, largest: int) -> None:
    """No file of the server's may grow beyond so many bytes: the kernel refuses the write, as a quota does."""
    assert one.process
    resource.prlimit(one.process.pid, resource.RLIMIT_FSIZE, (largest, resource.RLIM_INFINITY))


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="another process' limits are set on Linux alone")
def test_a_disk_without_room_loses_nothing_and_is_got_over(make_server: Any, target: Target) -> None:
    one: Server = make_server(
        HANDRAIL_MESSAGES_PER_MINUTE="1000000", HANDRAIL_WEBHOOK_ALLOW_PRIVATE="true", HANDRAIL_CONVERSATIONS_PER_MINUTE="100000"
    )
    shift = Shift([one], target)
    traffic, in_danger = Traffic(one.url, WRITERS), Visitor(one.url)
    writers = traffic.writers
    for round_ in range(ROUNDS):
        written(writers, 20)
        if round_ == 0:
            shift.race(traffic.visitors[0])
            shift.joined()
        for writer in writers:
            writer.failures.clear()
        limit(one, 4096)
        until(lambda: all(w.failures for w in writers), 60)
        crisis = in_danger.post("I am going to kill myself tonight", f"crisis {round_}")
        assert crisis.status_code == 503, crisis.text
        assert crisis.json()["lines"], "the lines come with the refusal"
        assert httpx.get(one.url + "/chat").status_code == 200
        assert {f for w in writers for f in w.failures} == {"503"}
        limit(one, resource.RLIM_INFINITY)
    written(writers, 20)
    traffic.ended(shift)
    assert in_danger.post("I am going to kill myself tonight", "crisis 0").status_code == 201
    assert traffic.noted("a disk without room, SQLite", ROUNDS) < shift.whole()
    assert "Traceback" not in one.log()


@pytest.mark.skipif(library() is None, reason="this Python has SQLite built in: nothing can be put around it")
def test_a_disk_that_goes_read_only_and_comes_back(tmp_path: Path) -> None:
    """Then the power goes: what was told before, between and after the refusals is there."""
    sqlite, chance = library(), random.Random(5)
    assert sqlite is not None
    told: dict[str, int] = {}

    async def main() -> None:
        store = SqliteStore(tmp_path / "data", secret=SECRET)
        await store.start()
        store._connection.execute("PRAGMA wal_autocheckpoint = 20")  # often, so that refusals fall into checkpoints too
        for n in range(3):
            await open_one(store, f"c{n}")
            told[f"c{n}"] = 0
        for round_ in range(ROUNDS * 5):
            disk.refusing = bool(round_ % 2)
            for n in range(12):
                id = f"c{n % 3}"
                if disk.refusing:
                    with pytest.raises(StoreFault):
                        await write(store, id, "never told")
                    continue
                await write(store, id, f"{told[id] + 1} " + "x" * chance.randrange(2000))
                told[id] += 1
        images.append((disk.cut(chance), dict(told)))
        disk.refusing = False
        await store.close()

    images: list[Any] = []
    with Disk(sqlite, tmp_path / "data", lambda: None) as disk:
        asyncio.run(main())
    assert lost_after(images[0], tmp_path / "after") == 0
    note("the disk goes read-only and comes back, then the power goes", ROUNDS * 5 // 2, sum(told.values()))
