"""What /safety-protocol shows: made from the rules and lines that are loaded, so that it cannot say what is not so."""

from __future__ import annotations

import hashlib
from collections import Counter
from typing import Any

from bot.safety.filter import Filter
from bot.words import Words


def protocol(words: Words, filter_: Filter, language: str = "en") -> dict[str, Any]:
    """Section titles to their content: lists of rows, or of sentences. Words from corpus/<language>/protocol.toml."""
    table = words.language(language).tables.get("protocol") or words.language("en").tables["protocol"]
    titles, text = table["sections"], table["text"]
    rules = [rule for pack in filter_.packs.values() for rule in pack.rules]
    levels, reasons = Counter(int(r.urgency) for r in rules), Counter(r.reason.value for r in rules)
    text_of_all = "\n".join(sorted(f"{rule.id} {rule.urgency}" for rule in rules))
    return {
        titles["levels"]: [
            {"level": n, "name": name, "words of": of, "what happens": does, "rules": levels.get(int(n), 0)}
            for n, (name, of, does) in table["levels"].items()
        ],
        titles["told"]: text["told"],
        titles["limits"]: text["limits"],
        titles["lines"]: [
            {
                "country": country.name,
                "emergency": country.emergency,
                "line": line.name,
                "call": line.call,
                "text": line.text,
                "hours": line.hours,
                "source": line.source,
                "looked at": str(line.checked_on or ""),
            }
            for country in sorted(words.countries.values(), key=lambda c: (not c.code, c.name))
            for line in country.lines
        ],
        titles["reasons"]: [{"reason": r.replace("_", " "), "rules": n} for r, n in sorted(reasons.items())],
        titles["stored"]: text["stored"],
        titles["versions"]: {
            "languages": ", ".join(f"{code} ({len(pack.rules)} rules)" for code, pack in sorted(filter_.packs.items())),
            "second stage": "on" if filter_.examples is not None else "off",
            "digest of the rules": hashlib.sha256(text_of_all.encode()).hexdigest()[:12],
        },
    }
