"""The second stage: the nearest reviewed example sentence in meaning. It may only raise, and says which one it is near."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import structlog

from bot.model import Fired, Reason, Urgency
from bot.safety.pack import RuleFault

log = structlog.get_logger(__name__)
Embed = Callable[[Sequence[str]], Any]

_WORDS = 14  # words of a window
_AGREE = 3  # examples that a message must be near to, on average: one alone may only share a word
_MOST = 40  # windows looked at; a longer text is looked at in wider ones
_SENTENCE = re.compile(r"[^.!?\n]+[.!?]*")
_REACH = 6.0  # how fast a sentence loses its say with the distance
_RIDGE = 0.3
_WORD = re.compile(r"\w")
_I = re.compile(r"(?i)\b(?:i|im|ive|id|myself)\b")
FAILURES = (RuntimeError, ValueError, OSError, MemoryError)
"""What a model that cannot run may raise. The rules then stand alone."""


@dataclass(frozen=True, slots=True)
class Example:
    rule: str
    urgency: int
    reason: Reason
    why: str
    text: str


class Examples:
    """corpus/en/examples.toml, the rules' own examples (`more`, and `quiet` for what must stay silent), and their vectors.

    Made at the first use. Each sentence has a weight, found once by ridge regression with a radial kernel (Saunders,
    Gammerman, Vovk 1998): what is near to risk and far from what only sounds like it weighs more than nothing. A score is
    the sum of the weights, each by how near its sentence is. Raises RuleFault for a file that cannot be used.
    """

    def __init__(
        self, table: Mapping[str, Any], embed: Embed, more: Sequence[Example] = (), quiet: Sequence[str] = ()
    ) -> None:
        self._embed = embed
        self.threshold = float(table.get("threshold", 1.0))
        self.margin = float(table.get("margin", 0.0))
        self.weight = float(table.get("weight", 1.0))
        self.sure = float(table.get("sure", 1.0))
        own = tuple(example for row in table.get("class", ()) for example in _read(row))
        self.examples = (*own, *more)
        self.contrast = tuple(dict.fromkeys((*table.get("contrast", {}).get("texts", ()), *quiet)))
        if own and not self.contrast:
            raise RuleFault(
                "en/examples.toml", "", "has no [contrast]: name sentences that sound alike and must stay quiet"
            )
        self._grave = np.array([example.urgency >= Urgency.CHECK_IN for example in self.examples], dtype=bool)
        self._vectors: np.ndarray | None = None
        self._quiet: np.ndarray | None = None
        self._weights: np.ndarray | None = None

    def nearest(self, text: str, urgency: int, others: Sequence[tuple[int, int]] = ()) -> Fired | None:
        """The example that raises the text above `urgency`, or None. Never raises: a model that fails raises nothing.

        `others`: what the rules read as said of someone else. In meaning “she wants to” lies beside “I want to”, so words
        around such a place are passed over, unless the visitor speaks of themselves in them too.
        """
        pieces = [
            (a, b) for a, b in windows(text) if _I.search(text, a, b) or not any(c < b and a < d for c, d in others)
        ]
        if not pieces or not self.examples:
            return None
        try:
            found = self.scores(tuple(text[a:b] for a, b in pieces))
        except FAILURES as error:
            log.warning("second stage is off for this message", error=type(error).__name__)
            return None
        best: Fired | None = None
        for (a, b), (near, quiet, weight) in zip(pieces, found, strict=True):
            example, agreed = self._agreed(near, quiet, weight)
            if example is not None and agreed > urgency and (best is None or agreed > best.urgency):
                why = f"{example.why} Nearest: “{example.text}” ({weight:.2f})"
                best = Fired(example.rule, (a, b), agreed, example.reason, why)
        return best

    def _agreed(self, near: np.ndarray, quiet: float, weight: float) -> tuple[Example | None, int]:
        """The nearest example and the urgency that it stands for; (None, 0) when nothing is near enough."""
        grave = weight >= self.weight
        order = np.argsort(-np.where(self._grave, near, -1.0) if grave else -near)[:_AGREE]
        score = float(near[order].mean())
        if not grave and (score < self.threshold or score - quiet < self.margin):
            return None, 0
        closest = [self.examples[int(n)] for n in order]
        levels = sorted(example.urgency for example in closest)
        agreed = levels[len(levels) // 2]
        if agreed == Urgency.EMERGENCY:  # only when all agree
            agreed = levels[0]
        example = next(example for example in closest if example.urgency == agreed)
        if not grave:
            agreed = min(agreed, int(Urgency.CONCERN))
        elif weight < self.sure:
            agreed = min(agreed, int(Urgency.CHECK_IN))
        return example, agreed

    def scores(self, texts: Sequence[str]) -> list[tuple[np.ndarray, float, float]]:
        """For each text: cosines to all examples, the highest cosine to a contrast sentence, and the sum of weights."""
        if self._vectors is None or self._quiet is None or self._weights is None:
            self._vectors = np.asarray(self._embed([e.text for e in self.examples]), dtype=np.float32)
            self._quiet = np.asarray(self._embed(list(self.contrast)), dtype=np.float32)
            self._weights = self._weighed(np.vstack([self._vectors, self._quiet]))
        vectors = np.asarray(self._embed(list(texts)), dtype=np.float32)
        near, quiet = vectors @ self._vectors.T, vectors @ self._quiet.T
        sums = np.exp(_REACH * (np.hstack([near, quiet]) - 1.0)) @ self._weights
        return [(near[n], float(quiet[n].max()), float(sums[n])) for n in range(len(texts))]

    def _weighed(self, all_of_them: np.ndarray) -> np.ndarray:
        wanted = np.concatenate([np.where(self._grave, 1.0, -1.0), -np.ones(len(self.contrast))])
        kernel = np.exp(_REACH * (all_of_them @ all_of_them.T - 1.0)).astype(np.float64)
        kernel[np.diag_indices_from(kernel)] += _RIDGE
        return np.asarray(np.linalg.solve(kernel, wanted), dtype=np.float32)


def windows(text: str) -> list[tuple[int, int]]:
    """The text as pieces of some 14 words, cut at the ends of sentences where it can be; each as (start, end)."""
    size = max(_WORDS, len(text.split()) // _MOST + 1)
    pieces: list[tuple[int, int]] = []
    start, count, end = -1, 0, 0
    for match in _SENTENCE.finditer(text):
        for a, b in _parts(text, match.start(), match.end(), size):
            words = len(text[a:b].split())
            if start >= 0 and count + words > size:
                pieces.append((start, end))
                start, count = -1, 0
            start, count, end = (a if start < 0 else start), count + words, b
    if start >= 0:
        pieces.append((start, end))
    return [(a, b) for a, b in pieces if _WORD.search(text, a, b)][: 2 * _MOST]


def _parts(text: str, start: int, end: int, size: int) -> list[tuple[int, int]]:
    """A sentence as it is, or cut every `size` words when nobody ended it."""
    marks = [m.span() for m in re.finditer(r"\S+", text[start:end])]
    return [(start + marks[n][0], start + marks[min(n + size, len(marks)) - 1][1]) for n in range(0, len(marks), size)]


def _read(row: Mapping[str, Any]) -> list[Example]:
    name = str(row.get("id", ""))
    try:
        reason, urgency, why = Reason(row["reason"]), int(row["urgency"]), str(row["why"])
    except (KeyError, ValueError) as error:
        raise RuleFault("en/examples.toml", name, f"needs id, urgency, reason and why: {error}") from None
    return [Example(name, urgency, reason, why, text) for text in row.get("texts", ())]
