"""Our own messages as a table by class and language: at least as needed, not above what is right; rules, and rules with examples.

python tests/bench/safety.py [--rules-only] [--markdown] [--timing]
"""

from __future__ import annotations

import argparse
import statistics
import sys
import time
import tomllib
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bot import settings
from bot.safety import Filter
from bot.words import load

ROOT = Path(__file__).parents[2]
MESSAGES = ROOT / "tests" / "safety" / "messages"
DEEP = ("en", "es")


@dataclass
class Row:
    texts: int = 0
    needing: int = 0  # that need 1 or more
    low: int = 0
    above: int = 0

    def add(self, other: Row) -> None:
        self.texts += other.texts
        self.needing += other.needing
        self.low += other.low
        self.above += other.above


def groups() -> Iterator[tuple[str, str, dict[str, Any]]]:
    """(language, class, group) of every file."""
    for path in sorted(MESSAGES.glob("*/*.toml")):
        for group in tomllib.loads(path.read_text(encoding="utf-8"))["group"]:
            yield path.parent.name, str(group["class"]), group


def measured(filter: Filter) -> dict[tuple[str, str], Row]:
    rows: dict[tuple[str, str], Row] = defaultdict(Row)
    for language, name, group in groups():
        row = rows[language, name]
        for text in group["texts"]:
            urgency = filter.screen(text, language=language).verdict.urgency
            row.texts += 1
            row.needing += group["at_least"] > 0
            row.low += urgency < group["at_least"]
            row.above += urgency > group["at_most"]
    return rows


def whole(rows: dict[tuple[str, str], Row], language: str) -> Row:
    total = Row()
    for (code, _), row in rows.items():
        if code == language or not language or (language == "floor" and code not in DEEP):
            total.add(row)
    return total


def printed(first: dict[tuple[str, str], Row], second: dict[tuple[str, str], Row] | None, line: str) -> None:
    for (language, name), row in sorted(first.items()):
        other = second[language, name] if second else row
        print(line.format(language, name, row.texts, row.low, row.above, other.above))
    for language in (*DEEP, "floor", ""):
        row, other = whole(first, language), whole(second or first, language)
        print(line.format(language or "all", "in all", row.texts, row.low, row.above, other.above))


def timed(filter: Filter) -> None:
    """Processor time of the rules for messages of some 200 characters, and for 10,000 sentences at once."""
    texts = [text for _, _, group in groups() for text in group["texts"]]
    made: list[str] = []
    while len(made) < 400 and texts:
        text = ""
        while len(text) < 180 and texts:
            text = f"{text} {texts.pop(0)}.".strip()
        made.append(text[:200])
    for text in made:
        filter.screen(text)
    spent = []
    for text in made:
        began = time.process_time()
        filter.screen(text)
        spent.append((time.process_time() - began) * 1000)
    print(f"{len(made)} messages of up to 200 characters: median {statistics.median(spent):.2f} ms, slowest {max(spent):.1f} ms")
    for sentences in (1_000, 10_000):
        long = " ".join(f"We had tea and talked about the garden for {n} minutes." for n in range(sentences))
        began = time.process_time()
        filter.screen(long)
        print(f"{sentences} sentences, {len(long)} characters: {time.process_time() - began:.2f} s")


def main() -> int:
    args = argparse.ArgumentParser(description=__doc__)
    args.add_argument("--rules-only", action="store_true", help="without the second stage, which needs the model")
    args.add_argument("--markdown", action="store_true")
    args.add_argument("--timing", action="store_true")
    chosen = args.parse_args()
    words = load(ROOT / "corpus")
    rules = Filter(words, rules_only=True)
    if chosen.timing:
        timed(rules)
        return 0
    first = measured(rules)
    second = None
    if not chosen.rules_only:
        from retrieval.embed import Embedder

        found = settings.read()
        embed = Embedder.open(settings.model_cache(found), model=found.model).encode
        second = measured(Filter(words, embed=embed))
    line = "| {} | {} | {} | {} | {} | {} |" if chosen.markdown else "{:6} {:52} {:>6} {:>6} {:>7} {:>12}"
    print(line.format("", "class", "texts", "too low", "above", "with stage 2"))
    if chosen.markdown:
        print("|---|---|---:|---:|---:|---:|")
    printed(first, second, line)
    if second:
        gained = sum(row.low for row in first.values()) - sum(row.low for row in second.values())
        cost = sum(row.above for row in second.values()) - sum(row.above for row in first.values())
        print(f"the second stage finds {gained} more of these, and raises {cost} more above what is right", file=sys.stderr)
    total = whole(first, "")
    return 0 if total.low == 0 and total.above <= 0.02 * total.texts else 1


if __name__ == "__main__":
    sys.exit(main())
