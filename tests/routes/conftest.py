"""What was asked of the API at random is shown at the end of the run."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent))
import api_table  # noqa: E402


def pytest_terminal_summary(terminalreporter: Any) -> None:
    for table in api_table.MADE:
        terminalreporter.section("schemathesis")
        for line in table.lines():
            terminalreporter.write_line(line)
