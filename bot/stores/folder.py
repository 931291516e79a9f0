"""The data folder: there, writable, and used by one process at a time."""

from __future__ import annotations

import fcntl
import os
from pathlib import Path

from bot.model import StoreFault
from bot.stores.writer import fault


class FolderLock:
    """Held for as long as the process uses the folder; the kernel lets go of it when the process dies."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "handrail.lock"
        self._handle: int | None = None

    def take(self) -> None:
        """Raises StoreFault when another process has it, or the folder cannot be written."""
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            handle = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise fault(error, str(self.path.parent)) from None
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            pid = os.read(handle, 20).decode(errors="replace").strip() or "unknown"
            os.close(handle)
            raise StoreFault(
                f"another handrail is running on this data folder (pid {pid}): {self.path.parent}"
            ) from None
        except OSError as error:
            os.close(handle)
            raise fault(error, str(self.path)) from None
        try:
            os.ftruncate(handle, 0)
            os.pwrite(handle, f"{os.getpid()}\n".encode(), 0)
        except OSError as error:
            os.close(handle)
            raise fault(error, str(self.path)) from None
        self._handle = handle

    def release(self) -> None:
        if self._handle is not None:
            os.close(self._handle)
            self._handle = None
