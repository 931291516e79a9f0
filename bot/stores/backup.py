"""A copy that is proven before it counts, and the way back from it."""

from __future__ import annotations

import json
import os
import sqlite3
from pathlib import Path

from bot.model import Receipt, StoreFault

ERASED = "erased.log"


def note_erased(folder: Path, receipt: Receipt) -> None:
    """One line a conversation: an id and a time. A restored backup is run through it."""
    handle = os.open(folder / ERASED, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    try:
        os.write(handle, (json.dumps([receipt.conversation, receipt.erased_at.isoformat()]) + "\n").encode())
        os.fsync(handle)
    finally:
        os.close(handle)


def copy_sqlite(source: Path, target: Path) -> dict[str, int]:
    """VACUUM INTO from a read connection: one snapshot, no page that was freed, writers go on. Proven, then renamed into place."""
    part = target.with_name(target.name + ".part")
    part.unlink(missing_ok=True)
    try:
        connection = sqlite3.connect(f"file:{source}?mode=ro", uri=True, isolation_level=None)
        try:
            connection.execute("VACUUM INTO ?", (str(part),))
        finally:
            connection.close()
        os.chmod(part, 0o600)
        sizes = checked(part)
        handle = os.open(part, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
        os.rename(part, target)
    except sqlite3.Error as error:
        part.unlink(missing_ok=True)
        raise StoreFault(f"{target}: the backup could not be written ({error})") from None
    except OSError as error:
        part.unlink(missing_ok=True)
        raise StoreFault(f"{target}: the backup could not be written ({error.strerror})") from None
    return sizes


def checked(file: Path) -> dict[str, int]:
    """The rows by table of a sound file. Raises StoreFault when it is cut short, damaged or no store."""
    try:
        connection = sqlite3.connect(f"file:{file}?mode=ro&immutable=1", uri=True)
        try:
            (state,) = connection.execute("PRAGMA integrity_check").fetchone()
            if state != "ok":
                raise StoreFault(f"{file} is damaged: {state}")
            if connection.execute("PRAGMA foreign_key_check").fetchone() is not None:
                raise StoreFault(f"{file} is damaged: rows without the row that they belong to")
            names = [
                n
                for (n,) in connection.execute(
                    "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'"
                )
            ]
            if "alembic_version" not in names or "conversations" not in names:
                raise StoreFault(f"{file} is no handrail backup")
            return {n: connection.execute(f'SELECT count(*) FROM "{n}"').fetchone()[0] for n in names}  # noqa: S608
        finally:
            connection.close()
    except sqlite3.Error as error:
        raise StoreFault(f"{file} is no readable backup ({error})") from None
