"""Text to sentences that stand in it word for word."""

from __future__ import annotations

import re

_SHORT_FORMS = """
    mr mrs ms dr prof st jr sr vs etc ed eds al cf approx dept est inc ltd corp gen sen rep rev e.g i.e a.m
    p.m u.s u.k ph.d m.d b.a m.a n.b jan feb mar apr jun jul aug sep sept oct nov dec lic lpc sra dra ej
"""
_ABBREVIATIONS = frozenset(_SHORT_FORMS.split())
_BEFORE_NUMBERS = frozenset(("no", "fig", "vol", "p", "pp", "ch"))
# An end mark, closing quotes or brackets, then space before something that can begin a sentence.
_END = re.compile(r"""([.!?…]+)(["'”’»)\]]*)(?:\s+)(?=["'“‘«(\[¿¡]*[^\s])""")
_LONGEST = 600  # characters: a run-on without end marks is cut at a semicolon or a comma, or after this many


def split_sentences(text: str) -> tuple[str, ...]:
    """The sentences of `text`, in order, each a piece of it without the space around it. Knows abbreviations, initials,
    decimals, lists such as "1.", quotes and line breaks; a run-on of more than 600 characters is cut where it
    pauses."""
    found: list[str] = []
    for line in text.splitlines() or [""]:
        start = 0
        for match in _END.finditer(line):
            if _ends(line[start : match.end(2)], match.group(1), line[match.end() : match.end() + _LONGEST]):
                found.append(line[start : match.end(2)])
                start = match.end()
        found.append(line[start:])
    pieces: list[str] = []
    for sentence in found:
        pieces.extend(_cut(sentence.strip()))
    return tuple(piece for piece in pieces if piece)


def _ends(sentence: str, mark: str, rest: str) -> bool:
    if len(sentence) < _LONGEST // 2 and _inside_quotes(sentence, rest):
        return False
    following = rest.lstrip("\"'“‘«([¿¡")[:1]
    if following.islower():  # "What?" she asked
        return False
    if mark != ".":
        return True
    bare = sentence.rstrip("\"'”’»)]").rstrip(".")
    if not bare.strip():
        return True
    word = bare.rsplit(maxsplit=1)[-1].lstrip("\"'“‘«([").lower()
    if word in _ABBREVIATIONS:
        return word in ("etc", "a.m", "p.m") and following.isupper()
    if word in _BEFORE_NUMBERS:
        return not following.isdigit()
    if len(word) == 1 and word.isalpha() and word != "i":
        return False  # an initial: "J. Carrasco"
    numbered = word.isdigit() and len(word) <= 2 and bare.strip().lower() == word
    return not numbered  # "1. First" is one item of a list


def _inside_quotes(sentence: str, rest: str) -> bool:
    """Whether a quotation is open that the line closes later: it is not cut in the middle."""
    straight = sentence.count('"') % 2 == 1 and '"' in rest
    return straight or (sentence.count("“") > sentence.count("”") and "”" in rest)


def _cut(sentence: str) -> list[str]:
    pieces: list[str] = []
    start = 0
    while len(sentence) - start > _LONGEST:
        window = sentence[start : start + _LONGEST]
        at = max(window.rfind("; "), window.rfind(", "))
        if at < _LONGEST // 3:
            at = window.rfind(" ")
        at = at + 1 if at > 0 else _LONGEST
        pieces.append(window[:at].strip())
        start += at
    return [*pieces, sentence[start:].strip()]
