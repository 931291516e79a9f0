"""A store with words in every place where words are kept, and all that can be read of it."""

from __future__ import annotations

import asyncio
import sqlite3
from datetime import timedelta
from pathlib import Path

import psycopg
from kit import ANA, START, claim, flag, message, open_one, opening, write
from sealed import SECRET

from bot.model import Card, Gap, Memory, TalkMemory, User, Webhook
from bot.stores.postgresql import PostgresqlStore
from bot.stores.schema import metadata

SPOKEN = "words that only the two of us know"


async def some_life(store, suffix=""):
    """Words in every place where words are kept."""
    for id in ("c1", "c2"):
        await open_one(store, id + suffix)
    id = "c1" + suffix
    await write(store, id, SPOKEN, client_id=SPOKEN, gap=Gap(SPOKEN, "en"), memory=Memory(talk=TalkMemory((SPOKEN,))))
    handoff = await flag(store, id)
    await write(store, id, SPOKEN, opening=flagged(SPOKEN))
    await store.move(claim(handoff, note=SPOKEN))
    await store.say(handoff.id, ANA, message(SPOKEN), START, SPOKEN)
    await store.put_secret("welcome" + suffix, b"d", {"text": SPOKEN}, START + timedelta(days=1))
    await store.keep("mark", "m" + suffix, {"text": SPOKEN}, START)
    await store.add_webhook(Webhook("w" + suffix, "https://x.example", (), SPOKEN, START, "key:1"))
    await store.add_user(User("u" + suffix, f"u{suffix}@x.example", "U", "admin", "hash", SPOKEN))


def flagged(text):
    return opening(4, card=Card(contact=text, note=text))


async def all_of(store):
    return [
        [await store.messages("c1"), await store.visit("c1"), await store.events(), await store.queue(None)],
        [await store.notes((await store.queue(None))[0].id), await store.webhooks(), await store.users()],
        [await store.audit_rows(), await store.gaps(), await store.kept("mark"), await store.deliveries(state="due")],
    ]


def using(store, test):
    async def whole():
        await store.start()
        try:
            return await test(store)
        finally:
            await store.close()

    return asyncio.run(whole())


def rows_of(store) -> str:
    """All there is, in the clear, as the database gives it."""
    if isinstance(store, PostgresqlStore):
        with psycopg.connect(store.url) as connection:
            return "".join(
                repr(connection.execute(f'SELECT * FROM "{table.name}"').fetchall()) for table in metadata.sorted_tables
            )
    with sqlite3.connect(store.file) as connection:
        return "\n".join(connection.iterdump())


class chosen:
    def __init__(self, data: Path, url: str = "", secret: str = SECRET) -> None:
        self.data, self.database_url, self.secret_key, self.previous_secret_keys = data, url, secret, ""


async def backed_up(store, path):
    await some_life(store)
    await store.backup(path)


async def lived(store):
    await some_life(store)
    return await all_of(store)
