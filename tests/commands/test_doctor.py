"""What the doctor finds: in a sound house nothing, and each fault by its name with what to do."""

from __future__ import annotations

import json
import threading
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx
import pytest
from cast import Server, free_port

from bot import doctor
from bot.checks import Line
from bot.settings import Settings

NOW = datetime(2026, 5, 4, 12, 0, tzinfo=UTC)


def levels(found: Any, about: str) -> list[tuple[str, str]]:
    return [(line.level, line.says) for line in found if line.about == about]


def look(house: Server) -> tuple[int, list[Line]]:
    done = house.run("doctor", "--json")
    assert "Traceback" not in done.stderr
    return done.returncode, [Line(**row) for row in json.loads(done.stdout)]


def test_a_sound_house(make_server: Any) -> None:
    port = free_port()
    house: Server = make_server(HANDRAIL_PUBLIC_URL=f"http://127.0.0.1:{port}")
    code, found = look(house)
    assert code == 1, "the public address leads nowhere"
    assert levels(found, "headers")[0][0] == "fault"
    assert "does not answer" in levels(found, "headers")[0][1]
    house.extra["HANDRAIL_PUBLIC_URL"] = house.url
    code, found = look(house)
    assert code == 0, [f for f in found if f.level == "fault"]
    known = {line.about for line in found}
    assert {"handrail", "packages", "sqlite", "clock", "disk", "secret key", "API keys", "headers", "mail", "webhooks", "outbox", "audit log"} <= known
    assert levels(found, "headers") == [("ok", f"{house.url} answers 200 with all of them")]
    text = "\n".join(line.says for line in found)
    assert (house.data / "secret.key").read_text().strip() not in text

    key = house.key("hooks", "webhooks")
    http = httpx.Client(base_url=house.url, headers={"Authorization": f"Bearer {key}"})
    made = http.post("/v1/webhooks", json={"url": "https://nowhere.invalid/hook"}).json()
    (house.data / "secret.key").chmod(0o644)
    code, found = look(house)
    assert code == 1
    assert levels(found, f"webhook {made['id']}")[0][0] == "fault"
    assert "no address" in levels(found, f"webhook {made['id']}")[0][1]
    assert any(level == "fault" and "chmod 600" in says for level, says in levels(found, "secret key"))
    assert key not in "\n".join(line.says for line in found)
    shown = house.run("doctor").stdout
    assert "chmod 600" in shown


def test_a_clock_that_was_set_back_is_a_fault() -> None:
    ahead = (NOW + timedelta(hours=3)).isoformat()
    assert levels(doctor.clock(NOW, ahead), "clock")[0][0] == "fault"
    assert "3:00:00 behind" in levels(doctor.clock(NOW, ahead), "clock")[0][1]
    assert "fault" not in {level for level, _ in levels(doctor.clock(NOW, NOW.isoformat()), "clock")}


def test_keys_that_end_soon_or_lie_unused() -> None:
    def key(name: str, **given: str) -> dict[str, str]:
        return {"name": name, "state": "active", "created": NOW.isoformat(), "expires": "", "last_used": ""} | given

    found = list(
        doctor.keys(
            [
                key("ends", expires=(NOW + timedelta(days=3)).isoformat()),
                key("old", last_used=(NOW - timedelta(days=200)).isoformat()),
                key("fine", last_used=NOW.isoformat()),
                key("gone", state="revoked", expires=NOW.isoformat()),
            ],
            NOW,
        )
    )
    assert levels(found, "API key ends")[0][0] == "warning"
    assert "not used since" in levels(found, "API key old")[0][1]
    assert not levels(found, "API key fine") + levels(found, "API key gone")
    assert levels(found, "API keys") == [("ok", "3 active, 2 of them without an end")]


@pytest.fixture
def proxy() -> Any:
    """One that takes our headers away, and lets everybody read the figures."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.end_headers()

        def log_message(self, *args: object) -> None:
            pass

    http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=http.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{http.server_port}"
    http.shutdown()


def test_a_proxy_that_takes_headers_away(proxy: str, tmp_path: Path) -> None:
    found = list(doctor.headers(Settings(data=tmp_path, public_url=proxy)))
    assert found[0].level == "fault"
    assert "content-security-policy" in found[0].says


def test_mail_that_cannot_be_reached(tmp_path: Path) -> None:
    away = f"smtp://user:very-secret@127.0.0.1:{free_port()}"
    (found,) = doctor.mail(Settings(data=tmp_path, smtp_url=away, notify="mailto:duty@practice.example"))
    assert found.level == "fault"
    assert "HANDRAIL_SMTP_URL" in found.says
    assert "very-secret" not in found.says
    (found,) = doctor.mail(Settings(data=tmp_path, notify="mailto:duty@practice.example"))
    assert found.level == "fault"


@pytest.mark.parametrize(("url", "says"), [("https://10.0.0.8/x", "private"), ("https://localhost/x", "private"), ("http://a.example/x", "https")])
def test_webhooks_are_vetted(url: str, says: str, tmp_path: Path) -> None:
    (found,) = doctor.webhooks([{"id": "wh_1", "url": url, "state": "on", "dead": 0}], Settings(data=tmp_path))
    assert found.level == "fault"
    assert says in found.says
