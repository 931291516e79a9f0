"""The keys of a backup's conversations: one file beside the backups, replaced by each, so that all forget the erased."""

from __future__ import annotations

import contextlib
import json
import os
import sqlite3
from collections.abc import Iterator
from pathlib import Path

from bot.model import StoreFault
from bot.stores.prepared import Row
from bot.stores.seal import Safe, sync_folder

OUTSIDE = b""  # in a backup, where a conversation's key would stand
MARK = "backup"  # the row of `meta` that says: this file is a backup, its keys are elsewhere


def path_beside(file: Path, safe: Safe) -> Path:
    """Named by the store, not by the day: there is one."""
    return file.absolute().parent / f"handrail-{safe.store_name}.keys"


def take_out(connection: sqlite3.Connection, safe: Safe, beside: Path) -> None:
    """Moves the keys from the copy into the file beside it. Nothing of them is left in the copy's pages."""
    connection.execute("PRAGMA secure_delete = ON")
    connection.execute("PRAGMA journal_mode = MEMORY")
    connection.execute("BEGIN")
    keys = connection.execute("SELECT id, data_key FROM conversations WHERE data_key IS NOT NULL").fetchall()
    _write(path_beside(beside, safe), safe, _last_event(connection), keys)
    connection.execute("UPDATE conversations SET data_key = ? WHERE data_key IS NOT NULL", (OUTSIDE,))
    connection.execute("INSERT INTO meta (name, value) VALUES (?, ?)", (MARK, b"1"))
    connection.execute("COMMIT")


def put_back(connection: sqlite3.Connection, safe: Safe, backup: Path) -> list[str]:
    """Fills the keys in again; the conversations that have none any more were erased since. Raises StoreFault when the
    file of keys is missing, cut short, another store's, or older than the backup."""
    if connection.execute("SELECT count(*) FROM meta WHERE name = ?", (MARK,)).fetchone()[0] == 0:
        return []
    path = path_beside(backup, safe)
    kept, event = _read(path, safe)
    if event < _last_event(connection):
        raise StoreFault(f"{path} is older than the backup: bring the one that the last backup wrote")
    connection.execute("DELETE FROM meta WHERE name = ?", (MARK,))
    missing = []
    outside = connection.execute("SELECT id FROM conversations WHERE data_key = ?", (OUTSIDE,)).fetchall()
    for (id,) in outside:
        if id in kept:
            connection.execute("UPDATE conversations SET data_key = ? WHERE id = ?", (kept[id], id))
        else:
            missing.append(id)
    return missing


def _write(path: Path, safe: Safe, event: int, keys: list[Row]) -> None:
    part = path.with_name(path.name + ".part")
    with contextlib.suppress(FileNotFoundError):
        part.unlink()
    handle = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "w", encoding="utf-8") as file:
        file.write(json.dumps({"store": safe.store_name, "event": event, "keys": len(keys)}) + "\n")
        file.writelines(json.dumps([id, wrapped.hex()]) + "\n" for id, wrapped in keys)
        file.flush()
        os.fsync(file.fileno())
    os.replace(part, path)
    sync_folder(path.parent)


def _read(path: Path, safe: Safe) -> tuple[dict[str, bytes], int]:
    try:
        lines = iter(path.read_text(encoding="utf-8").splitlines())
        head = json.loads(next(lines))
        kept = dict(_keys(lines))
        if head["store"] != safe.store_name or head["keys"] != len(kept):
            raise ValueError
    except FileNotFoundError:
        raise StoreFault(
            f"{path} is missing: it holds the backup's keys, bring it from where the backups lie"
        ) from None
    except (ValueError, KeyError, StopIteration, OSError):
        raise StoreFault(f"{path} is damaged or another store's: bring the one that the last backup wrote") from None
    return kept, int(head["event"])


def _keys(lines: Iterator[str]) -> Iterator[tuple[str, bytes]]:
    for line in lines:
        id, wrapped = json.loads(line)
        yield id, bytes.fromhex(wrapped)


def _last_event(connection: sqlite3.Connection) -> int:
    return int(connection.execute("SELECT COALESCE(max(id), 0) FROM events").fetchone()[0])
