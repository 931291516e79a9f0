"""Between replicas: one NOTIFY a batch says where to look, and a look every second makes up for one that was lost."""

from __future__ import annotations

import asyncio
import contextlib
import threading
import time
from collections.abc import Iterable
from typing import Any

import psycopg

from bot.stores.hub import Hub
from bot.stores.statements.events import FENCE

CHANNEL = "handrail"
GOODBYE = "-"
LINE: dict[str, Any] = {  # a line that has gone dead is found out within half a minute
    "connect_timeout": 5,
    "keepalives_idle": 10,
    "keepalives_interval": 5,
    "keepalives_count": 3,
    "tcp_user_timeout": 20_000,
}
_PAYLOAD = 7000  # bytes; PostgreSQL takes 8000
_EVERY = 1.0  # seconds between two looks when nothing rings
_PAGE = 5000
_SOON = 1.0  # seconds before a lost connection is made anew

_NEWER = f"""
    SELECT id, conversation, id < {FENCE} FROM events WHERE id > %s ORDER BY id LIMIT %s
"""  # noqa: S608


class Doorbell:
    """Two threads: the mouth tells other replicas what was touched here, the ear rings what was touched there."""

    def __init__(self, url: str, hub: Hub, loop: asyncio.AbstractEventLoop) -> None:
        self._url, self._hub, self._loop = url, hub, loop
        self._touched: set[str] = set()
        self._there = threading.Condition()
        self._stopping = threading.Event()
        self._mouth_pid = 0
        self._seen = 0  # every event up to this id has been rung
        self._threads = [
            threading.Thread(target=run, daemon=True, name=run.__name__) for run in (self._speak, self._hear)
        ]

    def start(self) -> None:
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        self._stopping.set()
        with self._there:
            self._there.notify_all()
        for thread in self._threads:
            thread.join()

    def ring(self, touched: Iterable[str]) -> None:
        with self._there:
            self._touched.update(touched)
            self._there.notify()

    def _speak(self) -> None:
        while not self._stopping.is_set():
            with contextlib.suppress(psycopg.Error), self._connect() as connection:
                connection.execute("SET synchronous_commit = off")  # a doorbell need not survive a crash
                self._mouth_pid = connection.info.backend_pid
                self._speak_on(connection)
            self._stopping.wait(_SOON)

    def _speak_on(self, connection: psycopg.Connection[Any]) -> None:
        while not self._stopping.is_set():
            with self._there:
                while not self._touched and not self._stopping.is_set():
                    self._there.wait()
                touched, self._touched = self._touched, set()
            for payload in _payloads(touched):
                connection.execute("SELECT pg_notify(%s, %s)", (CHANNEL, payload))
        connection.execute(
            "SELECT pg_notify(%s, %s)", (CHANNEL, GOODBYE)
        )  # so that our own ear wakes, and sees that it is over

    def _hear(self) -> None:
        first = True
        while not self._stopping.is_set():
            with contextlib.suppress(psycopg.Error), self._connect() as connection:
                connection.execute(f"LISTEN {CHANNEL}")
                if first:
                    row = connection.execute("SELECT COALESCE(max(id), 0) FROM events").fetchone()
                    self._seen = row[0] if row else 0
                else:
                    self._pass_on(None)  # nobody rang while the line was down: everybody looks
                first = False
                self._hear_on(connection)
            self._stopping.wait(_SOON)

    def _hear_on(self, connection: psycopg.Connection[Any]) -> None:
        looked = time.monotonic()
        while not self._stopping.is_set():
            for notice in connection.notifies(timeout=_EVERY, stop_after=1):
                if notice.pid != self._mouth_pid and notice.payload != GOODBYE:
                    self._pass_on(notice.payload.split(","))
            if time.monotonic() - looked >= _EVERY:
                looked = time.monotonic()
                self._look(connection)

    def _look(self, connection: psycopg.Connection[Any]) -> None:
        """Rings all that is newer; goes on from the last event before which none can appear any more."""
        rows = connection.execute(_NEWER, (self._seen, _PAGE)).fetchall()
        if not rows:
            return
        self._pass_on({conversation for _, conversation, _ in rows})
        for id, _, settled in rows:
            if not settled:
                return
            self._seen = id

    def _pass_on(self, conversations: Iterable[str] | None) -> None:
        with contextlib.suppress(RuntimeError):  # the loop has ended
            if conversations is None:
                self._loop.call_soon_threadsafe(self._hub.ring_all)
            else:
                self._loop.call_soon_threadsafe(self._hub.ring, set(conversations))

    def _connect(self) -> psycopg.Connection[Any]:
        return psycopg.connect(self._url, autocommit=True, **LINE)


def _payloads(touched: set[str]) -> Iterable[str]:
    """Ids with commas between them, in pieces that fit."""
    piece = ""
    for id in sorted(touched):
        if len(piece) + len(id) + 1 > _PAYLOAD:
            yield piece
            piece = ""
        piece = f"{piece},{id}" if piece else id
    if piece or "" in touched:
        yield piece
