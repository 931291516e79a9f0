"""A server of the console's own, its staff signed in, and a browser to see it with."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from cast import Server
from people import INSIDE, SETTINGS, Console, Open, Person, Staff, until
from playwright.sync_api import Browser


@pytest.fixture(scope="session")
def server(make_server: Callable[..., Server]) -> Server:
    """Behind one proxy, so that each of the cast comes from an address of their own."""
    return make_server(**SETTINGS)


@pytest.fixture(scope="session")
def staff(server: Server) -> Staff:
    return Staff(server)


@pytest.fixture(scope="session")
def admin(staff: Staff) -> Person:
    return staff.admin


@pytest.fixture(scope="session")
def ana(staff: Staff) -> Person:
    return staff.ana


@pytest.fixture(scope="session")
def ben(staff: Staff) -> Person:
    return staff.ben


@pytest.fixture(scope="session")
def desk(staff: Staff) -> Person:
    return staff.desk


@pytest.fixture(scope="session")
def auditor(staff: Staff) -> Person:
    return staff.auditor


@pytest.fixture
def empty(ana: Person) -> None:
    """Nobody waits, nobody is held."""
    clear(ana)


def clear(who: Person) -> None:
    """Everything open is closed by whoever has it. What nobody here has goes back to the queue when its lease ends."""

    def none_is_left() -> bool:
        for state in ("claimed", "waiting"):
            for h in who.get(f"/v1/handoffs?state={state}").json()["handoffs"]:
                if state == "waiting":
                    who.post(f"/v1/handoffs/{h['id']}/claim")
                has = (h["holder"] or {"id": who.id})["id"]
                holder = who if has == who.id else INSIDE.get(has, who)
                path = f"/v1/handoffs/{h['id']}"
                if holder.me["user"]["role"] == "front_desk":  # the desk ends no handoff: it lets go of it
                    holder.post(f"/v1/console/bookings/{h['id']}/release", {"note": "between two tests"})
                    continue
                holder.post(f"{path}/close", {"outcome": "resolved", "note": "between two tests"})
        return not any(who.get(f"/v1/handoffs?state={state}").json()["handoffs"] for state in ("claimed", "waiting"))

    until(none_is_left, 90)


@pytest.fixture
def console(browser: Browser, server: Server) -> Iterator[Open]:
    """Opens a console for somebody, signed in by their cookie, watched for faults."""
    opened: list[Console] = []

    def open_one(who: Person, path: str = "/console", **more: object) -> Console:
        one = Console(browser, who, path, **more)
        opened.append(one)
        return one

    yield open_one
    for one in opened:
        one.context.close()
    faults = [fault for one in opened for fault in one.faults]
    assert not faults, faults


