"""The small language that rules are written in, compiled to regular expressions that are linear by construction."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from bot.safety.fold import tokens

_PIECE = re.compile(r"\(|\)|\||\?|@[a-z0-9_]+|\.\.\d{0,2}|\^|\$|#[a-z]*|[^\s()|?@]+|@")
_DEEP = 12
_GAP = 3
_WIDEST = 15


class PhraseFault(ValueError):
    """A phrase that cannot be read. Says why."""


@dataclass(frozen=True, slots=True)
class Piece:
    """One compiled part: its regular expression, and what must be among a sentence's keys for it to match."""

    regex: str
    needs: tuple[frozenset[str], ...] = ()  # each: one of these keys must be there
    words: frozenset[str] = frozenset()  # every literal word in it


@dataclass(slots=True)
class Phrase:
    """A phrase ready to search a sentence's canonical string. Compiled to a pattern at the first search."""

    source: str
    regex: str
    needs: tuple[frozenset[str], ...]
    words: frozenset[str]
    _compiled: re.Pattern[str] | None = field(default=None)

    @property
    def pattern(self) -> re.Pattern[str]:
        if self._compiled is None:
            self._compiled = re.compile(self.regex)
        return self._compiled


Expand = Callable[[str], Sequence[str]]


class Reader:
    """Reads phrases of one language: knows its named sets and how it writes its words out."""

    def __init__(self, sets: Mapping[str, Sequence[str]], expand: Expand, weight: Callable[[str], int]) -> None:
        self._sets, self._expand, self._weight = sets, expand, weight
        self._known: dict[str, Piece] = {}
        self._ones: dict[str, Piece] = {}
        self._open: list[str] = []

    def phrase(self, source: str) -> Phrase:
        """Raises PhraseFault."""
        piece = self._read(source)
        if not piece.needs:
            raise PhraseFault(f"“{source}” has no word that must be there")
        needs = tuple(sorted(set(piece.needs), key=lambda keys: sum(map(self._weight, keys))))
        return Phrase(source, r"(?<![^ ])" + piece.regex, needs, piece.words)

    def set_piece(self, name: str) -> Piece:
        if name not in self._known:
            if name not in self._sets:
                raise PhraseFault(f"there is no set @{name}; write it in a table [sets]")
            if name in self._open or len(self._open) > _DEEP:
                raise PhraseFault(f"the set @{name} contains itself")
            self._open.append(name)
            self._known[name] = _either([self._read(phrase) for phrase in self._sets[name]], self._weight)
            self._open.pop()
        return self._known[name]

    def _read(self, source: str) -> Piece:
        pieces = _PIECE.findall(source)
        if not pieces:
            raise PhraseFault("an empty phrase")
        piece, rest = self._either_of(pieces, source)
        if rest:
            raise PhraseFault(f"“{source}” has a “{rest[0]}” too many")
        return piece

    def _either_of(self, pieces: list[str], source: str) -> tuple[Piece, list[str]]:
        branches: list[Piece] = []
        while True:
            branch, pieces = self._row(pieces, source)
            branches.append(branch)
            if not pieces or pieces[0] != "|":
                break
            pieces = pieces[1:]
        return (branches[0] if len(branches) == 1 else _either(branches, self._weight)), pieces

    def _row(self, pieces: list[str], source: str) -> tuple[Piece, list[str]]:
        row: list[Piece] = []
        while pieces and pieces[0] not in {"|", ")"}:
            head, pieces = pieces[0], pieces[1:]
            if head == "(":
                piece, pieces = self._either_of(pieces, source)
                if not pieces or pieces[0] != ")":
                    raise PhraseFault(f"“{source}” opens a bracket that it does not close")
                pieces = pieces[1:]
            elif head == "?":
                raise PhraseFault(f"“{source}” has a “?” with nothing before it")
            elif head in self._ones:
                piece = self._ones[head]
            else:
                piece = self._one(head, source)
                if head[0] != "@":
                    self._ones[head] = piece
            if pieces and pieces[0] == "?":
                pieces = pieces[1:]
                piece = Piece(f"(?:{piece.regex})?", (), piece.words)
            row.append(piece)
        if not row:
            raise PhraseFault(f"“{source}” has an empty place")
        if len(row) == 1:
            return row[0], pieces
        return Piece(
            "".join(p.regex for p in row),
            tuple(n for p in row for n in p.needs),
            frozenset().union(*(p.words for p in row)),
        ), pieces

    def _one(self, head: str, source: str) -> Piece:
        if head == "^":
            return Piece(r"\A")
        if head == "$":
            return Piece(r"\Z")
        if head.startswith("#"):
            return Piece(r"[0-9][0-9]{0,8}" + head[1:] + " " if head[1:] else r"[0-9][^ ]{0,11} ")
        if head.startswith(".."):
            return Piece(f"(?:[^ ]+ ){{0,{min(_WIDEST, int(head[2:] or _GAP))}}}?")
        if head.startswith("@"):
            if len(head) == 1:
                raise PhraseFault(f"“{source}” has a bare @")
            return self.set_piece(head[1:])
        if head.endswith("*"):
            stem = "".join(tokens(head[:-1]).words)
            if len(stem) < 3:
                raise PhraseFault(f"“{source}”: “{head}” is too short to leave its end open")
            return Piece(re.escape(stem) + "[^ ]* ", (frozenset({stem + "*"}),), frozenset({stem + "*"}))
        words = [w for token in tokens(head).words for w in self._expand(token)]
        if not words:
            raise PhraseFault(f"“{source}”: “{head}” is no word")
        return Piece("".join(re.escape(w) + " " for w in words), tuple(frozenset({w}) for w in words), frozenset(words))


def _either(branches: Sequence[Piece], weight: Callable[[str], int]) -> Piece:
    """One of several. It needs one key of each branch's rarest need; nothing when a branch can be empty."""
    needs: tuple[frozenset[str], ...] = ()
    if all(b.needs for b in branches):
        needs = (frozenset().union(*(min(b.needs, key=lambda keys: sum(map(weight, keys))) for b in branches)),)
    regexes = sorted({b.regex for b in branches}, key=len, reverse=True)
    return Piece("(?:" + "|".join(regexes) + ")", needs, frozenset().union(*(b.words for b in branches)))
