"""Whatever lands in the folder is read, or refused in one line that says what to do."""

from __future__ import annotations

import io
import os
import random
import threading
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from make import locked, pdf, scanned_pdf, word

from retrieval.importing import Imported, Importer, Limits, read, read_all
from retrieval.model import ArticleRefused

SENTENCE = "The alarm grows calm with practice, and it takes its time to do so."


@pytest.fixture(scope="module")
def importer() -> Iterator[Importer]:
    with Importer() as importer:
        yield importer


def zipped(files: dict[str, bytes]) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return out.getvalue()


def bomb() -> bytes:
    return zipped({"[Content_Types].xml": b"<x/>", "word/document.xml": b"<a>" + b"a" * 210_000_000 + b"</a>"})


REFUSED = [
    ("empty.md", b"", "is empty"),
    ("mark.txt", b"\xef\xbb\xbf \n", "is empty"),
    ("blank.html", b"<html><body>  </body></html>", "holds no text"),
    ("noise.txt", random.Random(4).randbytes(4000), "binary data"),
    ("other.txt", b"%PDF-1.4 and so on", "rename it to end in .pdf"),
    ("other.html", b"PK\x03\x04 and so on", "zip archive"),
    ("zip.docx", zipped({"hello.txt": b"hello"}), "is a zip archive, not a Word document"),
    ("text.docx", b"hello there", "is broken"),
    ("hollow.docx", zipped({"[Content_Types].xml": b"<x/>", "word/document.xml": b"<a/>"}), "is broken"),
    ("cut.docx", word([("Normal", SENTENCE)])[:-300], "is broken"),
    ("old.docx", b"\xd0\xcf\x11\xe0" + bytes(600), "locked with a password or in the old .doc format"),
    ("broken.pdf", b"%PDF-1.4\n1 0 obj\n<<>>\nendobj\n%%EOF", "is broken"),
    ("text.pdf", b"hello there", "is none"),
    ("scan.pdf", scanned_pdf(), "text recognition"),
    ("locked.pdf", locked(pdf([("BodyText", SENTENCE)]), "secret"), "locked with a password"),
    ("big.html", b"<p>hello there my friends</p>" * 700_000, "more than 10 MB"),
    ("deep.html", b"<p>a</p>" + b"<div>" * 4_000 + b"text", "nested too deeply"),
    ("page.rtf", b"{\\rtf1 hello}", "are not read: save it as one of"),
]


@pytest.mark.parametrize(("name", "data", "why"), REFUSED, ids=[case[0] for case in REFUSED])
def test_refused_in_one_line_with_what_to_do(
    importer: Importer, tmp_path: Path, name: str, data: bytes, why: str
) -> None:
    path = tmp_path / name
    path.write_bytes(data)
    with pytest.raises(ArticleRefused) as refused:
        importer.read(path)
    message = str(refused.value)
    assert message.startswith(f"{name}: ")
    assert why in message
    assert "\n" not in message
    assert ":" in message.removeprefix(f"{name}: ")  # the reason, then what to do


def test_a_zip_bomb_is_not_unpacked(importer: Importer, tmp_path: Path) -> None:
    path = tmp_path / "bomb.docx"
    path.write_bytes(bomb())
    with pytest.raises(ArticleRefused, match="unpacks to 210 MB, more than 200 MB"):
        importer.read(path)


def test_a_zip_bomb_that_lies_about_its_size_meets_the_memory_limit(tmp_path: Path) -> None:
    honest = word([("Normal", SENTENCE)])
    with zipfile.ZipFile(io.BytesIO(honest)) as archive:
        files = {name: archive.read(name) for name in archive.namelist()}
    files["word/document.xml"] = files["word/document.xml"].replace(SENTENCE.encode(), b"calm " * 30_000_000)
    path = tmp_path / "bomb.docx"
    path.write_bytes(zipped(files))
    with pytest.raises(ArticleRefused, match="memory|is broken|could not be read|too much text"):
        read(path, limits=Limits(memory=400 * 1024 * 1024))


@pytest.mark.parametrize(
    ("encoding", "note"),
    [
        ("utf-8", None),
        ("utf-8-sig", None),
        ("cp1252", "Windows-1252"),
        ("latin-1", "Windows-1252"),
        ("utf-16", "UTF-16"),
        ("utf-16-le", "UTF-16-LE"),
        ("utf-16-be", "UTF-16-BE"),
        ("utf-32", "UTF-32"),
    ],
)
def test_encodings(importer: Importer, tmp_path: Path, encoding: str, note: str | None) -> None:
    text = f"Naïve hopes fall away at the café. {SENTENCE}"
    path = tmp_path / "saved.txt"
    path.write_bytes(text.encode(encoding))
    imported = importer.read(path)
    assert imported.article is not None
    assert imported.article.sections[0].paragraphs == (text,)
    reading = [line for line in imported.notes if line.startswith("Read as")]
    assert len(reading) == (note is not None)
    assert not note or note in reading[0]


def test_null_bytes_are_taken_out_with_a_note(importer: Importer, tmp_path: Path) -> None:
    path = tmp_path / "nulls.txt"
    path.write_bytes(SENTENCE.replace("grows", "gr\0ows").encode())
    imported = importer.read(path)
    assert imported.article is not None
    assert imported.article.sections[0].paragraphs == (SENTENCE,)
    assert "1 null byte taken out." in imported.notes


def test_links_pipes_folders_and_rights(importer: Importer, tmp_path: Path) -> None:
    loop = tmp_path / "loop.txt"
    loop.symlink_to(loop)
    pipe = tmp_path / "pipe.txt"
    os.mkfifo(pipe)
    folder = tmp_path / "folder.txt"
    folder.mkdir()
    for path, why in (
        (loop, "leads to itself"),
        (pipe, "not a file"),
        (folder, "folder"),
        (tmp_path / "none.txt", "no such file"),
    ):
        with pytest.raises(ArticleRefused, match=why):
            importer.read(path)
    shut = tmp_path / "shut.txt"
    shut.write_text(SENTENCE)
    shut.chmod(0)
    if os.geteuid() == 0:  # no file is shut to root
        assert importer.read(shut).article is not None
    else:
        with pytest.raises(ArticleRefused, match="may not be read"):
            importer.read(shut)


def test_an_article_of_one_sentence(importer: Importer, tmp_path: Path) -> None:
    path = tmp_path / "short.txt"
    path.write_text(SENTENCE)
    imported = importer.read(path)
    assert imported.article is not None
    assert imported.article.title == "Short"
    assert imported.article.sections[0].paragraphs == (SENTENCE,)


def test_a_page_of_promotions_alone_is_reported_and_no_article(importer: Importer, tmp_path: Path) -> None:
    path = tmp_path / "promo.html"
    path.write_text("<title>Book</title><p>Schedule your free consultation today!</p><p>Call us at (555) 010-0100.</p>")
    imported = importer.read(path)
    assert imported.article is None
    assert len(imported.dropped) == 2
    assert any("Nothing was left to quote" in note for note in imported.notes)


def test_three_hundred_pages(importer: Importer, tmp_path: Path) -> None:
    story = []
    for number in range(300):
        story += [
            ("Heading2", f"Part {number} of It"),
            ("BodyText", f"This is page {number}. {SENTENCE * 3}"),
            ("break", ""),
        ]
    path = tmp_path / "long.pdf"
    path.write_bytes(pdf(story, title="A Long Account of Worry", head="Larkfield", foot=True))
    imported = importer.read(path)
    assert imported.article is not None
    assert len(imported.article.sections) == 300
    assert "Larkfield" not in " ".join(p for section in imported.article.sections for p in section.paragraphs)


def test_a_file_that_takes_too_long_is_given_up_and_the_next_is_read(tmp_path: Path) -> None:
    slow = tmp_path / "slow.html"
    slow.write_text("".join(f"<div><p>{SENTENCE} {number}.</p></div>" for number in range(60_000)))
    fine = tmp_path / "fine.txt"
    fine.write_text(SENTENCE)
    with Importer(Limits(seconds=0.4)) as importer:
        importer.read(fine)  # the process is warm now: the grace for its start is used up
        with pytest.raises(ArticleRefused, match=r"longer than 0\.4 seconds"):
            importer.read(slow)
        assert importer.read(fine).article is not None


def test_a_file_that_takes_too_much_memory_is_given_up_and_the_next_is_read(tmp_path: Path) -> None:
    heavy = tmp_path / "heavy.html"
    heavy.write_text("<p>" + "calm <b>and</b> " * 500_000)
    fine = tmp_path / "fine.txt"
    fine.write_text(SENTENCE)
    with Importer(Limits(memory=120 * 1024 * 1024, seconds=60)) as importer:
        with pytest.raises(ArticleRefused, match="memory|could not be read"):
            importer.read(heavy)
        assert importer.read(fine).article is not None


def test_the_reading_process_knows_no_secrets_and_ends_with_its_importer(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HANDRAIL_MASTER_KEY", "do-not-pass-on")
    fine = tmp_path / "fine.txt"
    fine.write_text(SENTENCE)
    with Importer() as importer:
        importer.read(fine)
        process = importer._process
        assert process is not None
        assert b"do-not-pass-on" not in Path(f"/proc/{process.pid}/environ").read_bytes()
    assert process.returncode is not None


def test_damaged_files_never_raise_anything_else(importer: Importer, tmp_path: Path) -> None:
    chance = random.Random(7)
    whole = {
        ".pdf": pdf([("Title", "Worry"), ("BodyText", SENTENCE * 4)], title="Worry"),
        ".docx": word([("Title", "Worry"), ("Normal", SENTENCE)]),
        ".html": f"<html><body><h1>Worry</h1><p>{SENTENCE}</p></body></html>".encode() * 3,
        ".md": f"# Worry\n\n- **Does it help?** {SENTENCE}\n\n<div>{SENTENCE}".encode(),
    }
    outcomes = set()
    for suffix, data in whole.items():
        for number in range(12):
            damaged = bytearray(data)
            for _ in range(chance.randrange(1, 30)):
                damaged[chance.randrange(len(damaged))] = chance.randrange(256)
            path = tmp_path / f"{number}{suffix}"
            path.write_bytes(bytes(damaged[: chance.randrange(10, len(damaged))] if number % 3 == 0 else damaged))
            try:
                outcomes.add(type(importer.read(path)))
            except ArticleRefused as refused:
                outcomes.add(type(refused))
    assert outcomes == {Imported, ArticleRefused}


def test_many_files_come_back_in_their_order(tmp_path: Path) -> None:
    paths = []
    for number in range(40):
        path = tmp_path / f"{number:02}.txt"
        path.write_text(f"{SENTENCE} Number {number} says so." if number % 4 else "")
        paths.append(path)
    outcomes = list(read_all(paths, processes=3))
    assert [path for path, _ in outcomes] == paths
    assert [isinstance(outcome, ArticleRefused) for _, outcome in outcomes] == [number % 4 == 0 for number in range(40)]
    assert threading.active_count() < 20
