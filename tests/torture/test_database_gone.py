"""PostgreSQL gone at the start, in the middle, and for an hour; and the articles' vectors in it: said plainly, nothing lost."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import psycopg
import pytest
from cast import Server, Visitor, copy_warm, free_port
from database import Database
from kit import START, Clock, open_one, write

from bot import outbox
from bot.model import Delivery, Handoff, StoreFault, Webhook
from bot.stores.postgresql import PostgresqlStore

pytestmark = pytest.mark.slow
SECRET = "a secret for tests, long enough"


@pytest.fixture(scope="module")
def database() -> Iterator[Database]:
    with Database() as one:
        yield one


@pytest.fixture(scope="module")
def replicas(database: Database, warm: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[Server]]:
    """Two, with the vectors in the database; each has a folder of its own, without articles' vectors in it."""
    settings = {
        "HANDRAIL_DATABASE_URL": database.url,
        "HANDRAIL_SECRET_KEY": "0123456789abcdef" * 4,
        "HANDRAIL_INDEX": "pgvector",
        "HANDRAIL_CONVERSATIONS_PER_MINUTE": "100000",
    }
    made = [Server(copy_warm(warm, tmp_path_factory.mktemp("replica")), free_port(), settings) for _ in range(2)]
    for one in made:
        one.start(150)
    yield made
    for one in made:
        one.stop()


def vectors(database: Database) -> list[str]:
    with psycopg.connect(database.url) as connection:
        return [n for (n,) in connection.execute("SELECT tablename FROM pg_tables WHERE tablename LIKE 'handrail_vectors_%'")]


def test_replicas_answer_from_one_set_of_vectors_in_the_database(database: Database, replicas: list[Server]) -> None:
    said = [Visitor(one.url).say("what is exposure therapy?")["replies"][0] for one in replicas]
    assert all(reply["kind"] == "answer" for reply in said), said
    assert said[0]["citations"][0]["quote"] == said[1]["citations"][0]["quote"]
    assert len(vectors(database)) == 1, "one table, however many replicas"


def test_a_conversation_opens_though_the_vectors_are_gone(database: Database, replicas: list[Server]) -> None:
    """What a visitor may tap on is a nicety; the door is not."""
    (table,) = vectors(database)
    with psycopg.connect(database.url, autocommit=True) as connection:
        connection.execute(f"ALTER TABLE {table} RENAME TO put_aside")
        try:
            visitor = Visitor(replicas[0].url, language="nl")
            crisis = visitor.say("I want to kill myself tonight")
            plain = visitor.say("what is exposure therapy?")
        finally:
            connection.execute(f"ALTER TABLE put_aside RENAME TO {table}")
    assert crisis["replies"][0]["kind"] == "crisis"
    assert plain["conversation"]["handoff"], "what breaks in a visit goes to a person"


def test_gone_in_the_middle_every_answer_says_so_and_nothing_is_lost(database: Database, replicas: list[Server]) -> None:
    visitor = Visitor(replicas[0].url)
    visitor.say("hello")
    database.stop()
    try:
        for answer in (
            visitor.post("I want to kill myself", "m-2"),
            httpx.post(replicas[1].url + "/v1/conversations", json={}, timeout=60),
            visitor.http.get(visitor.path + "/messages", timeout=60),
        ):
            assert answer.status_code == 503, answer.text
            assert answer.headers["content-type"] == "application/problem+json"
            assert answer.json()["lines"], "the crisis lines travel with the error"
        assert httpx.get(replicas[0].url + "/healthz").status_code == 200
        assert httpx.get(replicas[0].url + "/readyz", timeout=60).status_code == 503
        assert httpx.get(replicas[0].url + "/chat", timeout=60).status_code == 200
    finally:
        database.start()
    again = visitor.post("I want to kill myself", "m-2")
    assert again.status_code == 201, again.text
    assert again.json()["conversation"]["handoff"]["state"] == "waiting"
    assert visitor.post("I want to kill myself", "m-2").status_code == 200
    found = visitor.messages()
    assert [m["seq"] for m in found] == list(range(1, len(found) + 1))
    assert [m["text"] for m in found if m["author"] == "visitor"] == ["hello", "I want to kill myself"]
    assert "Traceback" not in replicas[0].log()
    assert "http.fault" not in replicas[0].log()


def test_gone_at_the_start_is_one_line(database: Database, replicas: list[Server], warm: Path, tmp_path: Path) -> None:
    settings = dict(replicas[0].extra) | {"HANDRAIL_INDEX": "auto"}
    settings["HANDRAIL_DATABASE_URL"] = "postgresql://nobody@127.0.0.1:1/none"
    (tmp_path / "data").mkdir()
    one = Server(copy_warm(warm, tmp_path / "data"), free_port(), settings)
    done = one.run("serve", "--port", str(one.port))
    assert done.returncode == 1
    lines = [line for line in done.stderr.splitlines() if line.startswith("handrail:")]
    assert len(lines) == 1
    assert "HANDRAIL_DATABASE_URL" in lines[0]
    assert "Traceback" not in done.stderr


class Ear:
    """Takes what it is sent."""

    def __init__(self) -> None:
        self.heard: list[int] = []

    async def send(self, delivery: Delivery, handoff: Handoff | None) -> None:
        self.heard.append(delivery.event.seq if delivery.event else 0)


def test_gone_for_an_hour_the_outbox_waits_and_then_sends_each_in_order(tmp_path: Path) -> None:
    clock, ear = Clock(START), Ear()

    async def main(database: Database) -> None:
        store = PostgresqlStore(database.url, data=tmp_path, secret=SECRET, clock=clock)
        await store.start()
        await store.add_webhook(Webhook("w", "https://hooks.example.com", ("message.created",), "whsec_x", START, "key:1"))
        await open_one(store, "c1")
        task: asyncio.Task[Any] = asyncio.create_task(outbox.run(store, {"webhook": ear}, clock))
        await until(lambda: ear.heard == [1])
        database.stop()
        for _ in range(6):
            clock.pass_(minutes=10)
            with pytest.raises(StoreFault, match="HANDRAIL_DATABASE_URL"):
                await store.messages("c1")
        assert not task.done(), "the loop gave up"
        database.start()
        for n in range(5):
            await write(store, "c1", f"number {n}", clock.pass_(seconds=1))
        await until(lambda: len(ear.heard) == 11)
        clock.pass_(minutes=3)
        await asyncio.sleep(0.3)
        assert ear.heard == list(range(1, 12)), "each once and in order"
        assert await store.next_due() is None
        assert clock() - START > timedelta(hours=1)
        await store.close()
        await task

    with Database() as own:
        asyncio.run(main(own))


async def until(true: Any) -> None:
    async with asyncio.timeout(60):
        while not true():
            await asyncio.sleep(0.02)
