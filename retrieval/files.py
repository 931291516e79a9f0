"""Folders that are whole or not there: written aside, sealed with checksums, renamed into place."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

SEAL = "seal.json"


def file_digest(path: Path) -> str:
    """sha256 of a file's bytes, hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def sealed(folder: Path, version: int) -> None:
    """Writes the seal: the format's version, and each file's size and sha256."""
    files = {
        str(path.relative_to(folder)): [path.stat().st_size, file_digest(path)]
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path.name != SEAL
    }
    text = json.dumps({"format": version, "files": files}, indent=1)
    with (folder / SEAL).open("w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())


def broken_seal(folder: Path, version: int) -> str:
    """Empty when every sealed file stands as it was written, otherwise what is wrong, in a few words."""
    try:
        seal = json.loads((folder / SEAL).read_text(encoding="utf-8"))
        if seal["format"] != version:
            return "of another format"
        for name, (size, digest) in seal["files"].items():
            path = folder / name
            if not path.is_file() or path.stat().st_size != size or file_digest(path) != digest:
                return f"damaged ({name})"
    except FileNotFoundError:
        return "missing"
    except (OSError, ValueError, KeyError, TypeError):
        return "unreadable"
    return ""


def checked(folder: Path, version: int) -> bool:
    """Whether the folder stands whole, of this format."""
    return broken_seal(folder, version) == ""


@contextmanager
def replace_folder(folder: Path) -> Iterator[Path]:
    """Yields a fresh folder beside `folder` that takes its place when the block ends well and is removed when it does
    not."""
    fresh = folder.with_name(f".{folder.name}.{os.getpid()}.new")
    shutil.rmtree(fresh, ignore_errors=True)
    fresh.mkdir(parents=True)
    try:
        yield fresh
        old = folder.with_name(f".{folder.name}.{os.getpid()}.old")
        if folder.exists():
            folder.rename(old)
        fresh.rename(folder)
        shutil.rmtree(old, ignore_errors=True)
    finally:
        shutil.rmtree(fresh, ignore_errors=True)
