"""Rough lines and rough browsers: silence, sleep, no cookies, no scripts, back and forward. Nothing is lost or left behind."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import chromium
import httpx
import pytest
from cast import Server
from place import BadLine, Clinician, NewContext, Site, kept, open_chat, stored, write
from playwright.sync_api import BrowserContext, Page, Playwright, expect

THROWS = "() => { try { sessionStorage.length; return false } catch { return true } }"


def from_elsewhere(server: Server, tab: dict[str, Any], text: str) -> None:
    """The same conversation goes on where this page does not see it."""
    answer = httpx.post(
        f"{server.url}/v1/conversations/{tab['id']}/messages",
        json={"text": text},
        headers={"Authorization": f"Bearer {tab['token']}"},
        timeout=30,
    )
    assert answer.status_code == 201


@pytest.fixture
def line(server: Server) -> Iterator[BadLine]:
    line = BadLine(server)
    yield line
    line.close()


def over(page: Page, line: BadLine, site: Site) -> Page:
    """The conversation page, over the bad line, its stream open."""
    with page.expect_response(lambda r: r.url.endswith("/events")):
        page.goto(f"{line.url}/chat?exit={site.away}")
    page.wait_for_function("() => JSON.parse(sessionStorage.getItem('handrail') || '{}').id")
    return page


def test_a_half_open_connection_is_found_out_by_its_silence(
    new_context: NewContext, line: BadLine, server: Server, site: Site
) -> None:
    page = new_context().new_page()
    page.clock.install()
    over(page, line, site)
    line.swallowed.append(b"/events")
    from_elsewhere(server, kept(page), "said into the silence")
    page.wait_for_timeout(300)
    expect(page.locator("li.visitor")).to_have_count(0)
    line.swallowed.clear()
    page.clock.run_for(60_000)  # over two heartbeats
    expect(page.locator("li.visitor")).to_contain_text("said into the silence")
    assert any(b"/events" in one for one in line.dead)


def test_the_air_is_gone_in_the_middle_of_sending(page: Page, line: BadLine, server: Server, site: Site) -> None:
    """The server took it, the answer never came, the line is off, the line is back: once, and shown as sent."""
    over(page, line, site)
    line.swallowed.append(b"POST /v1/conversations/" + kept(page)["id"].encode() + b"/messages")
    line.swallowed.append(b"/events")
    write(page, "did this arrive?")
    page.wait_for_timeout(300)
    expect(page.locator("li.sending")).to_have_count(1)
    page.context.set_offline(True)
    expect(page.locator("#card")).to_contain_text("No connection")
    expect(page.locator("li.visitor[data-wait]")).to_have_count(1)
    line.swallowed.clear()
    page.context.set_offline(False)
    expect(page.locator("li.visitor[data-wait]")).to_have_count(0)
    expect(page.locator("li.visitor")).to_have_count(1)
    assert [m["text"] for m in stored(server, page) if m["author"] == "visitor"] == ["did this arrive?"]


def test_waking_brings_what_was_said_meanwhile_and_the_state(
    new_context: NewContext, line: BadLine, server: Server, site: Site, clinician: Clinician
) -> None:
    page = new_context().new_page()
    page.clock.install()
    over(page, line, site)
    page.get_by_role("button", name="Talk to a person").click()
    expect(page.locator("#status")).to_have_text("Waiting for a clinician")
    line.swallowed.append(b"/events")
    clinician.say(clinician.claim(kept(page)["id"]), "I am here when you are back.")
    page.wait_for_timeout(300)
    expect(page.locator("li.clinician")).to_have_count(0)
    line.swallowed.clear()
    page.clock.fast_forward(8 * 3600_000)  # asleep: no timer ran
    page.evaluate("() => document.dispatchEvent(new Event('visibilitychange'))")
    expect(page.locator("#lock")).to_be_visible()  # and covered, as nobody was there
    page.get_by_role("button", name="Show my conversation").click()
    expect(page.locator("li.clinician").last).to_contain_text("I am here when you are back.")
    expect(page.locator("#card")).to_contain_text("joined")


def test_that_somebody_is_typing_is_shown_both_ways_and_passes(
    new_context: NewContext, server: Server, site: Site, clinician: Clinician
) -> None:
    page = new_context().new_page()
    page.clock.install()
    open_chat(page, server, site)
    sent: list[str] = []
    page.on("request", lambda r: sent.append(r.url) if r.url.endswith("/typing") else None)
    page.keyboard.insert_text("only the machine would hear")
    assert sent == []
    page.get_by_role("button", name="Talk to a person").click()
    expect(page.locator("#card")).to_be_visible()
    handoff = clinician.claim(kept(page)["id"])
    assert clinician.http.post(f"/v1/console/handoffs/{handoff}/typing", json={"typing": True}).status_code == 204
    expect(page.locator("#typing")).to_have_text("The clinician is writing")
    page.clock.run_for(9000)
    expect(page.locator("#typing")).to_be_hidden()
    with page.expect_request("**/typing"):
        page.locator("#text").press_sequentially("you")
    seen = clinician.http.get(f"/v1/handoffs/{handoff}").json()
    assert seen["typing"] is not None


def test_back_and_forward_find_the_conversation_again(page: Page, server: Server, site: Site) -> None:
    open_chat(page, server, site)
    write(page, "hello")
    expect(page.locator("li.visitor[data-wait]")).to_have_count(0)
    page.goto(f"{site.url}/before")
    page.go_back()
    expect(page.locator("li.visitor")).to_have_count(1)
    page.go_forward()
    expect(page.get_by_role("heading", name="Before")).to_be_visible()
    line = f'<script type="module" async src="{server.url}/embed.js"></script>'
    page.goto(site.put("/around", f"<!doctype html><title>Practice</title><a href='/before'>on</a>{line}"))
    page.get_by_role("button", name="Chat").click()
    frame = page.frame_locator("handrail-chat iframe")
    expect(frame.locator("li.disclosure")).to_be_visible()
    write(frame, "in the frame")
    expect(frame.locator("li.bot")).to_have_count(2)
    page.goto(f"{site.url}/before")
    page.go_back()
    page.get_by_role("button", name="Chat").click()
    expect(frame.locator("li.visitor")).to_contain_text("in the frame")
    assert page.evaluate("() => history.length") < 12  # the frame adds no steps of its own


def test_scripts_off_in_the_frame_leave_lines_and_telephone(page: Page, server: Server, site: Site) -> None:
    frame = f'<iframe sandbox="allow-popups" title="chat" width="380" height="700" src="{server.url}/chat?embed=1"></iframe>'
    page.goto(site.put("/sandboxed", f"<!doctype html><title>Practice</title>{frame}"))
    inside = page.frame_locator("iframe")
    expect(inside.locator("#care a[href='tel:988']:visible").first).to_be_visible()
    expect(inside.locator(".plain")).to_contain_text("This chat needs JavaScript.")
    expect(inside.locator("#log")).to_be_hidden()  # nothing greets that cannot answer
    expect(inside.locator(".plain a[href^='tel:']").first).to_be_visible()
    expect(inside.locator("#composer")).to_be_hidden()


def test_scripts_that_never_reach_the_frame_leave_the_launchers_own_lines(
    page: Page, server: Server, site: Site
) -> None:
    page.clock.install()
    page.route("**/static/talk.js*", lambda route: route.abort())
    line = f'<script type="module" async src="{server.url}/embed.js"></script>'
    page.goto(site.put("/half", f"<!doctype html><title>Practice</title>{line}"))
    page.get_by_role("button", name="Chat").click()
    expect(page.get_by_role("link", name="Call 988")).to_be_visible()
    page.clock.run_for(9000)
    expect(page.locator("handrail-chat [role=status]")).to_contain_text("cannot be shown")
    expect(page.get_by_role("link", name="Open the chat on its own page")).to_be_visible()


# ── a browser set to refuse ─────────────────────────────────────────────────────────────────────────────────────────


@pytest.fixture
def strict(playwright: Playwright, tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[BrowserContext]:
    """A Chromium whose owner has changed its settings: `request.param` are its preferences under "profile"."""
    (tmp_path / "Default").mkdir()
    (tmp_path / "Default" / "Preferences").write_text(json.dumps({"profile": request.param}))
    context = playwright.chromium.launch_persistent_context(
        tmp_path, executable_path=chromium.find(playwright.chromium), args=chromium.ARGS
    )
    context.set_default_timeout(20000)
    yield context
    context.close()


@pytest.mark.parametrize("strict", [{"default_content_setting_values": {"cookies": 2}}], indirect=True)
def test_with_cookies_off_everywhere_memory_has_to_do(strict: BrowserContext, server: Server, site: Site) -> None:
    page = strict.new_page()
    page.goto(f"{server.url}/chat?exit={site.away}")
    assert page.evaluate(THROWS)
    write(page, "what is neuroplasticity?")
    expect(page.locator("li.answer")).to_have_count(1)
    page.get_by_role("button", name="Talk to a person").click()
    expect(page.locator("#card")).to_be_visible()
    assert strict.cookies() == []
    page.get_by_role("button", name="Leave quickly").click()
    page.wait_for_url(site.away)


@pytest.mark.parametrize("strict", [{"cookie_controls_mode": 1, "block_third_party_cookies": True}], indirect=True)
def test_with_third_party_cookies_off_the_frame_still_talks_and_resumes(
    strict: BrowserContext, server: Server, site: Site
) -> None:
    page = strict.new_page()
    line = f'<script type="module" async src="{server.url}/embed.js"></script>'
    url = site.put("/third", f"<!doctype html><title>Practice</title>{line}")
    for again in (False, True):
        page.goto(url)
        page.get_by_role("button", name="Chat").click()
        frame = page.frame_locator("handrail-chat iframe")
        expect(frame.locator("li.disclosure")).to_be_visible()
        if not again:
            write(frame, "what is neuroplasticity?")
        expect(frame.locator("li.answer")).to_have_count(1)
        expect(frame.locator("li.visitor")).to_have_count(1)


def test_a_browser_that_keeps_pages_for_its_back_button_keeps_nothing_of_ours(
    playwright: Playwright, server: Server, site: Site
) -> None:
    browser = playwright.chromium.launch(
        executable_path=chromium.find(playwright.chromium),
        args=chromium.ARGS,
        ignore_default_args=["--disable-back-forward-cache"],
    )
    try:
        page = browser.new_page()
        page.goto(f"{site.url}/before")
        open_chat(page, server, site)
        write(page, "hello")
        expect(page.locator("li.visitor[data-wait]")).to_have_count(0)
        page.get_by_role("button", name="Leave quickly").click()
        page.wait_for_url(site.away)
        page.evaluate("() => { window.kept = true; history.back() }")
        page.get_by_role("heading", name="Before").wait_for()
        page.evaluate("() => history.forward()")
        page.get_by_role("heading", name="Weather").wait_for()
        assert page.evaluate("() => window.kept") is True  # this browser does keep pages
        # Who only goes on to another page and comes back finds the talk again, and what came meanwhile.
        open_chat(page, server, site)
        tab = kept(page)
        page.evaluate("(to) => { location.href = to }", f"{site.url}/before")
        page.get_by_role("heading", name="Before").wait_for()
        from_elsewhere(server, tab, "said meanwhile")
        page.evaluate("() => history.back()")
        expect(page.locator("li.visitor")).to_contain_text("said meanwhile")
        assert page.evaluate("() => document.body.textContent.includes('hello')") is False
    finally:
        browser.close()
