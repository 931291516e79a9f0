"""A language's words of time (corpus/<language>/booking.toml) as patterns: one finds days, one times of day."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any


def alternatives(items: Iterable[str]) -> str:
    return "|".join(sorted(items, key=len, reverse=True))


@dataclass(frozen=True, slots=True)
class Grammar:
    day: re.Pattern[str]
    numeric: re.Pattern[str]
    window: re.Pattern[str]
    table: Mapping[str, Any]


def grammar(table: Mapping[str, Any]) -> Grammar:
    """The patterns of one table [times]."""
    months, suffix = alternatives(table["months"]), table["day_suffix"]
    weekdays, groups = alternatives(table["weekdays"]), alternatives(table["groups"])
    year = r"(?:,?\s+\d{4})?"
    day = (
        rf"(?P<iso>\b\d{{4}}-\d{{2}}-\d{{2}}\b)"
        rf"|\b{table['the']}(?P<named>(?:{months})\.?\s+\d{{1,2}}{suffix}\b{year}"
        rf"|\d{{1,2}}{suffix}{table['between_day_and_month']}\s+(?:{months})\b{year})"
        rf"|(?P<more>{'|'.join(table['more_dates'])})"
        rf"|{table.get('near_guard', '')}\b(?P<near>{alternatives(table['near'])})\b"
        rf"|\b(?P<next_week>{alternatives(table['next_week'])})\b|\b(?P<this_week>{alternatives(table['this_week'])})\b"
        rf"|\b(?:(?P<every>{table['recurring']})\s+)?(?P<group>{groups})(?P<plural>{table['recurring_suffix']})?\b"
        rf"|\b(?:(?:(?P<each>{table['recurring']})|(?P<next>{table['next']})|{table['this']})\s+)?"
        rf"(?P<weekday>{weekdays})(?P<many>{table['recurring_suffix']})?\b"
    )
    numbers, half = alternatives(table["numbers"]), alternatives(table["half_past"])
    words = alternatives(table.get("minute_words", ())) or "(?!)"  # said behind the hour: "las cinco y media"
    meridiem = rf"(?:{alternatives(table['am'] + table['pm'] + table['oclock'])})(?!\w)"

    def clock(n: int) -> str:
        return (
            rf"(?:(?P<half{n}>{half})\s+)?(?P<h{n}>\d{{1,2}}|\b(?:{numbers})\b)"
            rf"(?:[:.](?P<m{n}>\d{{2}})|\s+(?P<w{n}>{words}))?(?:\s*(?P<ap{n}>{meridiem}))?(?![\d/])"
        )

    between = [b for b in table["between"] if b]
    window = (
        rf"\b(?P<part>{alternatives(table['parts'])})\b"
        rf"|(?P<between>\b(?:{alternatives(between)})\s+)?{clock(1)}\s*(?:\b(?:and|to|until|till?)\b|[-–])\s*{clock(2)}"
        rf"|\b(?P<after>{alternatives(table['after'])})\s+{clock(3)}"
        rf"|\b(?P<before>{alternatives(table['before'])})\s+{clock(4)}"
        rf"|(?:\b|(?<=\s))(?P<at>{alternatives(table['at'])})\s*{clock(5)}"
        rf"|(?<![\w/.:+-]){clock(6)}"
    )
    window = window.replace("and|to|until|till?", alternatives(a for a in table["and"] if a[0].isalpha()))
    return Grammar(
        re.compile(day, re.I),
        re.compile(r"(?<![\d/.-])(\d{1,2})([/.-])(\d{1,2})(?:\2(\d{4}|\d{2}))?(?![\d/]|[.-]\d)"),
        re.compile(window, re.I),
        table,
    )


def minutes(text: str) -> int:
    hour, _, minute = text.partition(":")
    return int(hour) * 60 + int(minute)


def clock_of(match: re.Match[str], n: int, table: Mapping[str, Any], meridiem: str | None) -> int | None:
    """Minutes after midnight. Without am or pm, 1 to 7 are taken as afternoon (and echoed as such)."""
    text = (match[f"h{n}"] or "").lower()
    hour = int(text) if text.isdigit() else int(table["numbers"][text])
    said = table["minute_words"][match[f"w{n}"].lower()] if match[f"w{n}"] else 30 if match[f"half{n}"] else 0
    minute = int(match[f"m{n}"] or said)
    if hour > 24 or minute > 59:
        return None
    mark = (match[f"ap{n}"] or meridiem or "").lower()
    is_pm = any(re.fullmatch(p, mark) for p in table["pm"])
    is_am = any(re.fullmatch(p, mark) for p in table["am"])
    if (is_pm and hour < 12) or (not is_am and 1 <= hour <= 7 and not text.startswith("0")):
        hour += 12
    elif is_am and hour == 12:
        hour = 0
    return hour * 60 + minute
