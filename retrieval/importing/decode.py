"""Bytes to text, whatever a practice's programs saved them as."""

from __future__ import annotations

import codecs
import re

from retrieval.model import ArticleRefused

_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_OTHERS = (
    (b"%PDF-", "a PDF", "rename it to end in .pdf"),
    (b"PK\x03\x04", "a zip archive or an office document", "rename it to end in .docx, or unpack it"),
    (b"\xd0\xcf\x11\xe0", "an old Office document", "save it as .docx"),
    (b"{\\rtf", "an RTF document", "save it as .docx or .txt"),
    (b"\x89PNG", "a picture", "save its text instead"),
    (b"\xff\xd8\xff", "a picture", "save its text instead"),
    (b"GIF8", "a picture", "save its text instead"),
    (b"\x1f\x8b", "a compressed file", "unpack it"),
)
_DECLARED = re.compile(
    rb"""<(?:meta|\?xml)[^>]{0,200}?(?:charset|encoding)\s*=\s*["']?\s*([A-Za-z0-9_.:-]{2,40})""", re.I
)


def decode(data: bytes, *, suffix: str) -> tuple[str, list[str]]:
    """The text of a text file, and notes on how it was read. Raises ArticleRefused when it is another kind of file."""
    for magic, what, remedy in _OTHERS:
        if data.startswith(magic):
            raise ArticleRefused(f"This {suffix} file is {what}: {remedy}.")
    text, notes = _decoded(data)
    if "\x00" in text:
        zeros = text.count("\x00")
        if zeros > max(16, len(text) // 20):
            raise ArticleRefused("This file holds binary data, not text: save the article as text and import that.")
        text = text.replace("\x00", "")
        notes.append(f"{zeros} null byte{'s' if zeros > 1 else ''} taken out.")
    controls = sum(1 for character in text if character < " " and character not in "\t\n\r\f\v")
    if controls > max(16, len(text) // 20):
        raise ArticleRefused("This file holds binary data, not text: save the article as text and import that.")
    return text.replace("\r\n", "\n").replace("\r", "\n"), notes


def _decoded(data: bytes) -> tuple[str, list[str]]:
    for mark, encoding in _MARKS:
        if data.startswith(mark):
            try:
                text = data.decode(encoding)
            except UnicodeDecodeError:
                continue
            return text, [] if encoding == "utf-8-sig" else [f"Read as {encoding.upper()}."]
    sixteen = _sixteen(data)
    if sixteen:
        return data.decode(sixteen), [f"Read as {sixteen.upper()}, without a mark at its start."]
    try:
        return data.decode("utf-8"), []
    except UnicodeDecodeError:
        pass
    declared = _DECLARED.search(data[:4096])
    if declared:
        name = declared.group(1).decode("ascii")
        try:
            if codecs.lookup(name).name not in ("utf-8", "iso8859-1", "ascii"):
                return data.decode(name), [f"Read as {name}, as the page declares."]
        except (LookupError, UnicodeDecodeError, ValueError):
            pass
    broken = data.decode("utf-8", errors="replace")
    if broken.count("�") <= max(1, len(data) // 2000) and any(ord(c) > 127 and c != "�" for c in broken):
        return broken.replace("�", ""), ["Read as UTF-8; a few damaged characters were taken out."]
    try:
        return data.decode("cp1252"), ["Read as Windows-1252; save it as UTF-8 to be sure of every character."]
    except UnicodeDecodeError:
        return data.decode("latin-1"), ["Read as Latin-1; save it as UTF-8 to be sure of every character."]


def _sixteen(data: bytes) -> str:
    """UTF-16 without its mark: every second byte of Western text is zero."""
    sample = data[:4000]
    if len(sample) < 8 or len(data) % 2:
        return ""
    for encoding, zeros, letters in (
        ("utf-16-le", sample[1::2], sample[0::2]),
        ("utf-16-be", sample[0::2], sample[1::2]),
    ):
        if zeros.count(0) > 0.7 * len(zeros) and letters.count(0) < 0.1 * len(letters):
            try:
                data.decode(encoding)
            except UnicodeDecodeError:
                return ""
            return encoding
    return ""
