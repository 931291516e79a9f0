"""Pictures of the console with a full queue, to be looked at: python tests/console/console_pictures.py [FOLDER] [--only NAME …].

Starts a server of its own with made-up visitors and staff, and ends it. `--docs` writes the few that docs/console.md shows.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import chain
from pathlib import Path

HERE = Path(__file__).parent
sys.path += [str(HERE), str(HERE.parent), str(HERE.parent / "browser"), str(HERE.parents[1])]

import chromium  # noqa: E402
from cast import ROOT, Server, Visitor, free_port  # noqa: E402
from people import SETTINGS, Console, Staff  # noqa: E402
from playwright.sync_api import Browser, Page, sync_playwright  # noqa: E402

SIZES = {"desktop": (1440, 900), "tablet": (834, 1112), "phone": (390, 844)}
DOCS = {"desktop-light-talk", "desktop-dark-talk", "tablet-light-talk", "phone-light-queue", "phone-dark-talk"}
TALKS = (
    ("I would like to talk to a person, please.",),
    ("My husband hits me when he is drunk.", "I am safe right now, he is at work."),
    ("I feel like a burden to everyone lately.", "It has been like this since the summer."),
    ("Everyone would be better off without me."),
    ("Should I stop taking my sertraline?",),
    ("I would like to book a consultation", "for me", "Robin Vale", "robin@vale.example", "any weekday after three", "no", "yes"),
    ("Is there a person I could write with about my mother's death?",),
    ("I want to kill myself tonight, I have the pills here.",),
    ("I was raped last year and I can't sleep.",),
    ("I have started hearing a voice that tells me to hurt myself.",),
)
MAIN = (
    "What helps when I cannot sleep?",
    "It is more than that. I have been thinking about ending my life.",
    "Not tonight, I think. My sister is in the next room.",
)


@contextmanager
def server() -> Iterator[Server]:
    with tempfile.TemporaryDirectory(prefix="handrail-pictures-") as folder:
        one = Server(Path(folder), free_port(), dict(SETTINGS)).start(300)
        try:
            yield one
        finally:
            one.stop()


def fill(one: Server, staff: Staff) -> str:
    """A full queue and one conversation at work. The handoff that Ana holds."""
    for person in (staff.ana, staff.ben, staff.desk):
        person.post("/v1/console/duty", {"on": True})
    main = Visitor(one.url)
    for text in MAIN[:2]:
        main.say(text)
    main.http.post(main.path + "/handoff", json={"contact": "+1 202 555 0117", "note": "text only, please, no voicemail"})
    held = staff.ana.post("/v1/handoffs/next").json()["id"]
    staff.ana.post(f"/v1/handoffs/{held}/messages", {"text": "Hello, I am here with you. Thank you for writing this to us. Are you safe where you are right now?"})
    main.say(MAIN[2])
    staff.ana.post(f"/v1/handoffs/{held}/messages", {"text": "I am glad that she is close by. I would like to stay with you here for a while."})
    staff.ana.post(f"/v1/handoffs/{held}/notes", {"text": "Sister at home tonight. Agreed to ring again tomorrow at ten."})
    for texts in TALKS:
        visitor = Visitor(one.url)
        for text in (texts,) if isinstance(texts, str) else texts:
            visitor.say(text)
    other = Visitor(one.url)
    other.say("I would like to talk to a person, please.")
    theirs = other.http.get(other.path + "/messages").json()["conversation"]["handoff"]["id"]
    staff.ben.post(f"/v1/handoffs/{theirs}/claim")
    return str(held)


def shots(browser: Browser, staff: Staff, held: str) -> Iterator[tuple[str, Page]]:
    for theme in ("light", "dark"):
        for size, pixels in SIZES.items():
            one = Console(browser, staff.ana, size=pixels, theme=theme)
            page = one.connected()
            page.locator(".ticket .wait").first.wait_for()
            yield f"{size}-{theme}-queue", page
            page.locator(f".ticket[data-id='{held}']").click()
            page.locator(".said.clinician").first.wait_for()
            page.wait_for_timeout(400)
            yield f"{size}-{theme}-talk", page
            if size == "phone":
                page.locator("#act-card").click()
                yield f"{size}-{theme}-card", page
            if size == "desktop":
                for path in ("figures", "gaps", "account"):
                    page.goto(f"{one.url}/console/{path}")
                    page.wait_for_timeout(700)
                    yield f"{size}-{theme}-{path}", page
                yield from others(browser, staff, theme)
            one.context.close()


def others(browser: Browser, staff: Staff, theme: str) -> Iterator[tuple[str, Page]]:
    for who, path, name in (
        (staff.admin, "/console/people", "people"),
        (staff.auditor, "/console/audit", "audit"),
        (staff.desk, "/console", "desk"),
    ):
        one = Console(browser, who, path, theme=theme)
        if name == "desk":
            one.connected().locator(".ticket").first.click()
        one.page.wait_for_timeout(700)
        yield f"desktop-{theme}-{name}", one.page
        one.context.close()


def door(browser: Browser, url: str) -> Iterator[tuple[str, Page]]:
    page = browser.new_page(viewport={"width": 1100, "height": 760})
    page.goto(url.replace("127.0.0.1", "localhost") + "/console")
    yield "desktop-light-door", page
    page.close()


def main() -> None:
    given = argparse.ArgumentParser(description=__doc__)
    given.add_argument("folder", nargs="?", type=Path, default=HERE / "pictures")
    given.add_argument("--docs", action="store_true", help="the few of docs/console.md, as JPEG, into docs/images")
    asked = given.parse_args()
    folder = ROOT / "docs/images" if asked.docs else asked.folder
    folder.mkdir(parents=True, exist_ok=True)
    with server() as one, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium.find(playwright.chromium), args=chromium.ARGS)
        staff = Staff(one)
        held = fill(one, staff)
        for name, page in chain(door(browser, one.url), shots(browser, staff, held)):
            if not asked.docs:
                page.screenshot(path=folder / f"console-{name}.png")
            elif name in DOCS:
                page.screenshot(path=folder / f"console-{name}.jpg", type="jpeg", quality=72)
        browser.close()


if __name__ == "__main__":
    main()
