"""Messy pages, composed for the tests: exactly what is kept, dropped and flagged of each."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from retrieval.importing import Imported, preview, read_all, report, write_previews
from retrieval.sentences import split_sentences

HERE = Path(__file__).parent
PAGES = sorted((HERE / "pages").iterdir())


@pytest.fixture(scope="module")
def imported() -> dict[str, Imported]:
    found = {}
    for path, outcome in read_all(PAGES):
        assert isinstance(outcome, Imported), outcome
        found[path.name] = outcome
    return found


def text_of(page: Imported) -> str:
    assert page.article is not None
    parts = [f"{section.heading}\n" + "\n".join(section.paragraphs) for section in page.article.sections]
    return "\n".join([page.article.title, *parts])


@pytest.mark.parametrize("name", [path.name for path in PAGES])
def test_every_piece_goes_where_it_should(imported: dict[str, Imported], name: str) -> None:
    expected = (HERE / "expected" / f"{name}.txt").read_text(encoding="utf-8").rstrip("\n")
    assert report(imported[name], width=0).split("\n", 1)[1] == expected


@pytest.mark.parametrize("name", [path.name for path in PAGES])
def test_sentences_come_out_clean(imported: dict[str, Imported], name: str) -> None:
    page = imported[name]
    assert page.article is not None
    for section in page.article.sections:
        for paragraph in section.paragraphs:
            assert paragraph == " ".join(paragraph.split())
            assert "''" not in paragraph
            assert "\u200b" not in paragraph
            assert "Ã" not in paragraph
            assert "â€" not in paragraph
            for sentence in split_sentences(paragraph):
                assert sentence in paragraph


# What a reader of each page would say is the article, and what is not: written down apart from the reports above.
STANDS = {
    "worry-and-the-alarm.html": [
        "It's called the amygdala, and it doesn't wait for proof before it rings.",
        "Therapy gives it a reason to ring less, by letting the person meet what they fear in small steps.",
        "What the Front of the Brain Does\n",
        "They can tell the alarm to stand down. Practice makes that message travel faster.",
        "Three things help more: naming the worry; breathing out slowly; staying until the fear falls.",
        "uncomfortable at first. That is part of how learning works.",
        "Can the alarm be switched off for good?\nNo, and that would not be safe.",
    ],
    "sleep-page-builder.html": [
        "Stress Works the Other Way\nLong stress keeps the body on guard",
        "Small habits help: a steady hour for getting up",
        "What the research can and cannot say\nMost studies are small",
        "How many hours do I need?\nMost adults do well with seven to nine",
    ],
    "copied-from-the-site.txt": [
        "Paths That Are Walked Grow Wider\nEach repetition makes a connection a little stronger.",
        "That holds for helpful habits",
        "it doesn’t run in a straight line. Old paths can come back under stress, and that is no sign of failure.",
        "Good to know: change is uneven; rest counts as work; company makes it easier.",
        "How long does it take to change a habit of mind?\nMany people notice something within weeks.",
    ],
    "exported-from-a-notebook.md": [
        "Grief Isn't a Staircase\n",
        "It rarely does. It comes in waves that grow further apart, and a wave can still arrive after years.",
        "When the Waves Are High\n",
        "Is it normal to laugh?\nYes. Laughing and missing someone can happen in the same hour.",
    ],
    "calma-tablas.html": [
        "El primer paso es pequeño\n",
        "¿Hay que hacerlo todos los días?\nNo hace falta.",
        "Este texto también se puede leer en voz alta",
    ],
    "old-directory.html": [
        "Four Conditions\n",
        "CBT: 8 to 16 sessions",
        "How does talking change anything?\nBy practice, mostly.",
    ],
    "pasted-with-bullets.md": [
        "Calm is learned through repetition. Each time you slow your breath",
        "Therapy gives this a frame, and a person beside you.",
        "It's not your enemy.",
        "Can I train it?\nYes, with practice. Most people need weeks to months.",
        "Key Takeaways\nPractice changes the brain; Small steps count; Sleep helps.",
    ],
    "lines-without-gaps.txt": [
        "what nobody can say yet. You'll find sources at the end.",
        "What Talking Does\nWhen a memory is told to someone who stays calm, it's stored again with a little less",
        "Progress is rarely even. Two steps forward and one back is the usual pattern.",
        "What Digital Tools Can Do\nA 2025 study found",
        "Is talking enough for trauma?\nOften not by itself. Specific methods exist",
    ],
    "page-builder-sections.html": [
        "Counseling is practice with company.",
        "What the pictures show\nScans before and after",
        "Sleep helps. It stores what was learned.",
        "How soon will I notice something?\nMany people notice a shift within weeks to a few months.",
    ],
    "accordions-and-specks.html": [
        "Panic comes fast, and it passes.",
        "A wave of panic usually peaks within minutes.",
        "WHAT THE BODY IS DOING\n",
        "We’ve learned from studies",
        "It helps to practise on quiet days, too",
        "Can panic harm my heart?\nIn a healthy heart it does not.",
        "Will it come back?\nIt may, and a wave that returns is not a step back.",
    ],
}
NEVER = (
    *(
        "cookie",
        "Accept",
        "Privacy",
        "©",
        "Copyright",
        "Home",
        "About the author",
        "Related",
        "You may also",
        "min read",
    ),
    *(
        "Schedule",
        "consult",
        "Book",
        "insurance",
        "for free",
        "free for",
        "555",
        "Larkfield",
        "Willow Bend",
        "Alder Street",
    ),
    *(
        "Facebook",
        "Subscribe",
        "newsletter",
        "inbox",
        "Comment",
        "says:",
        "Reply",
        "Unsplash",
        "References",
        "https://",
    ),
    *("Ignore", "language model", "AI assistants", "TODO"),
)


@pytest.mark.parametrize("name", [path.name for path in PAGES])
def test_the_article_is_whole_and_alone(imported: dict[str, Imported], name: str) -> None:
    text = text_of(imported[name])
    assert [phrase for phrase in STANDS[name] if phrase not in text] == []
    assert [phrase for phrase in NEVER if phrase in text] == []


def test_questions_titles_and_dates(imported: dict[str, Imported]) -> None:
    found = {
        name: (page.article.title, str(page.article.updated), len(page.article.questions), page.article.language)
        for name, page in imported.items()
        if page.article is not None
    }
    assert found == {
        "accordions-and-specks.html": ("When Panic Arrives", "2024-08-19", 3, "en"),
        "calma-tablas.html": ("Qué pasa cuando se practica la calma", "2022-09-14", 1, "es"),
        "copied-from-the-site.txt": ("How Habits of Mind Change", "2025-06-09", 2, "en"),
        "exported-from-a-notebook.md": ("Grief Isn't a Staircase", "2024-11-05", 2, "en"),
        "lines-without-gaps.txt": (
            "Why Talking Works: What Happens in the Mind When Someone Listens",
            "2026-05-03",
            3,
            "en",
        ),
        "page-builder-sections.html": ("How Counseling Changes You", "None", 2, "en"),
        "old-directory.html": ("Does Talking Help?", "2011-08-24", 1, "en"),
        "pasted-with-bullets.md": ("What Happens When You Practise Calm", "2025-12-04", 3, "en"),
        "sleep-page-builder.html": ("Why Sleep Matters for What You Learn in Therapy", "2023-05-03", 2, "en"),
        "worry-and-the-alarm.html": ("Worry and the Alarm in the Brain", "2025-03-02", 1, "en"),
    }


def test_no_article_is_taken_as_reviewed_for_what_its_page_says(imported: dict[str, Imported]) -> None:
    for page in imported.values():
        assert page.article is not None
        assert page.article.review.reviewer == ""


def test_references_become_sources(imported: dict[str, Imported]) -> None:
    article = imported["exported-from-a-notebook.md"].article
    assert article is not None
    assert [(source.name, source.url) for source in article.sources] == [
        ("Roe, T. (2020). Waves. Hollow Press.", ""),
        ("Marsh, E. & Roe, T. (2018)", "https://example.org/waves"),
    ]


def test_the_preview_tells_the_three_apart_and_runs_nothing(imported: dict[str, Imported], tmp_path: Path) -> None:
    page = preview(imported["worry-and-the-alarm.html"])
    assert 'class="kept"' in page
    assert 'class="dropped"' in page
    assert 'class="flagged"' in page
    assert "Flagged: text for a machine" in page
    assert "default-src &#39;none&#39;" in page or "default-src 'none'" in page
    evil = tmp_path / "evil.txt"
    evil.write_text(
        "A Page\n\nIt says <script>alert(1)</script> in the middle of a sentence, and it goes on for a while.\n"
    )
    (_, outcome), *_ = read_all([evil])
    assert isinstance(outcome, Imported)
    assert "<script>alert" not in preview(outcome)
    assert "&lt;script&gt;alert(1)" in preview(outcome)


def test_the_table_in_the_docs_is_what_the_command_prints() -> None:
    root = HERE.parents[1]
    command = [sys.executable, "-m", "retrieval.importing", "--table", "tests/importing/pages"]
    done = subprocess.run(command, cwd=root, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0
    assert done.stdout in (root / "docs" / "importing.md").read_text(encoding="utf-8")


def test_the_command_writes_previews_and_says_what_it_refused(tmp_path: Path) -> None:
    (tmp_path / "empty.txt").write_text("")
    (tmp_path / "fine.txt").write_text("Practice changes the brain, and it takes its time to do so.")
    command = [sys.executable, "-m", "retrieval.importing", "--preview", str(tmp_path / "out"), str(tmp_path)]
    done = subprocess.run(command, cwd=HERE.parents[1], capture_output=True, text=True, timeout=60)
    assert done.returncode == 1
    assert "refused: empty.txt: This file is empty" in done.stdout
    assert "Practice changes the brain" in (tmp_path / "out" / "fine.txt.html").read_text(encoding="utf-8")


def test_a_page_in_the_encoding_it_declares(imported: dict[str, Imported], tmp_path: Path) -> None:
    text = (HERE / "pages" / "calma-tablas.html").read_text(encoding="utf-8")
    (tmp_path / "calma-tablas.html").write_bytes(text.encode("windows-1252"))
    (_, outcome), *_ = read_all([tmp_path / "calma-tablas.html"])
    assert isinstance(outcome, Imported)
    assert outcome.pieces == imported["calma-tablas.html"].pieces
    assert "Read as windows-1252, as the page declares." in outcome.notes


def test_previews_of_a_folder(tmp_path: Path) -> None:
    folder = tmp_path / "articles"
    (folder / "old").mkdir(parents=True)
    (folder / "old" / "fine.txt").write_text("Practice changes the brain, and it takes its time to do so.")
    (folder / "<empty>.txt").write_text("")
    (folder / "prepared.md").write_text('+++\ntitle = "Prepared"\n+++\n\nIt is read elsewhere.\n')
    assert write_previews(folder, tmp_path / "out") == 1
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["index.html", "old_fine.txt.html"]
    index = (tmp_path / "out" / "index.html").read_text(encoding="utf-8")
    assert 'href="old_fine.txt.html"' in index
    assert "Refused: &lt;empty&gt;.txt: This file is empty" in index
