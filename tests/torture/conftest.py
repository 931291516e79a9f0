"""The store's kit is at hand here too; and the table of faults at the end."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1] / "stores"))
sys.path.insert(0, str(Path(__file__).parent))
import fault_table  # noqa: E402


def pytest_terminal_summary(terminalreporter: Any) -> None:
    if fault_table.ROWS:
        terminalreporter.section("torture")
        for line in fault_table.lines():
            terminalreporter.write_line(line)
