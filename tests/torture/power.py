"""A disk that keeps only what was synced: a shim around SQLite's own file layer, and images of it as a power cut leaves it."""

from __future__ import annotations

import ctypes
import random
import re
import subprocess
from collections.abc import Callable
from contextlib import AbstractContextManager
from ctypes import CFUNCTYPE, POINTER, Structure, c_char_p, c_int, c_int64, c_void_p
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

SECTOR = 512
IOERR_WRITE, IOERR_FSYNC, IOERR_TRUNCATE = 778, 1034, 1546  # SQLite's own codes for what the file layer could not do

Write = CFUNCTYPE(c_int, c_void_p, c_void_p, c_int, c_int64)
Truncate = CFUNCTYPE(c_int, c_void_p, c_int64)
Sync = CFUNCTYPE(c_int, c_void_p, c_int)
Delete = CFUNCTYPE(c_int, c_void_p, c_char_p, c_int)
# The name stays the pointer that it is: SQLite keeps it, and reads what stands behind it (the log's name, the URI's words).
Open = CFUNCTYPE(c_int, c_void_p, c_void_p, c_void_p, c_int, c_void_p)


class Methods(Structure):
    _fields_ = (
        [("version", c_int), ("close", c_void_p), ("read", c_void_p)]
        + [("write", Write), ("truncate", Truncate), ("sync", Sync)]
        + [(f"rest{n}", c_void_p) for n in range(13)]
    )


class Vfs(Structure):
    _fields_ = (
        [("version", c_int), ("size", c_int), ("longest", c_int), ("next", c_void_p), ("name", c_char_p)]
        + [("data", c_void_p), ("open", Open), ("delete", Delete)]
        + [(f"rest{n}", c_void_p) for n in range(15)]
    )


def library() -> ctypes.CDLL | None:
    """The SQLite that Python's own module uses; None where it is built into it."""
    import _sqlite3

    file = getattr(_sqlite3, "__file__", None)
    linked = file and subprocess.run(["ldd", file], capture_output=True, text=True).stdout
    found = re.search(r"=> (\S*libsqlite3\S*)", linked or "")
    return ctypes.CDLL(found[1]) if found else None


@dataclass
class Kept:
    """One file: what is on the platter, and what is only in the cache, in order."""

    durable: bytearray = field(default_factory=bytearray)
    pending: list[tuple[int, bytes | None]] = field(default_factory=list)  # (offset, bytes), or (size, None): cut there

    def sync(self) -> None:
        for change in self.pending:
            _apply(self.durable, change)
        self.pending.clear()

    def after_a_cut(self, chance: random.Random) -> bytes:
        """The platter, with whatever of the cache had reached it: none, all, or torn pieces of some."""
        found, mode = bytearray(self.durable), chance.choice(("none", "all", "some"))
        for offset, data in self.pending if mode != "none" else ():
            if mode == "all":
                _apply(found, (offset, data))
            elif data is not None and chance.random() < 0.5:
                _apply(found, (offset, data[: SECTOR * chance.randrange(1 + len(data) // SECTOR)]))
        return bytes(found)


def _apply(file: bytearray, change: tuple[int, bytes | None]) -> None:
    offset, data = change
    if data is None:
        del file[offset:]
        return
    if len(file) < offset:
        file.extend(bytes(offset - len(file)))
    file[offset : offset + len(data)] = data


class Disk(AbstractContextManager["Disk"]):
    """While it is open, every file that SQLite opens in `folder` is recorded. `on_change` is called before each change."""

    def __init__(self, sqlite: ctypes.CDLL, folder: Path, on_change: Callable[[], None]) -> None:
        self.files: dict[str, Kept] = {}
        self.refusing = False  # writes and syncs are answered as a disk that went read-only answers them
        self._folder, self._on_change, self._sqlite = str(folder), on_change, sqlite
        self._names: dict[int, str] = {}
        self._kept_alive: list[Any] = []

    def __enter__(self) -> Disk:
        find = self._sqlite.sqlite3_vfs_find
        find.restype, find.argtypes = POINTER(Vfs), [c_char_p]
        self._plain = find(None)
        self._mine = Vfs()
        ctypes.memmove(ctypes.byref(self._mine), self._plain, ctypes.sizeof(Vfs))
        self._mine.name, self._mine.next = b"power", None
        plain_open = self._plain.contents.open

        def open_(_: int, at: int | None, file: int, flags: int, out: int) -> int:
            code: int = plain_open(ctypes.cast(self._plain, c_void_p).value, at, file, flags, out)
            name = ctypes.string_at(at).decode() if at else ""
            if code == 0 and name.startswith(self._folder):
                self._watch(file, name)
            return code

        plain_delete = self._plain.contents.delete

        def delete(_: int, name: bytes, sync: int) -> int:
            self.files.pop(name.decode(), None)  # taken as lasting: the store syncs the folder once it is set up
            code: int = plain_delete(ctypes.cast(self._plain, c_void_p).value, name, sync)
            return code

        self._mine.open, self._mine.delete = Open(open_), Delete(delete)
        self._sqlite.sqlite3_vfs_register(ctypes.byref(self._mine), 1)
        return self

    def __exit__(self, *rest: object) -> None:
        self._sqlite.sqlite3_vfs_unregister(ctypes.byref(self._mine))
        self._sqlite.sqlite3_vfs_register(self._plain, 1)

    def cut(self, chance: random.Random) -> dict[str, bytes]:
        """The files as they are found after the power comes back."""
        return {name: kept.after_a_cut(chance) for name, kept in self.files.items()}

    def _watch(self, file: int, name: str) -> None:
        self._names[file] = name
        kept = self.files.setdefault(name, Kept())
        slot = ctypes.cast(file, POINTER(POINTER(Methods)))
        plain, mine = slot[0].contents, Methods()
        ctypes.memmove(ctypes.byref(mine), ctypes.byref(plain), ctypes.sizeof(Methods))
        write, truncate, sync = plain.write, plain.truncate, plain.sync

        def write_(at: int, data: int, number: int, offset: int) -> int:
            self._on_change()
            if self.refusing:
                return IOERR_WRITE
            code: int = write(at, data, number, offset)
            if code == 0:
                kept.pending.append((offset, ctypes.string_at(data, number)))
            return code

        def truncate_(at: int, size: int) -> int:
            self._on_change()
            if self.refusing:
                return IOERR_TRUNCATE
            code: int = truncate(at, size)
            if code == 0:
                kept.pending.append((size, None))
            return code

        def sync_(at: int, flags: int) -> int:
            self._on_change()
            if self.refusing:
                return IOERR_FSYNC
            code: int = sync(at, flags)
            if code == 0:
                kept.sync()
            return code

        mine.write, mine.truncate, mine.sync = Write(write_), Truncate(truncate_), Sync(sync_)
        slot[0] = ctypes.pointer(mine)
        self._kept_alive.append((mine, plain))
