"""The signs in signs.toml, ready to be asked."""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Any, Literal

Where = Literal["line", "zone", "sentence", "machine"]


@dataclass(frozen=True, slots=True)
class Sign:
    """One rule: what it is a sign of, where it looks, and the texts that prove it."""

    reason: str
    where: Where
    pattern: re.Pattern[str]
    until: str = ""
    fires: tuple[str, ...] = ()
    silent: tuple[str, ...] = ()


@cache
def _read() -> dict[str, Any]:
    return tomllib.loads(resources.files("retrieval.importing").joinpath("signs.toml").read_text(encoding="utf-8"))


@cache
def parts() -> tuple[tuple[str, re.Pattern[str]], ...]:
    """(reason, pattern) for each part of a web page that its class or id names, in the file's order."""
    return tuple((entry["reason"], re.compile(rf"(?:^| )(?:{entry['names']})(?: |$)")) for entry in _read()["part"])


@cache
def signs() -> tuple[Sign, ...]:
    """Every rule of signs.toml, in its order."""
    return tuple(
        Sign(
            entry["reason"],
            entry["where"],
            re.compile(entry["pattern"], re.IGNORECASE),
            entry.get("until", ""),
            tuple(entry["fires"]),
            tuple(entry["silent"]),
        )
        for entry in _read()["sign"]
    )


@cache
def _at(where: Where) -> tuple[Sign, ...]:
    return tuple(sign for sign in signs() if sign.where == where)


def found(where: Where, text: str) -> Sign | None:
    """The first sign of this place that stands in `text`."""
    return next((sign for sign in _at(where) if sign.pattern.search(text)), None)
