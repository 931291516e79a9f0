"""Each line of the threat table names tests, and each of them exists."""

from __future__ import annotations

import re

from cast import ROOT

NAMED = re.compile(r"`(tests/[\w/]+\.py)::(\w+)`")


def test_every_line_is_held_by_a_test_that_exists() -> None:
    text = (ROOT / "docs/threats.md").read_text(encoding="utf-8")
    rows = [line for line in text.splitlines() if line.startswith("|") and not re.match(r"\|(---|[^|]*\|\s*held by)", line)]
    rows = [row for row in rows if "held by" not in row]
    assert len(rows) >= 30
    assert not [row for row in rows if not NAMED.search(row)], "a threat that no test holds"
    named = set(NAMED.findall(text))
    gone = [f"{file}::{name}" for file, name in named if f"def {name}(" not in (ROOT / file).read_text(encoding="utf-8")]
    assert not gone, gone


def test_all_ten_risks_are_there() -> None:
    text = (ROOT / "docs/threats.md").read_text(encoding="utf-8")
    assert [int(n) for n in re.findall(r"^\| API(\d+) ", text, re.M)] == list(range(1, 11))
