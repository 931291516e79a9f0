"""The schema's history, applied at start."""

from __future__ import annotations

from pathlib import Path

from sqlalchemy import Connection

HEAD = "0001"
"""The revision that this version of the code works on; a test holds it to the newest file in versions/."""


def upgrade(connection: Connection) -> None:
    """Brings the database to HEAD inside the connection's transaction: all of it, or nothing."""
    from alembic import command  # not needed on most starts, and slow to load
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent))
    config.attributes["connection"] = connection
    command.upgrade(config, "head")
