"""A practice's own colours for the panel: taken where the words on them can be read, turned until they can be."""

from __future__ import annotations

import re

from fastapi import APIRouter, Request
from fastapi.responses import Response

from bot.routes import files
from bot.routes.problems import Problem

router = APIRouter(include_in_schema=False)

Colour = tuple[float, float, float]  # red, green, blue, each 0 to 1
HEX = re.compile(r"[0-9a-f]{3}|[0-9a-f]{6}", re.IGNORECASE)
NAMES = ("accent", "ground")
READABLE = 4.5  # WCAG 1.4.3, words
WORDS = ("#22302c", "#55625c", "#8c3b22")  # ink, soft and clay in light: web/static/tokens.css
EDGE = "#7c857f"  # the edges of fields; 3 to 1 by WCAG 1.4.11
LIGHT, LIGHT_SHEET, DARK, DARK_SHEET = "#f6f3ec", "#fffdf8", "#151c1a", "#1c2523"
WHITE, BLACK = (1.0, 1.0, 1.0), (0.0, 0.0, 0.0)


def colour(text: str) -> Colour:
    """#rgb or #rrggbb, the # optional. Raises ValueError for anything else."""
    digits = text.removeprefix("#")
    if not HEX.fullmatch(digits):
        raise ValueError(f"{text!r} is no colour: write it as 1d5c50")
    if len(digits) == 3:
        digits = "".join(2 * one for one in digits)
    red, green, blue = (int(digits[at : at + 2], 16) / 255 for at in (0, 2, 4))
    return red, green, blue


def luminance(one: Colour) -> float:
    """Relative luminance, 0 to 1, as WCAG 2.2 defines it."""
    red, green, blue = (c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in one)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: Colour, other: Colour) -> float:
    """1 to 21, as WCAG 2.2 defines it."""
    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


def mixed(one: Colour, other: Colour, share: float) -> Colour:
    """`share` of the second in the first, as it will be written: in steps of 1/255."""
    red, green, blue = (round((a + (b - a) * share) * 255) / 255 for a, b in zip(one, other, strict=True))
    return red, green, blue


def written(one: Colour) -> str:
    return "#" + "".join(f"{round(c * 255):02x}" for c in one)


def least(one: Colour, *others: Colour) -> float:
    return min(contrast(one, other) for other in others)


def readable(wanted: Colour, toward: Colour, *grounds: Colour) -> Colour:
    """The wanted colour, as far turned towards black or white as it takes to be read on every ground."""
    for step in range(101):
        one = mixed(wanted, toward, step / 100)
        if least(one, *grounds) >= READABLE:
            return one
    return toward


def kept(query: dict[str, str]) -> dict[str, str]:
    """Of an address's query what is a colour that can be used: {"accent": "1d5c50"}; the rest is left out."""
    found = {}
    for name in NAMES:
        try:
            one = colour(query.get(name, ""))
        except ValueError:
            continue
        if name != "ground" or (least(one, *map(colour, WORDS)) >= READABLE and contrast(one, colour(EDGE)) >= 3):
            found[name] = written(one).removeprefix("#")
    return found


def style(chosen: dict[str, str]) -> str:
    """The panel's colours in light and dark, as a stylesheet after tokens.css. `chosen` is what `kept` gave."""
    light: dict[str, Colour] = {}
    dark: dict[str, Colour] = {}
    paper, sheet = colour(LIGHT), colour(LIGHT_SHEET)
    if "ground" in chosen:
        paper = colour(chosen["ground"])
        sheet = mixed(paper, WHITE, 0.6)
        ink = colour(WORDS[0])
        light |= {"paper": paper, "sheet": sheet, "sunk": mixed(paper, ink, 0.05), "line": mixed(paper, ink, 0.16)}
    if "accent" in chosen:
        accent = colour(chosen["accent"])
        mist = mixed(paper, accent, 0.1)
        if least(mist, *map(colour, WORDS)) < READABLE:
            mist = mixed(paper, WHITE, 0.5)
        pine = readable(accent, BLACK, paper, sheet, mist)
        light |= {"pine": pine, "pine-deep": mixed(pine, BLACK, 0.2), "mist": mist, "rail": mixed(paper, pine, 0.35)}
        ground, mist = colour(DARK), mixed(colour(DARK), accent, 0.12)
        pine = readable(accent, WHITE, ground, colour(DARK_SHEET), mist)
        dark |= {"pine": pine, "pine-deep": mixed(pine, WHITE, 0.3), "mist": mist, "rail": mixed(ground, pine, 0.4)}
    lit, unlit = (";".join(f"--{name}:{written(one)}" for name, one in table.items()) for table in (light, dark))
    night = ':root:not([data-theme="light"])'
    # Dark stands as in tokens.css: chosen, or the device's own unless light was chosen.
    return f':root{{{lit}}}:root[data-theme="dark"]{{{_plain()}{unlit}}}' + (
        f"@media (prefers-color-scheme: dark){{{night}{{{_plain()}{unlit}}}}}\n"
    )


def _plain() -> str:
    """The shipped dark ground: a ground of the practice's own holds in light alone."""
    return f"--paper:{DARK};--sheet:{DARK_SHEET};--sunk:#111715;--line:#34413d;"


@router.get("/look.css")
async def look(request: Request) -> Response:
    query = dict(request.query_params)
    chosen = kept(query)
    if not chosen:
        raise Problem(
            422, "Name an accent (1d5c50), or a ground that is light enough to be read on, as three or six digits."
        )
    return files.text(request, style(chosen).encode(), "text/css", {"Cache-Control": "public, max-age=86400"})
