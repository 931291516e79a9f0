"""Where the browser tests happen: a website of somebody else's, and what a visitor does with hands and eyes."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import httpx
from cast import Server
from playwright.sync_api import BrowserContext, Frame, FrameLocator, Page

CONSENT = "By writing you agree that Larkfield keeps your words."
PAGES = ["/", "/articles", "/articles/neuroplasticity", "/practice", "/safety-protocol", "/demo", "/chat"]
AXE_TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
NewContext = Callable[..., BrowserContext]


class Site:
    """A website of somebody else's: pages by path, each with its own headers."""

    def __init__(self) -> None:
        self.pages: dict[str, tuple[str, dict[str, str]]] = {
            "/away": ("<!doctype html><title>Weather</title><h1>Weather</h1>", {}),
            "/before": ("<!doctype html><title>Before</title><h1>Before</h1>", {}),
        }
        site = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                body, headers = site.pages.get(self.path.partition("?")[0], ("", {}))
                self.send_response(200 if body else 404)
                for name, value in ({"Content-Type": "text/html; charset=utf-8"} | headers).items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(body.encode())

            def log_message(self, *_: Any) -> None:
                pass

        self.http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        port = self.http.server_address[1]
        self.url = f"http://localhost:{port}"  # localhost against 127.0.0.1: another site, not only another port
        self.stranger = f"http://127.0.0.1:{port}"  # the same pages from an origin that nobody allowed
        threading.Thread(target=self.http.serve_forever, daemon=True).start()

    @property
    def away(self) -> str:
        return f"{self.url}/away"

    def put(self, path: str, body: str, **headers: str) -> str:
        self.pages[path] = (body, {name.replace("_", "-"): value for name, value in headers.items()})
        return self.url + path


class Watched:
    """What browser contexts asked of the network, and what went wrong in their pages."""

    def __init__(self) -> None:
        self.requests: list[str] = []
        self.errors: list[str] = []

    def watch(self, context: BrowserContext) -> None:
        context.on("request", lambda request: self.requests.append(request.url))
        context.on("weberror", lambda error: self.errors.append(str(error.error)))


def open_chat(page: Page, server: Server, site: Site, query: str = "") -> Page:
    """The conversation page, with its conversation open."""
    page.goto(f"{server.url}/chat?exit={site.away}{query}")
    page.wait_for_function("() => JSON.parse(sessionStorage.getItem('handrail') || '{}').id")
    return page


def kept(page: Page | Frame) -> dict[str, Any]:
    """What the tab remembers: id, token, unsent …"""
    return dict(page.evaluate("() => JSON.parse(sessionStorage.getItem('handrail') || '{}')"))


def write(page: Page | Frame | FrameLocator, text: str) -> None:
    """As a visitor does: into the first textbox, and Enter."""
    box = page.get_by_role("textbox").first
    box.fill(text)
    box.press("Enter")


def stored(server: Server, page: Page | Frame) -> list[dict[str, Any]]:
    """The conversation as the server has it."""
    tab = kept(page)
    answer = httpx.get(
        f"{server.url}/v1/conversations/{tab['id']}/messages",
        headers={"Authorization": f"Bearer {tab['token']}"},
        timeout=30,
    )
    return list(answer.json()["messages"])


class Clinician:
    """Somebody of the practice, at the API."""

    def __init__(self, server: Server, key: str) -> None:
        self.http = httpx.Client(base_url=server.url, headers={"Authorization": f"Bearer {key}"}, timeout=30)

    def claim(self, conversation: str) -> str:
        """Claims the conversation's handoff; gives the handoff's id."""
        waiting = self.http.get("/v1/handoffs", params={"state": "waiting"}).json()["handoffs"]
        found: str = next(one["id"] for one in waiting if one["conversation"] == conversation)
        claimed = self.http.post(f"/v1/handoffs/{found}/claim", json={})
        assert claimed.status_code == 200, claimed.text
        return found

    def say(self, handoff: str, text: str) -> None:
        answer = self.http.post(f"/v1/handoffs/{handoff}/messages", json={"text": text})
        assert answer.status_code in {200, 201}, answer.text


class BadLine:
    """A real line between browser and server that can fall silent: open for both, dead for the world.

    What goes over a connection whose request holds one of `swallowed` reaches the server; nothing comes back.
    """

    def __init__(self, server: Server) -> None:
        self.swallowed: list[bytes] = []
        self.dead: list[bytes] = []  # the first lines of requests whose answers were swallowed
        self.server = server
        self.ear = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self.ear.getsockname()[1]}"
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self) -> None:
        while True:
            try:
                near, _ = self.ear.accept()
                far = socket.create_connection(("127.0.0.1", self.server.port))
            except OSError:
                return
            asked: list[bytes] = []
            threading.Thread(target=self.pump, args=(near, far, asked, True), daemon=True).start()
            threading.Thread(target=self.pump, args=(far, near, asked, False), daemon=True).start()

    def pump(self, source: socket.socket, target: socket.socket, asked: list[bytes], out: bool) -> None:
        while True:
            try:
                piece = source.recv(65536)
                if not piece:
                    target.close()
                    return
                first = piece.split(b"\r\n", 1)[0]
                if out and first.endswith(b"HTTP/1.1"):
                    asked[:] = [first]
                if not out and asked and any(one in asked[0] for one in self.swallowed):
                    self.dead += asked
                    continue
                target.sendall(piece)
            except OSError:
                return

    def close(self) -> None:
        self.ear.close()
