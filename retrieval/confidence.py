"""How likely the corpus answers a question, from what its best finds show."""

from __future__ import annotations

import json
import math
from functools import cache
from operator import mul
from pathlib import Path
from typing import NamedTuple


class Signs(NamedTuple):
    """What one find shows: inputs of the confidence, each about 0 to 1. `same` is how nearly the question is one that the
    articles list, `far` how far it is from every sentence and every listed question, though its words may occur, `three`
    how near the best three sentences are. `covered` is how well the best sentences together meet its words, `gap` how
    much of its weight hangs on the one word that the first find's passage meets worst ("how many people …" where nobody
    is counted), `unknown` how much on words which the corpus never uses and the best sentences do not meet by meaning
    either; `length` grows with its word pieces, and `size` goes from 0 for a hundred sentences or fewer to 1 for a
    thousand or more: the more there is to read, the less it says that words occur."""

    dense: float
    lexical: float
    same: float
    far: float
    three: float
    covered: float
    gap: float
    unknown: float
    length: float
    size: float


SIGNS = Signs._fields


@cache
def calibration() -> dict[str, float]:
    """The logistic weights and the threshold in calibration.json, which also says how they were found."""
    held = json.loads((Path(__file__).parent / "calibration.json").read_text(encoding="utf-8"))
    return {name: float(value) for name, value in [*held["weights"].items(), ("threshold", held["threshold"])]}


@cache
def threshold() -> float:
    """The confidence from which on a question is answered."""
    return calibration()["threshold"]


@cache
def _weights() -> tuple[float, ...]:
    """In the order of the signs, the bias last; none for a sign that was not there when they were found."""
    return tuple(calibration().get(name, 0.0) for name in (*SIGNS, "bias"))


def confidence(signs: Signs) -> float:
    """How likely the corpus answers the question, 0 to 1, from a find's signs."""
    total = sum(map(mul, _weights(), (*signs, 1.0)))
    return 1.0 / (1.0 + math.exp(-max(-60.0, min(60.0, total))))
