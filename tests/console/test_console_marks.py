"""A mark becomes a test case in the clinician's own words, in the console itself."""

from __future__ import annotations

import re

from cast import Server, Visitor
from people import Person
from playwright.sync_api import expect


def test_a_miss_is_put_into_the_clinician_s_own_words(empty: None, server: Server, ana: Person, console: object) -> None:
    visitor = Visitor(server.url)
    visitor.say("My neighbour keeps all the ropes of the old boat for me.")
    visitor.say("I have been thinking about ending my life.")
    one = console(ana)  # type: ignore[operator]
    page = one.connected()
    page.locator(".ticket").first.click()
    page.get_by_role("button", name="A flag was missed here").first.click()
    page.get_by_role("button", name="In your own words").first.click()
    words = page.get_by_label(re.compile("as you would put it"))
    expect(words).to_be_focused()
    words.fill("keeps all the ropes of the old boat")
    page.get_by_role("button", name="Keep it").click()
    expect(page.locator("#case .wrong")).to_contain_text("own words")
    assert [f for f in one.faults if "422" not in f] == []
    one.faults.clear()  # the refusal, which is what was asked for
    words.fill("Has access to means through somebody near.")
    page.get_by_label("How soon should a person have looked?").select_option("2")
    page.get_by_role("button", name="Keep it").click()
    expect(page.locator("#case")).not_to_be_visible()
    expect(page.get_by_role("button", name="Your words are kept").first).to_be_visible()
    done = server.run("marks", "export")
    assert "Has access to means through somebody near." in done.stdout and "old boat" not in done.stdout
