"""How the parts of a find are weighed into one score, and what that score says about the question having an answer."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from functools import cache
from pathlib import Path

# A sentence's score = its dense product + LEXICAL * BM25 share + ASKED * cosine with its article's nearest question
# + WORDS * word-by-word share. Found on the question set's `tune` split: see docs/retrieval.md.
LEXICAL = 0.30
ASKED = 0.35
WORDS = 1.0
RARITY = 1.5  # a query word's weight in the word-by-word share: its idf to this power
DENSE_REACH = 128  # sentences that the vectors propose
LEXICAL_REACH = 64  # sentences that the words propose
WORDS_REACH = 48  # the best of them, compared word by word
ALIKE = 0.85  # share of words in common from which two sentences say the same


@dataclass(frozen=True, slots=True)
class Signs:
    """What one find shows: inputs of the confidence, each about 0 to 1. `unknown` is the share of the question's
    weight in words that the corpus never uses."""

    dense: float
    lexical: float
    asked: float
    words: float
    unknown: float


@cache
def calibration() -> dict[str, float]:
    """The logistic weights and the threshold in calibration.json, which also says how they were found."""
    held = json.loads((Path(__file__).parent / "calibration.json").read_text(encoding="utf-8"))
    return {name: float(value) for name, value in [*held["weights"].items(), ("threshold", held["threshold"])]}


def threshold() -> float:
    """The confidence from which on a question is answered."""
    return calibration()["threshold"]


def confidence(signs: Signs) -> float:
    """How likely the corpus answers the question, 0 to 1, from a find's signs."""
    weights = calibration()
    total = weights["bias"] + sum(
        weights[name] * getattr(signs, name) for name in ("dense", "lexical", "asked", "words", "unknown")
    )
    return 1.0 / (1.0 + math.exp(-max(-60.0, min(60.0, total))))
