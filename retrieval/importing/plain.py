"""Plain text to blocks: paragraphs found again, whether lines are wrapped or long."""

from __future__ import annotations

import re

from retrieval.importing.model import Block, Page

_BULLET = re.compile(r"^\s*(?:[-*•‣◦▪●○■□–—→✓✔➤»·]|\(?[a-hA-H]\)|o(?=\s{2,}))\s+(?=\S)")
_NUMBER = re.compile(r"^\s*\(?\d{1,2}[.)]\s+(?=\S)")
_RULE = re.compile(r"^\s*[-=_*~#]{3,}\s*$")
_UNDERLINE = re.compile(r"^\s*(={3,}|-{3,})\s*$")
_ENDS = re.compile(r"""[.!?…:;]["'”’)\]]*$""")
_SMALL = frozenset(
    str.split(
        """a an and as at but by de del e el en for from how in into is it its la los las of on or o the to un
        una vs via with y your"""
    )
)


def read_plain(text: str) -> Page:
    """Blocks of a text file: a blank line ends a paragraph; in wrapped text, so does a line that ended early."""
    text = text.replace("\f", "\n\n").replace("\v", "\n").expandtabs(4)
    widths = sorted(len(line.rstrip()) for line in text.split("\n") if line.strip())
    width = widths[int(len(widths) * 0.95)] if widths else 0
    width = width if _wrapped(text) else 0
    blocks: list[Block] = []
    for chunk in re.split(r"\n[ \t]*\n", text):
        blocks.extend(_chunk([line.rstrip() for line in chunk.split("\n") if line.strip()], width))
    return Page(blocks)


def _wrapped(text: str) -> bool:
    """Whether lines end where the width ran out: then many go on with a small letter."""
    nexts = [line.lstrip() for line in re.findall(r"(?<=\S)\n([^\n]*\S)", text)]
    nexts = [line for line in nexts if not _BULLET.match(line) and not _NUMBER.match(line)]
    return sum(1 for line in nexts if line[0].islower()) > 0.1 * len(nexts)


def _chunk(lines: list[str], width: int) -> list[Block]:
    """The blocks of lines that no blank line parts. `width` is that of the file's long lines, in characters;
    0: its lines are not wrapped, each is a block."""
    lines = _underlined(lines)
    blocks: list[Block] = []
    for at, line in enumerate(lines):
        if _RULE.match(line):
            continue
        if line.startswith("\0"):
            blocks.append(Block(line[1:], "heading", 2))
            continue
        bullet = _BULLET.match(line)
        if bullet:
            blocks.append(Block(line[bullet.end() :].strip(), "item"))
            continue
        begun = bool(blocks) and at > 0 and not lines[at - 1].startswith("\0")
        if width and begun and not begins_anew(lines[at - 1].strip(), line.strip(), width):
            blocks[-1].text = joined(blocks[-1].text, line.strip())
            continue
        kind = "item" if _NUMBER.match(line) and _ENDS.search(line) else "text"
        blocks.append(Block(line.strip(), "item" if kind == "item" else "text"))
    return blocks


def _underlined(lines: list[str]) -> list[str]:
    """Lines that a row of = or - underlines become marked headings (written with a leading null)."""
    found: list[str] = []
    for line in lines:
        if _UNDERLINE.match(line) and found and len(found[-1].split()) <= 14 and not _ENDS.search(found[-1]):
            found[-1] = "\0" + found[-1].strip().lstrip("\0")
        else:
            found.append(line)
    return found


def begins_anew(before: str, line: str, width: int, *, slack: float = 0.12) -> bool:
    """Whether `line` begins a block of its own: the line before it ended although the next word would have fitted."""
    if _NUMBER.match(line) or _BULLET.match(line):
        return True
    if line[:1].islower() and not _ENDS.search(before):
        return False
    first = line.split()[0] if line.split() else ""
    fitted = len(before) + 1 + len(first) <= width * (1 - slack)
    if width > 160:  # lines that long are whole paragraphs
        return True
    if titled(before) and fitted:
        return True
    return (fitted and bool(_ENDS.search(before)) and len(before) < 0.8 * width) or (
        fitted and titled(line) and len(line) < 0.6 * width
    )


def joined(before: str, line: str) -> str:
    """Two lines of one paragraph as one; a word that was parted at the line's end is put together."""
    if before.endswith("-") and len(before) > 2 and before[-2].islower() and line[:1].islower():
        stem = before[:-1].rsplit(None, 1)[-1].lower()
        if stem in (
            "self",
            "well",
            "evidence",
            "long",
            "short",
            "non",
            "co",
            "high",
            "low",
            "trauma",
            "follow",
            "one",
            "two",
            "face",
        ):
            return before + line
        return before[:-1] + line
    return f"{before} {line}"


def titled(line: str) -> bool:
    """Whether a line is written like a title: short, at most a question mark at its end, most words capital."""
    words = [word.strip("\"'“”‘’(),:–—-") for word in line.split()]
    words = [word for word in words if word]
    if not words or len(words) > 14 or (_ENDS.search(line) and not line.endswith("?")):
        return False
    if not (words[0][:1].isupper() or words[0][:1].isdigit() or line[:1] in "¿¡"):
        return False
    long = [word for word in words if word.lower() not in _SMALL]
    if not long:
        return False
    return sum(1 for word in long if word[:1].isupper() or word[:1].isdigit()) >= 0.6 * len(long)
