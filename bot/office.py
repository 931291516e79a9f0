"""What the command line and the console's admins ask of the store: people, keys, erasure, backup, the audit log."""

from __future__ import annotations

import asyncio
import hashlib
import secrets
from collections import Counter
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from bot import ladder, referrals, settings, words
from bot import retention as keeping
from bot.model import Key, User
from bot.ports import Store

ROLES = ("admin", "clinician", "front_desk", "auditor")
SCOPES = ("answers", "handoffs", "webhooks")
WELCOME_HOURS = 24
WHO = "command line"


class OrderRefused(ValueError):
    """The order cannot be carried out. One line: why, and what to write instead."""


def digest(token: str) -> bytes:
    return hashlib.sha256(token.encode()).digest()


async def welcome_link(store: Store, user: User, now: datetime) -> str:
    """A path with a one-time secret in its fragment, which no server or log ever sees, to set a password with."""
    token = secrets.token_urlsafe(32)
    await store.put_secret("welcome", digest(token), {"user": user.id}, now + timedelta(hours=WELCOME_HOURS))
    return f"/console/welcome#{token}"


async def first_link(store: Store, now: datetime) -> str | None:
    """On the first run: an administrator to be, and the link to become one. None once somebody has a password."""
    people = await store.users()
    if any(user.password_hash for user in people):
        return None
    admin = next((u for u in people if u.role == "admin" and not u.disabled_at), None)
    if admin is None:
        admin = User("u_" + secrets.token_hex(6), "admin@localhost", "Administrator", "admin")
        try:
            await store.add_user(admin)
        except ValueError:
            return None  # another replica was first at this very moment: the link stands with it
        await store.audit(WHO, "user.add", admin.id, now, {"role": "admin"})
    return await welcome_link(store, admin, now)


async def user_add(
    store: Store, now: datetime, email: str, name: str = "", role: str = "clinician", by: str = WHO
) -> dict[str, Any]:
    if role not in ROLES:
        raise OrderRefused(f"there is no role {role!r}; there are: {', '.join(ROLES)}")
    if "@" not in email or len(email) > 254 or any(c.isspace() for c in email):
        raise OrderRefused(f"{email!r} is no e-mail address")
    if await store.user(email=email.lower()):
        raise OrderRefused(f"{email} is there already; `handrail user reset {email}` gives a new link")
    user = User("u_" + secrets.token_hex(6), email.lower(), name or email.partition("@")[0], role)
    await store.add_user(user)
    await store.audit(by, "user.add", user.id, now, {"role": role})
    return {"id": user.id, "email": user.email, "role": role, "link": await welcome_link(store, user, now)}


async def user_list(store: Store, now: datetime) -> dict[str, Any]:
    rows = [
        {
            "id": u.id,
            "email": u.email,
            "name": u.name,
            "role": u.role,
            "state": "disabled" if u.disabled_at else "active" if u.password_hash else "invited",
        }
        for u in await store.users()
    ]
    return {"users": rows}


async def _known(store: Store, who: str) -> User:
    user = await store.user(email=who.lower()) if "@" in who else await store.user(id=who)
    if user is None:
        raise OrderRefused(f"there is no user {who!r}; `handrail user list` shows who there is")
    return user


async def user_disable(store: Store, now: datetime, who: str, by: str = WHO) -> dict[str, Any]:
    """Disables, ends every session, and lets what they hold go back to the queue when its lease ends."""
    user = await _known(store, who)
    await store.change_user(user.id, disabled_at=now, on_duty=False)
    ended = await store.end_session(user=user.id)
    await store.audit(by, "user.disable", user.id, now)
    return {"id": user.id, "email": user.email, "sessions_ended": ended}


async def user_reset(store: Store, now: datetime, who: str, by: str = WHO) -> dict[str, Any]:
    """A new one-time link; the old password and every session end now."""
    user = await _known(store, who)
    await store.change_user(user.id, password_hash="", totp_secret="", disabled_at=None)
    await store.end_session(user=user.id)
    await store.audit(by, "user.reset", user.id, now)
    return {"id": user.id, "email": user.email, "link": await welcome_link(store, user, now)}


async def key_add(
    store: Store, now: datetime, name: str, scopes: list[str], days: int | None = None, by: str = WHO
) -> dict[str, Any]:
    """The key itself is in the answer and nowhere else: the store keeps its SHA-256."""
    unknown = sorted(set(scopes) - set(SCOPES))
    if unknown or not scopes:
        what = f"there is no scope {unknown[0]!r}" if unknown else "name at least one scope"
        raise OrderRefused(f"{what}; there are: {', '.join(SCOPES)}")
    if not name.strip():
        raise OrderRefused("give the key a name that says who will use it")
    if any(k.name == name and k.revoked_at is None for k in await store.keys()):
        raise OrderRefused(f"there is a key named {name!r}; revoke it first, or choose another name")
    value = "hrk_" + secrets.token_urlsafe(32)
    expires = now + timedelta(days=days) if days else None
    key = Key("k_" + secrets.token_hex(6), name, value[:8], frozenset(scopes), now, expires)
    await store.add_key(key, digest(value))
    await store.audit(by, "key.add", key.id, now, {"scopes": sorted(scopes)})
    return {"id": key.id, "key": value}


async def key_list(store: Store, now: datetime) -> dict[str, Any]:
    def state(key: Key) -> str:
        return "revoked" if key.revoked_at else "expired" if key.expires_at and key.expires_at <= now else "active"

    rows = [
        {
            "id": k.id,
            "name": k.name,
            "prefix": k.prefix,
            "scopes": sorted(k.scopes),
            "state": state(k),
            "last_used": k.last_used_at.isoformat(timespec="seconds") if k.last_used_at else "",
        }
        for k in await store.keys()
    ]
    return {"keys": rows}


async def key_revoke(store: Store, now: datetime, who: str, by: str = WHO) -> dict[str, Any]:
    if not await store.revoke_key(who, now):
        raise OrderRefused(f"there is no active key {who!r}; `handrail key list` shows them")
    await store.audit(by, "key.revoke", who, now)
    return {"revoked": who}


async def erase(store: Store, now: datetime, conversation: str) -> dict[str, Any]:
    receipt = await store.erase(conversation, now, WHO)
    return {"conversation": conversation, "messages": receipt.messages, "complete": receipt.complete}


async def audit_verify(store: Store, now: datetime) -> dict[str, Any]:
    rows, fault = await store.audit_verify()
    return {"rows": rows, "fault": fault}


async def backup(store: Store, now: datetime, path: str) -> dict[str, Any]:
    proof = await store.backup(Path(path))
    await store.audit(WHO, "backup", Path(path).name, now)
    return {"path": path, **proof}


async def export(store: Store, now: datetime, conversation: str, redact: bool = False) -> dict[str, Any]:
    """Who took it out is in the audit log."""
    from bot import export as exporting  # what reads for identifiers takes a third of a second to import

    found = await exporting.export(store, conversation, redact)
    await store.audit(WHO, "conversation.export", conversation, now, {"redacted": redact})
    return found


async def retention(store: Store, now: datetime, go: bool = False) -> dict[str, Any]:
    """What is kept how long, what is over its period now, and what the last round took; with `go` a round at once."""
    periods = keeping.Periods.of(settings.read())
    over = await keeping.due(store, periods, now)
    taken = await keeping.take_away(store, periods, now) if go else None
    return {"days": dict(periods.days), "over": over, "taken": taken, "last": await keeping.last(store)}


async def webhook_list(store: Store, now: datetime) -> dict[str, Any]:
    hooks = await store.webhooks()
    dead = Counter(d.target for d in await store.deliveries("", "dead", 10_000))
    names = {f"key:{k.id}": k.name for k in await store.keys()}
    rows = [
        {
            "id": h.id,
            "url": h.url,
            "events": list(h.events),
            "owner": names.get(h.owner, h.owner),
            "state": "off (gone)" if h.disabled_at else "on",
            "dead": dead[f"webhook:{h.id}"],
        }
        for h in hooks
    ]
    return {"webhooks": rows}


async def webhook_dead(store: Store, now: datetime, limit: int = 200) -> dict[str, Any]:
    """Dead letters of every target, notices too, latest first: ids and errors, never a text."""
    return {
        "dead": [
            {
                "delivery": d.id,
                "target": d.target,
                "event": d.event.id if d.event else None,
                "type": d.kind,
                "attempts": d.attempt,
                "error": d.last_error,
            }
            for d in await store.deliveries("", "dead", limit)
        ]
    }


async def webhook_replay(
    store: Store, now: datetime, who: str, first: int | None = None, last: int | None = None
) -> dict[str, Any]:
    """All dead letters of a webhook (or of a notice's target), or what it was sent of the events `first` to `last`."""
    hook = await store.webhook(who)
    known = {d.target for d in await store.deliveries("", "dead", 10_000)}
    if hook is None and who not in known:
        raise OrderRefused(f"there is no webhook {who!r}; `handrail webhook list` shows them")
    if hook is not None and hook.disabled_at:
        await store.change_webhook(hook.id, disabled_at=None)
    again = await store.replay(f"webhook:{hook.id}" if hook else who, first, last, now)
    await store.audit(WHO, "webhook.replay", who, now, {"deliveries": again})
    return {"replayed": again}


async def doctor(store: Store, now: datetime) -> dict[str, Any]:
    """What `handrail doctor` needs of the store: numbers, names, states."""
    _, audit_fault = await store.audit_verify()
    figures = await store.counts()
    last = datetime.fromtimestamp(figures["last_event"], UTC) if figures["last_event"] else None
    keys = [
        {
            "name": k.name,
            "state": "revoked" if k.revoked_at else "active",
            "created": k.created_at.isoformat(),
            "expires": k.expires_at.isoformat() if k.expires_at else "",
            "last_used": k.last_used_at.isoformat() if k.last_used_at else "",
        }
        for k in await store.keys()
    ]
    return {
        "audit": audit_fault,
        "last_event": last.isoformat() if last else None,
        "keys": keys,
        "webhooks": (await webhook_list(store, now))["webhooks"],
        "dead": int(figures["outbox_dead"]),
        "waiting": int(figures["outbox_due"]),
    }


async def gaps(store: Store, now: datetime, limit: int = 200) -> dict[str, Any]:
    return {"gaps": [[question, times, last.isoformat()] for question, times, last in await store.gaps(limit)]}


async def drill(store: Store, now: datetime, wait: int = 300) -> dict[str, Any]:
    """A synthetic emergency through the real chain. Only a running server sends its notices."""
    chosen = settings.read()
    said = words.load(chosen.corpus, chosen.practice, chosen.extra_corpus)
    rungs = ladder.Ladder(said.practice, tuple(filter(None, (n.strip() for n in chosen.notify.split(",")))))
    done = await ladder.drill(
        store,
        said,
        rungs,
        lambda: datetime.now(UTC),
        new_id=lambda: "drill_" + secrets.token_hex(8),
        pause=asyncio.sleep,
        longest=float(wait),
    )
    states = {(target, state) for target, _, state, _ in done.told if target != ladder.CONSOLE and state != "cancelled"}
    told = ", ".join(f"{target} ({state})" for target, state in sorted(states))
    await store.audit(WHO, "drill", done.handoff, now, {"seconds": done.seconds, "by": done.by})
    return {"handoff": done.handoff, "seconds": done.seconds, "by": done.by, "told": told}


async def referral_count(store: Store, now: datetime, year: int | None = None) -> dict[str, Any]:
    """How often a crisis line was shown in a calendar year (UTC): the last whole one when none is named."""
    rows = (await store.kept(referrals.KIND)).values()
    return referrals.yearly(rows, year if year is not None else now.year - 1)


async def shadow_report(store: Store, now: datetime) -> dict[str, Any]:
    """What the pack in shadow would have said otherwise, latest first; ids alone."""
    return {"messages": sorted((await store.kept("shadow")).values(), key=lambda row: str(row["at"]), reverse=True)}


async def shadow_clear(store: Store, now: datetime) -> dict[str, Any]:
    """Forgets what a pack in shadow has shown: a new pack begins with an empty page."""
    kept = list(await store.kept("shadow"))
    for id in kept:
        await store.drop("shadow", id)
    await store.audit(WHO, "shadow.clear", "", now, {"rows": len(kept)})
    return {"cleared": len(kept)}


async def marks(store: Store, now: datetime) -> dict[str, Any]:
    """Clinicians' marks on flags, oldest first."""
    return {"marks": sorted((await store.kept("mark")).values(), key=lambda mark: str(mark["at"]))}


Order = Callable[..., Awaitable[dict[str, Any]]]
ORDERS: dict[str, Order] = {
    "user.add": user_add,
    "user.list": user_list,
    "user.disable": user_disable,
    "user.reset": user_reset,
    "key.add": key_add,
    "key.list": key_list,
    "key.revoke": key_revoke,
    "erase": erase,
    "audit.verify": audit_verify,
    "backup": backup,
    "doctor": doctor,
    "export": export,
    "retention": retention,
    "webhook.list": webhook_list,
    "webhook.dead": webhook_dead,
    "webhook.replay": webhook_replay,
    "gaps": gaps,
    "drill": drill,
    "referrals": referral_count,
    "shadow.report": shadow_report,
    "shadow.clear": shadow_clear,
    "marks": marks,
}
