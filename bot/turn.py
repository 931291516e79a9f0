"""The visit: one visitor message, from the words as typed to a committed turn. Read it top to bottom."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

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
    Opening,
    Owner,
    Reason,
    Route,
    Turn,
    Urgency,
    Verdict,
    Visit,
)
from bot.ports import Clock, Store
from bot.safety import Filter, Screening, Script
from bot.words import Words

log = structlog.get_logger(__name__)

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


@dataclass(frozen=True, slots=True)
class Job:
    """What is to be thought about: plain data, so that it can be thought elsewhere (bot/thinkers.py).

    `what`: "message", "person" (asked for one, with `contact`; `text` is the note), or "overheard" (a person has it elsewhere).
    """

    what: str
    visit: Visit
    text: str
    at: datetime
    client_id: str | None = None
    contact: str = ""
    queued: bool = True  # False: nobody is told, so no reply may say so


class Thinker:
    """From a visit and a text to a Turn. Blocks while it thinks; writes nowhere, and keeps nothing between two jobs."""

    def __init__(self, parts: Parts) -> None:
        self.parts = parts

    def work(self, job: Job) -> Turn:
        """Whatever breaks in there, the visitor sees the lines and a person is told."""
        try:
            return self.think_of_person(job) if job.what == "person" else self.think(job)
        except Exception:  # the first of three in the tree: in a visit every bug ends at a human
            log.exception("turn.fault", conversation=job.visit.conversation.id)
            return self.fault(job)

    def light(self, job: Job) -> bool:
        """Whether the model has no part in it: rules alone screen it, and nothing is looked up to answer it."""
        return self.parts.filter.examples is None and (job.what != "message" or self.owner(job.visit) is Owner.CLINICIAN)

    # ── the fork ────────────────────────────────────────────────────────────────────────────────────────────

    def think(self, job: Job) -> Turn:
        """Safety first, always; then who speaks, and what is said."""
        screening = self.screen(job.visit, job.text)
        if job.what == "overheard" or self.owner(job.visit) is Owner.CLINICIAN:
            return self.with_human(job, screening)
        said = self.speak(job.visit, job.text, screening, job.at, job.queued)
        return self.turn(job.visit, job.text, job.client_id, screening, self.reminded(job.visit, said, job.at), job.at)

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

    def with_human(self, job: Job, screening: Screening) -> Turn:
        """A person has it: no bot speaks. A rise in urgency is passed on, and shown once by the system."""
        visit = job.visit
        talk, memory = visit.conversation, replace(visit.memory, safety=screening.memory)
        more: dict[str, Any] = {"rose": screening.rose, "shadow": screening.shadow}
        more["system"] = self._system_crisis(screening, talk.language, talk.country)
        return self._turn(visit, job.text, job.client_id, screening.verdict, (), memory, job.at, **more)

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

    def think_of_person(self, job: Job) -> Turn:
        """Asked for a person: the handoff opens, with the note and the contact on its card; risk in them counts."""
        visit, contact, note, now = job.visit, job.contact, job.text, job.at
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

    def fault(self, job: Job) -> Turn:
        """A bug in the visit: the visitor sees the crisis lines, and a person is told. Uses as little as it can."""
        visit, text, client_id = job.visit, job.text, job.client_id
        now, talk, before = job.at, visit.conversation, visit.memory.safety
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
