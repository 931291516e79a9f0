"""What the console's document promises is held by tests that exist, its pictures are there, and its keys are the console's."""

from __future__ import annotations

import re

from cast import ROOT

TEXT = (ROOT / "docs/console.md").read_text(encoding="utf-8")
NAMED = re.compile(r"`(tests/[\w/]+\.py)::(\w+)`")


def rows(heading: str) -> list[str]:
    part = TEXT.split(f"## {heading}")[1].split("\n## ")[0]
    return [line for line in part.splitlines() if line.startswith("|") and not re.match(r"\|(---|[^|]*\| held by)", line)]


def test_every_failure_and_every_bad_input_has_a_test_that_exists() -> None:
    failures, inputs = rows("Failures of others"), rows("Bad input")
    assert len(failures) >= 17 and len(inputs) >= 15
    assert not [row for row in (*failures, *inputs) if not NAMED.search(row)]
    gone = [f"{file}::{name}" for file, name in NAMED.findall(TEXT) if f"def {name}(" not in (ROOT / file).read_text(encoding="utf-8")]
    assert not gone, gone


def test_the_pictures_are_there_and_light() -> None:
    pictures = [ROOT / "docs" / path for path in re.findall(r"!\[[^\]]*\]\(([^)]+)\)", TEXT)]
    assert len(pictures) >= 5
    assert all(0 < picture.stat().st_size < 300_000 for picture in pictures)


def test_the_keys_are_those_of_the_console() -> None:
    help_page = (ROOT / "web/templates/console/_help.html").read_text(encoding="utf-8")
    there = set(re.findall(r"<kbd>(.)</kbd>", help_page))
    told = {key for row in rows("The queue") for key in re.findall(r"`(.)`", row)}
    assert there == told
