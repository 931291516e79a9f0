"""WCAG 2.2 AA for the visitor's pages, as a list of tests; docs/accessibility.md names each."""

from __future__ import annotations

import re
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from cast import Server
from place import AXE_TAGS, PAGES, NewContext, Site, kept, open_chat, write
from playwright.sync_api import Frame, Page, expect

SPACING = """* { line-height: 1.5 !important; letter-spacing: .12em !important; word-spacing: .16em !important }
p { margin-block-end: 2em !important }"""


def faults(place: Page | Frame) -> list[str]:
    """What axe finds, each as one line."""
    found = Axe().run(place, options={"runOnly": {"type": "tag", "values": AXE_TAGS}}).response["violations"]
    return [f"{v['id']}: {node['html'][:140]}" for v in found for node in v["nodes"]]


@pytest.fixture(params=["light", "dark"])
def scheme(request: pytest.FixtureRequest) -> Any:
    return request.param


def test_axe_finds_nothing_on_any_page(new_context: NewContext, server: Server, scheme: Any) -> None:
    page = new_context(color_scheme=scheme, reduced_motion="reduce").new_page()
    for path in PAGES:
        page.goto(server.url + path)
        assert faults(page) == [], path


def test_axe_finds_nothing_in_any_state(new_context: NewContext, server: Server) -> None:
    """Each state of the gallery is a frame of its own: axe runs inside every one."""
    page = new_context(viewport={"width": 1250, "height": 900}, reduced_motion="reduce").new_page()
    page.goto(f"{server.url}/gallery")
    assert faults(page) == []
    seen = 0
    for handle in page.locator("#panels iframe").element_handles():
        handle.scroll_into_view_if_needed()
        frame = handle.content_frame()
        assert frame is not None
        frame.wait_for_function("() => document.querySelector('#list > li.disclosure')")
        assert faults(frame) == [], handle.get_attribute("title")
        seen += 1
    assert seen > 15


def test_axe_finds_nothing_in_the_sheets(chat: Page) -> None:
    chat.emulate_media(reduced_motion="reduce")
    chat.locator("summary:visible").click()
    assert faults(chat) == []
    chat.locator("summary:visible").click()
    chat.get_by_role("button", name="Talk to a person").click()
    expect(chat.locator("#card")).to_be_visible()
    for button, sheet in (("How to reach me", "contact"), ("Something to read", "reading"), ("Menu", "menu")):
        chat.get_by_role("button", name=button).first.click()
        expect(chat.locator(f"#{sheet}")).to_be_visible()
        assert faults(chat) == [], sheet
        chat.keyboard.press("Escape")
    chat.get_by_role("button", name="Menu").click()
    chat.get_by_role("button", name="Plan some practice").click()
    expect(chat.locator("#plan")).to_be_visible()
    assert faults(chat) == []


def focused(page: Page) -> str:
    return str(page.evaluate("() => document.activeElement.id || document.activeElement.textContent.trim()"))


def test_one_visit_by_keyboard_alone(page: Page, server: Server, site: Site) -> None:
    open_chat(page, server, site)
    order = []
    for _ in range(30):
        page.keyboard.press("Tab")
        order.append(focused(page))
        if order[-1] == "text":
            break
    assert order[0].startswith("Call 911")
    assert {"open-menu", "leave", "log", "text"} <= set(order)
    page.keyboard.type("what is neuroplasticity?")
    page.keyboard.press("Enter")
    expect(page.locator("li.answer")).to_have_count(1)
    assert focused(page) == "text"
    page.keyboard.press("Tab")
    page.keyboard.press("Tab")
    assert focused(page) == "person"
    page.keyboard.press("Enter")
    expect(page.locator("#card")).to_be_visible()
    page.locator("#open-menu").focus()
    page.keyboard.press("Enter")
    expect(page.locator("#menu")).to_be_visible()
    assert page.evaluate("() => document.querySelector('#menu').contains(document.activeElement)")
    page.keyboard.press("Escape")
    expect(page.locator("#menu")).to_be_hidden()
    assert focused(page) == "open-menu"
    for _ in range(3):
        page.keyboard.press("Shift")
    page.wait_for_url(site.away)


def test_nothing_traps_the_focus_on_the_host_page(new_context: NewContext, server: Server, site: Site) -> None:
    page = new_context(viewport={"width": 1200, "height": 900}).new_page()
    tag = f'<script type="module" src="{server.url}/embed.js"></script>'
    page.goto(site.put("/trap", f"<!doctype html><title>x</title><a href='/before'>before</a>{tag}"))
    page.get_by_role("button", name="Chat").click()
    page.frame_locator("handrail-chat iframe").locator("#text").wait_for()
    page.get_by_role("link", name="before").focus()
    assert page.evaluate("() => document.activeElement.textContent") == "before"
    page.keyboard.press("Tab")
    assert page.evaluate("() => document.activeElement.localName") == "handrail-chat"


@pytest.mark.parametrize("height", [780, 256])
def test_320_pixels_and_400_percent(new_context: NewContext, server: Server, site: Site, height: int) -> None:
    """1280 by 1024 at 400% is 320 by 256: everything can be reached, and nothing scrolls sideways."""
    page = new_context(viewport={"width": 320, "height": height}).new_page()
    open_chat(page, server, site)
    write(page, "does therapy really change the brain?")
    expect(page.locator("li.answer")).to_have_count(1)
    assert page.evaluate("() => document.documentElement.scrollWidth") <= 320
    for locator in (page.locator("li.answer .sources a").first, page.locator("#person"), page.locator("#leave")):
        locator.scroll_into_view_if_needed()
        locator.click(trial=True)
    for path in PAGES[:-1]:
        page.goto(server.url + path)
        assert page.evaluate("() => document.documentElement.scrollWidth") <= 320, path


def test_text_spacing_cuts_nothing_off(chat: Page) -> None:
    write(chat, "what is neuroplasticity?")
    expect(chat.locator("li.answer")).to_have_count(1)
    chat.evaluate(
        "(css) => { const s = new CSSStyleSheet(); s.replaceSync(css); document.adoptedStyleSheets = [s] }", SPACING
    )
    cut = chat.evaluate(
        """() => [...document.querySelectorAll("button, a, p, h1, label")]
        .filter((e) => e.checkVisibility() && !e.closest(".unseen, .visitor .who"))
        .filter((e) => e.scrollWidth > e.clientWidth + 1 && getComputedStyle(e).overflow === "hidden"
                       && !e.classList.contains("unseen"))
        .map((e) => e.outerHTML.slice(0, 120))"""
    )
    assert cut == []
    assert chat.evaluate("() => document.documentElement.scrollWidth") <= 390


def small(place: Page, least: int = 44) -> list[str]:
    """Controls that a finger would miss; links inside a sentence are exempt."""
    found: list[str] = place.evaluate(
        """(least) => [...document.querySelectorAll("button, select, textarea, input, summary, a")]
        .filter((e) => e.checkVisibility() && !e.closest(".said p") && !e.closest("p.soft"))
        .filter((e) => { const b = e.getBoundingClientRect(); return b.width < least || b.height < least })
        .map((e) => e.outerHTML.slice(0, 120))""",
        least,
    )
    return found


def test_targets_are_44_pixels_and_inputs_16(chat: Page) -> None:
    write(chat, "does therapy really change the brain?")
    expect(chat.locator("li.answer")).to_have_count(1)
    chat.get_by_role("button", name="Talk to a person").click()
    expect(chat.locator("#card")).to_be_visible()
    assert small(chat) == []
    chat.get_by_role("button", name="Menu").click()
    assert small(chat) == []
    sizes = chat.evaluate(
        """() => [...document.querySelectorAll("input, textarea, select")]
        .map((e) => parseFloat(getComputedStyle(e).fontSize))"""
    )
    assert min(sizes) >= 16


def test_a_message_is_announced_once_and_whole(chat: Page) -> None:
    chat.evaluate(
        """() => { window.said = []; new MutationObserver((list) => list.forEach((m) => m.addedNodes.forEach(
        (n) => said.push(n.textContent)))).observe(document.querySelector("#say"), { childList: true }) }"""
    )
    write(chat, "what is neuroplasticity?")
    expect(chat.locator("li.answer")).to_have_count(1)
    expect(chat.locator("#typing")).to_be_hidden()
    chat.wait_for_function("() => said.length > 0")
    said = chat.evaluate("() => said")
    answers = [line for line in said if "Neuroplasticity is" in line]
    assert len(answers) == 1
    assert answers[0].startswith("Automated assistant: ")
    assert chat.locator("[aria-live]:not([aria-live=off]), [role=status]:visible, [role=alert]").count() == 1
    assert chat.locator("#log").get_attribute("aria-live") == "off"


def test_reduced_motion_moves_nothing(new_context: NewContext, server: Server, site: Site) -> None:
    page = new_context(reduced_motion="reduce").new_page()
    open_chat(page, server, site)
    page.get_by_role("button", name="Menu").click()
    page.get_by_role("button", name="Paced breathing").click()
    page.get_by_role("button", name="Next").click()
    page.get_by_role("button", name="Next").click()
    expect(page.locator(".exercise .step")).to_contain_text("Breathe in")
    expect(page.locator(".breath i")).to_be_hidden()
    assert page.evaluate("() => document.getAnimations().length") == 0


def test_forced_colours_keep_every_edge(new_context: NewContext, server: Server, site: Site) -> None:
    page = new_context(forced_colors="active").new_page()
    open_chat(page, server, site)
    write(page, "hello")
    expect(page.locator("li.visitor")).to_have_count(1)
    for name in ("#person", ".box", "li.visitor .said", "#send", "#leave"):
        border = page.locator(name).first.evaluate(
            "e => getComputedStyle(e).borderTopStyle + getComputedStyle(e).borderTopWidth"
        )
        assert re.fullmatch(r"solid[1-9].*|dashed[1-9].*", border), name


def test_what_is_hidden_is_hidden_from_everyone(chat: Page) -> None:
    for part in ("#menu", "#lock", "#card", "#plan"):
        assert chat.locator(part).evaluate("e => getComputedStyle(e).display") == "none"
    assert chat.get_by_role("textbox").count() == 1


def test_the_privacy_cover_after_fifteen_minutes(new_context: NewContext, server: Server, site: Site) -> None:
    page = new_context().new_page()
    page.clock.install()
    open_chat(page, server, site)
    write(page, "something private")
    expect(page.locator("li.visitor")).to_have_count(1)
    page.clock.run_for(14 * 60_000)
    expect(page.locator("#lock")).to_be_hidden()
    page.clock.run_for(2 * 60_000)
    expect(page.locator("#lock")).to_be_visible()
    assert page.locator("#care a[href='tel:988']:visible").count()
    page.locator("#care a[href='tel:988']:visible").first.click(trial=True)
    assert page.locator("#text").evaluate("e => e.closest('[inert]') !== null")  # neither seen nor reached
    assert faults(page) == []
    page.get_by_role("button", name="Show my conversation").click()
    expect(page.locator("#lock")).to_be_hidden()
    expect(page.locator("#text")).to_be_focused()
    page.clock.run_for(16 * 60_000)
    page.get_by_role("button", name="Forget it on this device").click()
    expect(page.locator("li.visitor")).to_have_count(0)


def test_after_an_hour_the_device_forgets_but_not_whoever_waits(
    new_context: NewContext, server: Server, site: Site
) -> None:
    page = new_context().new_page()
    page.clock.install()
    open_chat(page, server, site)
    write(page, "something private")
    expect(page.locator("li.visitor[data-wait]")).to_have_count(0)
    before = kept(page)["id"]
    page.get_by_role("button", name="Talk to a person").click()
    expect(page.locator("#card")).to_be_visible()
    page.clock.run_for(61 * 60_000)
    expect(page.locator("#lock")).to_be_visible()
    assert kept(page)["id"] == before
    page.get_by_role("button", name="Forget it on this device").click()
    page.wait_for_function("(old) => ![undefined, old].includes(JSON.parse(sessionStorage.handrail).id)", arg=before)
    write(page, "nobody is asked for")
    expect(page.locator("li.visitor[data-wait]")).to_have_count(0)
    expect(page.locator("li.bot")).to_have_count(2)
    page.clock.run_for(59 * 60_000)
    assert "token" in kept(page)
    page.clock.run_for(3 * 60_000)
    assert "token" not in kept(page)
    expect(page.locator("#lock")).to_be_visible()
    page.get_by_role("button", name="Show my conversation").click()
    expect(page.locator("li.disclosure")).to_be_visible()
    expect(page.locator("li.visitor")).to_have_count(0)
