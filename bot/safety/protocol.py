"""What /safety-protocol shows: the levels, reasons, rules, lines and versions of what is loaded, as plain data."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Mapping
from typing import Any

from bot.safety.filter import Filter
from bot.words import Words

NAMES = {
    "ar": "العربية", "de": "Deutsch", "en": "English", "es": "Español", "fr": "Français", "hi": "हिन्दी", "it": "Italiano",
    "pl": "Polski", "pt": "Português", "tl": "Tagalog", "vi": "Tiếng Việt", "zh": "中文",
}  # fmt: skip
"""Languages as they call themselves."""


def protocol(words: Words, filter_: Filter, language: str = "en") -> dict[str, Any]:
    """Levels, reasons, rule counts, lines by country, what is stored, who is told when, and digests of all of it, told in
    `language` where corpus/<language>/protocol.toml is there, else in English."""
    spoken = words.language(language).tables.get("protocol") or words.language("en").tables.get("protocol", {})
    languages = []
    for code, pack in sorted(filter_.packs.items()):
        by_reason = Counter(str(rule.reason) for rule in pack.rules)
        languages.append(
            {
                "language": code,
                "name": NAMES.get(code, code),
                "floor": pack.floor,
                "rules": len(pack.rules),
                "idioms": len(pack.allows),
                "sums": len(pack.sums),
                "by_reason": dict(sorted(by_reason.items())),
                "by_urgency": {str(n): sum(rule.urgency == n for rule in pack.rules) for n in range(5)},
                "digest": _digest(words.language(code).rules),
            }
        )
    countries = [
        {
            "code": country.code,
            "name": country.name,
            "emergency": country.emergency,
            "lines": [
                {
                    "name": line.name,
                    "about": list(line.about),
                    "call": line.call,
                    "text": line.text,
                    "chat": line.chat,
                    "hours": line.hours,
                    "free": line.free,
                    "languages": list(line.languages),
                    "source": line.source,
                    "checked_on": str(line.checked_on or ""),
                    "confidence": line.confidence,
                }
                for line in country.lines
            ],
        }
        for _, country in sorted(words.countries.items())
    ]
    examples = words.language("en").tables.get("examples", {})
    escalation = words.practice.get("escalation") or {}
    return {
        "practice": words.practice.name,
        "country": words.practice.country,
        "second_stage": filter_.examples is not None,
        "languages": languages,
        "words": spoken,
        "reasons": _reasons(filter_, spoken),
        "replies": {
            code: _digest(language.blocks) for code, language in sorted(words.languages.items()) if language.blocks
        },
        "countries": countries,
        "lines_digest": _digest(countries),
        "examples_digest": _digest(examples) if filter_.examples is not None else "",
        "escalation": {str(level): dict(row) for level, row in sorted(escalation.items())},
        "retention_days": words.practice.get("privacy", "retention_days"),
        "stored": words.practice.get("privacy", "note"),
        "digest": _digest([words.languages[c].rules for c in sorted(words.languages)]),
    }


def _reasons(filter_: Filter, spoken: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Each reason with what it means, how many rules there are for it, and the levels that they give."""
    rows = []
    rules = [rule for pack in filter_.packs.values() for rule in pack.rules]
    sums = [s for pack in filter_.packs.values() for s in pack.sums]
    for reason, (name, meant) in spoken.get("reasons", {}).items():
        levels = {r.urgency for r in rules if r.reason == reason} | {s.urgency for s in sums if s.reason == reason}
        rows.append(
            {
                "reason": reason,
                "name": name,
                "meant": meant,
                "rules": sum(r.reason == reason for r in rules) + sum(s.reason == reason for s in sums),
                "levels": sorted(levels, reverse=True),
            }
        )
    return rows


def _digest(data: object) -> str:
    """The first twelve hexadecimal digits of the SHA-256 of the data, written in one fixed way."""
    return hashlib.sha256(json.dumps(data, sort_keys=True, default=_plain).encode()).hexdigest()[:12]


def _plain(value: object) -> object:
    return dict(value) if hasattr(value, "keys") else str(value)  # type: ignore[call-overload]
