"""Every bench, one after the other: `make bench`. Each can be run alone by its path."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

APART = {"all.py", "load_echo.py", "retrieval_peers.py", "retrieval_calibrate.py"}  # parts, other products, the calibration


def main() -> None:
    for path in sorted(Path(__file__).parent.glob("*.py")):
        if path.name not in APART:
            print(f"\n── {path.name} ──", flush=True)
            subprocess.run([sys.executable, str(path)], check=False)


if __name__ == "__main__":
    main()
