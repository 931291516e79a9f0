"""The gallery looks as it was recorded: what is shown and how it is dressed, everywhere; pixel by pixel, where the letters are the same.

After a change that was meant: `HANDRAIL_RECORD=1 python -m pytest tests/browser/test_pictures.py`, look at the difference, commit it.
"""

from __future__ import annotations

import io
import json
import os
from pathlib import Path
from typing import Any

import pytest
from cast import Server
from PIL import Image, ImageChops
from playwright.sync_api import Browser, ElementHandle

RECORDED = Path(__file__).parent / "recorded"
RECORD = bool(os.environ.get("HANDRAIL_RECORD"))
NOON = "2026-06-01T12:00:00Z"
TILE = (125, 227)  # a third of a panel
COLUMNS = 9
# Of each visible piece: what it is, what it says, how it is dressed. No place and no width: those change with the letters.
LOOK = """() => [...document.body.querySelectorAll("*")]
.filter((e) => e.checkVisibility({ visibilityProperty: true }) && !e.closest("svg, .unseen, script, details:not([open]) > ul"))
.filter((e) => e.id || e.className || /^(A|BUTTON|LI|P|H1|H2)$/.test(e.tagName))
.map((e) => {
  const s = getComputedStyle(e), own = [...e.childNodes].filter((n) => n.nodeType === 3).map((n) => n.data.trim()).join(" ").trim();
  return [[e.localName, e.id && `#${e.id}`, ...[...e.classList].map((c) => `.${c}`)].join(""), own, s.direction, s.color,
    s.backgroundColor, s.borderTopWidth + " " + s.borderTopColor + " " + s.borderTopLeftRadius, s.fontSize + " " + s.fontWeight,
    s.padding, s.display].join(" | ");
})"""
LETTERS = """() => { const e = document.createElement("span"); e.style.cssText = "position:absolute;white-space:nowrap;font:100px " +
getComputedStyle(document.body).fontFamily; e.textContent = "Handrail, 988 · هل أنت"; document.body.append(e);
const wide = e.getBoundingClientRect().width; e.remove(); return Math.round(wide); }"""

Seen = dict[str, tuple[list[str], Image.Image]]


def small(handle: ElementHandle) -> Image.Image:
    picture = Image.open(io.BytesIO(handle.screenshot())).convert("L")
    return picture.resize(TILE, Image.Resampling.BOX)


@pytest.fixture(scope="module")
def gallery(browser: Browser, server: Server) -> tuple[Seen, int]:
    """Every state of launcher and panel: its look and a small grey picture, by name; and how wide the letters are."""
    context = browser.new_context(
        viewport={"width": 1250, "height": 900}, reduced_motion="reduce", timezone_id="UTC", locale="en-US"
    )
    context.clock.set_fixed_time(NOON)
    page = context.new_page()
    page.goto(f"{server.url}/gallery")
    seen: Seen = {}
    for handle in page.locator(".launchers iframe, .panels iframe").element_handles():
        handle.scroll_into_view_if_needed()
        frame = handle.content_frame()
        assert frame is not None
        launcher = "stand.html" in frame.url or "stand.html" in str(handle.get_attribute("src"))
        frame.wait_for_function(
            "() => document.querySelector('handrail-chat')?.shadowRoot"
            if launcher
            else "() => document.querySelector('#list > li.disclosure')"
        )
        title = f"{'launcher' if launcher else 'panel'} {handle.get_attribute('title')}".strip()
        if title == "launcher blocked":
            frame.locator("[role=status]", has_text="cannot be shown").wait_for()
        elif title == "launcher unread":
            frame.locator(".n:not([hidden])").wait_for()
        page.wait_for_timeout(60)
        look = [] if launcher else frame.evaluate(LOOK)
        seen[title] = (look, small(handle))
    letters = page.evaluate(LETTERS)
    context.close()
    return seen, letters


def sprite(pictures: list[Image.Image]) -> Image.Image:
    rows = -(-len(pictures) // COLUMNS)
    sheet = Image.new("L", (COLUMNS * TILE[0], rows * TILE[1]), 255)
    for n, picture in enumerate(pictures):
        sheet.paste(picture, (n % COLUMNS * TILE[0], n // COLUMNS * TILE[1]))
    return sheet


def tile(sheet: Image.Image, n: int) -> Image.Image:
    left, top = n % COLUMNS * TILE[0], n // COLUMNS * TILE[1]
    return sheet.crop((left, top, left + TILE[0], top + TILE[1]))


def apart(one: Image.Image, other: Image.Image) -> float:
    """The share of pixels that are clearly not the same, 0 to 1."""
    histogram = ImageChops.difference(one, other).histogram()
    return sum(histogram[16:]) / sum(histogram)


def test_every_state_looks_as_recorded(gallery: tuple[Seen, int]) -> None:
    seen, letters = gallery
    if RECORD:
        RECORDED.mkdir(exist_ok=True)
        table: dict[str, Any] = {"letters": letters, "states": {name: look for name, (look, _) in seen.items()}}
        text = json.dumps(table, ensure_ascii=False, indent=1)
        (RECORDED / "states.json").write_text(text + "\n", encoding="utf-8")
        sprite([picture for _, picture in seen.values()]).save(RECORDED / "states.png", optimize=True)
    kept = json.loads((RECORDED / "states.json").read_text(encoding="utf-8"))
    assert list(seen) == list(kept["states"])
    for name, (look, _) in seen.items():
        was, now = kept["states"][name], look
        assert [line for line in now if line not in was] == [], f"{name}: new"
        assert [line for line in was if line not in now] == [], f"{name}: gone"
    if letters != kept["letters"]:
        pytest.skip(
            f"letters here are {letters} wide and {kept['letters']} where the pictures were taken: looks compared, pixels not"
        )
    sheet = Image.open(RECORDED / "states.png")
    for n, (name, (_, picture)) in enumerate(seen.items()):
        assert apart(picture, tile(sheet, n)) < 0.005, name


def test_the_comparison_sees_what_an_eye_would(gallery: tuple[Seen, int]) -> None:
    """Neighbouring states, a moved card, another colour: each is further apart than the comparison allows."""
    seen, _ = gallery
    pictures = {name: picture for name, (_, picture) in seen.items()}
    for one, other in (("waiting", "late"), ("crisis", "emergency"), ("answer", "offline"), ("greeting", "typing")):
        assert apart(pictures[f"panel {one}"], pictures[f"panel {other}"]) > 0.01
    same = pictures["panel waiting"]
    assert apart(same, ImageChops.offset(same, 0, 2)) > 0.01
    assert apart(pictures["launcher plain"], pictures["launcher accent"]) > 0.01
    looks = [tuple(look) for look, _ in seen.values() if look]
    assert len(set(looks)) > 18
