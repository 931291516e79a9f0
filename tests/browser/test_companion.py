"""Beside the answers: exercises that can be left at any step, a plan that stays with the visitor, something to read."""

from __future__ import annotations

import icalendar
from cast import Server
from place import Clinician, Site, kept, open_chat, stored, write
from playwright.sync_api import Page, expect


def begin(page: Page, name: str) -> None:
    page.get_by_role("button", name="Menu").click()
    page.get_by_role("button", name=name).click()
    expect(page.locator(".exercise")).to_be_visible()
    expect(page.locator(".exercise h2")).to_be_in_viewport()
    expect(page.locator(".exercise button").first).to_be_in_viewport()


def test_each_of_three_exercises_runs_to_its_end_and_names_its_article(page: Page, server: Server, site: Site) -> None:
    page.clock.install()
    open_chat(page, server, site)
    for name in ("Paced breathing", "Grounding with five senses", "Noticing a thought"):
        begin(page, name)
        box = page.locator(".exercise")
        link = box.get_by_role("link", name="Read it in the article").get_attribute("href")
        assert link
        assert page.request.get(server.url + link).status == 200
        box.get_by_role("button", name="Next").click()
        for _ in range(40):
            if box.get_by_role("button", name="Do it again").is_visible():
                break
            box.locator(".row button").first.click()
        expect(box.get_by_role("button", name="Do it again")).to_be_visible()
        box.get_by_role("button", name="Close").click()
        expect(page.locator(".exercise")).to_have_count(0)


def test_a_step_ends_by_itself_or_is_skipped_or_all_is_left(page: Page, server: Server, site: Site) -> None:
    page.clock.install()
    open_chat(page, server, site)
    begin(page, "Paced breathing")
    box = page.locator(".exercise")
    box.get_by_role("button", name="Next").click()
    box.get_by_role("button", name="Next").click()
    expect(box).to_contain_text("Step 2 of")
    page.clock.run_for(4500)
    expect(box).to_contain_text("Step 3 of")
    box.get_by_role("button", name="Skip this step").click()
    expect(box).to_contain_text("Step 4 of")
    box.get_by_role("button", name="Stop here").click()
    expect(page.locator(".exercise")).to_have_count(0)
    expect(page.locator("#text")).to_be_focused()


def test_risk_is_noticed_in_the_middle_of_an_exercise(chat: Page) -> None:
    begin(chat, "Grounding with five senses")
    chat.locator(".exercise").get_by_role("button", name="Next").click()
    write(chat, "I want to die")
    expect(chat.locator("#care.urgent")).to_be_visible()
    expect(chat.locator("#card")).to_contain_text("clinicians' queue")


def test_the_plan_stays_here_and_goes_out_as_a_calendar(chat: Page, server: Server) -> None:
    sent: list[str] = []
    chat.context.on("request", lambda r: sent.append(r.post_data or ""))
    chat.get_by_role("button", name="Menu").click()
    chat.get_by_role("button", name="Plan some practice").click()
    for what, when, again in (("Walk; then, tea", "2026-06-01T08:30", "DAILY"), ("呼吸" * 30, "2026-06-02T20:00", "")):
        chat.get_by_label("What").fill(what)
        chat.get_by_label("When").fill(when)
        chat.get_by_label("How often").select_option(again)
        chat.get_by_role("button", name="Add").click()
    expect(chat.locator("#plan-list li")).to_have_count(2)
    with chat.expect_download() as file:
        chat.get_by_role("button", name="Save to my calendar").click()
    raw = file.value.path().read_bytes()
    assert all(len(line) <= 75 for line in raw.split(b"\r\n"))
    events = icalendar.Calendar.from_ical(raw).walk("VEVENT")
    assert [str(e["SUMMARY"]) for e in events] == ["Walk; then, tea", "呼吸" * 30]
    assert events[0]["DTSTART"].dt.isoformat() == "2026-06-01T08:30:00"
    assert events[0]["RRULE"]["FREQ"] == ["DAILY"]
    chat.get_by_role("button", name="Remove Walk; then, tea").click()
    expect(chat.locator("#plan-list li")).to_have_count(1)
    assert not any("Walk" in body for body in sent)


def test_what_was_read_is_shared_only_by_the_visitor(chat: Page, server: Server, clinician: Clinician) -> None:
    chat.get_by_role("button", name="Talk to a person").click()
    chat.locator("#card").get_by_role("button", name="Something to read").click()
    first = chat.locator("#reading-list a").first
    title = first.evaluate("e => e.firstChild.textContent")
    expect(chat.get_by_role("button", name="Tell the clinician what I opened")).to_be_hidden()
    with chat.context.expect_page() as opened:
        first.click()
    opened.value.wait_for_load_state()
    assert opened.value.locator("h1").inner_text() == title
    conversation = kept(chat)["id"]

    def note() -> str:
        rows = clinician.http.get("/v1/handoffs", params={"state": "waiting"}).json()["handoffs"]
        return str(next(row for row in rows if row["conversation"] == conversation)["card"]["note"])

    assert title not in note()
    chat.get_by_role("button", name="Tell the clinician what I opened").click()
    expect(chat.locator("#reading-said")).to_have_text("Passed on.")
    assert title in note()


def test_the_suggested_question_is_asked(chat: Page, server: Server) -> None:
    write(chat, "does therapy really change the brain?")
    button = chat.locator("li.answer .actions button").first
    asked = button.inner_text()
    button.click()
    expect(chat.locator("li.visitor").last).to_contain_text(asked)
    expect(chat.locator("li.visitor[data-wait]")).to_have_count(0)
    assert asked in [m["text"] for m in stored(server, chat) if m["author"] == "visitor"]
