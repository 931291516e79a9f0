"""The hazard log is alive: every rule and test that it names exists, and no grave rule stands outside it."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import Any

import pytest

from bot.safety import Filter

ROOT = Path(__file__).parents[2]
SEVERITIES = {"catastrophic", "major", "considerable", "significant", "minor"}
LIKELIHOODS = {"very_high", "high", "medium", "low", "very_low"}


@pytest.fixture(scope="module")
def hazards() -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = tomllib.loads((ROOT / "docs/safety/hazards.toml").read_text(encoding="utf-8"))["hazard"]
    return found


def ids(rules: Filter) -> dict[str, int]:
    """Every id in the corpus with the highest urgency that it stands for."""
    found: dict[str, int] = {}
    for pack in rules.packs.values():
        for row in (*pack.rules, *pack.sums):
            found[row.id] = max(row.urgency, found.get(row.id, 0))
        for idiom in pack.allows:
            found.setdefault(idiom.id, 0)
    return found


def test_every_hazard_is_whole(hazards: list[dict[str, Any]]) -> None:
    assert [h["id"] for h in hazards] == [f"H{n:02d}" for n in range(1, len(hazards) + 1)] and len(hazards) >= 25
    for hazard in hazards:
        assert all(hazard[part].strip() for part in ("hazard", "cause", "effect", "control"))
        assert hazard["severity"] in SEVERITIES and hazard["likelihood"] in LIKELIHOODS
        assert hazard["tests"], hazard["id"]


def test_no_link_to_a_rule_is_dead(hazards: list[dict[str, Any]], rules: Filter) -> None:
    known = ids(rules)
    assert [(h["id"], rule) for h in hazards for rule in h["rules"] if rule not in known] == []


def test_no_link_to_a_test_is_dead(hazards: list[dict[str, Any]]) -> None:
    gone = []
    for hazard in hazards:
        for link in hazard["tests"]:
            file, _, name = link.partition("::")
            path = ROOT / file
            if not path.is_file() or not re.search(rf"^(async )?def {name}\(", path.read_text(encoding="utf-8"), re.M):
                gone.append((hazard["id"], link))
    assert gone == []


def test_no_grave_rule_stands_outside(hazards: list[dict[str, Any]], rules: Filter) -> None:
    """Of the two languages in depth; a floor's rules are named by their first."""
    named = {rule for h in hazards for rule in h["rules"]}
    full = [pack for pack in rules.packs.values() if not pack.floor]
    grave = {row.id for pack in full for row in (*pack.rules, *pack.sums) if row.urgency >= 3}
    assert len(full) == 2 and grave - named == set()


def test_every_floor_stands_under_a_hazard(hazards: list[dict[str, Any]], rules: Filter) -> None:
    named = {rule.split(".")[0] for h in hazards for rule in h["rules"]}
    assert {code for code, pack in rules.packs.items() if pack.floor} <= named
