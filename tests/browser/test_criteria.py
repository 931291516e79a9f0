"""docs/accessibility.md is whole and true: every criterion of WCAG 2.2 A and AA with a test that exists, and those no other room has."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from cast import ROOT, Server
from place import NewContext, Site, open_chat, write
from playwright.sync_api import Page, expect

from bot.routes import look

HERE = Path(__file__).parent
WEB = ROOT / "web"
LIST = (ROOT / "docs" / "accessibility.md").read_text(encoding="utf-8")
CRITERIA = """
1.1.1 1.2.1 1.2.2 1.2.3 1.2.4 1.2.5 1.3.1 1.3.2 1.3.3 1.3.4 1.3.5 1.4.1 1.4.2 1.4.3 1.4.4 1.4.5 1.4.10 1.4.11 1.4.12 1.4.13
2.1.1 2.1.2 2.1.4 2.2.1 2.2.2 2.3.1 2.4.1 2.4.2 2.4.3 2.4.4 2.4.5 2.4.6 2.4.7 2.4.11 2.5.1 2.5.2 2.5.3 2.5.4 2.5.7 2.5.8
3.1.1 3.1.2 3.2.1 3.2.2 3.2.3 3.2.4 3.2.6 3.3.1 3.3.2 3.3.3 3.3.4 3.3.7 3.3.8 4.1.2 4.1.3
""".split()


def ours(*kinds: str) -> dict[str, str]:
    """What the visitor's pages are made of, by name."""
    found = [path for kind in kinds for path in [*WEB.glob(f"templates/*.{kind}"), *WEB.glob(f"static/*.{kind}")]]
    return {path.name: path.read_text(encoding="utf-8") for path in found}


def test_every_criterion_is_listed_once_with_a_test_that_exists() -> None:
    rows = [line for line in LIST.splitlines() if re.match(r"\| \d", line)]
    listed = [number for row in rows for number in re.findall(r"\d\.\d\.\d+", row.split("|")[1])]
    assert sorted(listed) == sorted(CRITERIA)
    assert len(CRITERIA) == 55
    for row in rows:
        assert re.search(r"`test_\w+\.py::test_\w+`", row), row


def test_every_test_that_is_named_exists() -> None:
    for file, name in re.findall(r"`(test_\w+\.py)::(test_\w+)`", LIST):
        assert f"def {name}(" in (HERE / file).read_text(encoding="utf-8"), f"{file}::{name}"


def test_nothing_that_plays_or_blinks_is_shipped() -> None:
    for name, text in ours("html", "js").items():
        assert not re.search(r"<(video|audio|canvas|marquee|object|embed|picture)\b|new Audio|AudioContext", text), name
    for name, text in ours("css").items():
        assert "@keyframes" not in text and "blink" not in text, name
    pictures = [re.findall(r"<img[^>]+>", text) for text in ours("html").values()]
    assert all("alt=" in one for found in pictures for one in found)
    assert all("<text" not in text for text in ours("svg").values())  # no pictures of words


def test_nothing_needs_a_gesture() -> None:
    for name, text in ours("js", "html").items():
        assert not re.search(
            r"touchmove|dragstart|draggable|devicemotion|deviceorientation|onmousedown|onpointerdown", text
        ), name
        acting = re.findall(r'addEventListener\("(mousedown|pointerdown|touchstart)"', text)
        assert acting == [], name  # what acts, acts on click: when the finger is lifted


def test_letters_are_never_shortcuts(chat: Page) -> None:
    chat.locator("#log").focus()
    before = chat.evaluate("() => document.body.className + document.querySelectorAll('dialog[open]').length")
    for key in "abcdefghijklmnopqrstuvwxyz0123456789?/":
        chat.keyboard.press(key)
    assert chat.evaluate("() => document.body.className + document.querySelectorAll('dialog[open]').length") == before
    expect(chat.locator("li.visitor")).to_have_count(0)
    assert "/chat" in chat.url


def test_on_its_side_everything_is_reached(new_context: NewContext, server: Server, site: Site) -> None:
    page = open_chat(new_context(viewport={"width": 780, "height": 360}).new_page(), server, site)
    write(page, "what is neuroplasticity?")
    expect(page.locator("li.answer")).to_have_count(1)
    for name in ("#open-menu", "#leave", "#person", "#send", "li.answer .sources a"):
        page.locator(name).first.scroll_into_view_if_needed()
        page.locator(name).first.click(trial=True)
    assert page.evaluate("() => document.documentElement.scrollWidth <= innerWidth")


def test_with_the_keyboard_up_there_is_room_for_words(new_context: NewContext, server: Server, site: Site) -> None:
    """At 390 by 440, waiting for a clinician and writing: three lines of the talk and the whole box are in sight."""
    page = open_chat(new_context().new_page(), server, site)
    write(page, "I want to die")
    expect(page.locator("#card")).to_be_visible()
    page.set_viewport_size({"width": 390, "height": 440})
    expect(page.locator("#text")).to_be_focused()
    log, box = page.locator("#log").bounding_box(), page.locator("#send").bounding_box()
    assert log and log["height"] >= 75
    assert box and box["y"] + box["height"] <= 440
    for name in ("#care a[href='tel:988']:visible", "#person", "#leave"):
        page.locator(name).first.click(trial=True)
    page.locator("#person").focus()
    expect(page.get_by_role("button", name="How to reach me")).to_be_visible()


def test_no_field_asks_for_a_listed_purpose() -> None:
    fields = re.findall(r"<(?:input|textarea)[^>]*>", "".join(ours("html").values()))
    assert len(fields) >= 4
    assert [one for one in fields if re.search(r'type="(password|email|tel)"|name="(user|login|email|tel)', one)] == []


def tokens(theme: str) -> dict[str, look.Colour]:
    css = (WEB / "static" / "tokens.css").read_text(encoding="utf-8")
    block = css.split(':root[data-theme="dark"]')[1] if theme == "dark" else css
    return {name: look.colour(value) for name, value in re.findall(r"--([\w-]+): (#\w{6});", block.split("}")[0])}


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_edges_and_rings_stand_out(theme: str) -> None:
    table = tokens(theme)
    for edge in ("edge", "pine", "clay"):
        assert look.least(table[edge], table["paper"], table["sheet"]) >= 3, (theme, edge)


def test_nothing_appears_by_hovering() -> None:
    for name, text in ours("css").items():
        for rule in re.findall(r"[^{}]*:hover[^{}]*\{([^}]*)\}", text):
            assert not re.search(r"display|visibility|opacity|content", rule), name
    assert not any("title=" in re.sub(r"<iframe[^>]+>|aria-title", "", text) for text in ours("html").values())


def test_the_focus_is_seen_wherever_it_goes(chat: Page) -> None:
    write(chat, "does therapy really change the brain?")
    expect(chat.locator("li.answer")).to_have_count(1)
    seen = set()
    for _ in range(30):
        chat.keyboard.press("Tab")
        found = chat.evaluate(
            """() => { const e = document.activeElement; if (e === document.body) return null;
            const at = e.getBoundingClientRect(), s = getComputedStyle(e.id === "text" ? e.closest(".box") : e);
            const x = Math.min(innerWidth - 2, Math.max(1, at.x + at.width / 2)), y = at.y + Math.min(at.height / 2, 20);
            const top = document.elementFromPoint(x, Math.min(innerHeight - 2, Math.max(1, y)));
            return [e.id || e.className, s.outlineStyle !== "none" || s.boxShadow !== "none", e.contains(top)] }"""
        )
        if found is None:
            continue
        assert found[1:] == [True, True], found
        seen.add(found[0])
    assert {"chip", "open-menu", "leave", "log", "mark-n", "source", "text", "send", "person"} <= seen


def test_links_say_where_they_lead(chat: Page) -> None:
    write(chat, "does therapy really change the brain?")
    expect(chat.locator("li.answer")).to_have_count(1)
    silent = chat.evaluate(
        """() => [...document.querySelectorAll("a[target=_blank]")].filter((e) => !e.closest("dialog, details"))
        .filter((e) => !/opens in a new tab/.test(e.textContent + (e.ariaLabel ?? ""))).map((e) => e.outerHTML)"""
    )
    assert silent == []
    names = chat.locator("a:visible").evaluate_all("all => all.map((e) => (e.ariaLabel ?? e.textContent).trim())")
    assert all(len(name) > 5 for name in names)


def test_the_button_is_called_what_is_written_on_it(new_context: NewContext, server: Server, site: Site) -> None:
    page = new_context(viewport={"width": 1200, "height": 900}).new_page()
    tag = f'<script type="module" src="{server.url}/embed.js"></script>'
    page.goto(site.put("/named", f"<!doctype html><html lang=en><title>x</title><body>{tag}"))
    button = page.locator("handrail-chat .go")
    for words in ("Chat with us", "Close chat"):
        expect(button.locator("span").first).to_have_text(words)
        assert words in str(button.get_attribute("aria-label"))
        button.click()
    for name in ("#person", "#leave"):
        assert page.frame_locator("handrail-chat iframe").locator(name).get_attribute("aria-label") is None


def test_help_stands_in_the_same_place_in_every_state(new_context: NewContext, server: Server) -> None:
    page = new_context(viewport={"width": 1250, "height": 900}, reduced_motion="reduce").new_page()
    page.goto(f"{server.url}/gallery")
    orders = set()
    for handle in page.locator("#panels iframe").element_handles():
        handle.scroll_into_view_if_needed()
        frame = handle.content_frame()
        assert frame is not None
        frame.wait_for_function("() => document.querySelector('#list > li.disclosure')")
        orders.add(
            frame.evaluate(
                """() => [...document.querySelectorAll("#care, #open-menu, #leave, #close, #log, #text, #person")]
                .filter((e) => e.checkVisibility()).map((e) => e.id).join(" ")"""
            )
        )
    assert orders == {"care open-menu leave close log text person"}
