"""A short answer to the direct question that is open: a yes raises, a no closes nothing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from bot.model import Fired, Reason, SafetyMemory
from bot.safety.finding import Hit
from bot.safety.fold import Tokens
from bot.safety.pack import Pack
from bot.safety.reading import Sentence, sentences

_LONGEST = 25  # words; a longer message is no plain answer
RAISES = {
    "thoughts": (3, Reason.SUICIDE),
    "plan": (3, Reason.SUICIDE),
    "means": (4, Reason.SUICIDE),
    "danger": (4, Reason.ABUSE),
    "taken": (4, Reason.OVERDOSE),
    "harm": (3, Reason.HARM_TO_OTHERS),
}
_WHY = {
    "thoughts": "Said yes to the direct question about suicidal thoughts.",
    "plan": "Said yes when asked about a plan.",
    "means": "Said yes when asked whether the means are at hand.",
    "when": "Named a time for it when asked when.",
    "danger": "Said yes when asked about danger now.",
    "taken": "Said yes when asked whether something was taken.",
    "harm": "Said yes when asked about harming someone.",
}
_UNSAFE = "Said that it is not safe to write here now."


@dataclass(frozen=True, slots=True)
class Answered:
    value: str  # yes | no | unsure | refused
    signs: tuple[str, ...] = ()
    fired: tuple[Fired, ...] = ()


def read_answer(pack: Pack, found: Tokens, memory: SafetyMemory, hits: Sequence[Hit]) -> Answered | None:
    """What the message answers to `memory.pending`; None when nothing is asked or this is no answer."""
    pending = memory.pending
    if not pending or not found.words or len(found.words) > 4 * _LONGEST:
        return None
    rows = list(sentences(found, pack))
    span = (found.starts[0], found.ends[-1])
    first = rows[0]
    short = len(found.words) <= _LONGEST
    if pending == "when":
        return _when(pack, found, span)
    if pending == "safe":
        return _safe(pack, found, rows, span)
    for value in ("refused", "unsure", "no", "yes"):
        phrases = pack.answers.get(value, ())
        place = next((a for p in phrases if first.may(p) for a, _ in first.find(p)), None)
        if place is None or not (short or place == 0) or first.has(pack.answers.get(f"{value}_unless", ())):
            continue
        if value == "yes":
            urgency, reason = RAISES.get(pending, (0, Reason.NONE))
            fired = (Fired(f"memory.{pending}_yes", span, urgency, reason, _WHY[pending]),) if urgency else ()
            return Answered("yes", (f"{pending}_yes",), fired)
        if value == "unsure" and pending in RAISES:
            fired = (
                Fired(
                    f"memory.{pending}_unsure", span, 2, RAISES[pending][1], "Did not say no to the direct question."
                ),
            )
            return Answered("unsure", (), fired)
        return Answered(value)
    return None


def _safe(pack: Pack, found: Tokens, rows: Sequence[Sentence], span: tuple[int, int]) -> Answered | None:
    """Whether it is safe to write. Whatever is no plain yes means that it may not be; other talk answers nothing."""
    if len(found.words) > _LONGEST:
        return None
    doubtful = any(rows[0].has(pack.answers.get(value, ())) for value in ("unsafe", "unsure", "refused"))
    if doubtful or _says(rows[0], pack, "no"):
        return Answered("no", ("not_safe",), (Fired("memory.not_safe", span, 2, Reason.ABUSE, _UNSAFE),))
    if rows[0].has(pack.answers.get("yes", ())) or rows[0].has(pack.answers.get("safe", ())):
        return Answered("yes")
    return None


def _when(pack: Pack, found: Tokens, span: tuple[int, int]) -> Answered | None:
    rows = list(sentences(found, pack))
    if rows[0].has(pack.answers.get("not_now", ())):
        return Answered("no")
    if any(row.about(pack.grammar, "now") for row in rows):
        return Answered("yes", ("when_now",), (Fired("memory.when_now", span, 4, Reason.SUICIDE, _WHY["when"]),))
    for value in ("refused", "unsure", "no"):
        if any(_says(row, pack, value) for row in rows):
            return Answered(value)
    if any(row.has(pack.answers.get("time", ())) for row in rows):
        return Answered("yes", ("when_named",), (Fired("memory.when_named", span, 3, Reason.SUICIDE, _WHY["when"]),))
    return None


def _says(row: Sentence, pack: Pack, value: str) -> bool:
    """Whether the sentence gives that answer, and nothing in it says that it only looks like it."""
    return row.has(pack.answers.get(value, ())) and not row.has(pack.answers.get(f"{value}_unless", ()))
