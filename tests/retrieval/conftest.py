"""The real model, exported once into pytest's cache, and articles to search."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from pathlib import Path

import pytest
from papers import ARTICLES, TODAY, prepared

from retrieval.articles import read_articles
from retrieval.build import build_index
from retrieval.embed import Embedder
from retrieval.search import Search


@pytest.fixture(scope="session")
def models(pytestconfig: pytest.Config) -> Path:
    return Path(pytestconfig.cache.mkdir("handrail-models"))


@pytest.fixture(scope="session")
def embedder(models: Path) -> Embedder:
    return Embedder.open(models)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Three prepared articles."""
    articles = tmp_path / "articles"
    articles.mkdir()
    for slug, (title, body) in ARTICLES.items():
        (articles / f"{slug}.md").write_text(prepared(title, body), encoding="utf-8")
    return articles


@pytest.fixture
def search_of(tmp_path: Path, embedder: Embedder) -> Callable[..., Search]:
    """Indexes a folder of articles anew and opens it; the index stays in `tmp_path / "index"`."""

    def opened(articles: Path, today: date = TODAY) -> Search:
        build_index(read_articles(articles), tmp_path / "index", embedder)
        return Search.open(tmp_path / "index", embedder, today=lambda: today)

    return opened
