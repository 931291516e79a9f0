"""Debian's Firefox and WebKit, driven by what they ship themselves: Marionette, and WebDriver behind a screen of their own."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import httpx
from cast import free_port

ELEMENT = "element-6066-11e4-a52e-4f735466cecf"  # the key of an element, from the WebDriver standard
MISSING = "not on this machine (Debian: apt-get install firefox-esr webkit2gtk-driver xvfb)"
KEYS = {"Tab": "\ue004", "Enter": "\ue007", "Escape": "\ue00c", "Shift": "\ue008"}
FIREFOX = ("firefox-esr", "firefox")
MINI = ("/usr/lib/*/webkit2gtk-4.1/MiniBrowser", "/usr/lib/*/webkit2gtk-4.0/MiniBrowser")
PREFERENCES: dict[str, Any] = {
    "app.update.enabled": False,
    "browser.shell.checkDefaultBrowser": False,
    "datareporting.policy.dataSubmissionEnabled": False,
    "network.captive-portal-service.enabled": False,
    "network.connectivity-service.enabled": False,
    "toolkit.telemetry.enabled": False,
    "ui.prefersReducedMotion": 1,
}


class NoEngine(RuntimeError):
    """This browser is not here. Says what to install."""


class Engine:
    """A browser, by the commands of the WebDriver standard. `ask` sends one and gives its value."""

    name = ""
    plain: dict[str, Any] = {}  # what else a script needs, to see the page as the page sees itself

    def __init__(self) -> None:
        self.folder = tempfile.TemporaryDirectory(prefix="handrail-engine-")
        self.running: list[subprocess.Popen[bytes]] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        for one in reversed(self.running):
            one.terminate()
            try:
                one.wait(10)
            except subprocess.TimeoutExpired:
                one.kill()
                one.wait(10)
        self.folder.cleanup()

    def begin(self, *command: str, **environment: str) -> subprocess.Popen[bytes]:
        one = subprocess.Popen(
            command,
            env=os.environ | {"HOME": self.folder.name, "LANG": "C.UTF-8"} | environment,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        self.running.append(one)
        return one

    def ask(self, command: str, **given: Any) -> Any:
        raise NotImplementedError

    def size(self, width: int, height: int) -> None:
        self.ask("SetWindowRect", width=width, height=height)

    def goto(self, url: str) -> None:
        self.ask("Navigate", url=url)

    def run(self, script: str, *arguments: Any) -> Any:
        """The body of a function, in the frame chosen last; `arguments` are its arguments."""
        return self.ask("ExecuteScript", script=script, args=list(arguments), **self.plain)

    def run_async(self, script: str, *arguments: Any) -> Any:
        """The same; the last of its `arguments` is the function to call with the answer."""
        return self.ask("ExecuteAsyncScript", script=script, args=list(arguments), **self.plain)

    def until(self, script: str, *arguments: Any, seconds: float = 30) -> Any:
        """Asks until the answer is true. Raises AssertionError with the question."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            if found := self.run(script, *arguments):
                return found
            time.sleep(0.1)
        raise AssertionError(f"{self.name}: never came true: {script}")

    def frame(self, expression: str) -> None:
        """Enters the frame that a JavaScript expression names."""
        self.ask("SwitchToFrame", id=self.run(f"return {expression}"))

    def top(self) -> None:
        self.ask("SwitchToFrame", id=None)

    def keys(self, *names: str, ways: Sequence[str] = ("keyDown", "keyUp")) -> None:
        """Presses keys one after another, as hands do. `ways` without keyUp: for a key whose press closes the frame."""
        steps = [{"type": way, "value": KEYS.get(name, name)} for name in names for way in ways]
        self.ask("PerformActions", actions=[{"type": "key", "id": "keyboard", "actions": steps}])


class Firefox(Engine):
    """Over Marionette: a line of its own to the browser, each message as `length:json`."""

    name = "firefox"
    plain = {"sandbox": None}

    def __init__(self) -> None:
        super().__init__()
        found = next((path for one in FIREFOX if (path := shutil.which(one))), None)
        if found is None:
            raise NoEngine(f"Firefox is {MISSING}")
        port = free_port()
        profile = Path(self.folder.name)
        lines = [
            f"user_pref({json.dumps(k)}, {json.dumps(v)});"
            for k, v in (PREFERENCES | {"marionette.port": port}).items()
        ]
        (profile / "user.js").write_text("\n".join(lines))
        self.begin(found, "--headless", "--marionette", "--no-remote", "--profile", str(profile))
        self.line = reached(port)
        self.rest = b""
        self.number = 0
        self.take()
        self.ask("NewSession", capabilities={"alwaysMatch": {"acceptInsecureCerts": False}})
        self.ask("SetTimeouts", script=60000, pageLoad=60000)

    def take(self) -> Any:
        while b":" not in self.rest:
            self.rest += self.more()
        length, _, self.rest = self.rest.partition(b":")
        while len(self.rest) < int(length):
            self.rest += self.more()
        body, self.rest = self.rest[: int(length)], self.rest[int(length) :]
        return json.loads(body)

    def more(self) -> bytes:
        got = self.line.recv(65536)
        assert got, "Firefox has gone"
        return got

    def ask(self, command: str, **given: Any) -> Any:
        self.number += 1
        body = json.dumps([0, self.number, f"WebDriver:{command}", given])
        self.line.sendall(f"{len(body.encode())}:{body}".encode())
        _, _, error, value = self.take()
        assert error is None, f"{command}: {error}"
        return value["value"] if isinstance(value, dict) and set(value) == {"value"} else value


class WebKit(Engine):
    """Over WebKitWebDriver, with GTK's small browser on a screen that nobody sees."""

    name = "webkit"
    calls = {
        "Navigate": "url",
        "ExecuteScript": "execute/sync",
        "ExecuteAsyncScript": "execute/async",
        "SwitchToFrame": "frame",
        "PerformActions": "actions",
        "SetWindowRect": "window/rect",
        "SetTimeouts": "timeouts",
    }

    def __init__(self) -> None:
        super().__init__()
        driver, screen = shutil.which("WebKitWebDriver"), shutil.which("Xvfb")
        mini = next((str(path) for one in MINI for path in Path("/").glob(one[1:])), None)
        if not (driver and screen and mini):
            raise NoEngine(f"WebKit is {MISSING}")
        number = f":{free_port()}"
        self.begin(screen, number, "-screen", "0", "1400x1000x24", "-nolisten", "tcp")
        port = free_port()
        self.begin(
            driver,
            f"--port={port}",
            DISPLAY=number,
            GDK_BACKEND="x11",
            XDG_RUNTIME_DIR=self.folder.name,
            NO_AT_BRIDGE="1",
        )
        reached(port).close()
        self.http = httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=90)
        options = {"webkitgtk:browserOptions": {"binary": mini, "args": ["--automation"]}}
        made = self.http.post("/session", json={"capabilities": {"alwaysMatch": options}}).json()["value"]
        self.session = f"/session/{made['sessionId']}"
        self.ask("SetTimeouts", script=60000, pageLoad=60000)

    def ask(self, command: str, **given: Any) -> Any:
        answer = self.http.post(f"{self.session}/{self.calls[command]}", json=given)
        assert answer.status_code == 200, f"{command}: {answer.text[:500]}"
        return answer.json()["value"]

    def __exit__(self, *why: Any) -> None:
        self.http.delete(self.session)
        self.http.close()
        super().__exit__(*why)


def reached(port: int, seconds: float = 40) -> socket.socket:
    """A line to a port of this machine, once somebody listens there."""
    end = time.monotonic() + seconds
    while True:
        try:
            line = socket.create_connection(("127.0.0.1", port), timeout=90)
        except OSError:
            if time.monotonic() > end:
                raise
            time.sleep(0.1)
        else:
            return line
