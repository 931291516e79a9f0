"""One block's text made clean, so that its sentences can be quoted as they stand."""

from __future__ import annotations

import re
import unicodedata

import ftfy

# Characters that show nothing: zero-width space, non-joiner, joiner, word joiner, direction marks, invisible operators.
_UNSEEN = re.compile("[\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\u180e\u034f\u115f\u1160\u3164\ufff9-\ufffb]")
_TAGS = re.compile("[\U000e0000-\U000e007f]+")
_JOINED = re.compile("(?<=[\u2600-\U0001faff\ufe0f])\u200d(?=[\u2600-\U0001faff])")  # the joiner inside one emoji
_LIGATURES = {
    "\ufb00": "ff",
    "\ufb01": "fi",
    "\ufb02": "fl",
    "\ufb03": "ffi",
    "\ufb04": "ffl",
    "\ufb05": "st",
    "\ufb06": "st",
}
_LIGATURE = re.compile("[\ufb00-\ufb06]")
_PRIVATE = re.compile("[\ue000-\uf8ff\ufffc\ufffd\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]")
_DOUBLED = re.compile(r"(?<=\w)(?:''|’’|‘‘|’'|'’|``)(?=(?:s|t|re|ve|ll|d|m|S|T|clock|all)\b)")
_DOUBLED_INSIDE = re.compile(r"(?<=[^\W\d_])(?:''|’’)(?=[^\W\d_])")
_DOUBLED_END = re.compile(r"(?<=s)(?:''|’’)(?=\s)")
_OPENING = re.compile(r"(?:^|\s|\()(?:''|``|’’|‘‘)(?=\w)")
_MARKS = re.compile(r"\s?\[(?:\d{1,3}(?:\s?[,;–-]\s?\d{1,3})*|citation needed|edit)\]")
_UNSPACED = re.compile(r"(?<=[a-záéíóúñ]{2})([.!?])(?=[A-ZÁÉÍÓÚÑ¿¡][a-záéíóúñ']+[ ,]|I[ '’]|A )")
_BEFORE_MARK = re.compile(r"(?<=\w) +([,.;:!?])(?=\s|$)")
_ENTITY = re.compile(
    r"&(?:nbsp|amp|quot|apos|lt|gt|rsquo|lsquo|rdquo|ldquo|ndash|mdash|hellip|#\d{2,5}|#x[0-9a-fA-F]{2,4});"
)
_ENTITIES = {
    "nbsp": " ", "amp": "&", "quot": '"', "apos": "'", "lt": "<", "gt": ">", "rsquo": "’", "lsquo": "‘", "rdquo": "”",
    "ldquo": "“", "ndash": "–", "mdash": "—", "hellip": "…",
}  # fmt: skip


def unseen(text: str) -> tuple[str, int, str]:
    """The text without characters that show nothing, how many there were, and what Unicode tags spelled out, if any.

    Not counted: soft hyphens and a byte-order mark at the start, which go, and the joiner inside an emoji, which stays.
    """
    text = text.lstrip("\ufeff").replace("\xad", "")
    spelled = "".join(chr(ord(c) - 0xE0000) for run in _TAGS.findall(text) for c in run if 0xE0020 <= ord(c) < 0xE007F)
    text = _TAGS.sub("", text)
    kept = _JOINED.sub("\ufdd0", text)
    count = len(_UNSEEN.findall(kept))
    return _UNSEEN.sub("", kept).replace("\ufdd0", "\u200d"), count, spelled


def tidy(text: str) -> str:
    """One line of plain text: mojibake, doubled apostrophes, entities, ligatures, footnote marks and spacing put right.

    Single line breaks stay as "\\n" for the caller to judge; all other space becomes one blank.
    """
    if _ENTITY.search(text):
        text = _ENTITY.sub(_entity, text)
    if not text.isascii():
        text = ftfy.fix_encoding(text)
        text = _LIGATURE.sub(lambda match: _LIGATURES[match.group()], text)
        text = unicodedata.normalize("NFC", text)
        text = text.replace("\u2028", "\n").replace("\u2029", "\n").replace("\x85", "…")
    text = _PRIVATE.sub("", text)
    text = _apostrophes(text)
    text = _MARKS.sub("", text)
    lines = (" ".join(line.split()) for line in text.split("\n"))
    text = "\n".join(line for line in lines if line)
    text = _BEFORE_MARK.sub(r"\1", text)
    return _UNSPACED.sub(_spaced, text)


def _entity(match: re.Match[str]) -> str:
    name = match.group()[1:-1]
    if not name.startswith("#"):
        return _ENTITIES[name]
    code = int(name[2:], 16) if name[1] in "xX" else int(name[1:])
    return chr(code) if 32 <= code < 0xD800 else ""


def _apostrophes(text: str) -> str:
    if "''" not in text and "’’" not in text and "``" not in text and "’'" not in text and "'’" not in text:
        return text
    text = _DOUBLED.sub(lambda match: match.group()[0].replace("`", "'").replace("‘", "’"), text)
    text = _DOUBLED_INSIDE.sub(lambda match: match.group()[0], text)
    if not _OPENING.search(text):
        text = _DOUBLED_END.sub(lambda match: match.group()[0], text)
    return text


def _spaced(match: re.Match[str]) -> str:
    """A full stop glued to the next sentence gets its space, but not inside an address."""
    start = match.string.rfind(" ", 0, match.start()) + 1
    word = match.string[start : match.start()]
    if "@" in word or "/" in word or word.lower().startswith("www"):
        return match.group(1)
    return match.group(1) + " "


def same(text: str) -> str:
    """A text's letters and digits alone, in lower case, to tell whether two texts say the same."""
    return "".join(character for character in text.lower() if character.isalnum())
