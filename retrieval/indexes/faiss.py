"""The FAISS vector indexes: flat with 8 bits a number, and a navigable graph (HNSW), read memory-mapped."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from retrieval.indexes import Ids, Vectors

FILE = "vectors.faiss"
LINKS, BUILD_EFFORT, SEARCH_EFFORT = 32, 200, 128  # HNSW: M, efConstruction, efSearch
_WIDEN = 4  # the 8-bit index looks this many times further, and its finds are rescored exactly


class Faiss:
    """A FAISS index whose finds are scored again with the exact vectors, so that scores do not depend on the plug."""

    def __init__(self, index: Any, vectors: Vectors) -> None:
        self._index, self._vectors = index, vectors
        self.size = int(vectors.shape[0])

    def search(self, query: Vectors, count: int) -> tuple[Ids, Vectors]:
        wide = min(self.size, count * _WIDEN)
        _, found = self._index.search(np.ascontiguousarray(query[None, :], np.float32), wide)
        rows: Ids = found[0][found[0] >= 0].astype(np.int64)
        products = self._vectors[rows] @ query
        order = np.argsort(-products, kind="stable")[:count]
        return rows[order], products[order]


def write(kind: str, folder: Path, vectors: Vectors) -> None:
    import faiss

    dimension = int(vectors.shape[1])
    index: Any
    eight: Any = faiss.ScalarQuantizer.QT_8bit
    if kind == "hnsw":
        index = faiss.IndexHNSWSQ(dimension, eight, LINKS, faiss.METRIC_INNER_PRODUCT)
        index.hnsw.efConstruction = BUILD_EFFORT
        index.hnsw.efSearch = SEARCH_EFFORT
    else:
        index = faiss.IndexScalarQuantizer(dimension, eight, faiss.METRIC_INNER_PRODUCT)
    index.train(vectors[:50_000])
    for start in range(0, len(vectors), 50_000):
        index.add(np.ascontiguousarray(vectors[start : start + 50_000]))
    faiss.write_index(index, str(folder / FILE))


def open_folder(kind: str, folder: Path) -> Faiss:
    import faiss

    faiss.omp_set_num_threads(1)
    index: Any = faiss.read_index(str(folder / FILE), faiss.IO_FLAG_MMAP_IFC)
    if kind == "hnsw":
        index.hnsw.efSearch = SEARCH_EFFORT
    return Faiss(index, np.load(folder / "vectors.npy", mmap_mode="r"))
