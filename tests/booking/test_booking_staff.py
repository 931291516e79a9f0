"""What staff do with a request, on a real store; and the request as calendar file and FHIR Appointment."""

from __future__ import annotations

import asyncio
import json
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from icalendar import Calendar

from bot import booking_export
from bot import handoff as steps
from bot.booking import staff
from bot.handoff import Incomplete, NotAllowed
from bot.hours import Hours
from bot.model import (
    Author,
    BookingDraft,
    Card,
    Conversation,
    Draft,
    Handoff,
    HandoffState,
    Held,
    Holder,
    Kind,
    Memory,
    Outcome,
    Owner,
    Reason,
    Route,
    Turn,
    Verdict,
)
from bot.stores.sqlite import SqliteStore
from bot.words import Words

NOW = datetime(2026, 11, 23, 15, 0, tzinfo=UTC)
SLOT = datetime(2026, 11, 24, 21, 0, tzinfo=UTC)  # Tuesday, 16:00 in the practice's zone
DEE = Holder("user:dee", "Dee Moss", "front_desk")
LEASE = timedelta(minutes=2)
LINK = "https://chat.practice.example/appointments/t0ken.ics"
REQUEST = BookingDraft(
    "ready", whom="me", name="Sam <b>Lee</b>", contact="+1 212-555-0142", contact_kind="phone", times="Tuesday after 4",
    slots=("2026-11-24T16:00:00-05:00/2026-11-24T18:00:00-05:00",), may_leave_message="yes", note="I am nervous",
)  # fmt: skip


def handoff(**changes: Any) -> Handoff:
    one = Handoff("h1", "c1", Reason.BOOKING, 0, HandoffState.CLAIMED, NOW, NOW + timedelta(hours=4), version=1,
                  holder=DEE.id, holder_name=DEE.name, card=Card(booking=REQUEST), booking=True)  # fmt: skip
    return replace(one, **changes)


async def requested(store: SqliteStore, words: Words) -> Handoff:
    """A finished request, claimed by the front desk."""
    talk = Conversation("c1", "en", "US", "web", Owner.BOT, 0, 0, NOW)
    first = Draft(Author.BOT, Kind.DISCLOSURE, "This is an automated assistant.")
    await store.open(talk, b"t", NOW + timedelta(days=30), (first,), Memory())
    visit = await store.visit("c1")
    assert visit is not None
    opening = steps.opening(Reason.BOOKING, 0, NOW, Card(booking=REQUEST), booking=True)
    memory = Memory(booking=REQUEST)
    done = await store.record(
        Turn("c1", visit.version, 0, NOW, "yes", Verdict(Route.HUMAN, 0, Reason.BOOKING), (), memory,
             opening=opening, owner=Owner.QUEUE)
    )  # fmt: skip
    assert done.handoff is not None
    return await store.move(steps.claim(done.handoff, DEE, NOW, LEASE, words))


def on_store(tmp_path: Path, test: Any) -> None:
    async def whole() -> None:
        store = SqliteStore(tmp_path, secret="a secret for tests, long enough", clock=lambda: NOW)
        await store.start()
        try:
            await test(store)
        finally:
            await store.close()

    asyncio.run(whole())


def test_accepted_the_visitor_reads_the_slot_and_can_take_it_along(tmp_path: Path, words: Words, hours: Hours) -> None:
    async def walk(store: SqliteStore) -> None:
        mine = await requested(store, words)
        done = await store.move(staff.accept(mine, DEE, NOW, SLOT, words, hours, link=LINK, version=mine.version))
        assert (done.state, done.outcome) == (HandoffState.CLOSED, Outcome.RESOLVED)
        last = (await store.messages("c1"))[-1]
        assert last.author is Author.CLINICIAN and "Tuesday, November 24 at 4:00 PM (Eastern Time)" in last.text
        assert last.actions[0].value == LINK and LINK in last.text
        again = await store.handoff(mine.id) or done
        assert staff.accepted_slot(again.card.booking) == (SLOT, 15), "the slot is kept with the request"
        assert booking_export.ics(again, words, NOW)
        visit = await store.visit("c1")
        assert visit is not None and visit.memory.booking == BookingDraft(), "the next request starts anew"
        with pytest.raises(Held):
            await store.move(staff.accept(mine, DEE, NOW, SLOT, words, hours))

    on_store(tmp_path, walk)


def test_other_slots_are_offered_and_can_be_tapped(tmp_path: Path, words: Words, hours: Hours) -> None:
    async def walk(store: SqliteStore) -> None:
        mine = await requested(store, words)
        await store.move(staff.offer(mine, DEE, NOW, [SLOT, SLOT + timedelta(days=1)], words, hours))
        last = (await store.messages("c1"))[-1]
        assert last.author is Author.CLINICIAN and last.name == DEE.name
        days = ["Tuesday, November 24", "Wednesday, November 25"]
        assert [a.label for a in last.actions] == [f"{day} at 4:00 PM" for day in days]
        assert all(a.label in last.text for a in last.actions)
        kept = await store.handoff(mine.id)
        assert kept is not None and kept.card.booking is not None and steps.offered(kept)
        assert [one["words"] for one in kept.card.booking.notes["offered"]] == [a.label for a in last.actions]
        assert datetime.fromisoformat(kept.card.booking.notes["offered"][0]["start"]) == SLOT
        visit = await store.visit("c1")
        assert visit is not None and visit.memory.booking == kept.card.booking, "the bot goes on from there"

    on_store(tmp_path, walk)


def test_declined_with_where_to_turn(tmp_path: Path, words: Words) -> None:
    with pytest.raises(Incomplete, match="where to turn"):
        staff.decline(handoff(), DEE, NOW, "  ", words)

    async def walk(store: SqliteStore) -> None:
        mine = await requested(store, words)
        done = await store.move(staff.decline(mine, DEE, NOW, "Riverside Clinic, +1 555-0177", words))
        assert done.outcome is Outcome.REFERRED and done.card.booking is not None
        assert done.card.booking.state == "declined" and done.card.booking.name == REQUEST.name
        assert "Riverside Clinic" in (await store.messages("c1"))[-1].text

    on_store(tmp_path, walk)


@pytest.mark.parametrize(
    ("slot", "says"),
    [
        (NOW - timedelta(minutes=1), "past"),
        (NOW + timedelta(days=500), "year"),
        (datetime(2026, 11, 24, 16), "time zone"),
    ],
)
def test_a_slot_that_cannot_be_is_refused(words: Words, hours: Hours, slot: datetime, says: str) -> None:
    with pytest.raises(Incomplete, match=says):
        staff.accept(handoff(), DEE, NOW, slot, words, hours)
    with pytest.raises(Incomplete, match=says):
        staff.offer(handoff(), DEE, NOW, [slot], words, hours)


def test_what_is_no_request_or_under_a_flag_is_not_the_desks(words: Words, hours: Hours) -> None:
    with pytest.raises(Incomplete, match="no consultation request"):
        staff.accept(handoff(booking=False), DEE, NOW, SLOT, words, hours)
    with pytest.raises(NotAllowed):
        staff.accept(handoff(urgency=2), DEE, NOW, SLOT, words, hours)
    with pytest.raises(Incomplete, match="one to five"):
        staff.offer(handoff(), DEE, NOW, [], words, hours)
    with pytest.raises(Incomplete, match="240"):
        staff.accept(handoff(), DEE, NOW, SLOT, words, hours, minutes=1000)


def test_a_slot_from_a_form_is_the_practices_own_time(hours: Hours) -> None:
    assert staff.local_slot("2026-11-24", "16:00", hours) == SLOT
    assert staff.local_slot("2026-07-24", "16:00", hours) == datetime(2026, 7, 24, 20, tzinfo=UTC), "summer time"
    with pytest.raises(Incomplete, match="clocks go forward"):
        staff.local_slot("2027-03-14", "02:30", hours)
    for day, clock in (("2026-13-01", "16:00"), ("tomorrow", "4"), ("2026-11-24", "16:00+02:00")):
        with pytest.raises(Incomplete):
            staff.local_slot(day, clock, hours)


# ── taken along ──


def accepted(**changes: Any) -> Handoff:
    notes = {"accepted": {"start": SLOT.isoformat(), "minutes": 20, "with": "Dee Moss"}}
    request = replace(REQUEST, state="accepted", notes=notes)
    return handoff(card=Card(booking=request), state=HandoffState.CLOSED, outcome=Outcome.RESOLVED, **changes)


def test_the_calendar_file_is_read_by_another_reader_and_tells_nobody_anything(words: Words) -> None:
    assert booking_export.ics(handoff(), words, NOW) is None, "nothing accepted, nothing to take"
    file = booking_export.ics(accepted(), words, NOW)
    assert file is not None and b"\r\n" in file and all(len(line) <= 75 for line in file.split(b"\r\n"))
    (event,) = Calendar.from_ical(file).walk("VEVENT")
    assert event.decoded("dtstart") == SLOT and event.decoded("dtend") == SLOT + timedelta(minutes=20)
    assert event["class"] == "PRIVATE" and event["uid"] == "h1@handrail"
    text = file.decode().replace("\r\n ", "")
    assert words.practice.name in text
    assert not any(private in text for private in ("Sam", "212-555", "nervous", "therap"))


def test_the_appointment_is_fhir_r4(words: Words) -> None:
    made = booking_export.appointment(handoff(state=HandoffState.WAITING), words.practice)
    assert made["resourceType"] == "Appointment" and made["status"] == "proposed"
    assert made["requestedPeriod"] == [{"start": "2026-11-24T16:00:00-05:00", "end": "2026-11-24T18:00:00-05:00"}]
    assert all({"actor", "status"} <= set(p) for p in made["participant"]), "app-1"
    assert "start" not in made and "end" not in made, "app-3: only a proposed one may be without"
    text = json.dumps(made)
    assert not any(private in text for private in ("212-555", "nervous"))
    booked = booking_export.appointment(accepted(), words.practice)
    assert booked["status"] == "booked"
    assert (booked["start"], booked["end"]) == ("2026-11-24T21:00:00Z", "2026-11-24T21:20:00Z")
    gone = booking_export.appointment(handoff(state=HandoffState.CLOSED, outcome=Outcome.REFERRED), words.practice)
    assert gone["status"] == "cancelled"
    exact = Card(booking=BookingDraft("asking", slots=("2026-11-24T10:00:00-05:00",)))
    bare = booking_export.appointment(handoff(card=exact), words.practice)
    assert bare["requestedPeriod"][0]["end"] == "2026-11-24T10:15:00-05:00"
    assert date.fromisoformat(bare["created"][:10]) == NOW.date()
