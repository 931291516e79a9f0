"""The power goes at any write or sync: what was acknowledged is there when it comes back. With less care it would not be."""

from __future__ import annotations

import asyncio
import itertools
import random
import sqlite3
from pathlib import Path

import pytest
from fault_table import note
from kit import START, open_one, write
from power import Disk, library
from size import FULL

from bot.stores.sqlite import FILE, SqliteStore

CUTS = 400 if FULL else 40
SECRET = "a secret for tests, long enough"
TALKS = 6

pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(900),
    pytest.mark.skipif(library() is None, reason="this Python has SQLite built in: nothing can be put around it"),
]

Image = tuple[dict[str, bytes], dict[str, int]]


def life(folder: Path, synchronous: str, seed: int) -> list[Image]:
    """Writes turns, and takes images as cuts at random moments would leave the disk, each with what was told by then."""
    sqlite, chance, told, images = library(), random.Random(seed), dict[str, int](), list[Image]()
    assert sqlite is not None
    changes = itertools.count()
    recording = False

    def on_change() -> None:
        if recording and next(changes) % 7 == 0 and chance.random() < 0.2 and len(images) < CUTS:
            so_far = dict(told)
            images.append((disk.cut(chance), so_far))

    async def main() -> None:
        nonlocal recording
        store = SqliteStore(folder, secret=SECRET)
        await store.start()
        store._connection.execute(f"PRAGMA synchronous = {synchronous}")
        store._connection.execute("PRAGMA wal_autocheckpoint = 60")  # often, so that cuts fall into checkpoints too
        for n in range(TALKS):
            await open_one(store, f"c{n}")
            told[f"c{n}"] = 0
        store._connection.execute("PRAGMA wal_checkpoint")
        recording = synchronous == "FULL"

        async def writer(id: str) -> None:
            for n in itertools.count(1):
                if len(images) >= CUTS or n > 3000:
                    return
                await write(store, id, f"{n} " + "x" * chance.randrange(2000), START)
                told[id] = n

        if synchronous != "FULL":
            recording = True
        await asyncio.gather(*(writer(f"c{n}") for n in range(TALKS)))
        recording = False
        await store.close()

    with Disk(sqlite, folder, on_change) as disk:
        asyncio.run(main())
    assert len(images) == CUTS
    return images


def lost_after(image: Image, folder: Path) -> int:
    """Turns that had been told and are not there. The file must be sound in any case."""
    files, told = image
    folder.mkdir()
    for name, data in files.items():
        (folder / Path(name).name).write_bytes(data)

    async def main() -> int:
        store = SqliteStore(folder, secret=SECRET)
        await store.start()
        lost = 0
        for id, last in told.items():
            said = await store.messages(id, 0, 100_000)
            assert [m.seq for m in said] == list(range(1, len(said) + 1))
            texts = [int(m.text.split()[0]) for m in said if m.author == "visitor"]
            assert texts == list(range(1, len(texts) + 1))
            lost += max(0, last - len(texts))
        assert (await store.audit_verify())[1] == ""
        await store.close()
        return lost

    lost = asyncio.run(main())
    with sqlite3.connect(folder / FILE) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
    return lost


def test_nothing_acknowledged_is_lost(tmp_path: Path) -> None:
    images = life(tmp_path / "data", "FULL", seed=3)
    assert max(sum(told.values()) for _, told in images) > CUTS
    assert [lost_after(image, tmp_path / f"cut{n}") for n, image in enumerate(images)] == [0] * CUTS
    note("power cut on SQLite, at any write or sync", CUTS, max(sum(t.values()) for _, t in images))


def test_this_disk_does_lose_what_was_not_synced(tmp_path: Path) -> None:
    """The proof that the test above can fail: the same with synchronous = NORMAL."""
    images = life(tmp_path / "data", "NORMAL", seed=3)
    assert sum(lost_after(image, tmp_path / f"cut{n}") for n, image in enumerate(images)) > 0
