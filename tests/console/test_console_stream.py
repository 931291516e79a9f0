"""The console's stream and the life of a session, read as bytes and by a clock of the test's own."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from cast import Server, Visitor, copy_warm
from people import PASSWORD, Person, until
from starlette.testclient import TestClient

from bot.app import build
from bot.settings import Settings


class Stream:
    """What a console hears, frame by frame."""

    def __init__(self, who: Person, query: str = "") -> None:
        self._open = who.http.stream("GET", f"/v1/stream{query}", timeout=httpx.Timeout(30, read=30))
        self.answer = self._open.__enter__()
        assert self.answer.status_code == 200
        self._frames = self._read()

    def _read(self) -> Iterator[tuple[str, dict[str, Any]]]:
        name = ""
        for line in self.answer.iter_lines():
            if line.startswith("event: "):
                name = line[7:]
            elif line.startswith("data: "):
                yield name, json.loads(line[6:])

    def next(self, name: str, fits: Callable[[dict[str, Any]], Any] = lambda data: True) -> dict[str, Any]:
        """The next frame of this name that fits; frames before it are passed over."""
        for found, data in self._frames:
            if found == name and fits(data):
                return data
        raise AssertionError(f"the stream ended without {name}")

    def close(self) -> None:
        self._open.__exit__(None, None, None)


def handoff_of(visitor: Visitor) -> str:
    id: str = visitor.http.get(visitor.path + "/messages").json()["conversation"]["handoff"]["id"]
    return id


def test_a_new_handoff_and_each_step_of_it_reach_every_console(empty: None, server: Server, ana: Person, ben: Person, desk: Person) -> None:
    consoles = [Stream(who) for who in (ana, ben, desk)]
    visitor = Visitor(server.url)
    visitor.say("I have been thinking about ending my life.")
    id = handoff_of(visitor)

    def waits(board: dict[str, Any]) -> bool:
        return id in [h["id"] for h in board["waiting"]]

    for one in consoles[:2]:
        row = next(h for h in one.next("board", waits)["waiting"] if h["id"] == id)
        assert (row["reason"], row["urgency"]) == ("suicide", 3)
        assert "ending my life" not in json.dumps(row), "a row says why, and not what"
    ana.post(f"/v1/handoffs/{id}/claim")
    held = consoles[1].next("board", lambda board: id in [h["id"] for h in board["claimed"]])
    assert next(h for h in held["claimed"] if h["id"] == id)["holder"]["name"] == "Clinician A"
    ana.post(f"/v1/handoffs/{id}/close", {"outcome": "resolved", "note": "Done."})
    consoles[1].next("board", lambda board: not waits(board) and id not in [h["id"] for h in board["claimed"]])
    for one in consoles:
        one.close()


def test_the_open_conversation_follows_each_message_once_in_order(empty: None, server: Server, ana: Person) -> None:
    visitor = Visitor(server.url)
    visitor.say("I would like to talk to a person, please.")
    id = handoff_of(visitor)
    ana.post(f"/v1/handoffs/{id}/claim")
    stream = Stream(ana, f"?handoff={id}&after=0")
    for n in range(5):
        visitor.say(f"number {n}")
    ana.post(f"/v1/handoffs/{id}/messages", {"text": "I am reading."})
    heard = []
    while not heard or heard[-1]["text"] != "I am reading.":
        heard.append(stream.next("message"))
    assert [m["seq"] for m in heard] == list(range(1, heard[-1]["seq"] + 1))
    visitor.http.post(visitor.path + "/typing", json={"typing": True})
    assert stream.next("typing") == {"typing": True}
    stream.close()
    again = Stream(ana, f"?handoff={id}&after={heard[-2]['seq']}")
    assert again.next("message")["text"] == "I am reading."
    again.close()


def test_a_private_note_sends_no_sign_of_typing_and_no_message(empty: None, server: Server, ana: Person) -> None:
    visitor = Visitor(server.url)
    visitor.say("I would like to talk to a person, please.")
    id = handoff_of(visitor)
    ana.post(f"/v1/handoffs/{id}/claim")
    before = visitor.messages()
    ana.post(f"/v1/handoffs/{id}/notes", {"text": "Seems calm."})
    assert visitor.messages() == before
    with visitor.http.stream("GET", visitor.path + "/events") as answer:
        lines = iter(answer.iter_lines())
        state = next(line for line in lines if line.startswith("data: ") and '"owner"' in line)
    assert "typing" not in json.loads(state[6:])


def test_a_stream_keeps_its_holders_claims(make_server: Callable[..., Server]) -> None:
    """Longer than the lease; then the stream ends, and the handoff goes back with its older clock."""
    from people import SETTINGS, Staff

    server = make_server(**SETTINGS | {"HANDRAIL_LEASE_SECONDS": "5"})
    ana = Staff(server).ana
    visitor = Visitor(server.url)
    visitor.say("I have been thinking about ending my life.")
    id = handoff_of(visitor)
    opened = ana.get(f"/v1/handoffs/{id}").json()["opened_at"]
    stream = Stream(ana)
    first = ana.post(f"/v1/handoffs/{id}/claim").json()["lease_until"]
    for _ in range(4):
        stream.next("beat")
    one = ana.get(f"/v1/handoffs/{id}").json()
    assert one["state"] == "claimed" and one["lease_until"] > first
    stream.close()
    until(lambda: ana.get(f"/v1/handoffs/{id}").json()["state"] == "waiting", 30)
    back = ana.get(f"/v1/handoffs/{id}").json()
    assert (back["opened_at"], back["urgency"]) == (opened, 3)


def test_a_session_ended_elsewhere_ends_the_stream_and_says_so(server: Server, ana: Person) -> None:
    other = Person(server.url, ana.email).sign_in()
    stream = Stream(other)
    stream.next("beat")
    mine = next(s["id"] for s in ana.get("/v1/account").json()["sessions"] if s["address"] == other.address)
    ana.delete(f"/v1/account/sessions/{mine}")
    assert stream.next("ended") == {"why": "elsewhere"}
    stream.close()


def test_following_a_conversation_is_in_the_log(empty: None, server: Server, ana: Person, auditor: Person) -> None:
    visitor = Visitor(server.url)
    visitor.say("I would like to talk to a person, please.")
    id = handoff_of(visitor)
    Stream(ana, f"?handoff={id}").close()
    ana.get(f"/v1/handoffs/{id}")
    rows = auditor.get("/v1/console/audit", params={"subject": visitor.id, "action": "transcript"}).json()["rows"]
    assert {(row["action"], row["name"]) for row in rows} == {("transcript.follow", "Clinician A"), ("transcript.read", "Clinician A")}


# ── the session's clock ──


class Hands:
    """A clock that the test turns."""

    def __init__(self) -> None:
        self.now = datetime(2026, 11, 2, 15, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now

    def turn(self, **by: float) -> None:
        self.now += timedelta(**by)


@pytest.fixture
def house(warm: Path, tmp_path: Path) -> Iterator[tuple[TestClient, Hands]]:
    """The whole application in this process, by the test's clock, with its first admin signed in."""
    from bot import office

    hands = Hands()
    data = copy_warm(warm, tmp_path / "data")
    links: list[str] = []

    async def ready(state: Any) -> None:
        links.append(await office.first_link(state.store, hands()) or "")

    with TestClient(build(Settings(data=data), clock=hands, ready=ready), base_url="https://testserver") as client:
        token = links[0].partition("#")[2]
        assert client.post("/v1/signin/welcome", json={"token": token, "password": PASSWORD}).status_code == 200
        yield client, hands


def test_fifteen_idle_minutes_end_a_session(house: tuple[TestClient, Hands]) -> None:
    client, hands = house
    for _ in range(3):
        hands.turn(minutes=14)
        assert client.get("/v1/account").status_code == 200
    hands.turn(minutes=16)
    assert client.get("/v1/account").status_code == 401
    assert 'id="email"' in client.get("/console").text


def test_twelve_hours_end_a_session_however_busy(house: tuple[TestClient, Hands]) -> None:
    client, hands = house
    for _ in range(71):
        hands.turn(minutes=10)
        assert client.get("/v1/account").status_code == 200
    hands.turn(minutes=11)
    assert client.get("/v1/account").status_code == 401


def test_an_open_console_alone_does_not_keep_anybody_in(house: tuple[TestClient, Hands]) -> None:
    """The stream looks at the session without touching it."""
    from bot.routes.console_stream import _Mine

    client, hands = house
    app = client.app.state.here  # type: ignore[attr-defined]
    cookie = client.cookies["__Host-handrail-staff"]
    from bot.routes import access

    async def look() -> list[tuple[float, str]]:
        found = await app.store.session(access.digest(cookie), hands(), 900, 43200)
        who = access.Staff(access.Holder(f"user:{found[0].id}", "", "admin"), found[0])
        mine = _Mine(app, who, access.digest(cookie))
        seen = []
        for _ in range(4):
            hands.turn(minutes=4.5)
            seen.append(await mine.left())
        return seen

    left = client.portal.call(look)  # type: ignore[union-attr]
    assert [why for _, why in left] == ["", "", "", "idle"]
    assert [round(seconds) for seconds, _ in left][:3] == [630, 360, 90]


def test_a_welcome_link_ends_after_a_day(house: tuple[TestClient, Hands]) -> None:
    client, hands = house
    csrf = client.get("/v1/account").json()["csrf"]
    body = {"email": "late@larkfield.example", "name": "Lou Late", "role": "clinician"}
    made = client.post("/v1/console/people", json=body, headers={"X-CSRF-Token": csrf}).json()
    hands.turn(hours=25)
    token = made["link"].partition("#")[2]
    assert client.post("/v1/signin/welcome", json={"token": token, "password": PASSWORD}).status_code == 401
