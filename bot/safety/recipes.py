"""Which blocks make up which reply. A part with “?” is left out when the reply would be too long; “=” parts are worked out."""

from __future__ import annotations

from dataclasses import dataclass

from bot.model import Kind, Reason, SafetyMemory, Verdict
from bot.safety.asking import answered_kind, next_question


@dataclass(frozen=True, slots=True)
class Recipe:
    kind: Kind
    parts: tuple[str, ...]
    topic: str = ""  # which lines; "" for the verdict's reason


def _support(*parts: str, topic: str = "") -> Recipe:
    return Recipe(Kind.SUPPORT, parts, topic)


def _crisis(*parts: str, topic: str = "") -> Recipe:
    return Recipe(Kind.CRISIS, parts, topic)


def _boundary(*parts: str, topic: str = "") -> Recipe:
    return Recipe(Kind.BOUNDARY, parts, topic)


EMERGENCIES = {
    "overdose": _crisis(
        "safety_taken", "=poison", "=automated", "=queue", "safety_taken_more", "?=contact", "?=lines", topic="suicide"
    ),
    "medical": _crisis("safety_medical", "safety_medical_more", "=automated", "=queue", "?=contact"),
    "someone_else_now": _crisis(
        "safety_someone_else_now",
        "safety_someone_else_means",
        "=automated",
        "safety_someone_else_lines",
        "=queue",
        "?safety_someone_else_you",
        topic="someone_else",
    ),
    "abuse_now": _crisis(
        "=exit", "safety_abuse_now", "=automated", "=lines", "?=safe", "?=queue", topic="abuse"
    ),
    "harm": _crisis("safety_harm", "safety_harm_more", "=lines", "=automated", "=queue", topic="suicide"),
    "perinatal_danger": _crisis(
        "safety_perinatal_danger", "=lines", "=automated", "=queue", "?=contact", topic="perinatal"
    ),
    "": _crisis(
        "safety_emergency", "=lines", "safety_emergency_with", "=automated", "?=queue", "?=contact", topic="suicide"
    ),
}
AGAIN = {
    "": _crisis("safety_emergency", "=lines", "=called", "?safety_distance", "?=contact", topic="suicide"),
    "overdose": _crisis("safety_taken", "=poison", "=called", "?safety_taken_more", "?=contact", topic="suicide"),
}
UNWILLING = {
    "": _crisis(
        "safety_emergency", "=lines", "safety_emergency_unwilling", "?safety_distance", "?=contact", topic="suicide"
    ),
    "overdose": _crisis(
        "safety_taken", "=poison", "safety_emergency_unwilling", "?safety_taken_more", "?=contact", topic="suicide"
    ),
}
COMING = _crisis("safety_emergency_coming", "=lines", "?=contact", topic="suicide")
CRISES = {
    "overdose": EMERGENCIES["overdose"],
    "medical": EMERGENCIES["medical"],
    "voices": _crisis("safety_voices", "=lines", "=automated", "?=barrier", "=queue", "?=ask", topic="suicide"),
    "harm": EMERGENCIES["harm"],
    "withdrawal": _crisis(
        "safety_withdrawal", "=lines", "=automated", "=queue", "?safety_listening", topic="substance"
    ),
    "eating_danger": _crisis("safety_eating_danger", "=lines", "=automated", "=queue", "?=ask", topic="eating"),
    "means": _crisis(
        "safety_means", "=lines", "=automated", "=barrier", "=queue", "?safety_trusted", "=ask", topic="suicide"
    ),
}
CONCERNS = {
    "someone_else": _support(
        "safety_someone_else",
        "safety_someone_else_lines",
        "=automated",
        "safety_someone_else_you",
        "?=queue",
        "=person",
        topic="someone_else",
    ),
    "bereavement": _support("safety_bereavement", "=automated", "?=lines", "?=queue", "=person", topic="bereavement"),
    "abuse": _support(
        "=exit",
        "safety_abuse",
        "=safe",
        "=lines",
        "=automated",
        "?safety_abuse_person",
        "?=queue",
        topic="abuse",
    ),
    "anger": _support("safety_anger", "=automated", "?=queue", "=person"),
    "unusual": _support("safety_unusual", "=automated", "?=lines", "?=queue", "=person", topic="suicide"),
    "intrusive": _support("safety_intrusive", "=lines", "=automated", "?=queue", "=person", topic="perinatal"),
    "perinatal": _support("safety_perinatal", "=lines", "=automated", "?=queue", "=person", topic="perinatal"),
    "eating": _support("safety_eating", "=automated", "?=lines", "?=queue", "=person", topic="eating"),
    "substance": _support("safety_substance", "=automated", "?=lines", "?=queue", "=person", topic="substance"),
    "minor": _support("safety_minor", "=automated", "safety_minor_honest", "safety_minor_lines", topic="minor"),
    "minor_under_13": _support("safety_minor_under_13", "safety_minor_honest", "safety_minor_lines", topic="minor"),
}
BOUNDARIES = {
    "means": _boundary("safety_means_other", "=automated", "?=lines", topic="suicide"),
    "medication": _boundary("safety_medication", "=automated", "?=queue", "=person"),
    "double_dose": _boundary("safety_double_dose", "=poison", "=automated", "?=queue", "=person"),
    "diagnosis": _boundary("safety_diagnosis", "=person"),
    "secrecy": _boundary("safety_secrecy", "=automated", "?=lines", "?=queue", "=person", topic="suicide"),
    "dependence": _boundary("safety_dependence", "=person"),
    "why_number": _boundary("safety_why_number"),
    "override": _boundary("safety_override", "=person"),
    "identity": Recipe(Kind.IDENTITY, ("safety_identity", "=person")),
    "multilingual": Recipe(Kind.HANDOFF, ("multilingual", "=person"), "suicide"),
}
REFUSED_AT_2 = {
    "means": _support(
        "safety_means", "=lines", "=automated", "?=barrier", "=queue", "?safety_trusted", "=ask", topic="suicide"
    ),
    "eating_refused": _support("safety_eating_refused", "=lines", "=automated", "=queue", "?=ask", topic="eating"),
}
UNSAFE = _support("=exit", "safety_abuse_unsafe", "=lines", "=danger", "=automated", "?=queue", topic="abuse")
SAFE = _support("safety_abuse_glad", "safety_listening", "=person", topic="abuse")
NO_DANGER_NOW = _support("safety_abuse_person", "=person", topic="abuse")
_ANSWER = {"yes": "safety_ack_yes", "no": "safety_ack_no", "unsure": "safety_ack_unsure", "refused": "safety_refused"}


def recipe_for(verdict: Verdict, memory: SafetyMemory, asked_person: bool = False) -> Recipe | None:
    """The reply to this message, or None when this room has nothing to say."""
    reply, urgency = verdict.reply, verdict.urgency
    if verdict.level >= 4 and (urgency >= 2 or not _only_asks(verdict)):
        return _emergency(verdict, memory)
    if memory.notes.get("answered_to") in {"safe", "danger"} and urgency <= 2:
        return _of_safety(memory)
    if urgency >= 3:
        return CRISES.get(reply) or _crisis_of(verdict, memory)
    if urgency == 2:
        return REFUSED_AT_2.get(reply) or _check_in(verdict, memory)
    if verdict.level >= 2 and "retraction" in verdict.intents:
        return _support("safety_retracted", _offer(int(memory.notes.get("step", 0))), "=ask", topic="suicide")
    if verdict.level >= 2 and "unwilling" in verdict.intents:
        return _support("safety_unwilling", "?=barrier", "=lines", "?safety_trusted", "=person", topic="suicide")
    if verdict.level >= 2 and answered_kind(memory):
        return _after_answer(memory)
    if reply in BOUNDARIES:
        return BOUNDARIES[reply]
    if urgency == 1 and reply in CONCERNS:
        return CONCERNS[reply]
    if verdict.level >= 2:
        return _next_step(memory, verdict)
    return None


def _of_safety(memory: SafetyMemory) -> Recipe:
    """What follows when they said whether it is safe to write, or that they are in no danger at this moment."""
    if memory.notes.get("answered_to") == "danger":
        return NO_DANGER_NOW
    return SAFE if answered_kind(memory) == "yes" else UNSAFE


def _only_asks(verdict: Verdict) -> bool:
    """At 4 the crisis script speaks alone, but a question about who this is, or why, is still answered."""
    return verdict.reply in {"identity", "why_number"}


def _emergency(verdict: Verdict, memory: SafetyMemory) -> Recipe:
    """First what to do; then whether help was called; and what follows from a yes, a no, or nothing."""
    key = verdict.reply if verdict.reply and verdict.reply in EMERGENCIES else _by_reason(verdict)
    first = EMERGENCIES[key]
    shown = any(said.startswith(first.parts[1 if first.parts[0].startswith("=") else 0] + "/") for said in memory.said)
    if not shown:
        return first
    called = answered_kind(memory) if memory.notes.get("answered_to") == "called" else ""
    if "help_coming" in verdict.intents or called == "yes":
        return COMING
    if "unwilling" in verdict.intents or called in {"no", "refused"}:
        return UNWILLING.get(key, first)
    return AGAIN.get(key, first)


def _by_reason(verdict: Verdict) -> str:
    reason = verdict.reason if verdict.urgency >= 2 else verdict.level_reason
    return {
        Reason.OVERDOSE: "overdose",
        Reason.MEDICAL: "medical",
        Reason.SOMEONE_ELSE: "someone_else_now",
        Reason.ABUSE: "abuse_now",
        Reason.HARM_TO_OTHERS: "harm",
        Reason.PERINATAL: "perinatal_danger",
    }.get(reason, "")


def _crisis_of(verdict: Verdict, memory: SafetyMemory) -> Recipe:
    opening = _ANSWER["yes"] if answered_kind(memory) == "yes" else "safety_ack_3"
    step = int(memory.notes.get("step", 0))
    return _crisis(opening, "=lines", "=automated", "=barrier", _offer(step), "=queue", "=ask", topic="suicide")


def _check_in(verdict: Verdict, memory: SafetyMemory) -> Recipe:
    opening = _ANSWER.get(answered_kind(memory)) or (
        "safety_ack_self_harm" if verdict.reason is Reason.SELF_HARM else "safety_ack_2"
    )
    if "retraction" in verdict.intents:
        opening = "safety_retracted"
    step = int(memory.notes.get("step", 0))
    return _support(opening, "=lines", "=automated", "?=barrier", _offer(step), "=queue", "=ask", topic="suicide")


def _offer(step: int) -> str:
    """Trusted people, then distance from means, then one small step; in turn."""
    return ("?safety_trusted", "?safety_distance", "?safety_coping")[step % 3]


def _after_answer(memory: SafetyMemory) -> Recipe:
    step = int(memory.notes.get("step", 0))
    return _support(_ANSWER[answered_kind(memory)], "?=lines", _offer(step), "=ask", "=person", topic="suicide")


def _next_step(memory: SafetyMemory, verdict: Verdict) -> Recipe | None:
    """What the script still has to say to a message that is about something else; nothing for ever is said anew."""
    step = int(memory.notes.get("step", 0))
    if step > 5:
        return None
    asks = next_question(memory, verdict)  # one question at a time
    return _support(*(() if asks else ("safety_listening",)), _offer(step), "=ask", topic="suicide")
