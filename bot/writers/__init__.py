"""How an answer is worded: one file a plug, named by the setting `writer`."""

from __future__ import annotations

from bot.ports import Writer
from bot.settings import SettingsFault
from bot.writers.quote import Quote

WRITERS = {"quote": Quote}


def writer(name: str = "quote") -> Writer:
    """The writer of that name. Raises SettingsFault, with the names there are, for any other."""
    if name not in WRITERS:
        raise SettingsFault(f"HANDRAIL_WRITER={name}: there is no such writer; there are: {', '.join(sorted(WRITERS))}")
    return WRITERS[name]()
