"""What the bot says where there is risk, at a boundary, or when asked what it is. Every word of it stands in the corpus."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from bot.model import Action, Author, Draft, Kind, Owner, Route, SafetyMemory, Verdict
from bot.safety.asking import answered_kind, next_question
from bot.safety.lines import Lines
from bot.safety.recipes import Recipe, recipe_for
from bot.safety.screening import Screening
from bot.words import Country, Words

MOST_WORDS = 90
EVERY = timedelta(hours=3)
EVERY_MINOR = timedelta(hours=1)
AWAY = timedelta(days=7)


@dataclass(frozen=True, slots=True)
class Spoken:
    """What the bot says to this message, and the memory after it. No drafts: nothing for this room to say."""

    drafts: tuple[Draft, ...]
    memory: SafetyMemory


@dataclass(slots=True)
class _Sheet:
    """One reply as it is put together."""

    country: Country
    language: str
    memory: SafetyMemory
    topic: str
    parts: list[tuple[int, str]]  # the place in the recipe, the text
    actions: list[Action]
    said: list[str]
    lines: list[str]
    promise: str = ""
    place: int = 0
    asked: str = ""
    waits: str = ""  # a question that may be put again, as long as it is open
    texts: bool = False

    @property
    def ledger(self) -> list[str]:
        return [*self.memory.said, *self.said]

    def words(self) -> int:
        return sum(len(text.split()) for _, text in self.parts)


class Script:
    def __init__(self, words: Words) -> None:
        self._words = words
        self._lines = Lines(words)

    def reply(
        self,
        screening: Screening,
        *,
        language: str,
        country: str,
        owner: Owner,
        open_now: bool,
        now: datetime,
        asked_person: bool = False,
        promise: str = "",
    ) -> Spoken:
        """What is said for safety, at a boundary, or about who this is. At most one draft, at most 90 words.

        `country` is the visitor's or the practice's code; "" is unknown. The promise about the queue is worded for the
        turn that opens the handoff in the same transaction; `promise` says when a person looks, where no flag is open.
        """
        verdict, memory = screening.verdict, screening.memory
        spoken = language if self._words.language(language).blocks else "en"
        recipe = recipe_for(verdict, memory, asked_person)
        foreign = screening.language and not self._words.language(screening.language).blocks
        if recipe and foreign and verdict.urgency >= 2:
            recipe = Recipe(recipe.kind, ("multilingual", "=emergency", "=person"), "suicide")
        if recipe is None:
            return Spoken((), replace(memory, pending=""))
        topic = recipe.topic or str(verdict.reason)
        if topic == "abuse" and memory.minor:
            topic = "child_abuse"
        sheet = _Sheet(self._words.country(country), spoken, memory, topic, [], [], [], [], promise)
        wanted = sorted(enumerate(recipe.parts), key=lambda place: place[1].startswith("?"))
        for place, part in wanted:
            sheet.place = place
            self._add(sheet, part, verdict, owner, open_now)
        if memory.minor:
            sheet.place = len(recipe.parts)
            self._for_young(sheet)
        if not sheet.parts:
            return Spoken((), replace(memory, pending=""))
        text = "\n\n".join(text for _, text in sorted(sheet.parts, key=lambda part: part[0]))
        draft = Draft(Author.BOT, recipe.kind, text, (), _once(sheet.actions))
        return Spoken((draft,), self._after(sheet, verdict))

    def joined_crisis(self, screening: Screening, *, language: str, country: str) -> tuple[Draft, ...]:
        """The system's one message when the urgency rises while a clinician has the conversation."""
        verdict = screening.verdict
        where = self._words.country(country)
        number, actions = self._lines.emergency(where, language)
        shown = self._lines.show(where, str(verdict.level_reason), language, screening.memory.said)
        block = "safety_joined_emergency" if verdict.level >= 4 else "safety_joined"
        text, _ = self._words.say(block, language, screening.memory.said, emergency=number, lines=shown.text)
        tappable = (*actions, *shown.actions) if verdict.level >= 4 else shown.actions
        return (Draft(Author.SYSTEM, Kind.CRISIS, text, (), _once(tappable)),)

    def reminder(
        self, memory: SafetyMemory, *, language: str, last: datetime, now: datetime
    ) -> tuple[Draft, SafetyMemory] | None:
        """The reminder that this is automated, when it is due. `last`: when that was last said, the first message included.

        Every 3 hours (New York, California), hourly for a minor (Washington), and after 7 days away (Utah).
        """
        gone = now - last
        if gone < (EVERY_MINOR if memory.minor else EVERY):
            return None
        text, key = self._words.say(
            "safety_reminder_back" if gone >= AWAY else "safety_reminder", language, memory.said
        )
        return Draft(Author.BOT, Kind.DISCLOSURE, text), replace(memory, said=(*memory.said, key))

    # ── one part of a reply ─────────────────────────────────────────────────────────────────────────────────────

    def _add(self, sheet: _Sheet, part: str, verdict: Verdict, owner: Owner, open_now: bool) -> None:
        optional = part.startswith("?")
        part = part.removeprefix("?")
        if part == "=lines":
            self._add_lines(sheet, sheet.topic, optional)
        elif part == "=poison":
            self._add_lines(sheet, "poison")
        elif part == "=automated":
            if not any(key.startswith("safety_automated/") for key in sheet.memory.said):
                self._say(sheet, "safety_automated", optional)
        elif part == "=queue":
            if verdict.route is Route.HUMAN and owner is Owner.BOT:
                calm = sheet.promise and verdict.level < 2  # no line may stand above: then when a person looks is said
                name = "calm" if calm else "open" if open_now else "closed"
                self._say(sheet, f"safety_queue_{name}", optional)
        elif part == "=barrier":
            self._say(sheet, "safety_barrier_text" if sheet.texts else "safety_barrier_call", optional)
        elif part == "=ask":
            question = next_question(sheet.memory, verdict)
            if question and self._say(sheet, f"safety_ask_{question}", optional):
                sheet.asked = question
        elif part == "=called":
            sheet.waits = "called" if self._say(sheet, "safety_emergency_called", optional) else ""
        elif part == "=safe":
            sheet.waits = "safe" if self._say(sheet, "safety_abuse_safe", optional) else ""
        elif part == "=danger":
            sheet.waits = "danger" if self._say(sheet, "safety_ask_danger", optional) else ""
        elif part == "=contact":
            if not sheet.memory.under_13:
                self._say(sheet, "safety_emergency_ask", optional)
        elif part == "=emergency":
            if sheet.country.code:
                self._say(sheet, "safety_emergency_number")
        elif part == "=person":
            sheet.actions.append(Action("person", self._label(sheet, "person"), ""))
        elif part == "=exit":
            sheet.actions.insert(0, Action("exit", self._label(sheet, "exit"), ""))
        else:
            self._say(sheet, part, optional)

    def _label(self, sheet: _Sheet, name: str) -> str:
        return self._words.say(f"safety_label_{name}", sheet.language)[0]

    def _say(self, sheet: _Sheet, block: str, optional: bool = False) -> bool:
        """Adds the block's next variant; False when it was left out for want of room."""
        number, actions = self._lines.emergency(sheet.country, sheet.language)
        lines = ""
        fresh: tuple[str, ...] = ()
        if any("{lines}" in variant for variant in self._words.variants(block, sheet.language)):
            shown = self._lines.show(sheet.country, sheet.topic, sheet.language, sheet.ledger)
            lines, fresh = shown.text, shown.names
        fill = {"emergency": number, "lines": lines, "promise": sheet.promise}
        text, key = self._words.say(block, sheet.language, sheet.ledger, **fill)
        if optional and sheet.words() + len(text.split()) > MOST_WORDS:
            return False
        sheet.parts.append((sheet.place, text))
        sheet.said.append(key)
        if number and number in text:
            sheet.actions += actions
        if lines:
            sheet.actions += shown.actions
            sheet.said += shown.said
            sheet.lines += fresh
        return True

    def _add_lines(self, sheet: _Sheet, topic: str, optional: bool = False) -> None:
        shown = self._lines.show(sheet.country, topic, sheet.language, sheet.ledger)
        if optional and sheet.words() + len(shown.text.split()) > MOST_WORDS:
            return
        if shown.text and not set(shown.names) <= set(sheet.lines):
            sheet.parts.append((sheet.place, shown.text))
            sheet.actions += shown.actions
            sheet.said += shown.said
            sheet.lines += shown.names
            sheet.texts = sheet.texts or shown.texts

    def _for_young(self, sheet: _Sheet) -> None:
        """A line for young people, once, where the country has one that is not shown already."""
        young = [x for x in sheet.country.lines if "young" in x.about]
        if not young or any(line.name in (*sheet.lines, *sheet.memory.lines) for line in young):
            return
        topic, sheet.topic = sheet.topic, "minor"
        self._say(sheet, "safety_minor_lines", optional=True)
        sheet.topic = topic

    def _after(self, sheet: _Sheet, verdict: Verdict) -> SafetyMemory:
        memory = sheet.memory
        asked = (*memory.asked, sheet.asked) if sheet.asked else memory.asked
        notes = dict(memory.notes)
        if verdict.level >= 2:
            notes["step"] = int(notes.get("step", 0)) + 1
            if answered_kind(memory) == "no":
                notes["denied_at"] = notes["step"]
        pending = "thoughts" if sheet.asked == "again" else sheet.asked or sheet.waits
        return replace(
            memory,
            said=(*memory.said, *sheet.said)[-400:],
            lines=tuple(dict.fromkeys((*memory.lines, *sheet.lines))),
            asked=asked,
            pending=pending,
            notes=notes,
        )


def _once(actions: Sequence[Action]) -> tuple[Action, ...]:
    return tuple(dict.fromkeys(actions))
