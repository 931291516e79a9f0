"""Keeps the collector of cycles from walking over all that lives: with 10,000 streams it stopped the server for half a second."""

from __future__ import annotations

import asyncio
import gc
from typing import Any

EVERY = 3600.0  # seconds between two looks at everything: a cycle that lived long and died is found here alone


async def run() -> None:
    """Until it is cancelled. What a full collection found alive is set aside, so that the next one looks only at what is new."""
    gc.callbacks.append(_set_aside)
    try:
        while True:
            gc.unfreeze()
            gc.collect()
            await asyncio.sleep(EVERY)
    finally:
        gc.callbacks.remove(_set_aside)


def _set_aside(phase: str, about: dict[str, Any]) -> None:
    if phase == "stop" and about["generation"] == 2:
        gc.freeze()  # takes no time: lists are joined
