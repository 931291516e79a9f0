"""Folders of articles, good and bad."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest
from papers import ROOT, prepared

from retrieval.articles import FileReport, read_articles, slug_of
from retrieval.model import ArticleRefused, Review, Source
from retrieval.passages import passages_of

WHOLE = """+++
title = "Sleep"
summary = "Why  rest\\nmatters."
questions = ["Why sleep?", " "]
topics = ["sleep"]
sources = ["A book", {name = "A study", publisher = "A journal", date = "2025", url = "https://example.org/s"}]
updated = 2026-05-01
[review]
reviewer = "A. Person"
date = "2026-01-02"
expires = "2026-12-31"
+++

Before any heading, **bold** and a [link](https://example.org).

## Nights

- Dark room.
- Cool room.

| hour | what |
|---|---|
| 22 | bed |

> Rest is *not* a reward.

```
code is left out
```
<div>so is raw HTML</div>
"""


def one(folder: Path, text: str | bytes, name: str = "sleep.md") -> FileReport:
    """The report of a single file beside an article that is fine."""
    (folder / name).write_bytes(text if isinstance(text, bytes) else text.encode())
    (folder / "zz-fine.md").write_text(prepared("Fine", "All is well here."), encoding="utf-8")
    return next(report for report in read_articles(folder).reports if report.path == name)


def test_front_matter_and_sections_without_mark_up(tmp_path: Path) -> None:
    (tmp_path / "sleep.md").write_text(WHOLE, encoding="utf-8")
    (article,) = read_articles(tmp_path).articles
    assert (article.slug, article.title, article.summary) == ("sleep", "Sleep", "Why rest matters.")
    assert article.questions == ("Why sleep?",)
    assert article.sources[0] == Source("A book")
    assert article.sources[1] == Source("A study", "A journal", "2025", "https://example.org/s")
    assert article.updated == date(2026, 5, 1)
    assert article.review == Review("A. Person", "", date(2026, 1, 2), date(2026, 12, 31))
    assert article.sections[0].heading == ""
    assert article.sections[0].paragraphs == ("Before any heading, bold and a link.",)
    assert article.sections[1].paragraphs == (
        "Dark room.",
        "Cool room.",
        "hour: what",
        "22: bed",
        "Rest is not a reward.",
    )


def test_every_shipped_article_is_read() -> None:
    corpus = read_articles(ROOT / "corpus/en/articles")
    assert not corpus.refused
    assert not [report for report in corpus.reports if report.notes]


def test_no_front_matter_takes_the_heading_as_title(tmp_path: Path) -> None:
    text = "# Sleep well\n\nSleep is when the brain files the day away. Most adults need seven hours of it.\n"
    report = one(tmp_path, text)
    assert not report.refused
    article = read_articles(tmp_path).by_slug[report.slug]
    assert article.title == "Sleep well"
    assert "brain files the day" in article.sections[0].paragraphs[0]


def test_no_title_at_all_takes_the_file_name(tmp_path: Path) -> None:
    one(tmp_path, "+++\n+++\nRest is needed.", "good-night_rest.md")
    assert read_articles(tmp_path).by_slug["good-night-rest"].title == "Good night rest"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("+++\ntitle = \n+++\nText.", "not valid TOML"),
        ('+++\ntitle = "Sleep"\nText without an end.', "not closed"),
        ("+++\ntitle = 3\n+++\nText.", "title is not a text"),
        ('+++\nquestions = "one"\n+++\nText.', "questions is not a list"),
        ('+++\nupdated = "May"\n+++\nText.', "updated is not a date"),
        ("+++\nreview = 3\n+++\nText.", "review is not a table"),
        ('+++\ntitle = "Sleep"\n+++\n', "no text"),
        ('+++\ntitle = "Sleep"\n+++\n\n---\n\n***\n', "no text"),
        ("", "empty"),
        (prepared("Big", "words upon words. " * 280_000), "4 MB"),
        (b'+++\ntitle = "x"\n+++\n\x00\x01\x02', "not text"),
    ],
)
def test_what_cannot_be_read_is_refused_with_the_reason_and_stops_nothing(
    tmp_path: Path, text: str | bytes, said: str
) -> None:
    report = one(tmp_path, text)
    assert said in report.refused
    assert "\n" not in report.refused
    assert not report.slug
    assert set(read_articles(tmp_path).by_slug) == {"zz-fine"}


def test_broken_toml_names_the_line_in_the_file(tmp_path: Path) -> None:
    assert "line 3" in one(tmp_path, '+++\ntitle = "Sleep"\nsummary = oops\n+++\nText.').refused


def test_latin_1_is_read_with_a_note(tmp_path: Path) -> None:
    report = one(tmp_path, prepared("Café", "The café is a place to talk, and “quotes” survive.").encode("cp1252"))
    assert "not UTF-8" in report.notes[0]
    article = read_articles(tmp_path).by_slug["sleep"]
    assert article.title == "Café"
    assert article.sections[0].paragraphs == ("The café is a place to talk, and “quotes” survive.",)


def test_a_spanish_article_among_english_ones_is_noted(tmp_path: Path) -> None:
    text = "La ansiedad es una respuesta del cuerpo, y los ejercicios de respiración ayudan a que el miedo baje."
    report = one(tmp_path, prepared("Ansiedad", text))
    assert "'es'" in report.notes[0]
    assert read_articles(tmp_path).by_slug["sleep"].language == "es"


def test_two_files_never_share_a_slug(tmp_path: Path) -> None:
    (tmp_path / "more").mkdir()
    for name in ("Good sleep.md", "good-sleep.md", "more/good_sleep.md"):
        (tmp_path / name).write_text(prepared("Sleep", "Rest is needed."), encoding="utf-8")
    corpus = read_articles(tmp_path)
    assert sorted(corpus.by_slug) == ["good-sleep", "good-sleep-2", "good-sleep-3"]
    assert {article.path for article in corpus.articles} == {"Good sleep.md", "good-sleep.md", "more/good_sleep.md"}


def test_hidden_files_and_other_kinds_are_passed_over(tmp_path: Path) -> None:
    for name in (".draft.md", "notes.xyz", "~$lock.docx"):
        (tmp_path / name).write_text("x", encoding="utf-8")
    (tmp_path / "a.md").write_text(prepared("A", "Fine."), encoding="utf-8")
    assert [report.path for report in read_articles(tmp_path).reports] == ["a.md"]


@pytest.mark.parametrize("name", ["missing", "empty"])
def test_a_folder_without_articles_says_what_to_do(tmp_path: Path, name: str) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(ArticleRefused, match="folder"):
        read_articles(tmp_path / name)


def test_nothing_readable_says_why(tmp_path: Path) -> None:
    (tmp_path / "a.md").write_text("+++\ntitle = \n+++\n", encoding="utf-8")
    with pytest.raises(ArticleRefused, match=r"none of the 1 files .* a\.md: .*TOML"):
        read_articles(tmp_path)


def test_the_digest_follows_any_change(tmp_path: Path) -> None:
    path = tmp_path / "a.md"
    path.write_text(prepared("A", "Fine."), encoding="utf-8")
    first = read_articles(tmp_path).digest
    assert read_articles(tmp_path).digest == first
    path.write_text(prepared("A", "Fine!"), encoding="utf-8")
    assert read_articles(tmp_path).digest != first


def test_passages_keep_to_their_section_and_every_sentence_stands_in_the_article() -> None:
    for article in read_articles(ROOT / "corpus/en/articles").articles:
        passages = passages_of(article)
        for passage in passages:
            section = next(section for section in article.sections if section.heading == passage.heading)
            text = " ".join(section.paragraphs)
            assert all(sentence in text for sentence in passage.sentences)
        held = " ".join(passage.text for passage in passages)
        assert held.split() == " ".join(p for section in article.sections for p in section.paragraphs).split()


@pytest.mark.parametrize(("name", "slug"), [("Ä b_c!", "a-b-c"), ("日本", "article"), ("x" * 200, "x" * 80)])
def test_slugs(name: str, slug: str) -> None:
    assert slug_of(name) == slug


def test_links_are_read_or_said_to_lead_nowhere(tmp_path: Path) -> None:
    """A mounted ConfigMap is links through a hidden folder; a link that leads nowhere does not vanish in silence."""
    held = tmp_path / "folder" / "..data"
    held.mkdir(parents=True)
    folder = held.parent
    (held / "sleep.md").write_text(prepared("Sleep", "Rest is needed."), encoding="utf-8")
    (folder / "sleep.md").symlink_to("..data/sleep.md")
    (folder / "gone.md").symlink_to("nowhere.md")
    (folder / "loop.md").symlink_to("loop.md")
    other = tmp_path / "other"
    other.mkdir()
    (other / "grief.md").write_text(prepared("Grief", "It comes in waves."), encoding="utf-8")
    (folder / "more").symlink_to(other)
    corpus = read_articles(folder)
    assert sorted(corpus.by_slug) == ["sleep"]
    said = {report.path: report.refused for report in corpus.refused}
    assert set(said) == {"gone.md", "loop.md", "more"}
    assert "leads nowhere" in said["gone.md"]
    assert "not followed" in said["more"]
