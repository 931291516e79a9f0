"""Whether an element is hidden from the reader of a page, and by what."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from lxml.html import HtmlElement

_RULE = re.compile(r"([^{}]{1,400})\{([^{}]{0,2000})\}")
_COMMENT = re.compile(r"/\*.*?\*/", re.S)
_SELECTOR = re.compile(r"^(?:(?:body|html|main|article) )*(?:[a-z][a-z0-9]*)?((?:[.#][\w-]+)+)$", re.I)
_TELLING = frozenset(
    str.split(
        """display visibility font-size font opacity color background background-color text-indent left top right
        margin-left clip overflow height max-height width font-weight"""
    )
)
_SIZE = re.compile(r"^(\d*\.?\d+)(px|pt|em|rem|%|vw|vh)?$")
_FAR = re.compile(r"^-(\d{3,})(px|em|rem|pt|%)?$")
_RGB = re.compile(r"^rgba?\(\s*(\d{1,3})[\s,]+(\d{1,3})[\s,]+(\d{1,3})(?:[\s,/]+([\d.]+%?))?\s*\)$")
_NAMED = dict(
    pair.split("=")
    for pair in str.split(
        """white=ffffff snow=fffafa ivory=fffff0 ghostwhite=f8f8ff whitesmoke=f5f5f5 floralwhite=fffaf0
        beige=f5f5dc linen=faf0e6 black=000000 gray=808080 grey=808080 silver=c0c0c0 red=ff0000 green=008000
        blue=0000ff navy=000080 teal=008080 yellow=ffff00"""
    )
)
_NEAR = 24  # two colours nearer than this, summed over red, green and blue, cannot be told apart by eye
_FOR_READERS = re.compile(
    r"(^|[\s_-])(sr-only|visually-?hidden|screen-reader(-text)?|element-invisible|u-hidden-visually)($|[\s_-])"
)


@dataclass(slots=True)
class Sheet:
    """What a page's own <style> says of elements by class and id, the more particular rule last."""

    rules: dict[str, list[tuple[frozenset[str], dict[str, str]]]] = field(default_factory=dict)

    @classmethod
    def of(cls, css: str) -> Sheet:
        """Reads selectors of one element (.name, #name, .one.other) outside @media; anything finer needs a browser."""
        sheet = cls()
        for selectors, body in _RULE.findall(_outside_media(_COMMENT.sub("", css[:500_000]))):
            declared = {name: value for name, value in declarations(body).items() if name in _TELLING}
            for selector in selectors.split(",") if declared else ():
                match = _SELECTOR.match(selector.strip())
                if match:
                    names = frozenset(re.findall(r"[.#][\w-]+", match.group(1)))
                    sheet.rules.setdefault(min(names), []).append((names, declared))
        return sheet

    def style(self, element: HtmlElement) -> dict[str, str]:
        """An element's declarations: its classes', its id's, its own."""
        found: dict[str, str] = {}
        own = element.get("style")
        if self.rules and (element.get("class") or element.get("id")):
            names = {f".{name}" for name in (element.get("class") or "").split()} | {f"#{element.get('id') or ''}"}
            fitting = [rule for name in names for rule in self.rules.get(name, ()) if rule[0] <= names]
            for _, declared in sorted(fitting, key=lambda rule: (sum(n[0] == "#" for n in rule[0]), len(rule[0]))):
                found.update(declared)
        if own:
            found.update(declarations(own))
        return found


def declarations(body: str) -> dict[str, str]:
    """CSS declarations as a dict, in lower case, without !important."""
    found: dict[str, str] = {}
    for part in body.split(";"):
        name, colon, value = part.partition(":")
        if colon:
            found[name.strip().lower()] = value.strip().lower().removesuffix("!important").strip()
    return found


def _outside_media(css: str) -> str:
    kept, depth, at, skipping = [], 0, 0, False
    for match in re.finditer(r"@[\w-]+[^{};]*\{|[{}]", css):
        token = match.group()
        if skipping:
            depth += 1 if token.endswith("{") else -1
            if depth == 0:
                skipping, at = False, match.end()
        elif token.startswith("@"):
            kept.append(css[at : match.start()])
            skipping, depth = True, 1
    return "".join(kept) + ("" if skipping else css[at:])


def why_hidden(element: HtmlElement, style: dict[str, str], color: str, background: str) -> str:
    """Why a reader does not see this element, or "". `color` and `background` are those that hold inside it."""
    if element.get("hidden") is not None and element.get("hidden") != "until-found":
        return "hidden text (hidden attribute)"
    if (element.get("aria-hidden") or "").lower() == "true":
        return "hidden text (aria-hidden)"
    if not style:
        return _by_colour(element, color, background)
    if style.get("display") == "none":
        return "hidden text (display: none)"
    if style.get("visibility") in ("hidden", "collapse"):
        return "hidden text (visibility: hidden)"
    if _small(style.get("font-size", ""), 2.0) or _small(style.get("font", "").split(" ")[0].split("/")[0], 2.0):
        return "hidden text (font size next to nothing)"
    if _small(style.get("opacity", ""), 0.05):
        return "hidden text (transparent)"
    if any(_FAR.match(style.get(name, "")) for name in ("text-indent", "left", "top", "margin-left", "right")):
        return "hidden text (moved off the page)"
    if style.get("clip", "").replace(" ", "").startswith(("rect(0,0", "rect(0px,0px", "rect(1px")):
        return "hidden text (clipped away)"
    if style.get("overflow") == "hidden" and any(
        _small(style.get(n, ""), 1.0) for n in ("height", "max-height", "width")
    ):
        return "hidden text (no height)"
    return _by_colour(element, color, background)


def _by_colour(element: HtmlElement, color: str, background: str) -> str:
    if color == "transparent":
        return "hidden text (transparent)"
    if color and background and _distance(color, background) < _NEAR:
        return "hidden text (the colour of its background)"
    return ""


def for_screen_readers(element: HtmlElement) -> bool:
    return bool(_FOR_READERS.search((element.get("class") or "").lower()))


def colour(value: str) -> str:
    """A CSS colour as six hexadecimal digits, "transparent", or "" when it is none that this knows."""
    value = value.strip().lower()
    if value in ("transparent", "rgba(0,0,0,0)"):
        return "transparent"
    if value in _NAMED:
        return _NAMED[value]
    if value.startswith("#") and all(c in "0123456789abcdef" for c in value[1:]):
        digits = value[1:]
        if len(digits) in (3, 4):
            return "".join(c * 2 for c in digits[:3])
        return digits[:6] if len(digits) in (6, 8) else ""
    match = _RGB.match(value)
    if match:
        if match.group(4) in ("0", "0.0", "0%"):
            return "transparent"
        return "".join(f"{min(255, int(part)):02x}" for part in match.groups()[:3])
    return ""


def _distance(one: str, other: str) -> int:
    return sum(abs(int(one[at : at + 2], 16) - int(other[at : at + 2], 16)) for at in (0, 2, 4))


def _small(value: str, limit: float) -> bool:
    match = _SIZE.match(value)
    if not match:
        return False
    number = float(match.group(1))
    if match.group(2) in ("em", "rem"):
        number *= 16
    if match.group(2) == "%":
        number = number / 100 * 16
    return number < limit
