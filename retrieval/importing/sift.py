"""The blocks of a page judged by their words and their place: what is the article, what is not, and why."""

from __future__ import annotations

import re
from dataclasses import replace

from retrieval.importing import faq, promotions
from retrieval.importing.clean import same, tidy, unseen
from retrieval.importing.model import Block
from retrieval.importing.plain import titled
from retrieval.importing.signs import Sign, found

_ENDED = re.compile(r"""[.!?…:]["'”’)\]]*$""")
_STOPPED = re.compile(r"[.!,;:…]$")
_MENU_OF_PARTS = re.compile(r"\s*[|·•»›>/]\s+|\s{3,}|\s*[|»›]\s*")
_ENTRY = re.compile(r"\(?\b(19|20)\d{2}[a-z]?\b\)?|https?:|www\.|\bdoi\b|\bet al\b|\bvol\b|\bpp?\.|retrieved", re.I)
_SIGNING_UP = re.compile(r"\b(newsletter|inbox|spam|unsubscribe|subscrib\w+|e-?mail|readers|mailing)\b", re.I)
_BULLET = re.compile(r"^\s*[•‣◦▪●■✓✔]\s*")
_PROSE = 12  # words from which a block that ends in a mark is a paragraph
_PARAGRAPH = 25  # words from which text under a heading that promotes is taken for the article all the same
_LINE = 60  # words: no line of furniture is longer


def sift(blocks: list[Block], title: str, name: str = "") -> list[Block]:
    """The same page, judged: `dropped`, `flagged` and `says` tell what became of each block, and blocks may be split.

    `title` is what the file says of itself, `name` the file's name; both may be empty.
    """
    blocks = [piece for block in blocks for piece in _cleaned(block)]
    _machines(blocks)
    blocks = [piece for block in blocks for piece in _by_line(block)]
    _lines(blocks)
    _front(blocks, title, name)
    _headings(blocks)
    _zones(blocks)
    _lines(blocks, zones_done=True)
    _links(blocks)
    blocks = faq.pairs(blocks)
    blocks = [piece for block in blocks for piece in _promotions(block)]
    _under_promotions(blocks)
    _twice(blocks)
    _tail(blocks)
    _empty_headings(blocks)
    return blocks


def is_prose(block: Block) -> bool:
    return block.kind != "heading" and block.words >= _PROSE and bool(_ENDED.search(block.text))


def _cleaned(block: Block) -> list[Block]:
    text, count, spelled = unseen(block.text)
    block.text = tidy(text)
    result = [block] if any(c.isalnum() for c in block.text) else []
    if count and result and not block.dropped:
        what = f"{count} zero-width character{'s' if count > 1 else ''} in this text; taken out"
        result.append(Block(block.text, flagged=what))
    if spelled.strip():
        result.append(Block(spelled, flagged="hidden text (spelled in characters that do not show)"))
    return result


def _machines(blocks: list[Block]) -> None:
    """What speaks to a machine is flagged wherever it stands, in a reader's comment or a hidden corner too."""
    for block in blocks:
        sign = found("machine", block.text)
        if sign is None or block.flagged.startswith("text for a machine"):
            continue
        also = f"; {block.flagged or block.dropped}" if block.flagged or block.dropped else ""
        block.flagged, block.dropped = f"text for a machine: {sign.reason}{also}", ""


def _by_line(block: Block) -> list[Block]:
    """A block that holds line breaks, parted where its lines are blocks of their own."""
    if "\n" not in block.text or not block.taken:
        bullet = _BULLET.match(block.text) if block.kind == "text" else None
        if bullet and block.taken:
            block.text, block.kind = block.text[bullet.end() :], "item"
        block.text = block.text.replace("\n", " ")
        return [block]
    lines = block.text.split("\n")
    result: list[Block] = []
    for at, line in enumerate(lines):
        bullet = _BULLET.match(line)
        alone = not bullet and _stands_alone(line, lines[at + 1 : at + 2], lines[:at][-1:])
        goes_on = result and not bullet and not alone and not result[-1].strong and result[-1].kind == block.kind
        if result and (goes_on or block.kind == "heading"):
            result[-1].text += " " + line
            continue
        text = line[bullet.end() :] if bullet else line
        made = replace(block, text=text, strong=alone or block.strong, kind="item" if bullet else block.kind)
        result.append(made)
    return result


def _stands_alone(line: str, after: list[str], before: list[str]) -> bool:
    if titled(line) or faq.is_heading_above(line) or _announces(line, after, before):
        return True
    if faq.is_question(line) and not line[0].islower() and all(map(_ENDED.search, before)):
        return True
    return found("line", line) is not None or found("zone", line) is not None


def _announces(line: str, after: list[str], before: list[str]) -> bool:
    """A short line without an end mark, between lines that are sentences."""
    fits = len(line.split()) <= 10 and line[:1].isupper() and not _STOPPED.search(line) and not _ENDED.search(line)
    return (
        fits
        and all(len(a.split()) >= _PROSE and a[:1].isupper() for a in after or [""])
        and all(map(_ENDED.search, before))
    )


def _lines(blocks: list[Block], *, zones_done: bool = False) -> None:
    """Whole lines of furniture. A line that may open a stretch is left for the stretch to judge first."""
    for block in blocks:
        if not block.taken or block.words > _LINE or block.says == "title":
            continue
        if not zones_done and found("zone", block.text):
            continue
        sign = found("line", block.text)
        if sign is not None and not (block.kind == "heading" and block.level == 1):
            block.dropped = sign.reason
            continue
        parts = [part for part in _MENU_OF_PARTS.split(block.text) if part]
        if (
            len(parts) >= 3
            and all(len(part.split()) <= 4 and not _ENDED.search(part) for part in parts)
            and block.kind != "heading"
        ):
            block.dropped = "menu"


def _front(blocks: list[Block], title: str, name: str) -> None:
    """What stands above the first paragraph: the title is found, short lines above it are the page's menu."""
    taken = [block for block in blocks if block.taken]
    first = next((at for at, block in enumerate(taken) if is_prose(block)), len(taken))
    front = taken[:first]
    at = next((i for i, block in enumerate(taken) if title and same(block.text) == same(title)), -1)
    if at < 0 and not title:
        at = next((i for i, block in enumerate(front) if block.kind == "heading" and block.level == 1), -1)
        choice = [
            i
            for i, block in enumerate(front)
            if block.kind != "item" and block.words <= 20 and not _STOPPED.search(block.text)
        ]
        if at < 0 and choice and first < len(taken):
            at = max(choice, key=lambda i: _worth(front[i].text, name) - i / 1000)
    if at >= 0:
        taken[at].says, taken[at].kind = "title", "heading"
    for i, block in enumerate(front):
        if i == at or block.kind == "heading" or block.question or _ENDED.search(block.text):
            continue
        # behind the title, a short line right above a paragraph is a heading; any other is a label
        if (i < at and block.words <= 8) or (i > at and block.words <= 4 and i + 1 < len(front)):
            block.dropped = "menu"
    for block in taken:
        if title and block.taken and block.says != "title" and same(block.text) == same(title):
            block.dropped = "the title, said again"
    _contents(taken)


def _worth(text: str, name: str) -> int:
    """How likely a line above the first paragraph is the title: the file is named for it, or it has some length."""
    words = {word for word in re.findall(r"\w+", text.lower()) if len(word) > 2}
    named = set(re.findall(r"[^\W_]+", name.lower()))
    if len(words) > 1 and len(words & named) * 2 >= len(words):
        return 5
    return min(len(text.split()), 4)


def _contents(taken: list[Block]) -> None:
    """Lines that stand again further down, as the headings they point to, are a table of contents."""
    later: set[str] = set()
    for block in reversed(taken):
        if not block.taken or block.words > 14 or _ENDED.search(block.text) or block.says == "title":
            continue
        if same(block.text) in later and not block.level:
            block.dropped = "table of contents"
        later.add(same(block.text))


def _headings(blocks: list[Block]) -> None:
    """Short lines between paragraphs, without a full stop, are headings that nobody marked."""
    taken = [block for block in blocks if block.taken and block.says != "title"]
    for at, block in enumerate(taken):
        after = taken[at + 1] if at + 1 < len(taken) else None
        if block.kind == "heading" or after is None or block.words > 14 or len(block.text) > 110 or block.says:
            continue
        asks = (
            faq.is_question(faq.unlabelled(block.text)) and not faq.is_question(after.text) and after.kind != "heading"
        )
        if block.kind == "item" and not asks:
            continue
        before = taken[at - 1] if at else None
        if _STOPPED.search(block.text) and not (block.strong and block.text.endswith(":")):
            continue
        if after.kind == "heading" and not faq.is_heading_above(block.text):
            continue
        stands = after.words >= 8 or bool(_ENDED.search(after.text)) or after.kind == "item"
        ended = before is None or before.kind == "heading" or bool(_ENDED.search(before.text))
        after_ends = bool(_ENDED.search(after.text))
        plainly = (
            block.words <= 10 and faq.unlabelled(block.text)[:1].isupper() and after.words >= 8 and after_ends and ended
        )
        if asks or (stands and (block.strong or titled(block.text) or plainly)):
            block.kind, block.question = "heading", asks or block.question
            block.says = "question" if asks else "heading without mark-up"


def _zones(blocks: list[Block]) -> None:
    """Stretches that a short line opens: references, comments, related posts, author boxes, sign-up forms."""
    following: list[Block | None] = [None] * len(blocks)  # for each block the next one that is taken so far
    for at in range(len(blocks) - 2, -1, -1):
        following[at] = blocks[at + 1] if blocks[at + 1].taken else following[at + 1]
    zone: Sign | None = None
    level, prose = 0, 0
    for at, block in enumerate(blocks):
        if not block.taken or block.says == "title":
            continue
        opens = found("zone", block.text) if block.words <= 16 else None
        if opens is not None and (opens.until != "end" or prose >= 1):
            zone, level = opens, block.level if block.kind == "heading" else 0
            block.dropped, block.says = opens.reason, ""
            continue
        if zone is not None and _over(zone, level, block, following[at]):
            zone = None
        if zone is None:
            prose += is_prose(block)
            continue
        block.dropped, block.says = zone.reason, ""


def _over(zone: Sign, level: int, block: Block, after: Block | None) -> bool:
    if zone.until == "end":
        return False
    if faq.is_heading_above(block.text):
        return True
    if block.kind == "heading" and block.level:
        return not level or block.level <= level or zone.until == "prose"
    if zone.until == "heading":
        return False
    begins = block.kind == "heading" and after is not None and after.words >= 20 and not _ENTRY.search(after.text)
    if zone.until == "list":
        return (begins and not _ENTRY.search(block.text)) or (block.words >= 25 and not _ENTRY.search(block.text))
    return (is_prose(block) and not _SIGNING_UP.search(block.text)) or (begins and not _SIGNING_UP.search(block.text))


def _links(blocks: list[Block]) -> None:
    """Lines that are links and nothing else lead away from the article."""
    for block in blocks:
        if block.taken and block.links > 0.8 and block.says not in ("title", "question") and not is_prose(block):
            if block.kind == "heading" and block.level in (1, 2):
                continue
            block.dropped = "links to other pages"


def _promotions(block: Block) -> list[Block]:
    if not block.taken or block.says == "title":
        return [block]
    kept, gone = promotions.cut(block.text)
    if not gone:
        return [block]
    left = sum(len(piece.split()) for piece in kept)
    if block.kind == "heading" or (left <= 6 and not any(_ENDED.search(piece) for piece in kept)) or not kept:
        block.dropped = "promotion"
        return [block]
    result = [Block(" ".join(gone), dropped="promotion")]
    for piece in kept:
        result.append(
            Block(
                piece,
                block.kind,
                block.level,
                links=block.links,
                says=block.says or "text, without the promotion in it",
            )
        )
    return result


def _under_promotions(blocks: list[Block]) -> None:
    """Short lines under a marked heading that promotes belong to it."""
    under = False
    for block in blocks:
        if block.kind == "heading":
            under = block.dropped == "promotion" and block.level > 0
        elif under and block.taken:
            under = block.words < _PARAGRAPH
            block.dropped = "promotion" if under else ""


def _twice(blocks: list[Block]) -> None:
    """Repeated paragraphs, and sentences that a page lifts out of its text to show them large."""
    seen: set[str] = set()
    prose = [block for block in blocks if block.taken and block.kind != "heading"]
    whole = "|".join(same(block.text) for block in prose) if len(prose) < 1_000 else ""
    for block in blocks:
        if not block.taken or block.kind == "heading" or block.words < 6:
            continue
        words = same(block.text)
        if words in seen or (block.words <= 50 and whole.count(words) > 1):
            block.dropped = "said in the text already, word for word"
            whole = whole.replace(words, "", 1)
        seen.add(words)


def _tail(blocks: list[Block]) -> None:
    """Short lines after the last paragraph, without an end mark, are what the page's foot left."""
    for block in reversed([block for block in blocks if block.taken]):
        if (
            block.kind == "item"
            or is_prose(block)
            or _ENDED.search(block.text)
            or block.words > 8
            or block.says == "title"
        ):
            return
        if block.kind != "heading":
            block.dropped = "left over at the foot of the page"


def _empty_headings(blocks: list[Block]) -> None:
    """Headings under which nothing is left; a heading above other headings goes too, as sections are not nested."""
    full = False
    for block in reversed(blocks):
        if not block.taken:
            continue
        if block.kind != "heading":
            full = True
        elif block.says != "title":
            if not full:
                block.dropped = "question without an answer here" if block.question else "heading without text"
            full = False
