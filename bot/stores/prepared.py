"""Statements written once with SQLAlchemy Core, compiled once a dialect, and run on the bare driver."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Any, Protocol

from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine.interfaces import Dialect
from sqlalchemy.sql import ClauseElement

from bot.stores.seal import Lock, Safe

Row = tuple[Any, ...]

_SQLITE: Dialect = sqlite.dialect(paramstyle="named")
_POSTGRESQL: Dialect = postgresql.dialect(paramstyle="pyformat")  # type: ignore[no-untyped-call]


class Prepared:
    """One statement for both plugs. `postgresql` may differ where SQLite has no word for it (row locks)."""

    def __init__(self, statement: ClauseElement, postgresql: ClauseElement | None = None) -> None:
        self._sqlite, self._postgresql = statement, statement if postgresql is None else postgresql

    @cached_property
    def sqlite(self) -> tuple[str, dict[str, Any]]:
        return _compiled(self._sqlite, _SQLITE)

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

    def one(self, statement: Prepared, values: Mapping[str, Any]) -> Row | None:
        """The first row, or None."""

    def all(self, statement: Prepared, values: Mapping[str, Any]) -> list[Row]: ...

    def run(self, statement: Prepared, values: Mapping[str, Any]) -> None:
        """Nothing is asked back; on PostgreSQL it need not wait for an answer."""

    def many(self, statement: Prepared, rows: Sequence[Mapping[str, Any]]) -> None: ...

    def lock(self, conversation: str, wrapped: bytes) -> Lock:
        """The conversation's key, unwrapped."""
