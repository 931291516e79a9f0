"""Standard Webhooks: ids and states, signed, to an address that is vetted at the moment of sending."""

from __future__ import annotations

import asyncio
import base64
import json
import secrets
from collections.abc import Sequence
from contextlib import suppress
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import urlsplit

import httpx
from standardwebhooks import Webhook as Signature

from bot.model import Delivery, Handoff, Webhook
from bot.notifiers.addresses import Resolver, check_url, resolve, vetted
from bot.ports import Clock, Permanent, RetryAfter, Store
from bot.settings import Settings, SettingsFault
from bot.words import Words

__all__ = ["WebhookSender", "check_address", "check_url", "new_secret"]

ANSWER = 64 * 1024  # bytes of an answer that are read; what it says does not matter
CONNECT, WHOLE, PATIENCE = 5.0, 15.0, 2.0  # seconds: to connect, in all, for the answer's body
LONGEST_WAIT = 24 * 3600.0
check_address = check_url


def new_secret() -> str:
    """whsec_ and 32 random bytes, as the signature's library takes it."""
    return "whsec_" + base64.b64encode(secrets.token_bytes(32)).decode()


def payload(delivery: Delivery, handoff: Handoff | None, now: datetime) -> dict[str, Any]:
    """{type, timestamp, data}: ids and states, never a word of the visitor's."""
    if delivery.event is not None:
        event = delivery.event
        return {"type": event.kind, "timestamp": _utc(event.created_at), "data": {"event": event.id, **event.data}}
    data: dict[str, Any] = {"conversation": delivery.conversation, "handoff": delivery.handoff, "step": delivery.step}
    if handoff is not None:
        data |= {"state": handoff.state.value, "urgency": handoff.urgency, "reason": handoff.reason.value}
        data["due_at"] = _utc(handoff.due_at) if handoff.due_at else None
    return {"type": delivery.kind, "timestamp": _utc(now), "data": data}


def _utc(at: datetime) -> str:
    return at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def signed(secrets_: Sequence[str], id: str, at: datetime, body: str) -> dict[str, str]:
    """The three headers; with two secrets, while one is being replaced, both signatures."""
    stamp = at.astimezone(UTC).replace(tzinfo=None)  # the library takes a naive UTC time
    signatures = " ".join(Signature(secret).sign(id, stamp, body) for secret in secrets_ if secret)
    headers = {"webhook-id": id, "webhook-timestamp": str(int(at.timestamp()))}
    return headers | ({"webhook-signature": signatures} if signatures else {})


class WebhookSender:
    """Sends to a registered webhook ("webhook:<id>") or to a fixed address of the settings ("webhook:https://…")."""

    def __init__(
        self,
        store: Store,
        clock: Clock,
        *,
        resolver: Resolver = resolve,
        allow_private: bool = False,
        own_secret: str = "",
        connect: float = CONNECT,
        whole: float = WHOLE,
        verify: Any = True,
    ) -> None:
        self._store, self._clock, self._resolver, self._allow_private = store, clock, resolver, allow_private
        self._own_secret, self._connect, self._whole, self._verify = own_secret, connect, whole, verify

    async def send(self, delivery: Delivery, handoff: Handoff | None) -> None:
        """Once. Raises Permanent (410, refused address, no such webhook), RetryAfter, or another error to try again."""
        address = delivery.target.partition(":")[2]
        hook = None if "://" in address else await self._hook(address)
        url = hook.url if hook else address
        keys = (hook.secret, hook.previous_secret) if hook else (self._own_secret,)
        if fault := check_url(url, allow_private=self._allow_private):
            raise Permanent(fault)
        now = self._clock()
        body = json.dumps(payload(delivery, handoff, now), separators=(",", ":"), ensure_ascii=False)
        id = f"evt_{delivery.event.id}" if delivery.event else f"ntc_{delivery.id}"
        headers = signed(keys, id, now, body) | {"content-type": "application/json", "user-agent": "Handrail/1"}
        try:
            async with asyncio.timeout(self._whole):
                status, answer = await self._post(url, headers, body.encode())
        except TimeoutError:
            raise TimeoutError(f"no answer within {self._whole:.0f} s") from None
        except httpx.HTTPError as error:
            raise ConnectionError(f"{type(error).__name__}") from None
        await self._judge(status, answer, hook)

    async def _hook(self, id: str) -> Webhook:
        hook = await self._store.webhook(id)
        if hook is None or hook.disabled_at is not None:
            raise Permanent("the webhook was removed or has been switched off")
        return hook

    async def _post(self, url: str, headers: dict[str, str], body: bytes) -> tuple[int, httpx.Headers]:
        """Connects to the vetted address itself, so that a name which changes in between changes nothing."""
        parts = urlsplit(url)
        host = parts.hostname or ""
        port = parts.port or (443 if parts.scheme == "https" else 80)
        address = await vetted(host, port, self._resolver, self._allow_private)
        shown = f"[{address}]" if ":" in address else address
        target = httpx.URL(url).copy_with(host=shown, port=port)
        name = httpx.URL(url).netloc.decode("ascii")
        limits = httpx.Timeout(self._whole, connect=self._connect)
        async with (
            httpx.AsyncClient(
                timeout=limits, follow_redirects=False, trust_env=False, verify=self._verify, http2=False
            ) as client,
            client.stream(
                "POST",
                target,
                headers=headers | {"host": name},
                content=body,
                extensions={"sni_hostname": httpx.URL(url).raw_host.decode("ascii")},
            ) as answer,
        ):
            read = 0  # the status is known: what the body says, or how long it goes on, changes nothing
            with suppress(TimeoutError, httpx.HTTPError):
                async with asyncio.timeout(PATIENCE):
                    async for piece in answer.aiter_raw(8192):
                        read += len(piece)
                        if read > ANSWER:
                            break
            return answer.status_code, answer.headers

    async def _judge(self, status: int, answer: httpx.Headers, hook: Webhook | None) -> None:
        if 200 <= status < 300:
            return
        if status == 410:
            if hook is not None:
                await self._store.change_webhook(hook.id, disabled_at=self._clock())
            raise Permanent("410: the target is gone for good; the webhook is switched off")
        if 300 <= status < 400:
            raise ConnectionError(f"{status}: a redirect, which is not followed; register the final address")
        if status in {429, 503} and (wait := patience(answer)) is not None:
            raise RetryAfter(wait, f"{status}: asked to wait {wait:.0f} s")
        raise ConnectionError(f"{status}")


def patience(answer: httpx.Headers) -> float | None:
    """Seconds of a Retry-After header, at most a day; a date is read against the target's own clock."""
    text = answer.get("retry-after", "").strip()
    if text.isdigit():
        return min(float(text[:9]), LONGEST_WAIT)
    try:
        until = parsedate_to_datetime(text)
        now = parsedate_to_datetime(answer.get("date", ""))
        return max(0.0, min((until - now).total_seconds(), LONGEST_WAIT))
    except (ValueError, TypeError):
        return None


def make(settings: Settings, words: Words, store: Store, clock: Clock, addresses: Sequence[str]) -> WebhookSender:
    for address in addresses:
        if fault := check_url(address, allow_private=settings.webhook_allow_private):
            raise SettingsFault(f"HANDRAIL_NOTIFY=webhook:{address}: {fault}")
    return WebhookSender(
        store, clock, allow_private=settings.webhook_allow_private, own_secret=settings.notify_secret
    )
