"""A real Chromium, the real server, and a website of somebody else's to put the widget on."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from cast import ROOT, Server
from place import CONSENT, Clinician, NewContext, Site, Watched, open_chat
from playwright.sync_api import Browser, BrowserContext, Page


@pytest.fixture(scope="session")
def site() -> Iterator[Site]:
    site = Site()
    yield site
    site.http.shutdown()


@pytest.fixture(scope="session")
def settings(site: Site, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """The demo practice, but with a sentence of consent of its own, in English alone."""
    practice = (ROOT / "corpus" / "practice.toml").read_text(encoding="utf-8")
    own = tmp_path_factory.mktemp("practice") / "practice.toml"
    own.write_text(practice.replace("[privacy]\n", f"[privacy]\nconsent = {{ en = {json.dumps(CONSENT)} }}\n"))
    return {
        "HANDRAIL_PRACTICE": str(own),
        "HANDRAIL_ALLOWED_ORIGINS": site.url,
        "HANDRAIL_CONVERSATIONS_PER_MINUTE": "100000",
        "HANDRAIL_LOG_LEVEL": "info",
    }


@pytest.fixture(scope="session")
def server(make_server: Callable[..., Server], settings: dict[str, str]) -> Server:
    """One for all tests that leave it standing."""
    return make_server(**settings)


@pytest.fixture(scope="session")
def clinician(server: Server) -> Clinician:
    return Clinician(server, server.key("browser", "handoffs"))


@pytest.fixture
def watched() -> Watched:
    return Watched()


@pytest.fixture
def new_context(browser: Browser, site: Site, watched: Watched) -> Iterator[NewContext]:
    """Makes browser contexts. Afterwards: no script error, and no request to anybody but loopback."""
    contexts: list[BrowserContext] = []

    def make(**options: Any) -> BrowserContext:
        options.setdefault("viewport", {"width": 390, "height": 780})
        context = browser.new_context(**options)
        context.set_default_timeout(20000)
        watched.watch(context)
        contexts.append(context)
        return context

    yield make
    for context in contexts:
        context.close()
    ours = ("http://127.0.0.1:", "http://localhost:", "data:", "blob:", "about:")
    assert [url for url in watched.requests if not url.startswith(ours)] == []
    assert watched.errors == []


@pytest.fixture
def page(new_context: NewContext) -> Page:
    return new_context().new_page()


@pytest.fixture
def chat(page: Page, server: Server, site: Site) -> Page:
    """The conversation page, opened and ready."""
    return open_chat(page, server, site)
