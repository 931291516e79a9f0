"""The same promises in the other two families of browsers, where they are installed: Firefox and WebKit."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import axe_playwright_python
import engines
import pytest
from cast import Server
from place import AXE_TAGS, PAGES, Site

AXE = (Path(axe_playwright_python.__file__).parent / "axe.min.js").read_text(encoding="utf-8")
FAULTS = """
const [tags, done] = arguments;
axe.run(document, { runOnly: { type: "tag", values: tags }, iframes: false }).then((found) => done(found.violations
  .flatMap((v) => v.nodes.map((n) => `${v.id}: ${n.html.slice(0, 140)}`))), (error) => done([String(error)]));
"""
ROOT = "document.querySelector('handrail-chat').shadowRoot"
OPENED = "return !!document.querySelector('#list > li.disclosure')"
SMALL = """return [...document.querySelectorAll("button, select, textarea, input, summary, a")]
.filter((e) => e.checkVisibility() && !e.closest(".said p, p.soft"))
.filter((e) => { const b = e.getBoundingClientRect(); return b.width < 44 || b.height < 44 })
.map((e) => e.outerHTML.slice(0, 120))"""


@pytest.fixture(scope="module", params=[engines.Firefox, engines.WebKit], ids=["firefox", "webkit"])
def engine(request: pytest.FixtureRequest) -> Iterator[engines.Engine]:
    try:
        made = request.param()
    except engines.NoEngine as missing:
        pytest.skip(str(missing))
    with made:
        made.size(1250, 950)
        yield made


def faults(engine: engines.Engine) -> list[str]:
    found: list[str] = engine.run_async(f"{AXE};{FAULTS}", AXE_TAGS)
    return found


def put(site: Site, server: Server, name: str) -> str:
    """A page of somebody else's with the widget on it; a field before it, to see where the keyboard goes."""
    line = f'<script type="module" async src="{server.url}/embed.js" data-exit-url="{site.away}"></script>'
    page = (
        f'<!doctype html><html lang="en"><title>Practice</title><body><a id="before" href="/before">a</a>{line}</body>'
    )
    return site.put(f"/{name}", page)


def enter(engine: engines.Engine) -> None:
    engine.until(f"return !!{ROOT}.querySelector('.panel.on')")
    engine.frame(f"{ROOT}.querySelector('iframe')")
    engine.until(OPENED)


def test_one_visit_by_keyboard_in_somebody_elses_page(engine: engines.Engine, site: Site, server: Server) -> None:
    engine.goto(f"{site.url}/before")
    engine.goto(put(site, server, f"engine-{engine.name}"))
    engine.until("return !!window.Handrail?.open")
    engine.run("document.querySelector('#before').focus()")
    engine.keys("Tab", "Enter")
    enter(engine)
    assert engine.run("return [...document.links].find((a) => a.checkVisibility()).href") == "tel:911"
    engine.keys(*"what is neuroplasticity?", "Enter")
    engine.until("return !!document.querySelector('li.answer .quote')")
    said = "return [...document.querySelectorAll('li.visitor .said')].map((e) => e.textContent)"
    assert engine.run(said) == ["what is neuroplasticity?"]
    assert engine.run("return document.activeElement.id") == "text"
    engine.keys("Escape", ways=["keyDown"])
    engine.top()
    engine.keys("Escape", ways=["keyUp"])
    assert engine.run("return Handrail.getState().open") is False
    focused = f"return {ROOT}.activeElement?.getAttribute('aria-expanded')"
    assert engine.run(focused) == "false"
    engine.keys("Enter")
    enter(engine)
    assert engine.run(said) == ["what is neuroplasticity?"]
    engine.keys("Shift", "Shift")
    engine.keys("Shift", ways=["keyDown"])
    engine.top()
    engine.until("return document.title === 'Weather'")
    engine.keys("Shift", ways=["keyUp"])
    engine.run("history.back()")
    engine.until("return document.title === 'Before'")  # the practice's page is not behind it


def test_a_person_is_asked_for_and_the_lines_grow_with_words_of_risk(
    engine: engines.Engine, site: Site, server: Server
) -> None:
    engine.goto(f"{server.url}/chat?exit={site.away}")
    engine.until(OPENED)
    engine.run("document.querySelector('#text').focus()")
    engine.keys(*"I want to die", "Enter")
    engine.until("return !!document.querySelector('#care.urgent') && !document.querySelector('#card').hidden")
    assert "988" in engine.run("return document.querySelector('li.crisis, li.support').textContent")
    assert faults(engine) == []


def test_axe_finds_nothing_on_any_page_of_theirs(engine: engines.Engine, server: Server) -> None:
    for path in PAGES:
        engine.goto(server.url + path)
        assert faults(engine) == [], path


def test_axe_finds_nothing_in_any_state_of_theirs(engine: engines.Engine, server: Server) -> None:
    engine.goto(f"{server.url}/gallery")
    count = engine.run("return document.querySelectorAll('#panels iframe').length")
    assert count > 15
    for n in range(count):
        one = f"document.querySelectorAll('#panels iframe')[{n}]"
        title = engine.run(f"{one}.scrollIntoView(); return {one}.title")
        engine.until(f"return {one}.contentDocument.querySelector('#list > li.disclosure') !== null")
        engine.frame(one)
        assert faults(engine) == [], title
        assert engine.run(SMALL) == [], title
        assert engine.run("return document.documentElement.scrollWidth <= innerWidth"), title
        engine.top()
