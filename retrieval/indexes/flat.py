"""The exact vector index: one matrix, memory-mapped, one product a query."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from retrieval.indexes import Ids, Vectors


class Flat:
    """All inner products, exactly."""

    def __init__(self, vectors: Vectors) -> None:
        self._vectors = vectors
        self.size = int(vectors.shape[0])

    def search(self, query: Vectors, count: int) -> tuple[Ids, Vectors]:
        products = self._vectors @ query
        count = min(count, self.size)
        if count < self.size:
            best = np.argpartition(-products, count)[:count]
        else:
            best = np.arange(self.size)
        best = best[np.argsort(-products[best], kind="stable")]
        return best.astype(np.int64), products[best]


def write(kind: str, folder: Path, vectors: Vectors) -> None:
    """Needs nothing beside `vectors.npy`."""


def open_folder(kind: str, folder: Path) -> Flat:
    return Flat(np.load(folder / "vectors.npy", mmap_mode="r"))
