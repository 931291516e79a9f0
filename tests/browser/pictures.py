"""Pictures of the visitor's pages and of every state, to be looked at: python tests/browser/pictures.py URL [FOLDER]."""

from __future__ import annotations

import sys
from pathlib import Path

import chromium
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
SIZES = {"desktop": (1250, 900), "phone": (390, 780)}


def main() -> None:
    url = sys.argv[1].rstrip("/")
    folder = Path(sys.argv[2]) if len(sys.argv) > 2 else Path(__file__).parent / "pictures"
    folder.mkdir(parents=True, exist_ok=True)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium.find(playwright.chromium), args=chromium.ARGS)
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


if __name__ == "__main__":
    main()
