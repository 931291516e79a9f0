"""Fixtures that every room shares: one warm index, real servers, the cast."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest
from cast import HANDRAIL, ROOT, Server, Visitor, copy_warm, environment, free_port
from playwright.sync_api import Browser, Playwright, expect, sync_playwright

sys.path.append(str(Path(__file__).parent / "browser"))
import chromium  # noqa: E402

expect.set_options(timeout=20_000)  # a busy machine is no fault of the page


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Tests with a browser come last: once Playwright runs, its loop stays in this thread, and no other may start."""
    items.sort(key=lambda item: "playwright" in getattr(item, "fixturenames", ()))


@pytest.fixture(scope="session")
def playwright() -> Iterator[Playwright]:
    """One for all rooms: Playwright's sync side runs once in a process."""
    with sync_playwright() as running:
        yield running


@pytest.fixture(scope="session")
def browser(playwright: Playwright) -> Iterator[Browser]:
    try:
        path = chromium.find(playwright.chromium)
    except chromium.NoChromium as missing:
        pytest.fail(str(missing), pytrace=False)
    browser = playwright.chromium.launch(executable_path=path, args=chromium.ARGS)
    yield browser
    browser.close()


@pytest.fixture(scope="session")
def warm(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data folder with the model exported, the filter's examples embedded and the shipped articles indexed: copied by links, never written to."""
    folder = tmp_path_factory.mktemp("warm")
    for order in (["index"], ["screen", "hello"]):  # the second leaves the examples' vectors beside the model
        done = subprocess.run(
            [*HANDRAIL, *order], cwd=ROOT, env=environment(folder), capture_output=True, text=True, timeout=280
        )
        assert done.returncode == 0, done.stderr
    return folder


Start = Callable[..., Server]


@pytest.fixture(scope="session")
def make_server(warm: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Start]:
    made: list[Server] = []

    def make(**settings: str) -> Server:
        data = copy_warm(warm, tmp_path_factory.mktemp("data"))
        one = Server(data, free_port(), settings)
        made.append(one)
        return one.start()

    yield make
    for one in made:
        one.stop()


@pytest.fixture(scope="session")
def server(make_server: Start) -> Server:
    """The one that most tests share. Rates are wide, since one address plays the whole town."""
    return make_server(HANDRAIL_CONVERSATIONS_PER_MINUTE="100000")


@pytest.fixture
def visitor(server: Server) -> Visitor:
    return Visitor(server.url)


@pytest.fixture
def stranger(server: Server) -> Visitor:
    """Has a conversation of their own, and must get a 404 for anybody else's."""
    return Visitor(server.url)


@pytest.fixture(scope="session")
def clinician(server: Server) -> httpx.Client:
    """Works by API key, as an integrator's console would."""
    return httpx.Client(
        base_url=server.url,
        timeout=30,
        headers={"Authorization": f"Bearer {server.key('clinician', 'handoffs,webhooks,answers')}"},
    )
