"""Which direct question comes next: thoughts, plan, means, when; one at a time, and never the same twice for nothing."""

from __future__ import annotations

from bot.model import Reason, SafetyMemory, Verdict

LADDER = ("thoughts", "plan", "means", "when")
_KNOWN = {
    "thoughts": {"active", "intent", "thoughts_yes", "attempt", "plan", "place", "when_now"},
    "plan": {"plan", "plan_yes", "intent", "method_question"},
    "means": {"means", "means_yes", "taken", "place"},
    "when": {"when_now", "when_named"},
}
_ASKED_OF = {Reason.SUICIDE, Reason.SELF_HARM, Reason.UNSURE, Reason.PSYCHOSIS, Reason.EATING, Reason.OVERDOSE}
AGAIN_AFTER = 3  # replies after a no, or after silence, before it is asked once more


def answered_kind(memory: SafetyMemory) -> str:
    """yes, no, unsure, refused, or "" when this message answers no question."""
    return str(memory.notes.get("answered", ""))


def next_question(memory: SafetyMemory, verdict: Verdict) -> str:
    """thoughts | plan | means | when | again, or "" when nothing is to be asked now."""
    if verdict.level < 2 or verdict.level_reason not in _ASKED_OF or answered_kind(memory) == "refused":
        return ""
    signs = set(memory.signs)
    if verdict.urgency >= 3:
        signs |= {"active"}
    known = {question for question, found in _KNOWN.items() if signs & found}
    step = int(memory.notes.get("step", 0))
    if "thoughts" not in known:
        if "thoughts" not in memory.asked:
            return "thoughts"
        since = step - int(memory.notes.get("denied_at", 0))
        if "again" not in memory.asked and since >= AGAIN_AFTER:
            return "again"
        return ""
    for question in LADDER[1:]:
        if question not in known and question not in memory.asked:
            return question
    return ""
