"""handrail user, key, audit: orders to the running server, or to the store itself."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Annotated, Any

import typer

from bot.commands import terminal

user = typer.Typer(help="People who sign in to the console.", no_args_is_help=True)
key = typer.Typer(help="API keys.", no_args_is_help=True)
audit = typer.Typer(help="The audit log.", no_args_is_help=True)


def order(what: str, /, **words: Any) -> dict[str, Any]:
    """Through the control socket where a server runs, else by taking the lock."""
    from bot import settings

    chosen = settings.read()
    path = chosen.data / "control.sock"
    if not chosen.database_url and path.exists():
        answer = _by_socket(path, what, words)
        if answer is not None:
            return answer
    return asyncio.run(_directly(chosen, what, words))


def _by_socket(path: Path, name: str, words: dict[str, Any]) -> dict[str, Any] | None:
    """None when nobody listens there any more."""
    import httpx

    try:
        with httpx.Client(transport=httpx.HTTPTransport(uds=str(path)), timeout=120 + words.get("wait", 0)) as client:
            reply = client.post(f"http://handrail/{name}", json=words)
    except httpx.ConnectError:
        return None
    body: dict[str, Any] = reply.json()
    if reply.status_code != 200:
        terminal.fail(body.get("error", "the server refused"), terminal.USE)
    return body


async def _directly(chosen: Any, name: str, words: dict[str, Any]) -> dict[str, Any]:
    from bot.office import ORDERS
    from bot.stores import open_store
    from bot.stores.sql import now_utc

    store = open_store(chosen, now_utc)
    await store.start()
    try:
        return await ORDERS[name](store, now_utc(), **words)
    finally:
        await store.close()


def _base() -> str:
    from bot import settings

    return settings.read().public_url.rstrip("/") or "http://localhost:8000"


@user.command("add")
def user_add(
    email: str,
    name: Annotated[str, typer.Option(help="The name that visitors see.")] = "",
    role: Annotated[str, typer.Option(help="admin, clinician, front_desk or auditor")] = "clinician",
) -> None:
    """Adds a person and prints a one-time link to set the password with."""
    with terminal.told():
        print(_base() + order("user.add", email=email, name=name, role=role)["link"])


@user.command("list")
def user_list() -> None:
    with terminal.told():
        rows = order("user.list")["users"]
        terminal.table(("id", "e-mail", "name", "role", "state"), [list(r.values()) for r in rows])


@user.command("disable")
def user_disable(who: Annotated[str, typer.Argument(help="an id or e-mail address")]) -> None:
    """Takes a person's access away at once, and ends every session."""
    with terminal.told():
        done = order("user.disable", who=who)
        print(f"{done['email']} is disabled; {done['sessions_ended']} sessions ended")


@user.command("reset")
def user_reset(who: Annotated[str, typer.Argument(help="an id or e-mail address")]) -> None:
    """A new one-time link; the old password and sessions end."""
    with terminal.told():
        print(_base() + order("user.reset", who=who)["link"])


@key.command("add")
def key_add(
    name: str,
    scopes: Annotated[str, typer.Option(help="answers, handoffs, webhooks; comma-separated")],
    days: Annotated[int | None, typer.Option(min=1, help="expires after so many days")] = None,
) -> None:
    """Prints the key, alone, once: it is stored nowhere."""
    with terminal.told():
        wanted = [s.strip() for s in scopes.split(",") if s.strip()]
        print(order("key.add", name=name, scopes=wanted, days=days)["key"])


@key.command("list")
def key_list() -> None:
    with terminal.told():
        rows = [
            [*list(r.values())[:3], ",".join(r["scopes"]), r["state"], r["last_used"]]
            for r in order("key.list")["keys"]
        ]
        terminal.table(("id", "name", "prefix", "scopes", "state", "last used"), rows)


@key.command("revoke")
def key_revoke(who: Annotated[str, typer.Argument(help="an id or name")]) -> None:
    with terminal.told():
        order("key.revoke", who=who)
        print(f"{who} is revoked")


@audit.command("verify")
def audit_verify() -> None:
    """Checks the chain of the audit log from its first row to its last."""
    with terminal.told():
        done = order("audit.verify")
        if done["fault"]:
            terminal.fail(f"the audit log is broken: {done['fault']}")
        print(f"{done['rows']} rows, chain whole")
