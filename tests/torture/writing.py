"""A process that writes turns as fast as it can and says each one that was acknowledged; and the count afterwards."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).parents[2]

PROGRAM = """
    import asyncio, sys
    from pathlib import Path
    from bot.model import Stale, StoreFault
    from bot.stores import open_store
    from kit import open_one, write

    class chosen:
        data, database_url = Path(sys.argv[1]), sys.argv[2]
        secret_key, previous_secret_keys = "a secret for tests, long enough", ""

    async def writer(store, id, first):
        while await store.visit(id) is None:
            try:
                await open_one(store, id)
            except StoreFault:  # the other replica was first
                continue
        n = first
        while True:
            client, faults = f"n{n}", 0
            while True:
                try:
                    done = await write(store, id, f"{id} {n}", client_id=client)
                    break
                except (Stale, StoreFault):
                    faults += 1
                    await asyncio.sleep(0.05)
            print(id, n, done.message.seq, flush=True)
            n += 1

    async def main():
        store = open_store(chosen)
        await store.start()
        await asyncio.gather(*(writer(store, f"c{k}", int(sys.argv[3])) for k in range(12)))

    asyncio.run(main())
"""


@dataclass
class Ledger:
    """What was acknowledged: by conversation, number → seq."""

    told: dict[str, dict[int, int]] = field(default_factory=dict)

    def read(self, lines: list[str]) -> None:
        for line in lines:
            words = line.split()
            if len(words) == 3 and line.endswith("\n"):  # a line cut short by the kill was not told
                self.told.setdefault(words[0], {})[int(words[1])] = int(words[2])

    @property
    def number(self) -> int:
        return sum(map(len, self.told.values()))


def begin(data: Path, url: str, first: int) -> subprocess.Popen[str]:
    path = os.pathsep.join((str(ROOT), str(ROOT / "tests" / "stores")))
    return subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(PROGRAM), str(data), url, str(first)],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": path},
    )


async def counted(store, ledger: Ledger) -> tuple[int, int, int]:
    """(lost, doubled, gaps) among what was acknowledged."""
    lost = doubled = gaps = 0
    for id, numbers in ledger.told.items():
        said = await store.messages(id, 0, 1_000_000)
        gaps += [m.seq for m in said] != list(range(1, len(said) + 1))
        mine = {m.seq: m.text for m in said if m.author == "visitor"}
        texts = list(mine.values())
        doubled += len(texts) - len(set(texts))
        lost += sum(mine.get(seq) != f"{id} {n}" for n, seq in numbers.items())
        order = [int(text.split()[1]) for text in texts]
        for process in {n // 1_000_000 for n in order}:  # each process counts on from a million of its own
            one = [n for n in order if n // 1_000_000 == process]
            assert one == sorted(one), "out of order"
    return lost, doubled, gaps
