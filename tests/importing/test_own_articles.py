"""The articles that ship with Handrail, dressed up as a practice's files, come back whole and word for word."""

from __future__ import annotations

from html import escape
from pathlib import Path

import pytest
from make import pdf, word

from retrieval.importing import Imported, read_all
from retrieval.markdown import sections_of, split_front_matter
from retrieval.model import Section

ARTICLES = sorted((Path(__file__).parents[2] / "corpus" / "en" / "articles").glob("*.md"))
ABOVE = (
    "<title>{title} | Fernway</title><div class='topbar'>Call us (555) 010-0144</div><nav><a>Home</a><a>Team</a></nav>"
    "<div class='page'><div class='col-9'>{heading}"
)
BELOW = (
    "<p>Schedule your consult today!</p><div class='share'>Share this</div></div><div class='col-3'><h4>Newsletter</h4>"
    "<p>Get our letters in your inbox.</p><h4>Latest posts</h4><a>One thing</a></div></div><p>© 2024 Fernway</p>"
)


def dressed(kind: str, title: str, sections: tuple[Section, ...]) -> bytes:
    lines = [
        (text, level) for s in sections for text, level in [(s.heading, 2), *((p, 0) for p in s.paragraphs)] if text
    ]
    if kind == "page":
        body = "".join(f"<h2>{escape(text)}</h2>" if level else f"<p>{escape(text)}</p>" for text, level in lines)
        return (ABOVE.format(title=escape(title), heading=f"<h1>{escape(title)}</h1>") + body + BELOW).encode()
    if kind == "page without headings":
        body = "".join(f"<p>{escape(text)}</p>" for text, _ in lines)
        return (ABOVE.format(title=escape(title), heading=f"<p>{escape(title)}</p>") + body + BELOW).encode()
    if kind == "text":
        return "\n\n".join(
            ["Home", "Team", title, *(text for text, _ in lines), "Schedule your consult today!"]
        ).encode()
    if kind == "pdf":
        story = [("Heading2" if level else "BodyText", escape(text)) for text, level in lines]
        return pdf([("Title", escape(title)), *story], head="Fernway letter", foot=True)
    return word([("Title", title), *(("Heading 2" if level else "Normal", text) for text, level in lines)])


@pytest.mark.parametrize(
    ("kind", "suffix"),
    [("page", ".html"), ("page without headings", ".html"), ("text", ".txt"), ("pdf", ".pdf"), ("word", ".docx")],
)
def test_nothing_of_an_article_is_lost_and_nothing_is_added(tmp_path: Path, kind: str, suffix: str) -> None:
    assert ARTICLES
    sources = {}
    for article in ARTICLES:
        front, body = split_front_matter(article.read_text(encoding="utf-8"))
        heading, sections = sections_of(body)
        path = tmp_path / f"{article.stem}{suffix}"
        sources[path] = sections
        path.write_bytes(dressed(kind, str(front.get("title") or heading), sections))
    lost, added = [], []
    for path, outcome in read_all(sorted(sources)):
        assert isinstance(outcome, Imported)
        assert outcome.article is not None
        text = " ".join(paragraph for section in outcome.article.sections for paragraph in section.paragraphs)
        wanted = [paragraph for section in sources[path] for paragraph in section.paragraphs]
        lost += [(path.stem, paragraph) for paragraph in wanted if paragraph.rstrip(".") not in text]
        added += [
            path.stem for word in ("Fernway", "consult", "inbox", "Latest") if word in text and word not in str(wanted)
        ]
    assert lost == []
    assert added == []
