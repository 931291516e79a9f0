"""Statements written once with SQLAlchemy Core, compiled once a dialect, and run on the bare driver."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Any, Protocol

from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine.interfaces import Dialect
from sqlalchemy.sql import ClauseElement

from bot.model import Visit
from bot.stores.seal import Lock, Safe

Row = tuple[Any, ...]

_SQLITE: Dialect = sqlite.dialect(paramstyle="named")
_POSTGRESQL: Dialect = postgresql.dialect(paramstyle="pyformat")  # type: ignore[no-untyped-call]


_OF_A_VISIT = re.compile(r"\s*(?:INSERT INTO|UPDATE|DELETE FROM)\s+(?:conversations|handoffs|bookings)\b", re.I)


class Prepared:
    """One statement for both plugs. `postgresql` may differ where SQLite has no word for it (row locks).

    `touching`: it changes only the conversation that its unit says it touched, or what belongs to that one.
    """

    def __init__(
        self, statement: ClauseElement, postgresql: ClauseElement | None = None, *, touching: bool = False
    ) -> None:
        self._sqlite, self._postgresql = statement, statement if postgresql is None else postgresql
        self._touching = touching

    @cached_property
    def sqlite(self) -> tuple[str, dict[str, Any]]:
        return _compiled(self._sqlite, _SQLITE)

    @cached_property
    def stirs(self) -> bool:
        """Whether visits may change by it that its unit does not name."""
        return not self._touching and _OF_A_VISIT.match(self.sqlite[0]) is not None

    @cached_property
    def postgresql(self) -> tuple[str, dict[str, Any]]:
        return _compiled(self._postgresql, _POSTGRESQL)


def _compiled(statement: ClauseElement, dialect: Dialect) -> tuple[str, dict[str, Any]]:
    """(text, values that the statement itself brings along)."""
    done = statement.compile(dialect=dialect, compile_kwargs={"render_postcompile": True})
    return str(done), {name: value for name, value in (done.params or {}).items() if value is not None}


class Tx(Protocol):
    """One open transaction on either plug, as a unit of work sees it."""

    safe: Safe
    told: int  # events written so far
    wipe: bool  # a key was destroyed: nothing of it may stay in logs that the plug keeps
    touched: set[str]  # conversations that this unit changed: their watchers are woken after the commit
    left: Visit | None  # one of them as this unit leaves it, where it knows: the next reader may be given it

    def one(self, statement: Prepared, values: Mapping[str, Any]) -> Row | None:
        """The first row, or None."""

    def all(self, statement: Prepared, values: Mapping[str, Any]) -> list[Row]: ...

    def run(self, statement: Prepared, values: Mapping[str, Any]) -> None:
        """Nothing is asked back; on PostgreSQL it need not wait for an answer."""

    def many(self, statement: Prepared, rows: Sequence[Mapping[str, Any]]) -> None: ...

    def lock(self, conversation: str, wrapped: bytes) -> Lock:
        """The conversation's key, unwrapped."""
