"""`handrail drill` beside a running server and without one: the mail goes out, somebody answers, the time is said."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest
from aiosmtpd.controller import Controller
from cast import HANDRAIL, ROOT, Server, environment, free_port
from test_mailto import Box


@pytest.fixture(scope="module")
def post() -> Iterator[tuple[Box, str]]:
    box = Box()
    server = Controller(box, hostname="127.0.0.1", port=free_port())
    server.start()
    yield box, f"smtp://127.0.0.1:{server.port}"
    server.stop()


@pytest.fixture(scope="module")
def house(make_server: Callable[..., Server], post: tuple[Box, str]) -> Server:
    return make_server(HANDRAIL_NOTIFY="mailto:duty@practice.example", HANDRAIL_SMTP_URL=post[1])


def begun(house: Server, *more: str) -> subprocess.Popen[str]:
    command = [*HANDRAIL, "drill", *more]
    env = environment(house.data, **house.extra)
    return subprocess.Popen(command, cwd=ROOT, env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def test_a_drill_is_mailed_answered_and_timed(house: Server, post: tuple[Box, str]) -> None:
    key = house.key("duty", "handoffs")
    staff = httpx.Client(base_url=house.url, timeout=30, headers={"Authorization": f"Bearer {key}"})
    drill = begun(house, "--wait", "60")
    end = time.monotonic() + 60
    while not (waiting := staff.get("/v1/handoffs").json()["handoffs"]) and time.monotonic() < end:
        time.sleep(0.1)
    (one,) = waiting
    assert (one["urgency"], one["card"]["note"].partition(".")[0]) == (4, "This is a drill")
    while not post[0].taken and time.monotonic() < end:
        time.sleep(0.1)
    assert staff.post(f"/v1/handoffs/{one['id']}/claim").status_code == 200
    said, heard = drill.communicate(timeout=60)
    assert drill.returncode == 0, heard
    assert said.startswith("acknowledged after ")
    assert "taken by duty" in said and "mailto:duty@practice.example (sent)" in said
    assert "A drill is on the queue" in heard
    assert post[0].taken[0]["Subject"].startswith("DRILL, no one is in danger")
    assert staff.get(f"/v1/handoffs/{one['id']}").json()["state"] == "closed", "it leaves nothing behind"
    assert staff.get("/v1/console/figures").json()["handoffs"] == 0, "and is in no figure"


def test_a_drill_that_nobody_answers_fails_and_says_who_was_told(house: Server) -> None:
    done = house.run("drill", "--wait", "1")
    assert done.returncode == 1
    assert "nobody acknowledged within 1 s" in done.stderr and "mailto:duty@practice.example" in done.stderr


def test_without_a_server_the_drill_says_so_at_once(tmp_path: Path) -> None:
    done = subprocess.run([*HANDRAIL, "drill"], cwd=ROOT, env=environment(tmp_path), capture_output=True, text=True, timeout=60)
    assert done.returncode == 1 and "no server runs" in done.stderr and "handrail serve" in done.stderr
    assert "Traceback" not in done.stderr
