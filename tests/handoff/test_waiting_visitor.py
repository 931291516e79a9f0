"""Somebody who waits, over HTTP: leaves a way to be reached, leaves the queue, and cannot where a clinician must still look."""

from __future__ import annotations

from typing import Any

import httpx
from cast import Visitor

ASK = "I would like to talk to a person, please."


def state(visitor: Visitor) -> dict[str, Any]:
    found: dict[str, Any] = visitor.http.get(visitor.path + "/messages").json()["conversation"]
    return found


def card(clinician: httpx.Client, handoff: str) -> dict[str, Any]:
    found: dict[str, Any] = clinician.get(f"/v1/handoffs/{handoff}").json()["card"]
    return found


def test_a_contact_written_while_waiting_is_on_the_card_and_thanked_for(visitor: Visitor, clinician: httpx.Client) -> None:
    id = visitor.say(ASK)["conversation"]["handoff"]["id"]
    (answer,) = visitor.say("sam@vale.example")["replies"]
    assert answer["kind"] == "handoff" and "sam@vale.example" in answer["text"]
    assert card(clinician, id)["contact"] == "sam@vale.example"
    visitor.say("No, better: 202-555-0143. And what is CBT?")
    assert card(clinician, id)["contact"] == "+1 202-555-0143"


def test_a_contact_in_the_asking_itself_is_on_the_card(visitor: Visitor, clinician: httpx.Client) -> None:
    said = visitor.say("Could a person call me please? 202-555-0143")
    assert card(clinician, said["conversation"]["handoff"]["id"])["contact"] == "+1 202-555-0143"
    assert "You do not have to" not in said["replies"][-1]["text"], "what is known is not asked for"


def test_a_contact_written_to_a_person_is_on_the_card_too(visitor: Visitor, clinician: httpx.Client) -> None:
    id = visitor.say(ASK)["conversation"]["handoff"]["id"]
    assert clinician.post(f"/v1/handoffs/{id}/claim").status_code == 200
    assert visitor.say("You can write to sam@vale.example")["replies"] == []
    assert card(clinician, id)["contact"] == "sam@vale.example"


def test_a_wish_in_the_note_stands_apart_on_the_card(visitor: Visitor, clinician: httpx.Client) -> None:
    body = {"contact": "202-555-0143", "note": "Afternoons please, text only, he reads my mail"}
    id = visitor.http.post(visitor.path + "/handoff", json=body).json()["conversation"]["handoff"]["id"]
    found = card(clinician, id)
    assert (found["safe_contact"], found["note"]) == ("text only", body["note"])


def test_an_address_alone_opens_no_handoff(visitor: Visitor) -> None:
    assert visitor.say("sam@vale.example")["conversation"]["handoff"] is None


def test_leaving_the_queue_gives_the_talk_back_to_the_bot(visitor: Visitor, clinician: httpx.Client) -> None:
    id = visitor.say(ASK)["conversation"]["handoff"]["id"]
    left = visitor.http.delete(visitor.path + "/handoff")
    assert left.status_code == 200 and left.json()["conversation"]["owner"] == "bot"
    assert state(visitor)["handoff"] is None
    assert "left the queue" in visitor.messages()[-1]["text"]
    assert clinician.get(f"/v1/handoffs/{id}").json()["state"] == "closed"
    assert visitor.http.delete(visitor.path + "/handoff").status_code == 200, "again changes nothing"
    assert visitor.say("What is cognitive behavioral therapy?")["replies"][-1]["kind"] == "answer"
    assert visitor.say(ASK)["conversation"]["handoff"]["state"] == "waiting"


def test_nobody_leaves_with_a_flag_open_or_somebody_there(visitor: Visitor, stranger: Visitor, clinician: httpx.Client) -> None:
    visitor.say("I have been thinking about ending my life.")
    refused = visitor.http.delete(visitor.path + "/handoff")
    assert refused.status_code == 409 and "risk flag" in refused.json()["detail"]
    assert state(visitor)["handoff"]["state"] == "waiting"
    id = stranger.say(ASK)["conversation"]["handoff"]["id"]
    clinician.post(f"/v1/handoffs/{id}/claim")
    refused = stranger.http.delete(stranger.path + "/handoff")
    assert (refused.status_code, refused.json()["holder"]) == (409, "clinician")
    assert stranger.http.delete(visitor.path + "/handoff").status_code == 404, "another's queue is not there"


def test_who_waits_and_greets_hears_that_nobody_has_joined_and_the_promise(visitor: Visitor) -> None:
    promised = visitor.say(ASK)["replies"][-1]["text"]
    (answer,) = visitor.say("hello? is anyone there?")["replies"]
    assert answer["kind"] == "handoff" and "joined yet" in answer["text"]
    sentence = next(s for s in answer["text"].split(". ") if "A person will look at this" in s)
    assert sentence.rstrip(".") in promised
    assert visitor.say("What is cognitive behavioral therapy?")["replies"][-1]["kind"] == "answer"
