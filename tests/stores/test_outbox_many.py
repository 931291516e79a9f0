"""Ten thousand deliveries due at once: all go out, each once, in each conversation's order, and another target need not wait."""

from __future__ import annotations

import asyncio

from kit import START, flag, open_one
from test_deliveries import hook

from bot import outbox
from bot.stores.sqlite import SqliteStore


class Ear:
    def __init__(self, wait: float = 0.0) -> None:
        self.heard: list[tuple[str, int]] = []
        self.at_once = self.most = 0
        self.wait = wait

    async def send(self, delivery, handoff) -> None:
        self.at_once += 1
        self.most = max(self.most, self.at_once)
        await asyncio.sleep(self.wait)
        self.at_once -= 1
        self.heard.append((delivery.conversation, delivery.event.seq if delivery.event else 0))


def flood(make, clock, talks: int) -> None:
    async def main() -> None:
        store = make()
        await store.start()
        await store.add_webhook(hook("w1", ("conversation.started", "message.created")))
        for start in range(0, talks, 500):
            await asyncio.gather(*(open_one(store, f"c{n}") for n in range(start, min(talks, start + 500))))
        await flag(store, "c0")
        webhooks, mail = Ear(), Ear()
        task = asyncio.create_task(outbox.run(store, {"webhook": webhooks, "mailto": mail}, clock))
        async with asyncio.timeout(120):
            while not mail.heard:
                await asyncio.sleep(0.005)
            before = len(webhooks.heard)
            while len(webhooks.heard) < 2 * talks + 2 or await store.next_due() is not None:
                await asyncio.sleep(0.02)
        assert before < 2 * talks, "who is on duty had to wait for all the webhooks"
        assert len(webhooks.heard) == 2 * talks + 2
        told: dict[str, list[int]] = {}
        for id, seq in webhooks.heard:
            told.setdefault(id, []).append(seq)
        assert len(told) == talks
        assert all(seqs == sorted(seqs) for seqs in told.values())
        assert webhooks.most <= outbox.AT_ONCE
        assert START == clock()
        await store.close()
        await task

    asyncio.run(main())


def test_ten_thousand_due_at_once(tmp_path, clock):
    flood(lambda: SqliteStore(tmp_path, secret="a secret for tests, long enough", clock=clock), clock, 5000)


def test_a_thousand_on_either_plug(make, clock):
    flood(make, clock, 500)
