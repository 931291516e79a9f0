"""Text to plain tokens: one form for what looks the same, each token knowing where it stands in the text as typed."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from functools import lru_cache

_LOOKALIKES = dict(
    zip(
        "аеорсухіѕјһкмтвнԁӏԛԝгπαβεικονρτυχωγηɑɡ",
        "aeopcyxisjhkmtbhdlqwrnabeikovptuxwynag",
        strict=True,
    )
)
"""Cyrillic and Greek letters that pass for Latin ones. Used only inside a token that mixes scripts, or to try a known word."""
_LATIN = dict(
    zip(
        "łøđħıŧŋßæœƙƒʟᴋᴅɪᴇᴀʙᴄɢʜᴊᴍɴᴏᴘꜰꜱᴛᴜᴠᴡʏᴢǀ₁’‘ʼ＇`´′",
        "lodhitnsaokflkdieabcghjmnopfstuvwyzl1'''''''",
        strict=True,
    )
)
_LINE_ENDS = frozenset("\n\r\x0b\x0c\x85\u2028\u2029")
_MARKED = "\u0900-\u0dff\u0e00-\u0eff\u1000-\u109f"  # scripts whose vowel signs are marks
_HAN = "\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff"
_EMOJI = "\U0001f000-\U0001faff\u2600-\u27bf\u2b00-\u2bff"
_LETTER = rf"[^\W_{_HAN}]|[{_MARKED}]"
_TOKEN = re.compile(rf"[{_HAN}]|[{_EMOJI}]|(?:{_LETTER})+(?:'(?:{_LETTER})+)*")
_PLAIN = re.compile(r"[\t\n\r\x20-\x7e]*")
_END = re.compile(r"[.!?;\u2026\u3002\uff01\uff1f\u061f\u0964]|\n\s*\n")


@dataclass(frozen=True, slots=True)
class Tokens:
    """`words[n]` stands at `starts[n]`:`ends[n]` of the text as typed; a sentence ends before each n in `breaks`."""

    words: list[str]
    starts: list[int]
    ends: list[int]
    breaks: set[int]


@lru_cache(maxsize=8192)
def _letter(char: str) -> str:
    """What one character as typed becomes: "" for what cannot be seen."""
    if char in _LINE_ENDS:
        return "\n"
    if char == "\t":
        return " "
    if char in _LATIN:
        return _LATIN[char]
    code = ord(char)
    if 0x1F150 <= code <= 0x1F169 or 0x1F170 <= code <= 0x1F189 or 0x1F130 <= code <= 0x1F149:
        return chr(ord("a") + (code - 0x1F130) % 32 % 26)
    indic = 0x0900 <= code <= 0x0DFF or 0x0E00 <= code <= 0x0EFF or 0x1000 <= code <= 0x109F
    if indic and char != "\u093c":  # the dot below, which many leave out
        return char
    kind = unicodedata.category(char)
    if kind in {"Cf", "Cc", "Mn", "Me", "Mc", "Cn", "Cs", "Co"}:
        return ""
    plain = "".join(c for c in unicodedata.normalize("NFKD", char) if unicodedata.category(c) not in {"Mn", "Me", "Cf"})
    return "".join(_LATIN.get(c, c) for c in plain.casefold())


def fold(text: str) -> tuple[str, list[int] | None]:
    """(folded text, for each of its characters the place in `text`); None where the places are the same."""
    if _PLAIN.fullmatch(text):
        return text.lower(), None
    parts: list[str] = []
    places: list[int] = []
    for place, char in enumerate(text):
        became = _letter(char)
        if became:
            parts.append(became)
            places.extend([place] * len(became))
    return "".join(parts), places


def unmask(word: str) -> str:
    """The word with look-alike letters of other scripts read as the Latin ones that they pass for."""
    return "".join(_LOOKALIKES.get(c, c) for c in word)


def _new_line(text: str, folded: str, last: int, a: int, places: list[int] | None) -> bool:
    """Whether a line ends between two words: not where the next line goes on in small letters, as in a wrapped mail."""
    if "\n" not in folded[last:a]:
        return False
    return not text[a if places is None else places[a]].islower()


def tokens(text: str) -> Tokens:
    """All tokens of a text of any length: words, single Han or kana characters, single emoji."""
    folded, places = fold(text)
    words: list[str] = []
    starts: list[int] = []
    ends: list[int] = []
    breaks: set[int] = set()
    last = 0
    for match in _TOKEN.finditer(folded):
        a, b = match.span()
        if a > last and words and (_END.search(folded, last, a) or _new_line(text, folded, last, a, places)):
            breaks.add(len(words))
        last = b
        word = match.group()
        if not word.isascii():
            plain = unmask(word)
            if plain != word and any("a" <= c <= "z" for c in word):
                word = plain
        words.append(word)
        starts.append(a if places is None else places[a])
        ends.append(b if places is None else places[b - 1] + 1)
    return Tokens(words, starts, ends, breaks)
