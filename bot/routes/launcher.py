"""embed.js with what it must show before, or without, an answer from the server: names, words, first crisis lines."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from bot.words import Country, Words

EMPTY = "const CARE = null;"
WORDS = {
    "chat": "launcher.chat",
    "close": "launcher.close",
    "title": "launcher.title",
    "unread": "launcher.unread",
    "opening": "launcher.opening",
    "failed": "launcher.failed",
    "page": "launcher.page",
    "now": "care.now",
    "call": "care.call",
    "text": "care.text",
    "dir": "dir",
}


def fill(script: str, words: Words, interface: Mapping[str, Mapping[str, Any]], version: str, exit_url: str) -> str:
    """The script with its data in place. `interface` are the locale files by language, each whole."""
    practice = words.practice
    care = {
        "version": version,
        "name": practice.name,
        "telephone": practice.telephone,
        "country": practice.country,
        "exit": exit_url,
        "words": {code: {short: table[key] for short, key in WORDS.items()} for code, table in interface.items()},
        "lines": {code: _first(country) for code, country in words.countries.items() if code},
    }
    # JSON is JavaScript, but for "</", which would matter only inside a page's own script element.
    return script.replace(EMPTY, f"const CARE = {json.dumps(care, ensure_ascii=False, separators=(',', ':'))};", 1)


def _first(country: Country) -> list[str]:
    """The emergency number, and the number and the text number of the first general line."""
    line = next(iter(country.about("suicide", "crisis")), None)
    return [country.emergency, line.call, line.text] if line else [country.emergency, "", ""]
