"""What the routes may reach: the joined parts, on app.state."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from fastapi import Request
from jinja2 import Environment

from bot.desk import Desk
from bot.model import Action
from bot.ports import Clock, Store
from bot.routes.metrics import Metrics
from bot.routes.rates import Rates
from bot.settings import Settings
from bot.turn import Parts
from bot.words import Words

LONG_AGO = datetime(2000, 1, 1, tzinfo=UTC)
TYPING = timedelta(seconds=6)  # a sign of typing is forgotten after this
BLINK = timedelta(seconds=8)  # a line that is open again within this was never gone
REMEMBERED = 10_000  # conversations whose signs are kept


@dataclass(slots=True)
class Here:
    """Made by bot/app.py, once. `embed` turns texts into rows of unit vectors; `running` turns False at shutdown."""

    settings: Settings
    parts: Parts
    desk: Desk
    templates: Environment
    search: Any
    embed: Callable[[list[str]], Any] | None = None
    thinkers: Any = None
    senders: Mapping[str, Any] = field(default_factory=dict)
    rates: Rates = field(default_factory=Rates)
    starters: dict[tuple[str, str], tuple[Action, ...]] = field(default_factory=dict)  # by language and corpus version
    metrics: Metrics = field(default_factory=Metrics)
    running: bool = True
    turns: int = 0  # under way now
    _typing: dict[tuple[str, str], datetime] = field(default_factory=dict)
    _alive: dict[str, datetime] = field(default_factory=dict)
    _lines: dict[str, int] = field(default_factory=dict)
    _gone: dict[str, datetime] = field(default_factory=dict)

    @property
    def store(self) -> Store:
        return self.parts.store

    @property
    def words(self) -> Words:
        return self.parts.words

    @property
    def clock(self) -> Clock:
        return self.parts.clock

    def typing_sign(self, conversation: str, who: str, typing: bool) -> None:
        """Kept in memory alone, for some seconds; never stored. A clinician's shows on the visitor's page at once."""
        now = self.clock()
        if len(self._typing) > REMEMBERED:
            self._typing = {key: at for key, at in self._typing.items() if now - at < TYPING}
        if typing:
            self._typing[conversation, who] = now
        else:
            self._typing.pop((conversation, who), None)
        if who == "clinician":
            self.store.wake(conversation)

    def typing_now(self, conversation: str, who: str) -> bool:
        return self.typing_until(conversation, who) is not None

    def typing_until(self, conversation: str, who: str) -> datetime | None:
        """When the last sign will be forgotten; None when it is already."""
        at = self._typing.get((conversation, who))
        return at + TYPING if at is not None and self.clock() - at < TYPING else None

    def came(self, conversation: str) -> None:
        """A visitor's page has opened its stream here."""
        self._lines[conversation] = self._lines.get(conversation, 0) + 1

    def went(self, conversation: str) -> None:
        open_still = self._lines.pop(conversation, 1) - 1
        if open_still:
            self._lines[conversation] = open_still
        if len(self._gone) > REMEMBERED:
            self._gone = dict(sorted(self._gone.items(), key=lambda one: one[1])[REMEMBERED // 2 :])
        self._gone[conversation] = self.clock()

    def presence(self, conversation: str) -> tuple[str, datetime | None]:
        """("here", None), ("left", when), or ("", None) where it cannot be known: another front end, or another replica."""
        left = self._gone.get(conversation)
        if conversation in self._lines or (left and self.clock() - left < BLINK):
            return "here", None
        alone = not self.settings.database_url
        return ("left", left) if left and alone else ("", None)

    def sign_of_life(self, holder: str) -> bool:
        """Whether the holder's leases are to be renewed now: a quarter of a lease after the last time, not at each call."""
        now = self.clock()
        due = now - self._alive.get(holder, LONG_AGO) >= timedelta(seconds=self.settings.lease_seconds / 4)
        if due:
            self._alive[holder] = now
        return due


def here(request: Request) -> Here:
    found = request.app.state.here
    assert isinstance(found, Here)
    return found
