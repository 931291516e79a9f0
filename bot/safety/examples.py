"""The second stage: nearest reviewed example sentences in embedding space. It may only raise, and says which one it is near."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from bot.model import Fired


class Examples:
    def __init__(self, table: Mapping[str, Any], embed: Callable[[Sequence[str]], np.ndarray]) -> None:
        self._embed = embed

    def nearest(self, text: str, urgency: int) -> Fired | None:
        return None
