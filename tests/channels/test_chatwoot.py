"""A practice that works in Chatwoot: its webhook in, replies and handoffs out, against a stand-in of its API."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count
from typing import Any

import httpx
import pytest
from cast import Server
from chatwoot_standin import Chatwoot, until

from bot.channels.chatwoot import PIECE, account, read
from bot.settings import SettingsFault

NUMBERS = count(100)


@pytest.fixture(scope="module")
def chatwoot() -> Iterator[Chatwoot]:
    one = Chatwoot("cw-token")
    yield one
    one.http.shutdown()


@pytest.fixture(scope="module")
def house(make_server: Any, chatwoot: Chatwoot) -> Server:
    setting = f"{chatwoot.url}|1|cw-token"
    one: Server = make_server(HANDRAIL_CHATWOOT=setting)
    chatwoot.hook = f"{one.url}/v1/channels/chatwoot/{account(setting).hook_token}"
    return one


@pytest.fixture(scope="module")
def staff(house: Server) -> httpx.Client:
    return httpx.Client(base_url=house.url, headers={"Authorization": f"Bearer {house.key('staff', 'handoffs')}"}, timeout=30)


@pytest.fixture
def number(house: Server) -> int:
    return next(NUMBERS)


def handoff(staff: httpx.Client, number: int, state: str = "all") -> dict[str, Any] | None:
    rows = staff.get("/v1/handoffs", params={"state": state}).json()["handoffs"]
    return next((h for h in rows if h["conversation"] == f"cw_1_{number}"), None)


def test_a_question_is_disclosed_then_answered(chatwoot: Chatwoot, number: int) -> None:
    answer, _ = chatwoot.visitor_says(number, "What is exposure therapy?")
    assert answer.json() == {"taken": True}
    until(lambda: len(chatwoot.shown(number)) >= 2)
    first, second = chatwoot.shown(number)[:2]
    assert "automated" in first
    assert "exposure" in second.lower()
    assert chatwoot.talks[number]["status"] == "pending"
    assert not chatwoot.notes(number)


def test_the_same_message_twice_is_one_turn(chatwoot: Chatwoot, number: int) -> None:
    _, message = chatwoot.visitor_says(number, "What is exposure therapy?")
    until(lambda: len(chatwoot.shown(number)) >= 2)
    assert chatwoot.again(number, message).status_code == 200
    chatwoot.visitor_says(number, "What is neuroplasticity?")
    until(lambda: len(chatwoot.shown(number)) >= 3)
    assert len(chatwoot.shown(number)) == 3, "a repeated webhook was answered again"


def test_a_crisis_opens_it_with_the_card_as_a_private_note(chatwoot: Chatwoot, staff: httpx.Client, number: int) -> None:
    chatwoot.visitor_says(number, "I want to kill myself")
    note = until(lambda: chatwoot.notes(number))[0]
    talk = chatwoot.talks[number]
    assert talk["status"] == "open"
    assert talk["priority"] in {"urgent", "high"}
    assert "kill myself" in note
    assert "suicide" in note
    assert any("988" in text for text in chatwoot.shown(number)), "the lines reach the visitor"
    row = handoff(staff, number)
    assert row is not None
    assert row["card"]["fired"][0]["rule"] in note


def test_once_open_the_bot_is_silent_but_a_rise_is_shown_once(chatwoot: Chatwoot, staff: httpx.Client, number: int) -> None:
    chatwoot.visitor_says(number, "I want to talk to a person please")
    until(lambda: chatwoot.talks[number]["status"] == "open" and chatwoot.notes(number))
    chatwoot.agent_says(number, "Dana", "Hello, I am Dana.")
    row = handoff(staff, number)
    assert row is not None
    assert (row["state"], row["holder"]["name"]) == ("claimed", "Dana")
    before = len(chatwoot.shown(number))
    chatwoot.visitor_says(number, "What is exposure therapy?")
    chatwoot.visitor_says(number, "I am going to kill myself tonight")
    until(lambda: len(chatwoot.shown(number)) > before)
    until(lambda: len(chatwoot.notes(number)) >= 2)
    chatwoot.visitor_says(number, "I am going to kill myself tonight")
    whole = staff.get(f"/v1/handoffs/{row['id']}").json()
    assert [m["text"] for m in whole["messages"] if m["author"] == "visitor"][1:] == ["What is exposure therapy?", *["I am going to kill myself tonight"] * 2]
    spoken = chatwoot.shown(number)[before:]
    assert len(spoken) == 1
    assert "988" in spoken[0]
    assert whole["urgency"] >= 3


def test_with_an_agent_from_the_start_the_bot_says_nothing(chatwoot: Chatwoot, staff: httpx.Client, number: int) -> None:
    talk = chatwoot.open(number)
    talk["status"], talk["assignee"] = "open", {"id": 4, "name": "Dana"}
    chatwoot.visitor_says(number, "What is exposure therapy?")
    other = next(NUMBERS)
    chatwoot.visitor_says(other, "What is exposure therapy?")
    until(lambda: len(chatwoot.shown(other)) >= 2)  # what came later has been sent
    assert chatwoot.shown(number) == []
    chatwoot.visitor_says(number, "I want to kill myself")
    until(lambda: chatwoot.notes(number))
    assert any("988" in text for text in chatwoot.shown(number))
    assert (handoff(staff, number) or {})["urgency"] >= 3


def test_resolved_there_is_closed_here_and_the_bot_helps_again(chatwoot: Chatwoot, staff: httpx.Client, number: int) -> None:
    chatwoot.visitor_says(number, "I want to talk to a person please")
    until(lambda: chatwoot.notes(number))
    chatwoot.agent_says(number, "Dana", "Hello")
    assert chatwoot.status(number, "resolved").json() == {"taken": True}
    row = handoff(staff, number)
    assert row is not None
    assert (row["state"], row["outcome"]) == ("closed", "resolved")
    chatwoot.talks[number].update(status="pending", assignee=None)  # Chatwoot's way with a message after it was resolved
    before = len(chatwoot.shown(number))
    chatwoot.visitor_says(number, "What is exposure therapy?")
    until(lambda: len(chatwoot.shown(number)) > before)


def test_given_back_with_an_open_risk_flag_it_stays_with_people(chatwoot: Chatwoot, staff: httpx.Client, number: int) -> None:
    chatwoot.visitor_says(number, "I want to kill myself")
    until(lambda: chatwoot.notes(number))
    chatwoot.agent_says(number, "Dana", "I am here.")
    assert chatwoot.status(number, "pending").json() == {"taken": False}
    row = handoff(staff, number)
    assert row is not None
    assert row["state"] == "claimed"


def test_a_recording_goes_to_a_person(chatwoot: Chatwoot, staff: httpx.Client, number: int) -> None:
    chatwoot.visitor_says(number, None, attachments=[{"file_type": "audio", "data_url": "https://files.example/1"}])
    until(lambda: chatwoot.talks[number]["status"] == "open")
    assert handoff(staff, number) is not None


def test_a_long_message_is_taken_whole(chatwoot: Chatwoot, staff: httpx.Client, number: int) -> None:
    chatwoot.visitor_says(number, "I like walking in the park. " * 250 + "I want to kill myself")
    until(lambda: chatwoot.notes(number))
    row = handoff(staff, number)
    assert row is not None
    pieces = [m["text"] for m in staff.get(f"/v1/handoffs/{row['id']}").json()["messages"] if m["author"] == "visitor"]
    assert len(pieces) == 2
    assert all(len(p) <= PIECE for p in pieces)
    assert pieces[-1].endswith("I want to kill myself")


def test_chatwoot_out_of_order_loses_nothing(chatwoot: Chatwoot, number: int) -> None:
    chatwoot.open(number)
    chatwoot.broken = [500, 429]
    chatwoot.visitor_says(number, "What is exposure therapy?")
    until(lambda: len(chatwoot.shown(number)) >= 2, 90)
    assert not chatwoot.broken
    assert "automated" in chatwoot.shown(number)[0], "in order, though the first attempts failed"


def test_no_private_note_and_no_echo_is_taken_for_a_visitor(chatwoot: Chatwoot, house: Server, number: int) -> None:
    chatwoot.visitor_says(number, "What is exposure therapy?")
    until(lambda: len(chatwoot.shown(number)) >= 2)
    until(lambda: len([a for a in chatwoot.hooked if a.json() == {"taken": False}]) >= 2)
    assert {a.status_code for a in chatwoot.hooked} == {200}


def test_the_door(chatwoot: Chatwoot, house: Server, server: Server) -> None:
    body = {"event": "message_created", "id": 1, "content": "x", "message_type": "incoming", "account": {"id": 1}, "conversation": {"id": 1}}
    path = chatwoot.hook.removeprefix(house.url)
    assert httpx.post(house.url + path[:-1] + "0g", json=body).status_code == 404
    assert httpx.post(server.url + path, json=body).status_code == 404, "no inbox is set up there"
    for wrong in ({}, [], {"event": 7}, body | {"id": "1"}, body | {"account": {}}, body | {"conversation": {}}, body | {"account": {"id": 2}}):
        answer = httpx.post(chatwoot.hook, json=wrong)
        assert answer.status_code == 422, wrong
        assert answer.headers["content-type"] == "application/problem+json"
    assert httpx.post(chatwoot.hook, content=b"\xff{").status_code == 422
    assert httpx.post(chatwoot.hook, content=b"[" * 100_000).status_code == 422
    assert httpx.post(chatwoot.hook, json={"event": "webwidget_triggered"}).json() == {"taken": False}


@pytest.mark.parametrize("wrong", ["https://host", "host|1|t", "https://host|one|t", "https://host|1|", "https://host|1|t|", "ftp://host|1|t"])
def test_a_wrong_setting_is_one_line(wrong: str) -> None:
    with pytest.raises(SettingsFault, match="HANDRAIL_CHATWOOT"):
        account(wrong)


def test_the_address_may_have_a_token_of_its_own() -> None:
    assert account("https://host|1|t|mine").hook_token == "mine"
    assert account("https://host|1|t").hook_token not in {"t", account("https://host|1|u").hook_token}


def test_a_private_note_is_nothing_to_us() -> None:
    assert read({"event": "message_created", "id": 1, "private": True, "content": "x", "account": {"id": 1}, "conversation": {"id": 1}}) is None
