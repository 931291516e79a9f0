"""Load over HTTP: turns a second with p50 and p99 at 1, 8, 64 clients, on SQLite, on PostgreSQL, with two replicas; idle
streams and what is sent beside them; each beside two bare echoes, in the same run.

python tests/bench/load.py [--seconds 4] [--streams 10000] [--rate 1000] [--thinkers 2]
    [--only sqlite,thinkers,rules,rules-core,postgresql,postgresql-thinkers,replicas,streams,streams-rules]

The ceilings are plain ASGI (tests/bench/load_echo.py): `echo, our commit` makes the very transaction that a message makes,
`echo, two rows` the least that anybody could. The last column is the share of the first. `thinkers` is SQLite with
HANDRAIL_THINKERS processes beside the server; `streams` has them too. `with a person` is the message path: a clinician has the conversation, so the
message is screened, sealed and committed, and nothing is answered. `answered` is a full turn: screened, searched, answered,
committed. `rules alone` is the same with `HANDRAIL_RULES_ONLY`, so that no message is embedded to be screened; `rules, one core` is
that with the server (and the echoes) held on one core, the clients on both. The clients share the machine's cores with the server and the database; with two replicas every second client
asks the other one, without a proxy between.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import gc
import json
import os
import resource
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import httpx

sys.path[:0] = [str(Path(__file__).parents[1]), str(Path(__file__).parents[1] / "torture")]

from cast import HANDRAIL, ROOT, Server, copy_warm, environment, free_port  # noqa: E402
from database import Database  # noqa: E402

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


# ── measuring ──

Ask = Callable[[Line, int, int], Awaitable[int]]


async def rate(ports: Sequence[int], clients: int, seconds: float, ask: Ask) -> tuple[float, list[float]]:
    """As fast as it goes: each client asks again when it is answered."""
    until, took = time.perf_counter() + seconds, []

    async def client(number: int) -> None:
        line, n = await Line(ports[number % len(ports)]).open(), 0
        while time.perf_counter() < until:
            began, n = time.perf_counter(), n + 1
            status = await ask(line, number, n)
            assert status in {200, 201}, status
            took.append(time.perf_counter() - began)
        line.writer.close()

    began = time.perf_counter()
    await asyncio.gather(*(client(n) for n in range(clients)))
    return len(took) / (time.perf_counter() - began), took


async def steadily(port: int, clients: int, a_second: float, seconds: float, ask: Ask) -> tuple[float, list[float]]:
    """At so many a second, whether or not the earlier ones are answered: each waits for its own moment, and its time counts
    from there. (really answered a second, seconds each)."""
    began, total = time.perf_counter(), int(a_second * seconds)
    places, took = iter(range(total)), []

    async def client(number: int) -> None:
        line = await Line(port).open()
        for place in places:
            due = began + place / a_second
            await asyncio.sleep(max(0.0, due - time.perf_counter()))
            assert await ask(line, number, place) in {200, 201}
            took.append(time.perf_counter() - due)
        line.writer.close()

    await asyncio.gather(*(client(n) for n in range(clients)))
    return total / (time.perf_counter() - began), took


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


def tag(number: int, n: int) -> str:
    """Letters, different each time: nothing is answered from a memory of texts, and nothing looks like a telephone number."""
    return "".join(chr(97 + digit) for digit in (number // 26 % 26, number % 26, n // 676 % 26, n // 26 % 26, n % 26))


def say(made: list[tuple[str, str]], words: str) -> Ask:
    async def ask(line: Line, number: int, n: int) -> int:
        id, token = made[number]
        text = words or f"{QUESTIONS[n % len(QUESTIONS)]} ({tag(number, n)})"
        return (await line.call("POST", f"/v1/conversations/{id}/messages", {"text": text}, token))[0]

    return ask


async def echo(line: Line, number: int, n: int) -> int:
    return (await line.call("POST", "/", {"talk": f"talk-{number}", "text": f"{QUESTIONS[0]} ({tag(number, n)})"}))[0]


def memory(pid: int) -> float:
    """MB that the process holds."""
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * resource.getpagesize() / 1e6


async def streams(server: Server, count: int, a_second: float, seconds: float, key: str) -> None:
    """Many that wait, and beside them messages at a steady pace; and how long one takes to reach a stream of its own."""
    assert server.process
    held = await talks(server.port, 64, key)
    ((id, token),) = await talks(server.port, 1)
    await rate((server.port,), 8, 2.0, say(held, ""))  # warm: the model, the caches
    before, lines = memory(server.process.pid), list[Line]()
    for _ in range(count):
        line = await Line(server.port).open()
        line.ask("GET", f"/v1/conversations/{id}/events?after=1", None, token)
        lines.append(line)
    for line in lines:
        await line.reader.readuntil(b"event: state")
    grown = memory(server.process.pid) - before
    gc.collect()
    gc.freeze()  # ours: a collector that walks over our 10,000 lines would be taken for the server's slowness
    print(f"\n{count:,} idle streams: {grown:.0f} MB beyond the model ({grown * 1000 / count:.1f} KB each; {before:.0f} MB before)")
    print(f"\n{'beside them':28}{'a second':>10}{'p50 ms':>9}{'p99 ms':>9}", flush=True)
    for wanted in (a_second / 10, a_second):
        reached, took = await steadily(server.port, 64, wanted, seconds, say(held, ""))
        print(f"{f'with a person, {wanted:,.0f} wanted':28}{reached:10,.0f}{tail(took)}", flush=True)
    print(f"{'until it is in a stream':28}{'':10}{tail(await arrivals(server.port, held[0]))}", flush=True)
    for line in lines:
        line.writer.close()


async def arrivals(port: int, talk: tuple[str, str]) -> list[float]:
    """From the sending of a message to its frame at a reader of that conversation."""
    id, token = talk
    watcher, writer = await Line(port).open(), await Line(port).open()
    _, said = await writer.call("POST", f"/v1/conversations/{id}/messages", {"text": "hello"}, token)
    watcher.ask("GET", f"/v1/conversations/{id}/events?after={said['message']['seq']}", None, token)
    await watcher.reader.readuntil(b"event: state")
    took = []
    for n in range(200):
        began = time.perf_counter()
        writer.ask("POST", f"/v1/conversations/{id}/messages", {"text": f"thanks, number {n}"}, token)
        await watcher.reader.readuntil(f"number {n}".encode())
        took.append(time.perf_counter() - began)
        head = await writer.reader.readuntil(b"\r\n\r\n")
        await writer.reader.readexactly(int(head.lower().split(b"content-length: ")[1].split(b"\r\n")[0]))
    for line in (watcher, writer):
        line.writer.close()
    return took


@contextlib.contextmanager
def on_one_core(really: bool) -> Iterator[None]:
    """What is started inside stays on the first core."""
    all_of_them = os.sched_getaffinity(0)
    if really:
        os.sched_setaffinity(0, {min(all_of_them)})
    try:
        yield
    finally:
        os.sched_setaffinity(0, all_of_them)


@contextlib.contextmanager
def echoing(*where: str, one_core: bool = False) -> Iterator[int]:
    """tests/bench/load_echo.py in a process of its own; its port."""
    port = free_port()
    command = [sys.executable, str(Path(__file__).with_name("load_echo.py")), str(port), *where]
    with on_one_core(one_core):
        bare = subprocess.Popen(command, env=os.environ | {"PYTHONPATH": str(ROOT)})
    try:
        for _ in range(300):
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port)):
                break
            time.sleep(0.1)
        yield port
    finally:
        bare.kill()
        bare.wait()


def thinking(server: Server, count: int) -> None:
    """Waits until as many processes think beside the server."""
    while httpx.get(server.url + "/readyz").json().get("thinkers", 0) < count:
        time.sleep(0.1)


async def measure(
    servers: Sequence[Server], name: str, where: str, folder: Path, seconds: float, one_core: bool = False
) -> None:
    """One table: the echoes, the message path and the full turn, at each number of clients."""
    key = servers[0].key(f"bench {name}", "handoffs")
    ports = [one.port for one in servers]
    spare = folder / f"echo-{name.replace(' ', '-')}"
    (spare / "store").mkdir(parents=True)
    place = where or str(spare)
    with echoing(place, one_core=one_core) as plain, echoing(place, str(spare / "store"), one_core=one_core) as same:
        await rate((same,), 1, 0.5, echo)
        print(f"\n{name:20}{'clients':>8}{'a second':>10}{'p50 ms':>9}{'p99 ms':>9}{'of echo':>9}", flush=True)
        warm = await talks(ports[0], 2)
        for one in ports:
            await rate((one,), 2, 1.0, say(warm, ""))  # the model, the caches
        for clients in CLIENTS:
            ceiling, took = await rate((plain,), clients, seconds, echo)
            print(f"{'echo, two rows':20}{clients:8}{ceiling:10,.0f}{tail(took)}", flush=True)
            ceiling, took = await rate((same,), clients, seconds, echo)
            print(f"{'echo, our commit':20}{clients:8}{ceiling:10,.0f}{tail(took)}", flush=True)
            held, free = await talks(ports[0], clients, key), await talks(ports[0], clients)
            for what, ask in (("with a person", say(held, "")), ("answered", say(free, ""))):
                reached, took = await rate(ports, clients, seconds, ask)
                print(f"{what:20}{clients:8}{reached:10,.0f}{tail(took)}{reached / ceiling:9.2f}", flush=True)


SECRET = "0123456789abcdef" * 4
WIDE = {
    "HANDRAIL_CONVERSATIONS_PER_MINUTE": "10000000",
    "HANDRAIL_MESSAGES_PER_MINUTE": "10000000",
    "HANDRAIL_LEASE_SECONDS": "3600",
}


@contextlib.contextmanager
def house(folder: Path, name: str, replicas: int = 1, one_core: bool = False, **more: str) -> Iterator[list[Server]]:
    made = []
    for number in range(replicas):
        data = folder / f"{name}{number}"
        data.mkdir()
        made.append(Server(copy_warm(folder / "warm", data), free_port(), WIDE | more))
    try:
        with on_one_core(one_core):
            started = [one.start(150) for one in made]
        yield started
    finally:
        for one in made:
            one.stop()


def main() -> None:
    asked = argparse.ArgumentParser()
    asked.add_argument("--seconds", type=float, default=4.0)
    asked.add_argument("--streams", type=int, default=10_000)
    asked.add_argument("--rate", type=float, default=1000.0)
    asked.add_argument("--thinkers", type=int, default=2)
    asked.add_argument("--only", default="sqlite,thinkers,rules,rules-core,postgresql,postgresql-thinkers,replicas,streams,streams-rules")
    given = asked.parse_args()
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    idle, wanted = min(given.streams, hard - 500), set(given.only.split(","))
    print(f"{os.cpu_count()} cores, load average before {os.getloadavg()[0]:.1f}, {given.seconds:g} s each")
    with tempfile.TemporaryDirectory(prefix="handrail-load-") as name:
        folder = Path(name)
        (folder / "warm").mkdir()
        env = environment(folder / "warm")
        done = subprocess.run([*HANDRAIL, "index"], cwd=ROOT, env=env, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        if "sqlite" in wanted:
            with house(folder, "sqlite") as servers:
                asyncio.run(measure(servers, "SQLite", "", folder, given.seconds))
        if "thinkers" in wanted:
            with house(folder, "thinkers", HANDRAIL_THINKERS=str(given.thinkers)) as servers:
                thinking(servers[0], given.thinkers)
                asyncio.run(measure(servers, f"{given.thinkers} thinkers", "", folder, given.seconds))
        for part, label, alone in (("rules", "rules alone", False), ("rules-core", "rules, one core", True)):
            if part in wanted:  # the message path without the model
                with house(folder, part, one_core=alone, HANDRAIL_RULES_ONLY="true") as servers:
                    asyncio.run(measure(servers, label, "", folder, given.seconds, alone))
        for part, count, rules in (("streams", given.thinkers, "false"), ("streams-rules", 0, "true")):
            if part not in wanted:
                continue
            with house(folder, part, HANDRAIL_THINKERS=str(count), HANDRAIL_RULES_ONLY=rules) as servers:
                thinking(servers[0], count)
                key = servers[0].key(part, "handoffs")
                asyncio.run(streams(servers[0], idle, given.rate, max(5.0, given.seconds), key))
        for part, label, replicas, count in (
            ("postgresql", "PostgreSQL", 1, 0),
            ("postgresql-thinkers", "PostgreSQL, thinkers", 1, given.thinkers),
            ("replicas", "two replicas", 2, 0),
        ):
            if part not in wanted:
                continue
            with Database() as database:
                more = {"HANDRAIL_DATABASE_URL": database.url, "HANDRAIL_SECRET_KEY": SECRET, "HANDRAIL_THINKERS": str(count)}
                with house(folder, part, replicas, **more) as servers:
                    thinking(servers[0], count)
                    asyncio.run(measure(servers, label, database.url, folder, given.seconds))
    print(f"\nload average after {os.getloadavg()[0]:.1f}")


if __name__ == "__main__":
    main()
