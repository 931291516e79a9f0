"""handrail check, doctor, settings, drill and migrate-store: is the house sound, and does the alarm ring."""

from __future__ import annotations

import asyncio
import json
import socket
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from bot.commands import terminal

if TYPE_CHECKING:
    from bot.checks import Line


def _show(found: Sequence[Line], json_out: bool) -> None:
    """The findings as a table or as JSON; ends with 1 when one of them is a fault."""
    if json_out:
        print(json.dumps([{"level": f.level, "about": f.about, "says": f.says} for f in found], ensure_ascii=False))
    else:
        terminal.table(("", "about", "finding"), [(f.level, f.about, f.says) for f in found])
    faults = sum(f.level == "fault" for f in found)
    if faults:
        terminal.fail(f"{faults} {'fault' if faults == 1 else 'faults'}")


def check(json_out: Annotated[bool, typer.Option("--json", help="As JSON.")] = False) -> None:
    """Proves every rule's examples, the articles, the crisis lines and their age, settings, database, index."""
    with terminal.told():
        from bot.checks import findings

        _show(findings(), json_out)


def doctor(json_out: Annotated[bool, typer.Option("--json", help="As JSON.")] = False) -> None:
    """Versions, SQLite, clock, disk, keys, headers, mail, webhooks: what is odd, and what to do. No secret, no visitor text."""
    with terminal.told():
        from bot import doctor, settings
        from bot.commands.people import order
        from bot.parts import now_utc

        _show(list(doctor.findings(settings.read(), order, now_utc())), json_out)


def settings_table() -> None:
    """Every setting, its value now, and what it means."""
    with terminal.told():
        from bot import settings

        chosen, rows = settings.read(), []
        for name, field in settings.Settings.model_fields.items():
            value: Any = getattr(chosen, name)
            secret = any(word in name for word in ("secret", "key", "smtp", "database", "chatwoot")) and value
            rows.append((f"HANDRAIL_{name.upper()}", "(set)" if secret else value, field.description or ""))
        terminal.table(("setting", "value", "means"), rows)


def drill(wait: Annotated[int, typer.Option(min=1, max=3600, help="seconds to wait for an answer")] = 300) -> None:
    """Sends a synthetic emergency through the real chain and reports the time to acknowledgement."""
    with terminal.told():
        from bot import settings
        from bot.commands.people import order

        chosen = settings.read()
        if not chosen.database_url and not _listens(chosen.data / "control.sock"):
            terminal.fail(f"no server runs on {chosen.data}, so nobody would be told: start `handrail serve` first")
        print(f"A drill is on the queue now: claim it or mark it as seen within {wait} s.", file=sys.stderr)
        done = order("drill", wait=wait)
        told = done["told"] or "the console alone"
        if done["seconds"] is None:
            terminal.fail(f"nobody acknowledged within {wait} s; told: {told}")
        who = f"taken by {done['by']}" if done["by"] else "seen, not taken"
        print(f"acknowledged after {done['seconds']:.1f} s ({who}); told: {told}")


def _listens(path: Path) -> bool:
    """Whether a server answers at its control socket; a file that a dead one left behind does not."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as line:
        try:
            line.connect(str(path))
        except OSError:
            return False
    return True


def migrate_store(to: Annotated[str, typer.Option(help="postgresql://user:password@host/database, empty")]) -> None:
    """Moves SQLite to PostgreSQL, with counts and digests checked. The SQLite file is left as it is."""
    with terminal.told():
        from bot import settings
        from bot.stores import migrate

        chosen = settings.read()
        with terminal.Progress() as progress:
            done = asyncio.run(migrate(chosen, settings.read(database_url=to), progress))
        terminal.table(("table", "rows", "digest"), done)
