"""Files are parsed apart: in a process of their own, watched, and replaced when one goes beyond its limits."""

from __future__ import annotations

import errno
import json
import os
import select
import stat
import subprocess
import sys
import time
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict
from pathlib import Path
from queue import SimpleQueue
from types import TracebackType
from typing import Any

from retrieval.importing.model import SUFFIXES, Imported, Limits
from retrieval.importing.wire import OUT_OF_MEMORY, frame, from_plain
from retrieval.model import ArticleRefused

_LARGEST_ANSWER = 200_000_000  # bytes; a page's pieces in JSON are a little larger than its text
_START = 30.0  # seconds a fresh process may take to import what it needs, on top of the limit for its file


class Importer:
    """Reads file after file in one process, started when needed. Use it as a context manager, from one thread."""

    def __init__(self, limits: Limits | None = None) -> None:
        self._limits = limits or Limits()
        self._process: subprocess.Popen[bytes] | None = None
        self._fresh = True

    def __enter__(self) -> Importer:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Ends the process, if there is one."""
        process, self._process = self._process, None
        if process is None:
            return
        process.kill()
        process.wait()
        for pipe in (process.stdin, process.stdout):
            if pipe is not None:
                pipe.close()

    def read(self, path: Path) -> Imported:
        """What became of one file. Raises ArticleRefused, in one line that begins with the file's name."""
        try:
            return self._read(path)
        except ArticleRefused as refused:
            raise ArticleRefused(f"{path.name}: {refused}") from refused

    def _read(self, path: Path) -> Imported:
        suffix = path.suffix.lower()
        data = _bytes_of(path, suffix, self._limits)
        answer = self._ask(str(path), ".html" if suffix == ".htm" else suffix, data)
        if "refused" in answer:
            raise ArticleRefused(answer["refused"])
        if "broke" in answer:
            self.close()
            if answer["broke"] == OUT_OF_MEMORY:
                raise ArticleRefused(
                    f"Reading this file took more than {self._limits.memory // 1_048_576} MB of memory: "
                    "split it, or save it without pictures."
                )
            raise ArticleRefused(
                f"This file could not be read ({answer['broke']}): open it, save it anew, and import that."
            )
        return from_plain(str(path), answer["imported"])

    def _ask(self, path: str, suffix: str, data: bytes) -> dict[str, Any]:
        process = self._started()
        facts = json.dumps({"path": path, "suffix": suffix, "limits": asdict(self._limits)}).encode()
        deadline = time.monotonic() + self._limits.seconds + (_START if self._fresh else 0)
        self._fresh = False
        if process.stdin is None or process.stdout is None:
            raise ArticleRefused("The reading process has no pipes.")
        try:
            process.stdin.write(frame(facts) + frame(data))
            process.stdin.flush()
        except BrokenPipeError:
            return {"broke": "the reading process ended"}
        answer = self._awaited(process.stdout.fileno(), deadline)
        if answer is None:
            return {"broke": "the reading process ended"}
        found: dict[str, Any] = json.loads(answer)
        return found

    def _awaited(self, pipe: int, deadline: float) -> bytes | None:
        held = bytearray()
        wanted = 8
        while len(held) < wanted:
            left = deadline - time.monotonic()
            if left <= 0 or not select.select([pipe], [], [], left)[0]:
                self.close()
                raise ArticleRefused(
                    f"Reading this file took longer than {self._limits.seconds:g} seconds: "
                    "split it, or save it as text."
                )
            more = os.read(pipe, 1 << 20)
            if not more:
                return None
            held += more
            if len(held) >= 8 and wanted == 8:
                wanted = 8 + int.from_bytes(held[:8], "big")
                if wanted > _LARGEST_ANSWER:
                    self.close()
                    raise ArticleRefused("This file holds too much text: split it and import the parts.")
        return bytes(held[8:wanted])

    def _started(self) -> subprocess.Popen[bytes]:
        if self._process is not None and self._process.poll() is None:
            return self._process
        self.close()
        root = str(Path(__file__).resolve().parents[2])
        # Nothing of this process's environment goes along: it may hold keys.
        environment = {
            "PYTHONPATH": root,
            "PATH": os.defpath,
            "LANG": "C.UTF-8",
            "PYTHONUTF8": "1",
            "PYTHONDONTWRITEBYTECODE": "1",
        }
        self._process = subprocess.Popen(
            [sys.executable, "-m", "retrieval.importing.worker"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env=environment,
            cwd="/",
            close_fds=True,
        )
        self._fresh = True
        return self._process


def read(path: Path, *, limits: Limits | None = None) -> Imported:
    """What became of one file: its article, and pieces kept, dropped and flagged. Raises ArticleRefused.

    Starts a process for this one file: for many, use `read_all` or an Importer.
    """
    with Importer(limits) as importer:
        return importer.read(path)


def read_all(
    paths: Iterable[Path], *, limits: Limits | None = None, processes: int = 2
) -> Iterator[tuple[Path, Imported | ArticleRefused]]:
    """Each file with what became of it, in the order given, read by so many processes side by side."""
    free: SimpleQueue[Importer] = SimpleQueue()
    importers = [Importer(limits) for _ in range(max(1, processes))]
    for importer in importers:
        free.put(importer)

    def one(path: Path) -> tuple[Path, Imported | ArticleRefused]:
        importer = free.get()
        try:
            return path, importer.read(path)
        except ArticleRefused as refused:
            return path, refused
        finally:
            free.put(importer)

    try:
        with ThreadPoolExecutor(len(importers)) as pool:
            yield from pool.map(one, paths)
    finally:
        for importer in importers:
            importer.close()


def _bytes_of(path: Path, suffix: str, limits: Limits) -> bytes:
    if suffix not in SUFFIXES:
        raise ArticleRefused(
            f"Files that end in {suffix or 'nothing'} are not read: save it as one of {' '.join(SUFFIXES)}."
        )
    largest = limits.file_bytes if suffix in (".pdf", ".docx") else limits.text_bytes
    try:
        # without O_NONBLOCK a pipe that nobody writes to would hold us here
        with open(os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC), "rb") as file:
            state = os.fstat(file.fileno())
            if not stat.S_ISREG(state.st_mode):
                raise ArticleRefused("This is not a file: import files, not folders, pipes or devices.")
            if state.st_size > largest:
                raise ArticleRefused(
                    f"This file has {state.st_size / 1_000_000:.1f} MB, more than {largest / 1_000_000:g} MB: "
                    "save the article alone, without what the page embeds."
                )
            data = file.read(largest + 1)
    except ArticleRefused:
        raise
    except OSError as error:
        raise ArticleRefused(_why(error)) from error
    if not data.strip(b"\x00 \t\r\n\f\v\xef\xbb\xbf"):
        raise ArticleRefused("This file is empty: put the article in it, or take it out of the folder.")
    return data[:largest]


def _why(error: OSError) -> str:
    if error.errno == errno.ELOOP:
        return "This link leads to itself: replace it with the file it should lead to."
    if error.errno in (errno.EACCES, errno.EPERM):
        return "This file may not be read by this account: give it the right to (chmod a+r)."
    if error.errno == errno.ENOENT:
        return "There is no such file, or its link leads nowhere: put the file there."
    if error.errno == errno.EISDIR:
        return "This is a folder: import the files in it."
    return f"This file cannot be read ({os.strerror(error.errno or 0)}): check the disk."
