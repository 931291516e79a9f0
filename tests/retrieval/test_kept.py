"""Vectors that are kept: read back as they were, made anew when damaged, and never a visitor's."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, cast

import numpy as np

from bot.safety.examples import windows
from retrieval.embed import Embedder
from retrieval.kept import LONG, kept

MANY = [f"sentence number {n}" for n in range(LONG)]


class Counting:
    """Stands in for the model, which is dear to load; what is tested is the file beside it."""

    digest, dimension = "model-1", 4

    def __init__(self) -> None:
        self.asked = 0

    def encode(self, texts: Sequence[str]) -> Any:
        self.asked += 1
        return np.array([[len(t), 0, 1, 2] for t in texts], np.float32)


def test_kept_and_read_back(tmp_path: Path) -> None:
    model = Counting()
    encode = kept(cast(Embedder, model), tmp_path)
    first, again = encode(MANY), encode(MANY)
    assert model.asked == 1 and np.array_equal(first, again)
    (file,) = tmp_path.iterdir()
    file.write_bytes(file.read_bytes()[:100])
    assert np.array_equal(encode(MANY), first) and model.asked == 2
    other = Counting()
    other.digest = "model-2"
    kept(cast(Embedder, other), tmp_path)(MANY)
    assert other.asked == 1, "another model's vectors are its own"


def test_a_message_is_never_kept(tmp_path: Path) -> None:
    longest = "I am so tired of all of this and nobody knows. " * 400
    pieces = windows(longest)
    assert len(pieces) < LONG
    kept(cast(Embedder, Counting()), tmp_path)([longest[a:b] for a, b in pieces])
    assert not list(tmp_path.iterdir())


def test_a_folder_that_cannot_be_written_is_no_fault(tmp_path: Path) -> None:
    taken = tmp_path / "file"
    taken.write_text("in the way")
    assert kept(cast(Embedder, Counting()), taken / "models")(MANY).shape == (LONG, 4)
