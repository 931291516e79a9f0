"""What has been kept long enough is taken away, class by class, and reported: how many, never whose."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Protocol

import structlog

from bot.model import NotThere, StoreFault
from bot.ports import Clock, Store

log = structlog.get_logger(__name__)

WHO = "retention"
EVERY = timedelta(hours=6)  # between two rounds, over all replicas
LOOK = 300.0  # seconds between two looks whether a round is due
BATCH = 100  # conversations found at a time
CLASSES = ("chats", "care", "traces")
MEANS = {
    "chats": "conversations that no person was asked into",
    "care": "conversations with a closed handoff or a booking",
    "traces": "ended deliveries, events, expired sessions and links",
}


class Chosen(Protocol):
    """What of the settings decides: days since the last write; 0 keeps it until somebody erases it."""

    @property
    def keep_chats_days(self) -> int: ...
    @property
    def keep_care_days(self) -> int: ...
    @property
    def keep_traces_days(self) -> int: ...


@dataclass(frozen=True, slots=True)
class Periods:
    """Days by class; a class that is kept is not in it."""

    days: Mapping[str, int]

    @staticmethod
    def of(chosen: Chosen) -> Periods:
        given = {"chats": chosen.keep_chats_days, "care": chosen.keep_care_days, "traces": chosen.keep_traces_days}
        return Periods({name: days for name, days in given.items() if days})


async def due(store: Store, periods: Periods, now: datetime) -> dict[str, int]:
    """Conversations that the next round would take, by class (counted up to 10,000)."""
    found = {}
    for name in ("chats", "care"):
        if days := periods.days.get(name):
            found[name] = len(await store.idle_since(now - timedelta(days=days), 10_000, cared=name == "care"))
    return found


async def take_away(store: Store, periods: Periods, now: datetime) -> dict[str, int]:
    """One round: every class that is over its period. What has an open handoff stays. How many, by class and kind."""
    done: dict[str, int] = {}
    for name in ("chats", "care"):
        if days := periods.days.get(name):
            done[name] = await _erase(store, now - timedelta(days=days), now, cared=name == "care")
    if days := periods.days.get("traces"):
        done |= await store.tidy(now - timedelta(days=days))
    if any(done.values()):
        await store.audit(WHO, "retention.round", "", now, done)
        await store.keep(WHO, "taken", {"taken": done, "taken_at": now.isoformat()}, now)
    await store.keep(WHO, "round", {"at": now.isoformat()}, now)
    return done


async def _erase(store: Store, before: datetime, now: datetime, cared: bool) -> int:
    number = 0
    while found := await store.idle_since(before, BATCH, cared=cared):
        for id in found:
            try:
                await store.erase(id, now, WHO)
                number += 1
            except NotThere:  # its visitor, or another replica, was first
                continue
    return number


async def last(store: Store) -> dict[str, Any]:
    """{"at"} of the last round, {"taken", "taken_at"} of the last that found something; empty before the first."""
    kept = await store.kept(WHO)
    return kept.get("round", {}) | kept.get("taken", {})


async def run(store: Store, periods: Periods, clock: Clock, look: float = LOOK) -> None:
    """A round every six hours, until cancelled. A replica that finds it done leaves it; two at once do no harm."""
    while periods.days:
        try:
            before, now = await last(store), clock()
            if "at" not in before or now - datetime.fromisoformat(before["at"]) >= EVERY:
                log.info("retention", **await take_away(store, periods, now))
        except StoreFault as error:  # the next look finds it again
            log.error("retention.store", detail=str(error))
        await asyncio.sleep(look)
