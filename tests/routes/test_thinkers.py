"""Thinking beside the server: the same answers, and nobody is left alone when a process dies or hangs."""

from __future__ import annotations

import asyncio
import os
import signal
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from cast import Server, Visitor, copy_warm, until

from bot import parts, settings
from bot.desk import Desk
from bot.handoff import claim
from bot.model import Conversation, Holder, Kind, Memory, Owner, Reason, Route, Visit
from bot.settings import Settings
from bot.stores import open_store
from bot.thinkers import Thinkers
from bot.turn import Job, Parts, Thinker

QUESTION = "What is exposure therapy?"


def children(pid: int) -> list[int]:
    return [int(one) for one in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def gone(pid: int) -> bool:
    return not Path(f"/proc/{pid}").exists()


def test_a_process_dies_in_the_middle_of_a_thought(make_server: Callable[..., Server]) -> None:
    server = make_server(HANDRAIL_THINKERS="1")
    assert server.process

    def ready() -> bool:
        return bool(httpx.get(server.url + "/readyz").json()["thinkers"] == 1)

    until(ready)
    (thinker,) = children(server.process.pid)
    first = Visitor(server.url).say(QUESTION)
    assert first["replies"][0]["kind"] == "answer"
    assert first["replies"][0]["citations"]

    os.kill(thinker, signal.SIGSTOP)
    told: list[Any] = []
    asked = threading.Thread(target=lambda: told.append(Visitor(server.url).say("I have a question about sleep")))
    behind = threading.Thread(target=lambda: told.append(Visitor(server.url).say(QUESTION)))
    for one in (asked, behind):
        one.start()
        time.sleep(0.5)  # in this order, and given to the process
    os.kill(thinker, signal.SIGKILL)
    asked.join(30)
    behind.join(30)
    assert len(told) == 2
    lost, answered = sorted(told, key=lambda reply: bool(reply["replies"][0]["citations"]))
    assert lost["replies"][0]["kind"] == "crisis"
    assert lost["conversation"]["handoff"]["reason"] == "fault"
    assert answered["replies"][0]["citations"] == first["replies"][0]["citations"]

    assert Visitor(server.url).say(QUESTION)["replies"][0]["kind"] == "answer"  # with none left the server thinks itself
    until(ready)
    assert 'handrail_thinkers{state="died"} 1.0' in httpx.get(server.url + "/metrics").text
    (thinker,) = children(server.process.pid)
    assert server.stop() == 0
    until(lambda: gone(thinker), 10)


@pytest.fixture(scope="module")
def chosen(warm: Path, tmp_path_factory: pytest.TempPathFactory) -> Settings:
    return settings.read(data=copy_warm(warm, tmp_path_factory.mktemp("thinkers")), secret_key="0123456789abcdef" * 4)


@pytest.fixture(scope="module")
def joined(chosen: Settings) -> Parts:
    embedder = parts.open_embedder(chosen)
    return parts.join(chosen, parts.read_words(chosen), None, parts.open_search(chosen, embedder), embedder)


def test_a_visit_read_before_a_claim_is_read_again(chosen: Settings, joined: Parts) -> None:
    async def shift() -> None:
        store = open_store(chosen, parts.now_utc)
        await store.start()
        desk, now = Desk(Thinker(replace(joined, store=store))), parts.now_utc()
        talk = Conversation("claimed", "en", "US", "test", Owner.BOT, 0, 0, now)
        await store.open(talk, b"token", now + timedelta(days=1), (), Memory())
        asked = await desk.ask_for_person(talk.id, "", "")
        before = await store.visit(talk.id)
        assert before
        assert asked.recorded.handoff
        by = Holder("key:1", "Clinician A", "key", frozenset({"handoffs"}))
        await store.move(claim(asked.recorded.handoff, by, now, timedelta(minutes=2), joined.words))
        taken = await desk.take(talk.id, QUESTION, None, before)
        assert (taken.recorded.replies, taken.recorded.conversation.owner) == ((), Owner.CLINICIAN)
        said = [message.text for message in await store.messages(talk.id)]
        assert said.count(QUESTION) == 1
        await store.close()

    asyncio.run(shift())


def test_a_thought_that_hangs_goes_to_a_person(chosen: Settings, joined: Parts) -> None:
    thinker = Thinker(joined)
    now = parts.now_utc()
    visit = Visit(Conversation("one", "en", "US", "test", Owner.BOT, 0, 0, now), Memory(), None, 0, 0)

    async def shift() -> None:
        before = set(children(os.getpid()))
        thinkers = Thinkers(chosen, thinker, 1, limit=1.0)
        assert thinkers._settings.secret_key == ""
        thinkers.start()
        while not thinkers.ready:
            await asyncio.sleep(0.05)
        good = await thinkers.think(Job("message", visit, QUESTION, now))
        assert good == thinker.work(Job("message", visit, QUESTION, now))
        (pid,) = set(children(os.getpid())) - before
        os.kill(pid, signal.SIGSTOP)
        hung, behind = await asyncio.gather(
            thinkers.think(Job("message", visit, "is anyone there", now)), thinkers.think(Job("message", visit, QUESTION, now))
        )
        assert (hung.verdict.route, hung.verdict.reason) == (Route.HUMAN, Reason.FAULT)
        assert hung.replies[0].kind is Kind.CRISIS
        assert behind == good
        await thinkers.close()
        assert gone(pid)

    asyncio.run(shift())
