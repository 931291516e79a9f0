"""The FAISS vector indexes: flat with 8 bits a number, and a navigable graph (HNSW), read memory-mapped."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from retrieval.indexes import Ids, Vectors

FILE = "vectors.faiss"
LINKS, BUILD_EFFORT, SEARCH_EFFORT = 32, 160, 128  # HNSW: M, efConstruction, efSearch
_WIDEN = 4  # so many times more are found with 8 bits than are asked for, and put in order exactly
_CHUNK = 50_000  # vectors


class Faiss:
    """A FAISS index whose finds are scored again with the exact vectors, so that scores do not depend on the plug."""

    def __init__(self, index: Any, vectors: Vectors) -> None:
        self._index, self._vectors = index, vectors
        self.size = int(vectors.shape[0])

    def search(self, query: Vectors, count: int) -> tuple[Ids, Vectors]:
        wide = min(self.size, count * _WIDEN)
        _, found = self._index.search(_whole(query[None, :], float(np.abs(query).max())), wide)
        rows: Ids = found[0][found[0] >= 0].astype(np.int64)
        products = self._vectors[rows] @ query
        order = np.argsort(-products, kind="stable")[:count]
        return rows[order], products[order]


def write(kind: str, folder: Path, vectors: Vectors) -> None:
    import faiss

    dimension = int(vectors.shape[1])
    eight: Any = faiss.ScalarQuantizer.QT_8bit_direct_signed  # whole numbers, multiplied as such: five times as fast
    index: Any
    if kind == "hnsw":
        index = faiss.IndexHNSWSQ(dimension, eight, LINKS, faiss.METRIC_INNER_PRODUCT)
        index.hnsw.efConstruction = BUILD_EFFORT
    else:
        index = faiss.IndexScalarQuantizer(dimension, eight, faiss.METRIC_INNER_PRODUCT)
    index.is_trained = True
    largest = float(np.abs(vectors).max(initial=0))
    for start in range(0, len(vectors), _CHUNK):
        index.add(_whole(vectors[start : start + _CHUNK], largest))
    faiss.write_index(index, str(folder / FILE))


def _whole(vectors: Vectors, largest: float) -> Vectors:
    """Scaled to whole numbers from -127 to 127. One scale for all leaves the order of inner products as it was."""
    return np.ascontiguousarray(np.rint(vectors * np.float32(127 / max(largest, 1e-9))), np.float32)


def open_folder(kind: str, folder: Path) -> Faiss:
    import faiss

    faiss.omp_set_num_threads(1)
    index: Any = faiss.read_index(str(folder / FILE), faiss.IO_FLAG_MMAP_IFC)
    if kind == "hnsw":
        index.hnsw.efSearch = SEARCH_EFFORT
    return Faiss(index, np.load(folder / "vectors.npy", mmap_mode="r"))
