"""Times the vector indexes at 100,000 and (with --million) a million vectors of the model's size.

    .venv/bin/python tests/bench/retrieval_vectors.py [--million] [--noise] [--data FOLDER]

The vectors are sentence-like: two real sentence vectors of the shipped articles mixed, and half the difference of two
others added. 22,000 of them were held against 22,000 real sentences of software documentation: local intrinsic dimension
(maximum likelihood over the 50 nearest) 19.9 and 19.9; found by 8 of 576 inverted lists 0.81 and 0.78 of the ten nearest,
by a graph searched 64 wide 0.997 and 0.996. `--noise` adds normal noise of all 384 dimensions in place of the difference:
18.0, 0.99 and 0.998, so unlike real ones; in a million of them the graph finds less. Recall is of the exact ten nearest.
"""

from __future__ import annotations

import argparse
import resource
import shutil
import time
from pathlib import Path

import numpy as np

from retrieval.articles import read_articles
from retrieval.embed import Embedder
from retrieval.indexes import open_index, write_index
from retrieval.passages import all_passages

ROOT = Path(__file__).resolve().parents[2]
QUERIES = 300


def sentences(embedder: Embedder) -> np.ndarray:
    passages = all_passages(read_articles(ROOT / "corpus/en/articles").articles)
    return embedder.encode([sentence for passage in passages for sentence in passage.sentences])


def like(real: np.ndarray, count: int, chance: np.random.Generator, noisy: bool = False) -> np.ndarray:
    made = np.empty((count, real.shape[1]), np.float32)
    for start in range(0, count, 100_000):
        size = min(100_000, count - start)
        one, other, third, fourth = real[chance.integers(0, len(real), (4, size))]
        share = chance.uniform(0.2, 0.8, (size, 1)).astype(np.float32)
        noise = chance.normal(0, 0.03, (size, real.shape[1])).astype(np.float32) if noisy else (third - fourth) / 2
        mixed = share * one + (1 - share) * other + noise
        made[start : start + size] = mixed / np.linalg.norm(mixed, axis=1, keepdims=True)
    return made


def main() -> None:
    options = argparse.ArgumentParser()
    options.add_argument("--million", action="store_true")
    options.add_argument("--noise", action="store_true")
    options.add_argument("--data", type=Path, default=ROOT / "data" / "bench")
    chosen = options.parse_args()
    chance = np.random.default_rng(1)
    real = sentences(Embedder.open(chosen.data / "models"))
    queries = like(real, QUERIES, chance, chosen.noise)
    print(
        f"{'vectors':>9}  {'index':6} {'build s':>8} {'CPU s':>7} {'MB disk':>8} {'median ms':>10} {'p95 ms':>8} {'CPU ms':>8} {'recall@10':>10}"
    )
    for count, kinds in (
        (100_000, ("flat", "sq8", "hnsw")),
        *([(1_000_000, ("sq8", "hnsw"))] if chosen.million else []),
    ):
        vectors = like(real, count, chance, chosen.noise)
        exact = [set(np.argpartition(-(vectors @ query), 10)[:10].tolist()) for query in queries]
        for kind in kinds:
            folder = chosen.data / f"vectors-{kind}-{count}"
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir(parents=True)
            np.save(folder / "vectors.npy", vectors)
            begun, worked = time.perf_counter(), time.process_time()
            write_index(kind, folder, vectors)
            built, worked = time.perf_counter() - begun, time.process_time() - worked
            index = open_index(kind, folder)
            for query in queries[:50]:
                index.search(query, 10)
            times, hit, spent = [], 0, time.process_time()
            for query, wanted in zip(queries, exact, strict=True):
                begun = time.perf_counter()
                rows, _ = index.search(query, 10)
                times.append(time.perf_counter() - begun)
                hit += len(set(rows.tolist()) & wanted)
            spent = (time.process_time() - spent) / QUERIES * 1e3
            size = sum(path.stat().st_size for path in folder.iterdir() if path.name != "vectors.npy" or kind == "flat")
            median, late = np.median(times) * 1e3, np.quantile(times, 0.95) * 1e3
            recall = hit / (10 * QUERIES)
            print(
                f"{count:>9}  {kind:6} {built:8.1f} {worked:7.1f} {size / 1e6:8.0f} {median:10.3f} {late:8.3f} {spent:8.3f} {recall:10.4f}",
                flush=True,
            )
            shutil.rmtree(folder)
        del vectors
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"{QUERIES} queries each, one thread; peak memory {peak:.0f} MB")


if __name__ == "__main__":
    main()
