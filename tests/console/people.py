"""The cast of the console's tests: staff who sign in, and the console as each of them sees it."""

from __future__ import annotations

import itertools
import re
import time
from collections.abc import Callable
from typing import Any

import httpx
from cast import Server
from playwright.sync_api import Browser, Page

PASSWORD = "Wet stones under the bridge 7"
COOKIE = "__Host-handrail-staff"
_ADDRESSES = (f"10.0.{n // 250}.{n % 250 + 1}" for n in itertools.count())


INSIDE: dict[str, Person] = {}  # everybody who has signed in, by id: who holds a handoff is asked to let go of it


class Person:
    """Somebody on the staff, signed in over HTTP as the browser does it, from an address of their own."""

    def __init__(self, url: str, email: str, password: str = PASSWORD, address: str = "") -> None:
        self.url, self.email, self.password = url, email, password
        self.address = address or next(_ADDRESSES)
        self.http = httpx.Client(base_url=url, timeout=60, headers={"X-Forwarded-For": self.address})

    def welcome(self, link: str) -> Person:
        answer = self.http.post("/v1/signin/welcome", json={"token": link.partition("#")[2], "password": self.password})
        assert answer.status_code == 200, answer.text
        return self.inside(answer)

    def sign_in(self) -> Person:
        answer = self.http.post("/v1/signin/password", json={"email": self.email, "password": self.password})
        assert answer.status_code == 200, answer.text
        return self.inside(answer)

    def inside(self, answer: httpx.Response) -> Person:
        found = re.search(rf"{COOKIE}=([^;]+)", answer.headers["set-cookie"])
        assert found
        self.cookie = found[1]
        self.http.cookies.clear()
        self.http.headers["Cookie"] = f"{COOKIE}={self.cookie}"
        self.me = self.http.get("/v1/account").json()
        self.http.headers["X-CSRF-Token"] = self.me["csrf"]
        self.id = f"user:{self.me['user']['id']}"
        INSIDE.setdefault(self.id, self)
        return self

    def get(self, path: str, **more: Any) -> httpx.Response:
        return self.http.get(path, **more)

    def post(self, path: str, body: Any = None, **more: Any) -> httpx.Response:
        return self.http.post(path, json={} if body is None else body, **more)

    def delete(self, path: str) -> httpx.Response:
        return self.http.delete(path)


def first_admin(server: Server) -> Person:
    """Whoever opens the link that the first run prints."""
    link = re.search(r"\S+/console/welcome#\S+", server.log())
    assert link, "the first run prints a link"
    return Person(server.url, "admin@localhost").welcome(link[0])


def hire(admin: Person, email: str, name: str, role: str) -> Person:
    made = admin.post("/v1/console/people", {"email": email, "name": name, "role": role})
    assert made.status_code == 201, made.text
    return Person(admin.url, email).welcome(made.json()["link"])


class Staff:
    """One of each role, and two clinicians."""

    def __init__(self, server: Server) -> None:
        self.admin = first_admin(server)
        self.ana = hire(self.admin, "ana@larkfield.example", "Clinician A", "clinician")
        self.ben = hire(self.admin, "ben@larkfield.example", "Clinician B", "clinician")
        self.desk = hire(self.admin, "desk@larkfield.example", "Front Desk", "front_desk")
        self.auditor = hire(self.admin, "audit@larkfield.example", "Ada Auditor", "auditor")


class Console:
    """The console in a browser of its own. Every error that the page reports is a fault of the test."""

    def __init__(
        self,
        browser: Browser,
        who: Person,
        path: str = "/console",
        *,
        theme: str = "light",
        size: tuple[int, int] = (1440, 900),
        url: str = "",
        **more: Any,
    ) -> None:
        self.url = (url or who.url).replace("127.0.0.1", "localhost")
        self.context = browser.new_context(
            viewport={"width": size[0], "height": size[1]},
            color_scheme=theme,  # type: ignore[arg-type]
            extra_http_headers={"X-Forwarded-For": who.address},
            **more,
        )
        self.context.add_cookies([self.staff_cookie(who)])  # type: ignore[list-item]
        self.faults: list[str] = []
        self.expected: list[str] = []
        self.page = self.tab(path)

    def staff_cookie(self, who: Person) -> dict[str, Any]:
        return {"name": COOKIE, "value": who.cookie, "url": "https://localhost", "secure": True, "httpOnly": True, "sameSite": "Strict"}

    def tab(self, path: str = "/console") -> Page:
        page = self.context.new_page()
        page.set_default_timeout(30_000)
        page.on("pageerror", lambda error: self.faults.append(str(error)))
        page.on("console", lambda said: said.type == "error" and self._said(said.text))
        page.on("dialog", lambda box: (self.faults.append(f"dialog: {box.message}"), box.dismiss()))
        page.goto(self.url + path)
        return page

    def _said(self, text: str) -> None:
        if not any(part in text for part in self.expected):
            self.faults.append(text)

    def connected(self, page: Page | None = None) -> Page:
        page = page or self.page
        page.wait_for_selector("#link[data-state=open]")
        return page


def until(true: Callable[[], Any], seconds: float = 30.0, what: str = "") -> Any:
    """Waits for what must come true; how long it took is nobody's assertion."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if found := true():
            return found
        time.sleep(0.05)
    raise AssertionError(f"it did not come true in {seconds} s: {what or true}")


Open = Callable[..., Console]
SETTINGS = {"HANDRAIL_CONVERSATIONS_PER_MINUTE": "100000", "HANDRAIL_PROXIES": "1"}
