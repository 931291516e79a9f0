"""A consultation, asked for in the chat and answered by the front desk, who never reads the transcript."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import httpx
import icalendar
import pytest
from cast import Server, Visitor
from people import Person

ZONE = ZoneInfo("America/New_York")
SECRET = "the heron by the millpond"


def next_monday(hour: int = 10) -> datetime:
    day = datetime.now(ZONE).replace(hour=hour, minute=0, second=0, microsecond=0)
    return day + timedelta(days=7 - day.weekday())


def wall(at: datetime) -> str:
    return at.strftime("%Y-%m-%dT%H:%M")


@pytest.fixture
def request_(server: Server) -> tuple[Visitor, str]:
    """A visitor who has asked for a consultation, and the handoff's id."""
    visitor = Visitor(server.url)
    visitor.say(f"Tell me about {SECRET}.")
    for text in ("I would like to book a consultation", "for me", "Sam Marlow", "sam@marlow.example", "any weekday after three", "yes", "no"):
        visitor.say(text)
    return visitor, visitor.http.get(visitor.path + "/messages").json()["conversation"]["handoff"]["id"]


def said(visitor: Visitor) -> list[dict[str, Any]]:
    return [m for m in visitor.messages() if m["author"] == "clinician"]


def test_the_desk_sees_the_request_and_not_the_conversation(desk: Person, request_: tuple[Visitor, str]) -> None:
    _, id = request_
    one = desk.get(f"/v1/console/bookings/{id}").json()
    assert one["card"]["booking"]["name"] == "Sam Marlow"
    assert one["card"]["booking"]["contact"] == "sam@marlow.example"
    assert SECRET not in str(one) and one["card"]["fired"] == []
    assert desk.get(f"/v1/handoffs/{id}").status_code == 403
    listed = {h["id"]: h for h in desk.get("/v1/handoffs").json()["handoffs"]}
    assert SECRET not in str(listed[id])


def test_accepting_tells_the_visitor_with_a_calendar_file(desk: Person, request_: tuple[Visitor, str]) -> None:
    visitor, id = request_
    start = next_monday(15)
    done = desk.post(f"/v1/console/bookings/{id}/accept", {"start": wall(start), "minutes": 20})
    assert done.status_code == 200, done.text
    assert (done.json()["state"], done.json()["outcome"]) == ("closed", "resolved")
    told = said(visitor)[-1]
    assert "3:00" in told["text"] and "Front Desk" in told["text"]
    link = next(action for action in told["actions"] if action["type"] == "link")
    assert link["value"] in told["text"], "a client that draws text alone shows it too"
    file = httpx.get(link["value"])
    assert file.headers["content-type"].startswith("text/calendar")
    event = next(iter(icalendar.Calendar.from_ical(file.content).walk("VEVENT")))
    assert event["dtstart"].dt == start
    assert event["dtend"].dt - event["dtstart"].dt == timedelta(minutes=20)
    assert "Marlow" not in file.text and "marlow" not in file.text
    assert httpx.get(link["value"].replace(".ics", "x.ics")).status_code == 404


def test_other_times_are_offered_and_the_visitors_choice_shows(desk: Person, request_: tuple[Visitor, str]) -> None:
    visitor, id = request_
    starts = [next_monday(10), next_monday(16)]
    assert desk.post(f"/v1/console/bookings/{id}/offer", {"starts": [wall(s) for s in starts]}).status_code == 200
    offer = said(visitor)[-1]
    taps = [action for action in offer["actions"] if action["type"] == "ask"]
    assert len(taps) == 2 and all(tap["value"] in offer["text"] for tap in taps)
    visitor.say("And by the way, something quite different.")
    assert desk.get(f"/v1/console/bookings/{id}").json()["appointment"]["chosen"] == ""
    visitor.say(taps[1]["value"])
    shown = desk.get(f"/v1/console/bookings/{id}")
    assert datetime.fromisoformat(shown.json()["appointment"]["chosen"]) == starts[1]
    assert "quite different" not in shown.text
    assert desk.post(f"/v1/console/bookings/{id}/accept", {"start": shown.json()["appointment"]["chosen"]}).status_code == 200


def test_an_offer_outlives_whoever_made_it(desk: Person, request_: tuple[Visitor, str]) -> None:
    """The desk offers and goes home; the bot takes the answer; tomorrow's desk sees it on the ticket and accepts it."""
    visitor, id = request_
    starts = [next_monday(10), next_monday(16)]
    assert desk.post(f"/v1/console/bookings/{id}/offer", {"starts": [wall(s) for s in starts]}).status_code == 200
    assert desk.post(f"/v1/console/bookings/{id}/release", {"note": "home"}).status_code == 200
    offer = visitor.messages()[-1]
    assert offer["author"] == "clinician", "nobody says that somebody had to leave"
    tap = next(action for action in offer["actions"] if action["type"] == "ask")
    (answer,) = visitor.say(tap["value"])["replies"]
    assert answer["kind"] == "booking" and tap["value"] in answer["text"]
    shown = desk.get(f"/v1/console/bookings/{id}").json()
    assert datetime.fromisoformat(shown["appointment"]["chosen"]) == starts[0]
    done = desk.post(f"/v1/console/bookings/{id}/accept", {"start": shown["appointment"]["chosen"]})
    assert done.json()["state"] == "closed" and "10:00" in said(visitor)[-1]["text"]


def test_the_desk_says_that_it_has_seen_a_request(desk: Person, request_: tuple[Visitor, str]) -> None:
    visitor, id = request_
    before = len(visitor.messages())
    seen = desk.post(f"/v1/console/bookings/{id}/acknowledge").json()
    assert seen["acknowledged_at"] and seen["state"] == "waiting"
    desk.post(f"/v1/console/bookings/{id}/acknowledge")
    (told,) = visitor.messages()[before:]
    assert told["author"] == "system" and "seen your request" in told["text"]
    assert "clinician" not in told["text"], "the front desk is none"


def test_declining_points_somewhere_else(desk: Person, request_: tuple[Visitor, str]) -> None:
    visitor, id = request_
    assert desk.post(f"/v1/console/bookings/{id}/decline", {"referral": ""}).status_code == 422
    done = desk.post(f"/v1/console/bookings/{id}/decline", {"referral": "The Oak Street Clinic sees children: 555-0177."})
    assert (done.json()["state"], done.json()["outcome"]) == ("closed", "referred")
    assert "Oak Street" in said(visitor)[-1]["text"]


@pytest.mark.parametrize("start", ["2001-01-01T10:00", "yesterday, perhaps", "2199-01-01T10:00", "2026-13-01T10:00"])
def test_a_time_that_cannot_be_is_refused_and_nothing_is_said(desk: Person, request_: tuple[Visitor, str], start: str) -> None:
    visitor, id = request_
    assert desk.post(f"/v1/console/bookings/{id}/accept", {"start": start}).status_code == 422
    assert said(visitor) == []
    assert desk.get(f"/v1/console/bookings/{id}").json()["state"] == "waiting"


def test_two_people_answer_one_request_and_one_of_them_does(desk: Person, ana: Person, request_: tuple[Visitor, str]) -> None:
    visitor, id = request_
    assert ana.post(f"/v1/console/bookings/{id}/take").status_code == 200
    late = desk.post(f"/v1/console/bookings/{id}/accept", {"start": wall(next_monday())})
    assert (late.status_code, late.json()["holder"]) == (409, "Clinician A")
    assert said(visitor) == []
    assert ana.post(f"/v1/console/bookings/{id}/release", {"note": "The desk does it."}).status_code == 200
    assert desk.post(f"/v1/console/bookings/{id}/take").status_code == 200


def test_a_risk_flag_takes_the_request_out_of_the_desks_hands_and_keeps_it(
    desk: Person, ana: Person, request_: tuple[Visitor, str]
) -> None:
    visitor, id = request_
    visitor.say("I want to kill myself tonight.")
    shown = desk.get(f"/v1/console/bookings/{id}").json()
    assert shown["paused"] is True and "card" not in shown
    assert "kill" not in desk.get("/v1/handoffs").text + desk.get("/console").text
    assert desk.post(f"/v1/console/bookings/{id}/accept", {"start": wall(next_monday())}).status_code == 403
    assert ana.get(f"/v1/handoffs/{id}").json()["card"]["booking"]["name"] == "Sam Marlow"


def test_the_export_is_a_fhir_appointment(desk: Person, request_: tuple[Visitor, str]) -> None:
    _, id = request_
    proposed = desk.get(f"/v1/console/bookings/{id}/fhir").json()
    assert (proposed["resourceType"], proposed["status"]) == ("Appointment", "proposed")
    assert "start" not in proposed and proposed["requestedPeriod"]
    start = next_monday(11)
    desk.post(f"/v1/console/bookings/{id}/accept", {"start": wall(start)})
    booked = desk.get(f"/v1/console/bookings/{id}/fhir").json()
    assert booked["status"] == "booked"
    assert datetime.fromisoformat(booked["start"]) == start.astimezone(UTC)
