"""Dead letters in the console: seen with their reason, sent again one by one or all at once."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from cast import Server, Visitor
from people import Console, Person, first_admin, until
from playwright.sync_api import Browser, expect


class Target:
    """Answers as it is told; remembers what it was sent."""

    def __init__(self) -> None:
        self.status, self.got = 410, list[int]()
        target = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                event = json.loads(self.rfile.read(int(self.headers["content-length"])))["data"]["event"]
                target.got.append(event)
                self.send_response(target.status)
                self.end_headers()

            def log_message(self, *args: object) -> None:
                pass

        self.http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.http.serve_forever, daemon=True).start()
        self.url = f"http://127.0.0.1:{self.http.server_port}/hook"


@pytest.fixture
def target() -> Iterator[Target]:
    one = Target()
    yield one
    one.http.shutdown()


def test_dead_letters_are_seen_and_sent_again(browser: Browser, make_server: Any, target: Target) -> None:
    house: Server = make_server(HANDRAIL_WEBHOOK_ALLOW_PRIVATE="true")
    admin: Person = first_admin(house)
    made = admin.post("/v1/webhooks", {"url": target.url, "events": ["conversation.started"]})
    assert made.status_code == 201, made.text
    id = made.json()["id"]

    def dead() -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = admin.get(f"/v1/webhooks/{id}?state=dead").json()["deliveries"]
        return found

    Visitor(house.url)
    until(lambda: len(dead()) == 1)
    one = Console(browser, admin, "/console/webhooks")
    page = one.page
    expect(page.locator("#state")).to_have_text("1 webhooks, 1 dead letters.")
    expect(page.locator("#hooks")).to_contain_text("switched off")
    row = page.locator("#hooks tbody tr")
    expect(row).to_contain_text("conversation.started")
    target.status = 204
    row.get_by_role("button", name="Send event").click()
    until(lambda: len(target.got) == 2 and not dead())
    page.reload()
    expect(page.locator("#state")).to_have_text("1 webhooks, 0 dead letters.")
    expect(page.locator("#hooks")).not_to_contain_text("switched off")
    assert target.got[0] == target.got[1], "the same event"
    assert not one.faults, one.faults
    one.context.close()
