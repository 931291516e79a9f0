"""The filter alone, one JSON object a line, as `handrail screen --jsonl` writes it. For measuring before the rest is there."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from bot.model import SafetyMemory
from bot.safety.filter import Filter
from bot.words import load


def screened(filter_: Filter, row: dict[str, Any], language: str = "", country: str = "") -> dict[str, Any]:
    """One line of `screen --jsonl`: the last turn's verdict, the conversation's level, the level after each turn."""
    turns = row.get("turns") or [row.get("text", "")]
    memory = SafetyMemory()
    levels: list[int] = []
    for text in turns:
        screening = filter_.screen(text, memory, language=language, country=country)
        memory = screening.memory
        levels.append(memory.level)
    verdict = screening.verdict
    raised = verdict.level > verdict.urgency
    return {
        "id": row.get("id", ""),
        "route": "human" if verdict.level >= 2 else str(verdict.route),
        "urgency": memory.level,
        "reason": str(verdict.level_reason if raised else verdict.reason),
        "rules": [{"id": f.rule, "span": list(f.span)} for f in verdict.fired],
        "per_turn": levels,
    }


def main() -> None:
    filter_ = Filter(load(Path(__file__).parents[2] / "corpus"))
    for line in sys.stdin:
        if line.strip():
            sys.stdout.write(json.dumps(screened(filter_, json.loads(line)), ensure_ascii=False) + "\n")


if __name__ == "__main__":
    main()
