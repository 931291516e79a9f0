"""When more turns are under way than the process can do, plain ones are asked to come again; words of risk never are."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator

from bot.model import Urgency
from bot.routes import problems
from bot.routes.problems import Problem
from bot.routes.state import Here

AGAIN_IN = "2"  # seconds


@contextlib.asynccontextmanager
async def a_turn(app: Here, text: str, conversation: str = "") -> AsyncIterator[None]:
    """Holds a place for one turn. Raises Problem 503, with the crisis lines, when all are taken and nothing speaks of risk."""
    if app.turns >= app.settings.turns_at_once and not await at_risk(app, text, conversation):
        app.metrics.shed.inc()
        raise Problem(
            503,
            "Too many are writing at this moment, and nothing was stored: send it again, with the same client_id.",
            {"Retry-After": AGAIN_IN},
            lines=problems.lines(app.words.country(app.words.practice.country)),
        )
    app.turns += 1
    try:
        yield
    finally:
        app.turns -= 1


async def at_risk(app: Here, text: str, conversation: str = "") -> bool:
    """Whether the words speak of risk, alone or in their conversation ("yes", to a direct question), or a flag is open in it."""
    visit = await app.store.visit(conversation) if conversation else None
    if visit is None:
        return app.parts.filter.screen(text).verdict.urgency >= Urgency.CHECK_IN
    talk, memory = visit.conversation, visit.memory.safety
    verdict = app.parts.filter.screen(text, memory, language=talk.language, country=talk.country).verdict
    return max(verdict.urgency, verdict.level) >= Urgency.CHECK_IN
