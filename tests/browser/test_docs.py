"""docs/accessibility.md names tests that are there, and docs/embedding.md every attribute, call and event that is."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_each_promise_has_its_test() -> None:
    named = re.findall(r"`(test_\w+\.py)::(test_\w+)`", (ROOT / "docs/accessibility.md").read_text(encoding="utf-8"))
    assert len(named) > 15
    for file, test in named:
        assert f"def {test}(" in (ROOT / "tests/browser" / file).read_text(encoding="utf-8"), (file, test)


def test_every_attribute_call_and_event_is_described() -> None:
    text = (ROOT / "docs/embedding.md").read_text(encoding="utf-8")
    code = (ROOT / "web/static/embed.js").read_text(encoding="utf-8")
    read = set(re.findall(r"\bset\.(\w+)", code)) | {"noLauncher"}
    attributes = {"data-" + re.sub(r"([A-Z])", lambda m: "-" + m[1].lower(), name) for name in read}
    assert {name for name in attributes if f"`{name}`" not in text} == set()
    api = code.split("const api = {")[1].split("};")[0]
    calls = set(re.findall(r"^  (\w+)\(", api, re.M)) | {"open", "close", "toggle", "version"}
    assert {name for name in calls if not re.search(rf"`{name}\b|\b{name}\(", text)} <= {"push"}
    events = set(re.findall(r'\btell\("(\w+)"', code))
    assert {name for name in events if f"`{name}`" not in text} == set()
