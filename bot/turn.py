"""The visit: one visitor message, from the words as typed to a committed turn. Read it top to bottom."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any
from weakref import WeakValueDictionary

import structlog

from bot import handoff, ladder, waiting
from bot.answer import Answers
from bot.booking import Booking, reach
from bot.hours import Hours
from bot.model import (
    Author,
    Card,
    Draft,
    Gap,
    Kind,
    Memory,
    Notice,
    NotThere,
    Opening,
    Owner,
    Reason,
    Recorded,
    Route,
    Stale,
    Turn,
    Urgency,
    Verdict,
    Visit,
)
from bot.ports import Clock, Store
from bot.safety import Filter, Screening, Script
from bot.words import Words

log = structlog.get_logger(__name__)

TRIES = 8  # a turn is taken anew when the conversation moved on meanwhile; after that the store is at fault


@dataclass(frozen=True, slots=True)
class Taken:
    """A turn and what the store made of it. `turn` is None when the client id had been answered before."""

    recorded: Recorded
    turn: Turn | None


@dataclass(frozen=True, slots=True)
class Said:
    """What the bot's side came to, before it is a Turn."""

    replies: tuple[Draft, ...] = ()
    memory: Memory = field(default_factory=Memory)
    gap: Gap | None = None
    events: tuple[str, ...] = ()
    score: float = 0.0
    person: bool = False  # the visitor took up the offer of a person


@dataclass(frozen=True, slots=True)
class Parts:
    """What a visit is made of. bot/app.py joins them once, at start."""

    store: Store
    words: Words
    filter: Filter
    script: Script
    answers: Answers
    booking: Booking
    hours: Hours
    clock: Clock
    notify: tuple[str, ...] = ()


class Desk:
    """Takes visitors' messages, one at a time a conversation, any number of conversations at once."""

    def __init__(self, parts: Parts) -> None:
        self.parts = parts
        self._busy: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()

    async def take(self, conversation: str, text: str, client_id: str | None = None) -> Taken:
        """Screens, decides, answers, and commits the turn. Raises NotThere, Reused, StoreFault; never loses a text in silence."""
        return await self._take(conversation, text, client_id, lambda visit: self.think(visit, text, client_id))

    async def ask_for_person(self, conversation: str, contact: str, note: str) -> Taken:
        """The visitor asks for a person, with a contact and a note or without; the note is screened like any message."""
        return await self._take(conversation, note, None, lambda visit: self.think_of_person(visit, contact, note))

    async def overhear(self, conversation: str, text: str, client_id: str | None = None) -> Taken:
        """A person has it in another front end: recorded and screened as ever, and no bot speaks."""

        def think(visit: Visit) -> Turn:
            return self.with_human(visit, text, client_id, self.screen(visit, text), self.parts.clock())

        return await self._take(conversation, text, client_id, think)

    async def _take(self, conversation: str, text: str, client_id: str | None, think: Callable[[Visit], Turn]) -> Taken:
        lock = self._busy.setdefault(conversation, asyncio.Lock())
        async with lock:
            if client_id and (before := await self.parts.store.answered(conversation, client_id, text)):
                return Taken(before, None)
            for _ in range(TRIES):
                visit = await self.parts.store.visit(conversation)
                if visit is None:
                    raise NotThere(conversation)
                turn = await asyncio.to_thread(self.think_or_hand_over, think, visit, text, client_id)
                try:
                    return Taken(await self.parts.store.record(turn), turn)
                except Stale:
                    continue
            raise Stale(conversation)

    def think_or_hand_over(
        self, think: Callable[[Visit], Turn], visit: Visit, text: str, client_id: str | None
    ) -> Turn:
        """Blocks while it thinks. Whatever breaks in there, the visitor sees the lines and a person is told."""
        try:
            return think(visit)
        except Exception:  # the first of three in the tree: in a visit every bug ends at a human
            log.exception("turn.fault", conversation=visit.conversation.id)
            return self.fault(visit, text, client_id)

    # ── the fork ────────────────────────────────────────────────────────────────────────────────────────────

    def think(self, visit: Visit, text: str, client_id: str | None = None, queued: bool = True) -> Turn:
        """Safety first, always; then who speaks, and what is said. `queued` False: nobody is told, and none is promised."""
        now = self.parts.clock()
        screening = self.screen(visit, text)
        if self.owner(visit) is Owner.CLINICIAN:
            return self.with_human(visit, text, client_id, screening, now)
        said = self.reminded(visit, self.speak(visit, text, screening, now, queued), now)
        return self.turn(visit, text, client_id, screening, said, now)

    def reminded(self, visit: Visit, said: Said, now: datetime) -> Said:
        """With the reminder that this is automated, when it is due: every 3 hours, hourly for a minor, after 7 days away."""
        safety, talk = said.memory.safety, visit.conversation
        told = safety.notes.get("disclosed_at")
        last = datetime.fromisoformat(told) if told else talk.created_at
        due = self.parts.script.reminder(safety, language=talk.language, last=last, now=now)
        if due is None:
            return said
        draft, safety = due
        safety = replace(safety, notes={**safety.notes, "disclosed_at": now.isoformat()})
        return replace(said, replies=(*said.replies, draft), memory=replace(said.memory, safety=safety))

    def screen(self, visit: Visit, text: str) -> Screening:
        talk = visit.conversation
        return self.parts.filter.screen(text, visit.memory.safety, language=talk.language, country=talk.country)

    @staticmethod
    def owner(visit: Visit) -> Owner:
        """Who has the conversation now: with no handoff open it is the bot's again once the visitor writes."""
        return visit.conversation.owner if visit.handoff else Owner.BOT

    def with_human(self, visit: Visit, text: str, client_id: str | None, screening: Screening, now: datetime) -> Turn:
        """A person has it: no bot speaks. A rise in urgency is passed on, and shown once by the system."""
        talk, memory = visit.conversation, replace(visit.memory, safety=screening.memory)
        more: dict[str, Any] = {"rose": screening.rose, "shadow": screening.shadow}
        more["system"] = self._system_crisis(screening, talk.language, talk.country)
        return self._turn(visit, text, client_id, screening.verdict, (), memory, now, **more)

    def speak(self, visit: Visit, text: str, screening: Screening, now: datetime, queued: bool = True) -> Said:
        """The bot's side: the script where there is risk, then booking, then the articles."""
        talk, verdict, memory = visit.conversation, screening.verdict, visit.memory
        language = screening.language or talk.language
        spoken = self.parts.script.reply(
            screening,
            language=language,
            country=talk.country,
            owner=self.owner(visit) if queued else Owner.QUEUE,  # nobody is queued: then no queue may be named
            open_now=self.parts.hours.open_at(now),
            now=now,
        )
        memory = replace(memory, safety=spoken.memory)
        kept = tuple(filter(None, [reach.thanks(text, visit, memory, self.parts.words, language)]))
        if verdict.level >= Urgency.CHECK_IN:
            return self.speak_in_risk(text, verdict, spoken.drafts + kept, memory, language, now)
        if spoken.drafts and "booking" not in verdict.intents:
            return Said(spoken.drafts, memory)
        if not queued and {"booking", "asked"} & set(verdict.intents):
            kind = Kind.BOOKING if "booking" in verdict.intents else Kind.HANDOFF
            text, _ = self.parts.words.say(f"{kind.value}_by_telephone", language)
            return Said((*spoken.drafts, Draft(Author.BOT, kind, text)), memory)
        booked = self.speak_of_booking(text, verdict, memory, language, now)
        if booked is not None:
            return replace(booked, replies=spoken.drafts + booked.replies)
        if "asked" in verdict.intents:
            known = reach.left(text, memory, self.parts.words)
            return Said((*spoken.drafts, self._queued(memory, language, now, known=known)), memory)
        if kept:
            return Said((*spoken.drafts, *kept), memory)
        if self.owner(visit) is Owner.QUEUE and self.parts.answers.hails(text, language=language):
            return Said((waiting.draft(self.parts.words, self.parts.hours, visit.handoff, language, now),), memory)
        return self.speak_from_articles(text, memory, language, now)

    def speak_in_risk(
        self, text: str, verdict: Verdict, drafts: tuple[Draft, ...], memory: Memory, language: str, now: datetime
    ) -> Said:
        """A flag is open: the script; at 2 and 3 the answer too, when the words themselves ask for one. Booking is paused."""
        memory = replace(memory, booking=self.parts.booking.pause(memory.booking, wanted="booking" in verdict.intents))
        asks = not drafts or self.parts.answers.asks(text, language=language)
        if verdict.level >= Urgency.EMERGENCY or verdict.urgency >= Urgency.CHECK_IN or not asks:
            return Said(drafts, memory)
        answered = self.speak_from_articles(text, memory, language, now)
        helpful = tuple(d for d in answered.replies if d.kind is Kind.ANSWER or not drafts)
        return replace(answered, replies=drafts + helpful)

    def speak_of_booking(
        self, text: str, verdict: Verdict, memory: Memory, language: str, now: datetime
    ) -> Said | None:
        """A consultation request, one question at a time; None when this message is about something else."""
        draft = memory.booking
        wanted = "booking" in verdict.intents or self.parts.booking.wants(text, language)
        if not wanted and (draft.state in {"", "given_up"} or "asked" in verdict.intents):
            return None
        step = self.parts.booking.step(
            text,
            draft,
            now,
            language=language,
            wanted=wanted,
            minor=memory.safety.minor,
            under_13=memory.safety.under_13,
        )
        memory = replace(memory, booking=step.draft)
        events = ("booking.requested",) if draft.state in {"", "given_up"} and step.draft.state == "asking" else ()
        if not step.left:
            return Said(step.drafts, memory, events=events)
        if draft.state == "ready" and not step.drafts:
            return None  # sent already, and nothing is corrected
        answered = self.speak_from_articles(text, memory, language, now)
        return replace(answered, replies=answered.replies + step.drafts, events=events)

    def speak_from_articles(self, text: str, memory: Memory, language: str, now: datetime) -> Said:
        spoken = self.parts.answers.reply(text, memory.talk, language=language, now=now)
        said = Said(spoken.drafts, replace(memory, talk=spoken.memory), spoken.gap, score=spoken.score)
        if not spoken.person:
            return said
        return replace(said, replies=(*said.replies, self._queued(said.memory, language, now)), person=True)

    def _queued(self, memory: Memory, language: str, now: datetime, urgency: int = 0, known: str = "") -> Draft:
        return reach.queued(self.parts.words, self.parts.hours, memory, language, now, urgency, known)

    # ── what is committed ───────────────────────────────────────────────────────────────────────────────────

    def turn(
        self, visit: Visit, text: str | None, client_id: str | None, screening: Screening, said: Said, now: datetime
    ) -> Turn:
        verdict = screening.verdict
        if said.person and verdict.route is Route.BOT:
            verdict = replace(verdict, route=Route.HUMAN, reason=Reason.ASKED)
        if verdict.route is Route.BOT and {d.kind for d in said.replies} == {Kind.BOOKING}:
            verdict = replace(verdict, route=Route.HUMAN, reason=Reason.BOOKING)
        more: dict[str, Any] = {"gap": said.gap, "events": said.events, "score": said.score}
        more |= {"language": screening.language or None, "rose": screening.rose, "shadow": screening.shadow}
        return self._turn(visit, text, client_id, verdict, said.replies, said.memory, now, **more)

    def _turn(
        self,
        visit: Visit,
        text: str | None,
        client_id: str | None,
        verdict: Verdict,
        replies: tuple[Draft, ...],
        memory: Memory,
        now: datetime,
        *,
        rose: bool = False,
        card: Card | None = None,
        **more: Any,
    ) -> Turn:
        opening = self.opening(visit, text or "", verdict, memory, now, rose, card)
        owner = Owner.QUEUE if opening and self.owner(visit) is Owner.BOT else self.owner(visit)
        events = tuple(more.pop("events", ())) + (("safety.flagged",) if verdict.urgency >= Urgency.CHECK_IN else ())
        return Turn(
            conversation=visit.conversation.id,
            version=visit.version,
            owner_epoch=visit.conversation.owner_epoch,
            at=now,
            text=text,
            verdict=verdict,
            replies=replies,
            memory=memory,
            client_id=client_id,
            opening=opening,
            owner=None if owner is visit.conversation.owner else owner,
            events=events,
            notices=self._notices(opening, visit, now),
            **more,
        )

    def opening(
        self,
        visit: Visit,
        text: str,
        verdict: Verdict,
        memory: Memory,
        now: datetime,
        rose: bool,
        card: Card | None = None,
    ) -> Opening | None:
        """The handoff that this turn opens, or what it adds to the open one; None when neither."""
        asks = memory.booking.state in {"asking", "ready", "paused"}
        booking = (asks or visit.handoff is not None) and memory.booking != visit.memory.booking
        left = reach.left(text, memory, self.parts.words)
        if not (verdict.route is Route.HUMAN or booking or card or (left and visit.handoff)):
            return None
        if visit.handoff and not (rose or verdict.urgency or booking or card or left):
            return None
        flagged = verdict.level >= Urgency.CHECK_IN
        reason = verdict.level_reason if flagged else verdict.reason
        plain = Reason.BOOKING if booking and not card else Reason.ASKED
        return handoff.opening(
            reason=plain if reason is Reason.NONE else reason,
            urgency=max(verdict.level, verdict.urgency),
            due_at=self.parts.hours.due(max(verdict.level, verdict.urgency), now),
            card=card or handoff.card(verdict, text, visit.last_seq + 1, memory, contact=left),
            booking=asks,
        )

    def _notices(self, opening: Opening | None, visit: Visit, now: datetime) -> tuple[Notice, ...]:
        if opening is None:
            return ()
        parts = self.parts
        return ladder.notices(opening, visit.handoff, parts.words.practice, parts.notify, now, parts.hours)

    def think_of_person(self, visit: Visit, contact: str, note: str) -> Turn:
        """Asked for a person: the handoff opens, with the note and the contact on its card; risk in them counts."""
        now = self.parts.clock()
        screening = self.screen(visit, f"{note}\n{contact}".strip())
        talk, language = visit.conversation, visit.conversation.language
        memory = replace(visit.memory, safety=screening.memory)
        card = reach.card(self.parts.booking.details, screening.verdict, visit, memory, contact, note, language)
        verdict = screening.verdict
        if verdict.level < Urgency.CHECK_IN and verdict.reason in {Reason.NONE, Reason.BOOKING}:
            verdict = replace(verdict, route=Route.HUMAN, reason=Reason.ASKED)
        replies: tuple[Draft, ...] = ()
        system: tuple[Draft, ...] = ()
        if self.owner(visit) is Owner.CLINICIAN:
            system = self._system_crisis(screening, talk.language, talk.country)
        else:
            spoken = self.parts.script.reply(
                screening,
                language=language,
                country=talk.country,
                owner=self.owner(visit),
                open_now=self.parts.hours.open_at(now),
                now=now,
                asked_person=True,
            )
            memory = replace(memory, safety=spoken.memory)
            flagged = verdict.level >= Urgency.CHECK_IN
            replies = spoken.drafts if flagged else (self._queued(memory, language, now, verdict.level, contact),)
        more: dict[str, Any] = {"rose": screening.rose, "shadow": screening.shadow, "card": card, "system": system}
        return self._turn(visit, note or None, None, verdict, replies, memory, now, **more)

    def _system_crisis(self, screening: Screening, language: str, country: str) -> tuple[Draft, ...]:
        if not (screening.rose and screening.verdict.level >= Urgency.CHECK_IN):
            return ()
        return self.parts.script.joined_crisis(screening, language=language, country=country)

    # ── when something breaks ───────────────────────────────────────────────────────────────────────────────

    def fault(self, visit: Visit, text: str, client_id: str | None) -> Turn:
        """A bug in the visit: the visitor sees the crisis lines, and a person is told. Uses as little as it can."""
        now, talk, before = self.parts.clock(), visit.conversation, visit.memory.safety
        level = max(before.level, Urgency.CHECK_IN)  # what the words were is not known: a person looks the same day
        verdict = Verdict(Route.HUMAN, Urgency.CHECK_IN, Reason.FAULT, level=level, level_reason=Reason.FAULT)
        country = self.parts.words.country(talk.country)
        lines = " · ".join(f"{line.name}: {line.call or line.text or line.chat}" for line in country.lines[:3])
        words, _ = self.parts.words.say("fault", talk.language, emergency=country.emergency, lines=lines)
        with_person = self.owner(visit) is Owner.CLINICIAN
        draft = Draft(Author.SYSTEM if with_person else Author.BOT, Kind.CRISIS, words)
        memory = replace(visit.memory, safety=replace(before, level=level, turns=before.turns + 1))
        opening = Opening(Reason.FAULT, level, self.parts.hours.due(level, now), Card(shown=("fault",)))
        owner = Owner.QUEUE if self.owner(visit) is Owner.BOT else self.owner(visit)
        return Turn(
            conversation=talk.id,
            version=visit.version,
            owner_epoch=talk.owner_epoch,
            at=now,
            text=text or None,
            verdict=verdict,
            replies=() if with_person else (draft,),
            system=(draft,) if with_person else (),
            memory=memory,
            client_id=client_id,
            opening=opening,
            owner=None if owner is talk.owner else owner,
            events=("safety.flagged",),
            notices=self._notices(opening, visit, now),
        )
