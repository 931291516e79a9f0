"""Clinicians' marks as test cases: in their own words, never in the visitor's."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from typing import Any

from bot.safety.fold import tokens

LONGEST = 300  # characters of one paraphrase
_RUN = 5  # words in a row that are the visitor's own
_FEWEST = 3  # a message of fewer words cannot be said otherwise
_DETAIL = re.compile(r"\d(?:[\s().-]*\d){5,}|\S+@\S+\.\S+|https?://", re.I)
_HEAD = """# Clinicians' marks as test cases: what the filter missed, or what should not have fired.
# The texts are the clinicians' own words. `handrail shadow try FOLDER --cases THIS_FILE` shows what other
# rules would make of them; the tests of the rules read the same form.
"""


def refused(words: str, said: Iterable[str]) -> str:
    """Why this paraphrase is not kept, or "". `said`: what the visitor wrote."""
    if _DETAIL.search(words):
        return "Leave numbers, addresses and links out: a test case must point to nobody."
    mine = tokens(words).words
    for text in said:
        theirs = tokens(text).words
        run = min(_RUN, len(theirs))
        if run < _FEWEST:
            continue
        rows = {tuple(theirs[n : n + run]) for n in range(len(theirs) - run + 1)}
        same = next((n for n in range(len(mine) - run + 1) if tuple(mine[n : n + run]) in rows), None)
        if same is not None:
            return f"“{' '.join(mine[same : same + run])}” is how the visitor put it: say it in your own words."
    return ""


def cases(marks: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """The marks that carry a paraphrase, each as a group of the messages' form: at_least for a miss, at_most for a false alarm."""
    rows = []
    for mark in marks:
        if not mark.get("words"):
            continue
        missed = mark["mark"] == "missed"
        level = mark.get("should_be")
        row: dict[str, Any] = {
            "class": "a clinician marked: missed" if missed else "a clinician marked: should not have fired",
            "at_least": (2 if level is None else int(level)) if missed else 0,
            "at_most": 4 if missed else (1 if level is None else int(level)),
        }
        if mark.get("rule"):
            row["rule"] = mark["rule"]
        rows.append({**row, "texts": [mark["words"]]})
    return rows


def as_toml(rows: Iterable[Mapping[str, Any]]) -> str:
    """The cases as a file that `shadow try --cases` and the tests read."""
    parts = [_HEAD]
    for row in rows:
        lines = [f"{key} = {json.dumps(value, ensure_ascii=False)}" for key, value in row.items()]
        parts.append("\n[[group]]\n" + "\n".join(lines) + "\n")
    return "".join(parts)
