"""Articles that change under a running server: what was quoted stays to be read, what is gone answers no more."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from cast import HANDRAIL, ROOT, Server, Visitor, copy_warm, environment, free_port

TEA = "Black tea contains caffeine, which can keep you awake for {hours} hours. Herbal teas have no caffeine."
WALK = "A walk of twenty minutes can lift a low mood. Walking outdoors helps more than walking indoors."


@pytest.fixture
def articles(tmp_path: Path) -> Path:
    folder = tmp_path / "articles"
    folder.mkdir()
    (folder / "tea.md").write_text("# Tea at night\n\n" + TEA.format(hours="six"), encoding="utf-8")
    (folder / "walk.md").write_text("# Walking and mood\n\n" + WALK, encoding="utf-8")
    return folder


@pytest.fixture
def server(warm: Path, tmp_path: Path, articles: Path) -> Iterator[Server]:
    data = tmp_path / "data"
    copy_warm(warm, data)
    server = Server(data, free_port(), {"HANDRAIL_ARTICLES": str(articles)}).start()
    yield server
    server.stop()


def index(server: Server) -> str:
    env = environment(server.data, **server.extra)
    done = subprocess.run([*HANDRAIL, "index"], cwd=ROOT, env=env, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_a_new_index_takes_effect_at_once_and_an_old_citation_still_shows_what_was_quoted(
    server: Server, articles: Path
) -> None:
    (before,) = Visitor(server.url).say("how long does black tea keep you awake?")["replies"]
    assert "six hours" in before["citations"][0]["quote"]
    old = server.url + before["citations"][0]["url"].partition("#")[0]
    assert "?v=" in old
    (articles / "tea.md").write_text("# Tea at night\n\n" + TEA.format(hours="eight"), encoding="utf-8")
    index(server)
    (after,) = Visitor(server.url).say("how long does black tea keep you awake?")["replies"]
    assert "eight hours" in after["citations"][0]["quote"]
    page = httpx.get(old).text
    assert "six hours" in page
    assert "as it stood when it was quoted" in page
    now = httpx.get(server.url + after["citations"][0]["url"].partition("#")[0]).text
    assert "eight hours" in now
    assert "as it stood when it was quoted" not in now
    (articles / "tea.md").unlink()
    index(server)
    (gone,) = Visitor(server.url).say("how long does black tea keep you awake?")["replies"]
    assert gone["kind"] == "no_answer"
    assert httpx.get(server.url + "/articles/tea").status_code == 404
    assert "six hours" in httpx.get(old).text
    assert httpx.get(server.url + "/articles/tea?v=ffffffff").status_code == 404
