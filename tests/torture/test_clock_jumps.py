"""The system's clock set back a day and forward a month: whoever must be told is told, and messages go on in order."""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cast import copy_warm
from fastapi.testclient import TestClient
from fault_table import note
from kit import START, Clock, flag, open_one

from bot import outbox
from bot.app import build
from bot.model import Delivery, Handoff
from bot.settings import Settings
from bot.stores.sqlite import SqliteStore

JUMPS = (timedelta(days=-1), timedelta(hours=3), timedelta(days=-400), timedelta(days=2))


class Ear:
    def __init__(self) -> None:
        self.heard: list[str] = []

    async def send(self, delivery: Delivery, handoff: Handoff | None) -> None:
        self.heard.append(delivery.conversation)


@pytest.mark.parametrize("while_down", [False, True])
def test_a_notice_goes_out_though_the_clock_was_set_back_a_day(tmp_path: Path, while_down: bool) -> None:
    clock, ear = Clock(START), Ear()

    async def main() -> None:
        store = SqliteStore(tmp_path, secret="a secret for tests, long enough", clock=clock)
        await store.start()
        sending = None if while_down else asyncio.create_task(outbox.run(store, {"mailto": ear}, clock))
        if sending:
            await open_one(store, "before")
            await flag(store, "before")
            await until(lambda: ear.heard == ["before"])
        else:
            ear.heard.append("before")
        ahead = clock() + timedelta(hours=6)
        await open_one(store, "c1", ahead)
        await flag(store, "c1", at=ahead, notices=(notice(ahead), notice(ahead + timedelta(minutes=15))))
        if sending is None:
            sending = asyncio.create_task(outbox.run(store, {"mailto": ear}, clock))
        else:
            clock.pass_(hours=-24)
        await until(lambda: ear.heard == ["before", "c1"])
        await asyncio.sleep(0.2)
        assert ear.heard == ["before", "c1"], "the later notice came before its time"
        clock.pass_(minutes=15)
        await until(lambda: ear.heard == ["before", "c1", "c1"])
        await store.close()
        await sending

    asyncio.run(main())


def notice(at: datetime) -> Any:
    from bot.model import Notice

    return Notice("mailto:duty@practice.example", "handoff.opened", at)


async def until(true: Any) -> None:
    async with asyncio.timeout(20):
        while not true():
            await asyncio.sleep(0.02)


@pytest.mark.slow
def test_a_conversation_goes_on_over_every_jump(warm: Path, tmp_path: Path) -> None:
    clock = Clock(datetime.fromisoformat("2026-06-01T12:00:00+00:00"))
    app = build(Settings(data=copy_warm(warm, tmp_path / "data"), token_days=3000), clock=clock)
    number = 0
    with TestClient(app, base_url="https://testserver") as http:
        opened = http.post("/v1/conversations", json={}).json()
        http.headers["Authorization"] = f"Bearer {opened['token']}"
        http.cookies.clear()
        path = f"/v1/conversations/{opened['id']}/messages"
        for jump in JUMPS:
            clock.pass_(seconds=jump.total_seconds())
            for _ in range(3):
                number += 1
                answer = http.post(path, json={"text": f"what is sleep hygiene? {number}", "client_id": f"n{number}"})
                assert answer.status_code == 201, answer.text
        crisis = http.post(path, json={"text": "I want to kill myself tonight"}).json()
        assert crisis["replies"][0]["kind"] == "crisis"
        assert crisis["conversation"]["handoff"]["state"] == "waiting"
        found = http.get(path).json()["messages"]
    assert [m["seq"] for m in found] == list(range(1, len(found) + 1))
    assert [m["client_id"] for m in found if m.get("client_id")] == [f"n{n + 1}" for n in range(number)]
    note("the system's clock set back and forward", len(JUMPS), number)
