"""The queue under load: an urgent handoff to every console, "take next", and twenty who reach for one.

    .venv/bin/python tests/bench/console.py [--rounds 40] [--races 200] [--pace 20]

50 conversations wait, 10 consoles listen, 200 visitors write. Each round one more visitor writes words of risk; what is
timed is from the moment before their POST until each of the ten streams has shown the handoff. Beside it the bare commit
and notice: the same POST until its answer, and a message's commit through an empty queue's store until its bell rings.
The clients share the machine's cores with the server. `--pace` is the seconds between two messages of one visitor: reading an
answer and writing the next takes a person some 20; 4 is more than two cores answer, and measures their queue.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import os
import random
import re
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT))
PASSWORD = "Wet stones under the bridge 7"
CALM = ("I would like to talk to a person, please.", "I feel like a burden to everyone.", "My husband hits me when he is drunk.")
URGENT = "I have been thinking about ending my life."
WAITING, CONSOLES, VISITORS, RACERS = 50, 10, 200, 20
GONE = 10.0  # seconds after which a round counts as this long: the handoff was not yet on every console


def free_port() -> int:
    with socket.socket() as ear:
        ear.bind(("127.0.0.1", 0))
        port: int = ear.getsockname()[1]
        return port


class Server:
    """`handrail serve` on its own data folder."""

    def __init__(self) -> None:
        self.data = tempfile.TemporaryDirectory(prefix="handrail-bench-")
        self.port = free_port()
        kept = {name: value for name, value in os.environ.items() if not name.startswith("HANDRAIL_")}
        self.env = kept | {
            "HANDRAIL_DATA": self.data.name, "HANDRAIL_CONVERSATIONS_PER_MINUTE": "1000000", "HANDRAIL_PROXIES": "1",
            "HANDRAIL_LOG_LEVEL": "error", "PYTHONPATH": str(ROOT), "PYTHONUNBUFFERED": "1",
        }  # fmt: skip
        self.log = Path(self.data.name) / "server.log"
        with self.log.open("w") as out:
            command = [sys.executable, "-m", "bot", "serve", "--port", str(self.port)]
            self.process = subprocess.Popen(command, cwd=ROOT, env=self.env, stdout=out, stderr=out)
        self.url = f"http://127.0.0.1:{self.port}"

    def ready(self) -> str:
        """The first admin's link."""
        for _ in range(4800):
            if found := re.search(r"/console/welcome#\S+", self.log.read_text()):
                return found[0]
            if self.process.poll() is not None:
                raise SystemExit(self.log.read_text()[-2000:])
            time.sleep(0.1)
        raise SystemExit("the server was not ready in eight minutes")

    def key(self, name: str) -> str:
        command = [sys.executable, "-m", "bot", "key", "add", name, "--scopes", "handoffs"]
        return subprocess.run(command, cwd=ROOT, env=self.env, capture_output=True, text=True, check=True).stdout.strip()

    def stop(self) -> None:
        if self.process.poll() is not None:
            print(f"the server had ended ({self.process.returncode}): {self.log.read_text()[-1500:]}")
        self.process.terminate()
        self.process.wait(20)
        self.data.cleanup()


async def sign_in(client: httpx.AsyncClient, link: str) -> dict[str, str]:
    answer = await client.post("/v1/signin/welcome", json={"token": link.partition("#")[2], "password": PASSWORD})
    answer.raise_for_status()
    cookie = answer.headers["set-cookie"].partition(";")[0]
    client.cookies.clear()
    csrf = (await client.get("/v1/account", headers={"Cookie": cookie})).json()["csrf"]
    return {"Cookie": cookie, "X-CSRF-Token": csrf}


async def visitor(client: httpx.AsyncClient) -> tuple[str, dict[str, str]]:
    opened = (await client.post("/v1/conversations", json={})).json()
    return opened["id"], {"Authorization": f"Bearer {opened['token']}"}


async def write(client: httpx.AsyncClient, who: tuple[str, dict[str, str]], text: str) -> dict[str, Any]:
    answer = await client.post(f"/v1/conversations/{who[0]}/messages", json={"text": text}, headers=who[1])
    answer.raise_for_status()
    return dict(answer.json())


async def listen(client: httpx.AsyncClient, headers: dict[str, str], seen: dict[str, list[float]]) -> None:
    """A console: notes when each handoff first stands on its board."""
    known: set[str] = set()
    async with client.stream("GET", "/v1/stream", headers=headers, timeout=None) as answer:
        name = ""
        async for line in answer.aiter_lines():
            if line.startswith("event: "):
                name = line[7:]
            elif name == "board" and line.startswith("data: "):
                at = time.perf_counter()
                for row in json.loads(line[6:])["waiting"]:
                    if row["id"] not in known:
                        known.add(row["id"])
                        seen.setdefault(row["conversation"], []).append(at)


async def chatter(client: httpx.AsyncClient, pace: float, sent: list[int], stop: asyncio.Event) -> None:
    who = await visitor(client)
    await asyncio.sleep(random.random() * pace)
    while not stop.is_set():
        await write(client, who, random.choice(("Hello.", "What is CBT?", "How long does therapy take?", "Thank you.")))
        sent[0] += 1
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(pace * (0.5 + random.random())):
                await stop.wait()


def figures(name: str, times: list[float]) -> str:
    ms = sorted(t * 1000 for t in times)
    return f"{name:<44} median {statistics.median(ms):7.1f} ms   p90 {ms[int(len(ms) * 0.9)]:7.1f} ms   n {len(ms)}"


async def rounds(client: httpx.AsyncClient, seen: dict[str, list[float]], count: int, consoles: int) -> tuple[list[float], list[float]]:
    everywhere, answered = [], []
    for _ in range(count):
        who = await visitor(client)
        began = time.perf_counter()
        await write(client, who, URGENT)
        answered.append(time.perf_counter() - began)
        while len(seen.get(who[0], ())) < consoles and time.perf_counter() - began < GONE:
            await asyncio.sleep(0.002)
        shown = seen.get(who[0], [])
        everywhere.append(max(shown) - began if len(shown) >= consoles else GONE)
        await asyncio.sleep(0.1)
    return everywhere, answered


async def take_next(client: httpx.AsyncClient, headers: dict[str, str], count: int) -> list[float]:
    times = []
    for _ in range(count):
        began = time.perf_counter()
        answer = await client.post("/v1/handoffs/next", json={}, headers=headers)
        times.append(time.perf_counter() - began)
        body = {"note": "back for the next round"}
        await client.post(f"/v1/handoffs/{answer.json()['id']}/release", json=body, headers=headers)
    return times


async def races(client: httpx.AsyncClient, keys: list[str], count: int) -> tuple[int, list[float]]:
    """(rounds with exactly one winner and all losers told who, the winners' times)."""
    right, times = 0, []
    who = await visitor(client)
    id = (await write(client, who, CALM[0]))["conversation"]["handoff"]["id"]
    heads = [{"Authorization": f"Bearer {key}"} for key in keys]

    async def reach(head: dict[str, str]) -> tuple[httpx.Response, float]:
        began = time.perf_counter()
        return await client.post(f"/v1/handoffs/{id}/claim", json={}, headers=head), time.perf_counter() - began

    for _ in range(count):
        done = await asyncio.gather(*(reach(head) for head in random.sample(heads, len(heads))))
        winners = [answer for answer, _ in done if answer.status_code == 200]
        losers = [answer for answer, _ in done if answer.status_code == 409]
        name = winners[0].json()["holder"]["name"] if winners else ""
        right += len(winners) == 1 and len(losers) == len(heads) - 1 and all(x.json()["holder"] == name for x in losers)
        times += [took for answer, took in done if answer.status_code == 200]
        holder = heads[keys.index(next(k for n, k in zip(NAMES, keys, strict=True) if n == name))]
        await client.post(f"/v1/handoffs/{id}/release", json={"note": "again"}, headers=holder)
    return right, times


NAMES = [f"racer {n}" for n in range(RACERS)]


async def bare(count: int) -> list[float]:
    """A message committed through a store of its own until its bell rings: what nothing above it can undercut."""
    from bot.model import Author, Conversation, Draft, Kind, Memory, Owner
    from bot.settings import Settings
    from bot.stores import open_store

    with tempfile.TemporaryDirectory() as folder:
        store = open_store(Settings(data=Path(folder)), lambda: datetime.now(UTC))
        await store.start()
        now = datetime.now(UTC)
        talk = Conversation("c_bare", "en", "US", "bench", Owner.BOT, 0, 0, now)
        await store.open(talk, b"bare", now + timedelta(days=1), [], Memory())
        bell, times = store.watch(None), []
        for n in range(count):
            began = time.perf_counter()
            await store.add("c_bare", [Draft(Author.SYSTEM, Kind.NOTICE, f"number {n}")], datetime.now(UTC))
            await anext(bell)
            times.append(time.perf_counter() - began)
        await store.close()
    return times


async def main(count: int, race_count: int, pace_each: float) -> None:
    server = Server()
    try:
        link = server.ready()
        keys = [server.key(name) for name in NAMES]
        limits = httpx.Limits(max_connections=400, max_keepalive_connections=400)
        async with httpx.AsyncClient(base_url=server.url, timeout=60, limits=limits) as client:
            mine = await sign_in(client, link)
            for n in range(WAITING):
                await write(client, await visitor(client), CALM[n % len(CALM)])
            seen: dict[str, list[float]] = {}
            heads = [mine] + [{"Authorization": f"Bearer {key}"} for key in keys[: CONSOLES - 1]]
            listeners = [asyncio.create_task(listen(client, head, seen)) for head in heads]
            await asyncio.sleep(1)
            quiet, answered_quiet = await rounds(client, seen, count, CONSOLES)
            stop, sent = asyncio.Event(), [0]
            began = time.perf_counter()
            town = [asyncio.create_task(chatter(client, pace_each, sent, stop)) for _ in range(VISITORS)]
            await asyncio.sleep(pace_each)
            sent[0], began = 0, time.perf_counter()
            busy, answered_busy = await rounds(client, seen, count, CONSOLES)
            taken = await take_next(client, mine, count)
            pace = sent[0] / (time.perf_counter() - began)
            stop.set()
            await asyncio.gather(*town)
            right, won = await races(client, keys, race_count)
            for one in listeners:
                one.cancel()
            await asyncio.gather(*listeners, return_exceptions=True)
        print("load average now " + ", ".join(f"{load:.1f}" for load in os.getloadavg()) + f" on {os.cpu_count()} cores")
        print(f"{WAITING} waiting, {CONSOLES} consoles, {VISITORS} visitors at {pace:.0f} messages a second")
        print(figures("urgent, on every console (nobody writing)", quiet))
        print(figures("  its POST answered", answered_quiet))
        print(figures("urgent, on every console (200 writing)", busy))
        print(figures("  its POST answered", answered_busy))
        print(figures("bare commit and bell", await bare(200)))
        print(figures("take next (200 writing)", taken))
        print(figures("a claim won among twenty", won))
        print(f"{RACERS} racers, {race_count} rounds: {right} with exactly one winner, and every loser told who")
    finally:
        server.stop()


if __name__ == "__main__":
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--rounds", type=int, default=40)
    arguments.add_argument("--races", type=int, default=200)
    arguments.add_argument("--pace", type=float, default=20.0)
    given = arguments.parse_args()
    asyncio.run(main(given.rounds, given.races, given.pace))
