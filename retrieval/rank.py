"""How the parts of a find are weighed into one score, and what that score says about the question having an answer."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from functools import cache
from pathlib import Path

# A sentence's score = its dense product + LEXICAL * BM25 share + ASKED * cosine with its article's nearest question.
# Found on the question set's `tune` split: see docs/retrieval.md.
LEXICAL = 0.30
ASKED = 0.35
DENSE_REACH = 128  # sentences that the vectors propose
LEXICAL_REACH = 64  # sentences that the words propose
ALIKE = 0.85  # share of words in common from which two sentences say the same


@dataclass(frozen=True, slots=True)
class Signs:
    """What the first find shows: inputs of the confidence, each about 0 to 1."""

    score: float
    dense: float
    lexical: float
    asked: float


@cache
def calibration() -> dict[str, float]:
    """The logistic weights and the threshold in calibration.json, which also says how they were found."""
    held = json.loads((Path(__file__).parent / "calibration.json").read_text(encoding="utf-8"))
    return {name: float(value) for name, value in [*held["weights"].items(), ("threshold", held["threshold"])]}


def threshold() -> float:
    """The confidence from which on a question is answered."""
    return calibration()["threshold"]


def confidence(signs: Signs) -> float:
    """How likely the corpus answers the question, 0 to 1, from the first find's signs."""
    weights = calibration()
    total = (
        weights["bias"]
        + weights["score"] * signs.score
        + weights["dense"] * signs.dense
        + weights["lexical"] * signs.lexical
        + weights["asked"] * signs.asked
    )
    return 1.0 / (1.0 + math.exp(-max(-60.0, min(60.0, total))))
