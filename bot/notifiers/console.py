"""The console's notice: a line in the server's log. Sound, title and desktop notice are the browser's own."""

from __future__ import annotations

from collections.abc import Sequence

import structlog

from bot.model import Delivery, Handoff
from bot.ports import Clock, Store
from bot.settings import Settings
from bot.words import Words

log = structlog.get_logger(__name__)


class Console:
    async def send(self, delivery: Delivery, handoff: Handoff | None) -> None:
        log.info(
            "notice",
            kind=delivery.kind,
            handoff=delivery.handoff,
            urgency=handoff.urgency if handoff else None,
            reason=handoff.reason.value if handoff else None,
        )


def make(settings: Settings, words: Words, store: Store, clock: Clock, addresses: Sequence[str]) -> Console:
    return Console()
