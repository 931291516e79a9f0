"""Webhooks against real servers on loopback: signatures, targets that hang, lie, flood, redirect or move."""

from __future__ import annotations

import asyncio
import json
import ssl
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from certificates import certificate
from standardwebhooks import Webhook as Verifier
from standardwebhooks.webhooks import WebhookVerificationError

from bot import outbox
from bot.model import (
    Author,
    Conversation,
    Delivery,
    Draft,
    Event,
    Handoff,
    HandoffState,
    Kind,
    Memory,
    Owner,
    Reason,
    Webhook,
)
from bot.notifiers.webhook import WebhookSender, new_secret, patience, payload
from bot.ports import Permanent, RetryAfter


def now() -> datetime:
    return datetime.now(UTC)  # the signature's library looks at the real clock


@dataclass
class Heard:
    head: str
    body: bytes

    @property
    def headers(self) -> dict[str, str]:
        lines = [line.partition(": ") for line in self.head.split("\r\n")[1:] if line]
        return {name.lower(): value for name, _, value in lines}


@dataclass
class Target:
    """A server of one gesture. `answer` writes whatever it likes."""

    answer: Callable[[asyncio.StreamWriter], object]
    heard: list[Heard] = field(default_factory=list)
    connections: int = 0
    port: int = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        try:
            head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
            length = int(Heard(head, b"").headers.get("content-length", 0))
            self.heard.append(Heard(head, await reader.readexactly(length)))
            done = self.answer(writer)
            if asyncio.iscoroutine(done):
                await done
            await writer.drain()
        except (ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
            pass
        finally:
            writer.close()


@asynccontextmanager
async def listening(
    answer: Callable[[asyncio.StreamWriter], object], tls: ssl.SSLContext | None = None
) -> AsyncIterator[Target]:
    target = Target(answer)
    server = await asyncio.start_server(target.serve, "127.0.0.1", 0, ssl=tls)
    target.port = server.sockets[0].getsockname()[1]
    try:
        yield target
    finally:
        server.close()


def says(status: str, *headers: str, body: bytes = b"ok") -> Callable[[asyncio.StreamWriter], object]:
    lines = [f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", "Connection: close", *headers, "", ""]
    return lambda writer: writer.write("\r\n".join(lines).encode() + body)


def event(id: int = 7) -> Event:
    data = {"conversation": "c1", "handoff": "h1", "state": "waiting", "urgency": 4, "reason": "suicide"}
    return Event(id, "c1", 3, "handoff.opened", data, now())


def delivery(target: str = "webhook:wh_1", **changes: object) -> Delivery:
    given = {"event": event(), "kind": "handoff.opened", "conversation": "c1", "handoff": "h1"} | changes
    return Delivery(id=5, target=target, attempt=1, due_at=now(), state="sending", **given)  # type: ignore[arg-type]


async def hook(store, port: int, **changes: object) -> Webhook:  # type: ignore[no-untyped-def]
    url = f"http://127.0.0.1:{port}/in?team=1"
    given = {"url": url, "events": (), "secret": new_secret(), "owner": "key:1"} | changes
    made = Webhook(id="wh_1", created_at=now(), **given)  # type: ignore[arg-type]
    await store.add_webhook(made)
    return made


def sender(store, **changes: object) -> WebhookSender:  # type: ignore[no-untyped-def]
    return WebhookSender(store, now, **({"allow_private": True} | changes))  # type: ignore[arg-type]


def test_the_library_checks_our_signature(run) -> None:  # type: ignore[no-untyped-def]
    async def walk(store) -> None:  # type: ignore[no-untyped-def]
        async with listening(says("200 OK")) as target:
            made = await hook(store, target.port)
            await sender(store).send(delivery(), None)
        (heard,) = target.heard
        body = Verifier(made.secret).verify(heard.body, heard.headers)
        assert body["type"] == "handoff.opened"
        assert body["data"] == {"event": 7, "conversation": "c1", "handoff": "h1", "state": "waiting", "urgency": 4,
                                "reason": "suicide"}  # fmt: skip
        assert heard.headers["webhook-id"] == "evt_7", "the same at every attempt: the receiver can tell a repeat"
        assert heard.head.startswith("POST /in?team=1 HTTP/1.1")
        assert heard.headers["host"] == f"127.0.0.1:{target.port}"
        with pytest.raises(WebhookVerificationError):
            Verifier(new_secret()).verify(heard.body, heard.headers)
        with pytest.raises(WebhookVerificationError):
            Verifier(made.secret).verify(heard.body.replace(b"c1", b"c2"), heard.headers)

    run(walk)


def test_while_a_secret_is_rotated_both_fit(run) -> None:  # type: ignore[no-untyped-def]
    async def walk(store) -> None:  # type: ignore[no-untyped-def]
        old = new_secret()
        async with listening(says("204 No Content", body=b"")) as target:
            made = await hook(store, target.port, previous_secret=old)
            await sender(store).send(delivery(), None)
        (heard,) = target.heard
        for secret in (made.secret, old):
            assert Verifier(secret).verify(heard.body, heard.headers)

    run(walk)


@pytest.mark.parametrize("status", ["400 Bad Request", "404 Not Found", "500 Oops", "301 Moved"])
def test_a_refusal_is_tried_again(run, status: str) -> None:  # type: ignore[no-untyped-def]
    async def walk(store) -> None:  # type: ignore[no-untyped-def]
        async with listening(says(status, "Location: http://127.0.0.1:1/secret")) as target:
            await hook(store, target.port)
            with pytest.raises(ConnectionError, match=status[:3]):
                await sender(store).send(delivery(), None)
            assert target.connections == 1, "no redirect is followed"

    run(walk)


def test_gone_is_gone(run) -> None:  # type: ignore[no-untyped-def]
    async def walk(store) -> None:  # type: ignore[no-untyped-def]
        async with listening(says("410 Gone")) as target:
            await hook(store, target.port)
            with pytest.raises(Permanent):
                await sender(store).send(delivery(), None)
            assert (await store.webhook("wh_1")).disabled_at is not None
            with pytest.raises(Permanent, match="switched off"):
                await sender(store).send(delivery(), None)
            assert target.connections == 1
        with pytest.raises(Permanent):
            await sender(store).send(delivery("webhook:wh_never"), None)

    run(walk)


@pytest.mark.parametrize("status", ["429 Too Many Requests", "503 Service Unavailable"])
def test_patience_is_honoured(run, status: str) -> None:  # type: ignore[no-untyped-def]
    async def walk(store) -> None:  # type: ignore[no-untyped-def]
        async with listening(says(status, "Retry-After: 120")) as target:
            await hook(store, target.port)
            with pytest.raises(RetryAfter) as caught:
                await sender(store).send(delivery(), None)
            assert caught.value.seconds == 120

    run(walk)


def test_a_date_is_read_by_the_targets_own_clock() -> None:
    import httpx

    hour_off = {"date": "Mon, 23 Nov 2026 14:00:00 GMT", "retry-after": "Mon, 23 Nov 2026 14:02:00 GMT"}
    assert patience(httpx.Headers(hour_off)) == 120
    assert patience(httpx.Headers({"retry-after": "999999999"})) == 24 * 3600
    assert patience(httpx.Headers({"retry-after": "soon"})) is None
    assert patience(httpx.Headers({"retry-after": "-5"})) is None
    assert patience(httpx.Headers({})) is None


def test_three_megabytes_and_an_endless_answer_are_cut(run) -> None:  # type: ignore[no-untyped-def]
    cut: list[int] = []

    async def endless(writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
        for n in range(200_000):  # 200 MB, would one let it
            try:
                writer.write(b"400\r\n" + b"x" * 1024 + b"\r\n")
                await writer.drain()
            except ConnectionError:
                cut.append(n)
                return

    async def walk(store) -> None:  # type: ignore[no-untyped-def]
        large = says("200 OK", body=b"x" * 3_000_000)
        async with listening(large) as target:
            await sender(store).send(delivery(f"webhook:http://127.0.0.1:{target.port}/"), None)
        async with listening(endless) as target:
            await sender(store).send(delivery(f"webhook:http://127.0.0.1:{target.port}/"), None)  # 200 was said
            async with asyncio.timeout(20):
                while not cut:
                    await asyncio.sleep(0.01)
            assert cut[0] < 20_000, "what the line's own buffers hold, and no more"

    run(walk)


def test_a_target_that_hangs_holds_nobody_up(run) -> None:  # type: ignore[no-untyped-def]
    hung = asyncio.Event()

    async def hang(writer: asyncio.StreamWriter) -> None:
        await hung.wait()

    async def trickle(writer: asyncio.StreamWriter) -> None:
        for byte in b"HTTP/1.1 200 OK\r\nX-Slow: " + b"x" * 1000:
            writer.write(bytes([byte]))
            await writer.drain()
            await asyncio.sleep(0.05)

    async def walk(store) -> None:  # type: ignore[no-untyped-def]
        for answer in (hang, trickle):
            async with listening(answer) as target:
                fixed = delivery(f"webhook:http://127.0.0.1:{target.port}/in")
                with pytest.raises(TimeoutError):
                    await sender(store, whole=0.3).send(fixed, None)
        hung.set()

    run(walk)


def test_one_that_hangs_and_one_that_works_side_by_side(run) -> None:  # type: ignore[no-untyped-def]
    """Through the outbox: the slow target's delivery waits for its next attempt, the other's is sent."""

    async def walk(store) -> None:  # type: ignore[no-untyped-def]
        release = asyncio.Event()

        async def hang(writer: asyncio.StreamWriter) -> None:
            await release.wait()

        async with listening(hang) as slow, listening(says("200 OK")) as quick:
            await hook(store, slow.port)
            good = Webhook("wh_2", f"http://127.0.0.1:{quick.port}/in", (), new_secret(), now(), "key:1")
            await store.add_webhook(good)
            talk = Conversation("c1", "en", "US", "web", Owner.BOT, 0, 0, now())
            first = Draft(Author.BOT, Kind.DISCLOSURE, "Hello.")
            await store.open(talk, b"t", now() + timedelta(days=1), (first,), Memory())
            loop = asyncio.create_task(outbox.run(store, {"webhook": sender(store, whole=0.5)}, now))
            try:
                async with asyncio.timeout(20):
                    while {d.state for d in await store.deliveries("webhook:wh_2")} != {"sent"}:
                        await asyncio.sleep(0.02)
                    while not [d for d in await store.deliveries("webhook:wh_1") if d.last_error]:
                        await asyncio.sleep(0.02)
                waits = [d for d in await store.deliveries("webhook:wh_1") if d.last_error]
                assert waits and all(d.state == "due" and "no answer" in d.last_error for d in waits)
            finally:
                release.set()
                loop.cancel()
                await asyncio.gather(loop, return_exceptions=True)

    run(walk)


# ── the guard at the moment of sending ──


def test_private_targets_are_refused_when_sent(run) -> None:  # type: ignore[no-untyped-def]
    async def walk(store) -> None:  # type: ignore[no-untyped-def]
        async with listening(says("200 OK")) as target:
            for url in (f"https://127.0.0.1:{target.port}/", f"https://[::1]:{target.port}/", "https://169.254.169.254/"):
                with pytest.raises(Permanent):
                    await sender(store, allow_private=False).send(delivery(f"webhook:{url}"), None)
            assert target.connections == 0

    run(walk)


def test_a_name_that_leads_home_is_refused_and_looked_up_once(run) -> None:  # type: ignore[no-untyped-def]
    asked: list[str] = []

    async def hostile(host: str, port: int) -> list[str]:
        asked.append(host)
        return ["127.0.0.1"]

    async def walk(store) -> None:  # type: ignore[no-untyped-def]
        async with listening(says("200 OK")) as target:
            url = f"webhook:https://hooks.example:{target.port}/in"
            with pytest.raises(Permanent, match="is private"):
                await sender(store, allow_private=False, resolver=hostile).send(delivery(url), None)
            assert asked == ["hooks.example"] and target.connections == 0

    run(walk)


def test_a_name_that_changes_between_look_and_leap_gains_nothing(run) -> None:  # type: ignore[no-untyped-def]
    """The first answer is vetted and connected to; the second, which would be the private one, is never asked for."""
    answers = iter([["192.88.1.1"], ["127.0.0.1"]])
    asked: list[str] = []

    async def rebinding(host: str, port: int) -> list[str]:
        asked.append(host)
        return next(answers)

    async def walk(store) -> None:  # type: ignore[no-untyped-def]
        async with listening(says("200 OK")) as target:
            url = f"webhook:https://hooks.example:{target.port}/in"
            with pytest.raises((ConnectionError, TimeoutError)):  # the public address does not answer here
                await sender(store, allow_private=False, resolver=rebinding, connect=0.3, whole=0.6).send(
                    delivery(url), None
                )
            assert asked == ["hooks.example"] and target.connections == 0

    run(walk)


def test_the_certificate_must_be_the_names_though_the_address_is_pinned(run, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    async def pinned(host: str, port: int) -> list[str]:
        return ["127.0.0.1"]

    async def walk(store) -> None:  # type: ignore[no-untyped-def]
        server, trust = certificate(tmp_path, "hooks.example")
        async with listening(says("200 OK"), server) as target:
            good = sender(store, resolver=pinned, verify=trust)
            await good.send(delivery(f"webhook:https://hooks.example:{target.port}/in"), None)
            (heard,) = target.heard
            assert heard.headers["host"] == f"hooks.example:{target.port}", "the name asked for, not the address"
            with pytest.raises(ConnectionError):
                await good.send(delivery(f"webhook:https://other.example:{target.port}/in"), None)
            with pytest.raises(ConnectionError):
                await sender(store, resolver=pinned).send(
                    delivery(f"webhook:https://hooks.example:{target.port}/in"), None
                )
            assert len(target.heard) == 1

    run(walk)


# ── what is in it ──


def test_a_notice_has_ids_and_states_alone() -> None:
    handoff = Handoff("h1", "c1", Reason.SUICIDE, 4, HandoffState.WAITING, now(), now())
    sent = payload(delivery("webhook:https://pager.example/", event=None, kind="ladder.repeat", step=3), handoff, now())
    assert set(sent) == {"type", "timestamp", "data"}
    assert set(sent["data"]) == {"conversation", "handoff", "step", "state", "urgency", "reason", "due_at"}
    assert sent["timestamp"].endswith("Z") and json.dumps(sent)


def test_a_notice_is_signed_with_the_settings_own_secret(run) -> None:  # type: ignore[no-untyped-def]
    async def walk(store) -> None:  # type: ignore[no-untyped-def]
        own = new_secret()
        async with listening(says("200 OK")) as target:
            url = f"webhook:http://127.0.0.1:{target.port}/pager"
            await sender(store, own_secret=own).send(delivery(url, event=None, kind="ladder.next"), None)
            await sender(store).send(delivery(url, event=None, kind="ladder.next"), None)
        first, second = target.heard
        assert Verifier(own).verify(first.body, first.headers)["type"] == "ladder.next"
        assert "webhook-signature" not in second.headers, "no secret, no signature: never one made of nothing"

    run(walk)
