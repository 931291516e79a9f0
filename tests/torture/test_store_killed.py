"""SIGKILL of the process that writes, SQLite: every acknowledged turn is there once, in order, without a gap."""

from __future__ import annotations

import asyncio
import random
import sqlite3
from pathlib import Path

import pytest
from fault_table import note
from size import FULL
from writing import Ledger, begin, counted

from bot.stores.sqlite import SqliteStore

ROUNDS = 20 if FULL else 3


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_what_was_acknowledged_survives_a_kill(tmp_path: Path) -> None:
    ledger, chance = Ledger(), random.Random(7)
    for round_ in range(ROUNDS):
        process = begin(tmp_path, "", round_ * 1_000_000)
        assert process.stdout is not None
        lines = [process.stdout.readline() for _ in range(chance.randrange(50, 800))]
        process.kill()
        lines += process.stdout.readlines()
        process.wait()
        ledger.read(lines)

        async def check() -> tuple[int, int, int]:
            store = SqliteStore(tmp_path, secret="a secret for tests, long enough")
            await store.start()
            found = await counted(store, ledger)
            assert (await store.audit_verify())[1] == ""
            await store.close()
            return found

        assert asyncio.run(check()) == (0, 0, 0)
    assert ledger.number > 40 * ROUNDS
    with sqlite3.connect(tmp_path / "handrail.sqlite") as connection:
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
    note("SIGKILL of the process that writes, SQLite", ROUNDS, ledger.number)
