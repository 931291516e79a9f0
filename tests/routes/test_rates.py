"""The counts at the door: exactly so many in any minute, each caller alone, and nobody remembered for longer."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from bot.routes.rates import Rates


@given(st.lists(st.floats(0, 40, allow_nan=False), max_size=60), st.integers(1, 5))
def test_never_more_than_the_limit_in_any_minute(gaps: list[float], limit: int) -> None:
    rates, now, taken = Rates(), 1000.0, list[float]()
    for gap in gaps:
        now += gap
        allowed = rates.hit("open", "a", limit, now)
        assert allowed == (sum(t > now - 60 for t in taken) < limit)
        taken += [now] * allowed


def test_each_caller_and_each_thing_is_counted_alone() -> None:
    rates = Rates()
    assert rates.hit("open", "a", 1, 1000.0)
    assert not rates.hit("open", "a", 1, 1001.0)
    assert rates.hit("open", "b", 1, 1001.0)
    assert rates.hit("message", "a", 1, 1001.0)


def test_nobody_is_remembered_longer_than_a_minute() -> None:
    rates = Rates()
    for n in range(1000):
        rates.hit("open", f"10.0.0.{n}", 60, 1000.0)
    assert len(rates) == 1000
    rates.hit("open", "later", 60, 1075.0)
    assert len(rates) == 1
