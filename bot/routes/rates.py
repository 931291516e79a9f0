"""How often somebody did a thing in the last minute: counted in memory, by exact times, and forgotten by itself."""

from __future__ import annotations

from collections import deque

WINDOW = 60.0  # seconds
SWEEP = 10.0  # seconds between two looks at who can be forgotten


class Rates:
    """One process' counts. Nothing runs beside the requests: a key costs its own times, and only when it is asked for."""

    def __init__(self) -> None:
        self._times: dict[tuple[str, str], deque[float]] = {}
        self._swept = 0.0

    def hit(self, what: str, who: str, limit: int, now: float) -> bool:
        """Counts it, unless `who` has done it `limit` times in the minute before `now` (seconds of a clock that never
        goes back): then False, and nothing is counted."""
        if now - self._swept > SWEEP:
            self._sweep(now)
        times = self._times.setdefault((what, who), deque())
        while times and times[0] <= now - WINDOW:
            times.popleft()
        if len(times) >= limit:
            return False
        times.append(now)
        return True

    def _sweep(self, now: float) -> None:
        self._swept = now
        self._times = {key: times for key, times in self._times.items() if times and times[-1] > now - WINDOW}

    def __len__(self) -> int:
        return len(self._times)
