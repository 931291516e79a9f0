"""The front desk's day in a real browser: a request seen, other times offered, the visitor's answer, the slot; no transcript."""

from __future__ import annotations

import re

from cast import Server, Visitor
from people import Open, Person, until
from playwright.sync_api import expect

SECRET = "the heron by the millpond"
TALK = ("I would like to book a consultation", "for me", "Sam Marlow", "sam@marlow.example", "any weekday after three", "no", "yes")


def asked(server: Server) -> Visitor:
    visitor = Visitor(server.url)
    visitor.say(f"Tell me about {SECRET}.")
    for text in TALK:
        visitor.say(text)
    return visitor


def by_staff(visitor: Visitor) -> list[dict[str, object]]:
    return [m for m in visitor.messages() if m["author"] == "clinician"]


def test_a_desks_day(empty: None, server: Server, desk: Person, ana: Person, console: Open) -> None:
    visitor = asked(server)
    Visitor(server.url).say("I have been thinking about ending my life.")
    page = console(desk).connected()
    expect(page.locator(".ticket")).to_have_count(1)
    expect(page.locator("#take-next")).to_have_count(0)
    page.keyboard.press("j")
    page.keyboard.press("Enter")
    expect(page.locator("#card-body")).to_contain_text("Sam Marlow")
    expect(page.locator("#log")).to_be_hidden()
    page.keyboard.press("a")
    expect(page.locator(".ticket")).to_contain_text("seen")
    until(lambda: "seen your request" in visitor.messages()[-1]["text"])

    page.get_by_role("button", name=re.compile("3:00 PM")).first.click()
    first = page.locator("#slot").input_value()
    assert first.endswith("T15:00")
    page.get_by_role("button", name="Add another time").click()
    page.get_by_role("button", name=re.compile("3:00 PM")).nth(1).click()
    second = page.locator("#slot").input_value()
    page.keyboard.press("t")
    expect(page.locator("#talk-state")).to_contain_text("yours")
    expect(page.locator("#slot")).to_have_value(second)
    expect(page.locator(".offers li")).to_have_count(1)
    page.get_by_role("button", name="Offer it instead").click()
    expect(page.locator(".ticket")).to_contain_text("Times offered")
    (offer,) = by_staff(visitor)
    taps = [action for action in offer["actions"] if action["type"] == "ask"]  # type: ignore[attr-defined]
    assert len(taps) == 2

    page.keyboard.press("l")
    page.locator("#release-note").fill("Home.")
    page.keyboard.press("Control+Enter")
    expect(page.locator("#empty")).to_be_visible()
    (said,) = visitor.say(taps[0]["value"])["replies"]
    assert taps[0]["value"] in said["text"]
    expect(page.locator(".ticket")).to_contain_text("They chose a time")
    page.locator(".ticket").click()
    expect(page.locator(".booking")).to_contain_text("They chose")
    expect(page.locator("#slot")).to_have_value(first)
    page.get_by_role("button", name="Accept this time").click()
    expect(page.locator("#empty")).to_be_visible()
    done = by_staff(visitor)[-1]
    assert "3:00" in str(done["text"]) and ".ics" in str(done["text"])
    assert SECRET not in page.content()


def test_an_answer_to_an_offer_shows_at_once_where_the_request_is_open(
    empty: None, server: Server, desk: Person, console: Open
) -> None:
    visitor = asked(server)
    page = console(desk).connected()
    page.locator(".ticket").click()
    page.get_by_role("button", name=re.compile("3:00 PM")).first.click()
    page.get_by_role("button", name="Offer it instead").click()
    expect(page.locator(".booking")).to_contain_text("not answered yet")
    page.get_by_text("Decline, with a referral").click()
    page.locator("#referral").fill("Half a thought")
    tap = next(a["value"] for a in by_staff(visitor)[0]["actions"] if a["type"] == "ask")  # type: ignore[attr-defined]
    visitor.say(tap)
    expect(page.locator(".booking")).to_contain_text("They chose")
    expect(page.locator("#referral")).to_have_value("Half a thought")
