"""The stream: each message once, in order, whatever breaks off in between; the state when it changes. On both plugs."""

from __future__ import annotations

import asyncio
import json

import pytest
from kit import START, Clock, claim, flag, open_one, write

from bot import live


def shape(message):
    return {"seq": message.seq, "text": message.text}


def state_of(store, id="c1"):
    async def state():
        visit = await store.visit(id)
        return None if visit is None else {"owner": visit.conversation.owner, "urgency": visit.conversation.urgency}

    return state


def following(store, after=0, heartbeat=20.0, id="c1"):
    return live.follow(store, id, after, render=shape, state=state_of(store, id), heartbeat=heartbeat)


def read(piece: bytes):
    """The frames of one piece as (event, id, data)."""
    found = []
    for block in piece.decode().split("\n\n"):
        fields = dict(line.split(": ", 1) for line in block.splitlines() if not line.startswith(":"))
        if "event" in fields:
            found.append((fields["event"], int(fields.get("id", 0)), json.loads(fields["data"])))
    return found


async def until(frames, enough, seconds=20.0):
    """All frames up to and with the first for which `enough` holds."""
    found = []
    async with asyncio.timeout(seconds):
        async for piece in frames:
            for frame in read(piece):
                found.append(frame)
                if enough(frame):
                    return found
    return found


def test_what_was_said_before_then_the_state_then_what_is_new(run):
    async def test(store):
        await open_one(store)
        await write(store, "c1", "line\nbreaks 🫂 \u2028 \r\n and data: x\n\nevent: y")
        frames = following(store)
        first = await until(frames, lambda f: f[0] == "state")
        assert [(event, id) for event, id, _ in first] == [("message", 1), ("message", 2), ("message", 3), ("state", 0)]
        assert first[1][2]["text"] == "line\nbreaks 🫂 \u2028 \r\n and data: x\n\nevent: y"
        handoff = await flag(store)
        second = await until(frames, lambda f: f[0] == "state")
        assert [id for event, id, _ in second if event == "message"] == [4, 5]
        assert second[-1][2] == {"owner": "queue", "urgency": 3}
        await store.move(claim(handoff))
        third = await until(frames, lambda f: f[0] == "state")
        assert third[-1][2]["owner"] == "clinician"
        await frames.aclose()
        assert len(store.hub) == 0

    run(test)


def test_it_resumes_after_a_seq(run):
    async def test(store):
        await open_one(store)
        for n in range(3):
            await write(store, "c1", str(n))
        got = await until(following(store, after=5), lambda f: f[0] == "state")
        assert [id for event, id, _ in got if event == "message"] == [6, 7]

    run(test)


def test_exactly_one_to_n_under_a_stream_that_breaks_all_the_time(run):
    async def test(store):
        await open_one(store)
        last = 101

        async def writer():
            for n in range(50):
                await write(store, "c1", str(n))

        async def reader():
            seen, after = [], 0
            while after < last:
                frames = following(store, after)
                budget = 2 + after % 5  # pieces until the line breaks
                async with asyncio.timeout(30):
                    async for piece in frames:
                        for event, id, _ in read(piece):
                            if event == "message":
                                seen.append(id)
                                after = id
                        budget -= 1
                        if budget <= 0 or after >= last:
                            break
                await frames.aclose()
            return seen

        *seen, _ = await asyncio.gather(reader(), reader(), reader(), writer())
        assert all(s == list(range(1, last + 1)) for s in seen)

    run(test)


def test_silence_is_filled_and_the_end_is_told(make):
    async def test():
        store = make()
        await store.start()
        await open_one(store)
        pieces = []

        async def reader():
            async for piece in following(store, heartbeat=0.02):
                pieces.append(piece)

        task = asyncio.create_task(reader())
        while sum(p.startswith(b":") for p in pieces) < 3:
            await asyncio.sleep(0.01)
        store.end_watches()  # SIGTERM: streams end, the store still answers
        await asyncio.wait_for(task, 5)
        assert len(await store.messages("c1")) == 1
        await store.close()

    asyncio.run(test())


def test_a_stream_ends_when_the_visitors_side_is_gone(run):
    async def test(store):
        await open_one(store)
        frames = following(store)
        await until(frames, lambda f: f[0] == "state")
        await store.erase("c1", START, "visitor")
        assert await until(frames, lambda f: False) == []

    run(test)


def test_everything_for_the_console_with_its_beat(run):
    async def test(store):
        beats = []

        async def beat():
            beats.append(1)

        def render(event):
            return {"conversation": event.conversation}

        await open_one(store, "c0")
        frames = live.follow_all(store, 1, render=render, beat=beat, heartbeat=0.05)
        got = await until(frames, lambda f: f[0] == "message.created")
        await open_one(store, "c1")
        await flag(store, "c1")
        got += await until(frames, lambda f: f[0] == "handoff.opened")
        ids = [id for _, id, _ in got]
        assert ids == sorted(set(ids)) and {d["conversation"] for _, _, d in got} == {"c0", "c1"}
        async with asyncio.timeout(10):
            while len(beats) < 3:
                await anext(frames)
        await frames.aclose()

    run(test)


class Wire:
    """An ASGI server's side: what was sent, and when the reader hangs up."""

    def __init__(self):
        self.sent, self.gone = [], asyncio.Event()

    async def send(self, message):
        self.sent.append(message)

    async def receive(self):
        await self.gone.wait()
        return {"type": "http.disconnect"}

    @property
    def body(self):
        return b"".join(m.get("body", b"") for m in self.sent)


def test_over_asgi_until_the_reader_hangs_up(run):
    async def test(store):
        await open_one(store)
        wire = Wire()
        task = asyncio.create_task(live.send_stream(following(store), wire.send, wire.receive))
        while b"event: state" not in wire.body:
            await asyncio.sleep(0.01)
        headers = dict(wire.sent[0]["headers"])
        assert headers[b"content-type"].startswith(b"text/event-stream") and headers[b"cache-control"] == b"no-store"
        wire.gone.set()
        await asyncio.wait_for(task, 5)
        assert len(store.hub) == 0

    run(test)


def test_a_fault_in_the_middle_ends_the_stream_so_that_the_reader_comes_again(run):
    async def test(store):
        await open_one(store)

        async def broken():
            raise KeyError("a bug")

        wire = Wire()
        frames = live.follow(store, "c1", 0, render=shape, state=broken)
        await asyncio.wait_for(live.send_stream(frames, wire.send, wire.receive), 5)
        assert wire.sent[-1] == {"type": "http.response.body", "body": b"", "more_body": False}
        assert len(store.hub) == 0

    run(test)


def test_a_slow_reader_holds_nobody_up(run):
    async def test(store):
        await open_one(store)
        slow, quick = following(store), following(store)
        await anext(slow)
        for n in range(20):
            await write(store, "c1", str(n))
        got = await until(quick, lambda f: f[1] == 41)
        assert len(got) >= 41
        got = await until(slow, lambda f: f[1] == 41)
        assert [id for event, id, _ in got if event == "message"] == list(range(1, 42))
        await slow.aclose()
        await quick.aclose()

    run(test)


@pytest.mark.slow
def test_many_idle_streams_are_light(tmp_path):
    """Bytes a connection in this process, by the allocator's own count: the goal is 17 KB and less."""
    import tracemalloc

    from sealed import SECRET

    from bot.stores.sqlite import SqliteStore

    async def test():
        store = SqliteStore(tmp_path, secret=SECRET, clock=Clock())
        await store.start()
        await open_one(store)
        wires = [Wire() for _ in range(1000)]
        tracemalloc.start()
        before = tracemalloc.get_traced_memory()[0]
        streams = [asyncio.create_task(live.send_stream(following(store), wire.send, wire.receive)) for wire in wires]
        while not all(b"event: state" in wire.body for wire in wires):
            await asyncio.sleep(0.05)
        each = (tracemalloc.get_traced_memory()[0] - before) / len(wires)
        tracemalloc.stop()
        assert each < 17_000, each
        store.end_watches()
        await asyncio.gather(*streams)
        await store.close()

    asyncio.run(test())
