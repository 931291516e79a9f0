"""The environment of a process of our own: it finds our packages wherever it is started."""

from __future__ import annotations

import os
from pathlib import Path


def environment(**own: str) -> dict[str, str]:
    """This process's environment with our packages on the path, and `own` over it."""
    paths = [str(Path(__file__).resolve().parent.parent), os.environ.get("PYTHONPATH", "")]
    return {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, paths)), **own}
