"""The cast: a server as its users run it, a visitor, and what they need to meet."""

from __future__ import annotations

import io
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx

ROOT = Path(__file__).parents[1]
HANDRAIL = [sys.executable, "-m", "bot"]


def environment(data: Path, **more: str) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("HANDRAIL_")}
    return kept | {"HANDRAIL_DATA": str(data), "PYTHONPATH": str(ROOT), "PYTHONUNBUFFERED": "1"} | more


def called(*words: str, data: Path, stdin: str | bytes | None = None, **settings: str) -> subprocess.CompletedProcess[str]:
    """`handrail …` inside this process: the same command on the same words, without the second that a new one takes to start.

    What a command leaves to its caller as an exception is an exception here too, so no traceback can hide.
    """
    from bot.__main__ import app

    kept = dict(os.environ), sys.stdin, sys.stdout, sys.stderr, os.getcwd()
    raw = stdin.encode() if isinstance(stdin, str) else stdin or b""
    said, fault = (io.TextIOWrapper(io.BytesIO(), encoding="utf-8", write_through=True) for _ in range(2))
    code: object = 0
    try:
        os.environ.clear()
        os.environ.update(environment(data, **settings))
        sys.stdin, sys.stdout, sys.stderr = io.TextIOWrapper(io.BytesIO(raw), encoding="utf-8"), said, fault
        os.chdir(ROOT)
        app(list(words), prog_name="handrail")
    except SystemExit as ended:
        code = 0 if ended.code is None else ended.code
    finally:
        os.environ.clear()
        os.environ.update(kept[0])
        sys.stdin, sys.stdout, sys.stderr = kept[1:4]
        os.chdir(kept[4])
    assert isinstance(code, int), code
    out, err = (stream.buffer.getvalue().decode() for stream in (said, fault))  # type: ignore[attr-defined]
    return subprocess.CompletedProcess(["handrail", *words], code, out, err)


def copy_warm(warm: Path, data: Path) -> Path:
    """Model and index by hard links; everything else is the test's own."""
    for source in warm.rglob("*"):
        target = data / source.relative_to(warm)
        if source.is_dir() and not source.is_symlink():
            target.mkdir(parents=True, exist_ok=True)
        elif source.is_symlink():
            target.symlink_to(os.readlink(source))
        elif source.is_file() and source.suffix != ".lock":
            target.parent.mkdir(parents=True, exist_ok=True)
            os.link(source, target)
    return data


def until(true: Callable[[], Any], seconds: float = 60.0, why: Callable[[], object] = lambda: "it did not come to that") -> None:
    """Waits for what must come true."""
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end, why()
        time.sleep(0.01)


def free_port() -> int:
    with socket.socket() as ear:
        ear.bind(("127.0.0.1", 0))
        port: int = ear.getsockname()[1]
        return port


@dataclass
class Server:
    """`handrail serve` as its users run it."""

    data: Path
    port: int
    extra: dict[str, str] = field(default_factory=dict)
    process: subprocess.Popen[str] | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def start(self, wait: float = 90) -> Server:
        log = (self.data / "server.log").open("a")
        self.process = subprocess.Popen(
            [*HANDRAIL, "serve", "--port", str(self.port)],
            cwd=ROOT,
            env=environment(self.data, **self.extra),
            stdout=log,
            stderr=log,
            text=True,
            start_new_session=True,
        )
        until = time.monotonic() + wait
        while time.monotonic() < until:
            if self.process.poll() is not None:
                raise AssertionError(f"the server ended: {self.log()[-2000:]}")
            try:
                if httpx.get(self.url + "/readyz", timeout=2).status_code == 200:
                    return self
            except httpx.TransportError:
                time.sleep(0.05)
        raise AssertionError(f"the server was not ready in {wait} s: {self.log()[-2000:]}")

    def log(self) -> str:
        return (self.data / "server.log").read_text()

    def stop(self, how: int = signal.SIGTERM) -> int:
        if self.process is None:
            return 0
        if self.process.poll() is None:
            self.process.send_signal(how)
        try:
            return self.process.wait(20)
        except subprocess.TimeoutExpired:
            self.process.kill()
            return self.process.wait(10)
        finally:
            self.process = None

    def run(self, *words: str) -> subprocess.CompletedProcess[str]:
        """`handrail …` on the same data folder."""
        return subprocess.run(
            [*HANDRAIL, *words],
            cwd=ROOT,
            env=environment(self.data, **self.extra),
            capture_output=True,
            text=True,
            timeout=120,
        )

    def key(self, name: str, scopes: str) -> str:
        done = self.run("key", "add", name, "--scopes", scopes)
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()


@dataclass(frozen=True)
class Sent:
    """One delivery as it came, and what it was answered."""

    headers: dict[str, str]
    body: str
    answered: int

    @property
    def payload(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.body)
        return found

    @property
    def data(self) -> dict[str, Any]:
        found: dict[str, Any] = self.payload["data"]
        return found


class Target:
    """Another system's end of a webhook: answers with `status`, and remembers all that it was sent.

    `refuses`: so many different deliveries get a 503 the first time they come, once three were taken.
    """

    def __init__(self, refuses: int = 0) -> None:
        self.status, self.got, self.refused = 204, list[Sent](), set[str]()
        target = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                headers = {name.lower(): value for name, value in self.headers.items()}
                body = self.rfile.read(int(headers["content-length"])).decode()
                if len(body.encode()) < int(headers["content-length"]):
                    return  # whoever sent it died over it
                id, answer = headers["webhook-id"], target.status
                if len(target.refused) < refuses and len(target.taken) >= 3 and id not in target.refused:
                    target.refused.add(id)
                    answer = 503
                target.got.append(Sent(headers, body, answer))
                self.send_response(answer)
                self.end_headers()

            def log_message(self, *args: object) -> None:
                pass

        self.http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.http.serve_forever, daemon=True).start()
        self.url = f"http://127.0.0.1:{self.http.server_port}/hook"

    @property
    def taken(self) -> list[Sent]:
        return [one for one in self.got if one.answered < 300]

    def wait(self, count: int, seconds: float = 20) -> None:
        until = time.monotonic() + seconds
        while len(self.got) < count and time.monotonic() < until:
            time.sleep(0.02)
        assert len(self.got) >= count, f"{len(self.got)} of {count} came"

    def close(self) -> None:
        self.http.shutdown()
        self.http.server_close()


class Visitor:
    """Somebody who came to the practice's page."""

    def __init__(self, url: str, **asked: str) -> None:
        self.http = httpx.Client(base_url=url, timeout=30)
        opened = self.http.post("/v1/conversations", json=asked)
        assert opened.status_code == 201, opened.text
        self.opened: dict[str, Any] = opened.json()
        self.id: str = self.opened["id"]
        self.token: str = self.opened["token"]
        self.http.headers["Authorization"] = f"Bearer {self.token}"
        self.path = f"/v1/conversations/{self.id}"

    def post(self, text: str, client_id: str | None = None) -> httpx.Response:
        body = {"text": text} | ({"client_id": client_id} if client_id else {})
        return self.http.post(self.path + "/messages", json=body)

    def say(self, text: str) -> dict[str, Any]:
        answer = self.post(text)
        assert answer.status_code == 201, answer.text
        body: dict[str, Any] = answer.json()
        return body

    def messages(self, after: int = 0) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.http.get(self.path + "/messages", params={"after": after}).json()["messages"]
        return found
