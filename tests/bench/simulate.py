"""A day of 1,000 practices and 10 million visits, simulated from measured costs: how many cores, and what a visitor waits.

python tests/bench/simulate.py [--turn-ms 11] [--commit-ms 1.2] [--svg docs/images/scale.svg] ...

Practices differ in size (lognormal), hours differ (an evening peak), visits come at random (Poisson), each with some turns and
some thinking between them. Practices are dealt to cells so that no cell gets much more than its share. The largest cell's busiest
quarter of an hour is then played turn by turn: a queue before the cores of its replicas, a second one before PostgreSQL's; once
with one replica killed in the middle. Costs are defaults measured by tests/bench/load.py and store.py: put in your own.
"""

from __future__ import annotations

import argparse
import heapq
import math
from dataclasses import dataclass
from pathlib import Path

import numpy as np

HOURS = np.array([3, 2, 1.5, 1, 1, 1.5, 3, 5, 7, 8, 8, 8, 8, 7.5, 7.5, 8, 9, 10, 11, 12, 12, 11, 9, 6], dtype=float)
"""How the day's visits fall on its hours: most between 18 and 22."""
MINUTES = 15.0  # of the busiest hour, played turn by turn


@dataclass(frozen=True)
class World:
    practices: int
    visits: int  # a day
    turns: float  # a visit
    think: float  # seconds between two turns of a visit, median
    turn: float  # seconds of one core a full turn
    commit: float  # seconds of one of PostgreSQL's cores a turn
    cells: int
    cores: int  # of one replica
    database_cores: int
    stream_kb: float
    turn_kb: float  # stored
    bad_day: float  # how much more than an ordinary day's visits the cells are built for

    @property
    def peak(self) -> float:
        """Turns a second in the busiest hour of a bad day."""
        return self.bad_day * self.visits * self.turns * HOURS.max() / HOURS.sum() / 3600


def dealt(world: World, chance: np.random.Generator) -> np.ndarray:
    """Each cell's share of all visits: the largest practice first, always to the emptiest cell."""
    sizes = np.sort(chance.lognormal(0.0, 1.0, world.practices))[::-1]
    heap = [(0.0, cell) for cell in range(world.cells)]
    for size in sizes / sizes.sum():
        held, cell = heapq.heappop(heap)
        heapq.heappush(heap, (held + size, cell))
    return np.array(sorted(held for held, _ in heap))


def arrivals(world: World, share: float, chance: np.random.Generator) -> np.ndarray:
    """Moments of turns in the cell's busiest quarter of an hour, in order; visits that began before it are in it."""
    seconds = MINUTES * 60
    before = world.turns * world.think * 4  # long enough for the earlier visits' tails
    a_second = world.peak * share / world.turns
    begun = chance.uniform(-before, seconds, chance.poisson(a_second * (seconds + before)))
    turns = chance.geometric(1 / world.turns, len(begun))
    steps = chance.lognormal(math.log(world.think), 0.8, int(turns.sum()))
    starts = np.repeat(np.cumsum(turns) - turns, turns)
    total = np.cumsum(steps)
    moments = np.repeat(begun, turns) + total - total[starts]
    return np.sort(moments[(moments >= 0) & (moments < seconds)])


def queue(moments: np.ndarray, work: np.ndarray, servers: int, gone: tuple[float, float, int] = (0, 0, 0)) -> np.ndarray:
    """When each is done, first come first served by so many servers; `gone`: from, until, how many are away."""
    free = [0.0] * servers
    heapq.heapify(free)
    done, (start, end, away), dead = np.empty(len(moments)), gone, gone[2] == 0
    for place, (at, cost) in enumerate(zip(moments.tolist(), work.tolist(), strict=True)):
        if not dead and at >= start:
            dead = True
            free = sorted(free)[: servers - away] + [end] * away
            heapq.heapify(free)
        begin = max(at, heapq.heappop(free))
        done[place] = begin + cost
        heapq.heappush(free, begin + cost)
    return done


def play(world: World, share: float, replicas: int, chance: np.random.Generator, kill: bool = False) -> tuple[np.ndarray, np.ndarray]:
    """(moments, seconds that each turn took), through the replicas' cores and then the database."""
    moments = arrivals(world, share, chance)
    shape = 1 / 0.36  # a turn's cost varies by some 0.6 of its mean
    thinking = chance.gamma(shape, world.turn / shape, len(moments))
    storing = chance.gamma(2.0, world.commit / 2.0, len(moments))
    gone = (300.0, 330.0, world.cores) if kill else (0.0, 0.0, 0)
    thought = queue(moments, thinking, replicas * world.cores, gone)
    order = np.argsort(thought, kind="stable")
    stored = np.empty(len(moments))
    stored[order] = queue(thought[order], storing[order], world.database_cores)
    return moments, stored - moments


def ms(seconds: np.ndarray, share: float) -> float:
    return float(np.quantile(seconds, share) * 1000)


def needed(world: World, share: float, chance: np.random.Generator) -> list[tuple[int, float, float, float]]:
    """(replicas, how busy their cores are, p50, p99 in ms), from the fewest that can keep up to twice as many."""
    offered = world.peak * share * world.turn / world.cores
    fewest = max(1, math.ceil(offered / 0.97))
    steps = sorted({max(fewest, round(fewest * factor)) for factor in (1, 1.05, 1.12, 1.25, 1.4, 1.6, 2)})
    rows = []
    for replicas in steps:
        _, took = play(world, share, replicas, chance)
        rows.append((replicas, offered / replicas, ms(took, 0.5), ms(took, 0.99)))
    return rows


def svg(world: World, rows: list[tuple[int, float, float, float]], chosen: int, timeline: np.ndarray) -> str:
    """Three small plots: the day, what a replica more brings, and the seconds around a replica's death."""
    day = world.bad_day * world.visits * world.turns * HOURS / HOURS.sum() / 3600
    capacity = world.cells * chosen * world.cores / world.turn
    plots = (
        _plot(0, "Turns a second over the day; dashed: what the cores can do", np.arange(24.0), [("", day)], "hour", capacity),
        _plot(
            340,
            "p50 and p99 of a turn (ms) by replicas in a cell, busiest hour",
            np.array([r[0] for r in rows], dtype=float),
            [("p50", np.array([r[2] for r in rows])), ("p99", np.array([r[3] for r in rows]))],
            "replicas",
        ),
        _plot(
            680,
            "p99 (ms) second by second: one replica dies at 0, is back at 30",
            np.arange(len(timeline)) - 30.0,
            [("", timeline)],
            "seconds",
        ),
    )
    style = "text{font:11px system-ui,sans-serif;fill:#445}path{fill:none;stroke-width:2}line{stroke:#c9d4da}"
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 1020 260" role="img" aria-label="A simulated day">'
        f'<style>{style}</style><rect width="1020" height="260" fill="#fff"/>{"".join(plots)}</svg>\n'
    )


def _plot(left: int, title: str, xs: np.ndarray, curves: list[tuple[str, np.ndarray]], unit: str, level: float = 0.0) -> str:
    wide, high, x0, y0 = 270.0, 160.0, left + 50.0, 215.0
    top = max(float(max(c.max() for _, c in curves)), level) * 1.05 or 1.0
    low, span = float(xs.min()), float(np.ptp(xs)) or 1.0

    def at(x: float, y: float) -> str:
        return f"{x0 + (x - low) / span * wide:.1f} {y0 - y / top * high:.1f}"

    parts = [f'<text x="{left + 10}" y="22">{title}</text>', f'<text x="{x0 + wide / 2}" y="{y0 + 32}">{unit}</text>']
    for k in range(5):
        y = y0 - high * k / 4
        parts.append(f'<line x1="{x0}" y1="{y}" x2="{x0 + wide}" y2="{y}"/>')
        parts.append(f'<text x="{x0 - 6}" y="{y + 4}" text-anchor="end">{top * k / 4:,.0f}</text>')
    for x in np.linspace(low, low + span, 4):
        parts.append(f'<text x="{x0 + (x - low) / span * wide - 6:.1f}" y="{y0 + 16}">{x:,.0f}</text>')
    for (name, ys), colour in zip(curves, ("#1d7a6c", "#b3432b"), strict=False):
        points = "L".join(at(float(x), float(y)) for x, y in zip(xs, ys, strict=True))
        parts.append(f'<path d="M{points}" stroke="{colour}"/>')
        parts.append(f'<text x="{x0 + wide - 26}" y="{y0 - float(ys[-1]) / top * high - 6:.1f}">{name}</text>')
    if level:
        parts.append(f'<path d="M{at(low, level)}L{at(low + span, level)}" stroke="#445" stroke-dasharray="4 4"/>')
    return "".join(parts)


def main() -> None:
    asked = argparse.ArgumentParser()
    for name, value, kind in (
        ("practices", 1000, int), ("visits", 10_000_000, int), ("turns", 6.0, float), ("think", 25.0, float),
        ("turn-ms", 20.0, float), ("commit-ms", 0.8, float), ("cells", 10, int), ("cores", 2, int), ("database-cores", 4, int),
        ("stream-kb", 15.0, float), ("turn-kb", 3.0, float), ("bad-day", 2.0, float), ("goal-ms", 500.0, float), ("seed", 1, int),
    ):  # fmt: skip
        asked.add_argument(f"--{name}", type=kind, default=value)
    asked.add_argument("--svg", type=Path)
    given = asked.parse_args()
    world = World(
        given.practices, given.visits, given.turns, given.think, given.turn_ms / 1000, given.commit_ms / 1000,
        given.cells, given.cores, given.database_cores, given.stream_kb, given.turn_kb, given.bad_day,
    )  # fmt: skip
    chance = np.random.default_rng(given.seed)
    shares = dealt(world, chance)
    share = float(shares[-1])
    rows = needed(world, share, chance)
    chosen = next((r[0] for r in rows if r[3] <= given.goal_ms), rows[-1][0])
    spare = chosen + 1  # so that one may die
    _, calm = play(world, share, spare, chance)
    moments, took = play(world, share, spare, chance, kill=True)
    around = [took[(moments >= s) & (moments < s + 1)] for s in range(270, 390)]
    timeline = np.array([ms(t, 0.99) if len(t) else 0.0 for t in around])
    minutes = world.turns * world.think * 1.38 / 60  # the mean of the lognormal over its median
    open_streams = world.peak / world.turns * minutes * 60
    stored = world.visits * world.turns * world.turn_kb * 365 / 1e9  # TB

    print(f"{world.visits:,} visits a day of {world.practices:,} practices, {world.turns:g} turns each;"
          f" {given.turn_ms:g} ms of a core and {given.commit_ms:g} ms of the database's a turn\n")  # fmt: skip
    print(f"turns a second: mean {world.visits * world.turns / 86400:,.0f}, busiest hour of a day with {world.bad_day:g} times"
          f" the visits {world.peak:,.0f}")  # fmt: skip
    print(f"cells {world.cells}; the largest holds {share * 100:.2f}% of all, {world.peak * share:,.0f} turns a second")
    busy = world.peak * share * world.commit / world.database_cores
    print(f"PostgreSQL of a cell: {world.database_cores} cores, {busy * 100:.0f}% busy in the busiest hour\n")
    print(f"{'replicas':>8}{'cores':>7}{'busy':>7}{'p50 ms':>9}{'p99 ms':>9}   of the largest cell in its busiest hour")
    for replicas, load, p50, p99 in rows:
        print(f"{replicas:8}{replicas * world.cores:7}{load * 100:6.0f}%{p50:9.0f}{p99:9.0f}")
    print(f"\nchosen: {spare} replicas of {world.cores} cores a cell, one of them to spare: p99 {ms(calm, 0.99):.0f} ms;"
          f" in the worst second after one dies {timeline.max():.0f} ms")  # fmt: skip
    print(f"all cells: {spare * world.cells} replicas, {spare * world.cells * world.cores} cores,"
          f" {world.cells * world.database_cores} cores for PostgreSQL")  # fmt: skip
    print(f"streams open at once: {open_streams:,.0f}, {open_streams * world.stream_kb / 1e6:.1f} GB over all replicas")
    print(f"stored: {world.visits * world.turns * world.turn_kb / 1e6:,.0f} GB a day, {stored:,.0f} TB a year")
    if given.svg:
        given.svg.write_text(svg(world, rows, spare, timeline), encoding="utf-8")


if __name__ == "__main__":
    main()
