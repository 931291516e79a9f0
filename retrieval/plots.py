"""The evaluation as one HTML page without scripts: a table, plots drawn here as SVG, and every miss."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from retrieval.evaluate import Evaluation, Row

_STYLE = """
:root { color-scheme: light dark; --ink: #1b2b34; --soft: #5d717d; --line: #c9d4da; --good: #1d7a6c; --bad: #b3432b;
--paper: #fff } @media (prefers-color-scheme: dark) {
  :root { --ink: #e6eef2; --soft: #9db0ba; --line: #3a4a53; --good: #55c2ae; --bad: #f08a72; --paper: #14202a } }
body { font: 16px/1.5 system-ui, sans-serif; color: var(--ink); background: var(--paper); max-width: 64rem; margin:
2rem auto; padding: 0 1rem }
table { border-collapse: collapse; width: 100%; margin: 1rem 0 2rem } caption { text-align: left; color: var(--soft) }
th, td { text-align: left; padding: .35rem .6rem; border-bottom: 1px solid var(--line); vertical-align: top }
td.number { text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap } .below { color: var(--bad) }
figure { display: inline-block; margin: 0 1.5rem 1.5rem 0; vertical-align: top } figcaption { color: var(--soft) }
svg { display: block; max-width: 100% } svg text { fill: var(--soft); font: 11px system-ui, sans-serif }
.axis { stroke: var(--line) } .curve { stroke: var(--good); fill: none; stroke-width: 2 } .bar { fill: var(--good) }
.reach { stroke: var(--ink); stroke-width: 1.5 } .even { stroke: var(--soft); stroke-dasharray: 3 4 } .dot { fill:
var(--good) }
"""
_SIDE, _EDGE = 260, 34  # pixels of a plot's inner square, and around it


def html(evaluation: Evaluation, title: str = "Handrail: how well the answers are found") -> str:
    """The whole page. Nothing in it is fetched from elsewhere."""
    plots = "".join(
        (
            _figure(_bars(evaluation.rows), "Each figure with its 95% interval"),
            _figure(
                _reliability(evaluation.scored), "Reliability: how often questions of that confidence have an answer"
            ),
            _figure(_roc(evaluation.scored), "ROC: answerable against unanswerable questions"),
        )
    )
    return (
        f'<!doctype html><html lang="en"><meta charset="utf-8"><title>{escape(title)}</title>'
        f'<meta name="viewport" content="width=device-width"><style>{_STYLE}</style>'
        f"<h1>{escape(title)}</h1><p>Split “{escape(evaluation.split)}”, corpus {escape(evaluation.version)}, "
        f"answered from confidence {evaluation.threshold:.2f} on.</p>"
        f"{_table(evaluation.rows)}{plots}{_misses(evaluation)}</html>"
    )


def table(rows: Sequence[Row]) -> str:
    """The figures as aligned plain text."""
    wide = max((len(row.name) for row in rows), default=0)
    lines = []
    for row in rows:
        share = f"{row.good}/{row.count}" if row.good or not row.name.startswith("AUROC") else f"n={row.count}"
        floor = "" if row.floor is None else f"  floor {row.floor:.3f}" + ("" if row.holds else "  BELOW")
        lines.append(f"{row.name:<{wide}}  {row.value:6.3f}  {row.low:.3f} to {row.high:.3f}  {share:>9}{floor}")
    return "\n".join(lines)


def _table(rows: Sequence[Row]) -> str:
    cells = []
    for row in rows:
        state = "" if row.holds else ' class="below"'
        count = f"{row.good} of {row.count}" if not row.name.startswith("AUROC") else f"{row.count} questions"
        floor = "" if row.floor is None else f"{row.floor:.3f}"
        cells.append(
            f'<tr{state}><th scope="row">{escape(row.name)}</th><td class="number">{row.value:.3f}</td>'
            f'<td class="number">{row.low:.3f} to {row.high:.3f}</td><td class="number">{count}</td>'
            f'<td class="number">{floor}</td></tr>'
        )
    return (
        "<table><caption>Intervals: 95%, Wilson; AUROC by Hanley and McNeil</caption>"
        f"<tr><th>Figure<th>Value<th>Interval<th>Count<th>Floor</tr>{''.join(cells)}</table>"
    )


def _misses(evaluation: Evaluation) -> str:
    if not evaluation.misses:
        return "<h2>Misses</h2><p>None.</p>"
    rows = "".join(
        f"<tr><td>{escape(miss.figure)}<td>{escape(miss.question)}<td>{escape(miss.asked)}<td>{escape(miss.came)}"
        f'<td>{escape(miss.right)}<td class="number">{miss.confidence:.2f}</tr>'
        for miss in evaluation.misses
    )
    return (
        f"<h2>Misses ({len(evaluation.misses)})</h2><table><tr><th>In<th>Question<th>Asked<th>What came first"
        f"<th>What is right<th>Confidence</tr>{rows}</table>"
    )


def _figure(svg: str, caption: str) -> str:
    return f"<figure>{svg}<figcaption>{escape(caption)}</figcaption></figure>"


def _frame(inside: str, across: str, up: str, label: str) -> str:
    size = _SIDE + 2 * _EDGE
    far = _EDGE + _SIDE
    ticks = "".join(
        f'<text x="{_EDGE + part * _SIDE:.0f}" y="{far + 14}" text-anchor="middle">{part:g}</text>'
        f'<text x="{_EDGE - 6}" y="{far - part * _SIDE + 4:.0f}" text-anchor="end">{part:g}</text>'
        for part in (0, 0.5, 1)
    )
    return (
        f'<svg viewBox="0 0 {size} {size}" width="{size}" height="{size}" role="img" aria-label="{escape(label)}">'
        f'<line class="axis" x1="{_EDGE}" y1="{far}" x2="{far}" y2="{far}"/>'
        f'<line class="axis" x1="{_EDGE}" y1="{_EDGE}" x2="{_EDGE}" y2="{far}"/>'
        f'<line class="even" x1="{_EDGE}" y1="{far}" x2="{far}" y2="{_EDGE}"/>{inside}{ticks}'
        f'<text x="{_EDGE + _SIDE / 2}" y="{size - 4}" text-anchor="middle">{escape(across)}</text>'
        f'<text x="{_EDGE}" y="{_EDGE - 10}">{escape(up)}</text></svg>'
    )


def _at(across: float, up: float) -> tuple[float, float]:
    return _EDGE + across * _SIDE, _EDGE + (1 - up) * _SIDE


def _roc(scored: Sequence[tuple[float, bool]]) -> str:
    yes = sum(answerable for _, answerable in scored) or 1
    no = (len(scored) - yes) or 1
    points, hits, alarms = [(0.0, 0.0)], 0, 0
    ordered = sorted(scored, reverse=True)
    for place, (score, answerable) in enumerate(ordered):
        hits, alarms = hits + answerable, alarms + (not answerable)
        if place + 1 == len(ordered) or ordered[place + 1][0] != score:
            points.append((alarms / no, hits / yes))
    path = " ".join(f"{x:.1f},{y:.1f}" for x, y in (_at(*point) for point in points))
    return _frame(
        f'<polyline class="curve" points="{path}"/>', "unanswerable answered", "answerable answered", "ROC curve"
    )


def _reliability(scored: Sequence[tuple[float, bool]]) -> str:
    from retrieval.evaluate import wilson

    inside = ""
    for tenth in range(10):
        held = [(score, good) for score, good in scored if min(9, int(score * 10)) == tenth]
        if not held:
            continue
        mean = sum(score for score, _ in held) / len(held)
        good = sum(answerable for _, answerable in held)
        low, high = wilson(good, len(held))
        (x, y), (_, top), (_, foot) = _at(mean, good / len(held)), _at(mean, high), _at(mean, low)
        inside += (
            f'<line class="reach" x1="{x:.1f}" y1="{top:.1f}" x2="{x:.1f}" y2="{foot:.1f}"/>'
            f'<circle class="dot" cx="{x:.1f}" cy="{y:.1f}" r="4"><title>{good} of {len(held)}</title></circle>'
        )
    return _frame(inside, "confidence", "share with an answer", "Reliability plot")


def _bars(rows: Sequence[Row]) -> str:
    shown = [row for row in rows if not row.name.startswith(" ")]
    name_width, width, step = 250, 240, 24
    inside = ""
    for place, row in enumerate(shown):
        y = place * step + 6
        inside += (
            f'<text x="{name_width - 8}" y="{y + 12}" text-anchor="end">{escape(row.name)}</text>'
            f'<rect class="bar" x="{name_width}" y="{y}" width="{row.value * width:.1f}" height="14" opacity=".75"/>'
            f'<line class="reach" x1="{name_width + row.low * width:.1f}" y1="{y + 7}" '
            f'x2="{name_width + row.high * width:.1f}" y2="{y + 7}"/>'
            f'<text x="{name_width + width + 8}" y="{y + 12}">{row.value:.3f}</text>'
        )
    total, height = name_width + width + 56, len(shown) * step + 12
    size = f'viewBox="0 0 {total} {height}" width="{total}" height="{height}"'
    return f'<svg {size} role="img" aria-label="Figures">{inside}</svg>'
