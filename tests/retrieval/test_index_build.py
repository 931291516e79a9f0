"""The index folder: incremental, whole or not there, and never in the way of the one in force."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from papers import ARTICLES, ROOT, TODAY, prepared

from retrieval import build
from retrieval.articles import Corpus, read_articles
from retrieval.build import build_index, why_stale
from retrieval.embed import Embedder
from retrieval.folder import current
from retrieval.model import Article, IndexUnusable, Section
from retrieval.search import Search

FILES = ["vectors.npy", "words.npy", "articles.json", "words.json", "manifest.json", "seal.json"]
HOLDING = """
import fcntl, sys, time
file = open(sys.argv[1], "w")
fcntl.flock(file, fcntl.LOCK_EX)
print("held", flush=True)
time.sleep(60)
"""


def indexed(folder: Path, index: Path, embedder: Embedder) -> Search:
    build_index(read_articles(folder), index, embedder)
    return Search.open(index, embedder, today=lambda: TODAY)


def test_only_what_changed_is_embedded_anew(folder: Path, tmp_path: Path, embedder: Embedder) -> None:
    index = tmp_path / "index"
    first = build_index(read_articles(folder), index, embedder)
    assert (first.articles, first.embedded, first.kept, first.changed) == (3, 3, 0, True)
    again = build_index(read_articles(folder), index, embedder)
    assert (again.embedded, again.kept, again.changed, again.version) == (0, 3, False, first.version)

    (folder / "grief.md").unlink()
    (folder / "sleep.md").write_text(prepared("Sleep", "Naps help as well."), encoding="utf-8")
    (folder / "a-new-one.md").write_text(prepared("Worry", "Worry is fear of what may come."), encoding="utf-8")
    third = build_index(read_articles(folder), index, embedder)
    assert (third.articles, third.embedded, third.kept, third.retired) == (3, 2, 1, 1)
    assert third.version != first.version

    fresh = tmp_path / "fresh"
    build_index(read_articles(folder), fresh, embedder)
    for name in ("vectors", "questions", "words", "pieces", "word_starts", "bm25_weights"):
        taken_over, made = (np.load(one / f"{name}.npy") for one in (current(index), current(fresh)) if one)
        assert np.array_equal(taken_over, made), name


def test_a_new_review_date_alone_embeds_nothing(folder: Path, tmp_path: Path, embedder: Embedder) -> None:
    index = tmp_path / "index"
    indexed(folder, index, embedder)
    title, body = ARTICLES["grief"]
    (folder / "grief.md").write_text(prepared(title, body, '[review]\nexpires = "2026-05-31"'), encoding="utf-8")
    built = build_index(read_articles(folder), index, embedder)
    assert (built.embedded, built.changed) == (0, True)
    assert "grief" not in Search.open(index, embedder, today=lambda: TODAY).articles


def test_stale_says_why(folder: Path, tmp_path: Path, embedder: Embedder, models: Path) -> None:
    index = tmp_path / "index"
    corpus = read_articles(folder)
    assert why_stale(index, corpus, embedder) == "there is no index yet"
    build_index(corpus, index, embedder)
    assert why_stale(index, corpus, embedder) == ""
    assert "another model" in why_stale(index, corpus, Embedder.open(models, precision="float32"))
    assert "another vector index" in why_stale(index, corpus, embedder, kind="hnsw")
    (folder / "sleep.md").unlink()
    assert why_stale(index, read_articles(folder), embedder) == "the articles have changed"


def test_an_index_of_an_earlier_version_is_written_anew_with_the_vectors_it_has(
    folder: Path, tmp_path: Path, embedder: Embedder, monkeypatch: pytest.MonkeyPatch
) -> None:
    index = tmp_path / "index"
    indexed(folder, index, embedder)
    monkeypatch.setattr(build, "MADE", build.MADE + 1)
    assert "earlier version" in why_stale(index, read_articles(folder), embedder)
    built = build_index(read_articles(folder), index, embedder)
    assert (built.changed, built.embedded) == (True, 0)


def test_an_index_of_another_model_is_refused_and_then_rebuilt(
    folder: Path, tmp_path: Path, embedder: Embedder, models: Path
) -> None:
    index = tmp_path / "index"
    indexed(folder, index, Embedder.open(models, precision="float32"))
    with pytest.raises(IndexUnusable, match="another model: run handrail index"):
        Search.open(index, embedder, today=lambda: TODAY)
    assert build_index(read_articles(folder), index, embedder).embedded == 3
    assert Search.open(index, embedder, today=lambda: TODAY).search("how long do panic attacks last?")


@pytest.mark.parametrize(
    "name", ["vectors.npy", "words.npy", "articles.json", "words.json", "manifest.json", "seal.json"]
)
@pytest.mark.parametrize("harm", ["cut short", "removed", "flipped"])
def test_a_damaged_file_is_noticed_and_rebuilt(
    folder: Path, tmp_path: Path, embedder: Embedder, name: str, harm: str
) -> None:
    index = tmp_path / "index"
    indexed(folder, index, embedder)
    path = (current(index) or index) / name
    raw = path.read_bytes()
    if harm == "removed":
        path.unlink()
    else:
        path.write_bytes(raw[:-7] if harm == "cut short" else raw[:-20] + bytes([raw[-20] ^ 1]) + raw[-19:])
    with pytest.raises(IndexUnusable, match="run handrail index"):
        Search.open(index, embedder, today=lambda: TODAY)
    assert why_stale(index, read_articles(folder), embedder)
    assert build_index(read_articles(folder), index, embedder).changed
    assert Search.open(index, embedder, today=lambda: TODAY).search("how long do panic attacks last?")


def test_no_index_says_what_to_run(tmp_path: Path, embedder: Embedder) -> None:
    with pytest.raises(IndexUnusable, match="run handrail index"):
        Search.open(tmp_path, embedder, today=lambda: TODAY)
    (tmp_path / "current").write_text("../../etc\n")
    with pytest.raises(IndexUnusable, match="run handrail index"):
        Search.open(tmp_path, embedder, today=lambda: TODAY)


def test_old_texts_still_resolve(folder: Path, tmp_path: Path, embedder: Embedder) -> None:
    index = tmp_path / "index"
    search = indexed(folder, index, embedder)
    assert search.retired("grief") == []
    (folder / "grief.md").unlink()
    indexed(folder, index, embedder)
    (article,) = search.retired("grief")
    assert "There is no timetable for grief." in article.sections[0].paragraphs[0]
    assert search.retired("../grief") == ()


def test_two_processes_do_not_index_at_once(folder: Path, tmp_path: Path, embedder: Embedder) -> None:
    index = tmp_path / "index"
    index.mkdir()
    with subprocess.Popen([sys.executable, "-c", HOLDING, str(index / "lock")], stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        process.stdout.readline()
        with pytest.raises(IndexUnusable, match="another process"):
            build_index(read_articles(folder), index, embedder)
        process.kill()
    assert build_index(read_articles(folder), index, embedder).changed


INDEXING = """
import sys, resource
from pathlib import Path
from retrieval.articles import read_articles
from retrieval.build import build_index
from retrieval.embed import Embedder
models, articles, index, limit = sys.argv[1:]
embedder = Embedder.open(Path(models))
corpus = read_articles(Path(articles))
if int(limit):
    import signal; signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (int(limit), int(limit)))
def said(doing, done, of): print(doing, done, flush=True)
try:
    build_index(corpus, Path(index), embedder, progress=said)
except KeyboardInterrupt:
    sys.exit(130)
except OSError as fault:
    print(fault); sys.exit(3)
"""


def left_over(index: Path) -> list[str]:
    return [path.name for path in index.iterdir() if path.name.startswith(".") or path.suffix == ".new"]


def test_ctrl_c_while_indexing_leaves_the_old_index(
    folder: Path, tmp_path: Path, embedder: Embedder, models: Path
) -> None:
    index = tmp_path / "index"
    search = indexed(folder, index, embedder)
    version = search.version
    for number in range(400):
        text = " ".join(f"Sentence {word} of article {number} says a little." for word in range(8))
        (folder / f"more-{number}.md").write_text(prepared(f"More {number}", text), encoding="utf-8")
    command = [sys.executable, "-c", INDEXING, str(models), str(folder), str(index), "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, cwd=ROOT, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline().startswith("indexing articles")
        process.send_signal(signal.SIGINT)
        assert process.wait(timeout=60) == 130
    assert left_over(index) == []
    assert search.version == version
    assert search.search("how long do panic attacks last?")[0].passage.article == "panic"
    assert Search.open(index, embedder, today=lambda: TODAY).version == version


def test_a_kill_while_indexing_leaves_the_old_index_and_the_next_run_cleans_up(
    folder: Path, tmp_path: Path, embedder: Embedder, models: Path
) -> None:
    index = tmp_path / "index"
    version = indexed(folder, index, embedder).version
    for number in range(400):
        (folder / f"more-{number}.md").write_text(prepared(f"More {number}", f"Text {number}."), encoding="utf-8")
    command = [sys.executable, "-c", INDEXING, str(models), str(folder), str(index), "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, cwd=ROOT, text=True) as process:
        assert process.stdout is not None
        process.stdout.readline()
        process.kill()
    assert Search.open(index, embedder, today=lambda: TODAY).version == version
    for path in folder.glob("more-*.md"):
        path.unlink()
    (folder / "more.md").write_text(prepared("More", "Another text."), encoding="utf-8")
    assert build_index(read_articles(folder), index, embedder).changed
    assert left_over(index) == []


def test_a_full_disk_leaves_the_old_index(folder: Path, tmp_path: Path, embedder: Embedder, models: Path) -> None:
    index = tmp_path / "index"
    version = indexed(folder, index, embedder).version
    (folder / "more.md").write_text(prepared("More", "One more text. " * 40), encoding="utf-8")
    command = [sys.executable, "-c", INDEXING, str(models), str(folder), str(index), "20000"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert done.returncode == 3, done.stderr
    assert left_over(index) == []
    assert Search.open(index, embedder, today=lambda: TODAY).version == version
    assert build_index(read_articles(folder), index, embedder).articles == 4


def test_a_folder_that_cannot_be_written_raises_an_os_error(folder: Path, tmp_path: Path, embedder: Embedder) -> None:
    (tmp_path / "file").write_text("not a folder")
    with pytest.raises(FileExistsError):
        build_index(read_articles(folder), tmp_path / "file", embedder)


def test_an_unknown_vector_index_names_the_known_ones(folder: Path, tmp_path: Path, embedder: Embedder) -> None:
    with pytest.raises(ValueError, match="auto, flat, sq8, hnsw"):
        build_index(read_articles(folder), tmp_path / "index", embedder, kind="annoy")


def test_progress_reaches_the_end(folder: Path, tmp_path: Path, embedder: Embedder) -> None:
    seen: list[tuple[str, int, int]] = []
    build_index(read_articles(folder), tmp_path / "index", embedder, progress=lambda *said: seen.append(said))
    assert seen[-1] == ("indexing articles", 3, 3)


def test_very_many_tiny_articles(tmp_path: Path, embedder: Embedder) -> None:
    """HANDRAIL_TEST_ARTICLES=10000 runs the full size."""
    count = int(os.environ.get("HANDRAIL_TEST_ARTICLES", "300"))
    articles = tuple(
        Article(
            f"topic-{n}", f"Topic {n}", (Section("", (f"Number {n} is the matter of article {n}.",)),), digest=str(n)
        )
        for n in range(count)
    )
    index = tmp_path / "index"
    built = build_index(Corpus(articles, ()), index, embedder)
    assert (built.articles, built.sentences) == (count, count)
    search = Search.open(index, embedder, today=lambda: TODAY)
    assert search.search(f"what is the matter of article {count - 7}?")[0].passage.article == f"topic-{count - 7}"
    fewer = Corpus(articles[:-1], ())
    assert build_index(fewer, index, embedder).embedded == 0
    assert f"topic-{count - 1}" not in search.articles
