"""Vectors of long fixed lists (the filter's reviewed examples), embedded once a model and kept in a file beside it."""

from __future__ import annotations

import contextlib
import hashlib
import os
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from retrieval.embed import Embedder

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Vectors = NDArray[np.float32]

LONG = 200
"""Texts. A message is never cut into as many pieces (bot/safety/examples.py): nothing of a visitor's may be kept here."""


def kept(embedder: Embedder, folder: Path) -> Callable[[Sequence[str]], Vectors]:
    """`embedder.encode`, except that a list of LONG texts or more is looked up in `folder` first, and left there.

    Gives float32 of shape (len(texts), dimension), unit rows. A file that is damaged or cannot be written is passed over.
    """

    def encode(texts: Sequence[str]) -> Vectors:
        if len(texts) < LONG:
            return embedder.encode(texts)
        named = hashlib.sha256("\0".join((embedder.digest, *texts)).encode()).hexdigest()[:24]
        file = folder / f"examples-{named}.npy"
        with contextlib.suppress(OSError, ValueError, EOFError):
            found: Vectors = np.load(file, allow_pickle=False)
            if found.shape == (len(texts), embedder.dimension) and found.dtype == np.float32:
                return found
        rows = embedder.encode(texts)
        with contextlib.suppress(OSError):
            _write(file, rows)
        return rows

    return encode


def _write(file: Path, rows: Vectors) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=file.parent, suffix=".npy")
    try:
        with os.fdopen(handle, "wb") as out:
            np.save(out, rows, allow_pickle=False)
        os.replace(name, file)
    except OSError:
        with contextlib.suppress(OSError):
            os.unlink(name)
        raise
