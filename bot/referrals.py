"""Crisis referrals, counted for the yearly number that a practice may have to publish; nothing in a row is about a person."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from bot.model import Draft, Kind, Message, Verdict

KIND = "referral"
"""The kind of the store's records; an id is the day and a random end."""
_SCRIPT = {Kind.SUPPORT, Kind.BOUNDARY, Kind.HANDOFF}
_LINES = {"call", "text", "link"}


def refers(said: Iterable[Message | Draft]) -> bool:
    """Whether one of these shows a crisis line or the emergency number."""
    return any(
        message.kind is Kind.CRISIS or (message.kind in _SCRIPT and any(a.type in _LINES for a in message.actions))
        for message in said
    )


def referral(verdict: Verdict, said: Iterable[Message | Draft], country: str, now: datetime) -> dict[str, Any] | None:
    """The row to keep: day, country, reason and urgency; None when no line was shown. No conversation, no hour."""
    if not refers(said):
        return None
    raised = verdict.level > verdict.urgency
    return {
        "day": now.date().isoformat(),
        "country": country,
        "reason": (verdict.level_reason if raised else verdict.reason).value,
        "urgency": int(max(verdict.level, verdict.urgency)),
    }


def midnight(now: datetime) -> datetime:
    """The day's beginning: what a row is dated with, so that it cannot be laid beside a conversation."""
    return now.replace(hour=0, minute=0, second=0, microsecond=0)


def yearly(rows: Iterable[Mapping[str, Any]], year: int) -> dict[str, Any]:
    """The count of a calendar year (UTC): in all, by month, urgency, reason and country."""
    found = [row for row in rows if str(row["day"]).startswith(f"{year:04d}-")]
    months = Counter(str(row["day"])[:7] for row in found)
    return {
        "year": year,
        "total": len(found),
        "by_month": {f"{year:04d}-{month:02d}": months[f"{year:04d}-{month:02d}"] for month in range(1, 13)},
        "by_urgency": dict(sorted(Counter(str(row["urgency"]) for row in found).items(), reverse=True)),
        "by_reason": dict(Counter(row["reason"] for row in found).most_common()),
        "by_country": dict(Counter(row["country"] or "unknown" for row in found).most_common()),
    }
