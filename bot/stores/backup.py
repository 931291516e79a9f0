"""A copy that is proven before it counts, and the way back from it."""

from __future__ import annotations

import json
import os
import shutil
import sqlite3
from datetime import datetime
from pathlib import Path

from bot.model import Receipt, StoreFault
from bot.stores import keyring, migrations
from bot.stores.seal import Safe, sync_folder
from bot.stores.statements import audit, erase, proof, rotate
from bot.stores.writer import SqliteTx

ERASED = "erased.log"


def note_erased(folder: Path, receipt: Receipt) -> None:
    """One line a conversation: an id and a time. A restored backup is run through it."""
    handle = os.open(folder / ERASED, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    try:
        os.write(handle, (json.dumps([receipt.conversation, receipt.erased_at.isoformat()]) + "\n").encode())
        os.fsync(handle)
    finally:
        os.close(handle)


def copy_sqlite(source: Path, target: Path, safe: Safe) -> dict[str, int]:
    """VACUUM INTO from a read connection: one snapshot, no freed page, writers go on. Finished by `finish`."""
    part = part_of(target)
    try:
        connection = sqlite3.connect(f"file:{source}?mode=ro", uri=True, isolation_level=None)
        try:
            connection.execute("VACUUM INTO ?", (str(part),))
        finally:
            connection.close()
        return finish(part, target, safe)
    except sqlite3.Error as error:
        part.unlink(missing_ok=True)
        raise StoreFault(f"{target}: the backup could not be written ({error})") from None
    except OSError as error:
        part.unlink(missing_ok=True)
        raise StoreFault(f"{target}: the backup could not be written ({error.strerror})") from None


def part_of(target: Path) -> Path:
    """Where a copy is written before it counts; whatever lay there is gone."""
    part = target.with_name(target.name + ".part")
    part.unlink(missing_ok=True)
    return part


def finish(part: Path, target: Path, safe: Safe) -> dict[str, int]:
    """The keys taken out into the file beside it, the rest proven and renamed into place; its rows by table."""
    os.chmod(part, 0o600)
    connection = sqlite3.connect(part, isolation_level=None)
    try:
        keyring.take_out(connection, safe, target)
    finally:
        connection.close()
    sizes = checked(part)
    _sync(part)
    os.replace(part, target)
    sync_folder(target.absolute().parent)
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


def restored(file: Path, folder: Path, database: Path, safe: Safe) -> dict[str, int]:
    """Puts a proven backup in the database's place; the one that was there is kept beside it as `….replaced`.

    The caller holds the folder's lock.
    """
    part, found = prepared(file, folder, database, safe)
    if database.exists():
        for ending in ("-wal", "-shm"):
            database.with_name(database.name + ending).unlink(missing_ok=True)
        os.replace(database, database.with_name(database.name + ".replaced"))
    os.replace(part, database)
    sync_folder(folder)
    return found


def prepared(file: Path, folder: Path, beside: Path, safe: Safe) -> tuple[Path, dict[str, int]]:
    """A working copy of the backup, its keys back in it, every body opened once, and what was erased since erased again."""
    sizes = checked(file)
    part = part_of(beside)
    try:
        shutil.copyfile(file, part)
        os.chmod(part, 0o600)
        migrations.file_to_head(part)  # a backup of an older version
        found = _opened_again(part, file, folder, safe)
        _sync(part)
    except sqlite3.Error as error:
        part.unlink(missing_ok=True)
        raise StoreFault(f"{file} could not be restored ({error})") from None
    except OSError as error:
        part.unlink(missing_ok=True)
        raise StoreFault(f"{file} could not be restored ({error.strerror})") from None
    except BaseException:
        part.unlink(missing_ok=True)
        raise
    return part, {**{name: sizes[name] for name in ("conversations", "messages", "handoffs")}, **found}


def _opened_again(part: Path, file: Path, folder: Path, safe: Safe) -> dict[str, int]:
    connection = sqlite3.connect(part, isolation_level=None)
    try:
        connection.executescript(
            "PRAGMA journal_mode = DELETE; PRAGMA foreign_keys = ON; PRAGMA secure_delete = ON; PRAGMA synchronous = FULL"
        )
        tx = SqliteTx(connection, safe)
        connection.execute("BEGIN IMMEDIATE")
        rotate.open_safe(tx, make=False)
        rows, wrong = audit.verified(tx)
        if wrong:
            raise StoreFault(f"{file}: the audit log does not verify: {wrong}")
        again = sum(erase.forget(tx, id) for id in keyring.put_back(connection, safe, file))
        bodies = proof.opened(tx)
        again += sum(erase.erase_again(tx, id, at) for id, at in erased_since(folder))
        connection.execute("COMMIT")
    finally:
        connection.close()
    return {"bodies opened": bodies, "audit rows verified": rows, "erased again": again}


def _sync(file: Path) -> None:
    handle = os.open(file, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def erased_since(folder: Path) -> list[tuple[str, datetime]]:
    """What erased.log says, oldest first. A line that was cut short by a crash is passed over: its erasure was not
    acknowledged."""
    try:
        lines = (folder / ERASED).read_text(encoding="utf-8").splitlines()
    except FileNotFoundError:
        return []
    found = []
    for line in lines:
        try:
            id, at = json.loads(line)
        except ValueError:
            continue
        found.append((str(id), datetime.fromisoformat(at)))
    return found
