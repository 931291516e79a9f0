"""handrail backup, restore, erase, export, retention, webhook: what is kept, what goes, what is sent again."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from bot.commands import terminal
from bot.commands.people import order

webhook = typer.Typer(help="Webhooks, their dead letters, and sending again.", no_args_is_help=True)


def erase(conversation: str) -> None:
    """Takes a conversation's text away for good: its key is destroyed, and with it every copy in a backup."""
    with terminal.told():
        done = order("erase", conversation=conversation)
        more = "" if done["complete"] else "; the clinician's side goes when the open handoff closes"
        print(f"{conversation}: {done['messages']} messages erased{more}")


def export(
    conversation: str,
    redact: Annotated[bool, typer.Option("--redact", help="Without names, contacts, dates, places, numbers.")] = False,
    out: Annotated[Path | None, typer.Option(help="A new file, mode 0600; else stdout.")] = None,
) -> None:
    """A conversation with its handoffs and notes, as JSON. It is noted in the audit log."""
    with terminal.told():
        if out and out.exists():
            terminal.fail(f"{out} is there already: choose another name", terminal.USE)
        text = json.dumps(order("export", conversation=conversation, redact=redact), ensure_ascii=False, indent=2)
        if out is None:
            print(text)
            return
        out.touch(mode=0o600, exist_ok=False)
        out.write_text(text + "\n", encoding="utf-8")
        print(f"{out}: read it before it leaves the house" if redact else f"{out}: whole, keep it as you keep records")


def retention(
    now: Annotated[bool, typer.Option("--now", help="Do a round at once.")] = False,
    json_out: Annotated[bool, typer.Option("--json", help="As JSON.")] = False,
) -> None:
    """How long what is kept, what is over its period, and what the last round took away."""
    with terminal.told():
        from bot.retention import CLASSES, MEANS

        found = order("retention", go=now)
        if json_out:
            print(json.dumps(found))
            return
        rows = [
            (name, MEANS[name], f"{found['days'][name]} days" if name in found["days"] else "for ever",
             found["over"].get(name, "") if name in found["days"] else "")
            for name in CLASSES
        ]  # fmt: skip
        terminal.table(("class", "what", "kept", "over it now"), rows)
        if found["taken"] is not None:
            print("taken away now: " + _counts(found["taken"]))
        last = found["last"]
        print(f"last round: {last.get('at', 'none yet')}")
        if "taken" in last:
            print(f"last that took something, {last['taken_at']}: " + _counts(last["taken"]))


def _counts(taken: dict[str, int]) -> str:
    return ", ".join(f"{name} {number}" for name, number in taken.items()) or "nothing"


@webhook.command("list")
def webhook_list() -> None:
    with terminal.told():
        rows = [
            (r["id"], r["url"], ", ".join(r["events"]) or "all", r["owner"], r["state"], r["dead"])
            for r in order("webhook.list")["webhooks"]
        ]
        terminal.table(("id", "address", "events", "of", "state", "dead letters"), rows)


@webhook.command("dead")
def webhook_dead() -> None:
    """Deliveries that were given up, of webhooks and of notices: why, and after how many attempts."""
    with terminal.told():
        rows = [list(r.values()) for r in order("webhook.dead")["dead"]]
        terminal.table(("delivery", "target", "event", "type", "attempts", "error"), rows)


@webhook.command("replay")
def webhook_replay(
    who: Annotated[str, typer.Argument(help="a webhook's id, or a target as `webhook dead` shows it")],
    first: Annotated[int | None, typer.Option(min=1, help="from this event on, sent ones too")] = None,
    last: Annotated[int | None, typer.Option(min=1, help="up to this event")] = None,
) -> None:
    """Sends dead letters again; one event with --first N --last N."""
    with terminal.told():
        print(f"{order('webhook.replay', who=who, first=first, last=last)['replayed']} to be sent again")


def backup(file: Path) -> None:
    """Writes a copy while the server runs, and proves that it opens."""
    with terminal.told():
        done = order("backup", path=str(file.absolute()))
        print(f"{done.pop('path')}: " + ", ".join(f"{name} {value}" for name, value in done.items()))


def restore(file: Path) -> None:
    """Puts a backup in place of an empty or older store. No server may run on the data folder."""
    with terminal.told():
        from bot import settings
        from bot.stores import restore_store

        done = restore_store(settings.read(), file)
        print(f"{file}: " + ", ".join(f"{name} {value}" for name, value in done.items()))
