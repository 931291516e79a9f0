"""Proves every rule by its own examples, and that none contradicts another's."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING

from bot.model import Reason, SafetyMemory
from bot.safety.pack import Pack
from bot.words import Words

if TYPE_CHECKING:
    from bot.safety.filter import Filter

OLD = 90  # days after which a crisis line must be looked at again


@dataclass(frozen=True, slots=True)
class Finding:
    level: str  # fault | warning
    where: str  # file, with the rule or line
    what: str  # one sentence: what is wrong and what to do


def prove(filter_: Filter) -> list[Finding]:
    """Every example of every rule of every language, run alone through the rules."""
    return [finding for code, pack in filter_.packs.items() for finding in _pack(filter_, code, pack)]


def _pack(filter_: Filter, code: str, pack: Pack) -> Iterator[Finding]:
    firing: dict[str, str] = {}
    rows: list[tuple[str, str, tuple[str, ...], tuple[str, ...]]] = [
        (r.id, r.file, r.fires_on, r.silent_on) for r in pack.rules
    ]
    for name, file, fires_on, silent_on in rows:
        for text in fires_on:
            firing.setdefault(text, name)
            if name not in _fired(filter_, code, (text,)):
                yield Finding("fault", f"{file} {name}", f"does not fire on its own example “{text}”")
        for text in silent_on:
            if name in _fired(filter_, code, (text,), own=True):
                yield Finding("fault", f"{file} {name}", f"fires on “{text}”, which it says it is silent on")
            if firing.get(text) == name:
                yield Finding("fault", f"{file} {name}", f"“{text}” stands in both of its lists")
    for sum_ in pack.sums:
        for turns in sum_.fires_on:
            if sum_.id not in _fired(filter_, code, turns):
                yield Finding("fault", f"{sum_.file} {sum_.id}", f"does not add up on its own example {list(turns)}")
        for turns in sum_.silent_on:
            if sum_.id in _fired(filter_, code, turns):
                yield Finding(
                    "fault", f"{sum_.file} {sum_.id}", f"adds up on {list(turns)}, which it says it is silent on"
                )
    calm = [(text, at_most, file) for text, at_most, file in pack.calm]
    for allow in pack.allows:
        calm += [(text, 1, f"{allow.file} {allow.id}") for text in allow.calms]
        for text in allow.not_on:
            if not _urgency(filter_, code, text):
                yield Finding("fault", f"{allow.file} {allow.id}", f"silences “{text}”, which it must not")
    for text, at_most, where in calm:
        verdict = filter_.screen(text, language=code).verdict
        if verdict.urgency > at_most:
            names = ", ".join(f"{f.rule}" for f in verdict.fired if f.urgency > at_most)
            yield Finding(
                "fault",
                where,
                f"“{text}” must stay at {at_most}, and {names} puts it at {verdict.urgency}: narrow that rule",
            )


def _fired(filter_: Filter, code: str, turns: tuple[str, ...], own: bool = False) -> set[str]:
    """What fires on the last of these turns; with `own` less what fired as about someone else."""
    memory = SafetyMemory()
    fired: set[str] = set()
    for text in turns:
        screening = filter_.screen(text, memory, language=code)
        memory = screening.memory
        fired = {f.rule for f in screening.verdict.fired if not (own and f.reason is Reason.SOMEONE_ELSE)}
    return fired


def _urgency(filter_: Filter, code: str, text: str) -> int:
    return filter_.screen(text, language=code).verdict.urgency


def lines(words: Words, today: date) -> list[Finding]:
    """The crisis lines: none without a source, a warning for each that was last looked at more than 90 days ago."""
    found: list[Finding] = []
    for code, country in words.countries.items():
        where = f"crisis_lines.toml [{code or 'unknown'}]"
        if not country.lines:
            found.append(Finding("fault", where, "has no line: add one, or take the table out"))
        for line in country.lines:
            if not (line.call or line.text or line.chat):
                found.append(Finding("fault", f"{where} {line.id}", "has neither call, text nor chat"))
            if not line.source or line.checked_on is None:
                found.append(
                    Finding("fault", f"{where} {line.id}", "needs a source and the day on which it was checked")
                )
            elif (today - line.checked_on).days > OLD:
                found.append(
                    Finding(
                        "warning",
                        f"{where} {line.id}",
                        f"was checked on {line.checked_on}: look again at {line.source}",
                    )
                )
    return found
