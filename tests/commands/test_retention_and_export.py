"""What is kept, what goes, what is taken out, what is sent again: by the command line, beside a running server."""

from __future__ import annotations

import json
import stat
import subprocess
from pathlib import Path
from typing import Any

import httpx
import pytest
from cast import Server, Visitor


@pytest.fixture(scope="module")
def house(make_server: Any) -> Server:
    one: Server = make_server(HANDRAIL_KEEP_CHATS_DAYS="30", HANDRAIL_KEEP_TRACES_DAYS="400")
    return one


def done(found: subprocess.CompletedProcess[str]) -> str:
    assert found.returncode == 0, found.stderr
    return found.stdout


def test_retention_says_what_is_kept_how_long(house: Server) -> None:
    shown = done(house.run("retention"))
    for words in ("chats", "30 days", "care", "for ever", "traces", "400 days", "last round"):
        assert words in shown, shown
    found = json.loads(done(house.run("retention", "--now", "--json")))
    assert found["days"] == {"chats": 30, "traces": 400}
    assert found["over"] == {"chats": 0}
    assert found["taken"]["chats"] == 0
    assert found["last"]["at"]


def test_an_export_is_whole_or_without_identifiers(house: Server, tmp_path: Path) -> None:
    ann = Visitor(house.url)
    ann.say("My name is Beatrix Oldfield, born 3/14/1961, call me at (415) 555-2671. I want to talk to a person")
    whole = json.loads(done(house.run("export", ann.id)))
    assert "Beatrix Oldfield" in whole["messages"][1]["text"]
    assert whole["handoffs"][0]["reason"]
    file = tmp_path / "out.json"
    done(house.run("export", ann.id, "--redact", "--out", str(file)))
    text = file.read_text()
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    for known in ("Beatrix", "Oldfield", "3/14", "1961", "555-2671", ann.id):
        assert known not in text, known
    redacted = json.loads(text)
    assert [m["seq"] for m in redacted["messages"]] == [m["seq"] for m in whole["messages"]]
    assert redacted["messages"][0]["text"] == whole["messages"][0]["text"]
    assert all(isinstance(m["at"], int) for m in redacted["messages"])
    again = house.run("export", ann.id, "--out", str(file))
    assert again.returncode == 2
    assert "there already" in again.stderr
    unknown = house.run("export", "c_nobody")
    assert unknown.returncode != 0
    assert "c_nobody" in unknown.stderr
    assert "Traceback" not in unknown.stderr


def test_dead_letters_are_listed_and_sent_again(house: Server) -> None:
    http = httpx.Client(base_url=house.url, headers={"Authorization": f"Bearer {house.key('hooks', 'webhooks')}"})
    # nothing listens there, and a private address is refused for good: a dead letter at once
    made = http.post("/v1/webhooks", json={"url": "https://localtest.invalid/hook", "events": ["conversation.started"]})
    assert made.status_code == 201, made.text
    id = made.json()["id"]
    assert id in done(house.run("webhook", "list"))
    Visitor(house.url)
    while not http.get(f"/v1/webhooks/{id}").json()["deliveries"]:
        pass
    assert "nothing" not in done(house.run("webhook", "dead"))
    first = http.get(f"/v1/webhooks/{id}").json()["deliveries"][0]["event"]
    replayed = done(house.run("webhook", "replay", id, "--first", str(first), "--last", str(first)))
    assert replayed.split()[0] in {"0", "1"}  # 0: it is still being tried
    nobody = house.run("webhook", "replay", "wh_nobody")
    assert nobody.returncode == 2
    assert "wh_nobody" in nobody.stderr
