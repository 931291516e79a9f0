"""The cast of the console's tests: staff who sign in, and a browser that sees what they see."""

from __future__ import annotations

import re
from typing import Any

import httpx
from cast import Server

PASSWORD = "Wet stones under the bridge 7"


class Person:
    """Somebody on the staff, signed in over HTTP as the browser does it: cookie and CSRF token."""

    def __init__(self, url: str, email: str, password: str = PASSWORD) -> None:
        self.http = httpx.Client(base_url=url, timeout=30)
        self.email, self.password = email, password

    def welcome(self, link: str) -> Person:
        answer = self.http.post("/v1/signin/welcome", json={"token": link.partition("#")[2], "password": self.password})
        assert answer.status_code == 200, answer.text
        return self._inside(answer)

    def sign_in(self) -> Person:
        answer = self.http.post("/v1/signin/password", json={"email": self.email, "password": self.password})
        assert answer.status_code == 200, answer.text
        return self._inside(answer)

    def _inside(self, answer: httpx.Response) -> Person:
        self.cookie = re.search(r"__Host-handrail-staff=([^;]+)", answer.headers["set-cookie"])[1]  # type: ignore[index]
        self.http.headers["Cookie"] = f"__Host-handrail-staff={self.cookie}"
        self.me = self.http.get("/v1/account").json()
        self.http.headers["X-CSRF-Token"] = self.me["csrf"]
        self.id = f"user:{self.me['user']['id']}"
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
    return Person(str(admin.http.base_url), email).welcome(made.json()["link"])
