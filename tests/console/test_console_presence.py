"""A visitor in their browser and a clinician in hers: who is there, who has gone, who has left the queue."""

from __future__ import annotations

import re

from cast import Server
from people import Open, Person
from playwright.sync_api import Browser, expect


def test_who_is_there_and_who_has_left(empty: None, server: Server, ana: Person, console: Open, browser: Browser) -> None:
    chat = browser.new_context(locale="en-US")
    visitor = chat.new_page()
    visitor.goto(server.url + "/chat")
    visitor.get_by_role("textbox").first.fill("I would like to talk to a person, please.")
    visitor.keyboard.press("Enter")
    expect(visitor.locator("#card")).to_be_visible()

    page = console(ana).connected()
    page.keyboard.press("c")
    expect(page.locator("#reply")).to_be_focused()
    expect(page.locator("#presence")).to_have_text("Visitor is here")
    expect(visitor.locator("#card")).to_contain_text("has joined")
    expect(visitor.get_by_role("button", name="Leave the queue")).to_have_count(0)
    visitor.close()
    expect(page.locator("#presence")).to_have_text(re.compile(r"Visitor left \d+ s ago"))
    chat.close()


def test_the_visitor_leaves_the_queue_and_the_ticket_goes(empty: None, server: Server, ana: Person, console: Open, browser: Browser) -> None:
    page = console(ana).connected()
    chat = browser.new_context(locale="en-US")
    visitor = chat.new_page()
    visitor.goto(server.url + "/chat")
    visitor.get_by_role("textbox").first.fill("I would like to talk to a person, please.")
    visitor.keyboard.press("Enter")
    expect(page.locator(".ticket")).to_have_count(1)
    visitor.get_by_role("button", name="Leave the queue").click()
    expect(visitor.locator("#card")).to_be_hidden()
    expect(visitor.locator("main")).to_contain_text("You have left the queue")
    expect(page.locator(".ticket")).to_have_count(0)
    chat.close()
