"""The torture table: a row a fault, printed at the end of the run (`make torture`)."""

from __future__ import annotations

from typing import NamedTuple


class Row(NamedTuple):
    """`times` the fault happened, while so many writes were acknowledged; what was lost, doubled, or left a gap."""

    fault: str
    times: int
    acknowledged: int
    lost: int
    doubled: int
    gaps: int


ROWS: list[Row] = []


def note(fault: str, times: int, acknowledged: int, lost: int = 0, doubled: int = 0, gaps: int = 0) -> None:
    ROWS.append(Row(fault, times, acknowledged, lost, doubled, gaps))


def lines() -> list[str]:
    wide = max((len(row.fault) for row in ROWS), default=0)
    head = f"| {'fault':{wide}} | times | acknowledged | lost | doubled | gaps |"
    rule = "|".join(["", "-" * (wide + 2), "------:", "-------------:", "-----:", "--------:", "-----:", ""])
    rows = [f"| {r.fault:{wide}} | {r.times:5} | {r.acknowledged:12,} | {r.lost:4} | {r.doubled:7} | {r.gaps:4} |" for r in ROWS]
    return [head, rule, *rows]
