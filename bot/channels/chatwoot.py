"""Chatwoot's agent bot: what its webhook says, as nouns; and what Handrail says, through its API."""

from __future__ import annotations

import hashlib
import secrets
from contextlib import suppress
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import httpx

from bot.model import Author, Delivery, Handoff, HandoffState, Kind, Message, StoreFault, Webhook
from bot.ports import Clock, Notifier, Permanent, RetryAfter, Store
from bot.settings import SettingsFault

CHANNEL = "chatwoot"
HOOK = "chatwoot"  # its row among the webhooks: the outbox's order, retries, dead letters and replay hold for it too
EVENTS = ("message.created", "handoff.opened", "handoff.escalated")
PIECE = 4000  # characters; a longer message is taken in pieces, each screened
SECONDS = 15.0
PRIORITY = {4: "urgent", 3: "high", 2: "medium"}


@dataclass(frozen=True, slots=True)
class Account:
    """HANDRAIL_CHATWOOT, read."""

    url: str
    account: int
    token: str
    hook_token: str


def account(setting: str) -> Account:
    """`https://host|account|token`, and after another bar the token of the webhook's address, else made from the token.

    Raises SettingsFault.
    """
    url, *rest = setting.split("|")
    parts = urlsplit(url)
    if parts.scheme not in {"http", "https"} or not parts.hostname or len(rest) not in {2, 3} or not rest[0].isdigit():
        raise SettingsFault("HANDRAIL_CHATWOOT: write https://host|account|token, where account is a number")
    if not all(rest):
        raise SettingsFault("HANDRAIL_CHATWOOT: the token is empty; copy it from Chatwoot's page of the agent bot")
    derived = hashlib.sha256(f"handrail-chatwoot:{rest[1]}".encode()).hexdigest()
    return Account(url.rstrip("/"), int(rest[0]), rest[1], rest[2] if len(rest) == 3 else derived)


def trusted(known: Account, token: str) -> bool:
    return secrets.compare_digest(known.hook_token.encode(), token.encode())


@dataclass(frozen=True, slots=True)
class Call:
    """One call of Chatwoot's webhook. `conversation` is Handrail's id for Chatwoot's conversation."""

    event: str
    account: int
    conversation: str
    message: int = 0
    text: str = ""
    author: str = ""  # visitor, agent, or "" for what is nobody's to us
    attached: bool = False
    status: str = ""  # pending | open | snoozed | resolved
    agent: str = ""  # the assignee's name
    country: str = ""

    @property
    def with_person(self) -> bool:
        """The people of Chatwoot have it: it is open, or somebody's."""
        return self.status == "open" or bool(self.agent)

    @property
    def pieces(self) -> tuple[tuple[str, str], ...]:
        """(client id, text): Chatwoot's message id makes each one idempotent."""
        whole, parts = self.text.strip(), []
        while whole:
            cut = len(whole) if len(whole) <= PIECE else max(whole.rfind(" ", 0, PIECE), PIECE // 2)
            parts.append(whole[:cut])
            whole = whole[cut:].lstrip()
        return tuple((f"chatwoot-{self.message}-{n}", part) for n, part in enumerate(parts))


def read(body: Any) -> Call | None:
    """What a webhook's body says; None for what is nothing to us. Raises ValueError when it is not Chatwoot's."""
    if not isinstance(body, dict) or not isinstance(body.get("event"), str):
        raise ValueError("event is missing: this takes the webhook of a Chatwoot agent bot")
    of_message = body["event"] == "message_created"
    talk = body.get("conversation") if of_message else body
    if not of_message and not body["event"].startswith("conversation_"):
        return None
    if not isinstance(talk, dict) or not _whole(talk.get("id")):
        raise ValueError("conversation.id is missing")
    meta = _part(talk, "meta")
    number = _part(body, "account").get("id") or talk.get("account_id") or _part(talk, "account").get("id")
    if not _whole(number):
        raise ValueError("account.id is missing")
    agent, sender = _part(meta, "assignee"), _part(body, "sender") or _part(meta, "sender")
    call: dict[str, Any] = {
        "event": body["event"],
        "account": number,
        "conversation": f"cw_{number}_{talk['id']}",
        "status": str(talk.get("status") or ""),
        "agent": str(agent.get("name") or agent.get("id") or ""),
        "country": _country(_part(sender, "additional_attributes").get("country_code")),
    }
    if not of_message:
        return Call(**call)
    if not _whole(body.get("id")):
        raise ValueError("id is missing: it makes the message idempotent")
    if body.get("private"):
        return None
    content, kind = body.get("content"), body.get("message_type")
    author = {"incoming": "visitor", 0: "visitor", "outgoing": "agent", 1: "agent"}.get(kind, "")
    if author == "agent" and sender.get("type") != "user":
        author = ""  # our own reply comes back to us
    if author == "agent":
        call["agent"] = call["agent"] or str(sender.get("name") or "")
    return Call(
        **call,
        message=body["id"],
        text=content if isinstance(content, str) else "",
        author=author,
        attached=bool(body.get("attachments")),
    )


def _whole(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 < value < 2**63


def _part(of: dict[str, Any], name: str) -> dict[str, Any]:
    found = of.get(name)
    return found if isinstance(found, dict) else {}


def _country(code: Any) -> str:
    return code.upper() if isinstance(code, str) and len(code) == 2 and code.isalpha() and code.isascii() else ""


class Sender:
    """Sends what Handrail has to say in a conversation of Chatwoot's; what goes to other webhooks it passes on."""

    def __init__(self, known: Account, store: Store, others: Notifier) -> None:
        self._known, self._store, self._others = known, store, others

    async def send(self, delivery: Delivery, handoff: Handoff | None) -> None:
        """Once; raises Permanent, RetryAfter, or another error to be tried again."""
        if delivery.target != f"webhook:{HOOK}":
            await self._others.send(delivery, handoff)
            return
        event = delivery.event
        if event is None or not event.conversation.startswith(f"cw_{self._known.account}_"):
            return  # another channel's
        number = event.conversation.rpartition("_")[2]
        if event.kind == "message.created":
            await self._message(number, event.conversation, event.seq)
        else:
            await self._handoff(number, str(event.data.get("handoff", "")), opened=event.kind == "handoff.opened")

    async def _message(self, number: str, conversation: str, seq: int) -> None:
        found = await self._store.messages(conversation, seq - 1, 1)
        if not found or found[0].seq != seq or found[0].author is Author.VISITOR:
            return  # erased meanwhile, or what Chatwoot told us itself
        visit = await self._store.visit(conversation)
        claimed = visit is not None and visit.handoff is not None and visit.handoff.state is HandoffState.CLAIMED
        if claimed and found[0].author is Author.BOT and found[0].kind is not Kind.CRISIS:
            return  # somebody joined while this was on its way: the bot does not speak after a person
        await self._post(f"{number}/messages", said(found[0]))

    async def _handoff(self, number: str, id: str, *, opened: bool) -> None:
        found = await self._store.handoff(id)
        if found is None:
            return
        if opened:
            await self._post(f"{number}/toggle_status", {"status": "open"})
        if found.urgency in PRIORITY:
            await self._post(f"{number}/toggle_priority", {"priority": PRIORITY[found.urgency]})
        await self._post(f"{number}/messages", noted(found))

    async def _post(self, path: str, body: dict[str, Any]) -> None:
        url = f"{self._known.url}/api/v1/accounts/{self._known.account}/conversations/{path}"
        try:
            async with httpx.AsyncClient(timeout=SECONDS, follow_redirects=False, trust_env=False) as client:
                answer = await client.post(url, json=body, headers={"api_access_token": self._known.token})
        except httpx.HTTPError as error:
            raise ConnectionError(f"chatwoot: {type(error).__name__}") from None
        if answer.is_success:
            return
        if answer.status_code in {404, 410, 422}:
            raise Permanent(f"chatwoot: {answer.status_code}")
        wait = answer.headers.get("retry-after", "")
        if answer.status_code in {429, 503} and wait.isdecimal():
            raise RetryAfter(min(float(wait[:6]), 3600.0))
        raise ConnectionError(f"chatwoot: {answer.status_code}")


def said(message: Message) -> dict[str, Any]:
    """A message to the visitor. Quotes and numbers stand in the text, so that any front end shows them."""
    about = {"message": message.id, "seq": message.seq, "kind": message.kind.value}
    return {
        "content": message.text,
        "message_type": "outgoing",
        "private": False,
        "content_attributes": {"handrail": about},
    }


def noted(handoff: Handoff) -> dict[str, Any]:
    """The card as a private note: the rules, why, the visitor's words (Chatwoot holds them already), the due time."""
    card, lines = handoff.card, [f"**Handrail: urgency {handoff.urgency}, {handoff.reason.value}**"]
    if handoff.due_at:
        lines.append(f"Due: {handoff.due_at:%Y-%m-%d %H:%M} UTC")
    for mark in card.marked:
        start, end = mark.span
        lines.append(f"- “{mark.text[start:end]}” · {mark.rule} · {mark.why}")
    for name, value in (("Contact", card.contact), ("Safe contact", card.safe_contact), ("Note", card.note)):
        if value:
            lines.append(f"{name}: {value}")
    if card.booking:
        asked = {"whom": card.booking.whom, "contact": card.booking.contact, "times": card.booking.times}
        lines.append("Consultation: " + "; ".join(f"{name}: {value}" for name, value in asked.items() if value))
    for name, shown in (("Shown", card.shown), ("Articles", card.articles)):
        if shown:
            lines.append(f"{name}: {', '.join(shown)}")
    about = {"handoff": handoff.id, "urgency": handoff.urgency, "reason": handoff.reason.value}
    return {
        "content": "\n".join(lines),
        "message_type": "outgoing",
        "private": True,
        "content_attributes": {"handrail": about},
    }


async def register(known: Account, store: Store, clock: Clock) -> None:
    """Its row among the webhooks, once: from then on the outbox brings every event to `Sender`."""
    found = await store.webhook(HOOK)
    if found is None:
        with suppress(StoreFault):  # another replica did at the same moment
            await store.add_webhook(Webhook(HOOK, known.url, EVENTS, "", clock(), CHANNEL))
    elif found.url != known.url or found.disabled_at or found.events != EVENTS:
        await store.change_webhook(HOOK, url=known.url, disabled_at=None, events=EVENTS)


async def unregister(store: Store) -> None:
    """Takes the row away when the setting is gone: nothing gathers that nobody sends."""
    if await store.webhook(HOOK) is not None:
        await store.remove_webhook(HOOK)
