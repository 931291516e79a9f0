"""The socket for a vector index: one file per plug, named by the setting; `auto` picks by size."""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Vectors = NDArray[np.float32]
    Ids = NDArray[np.int64]

# kind -> (module, what it is good for)
KINDS: Mapping[str, tuple[str, str]] = {
    "flat": ("flat", "exact, float32: up to some ten thousand vectors"),
    "sq8": ("faiss", "FAISS flat, 8 bits a number: up to some hundred thousand vectors, a quarter of the memory"),
    "hnsw": ("faiss", "FAISS graph: up to millions of vectors in well under a millisecond, five times the memory"),
    "pgvector": ("pgvector", "in PostgreSQL: replicas share one index; each search is a query to the database"),
}
AUTO_FLAT, AUTO_SQ8 = 20_000, 60_000  # vectors; see docs/retrieval.md for the measurement


class VectorIndex(Protocol):
    """Finds the vectors with the largest inner product. Read-only and safe to search from many threads."""

    size: int

    def search(self, query: Vectors, count: int) -> tuple[Ids, Vectors]:
        """Rows and inner products, best first, at most `count` of each; `query` has shape (dimension,)."""
        ...


def kind_for(wanted: str, vectors: int) -> str:
    """`auto` resolved by the number of vectors. Raises ValueError, with the names there are, for an unknown one."""
    if wanted == "auto":
        return "flat" if vectors <= AUTO_FLAT else "sq8" if vectors <= AUTO_SQ8 else "hnsw"
    if wanted not in KINDS:
        raise ValueError(f"unknown vector index {wanted!r}: choose one of auto, {', '.join(KINDS)}")
    return wanted


def write_index(kind: str, folder: Path, vectors: Vectors) -> None:
    """Writes what the plug needs beside `vectors.npy` into `folder`."""
    importlib.import_module(f"retrieval.indexes.{KINDS[kind][0]}").write(kind, folder, vectors)


def open_index(kind: str, folder: Path) -> VectorIndex:
    """Opens, memory-mapped where the plug can, what `write_index` wrote."""
    opened: VectorIndex = importlib.import_module(f"retrieval.indexes.{KINDS[kind][0]}").open_folder(kind, folder)
    return opened
