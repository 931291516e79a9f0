"""Load over HTTP: turns a second with p50 and p99 at 1, 8, 64 clients, idle streams, beside a bare echo with the same commit.

python tests/bench/load.py [SECONDS_EACH] [STREAMS]

`echo` is the ceiling: plain ASGI under the same uvicorn, two rows into SQLite (WAL, synchronous FULL, group commit) and an
answer; no routing, no screening, no encryption. `with a person` is the message path without the model: a clinician has the
conversation, so the message is screened by rule, sealed and committed. `answered` is a full turn: screened, searched,
answered, committed. The clients share the machine's cores with the server.
"""

from __future__ import annotations

import asyncio
import json
import resource
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from queue import SimpleQueue
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1]))

from cast import HANDRAIL, ROOT, Server, copy_warm, environment, free_port

CLIENTS = (1, 8, 64)
QUESTIONS = ("what is exposure therapy?", "how does cbt work?", "does sleep affect mood?", "what is neuroplasticity?")


class Line:
    """One keep-alive connection, as bare as it can be: what is measured is the server."""

    def __init__(self, port: int) -> None:
        self.port = port

    async def open(self) -> Line:
        self.reader, self.writer = await asyncio.open_connection("127.0.0.1", self.port)
        return self

    def ask(self, method: str, path: str, body: Any, token: str = "") -> None:
        raw = json.dumps(body).encode() if body is not None else b""
        head = f"{method} {path} HTTP/1.1\r\nhost: bench\r\nauthorization: Bearer {token}\r\ncontent-type: application/json\r\n"
        self.writer.write(f"{head}content-length: {len(raw)}\r\n\r\n".encode() + raw)

    async def call(self, method: str, path: str, body: Any, token: str = "") -> tuple[int, Any]:
        self.ask(method, path, body, token)
        head = await self.reader.readuntil(b"\r\n\r\n")
        length = int(head.lower().split(b"content-length: ")[1].split(b"\r\n")[0])
        return int(head[9:12]), json.loads(await self.reader.readexactly(length) or b"null")


# ── the ceiling ──


def echo_app(folder: Path) -> Any:
    """Two rows a request, committed in groups by one thread; the answer goes out when they are on disk."""
    waiting: SimpleQueue[tuple[asyncio.AbstractEventLoop, asyncio.Future[None], bytes]] = SimpleQueue()

    def write() -> None:
        db = sqlite3.connect(folder / "echo.sqlite", isolation_level=None)
        db.executescript("PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; CREATE TABLE m (id INTEGER PRIMARY KEY, body BLOB)")
        while True:
            group = [waiting.get()]
            while not waiting.empty() and len(group) < 200:
                group.append(waiting.get())
            db.execute("BEGIN IMMEDIATE")
            db.executemany("INSERT INTO m (body) VALUES (?)", [(b,) for _, _, b in group for _ in range(2)])
            db.execute("COMMIT")
            for loop, done, _ in group:
                loop.call_soon_threadsafe(done.set_result, None)

    threading.Thread(target=write, daemon=True).start()

    async def app(scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] != "http":
            return
        body = (await receive())["body"]
        loop = asyncio.get_running_loop()
        done = loop.create_future()
        waiting.put((loop, done, body))
        await done
        await send({"type": "http.response.start", "status": 201, "headers": [(b"content-length", str(len(body)).encode())]})
        await send({"type": "http.response.body", "body": body})

    return app


def serve_echo(port: int, folder: str) -> None:
    import uvicorn

    uvicorn.run(echo_app(Path(folder)), port=port, log_level="error", access_log=False, lifespan="off", loop="uvloop")


# ── measuring ──

Ask = Callable[[Line, int, int], Awaitable[int]]


async def rate(port: int, clients: int, seconds: float, ask: Ask) -> tuple[float, list[float]]:
    until, took = time.perf_counter() + seconds, []

    async def client(number: int) -> None:
        line, n = await Line(port).open(), 0
        while time.perf_counter() < until:
            began, n = time.perf_counter(), n + 1
            status = await ask(line, number, n)
            assert status in {200, 201}, status
            took.append(time.perf_counter() - began)
        line.writer.close()

    began = time.perf_counter()
    await asyncio.gather(*(client(n) for n in range(clients)))
    return len(took) / (time.perf_counter() - began), took


def tail(took: list[float]) -> str:
    ordered = sorted(took)
    return f"{statistics.median(ordered) * 1000:9.1f}{ordered[min(len(ordered) - 1, int(len(ordered) * 0.99))] * 1000:9.1f}"


async def talks(port: int, count: int, key: str = "") -> list[tuple[str, str]]:
    line, made = await Line(port).open(), []
    for _ in range(count):
        _, opened = await line.call("POST", "/v1/conversations", {})
        made.append((opened["id"], opened["token"]))
        if key:
            _, asked = await line.call("POST", f"/v1/conversations/{opened['id']}/handoff", {}, opened["token"])
            await line.call("POST", f"/v1/handoffs/{asked['conversation']['handoff']['id']}/claim", {}, key)
    line.writer.close()
    return made


def say(made: list[tuple[str, str]], words: str) -> Ask:
    async def ask(line: Line, number: int, n: int) -> int:
        id, token = made[number]
        text = words or f"{QUESTIONS[n % len(QUESTIONS)]} ({number}.{n})"
        return (await line.call("POST", f"/v1/conversations/{id}/messages", {"text": text}, token))[0]

    return ask


async def echo(line: Line, number: int, n: int) -> int:
    return (await line.call("POST", "/", {"text": f"{QUESTIONS[0]} ({number}.{n})"}))[0]


def memory(pid: int) -> float:
    """MB that the process holds."""
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * resource.getpagesize() / 1e6


async def streams(server: Server, count: int) -> None:
    """Many that wait, and one conversation in which something happens."""
    assert server.process
    made = await talks(server.port, 1)
    (id, token), before = made[0], memory(server.process.pid)
    lines: list[Line] = []
    for _ in range(count):
        line = await Line(server.port).open()
        line.ask("GET", f"/v1/conversations/{id}/events?after=1", None, token)
        lines.append(line)
    for line in lines:
        await line.reader.readuntil(b"event: state")
    held = memory(server.process.pid) - before
    (busy, busy_token), *_ = await talks(server.port, 1)
    watcher, writer = await Line(server.port).open(), await Line(server.port).open()
    watcher.ask("GET", f"/v1/conversations/{busy}/events?after=1", None, busy_token)
    await watcher.reader.readuntil(b"event: state")
    took = []
    for n in range(100):
        began = time.perf_counter()
        writer.ask("POST", f"/v1/conversations/{busy}/messages", {"text": f"thanks, number {n}"}, busy_token)
        await watcher.reader.readuntil(b"event: message")
        took.append(time.perf_counter() - began)
        head = await writer.reader.readuntil(b"\r\n\r\n")
        await writer.reader.readexactly(int(head.lower().split(b"content-length: ")[1].split(b"\r\n")[0]))
        while True:  # the reply's frame too, before the next is timed
            try:
                await asyncio.wait_for(watcher.reader.readuntil(b"event: message"), 0.05)
            except TimeoutError:
                break
    print(f"\n{count} idle streams: {held:.0f} MB, {held * 1000 / count:.1f} KB each; from a message's sending to its place in a stream:")
    print(f"{'':28}{'p50 ms':>9}{'p99 ms':>9}\n{'':28}{tail(took)}")
    for line in (*lines, watcher, writer):
        line.writer.close()


async def measure(server: Server, folder: Path, seconds: float, idle: int) -> None:
    port, key = free_port(), server.key("bench", "handoffs")
    bare = subprocess.Popen([sys.executable, __file__, "--echo", str(port), str(folder)])
    try:
        for _ in range(200):
            try:
                (await Line(port).open()).writer.close()
                break
            except OSError:
                await asyncio.sleep(0.1)
        print(f"{'':16}{'clients':>8}{'a second':>10}{'p50 ms':>9}{'p99 ms':>9}{'of echo':>9}", flush=True)
        for clients in CLIENTS:
            ceiling, took = await rate(port, clients, seconds, echo)
            print(f"{'echo':16}{clients:8}{ceiling:10,.0f}{tail(took)}", flush=True)
            held, free = await talks(server.port, clients, key), await talks(server.port, clients)
            for name, ask in (("with a person", say(held, "")), ("answered", say(free, ""))):
                reached, took = await rate(server.port, clients, seconds, ask)
                print(f"{name:16}{clients:8}{reached:10,.0f}{tail(took)}{reached / ceiling:9.2f}", flush=True)
        await streams(server, idle)
    finally:
        bare.kill()
        bare.wait()


def main() -> None:
    if sys.argv[1:2] == ["--echo"]:
        serve_echo(int(sys.argv[2]), sys.argv[3])
        return
    seconds = float(sys.argv[1]) if len(sys.argv) > 1 else 4.0
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    idle = min(int(sys.argv[2]) if len(sys.argv) > 2 else 2000, hard - 500)
    with tempfile.TemporaryDirectory(prefix="handrail-load-") as name:
        folder = Path(name)
        warm, data = folder / "warm", folder / "data"
        for made in (warm, data):
            made.mkdir()
        done = subprocess.run([*HANDRAIL, "index"], cwd=ROOT, env=environment(warm), capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        wide = {"HANDRAIL_CONVERSATIONS_PER_MINUTE": "1000000", "HANDRAIL_MESSAGES_PER_MINUTE": "1000000"}
        server = Server(copy_warm(warm, data), free_port(), wide).start()
        try:
            asyncio.run(measure(server, folder, seconds, idle))
        finally:
            server.stop()


if __name__ == "__main__":
    main()
