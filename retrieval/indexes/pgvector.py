"""The vectors in PostgreSQL with pgvector: replicas share one index, and none holds the vectors in its own memory."""

from __future__ import annotations

import hashlib
import json
import os
import threading
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import psycopg
from pgvector.psycopg import register_vector
from psycopg import sql

if TYPE_CHECKING:
    from retrieval.indexes import Ids, Vectors

URL = "HANDRAIL_DATABASE_URL"
NOTE = "pgvector.json"  # which table; the address and its password stay in the environment
CANDIDATES = 200  # hnsw.ef_search: how many the graph looks at


def _url() -> str:
    path = os.environ.get(URL + "_FILE")
    url = os.environ.get(URL) or (Path(path).read_text(encoding="utf-8").strip() if path else "")
    if not url.startswith("postgres"):
        raise ValueError(f"the index pgvector needs {URL}=postgresql://…, or choose HANDRAIL_INDEX=auto")
    return url


class PgVector:
    """Asks the database. One connection a thread; a broken one is made anew, once."""

    def __init__(self, table: str, size: int) -> None:
        self._table, self.size = sql.Identifier(table), size
        self._own = threading.local()

    def search(self, query: Vectors, count: int) -> tuple[Ids, Vectors]:
        """Raises psycopg.Error while the database is gone."""
        ask = sql.SQL("SELECT id, -(v <#> %(q)s) FROM {} ORDER BY v <#> %(q)s LIMIT %(count)s").format(self._table)
        given = {"q": np.asarray(query, dtype=np.float32), "count": count}
        try:
            found = self._connection().execute(ask, given).fetchall()
        except psycopg.OperationalError:
            self._own.connection = None
            found = self._connection().execute(ask, given).fetchall()
        ids, products = zip(*found, strict=True) if found else ((), ())
        return np.array(ids, dtype=np.int64), np.array(products, dtype=np.float32)

    def _connection(self) -> psycopg.Connection:
        connection: psycopg.Connection | None = getattr(self._own, "connection", None)
        if connection is None or connection.closed:
            connection = psycopg.connect(_url(), autocommit=True, connect_timeout=5)
            register_vector(connection)
            connection.execute(f"SET hnsw.ef_search = {CANDIDATES}")
            self._own.connection = connection
        return connection


def write(kind: str, folder: Path, vectors: Vectors) -> None:
    """One table a set of vectors, named by their digest: several replicas that write the same write it once."""
    vectors = np.ascontiguousarray(vectors, dtype=np.float32)
    table = "handrail_vectors_" + hashlib.sha256(vectors.tobytes()).hexdigest()[:16]
    name = sql.Identifier(table)
    with psycopg.connect(_url(), connect_timeout=5) as connection:
        connection.execute("SELECT pg_advisory_xact_lock(hashtext(%s))", ["handrail vectors"])
        connection.execute("CREATE EXTENSION IF NOT EXISTS vector")
        there = connection.execute("SELECT to_regclass(%s)", [table]).fetchone()
        if there is not None and there[0] is None:
            register_vector(connection)
            shape = sql.SQL("CREATE TABLE {} (id bigint PRIMARY KEY, v vector({}))")
            connection.execute(shape.format(name, sql.Literal(vectors.shape[1])))
            with connection.cursor().copy(sql.SQL("COPY {} (id, v) FROM STDIN (FORMAT BINARY)").format(name)) as rows:
                rows.set_types(["bigint", "vector"])
                for id, vector in enumerate(vectors):
                    rows.write_row((id, vector))
            connection.execute(sql.SQL("CREATE INDEX ON {} USING hnsw (v vector_ip_ops)").format(name))
            connection.execute(sql.SQL("ANALYZE {}").format(name))
    (folder / NOTE).write_text(json.dumps({"table": table, "size": len(vectors)}), encoding="utf-8")


def open_folder(kind: str, folder: Path) -> PgVector:
    known = json.loads((folder / NOTE).read_text(encoding="utf-8"))
    return PgVector(known["table"], known["size"])
