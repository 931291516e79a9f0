"""What the practice learns from: waits, promises, flags and their marks, volume by hour, and what the articles lack."""

from __future__ import annotations

import asyncio
from collections import Counter, defaultdict
from collections.abc import Iterable
from datetime import datetime, timedelta
from statistics import median
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import JSONResponse

from bot import referrals
from bot.answer.gaps import GapGroup, group_gaps
from bot.handoff import kept
from bot.model import Handoff, HandoffState
from bot.routes import access, shapes
from bot.routes.access import Staff
from bot.routes.console_board import newest
from bot.routes.state import Here, here

router = APIRouter(prefix="/v1/console", include_in_schema=False)

Handoffs = Annotated[Staff, Depends(access.staff("handoffs"))]
MOST = 5000  # handoffs looked at
EVENTS = 20_000  # events looked at for the volume by hour
"""The figures say so when there was more."""


@router.get("/gaps")
async def gaps(request: Request, who: Handoffs, limit: Annotated[int, Query(ge=1, le=500)] = 200) -> JSONResponse:
    """Questions that the articles do not cover, redacted, most asked first: what to write next."""
    app = here(request)
    asked = await app.store.gaps(limit)
    last = {question: at for question, _, at in asked}
    if app.embed is not None:
        groups = await asyncio.to_thread(group_gaps, asked, app.embed)
    else:
        groups = tuple(GapGroup(question, times) for question, times, _ in asked)
    rows = [
        {
            "question": group.question,
            "times": group.times,
            "others": list(group.others),
            "last": shapes.when(max(last[q] for q in (group.question, *group.others))),
        }
        for group in groups
    ]
    return JSONResponse({"gaps": rows})


@router.get("/figures")
async def figures(request: Request, who: Handoffs, days: Annotated[int, Query(ge=1, le=365)] = 30) -> JSONResponse:
    """All figures of the last `days`; times in seconds, hours by the practice's clock."""
    app = here(request)
    since = app.clock() - timedelta(days=days)
    found = [h for h in await _handoffs(app) if h.opened_at >= since and not h.conversation.startswith("drill_")]
    marks = [one for one in (await app.store.kept("mark")).values() if one["at"] >= (shapes.when(since) or "")]
    hours, whole = await _by_hour(app, since)
    gap_rows = [gap for gap in await app.store.gaps(200) if gap[2] >= since]
    return JSONResponse(
        {
            "days": days,
            "handoffs": len(found),
            "waits": waits(found),
            "promises": promises(found, app.clock()),
            "outcomes": dict(Counter(h.outcome.value for h in found if h.outcome)),
            "reasons": dict(Counter(h.reason.value for h in found)),
            "flags": flags(found, marks),
            "referrals": await _referrals(app, since),
            "by_hour": hours,
            "whole": whole and len(found) < MOST,
            "not_covered": {"asked": sum(times for _, times, _ in gap_rows), "different": len(gap_rows)},
            "counts": await app.store.counts(),
        }
    )


async def _referrals(app: Here, since: datetime) -> dict[str, int]:
    """How often a crisis line was shown: in the last days, and this calendar year (`handrail referrals` for a year's report)."""
    rows = list((await app.store.kept(referrals.KIND)).values())
    days = sum(str(row["day"]) >= since.date().isoformat() for row in rows)
    return {"days": days, "year": referrals.yearly(rows, app.clock().year)["total"]}


async def _handoffs(app: Here) -> list[Handoff]:
    found: list[Handoff] = []
    for state in (HandoffState.WAITING, HandoffState.CLAIMED, HandoffState.CLOSED):
        found += await app.store.queue(state, MOST)
    return found


def waits(found: Iterable[Handoff]) -> list[dict[str, Any]]:
    """By urgency: how many, and the wait until somebody had looked (median and ninth decile), in seconds."""
    by: dict[int, list[float]] = defaultdict(list)
    number: Counter[int] = Counter()
    for h in found:
        number[h.urgency] += 1
        if h.acknowledged_at is not None:
            by[h.urgency].append((h.acknowledged_at - h.opened_at).total_seconds())
    rows = []
    for urgency in range(4, -1, -1):
        seen = sorted(by[urgency])
        ninth = seen[min(len(seen) - 1, int(len(seen) * 0.9))] if seen else None
        rows.append(
            {
                "urgency": urgency,
                "handoffs": number[urgency],
                "seen": len(seen),
                "median": median(seen) if seen else None,
                "p90": ninth,
            }
        )
    return rows


def promises(found: Iterable[Handoff], now: datetime) -> list[dict[str, Any]]:
    rows = {urgency: {"urgency": urgency, "kept": 0, "broken": 0, "open": 0} for urgency in range(4, -1, -1)}
    for h in found:
        if h.due_at is not None:
            state = kept(h, now)
            rows[h.urgency]["open" if state is None else "kept" if state else "broken"] += 1
    return list(rows.values())


def flags(found: Iterable[Handoff], marks: list[dict[str, Any]]) -> dict[str, Any]:
    """Which rules fired how often, and how clinicians marked them."""
    rules: Counter[str] = Counter()
    flagged = 0
    for h in found:
        names = {m.rule for m in h.card.marked}
        flagged += bool(names)
        rules.update(names)
    by_rule: dict[str, Counter[str]] = defaultdict(Counter)
    for one in marks:
        by_rule[one["rule"]][one["mark"]] += 1
    rows = [
        {"rule": rule, "fired": fired, "right": by_rule[rule]["right"], "wrong": by_rule[rule]["wrong"]}
        for rule, fired in rules.most_common(20)
    ]
    return {"handoffs": flagged, "marks": dict(Counter(one["mark"] for one in marks)), "rules": rows}


async def _by_hour(app: Here, since: datetime) -> tuple[list[dict[str, int]], bool]:
    """Conversations begun and handoffs opened in each hour of the day; whether all events were looked at."""
    store, last = app.store, await newest(app.store.events)
    after = max(0, last - EVENTS)
    whole = after == 0
    rows = [{"hour": hour, "conversations": 0, "handoffs": 0} for hour in range(24)]
    while page := await store.events(after, 1000):
        after = page[-1].id
        for event in page:
            if event.created_at < since:
                whole = True
                continue
            if event.kind == "conversation.started":
                rows[app.parts.hours.local(event.created_at).hour]["conversations"] += 1
            elif event.kind == "handoff.opened":
                rows[app.parts.hours.local(event.created_at).hour]["handoffs"] += 1
    return rows, whole
