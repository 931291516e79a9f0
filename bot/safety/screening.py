"""What the filter says of a message: every pack's findings, what they add up to, what the conversation's memory adds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from bot.model import Fired, Reason, Route, SafetyMemory, Verdict
from bot.safety.finding import Hit
from bot.safety.pack import Sum

ORDER = (
    Reason.OVERDOSE,
    Reason.SUICIDE,
    Reason.MEDICAL,
    Reason.PSYCHOSIS,
    Reason.HARM_TO_OTHERS,
    Reason.ABUSE,
    Reason.SELF_HARM,
    Reason.EATING,
    Reason.PERINATAL,
    Reason.SUBSTANCE,
    Reason.BEREAVEMENT,
    Reason.SOMEONE_ELSE,
    Reason.MEDICATION,
    Reason.MINOR,
    Reason.DIAGNOSIS,
    Reason.BOOKING,
    Reason.ASKED,
    Reason.UNSURE,
    Reason.FAULT,
    Reason.NONE,
)
"""Which reason is named first where the urgency is the same."""
_RANK = {reason: n for n, reason in enumerate(ORDER)}
_LATER_AT_1 = {Reason.SUICIDE, Reason.SELF_HARM, Reason.OVERDOSE}  # at 1 these mean someone else, or long ago
_TO_A_PERSON = {
    Reason.ABUSE,
    Reason.PSYCHOSIS,
    Reason.PERINATAL,
    Reason.EATING,
    Reason.SOMEONE_ELSE,
    Reason.SELF_HARM,
    Reason.SUBSTANCE,
    Reason.MEDICATION,
    Reason.BOOKING,
    Reason.ASKED,
    Reason.FAULT,
    Reason.SUICIDE,
    Reason.HARM_TO_OTHERS,
    Reason.OVERDOSE,
    Reason.MEDICAL,
    Reason.UNSURE,
}
_BESIDE_BOOKING = {
    Reason.NONE,
    Reason.MINOR,
    Reason.UNSURE,
    Reason.DIAGNOSIS,
    Reason.MEDICATION,
    Reason.ASKED,
    Reason.BOOKING,
}
_KEPT_SIGNS = 60


@dataclass(frozen=True, slots=True)
class Screening:
    verdict: Verdict
    memory: SafetyMemory
    rose: bool = False  # the conversation's level rose with this message
    language: str = ""  # found from the text; "" when it does not show
    shadow: Verdict | None = None  # what the rules in shadow would have said, where that differs


def place(urgency: int, reason: Reason) -> int:
    """The lower, the sooner it is named among what is as urgent."""
    return _RANK[reason] + (len(ORDER) if urgency < 2 and reason in _LATER_AT_1 else 0)


def rank(urgency: int, reason: Reason) -> tuple[int, int]:
    return urgency, -place(urgency, reason)


Places = Sequence[tuple[str, tuple[int, int]]]
"""Signs of one message, each with the characters that it was seen in."""


def added_up(sums: tuple[Sum, ...], places: Places, before: frozenset[str]) -> list[Sum]:
    """The sums that hold with this message's signs (and, over the talk, with those before it)."""
    here = frozenset(sign for sign, _ in places)
    return [s for s in sums if _holds(s, here, places, before)]


def _holds(sum_: Sum, here: frozenset[str], places: Places, before: frozenset[str]) -> bool:
    signs = here if sum_.over == "message" else here | before
    if sum_.count:
        members = here & sum_.of
        earlier = signs & sum_.of - here
        if not members or len(members) + len(earlier) < sum_.count:
            return False
        if _apart(places, sum_.of) + len(earlier) < sum_.count:
            return False
    if sum_.needs and not any(need & here for need in sum_.needs):
        return False
    return _distinct([need & signs for need in sum_.needs])


def _apart(places: Places, of: frozenset[str]) -> int:
    """How many different signs stand in words of their own: one phrase that means three things is counted once."""
    found: set[str] = set()
    end = -1
    for sign, (a, b) in sorted((p for p in places if p[0] in of), key=lambda p: (p[1][1], -p[1][0])):
        if sign not in found and a >= end:
            found.add(sign)
            end = b
    return len(found)


def _distinct(needs: list[frozenset[str]], used: frozenset[str] = frozenset()) -> bool:
    """Whether each need can be met by a sign of its own."""
    if not needs:
        return True
    return any(_distinct(needs[1:], used | {sign}) for sign in needs[0] - used)


def verdict_of(
    hits: list[Hit], sums: list[Sum], extra: list[Fired], memory: SafetyMemory, stage: str
) -> tuple[Verdict, str]:
    """The verdict, and the reply block named by what weighs most. `extra`: what the memory or the second stage found."""
    fired = [Fired(h.rule.id, h.span, h.urgency, h.reason, h.rule.why) for h in hits]
    replies = {h.rule.id: h.rule.reply for h in hits}
    whole = (min(h.span[0] for h in hits), max(h.span[1] for h in hits)) if hits else (0, 0)
    for s in sums:
        fired.append(Fired(s.id, whole, s.urgency, s.reason, s.why))
        replies[s.id] = s.reply
    fired += extra
    fired.sort(key=lambda f: (-f.urgency, place(f.urgency, f.reason), f.span))
    intents = tuple(dict.fromkeys(h.rule.intent for h in hits if h.rule.intent))
    urgency = max((f.urgency for f in fired), default=0)
    reason = Reason.NONE
    named = [f for f in fired if f.reason is not Reason.NONE]
    if named:
        reason = min(named, key=lambda f: (-f.urgency, place(f.urgency, f.reason))).reason
    if urgency < 2 and "booking" in intents and reason in _BESIDE_BOOKING:
        reason = Reason.BOOKING
    reply = next((replies[f.rule] for f in fired if replies.get(f.rule)), "")
    routed = any(h.rule.route == "human" for h in hits)
    kept = all(h.rule.route == "bot" for h in hits if h.urgency == 1)
    human = urgency >= 2 or routed or bool({"booking", "asked"} & set(intents))
    human = human or (urgency == 1 and reason in _TO_A_PERSON and not kept)
    level, level_reason = memory.level, memory.reason
    if rank(urgency, reason) > rank(level, level_reason) and (urgency > level or level_reason is Reason.NONE):
        level, level_reason = max(urgency, level), reason
    return Verdict(
        Route.HUMAN if human else Route.BOT, urgency, reason, tuple(fired), level, level_reason, reply, stage, intents
    ), reply


def remembered(
    memory: SafetyMemory, verdict: Verdict, signs: tuple[str, ...], notes: Mapping[str, object]
) -> SafetyMemory:
    """The memory after this message. A level never falls here."""
    kept = tuple(dict.fromkeys((*memory.signs, *signs)))[-_KEPT_SIGNS:]
    return replace(
        memory,
        level=verdict.level,
        reason=verdict.level_reason,
        signs=kept,
        turns=memory.turns + 1,
        minor=memory.minor or "minor" in signs or "under_13" in signs,
        under_13=memory.under_13 or "under_13" in signs,
        notes={**memory.notes, **notes},
    )


def lowered(memory: SafetyMemory, urgency: int, *, minor: bool | None = None) -> SafetyMemory:
    """A clinician sets the level (the only way down); signs start anew, so that what was looked at does not add up again."""
    if not 0 <= urgency <= 4:
        raise ValueError(f"urgency is 0 to 4, not {urgency}")
    return replace(
        memory,
        level=urgency,
        reason=memory.reason if urgency else Reason.NONE,
        signs=(),
        pending="",
        minor=memory.minor if minor is None else minor,
        under_13=memory.under_13 if minor is None else memory.under_13 and minor,
    )
