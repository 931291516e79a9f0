"""Mail against a real local SMTP server: what it says and does not say, refusals, and a server away for an hour."""

from __future__ import annotations

import asyncio
import email
import email.policy
import socket
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage
from typing import Any

import pytest
from aiosmtpd.controller import Controller

from bot import outbox
from bot.model import (
    Author,
    Card,
    Conversation,
    Delivery,
    Draft,
    Handoff,
    HandoffState,
    Kind,
    Marked,
    Memory,
    Notice,
    Opening,
    Owner,
    Reason,
    Route,
    Turn,
    Verdict,
)
from bot.notifiers import names, on_duty, senders
from bot.notifiers.mailto import Mail
from bot.ports import Permanent
from bot.settings import SettingsFault, read
from bot.words import Words

NOW = datetime(2026, 11, 23, 15, 0, tzinfo=UTC)
WORDS_OF_THE_VISITOR = "please do not tell my husband"


class Box:
    """What the server takes in, and how it answers a recipient."""

    def __init__(self) -> None:
        self.taken: list[EmailMessage] = []
        self.answer = "250 OK"

    async def handle_RCPT(self, server: Any, session: Any, envelope: Any, address: str, options: Any) -> str:
        if self.answer.startswith("250"):
            envelope.rcpt_tos.append(address)
        return self.answer

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:
        self.taken.append(email.message_from_bytes(envelope.content, policy=email.policy.default))  # type: ignore[arg-type]
        return "250 OK"


def free_port() -> int:
    with socket.socket() as ear:
        ear.bind(("127.0.0.1", 0))
        return int(ear.getsockname()[1])


@pytest.fixture
def box() -> Box:
    return Box()


@pytest.fixture
def smtp(box: Box) -> Iterator[str]:
    server = Controller(box, hostname="127.0.0.1", port=free_port())
    server.start()
    yield f"smtp://127.0.0.1:{server.port}"
    server.stop()


def handoff(**changes: Any) -> Handoff:
    card = Card(marked=(Marked(3, WORDS_OF_THE_VISITOR, (0, 6), "rule", "why"),), note=WORDS_OF_THE_VISITOR)
    one = Handoff("h1", "c1", Reason.SUICIDE, 4, HandoffState.WAITING, NOW, NOW + timedelta(minutes=2), card=card)
    return replace(one, **changes)


def delivery(kind: str = "handoff.opened", to: str = "duty@practice.example", id: int = 7) -> Delivery:
    return Delivery(id, None, f"mailto:{to}", kind, 1, NOW, "sending", "h1", "c1")


def mail(words: Words, url: str, **changes: Any) -> Mail:
    given = {"sender": "handrail@practice.example", "console": "https://chat.practice.example"} | changes
    return Mail(url, words=words, clock=lambda: NOW, **given)


def test_the_mail_says_how_urgent_and_where_to_look_and_nothing_else(words: Words, smtp: str, box: Box) -> None:
    asyncio.run(mail(words, smtp).send(delivery(), handoff()))
    (got,) = box.taken
    assert got["To"] == "duty@practice.example" and got["From"] == "handrail@practice.example"
    assert got["Subject"] == "Someone is waiting: urgency 4 (suicide)"
    assert got["Auto-Submitted"] == "auto-generated" and got["Importance"] == "high"
    text, page = (got.get_body((kind,)).get_content() for kind in ("plain", "html"))  # type: ignore[union-attr]
    for body in (text, page):
        assert "4 of 4" in body and "h1" in body and "https://chat.practice.example/console" in body
        assert "10:00" in body and "Eastern Time" in body
    assert "husband" not in got.as_string() and "c1" not in text


@pytest.mark.parametrize(
    "kind",
    ["handoff.opened", "handoff.escalated", "handoff.released", "ladder.repeat", "ladder.next", "promise.broken",
     "booking.requested", "drill.opened", "drill.repeat", "something.new"],
)  # fmt: skip
def test_every_kind_has_a_subject_and_a_drill_says_that_it_is_one(words: Words, kind: str) -> None:
    made = mail(words, "smtp://127.0.0.1:1").message(delivery(kind), handoff())
    assert made["Subject"] and "{" not in made["Subject"]
    assert ("DRILL" in made.as_string()) is kind.startswith("drill")


def test_what_a_practice_writes_is_text_and_never_markup(words: Words) -> None:
    rude = replace(words.practice, name='<script>alert("1")</script>')
    said = Words(rude, words.countries, words.languages, words.corpus)
    made = mail(said, "smtp://127.0.0.1:1").message(delivery(), None)
    page = made.get_body(("html",)).get_content()  # type: ignore[union-attr]
    assert "<script>" not in page and "&lt;script&gt;" in page


def test_no_address_can_smuggle_in_a_header(words: Words) -> None:
    with pytest.raises(ValueError, match="linefeed"):
        mail(words, "smtp://127.0.0.1:1").message(delivery(to="a@b.example\r\nBcc: all@b.example"), handoff())


def test_a_repeat_after_a_lost_answer_has_the_same_id(words: Words) -> None:
    sender = mail(words, "smtp://127.0.0.1:1")
    first, again = (sender.message(delivery(), handoff())["Message-ID"] for _ in range(2))
    assert first == again != sender.message(delivery(id=8), handoff())["Message-ID"]


@pytest.mark.parametrize(
    ("answer", "for_good"), [("550 no such user", True), ("450 try later", False), ("554 busy", False)]
)
def test_a_refused_recipient_is_for_good_only_when_the_server_says_so(
    words: Words, smtp: str, box: Box, answer: str, for_good: bool
) -> None:
    box.answer = answer
    with pytest.raises(Permanent if for_good else ConnectionError):
        asyncio.run(mail(words, smtp).send(delivery(), handoff()))


def test_nobody_there_is_an_error_to_be_tried_again(words: Words) -> None:
    with pytest.raises(OSError, match="refused"):
        asyncio.run(mail(words, f"smtp://127.0.0.1:{free_port()}").send(delivery(), handoff()))


def test_smtp_down_for_an_hour_loses_no_notice(words: Words, box: Box, run: Any) -> None:
    """Through the real outbox on a real store: tried for an hour, and it arrives when the server is back."""
    port, at = free_port(), [NOW]

    async def walk(store: Any) -> None:
        talk = Conversation("c1", "en", "US", "web", Owner.BOT, 0, 0, NOW)
        first = Draft(Author.BOT, Kind.DISCLOSURE, "This is an automated assistant.")
        await store.open(talk, b"t", NOW + timedelta(days=1), (first,), Memory())
        visit = await store.visit("c1")
        verdict = Verdict(Route.HUMAN, 3, Reason.SUICIDE, level=3)
        await store.record(
            Turn("c1", visit.version, 0, NOW, WORDS_OF_THE_VISITOR, verdict, (), Memory(),
                 opening=Opening(Reason.SUICIDE, 3, NOW, Card()), owner=Owner.QUEUE,
                 notices=(Notice("mailto:duty@practice.example", "handoff.opened", NOW),))
        )  # fmt: skip
        plugs = {"mailto": mail(words, f"smtp://127.0.0.1:{port}", seconds=2.0)}
        loop = outbox.Outbox(store, plugs, lambda: at[0], lambda: 0.5)

        async def look() -> None:
            await loop._look()
            await asyncio.gather(*loop._in_hand.values())
            await asyncio.sleep(0)

        for _ in range(60):
            await look()
            at[0] += timedelta(minutes=1)
        (waits,) = await store.deliveries("mailto:duty@practice.example")
        assert waits.state == "due" and 5 <= waits.attempt <= 7 and "refused" in waits.last_error.lower()
        assert "husband" not in waits.last_error
        server = Controller(box, hostname="127.0.0.1", port=port)
        server.start()
        try:
            for _ in range(120):
                await look()
                at[0] += timedelta(minutes=1)
        finally:
            server.stop()
        (sent,) = await store.deliveries("mailto:duty@practice.example")
        assert sent.state == "sent" and len(box.taken) == 1

    run(walk)


# ── by name ──


@pytest.mark.parametrize(
    ("setting", "says"),
    [
        ({"notify": "pigeon:roof"}, "console, mailto, webhook"),
        ({"notify": "mailto:"}, "mailto:duty@example.org"),
        ({"notify": "mailto:nobody", "smtp_url": "smtp://127.0.0.1"}, "nobody"),
        ({"notify": "mailto:duty@practice.example"}, "HANDRAIL_SMTP_URL"),
        ({"notify": "mailto:duty@practice.example", "smtp_url": "http://mail.example"}, "smtp://"),
        ({"notify": "webhook:http://hooks.example/in"}, "https://"),
        ({"notify": "webhook:https://10.0.0.1/in"}, "private"),
    ],
)
def test_a_wrong_setting_is_refused_at_start_in_one_line(words: Words, setting: dict[str, str], says: str) -> None:
    with pytest.raises(SettingsFault, match=says) as caught:
        senders(read(**setting), words, None, lambda: NOW)  # type: ignore[arg-type]
    assert "\n" not in str(caught.value)


def test_the_file_is_the_name(words: Words) -> None:
    assert names() == ("console", "mailto", "webhook")
    given = read(notify="mailto:duty@practice.example, console", smtp_url="smtp://127.0.0.1:2525")
    made = senders(given, words, None, lambda: NOW)  # type: ignore[arg-type]
    assert set(made) == {"console", "mailto", "webhook", "visitor"}


def test_the_chain_is_looked_at_too(words: Words) -> None:
    duty = {"chain": ["pigeon:roof"], "rota": {"sunday": ["mailto:ana@practice.example"]}, "out_of_hours": []}
    practice = replace(words.practice, table={**words.practice.table, "duty": duty})
    said = Words(practice, words.countries, words.languages, words.corpus)
    assert on_duty(said) == ("pigeon:roof", "mailto:ana@practice.example")
    with pytest.raises(SettingsFault, match="pigeon"):
        senders(read(), said, None, lambda: NOW)  # type: ignore[arg-type]
