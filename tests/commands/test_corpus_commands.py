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


@pytest.fixture(scope="module")
def articles(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("articles")
    (folder / "tea.md").write_text("# Tea at night\n\n" + TEA.format(hours="six"), encoding="utf-8")
    (folder / "walk.md").write_text("# Walking and mood\n\n" + WALK, encoding="utf-8")
    return folder


@pytest.fixture(scope="module")
def server(warm: Path, tmp_path_factory: pytest.TempPathFactory, articles: Path) -> Iterator[Server]:
    data = tmp_path_factory.mktemp("data")
    copy_warm(warm, data)
    server = Server(data, free_port(), {"HANDRAIL_ARTICLES": str(articles)}).start()
    yield server
    server.stop()


def handrail(server: Server, command: str) -> str:
    env = environment(server.data, COLUMNS="200", **server.extra)
    done = subprocess.run([*HANDRAIL, command], cwd=ROOT, env=env, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_gaps_are_grouped_by_meaning_with_the_most_asked_first_and_go_with_their_conversation(server: Server) -> None:
    assert "No question has gone unanswered yet" in handrail(server, "gaps")
    visitors = [Visitor(server.url) for _ in range(3)]
    asked = ["do you treat dogs with anxiety, my name is Ada Quill", "is hypnosis any good?", "does hypnosis work?"]
    for visitor, question in zip(visitors, asked, strict=True):
        assert visitor.say(question)["replies"][-1]["kind"] == "no_answer", question
    rows = [line for line in handrail(server, "gaps").splitlines() if "hypnosis" in line or "dogs" in line]
    assert len(rows) == 2
    assert "hypnosis" in rows[0] and " 2 " in f" {rows[0]} "
    assert "dogs" in rows[1] and "Quill" not in rows[1]
    assert visitors[0].http.delete(visitors[0].path).status_code == 200
    assert "dogs" not in handrail(server, "gaps")


def test_a_new_index_takes_effect_at_once_and_an_old_citation_still_shows_what_was_quoted(
    server: Server, articles: Path
) -> None:
    (before,) = Visitor(server.url).say("how long does black tea keep you awake?")["replies"]
    assert "six hours" in before["citations"][0]["quote"]
    old = server.url + before["citations"][0]["url"].partition("#")[0]
    assert "?v=" in old
    (articles / "tea.md").write_text("# Tea at night\n\n" + TEA.format(hours="eight"), encoding="utf-8")
    handrail(server, "index")
    (after,) = Visitor(server.url).say("how long does black tea keep you awake?")["replies"]
    assert "eight hours" in after["citations"][0]["quote"]
    page = httpx.get(old).text
    assert "six hours" in page
    assert "as it stood when it was quoted" in page
    now = httpx.get(server.url + after["citations"][0]["url"].partition("#")[0]).text
    assert "eight hours" in now
    assert "as it stood when it was quoted" not in now
    (articles / "tea.md").unlink()
    handrail(server, "index")
    (gone,) = Visitor(server.url).say("how long does black tea keep you awake?")["replies"]
    assert gone["kind"] == "no_answer"
    assert httpx.get(server.url + "/articles/tea").status_code == 404
    assert "six hours" in httpx.get(old).text
    assert httpx.get(server.url + "/articles/tea?v=ffffffff").status_code == 404
