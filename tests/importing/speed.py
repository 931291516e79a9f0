"""How many small files a second are imported: `python tests/importing/speed.py [COUNT]`."""

from __future__ import annotations

import sys
import tempfile
import time
from pathlib import Path

HERE = Path(__file__).parent
sys.path[:0] = [str(HERE.parents[1]), str(HERE)]

from make import pdf, word  # noqa: E402

from retrieval.importing import Imported, read, read_all  # noqa: E402

TEXT = "The alarm grows calm with practice, and it takes its time to do so. " * 6
KINDS = {
    ".html": (HERE / "pages" / "worry-and-the-alarm.html").read_bytes(),
    ".txt": (HERE / "pages" / "copied-from-the-site.txt").read_bytes(),
    ".md": (HERE / "pages" / "exported-from-a-notebook.md").read_bytes(),
    ".pdf": pdf([("Title", "Worry"), *[("BodyText", TEXT)] * 6]),
    ".docx": word([("Title", "Worry"), *[("Normal", TEXT)] * 6]),
}


def main(count: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        paths = []
        for number in range(count):
            suffix = list(KINDS)[number % len(KINDS)]
            paths.append(Path(folder, f"{number:05}{suffix}"))
            paths[-1].write_bytes(KINDS[suffix])
        print("| files | processes | seconds | files a second |\n|---|--:|--:|--:|")
        for name, chosen in [("all kinds", paths), *((s, [p for p in paths if p.suffix == s]) for s in KINDS)]:
            for processes in (1, 2):
                begun = time.perf_counter()
                outcomes = list(read_all(chosen, processes=processes))
                spent = time.perf_counter() - begun
                assert all(isinstance(outcome, Imported) for _, outcome in outcomes)
                print(f"| {len(chosen)} {name} | {processes} | {spent:.1f} | {len(chosen) / spent:.0f} |")
        begun = time.perf_counter()
        for path in paths[:20]:
            read(path)
        spent = time.perf_counter() - begun
        print(f"| 20 all kinds, a process for each | 1 | {spent:.1f} | {20 / spent:.0f} |")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 1000)
