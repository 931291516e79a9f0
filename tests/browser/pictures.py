"""Pictures of the visitor's pages and of every state, to be looked at: python tests/browser/pictures.py URL [FOLDER].

With --docs instead of a folder: those of docs/images, as few and as small as they can be.
"""

from __future__ import annotations

import io
import sys
from pathlib import Path

import chromium
from PIL import Image
from playwright.sync_api import Browser, sync_playwright

PAGES = {
    "home": "/",
    "articles": "/articles",
    "article": "/articles/neuroplasticity#s1-0",
    "practice": "/practice",
    "protocol": "/safety-protocol",
    "demo": "/demo",
    "chat": "/chat",
}
DOCS = Path(__file__).parents[2] / "docs" / "images"
PANELS = (
    "answer ",
    "human ",
    "crisis ",
    "exercise ",
    "offline ",
    "answer theme=dark",
    "crisis theme=dark",
    "waiting lang=ar",
)
SIZES = {"desktop": (1250, 900), "phone": (390, 780)}


def main() -> None:
    url = sys.argv[1].rstrip("/")
    for_docs = "--docs" in sys.argv
    given = [one for one in sys.argv[2:] if one != "--docs"]
    folder = DOCS if for_docs else Path(given[0]) if given else Path(__file__).parent / "pictures"
    folder.mkdir(parents=True, exist_ok=True)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium.find(playwright.chromium), args=chromium.ARGS)
        if for_docs:
            docs(browser, url, folder)
            browser.close()
            return
        for scheme in ("light", "dark"):
            for size, (width, height) in SIZES.items():
                pages(browser, url, folder, scheme, size, width, height)
        panels(browser, url, folder)
        browser.close()


def pages(browser: Browser, url: str, folder: Path, scheme: str, size: str, width: int, height: int) -> None:
    context = browser.new_context(
        viewport={"width": width, "height": height}, color_scheme="dark" if scheme == "dark" else "light"
    )
    page = context.new_page()
    for name, path in PAGES.items():
        page.goto(url + path)
        page.wait_for_load_state("networkidle" if name == "demo" else "load")
        page.wait_for_timeout(400)
        page.screenshot(path=folder / f"{name}-{size}-{scheme}.png", full_page=name in {"home", "protocol"})
    context.close()


def panels(browser: Browser, url: str, folder: Path) -> None:
    page = browser.new_page(viewport={"width": 1250, "height": 900}, reduced_motion="reduce")
    page.goto(f"{url}/gallery")
    for handle in page.locator(".launchers iframe, .panels iframe").element_handles():
        handle.scroll_into_view_if_needed()
        page.wait_for_timeout(500)
        title = (handle.get_attribute("title") or "").strip().replace(" ", "-").replace("=", "-")
        handle.screenshot(path=folder / f"panel-{title}.png")


def docs(browser: Browser, url: str, folder: Path) -> None:
    page = browser.new_page(viewport={"width": 1180, "height": 820}, reduced_motion="reduce")
    page.goto(f"{url}/demo")
    page.get_by_role("button", name="Chat").click()
    frame = page.frame_locator("handrail-chat iframe")
    frame.locator("li.disclosure").wait_for()
    frame.locator("#text").fill("does therapy really change the brain?")
    frame.locator("#text").press("Enter")
    frame.locator("li.answer").wait_for()
    page.wait_for_timeout(400)
    keep([taken(page.screenshot())], folder / "widget-desktop.png", across=1)
    page.goto(f"{url}/gallery")
    shots = []
    for title in PANELS:
        handle = page.locator(f".panels iframe[title='{title}']").element_handle()
        handle.scroll_into_view_if_needed()
        page.wait_for_timeout(500)
        shots.append(taken(handle.screenshot()))
    keep(shots, folder / "widget-phone.png", across=4)
    wide = []
    for theme, language in (("light", "en"), ("dark", "en"), ("light", "ar"), ("dark", "es")):
        one = browser.new_page(viewport={"width": 1000, "height": 640}, reduced_motion="reduce")
        one.goto(f"{url}/chat?theme={theme}&lang={language}")
        one.locator("li.disclosure").wait_for()
        one.wait_for_timeout(300)
        wide.append(taken(one.screenshot()))
        one.close()
    keep(wide, folder / "chat-desktop.png", across=2)


def taken(png: bytes) -> Image.Image:
    return Image.open(io.BytesIO(png)).convert("RGB")


def keep(shots: list[Image.Image], path: Path, across: int) -> None:
    """Side by side, at most 1600 pixels wide, in 128 colours: what a page of text needs."""
    wide, high = shots[0].size
    rows = -(-len(shots) // across)
    sheet = Image.new("RGB", (across * (wide + 16) - 16, rows * (high + 16) - 16), "#8b918d")
    for n, shot in enumerate(shots):
        sheet.paste(shot, (n % across * (wide + 16), n // across * (high + 16)))
    if sheet.width > 1600:
        sheet = sheet.resize((1600, round(sheet.height * 1600 / sheet.width)), Image.Resampling.LANCZOS)
    sheet.quantize(128, dither=Image.Dither.NONE).save(path, optimize=True)


if __name__ == "__main__":
    main()
