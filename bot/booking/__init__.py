"""The consultation request: one question at a time, any order, corrected, given up, resumed; nothing given is lost."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import date, datetime
from typing import Any

from bot.booking.read import Details, contact_in
from bot.booking.talk import BookingStep, Talk
from bot.booking.times import Reader, Times
from bot.handoff import promise_text
from bot.hours import Hours
from bot.model import Action, BookingDraft
from bot.words import Words

__all__ = ["Booking", "BookingStep"]

_OWN_WORDS = 300  # characters of a visitor's own words for a time that the request keeps
_NOTE = 2000
_SENTENCE = re.compile(r"(?<=[.!?])\s+|\n+")


class Booking:
    """Asks, reads, confirms. Holds no state of its own: everything stands in the BookingDraft."""

    def __init__(self, words: Words, hours: Hours) -> None:
        self.words, self.hours = words, hours
        self.details, self.reader = Details(words), Reader(words, hours)

    # ── what the visit calls ──

    def begin(
        self, text: str, now: datetime, language: str, *, minor: bool = False, under_13: bool = False
    ) -> BookingStep:
        """A new request, with whatever details the first message has."""
        return self.step(text, BookingDraft(), now, language=language, wanted=True, minor=minor, under_13=under_13)

    def wants(self, text: str, language: str) -> bool:
        """Whether the whole message is a wish to book or to go on with it: "book", "book again please"."""
        return self.details.is_("wants", text.rstrip(" ?"), language)

    def pause(self, draft: BookingDraft, wanted: bool = False) -> BookingDraft:
        """While a risk flag is open nothing is asked; what was given stays, and a wish to book made now is kept."""
        if draft.state == "asking" or (wanted and draft.state in {"", "given_up"}):
            return replace(draft, state="paused")
        return draft

    def step(
        self,
        text: str,
        draft: BookingDraft,
        now: datetime,
        *,
        language: str,
        wanted: bool = False,
        minor: bool = False,
        under_13: bool = False,
    ) -> BookingStep:
        """One visitor message, in any state of the request. `wanted`: the filter saw a wish to book in it."""
        talk = Talk(self.words, draft, text, now, language, minor, under_13)
        if draft.state in {"", "given_up"}:
            return self._begin(talk)
        if draft.state == "paused":
            return self._resume(talk, wanted)
        if answered := self._offered(talk):
            return answered
        if draft.state == "ready":
            return self._after(talk, wanted)
        return self._answer(talk, wanted)

    # ── the states ──

    def _begin(self, talk: Talk) -> BookingStep:
        again = talk.draft.state == "given_up"
        talk.set(state="asking", asked="")
        talk.note(lefts=0)
        talk.say("booking_resumed" if again else "booking_begin")
        if not talk.draft.notes.get("consent"):
            talk.say("booking_consent")
            today = self.hours.local(talk.now).date().isoformat()
            talk.note(consent=f"{talk.lines[-1]} ({today})")
        self._tell_minor(talk)
        problems = self._read(talk)[1]
        return self._next(talk, problems, left=self._asks_beside(talk))

    def _resume(self, talk: Talk, wanted: bool) -> BookingStep:
        """The risk has passed, by a clinician's hand. Once only the visitor is led back; then it waits."""
        talk.set(state="asking", asked="")
        talk.note(lefts=0)
        found, problems = self._read(talk)
        if found or problems or wanted or self.details.is_("yes", talk.text, talk.language):
            talk.say("booking_resumed")
            return self._next(talk, problems, left=self._asks_beside(talk))
        talk.say("booking_waiting")
        return talk.step(left=True)

    def _after(self, talk: Talk, wanted: bool) -> BookingStep:
        """Ready: a correction is taken; anything else is not about it."""
        if not (wanted or self.details.has("correction", talk.text, talk.language)):
            return talk.step(left=True)
        found, problems = self._read(talk)
        if problems:
            talk.set(state="asking")
            return self._next(talk, problems)
        if found:
            talk.say("booking_ready_changed")
            return talk.step(card_changed=True)
        if not wanted:
            return talk.step(left=True)
        talk.set(state="asking")
        talk.ask("confirm")
        return talk.step()

    def _answer(self, talk: Talk, wanted: bool) -> BookingStep:
        text, language, asked = talk.text, talk.language, talk.draft.asked
        if self.details.is_("give_up", text, language):
            talk.set(state="given_up", asked="")
            talk.say("booking_given_up")
            return talk.step(given_up=True, card_changed=True)
        before = talk.draft
        chosen = self._either(talk)
        found, problems = self._read(talk)
        if found or problems or chosen:
            talk.note(lefts=0)
            if found and not problems:
                talk.say("booking_changed" if _corrected(before, talk.draft) else "booking_thanks")
            return self._next(talk, problems, left=self._asks_beside(talk))
        if asked and asked not in {"confirm", "change"} and self.details.is_("decline", text, language):
            return self._declined(talk)
        own_times = asked == "times" and self.details.has("times_own", text, language)
        about_else = (self.details.has("question", text, language) and not own_times) or (
            asked not in {"note", "change"} and self.details.has("aside", text, language)
        )
        if about_else and not wanted:
            return self._left(talk)
        if asked in {"confirm", "change"}:
            return self._confirmed(talk, wanted)
        return self._unread(talk, wanted)

    def _offered(self, talk: Talk) -> BookingStep | None:
        """The answer to other times that staff offered: one of them, none, or others; None when it is about something else."""
        options = talk.draft.notes.get("offered", [])
        text, language = " ".join(talk.text.split()), talk.language
        place = next((n for n, one in enumerate(options) if one["words"].casefold() in text.casefold()), -1)
        if place < 0 and options and not talk.draft.notes.get("chosen"):
            ordinal = [name for name in ("first", "second")[: len(options)] if self.details.is_(name, text, language)]
            if ordinal:
                place = ("first", "second").index(ordinal[0])
            elif len(options) == 1 and self.details.has("yes_start", text, language):
                place = 0
            elif any(self.details.is_(name, text, language) for name in ("no", "decline")):
                talk.set(state="asking", asked="times")
                talk.say("booking_offer_none")
                return talk.step(card_changed=True)
        if place < 0:
            return None
        talk.note(chosen=options[place]["start"])
        talk.say("booking_chosen", slot=options[place]["words"])
        return talk.step(card_changed=True)

    # ── reading ──

    def _read(self, talk: Talk) -> tuple[bool, list[dict[str, Any]]]:
        """Takes every detail of the message into the draft. (whether there was one, what must be asked about times)"""
        details, text, language, asked = self.details, talk.text, talk.language, talk.draft.asked
        before, changes, problems = talk.draft, dict[str, Any](), list[dict[str, Any]]()
        if whom := details.whom(text, language, asked == "whom"):
            changes["whom"] = whom
        named = asked == "name" or (asked == "whom" and not whom and text.strip().istitle())  # "Sam" to "who is it for?"
        if name := details.name(text, language, named):
            changes["name"] = name
        contact = contact_in(text, self.words.practice.country)
        if contact and contact.kind and not talk.under_13:
            changes |= {"contact": contact.value, "contact_kind": contact.kind}
        if leave := details.may_leave(text, language, asked == "message"):
            changes["may_leave_message"] = leave
        wish = details.safe_contact(text, language)
        if asked == "message" and leave and not any(details.is_(w, text, language) for w in ("yes", "no")):
            wish = text.strip()[:_OWN_WORDS]
        if wish and not talk.under_13:
            talk.note(safe_contact=wish)
        if self._times_meant(talk, bool(changes)):
            bare = _without(text, contact.written if contact else "")
            times = self.reader.read(bare, talk.now, language)
            if times.found:
                problems = self._take_times(talk, times, changes)
        if asked == "note" and not changes and not details.has("question", text, language):
            empty = details.is_("nothing", text, language) or details.is_("decline", text, language)
            talk.note(note_given=True)
            changes["note"] = "" if empty else text.strip()[:_NOTE]
        given = {"message" if name == "may_leave_message" else name for name in changes}
        talk.set(**changes, refused=tuple(r for r in talk.draft.refused if r not in given))
        return bool(changes) or talk.draft.notes != before.notes, problems

    def _times_meant(self, talk: Talk, other: bool) -> bool:
        """Times are read where they are meant: asked for, not given yet, or put right; never out of a note."""
        draft, short = talk.draft, len(talk.text) < 120
        correcting = self.details.has("correction", talk.text, talk.language)
        if draft.asked in {"times", "change", ""}:
            return True
        if draft.asked in {"note", "message"}:
            return correcting and short
        return short and (correcting or not draft.times or draft.asked == "confirm" or other)

    def _take_times(self, talk: Talk, times: Times, changes: dict[str, Any]) -> list[dict[str, Any]]:
        """The times into `changes`; what has to be asked about them, as blocks with their values."""
        own = " ".join(talk.text.split())[:_OWN_WORDS]
        if times.spans and talk.draft.asked != "times" and len(talk.text) > 40:
            start, end = min(s for s, _ in times.spans), max(e for _, e in times.spans)
            own = " ".join(talk.text[start:end].split())[:_OWN_WORDS]

        def day(value: date) -> str:
            return self.reader.day(value, talk.now, talk.language)

        if times.either:
            talk.note(either=[d.isoformat() for d in times.either], either_words=own)
            if len(times.either) > 1:
                first, second = (day(d) for d in times.either[:2])
                return [{"block": "booking_times_either", "first": first, "second": second}]
            past = day(times.past[0]) if times.past else ""
            return [{"block": "booking_times_either_past", "first": day(times.either[0]), "past": past}]
        if times.past and not times.slots:
            today = times.past[0] == self.hours.local(talk.now).date()
            return [{"block": "booking_times_today_past" if today else "booking_times_past", "day": day(times.past[0])}]
        if times.closed and not times.slots and talk.draft.notes.get("closed") != times.closed[0].isoformat():
            talk.note(closed=times.closed[0].isoformat())
            holiday = self.hours.holiday_names.get(times.closed[0], "")
            block = "booking_times_closed_for" if holiday else "booking_times_closed"
            return [{"block": block, "day": day(times.closed[0]), "holiday": holiday}]
        shut = [day(d) for d in times.closed]
        echo = self.reader.echo(times, talk.now, talk.language)
        talk.note(echo=echo, outside=times.outside, shut=shut, fresh=True)
        changes |= {"times": own, "slots": times.slots}
        return []

    def _either(self, talk: Talk) -> bool:
        """The answer to "do you mean the one or the other?"; anything else is read as it comes."""
        days = [date.fromisoformat(d) for d in talk.draft.notes.get("either", [])]
        if not days:
            return False
        talk.note(either=[])
        place = -1
        if self.details.is_("first", talk.text, talk.language):
            place = 0
        elif self.details.is_("second", talk.text, talk.language):
            place = 1
        elif len(days) == 1 and self.details.is_("yes", talk.text, talk.language):
            place = 0
        if not 0 <= place < len(days):
            return False
        words = talk.draft.notes.get("either_words", "")
        times = self.reader.on(days[place], words, talk.now, talk.language)
        talk.note(echo=self.reader.echo(times, talk.now, talk.language), outside=times.outside, fresh=True)
        talk.set(times=words, slots=times.slots)
        return True

    def _asks_beside(self, talk: Talk) -> bool:
        """Whether a sentence of the message asks something that is no detail of the request."""
        for sentence in _SENTENCE.split(talk.text):
            if not self.details.has("question", sentence, talk.language):
                continue
            is_detail = (
                self.details.has("booking_question", sentence, talk.language)
                or contact_in(sentence, self.words.practice.country)
                or self.reader.read(sentence, talk.now, talk.language).found
            )
            if not is_detail:
                return True
        return False

    # ── what follows ──

    def _next(self, talk: Talk, problems: list[dict[str, Any]], left: bool = False) -> BookingStep:
        """What must be cleared up first, else the next question, else the whole for confirmation."""
        if problems:
            for problem in problems:
                talk.say(problem.pop("block"), **problem)
            talk.set(asked="times")
            days = [date.fromisoformat(d) for d in talk.draft.notes.get("either", [])]
            labels = [self.reader.day(d, talk.now, talk.language) for d in days]
            talk.actions = tuple(Action("ask", label, label) for label in labels)
            return talk.step(left=left, card_changed=True)
        if talk.draft.notes.get("fresh"):
            talk.note(fresh=False)
            echo, zone = talk.draft.notes["echo"], self.hours.words_of(talk.now, talk.now, talk.language)["zone"]
            talk.say("booking_times_read", echo=echo, zone=zone)
            for shut in talk.draft.notes.get("shut", []):
                talk.say("booking_times_shut", day=shut)
            if talk.draft.notes.get("outside"):
                talk.say("booking_times_outside")
        missing = talk.missing()
        if talk.under_13 and missing in {"contact", "message"}:
            talk.say("booking_contact_child")
            talk.set(contact="", contact_kind="", refused=(*talk.draft.refused, "contact", "message"))
            missing = talk.missing()
        talk.ask(missing or "confirm")
        return talk.step(left=left, card_changed=True)

    def _confirmed(self, talk: Talk, wanted: bool) -> BookingStep:
        text, language = talk.text, talk.language
        if talk.draft.asked == "confirm" and self.details.has("yes_start", text, language):
            promise = promise_text(self.words, self.hours, 0, talk.now, language)
            talk.set(state="ready", asked="")
            talk.say("booking_ready", promise=promise)
            return talk.step(done=True, card_changed=True)
        for detail in ("name", "contact", "times", "whom", "message", "note"):
            if self.details.has(f"about_{detail}", text, language):
                talk.ask(detail)
                return talk.step()
        if talk.draft.asked == "confirm" and self.details.has("no_start", text, language):
            talk.ask("change")
            return talk.step()
        if wanted or talk.draft.asked == "change":
            talk.ask("confirm")
            return talk.step()
        return self._left(talk)

    def _declined(self, talk: Talk) -> BookingStep:
        asked = talk.draft.asked
        talk.say("booking_contact_skipped" if asked == "contact" else "booking_skipped")
        talk.set(refused=(*talk.draft.refused, asked, *(("message",) if asked == "contact" else ())))
        talk.note(lefts=0)
        return self._next(talk, [])

    def _left(self, talk: Talk) -> BookingStep:
        """Not about the booking: the caller answers, and the question comes again; the second time only a
        reminder, and after that nothing, until the visitor comes back to it."""
        lefts = int(talk.draft.notes.get("lefts", 0)) + 1
        talk.note(lefts=lefts)
        if lefts == 1 and talk.draft.asked:
            talk.ask(talk.draft.asked)
        elif lefts == 2:
            talk.say("booking_waiting")
        return talk.step(left=True)

    def _unread(self, talk: Talk, wanted: bool) -> BookingStep:
        """Meant as an answer, perhaps, and not readable as one."""
        asked, text = talk.draft.asked, talk.text
        if asked == "times" and any(self.details.is_(w, text, talk.language) for w in ("yes", "no", "first", "second")):
            talk.ask("times")
            return talk.step()
        if asked == "times":
            talk.set(times=" ".join(text.split())[:_OWN_WORDS], slots=())
            talk.note(echo="")
            talk.say("booking_times_own")
            return self._next(talk, [])
        if asked == "contact" and contact_in(text, self.words.practice.country):
            if not talk.draft.notes.get("tries"):
                talk.note(tries=1)
                talk.say("booking_contact_wrong")
                return talk.step()
            talk.say("booking_contact_kept")
            talk.set(contact=text.strip()[:200], contact_kind="unread")
            return self._next(talk, [])
        if wanted:
            return self._next(talk, [])
        if asked == "whom" and len(text.split()) < 4 and not talk.draft.notes.get("unclear_whom"):
            talk.note(unclear_whom=True)
            talk.ask("whom")
            return talk.step()
        if asked in {"name", "message"} and len(text) < 120 and not talk.draft.notes.get(f"unclear_{asked}"):
            talk.note(**{f"unclear_{asked}": True})
            talk.say(f"booking_{asked}_unclear")
            talk.offer(*(("booking_yes", "booking_no") if asked == "message" else ("booking_skip",)))
            return talk.step()
        return self._left(talk)

    def _tell_minor(self, talk: Talk) -> None:
        """What practice.toml says of young people, once."""
        minors = self.words.practice.get("minors")
        if not talk.minor or talk.draft.notes.get("minor_told") or not isinstance(minors, dict):
            return
        talk.note(minor_told=True)
        if minors.get("sees") is False or talk.under_13:
            talk.say("booking_minor_not_seen", age=minors.get("from_age", 18))
        elif minors.get("note"):
            talk.say("booking_minor", note=minors["note"])


def _corrected(before: BookingDraft, after: BookingDraft) -> bool:
    """Whether a detail that stood there stands otherwise now."""
    pairs = ((getattr(before, n), getattr(after, n)) for n in ("whom", "name", "contact", "times", "may_leave_message"))
    return any(old and old != new for old, new in pairs)


def _without(text: str, written: str) -> str:
    """The text without the contact in it, so that a phone number is never read as a date."""
    return text.replace(written, " " * len(written)) if written else text
