"""What is said to what the filter noticed: one direct question at a time, lines, willingness, people, a step."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from bot.model import Action, Author, Draft, Kind, Owner, Reason, SafetyMemory, Urgency, Verdict
from bot.safety.care import Care, care, emergency_tap
from bot.safety.screening import Screening
from bot.words import Country, Words

AFTER = {"thoughts": "plan", "plan": "means", "means": "when"}  # what is asked next, unless it was denied
BREAK = "\n\n"
APART = frozenset({"risk_queued", "emergency_reach", "emergency_reach_child", "emergency_more"})  # a paragraph each
AGAIN_AFTER = 4  # visitor messages after a denial, before it is asked once more
QUESTION = {
    Reason.HARM_TO_OTHERS: "harm",
    Reason.ABUSE: "danger",
    Reason.OVERDOSE: "taken",
    Reason.MEDICAL: "",
    Reason.SOMEONE_ELSE: "",
}  # every other reason asks about thoughts of suicide
LINES = {
    Reason.ABUSE: ("abuse",),
    Reason.OVERDOSE: ("poison",),
    Reason.EATING: ("eating",),
    Reason.PERINATAL: ("perinatal",),
    Reason.SUBSTANCE: ("substance",),
    Reason.MINOR: ("young",),
    Reason.SOMEONE_ELSE: ("helpers",),
    Reason.BEREAVEMENT: ("bereavement", "helpers"),
    Reason.SELF_HARM: ("self_harm", "suicide"),
}  # every other reason shows the general lines
STEPS = ("people", "coping", "barrier", "safety_plan", "professional")
BOUNDARIES = frozenset(
    {"medication", "diagnosis", "secrecy", "means", "instructions", "dependence", "why_lines", "what_if"}
)
REMINDER = {"minor": timedelta(hours=1), "": timedelta(hours=3)}
AWAY = timedelta(days=7)


@dataclass(frozen=True, slots=True)
class Spoken:
    """What the bot says, and what it remembers of having said."""

    drafts: tuple[Draft, ...]
    memory: SafetyMemory


@dataclass(slots=True)
class _Page:
    """One reply as it grows: sentences, things to tap, the ledger."""

    words: Words
    language: str
    country: Country
    memory: SafetyMemory
    said: list[str]
    sentences: list[str] = field(default_factory=list)
    actions: list[Action] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)
    pending: str = ""
    lines: list[str] = field(default_factory=list)

    def say(self, block: str, **values: object) -> None:
        if block in APART:
            self.sentences.append(BREAK)
        text, key = self.words.say(block, self.language, self.said, emergency=self.country.emergency, **values)
        self.sentences.append(text)
        self.said.append(key)

    def ask(self, question: str) -> None:
        """One direct question. What it is about is remembered, so that a yes or a no is read as an answer to it."""
        self.say(f"ask_{question}")
        self.asked.append(question)
        self.pending = question

    def care(self, topics: tuple[str, ...]) -> Care:
        found = care(self.words, self.country, self.language, topics, tuple(self.said))
        self.sentences += [BREAK, found.text]
        self.actions += found.actions
        self.lines += found.names
        return found

    def drafts(self, kind: Kind) -> tuple[Draft, ...]:
        text = " ".join(s for s in self.sentences if s).replace(f" {BREAK} ", BREAK).removeprefix(f"{BREAK} ")
        unique = tuple({(a.type, a.value): a for a in self.actions}.values())
        return (Draft(Author.BOT, kind, text, actions=unique),) if text else ()

    def done(self, kind: Kind) -> Spoken:
        before = self.memory
        after = replace(
            before,
            said=tuple(dict.fromkeys((*(k for k in before.said if k not in self.said), *self.said)))[-200:],
            asked=tuple(dict.fromkeys((*before.asked, *self.asked))),
            pending=self.pending,
            lines=tuple(dict.fromkeys((*before.lines, *self.lines))),
        )
        return Spoken(self.drafts(kind), after)


class Script:
    """Made once; holds nothing of any visitor's."""

    def __init__(self, words: Words) -> None:
        self.words = words

    def reply(
        self,
        screening: Screening,
        *,
        language: str,
        country: str,
        owner: Owner,
        promise: str,
        now: datetime,
        asked_person: bool = False,
    ) -> Spoken:
        """The reply to what was noticed; no drafts where there was nothing.

        `promise` is what may be said of when a person looks, "" where nobody is queued: then no queue is named.
        """
        verdict, memory = screening.verdict, screening.memory
        place = self.words.country(country)
        page = _Page(self.words, language, place, memory, list(memory.said), pending="")
        if verdict.level >= Urgency.CHECK_IN:
            return self._risk(page, screening, owner, promise, asked_person)
        if verdict.reply == "multilingual":
            page.say("multilingual")
            page.care(("crisis",))
            return page.done(Kind.SUPPORT)
        if "identity" in verdict.intents or verdict.reply == "identity":
            page.say("identity")
            return page.done(Kind.IDENTITY)
        if verdict.reply in BOUNDARIES or verdict.reason in {Reason.MEDICATION, Reason.DIAGNOSIS}:
            return self._boundary(page, verdict, promise)
        if verdict.urgency >= Urgency.CONCERN:
            return self._concern(page, verdict, promise)
        return Spoken((), memory)

    # ── risk ────────────────────────────────────────────────────────────────────────────────────────────────

    def _risk(self, page: _Page, screening: Screening, owner: Owner, promise: str, asked_person: bool) -> Spoken:
        verdict, memory = screening.verdict, screening.memory
        kind = Kind.CRISIS if verdict.level >= Urgency.CRISIS else Kind.SUPPORT
        if verdict.level >= Urgency.EMERGENCY:
            first = screening.rose or not _said(memory, "emergency")
            return self._emergency(page, verdict, promise if first else "", first)
        if verdict.reply in BOUNDARIES and verdict.reply != "means":
            page.say(verdict.reply)
            page.care(self._topics(verdict))
            return page.done(Kind.BOUNDARY if verdict.urgency < Urgency.CHECK_IN else kind)
        answered = str(memory.notes.get("answered", ""))
        if memory.pending and answered and not (screening.rose and answered != "yes"):
            return self._answered(page, screening, answered, kind, promise)
        if verdict.urgency >= Urgency.CHECK_IN:
            return self._noticed(page, screening, kind, promise, owner)
        if asked_person:
            page.say("queued", promise=promise)
            page.care(self._topics(verdict))
            return page.done(kind)
        return self._next_step(page, memory, kind)

    def _topics(self, verdict: Verdict) -> tuple[str, ...]:
        return (*LINES.get(verdict.level_reason, ()), "suicide")

    def _exit(self, page: _Page, reason: Reason) -> None:
        if reason is Reason.ABUSE:
            page.actions.insert(0, Action("exit", page.words.say("tap_exit", page.language)[0], ""))

    def _emergency(self, page: _Page, verdict: Verdict, promise: str, first: bool) -> Spoken:
        """The number and the line first; someone beside them; away from the means; a place or number, if they want."""
        reason = verdict.level_reason
        block = f"emergency_{reason.value}" if self.words.has(f"emergency_{reason.value}") else "emergency"
        page.actions += emergency_tap(page.words, page.country, page.language)
        page.say("emergency_call")
        poison = reason is Reason.OVERDOSE and any("poison" in line.about for line in page.country.lines)
        page.care(("poison",) if poison else self._topics(verdict))
        self._exit(page, reason)
        page.say(block if first else "emergency_more")
        if first:
            page.say("automated_short")
            page.say("emergency_reach_child" if page.memory.under_13 else "emergency_reach")
        if promise:
            page.say("risk_queued", promise=promise)
        page.said.append("emergency/said")
        return page.done(Kind.CRISIS)

    def _noticed(self, page: _Page, screening: Screening, kind: Kind, promise: str, owner: Owner) -> Spoken:
        """Heard, asked directly, a line with a way that is easier, and the queue with its clock."""
        verdict, memory = screening.verdict, screening.memory
        reason = verdict.reason if verdict.urgency >= Urgency.CHECK_IN else verdict.level_reason
        first = not _said(memory, f"heard_{reason.value}") or screening.rose
        means = verdict.reply == "means"
        page.say("means" if means else f"heard_{reason.value}" if self.words.has(f"heard_{reason.value}") else "heard")
        if not _said(memory, "automated"):
            page.say("automated")
        question = self._question(verdict, reason, memory)
        if question:
            page.ask(question)
        if first or not question:
            page.care((*LINES.get(reason, ()), "suicide"))
            page.say("willing")
        self._exit(page, reason)
        if not question and not first:
            step = self._unsaid(memory)
            if step:
                page.say(step)
        if promise:
            page.say("risk_queued", promise=promise)
        boundary = means and verdict.level < Urgency.CRISIS
        return page.done(Kind.BOUNDARY if boundary else kind)

    def _question(self, verdict: Verdict, reason: Reason, memory: SafetyMemory) -> str:
        """The next direct question; "" when all were put: never the same probe again when nothing has changed."""
        first = QUESTION.get(reason, "thoughts")
        if first == "thoughts" and verdict.urgency >= Urgency.CRISIS and reason is Reason.SUICIDE:
            first = "plan"  # they have said that they think of it
        while first and first in memory.asked:
            first = AFTER.get(first, "")
        return first

    def _answered(self, page: _Page, screening: Screening, answered: str, kind: Kind, promise: str) -> Spoken:
        memory, verdict = screening.memory, screening.verdict
        if answered == "refused":
            page.say("refused")
            page.care(self._topics(verdict))
            return page.done(kind)
        if answered == "no":
            page.say("denied" if memory.pending in {"thoughts", "harm", "danger", "taken"} else "denied_more")
            if step := self._unsaid(memory):
                page.say(step)
            page.memory = replace(memory, notes={**memory.notes, "denied_at": memory.turns})
            return page.done(kind)
        page.say("thanks_honest")
        following = AFTER.get(memory.pending, "")
        if following and following not in memory.asked:
            page.ask(following)
        elif step := self._unsaid(memory):
            page.say(step)
        if screening.rose:
            page.care(self._topics(verdict))
            page.say("willing")
            if promise:
                page.say("risk_queued", promise=promise)
        return page.done(kind)

    def _next_step(self, page: _Page, memory: SafetyMemory, kind: Kind) -> Spoken:
        """The words were of something else: one more step of the script, until all have been offered once."""
        denied = int(memory.notes.get("denied_at", 0))
        if denied and memory.turns - denied >= AGAIN_AFTER and not memory.notes.get("asked_again"):
            page.ask("again")
            page.pending = "thoughts"
            page.memory = replace(memory, notes={**memory.notes, "asked_again": True})
            return page.done(kind)
        page.pending = memory.pending
        if step := self._unsaid(memory):
            page.say(step)
        return page.done(kind)

    def _unsaid(self, memory: SafetyMemory) -> str:
        return next((step for step in STEPS if not _said(memory, step)), "")

    # ── concern, and what the bot does not do ───────────────────────────────────────────────────────────────

    def _concern(self, page: _Page, verdict: Verdict, promise: str) -> Spoken:
        """Urgency 1: belief and safety first, the right line, a clinician where the reason calls for one."""
        reason = verdict.reason
        block = f"concern_{reason.value}"
        if verdict.reply and self.words.has(verdict.reply):
            block = verdict.reply
        if not self.words.has(block):
            return Spoken((), page.memory)
        page.say(block)
        page.care((*LINES.get(reason, ()), "crisis"))
        self._exit(page, reason)
        if reason is Reason.ABUSE and "danger" not in page.memory.asked:
            page.ask("danger")
        if verdict.route.value == "human" and promise:
            page.say("risk_queued", promise=promise)
        return page.done(Kind.SUPPORT)

    def _boundary(self, page: _Page, verdict: Verdict, promise: str) -> Spoken:
        block = verdict.reply if verdict.reply in BOUNDARIES else verdict.reason.value
        page.say(block)
        if verdict.route.value == "human" and promise:
            page.say("risk_queued", promise=promise)
        else:
            page.actions.append(Action("person", page.words.say("tap_person", page.language)[0], ""))
        if block == "why_lines":
            page.care(("crisis",))
        return page.done(Kind.BOUNDARY)

    # ── beside a person, and now and then ───────────────────────────────────────────────────────────────────

    def joined_crisis(self, screening: Screening, *, language: str, country: str) -> tuple[Draft, ...]:
        """A rise while a clinician has the conversation: shown once, by the system."""
        memory, verdict = screening.memory, screening.verdict
        page = _Page(self.words, language, self.words.country(country), memory, list(memory.said))
        page.actions += emergency_tap(page.words, page.country, language)
        page.say("joined_crisis")
        page.care(self._topics(verdict))
        return tuple(replace(d, author=Author.SYSTEM) for d in page.drafts(Kind.CRISIS))

    def reminder(
        self, memory: SafetyMemory, *, language: str, said_at: datetime, last_seen: datetime, now: datetime
    ) -> tuple[Draft, ...]:
        """That this is automated: hourly for a minor, every three hours else, and on coming back after seven days."""
        every = REMINDER["minor" if memory.minor else ""]
        if now - said_at < every and now - last_seen < AWAY:
            return ()
        return (Draft(Author.BOT, Kind.DISCLOSURE, self.words.say("reminder", language, memory.said)[0]),)


def _said(memory: SafetyMemory, block: str) -> bool:
    return any(key.startswith(block + "/") for key in memory.said)
