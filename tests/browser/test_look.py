"""A practice's own colours are taken, and never at the cost of being read."""

from __future__ import annotations

import colorsys

import pytest
from axe_playwright_python.sync_playwright import Axe
from cast import Server
from place import AXE_TAGS, NewContext
from playwright.sync_api import expect

from bot.routes import look

ACCENTS = [
    look.written(colorsys.hsv_to_rgb(hue / 12, saturation, value))
    for hue in range(12)
    for saturation in (0.0, 0.5, 1.0)
    for value in (0.0, 0.35, 0.7, 1.0)
]
GROUNDS = ["", "#ffffff", "#f4f4f4", "#fdf1dc", "#e6f2ff"]
LIGHT = {"paper": "#f6f3ec", "sheet": "#fffdf8"}


def tables(accent: str, ground: str) -> list[dict[str, look.Colour]]:
    """The colours by name, in light and in dark, as the stylesheet gives them."""
    sheet = look.style(look.kept({"accent": accent, "ground": ground}))
    parts = [part.rpartition("{")[2] for part in sheet.split("}")[:2]]
    found = [dict(line.removeprefix("--").split(":") for line in part.split(";") if line) for part in parts]
    return [{name: look.colour(value) for name, value in (LIGHT | table).items()} for table in found]


@pytest.mark.parametrize("ground", GROUNDS)
def test_whatever_the_accent_its_words_can_be_read(ground: str) -> None:
    for accent in ACCENTS:
        light, dark = tables(accent, ground)
        for table, on, words in (
            (light, "#fffdf8", ("#22302c", "#55625c")),
            (dark, "#0f1b18", ("#e7ede8", "#a9b6af")),
        ):
            grounds = [table[name] for name in ("paper", "sheet", "mist")]
            assert look.least(table["pine"], *grounds) >= 4.5, (accent, ground)
            assert look.contrast(look.colour(on), table["pine"]) >= 4.5, (accent, ground)
            assert look.contrast(look.colour(on), table["pine-deep"]) >= 4.5, (accent, ground)
            for word in words:
                assert look.least(look.colour(word), *grounds) >= 4.5, (accent, ground, word)


def test_what_is_no_colour_or_too_dark_to_read_on_is_left_out(server: Server) -> None:
    assert look.kept({"accent": "#ABC", "ground": "#333"}) == {"accent": "aabbcc"}
    for wrong in ("", "red", "#12", "#1234567", "1d5c50}body{display:none", "url(x)"):
        assert look.kept({"accent": wrong, "ground": wrong}) == {}


def test_the_panel_wears_them_and_axe_finds_nothing(new_context: NewContext, server: Server) -> None:
    page = new_context(reduced_motion="reduce").new_page()
    for theme in ("light", "dark"):
        page.goto(f"{server.url}/chat?accent=%23f3c98b&ground=%23ffffff&theme={theme}")
        expect(page.locator("li.disclosure")).to_be_visible()
        found = Axe().run(page, options={"runOnly": {"type": "tag", "values": AXE_TAGS}}).response["violations"]
        assert [node["html"] for fault in found for node in fault["nodes"]] == []
        ground = page.evaluate("() => getComputedStyle(document.body).backgroundColor")
        assert ground == ("rgb(255, 255, 255)" if theme == "light" else "rgb(21, 28, 26)")
