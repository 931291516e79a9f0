"""Promotions cut out of a paragraph, also where one is glued to the next sentence."""

from __future__ import annotations

import re

from retrieval.importing.signs import found
from retrieval.sentences import split_sentences

_GLUED = re.compile(r"(?<=[a-z0-9)%!?.…])(?=[A-ZÁÉÍÓÚÑ¿¡][a-záéíóúñ]+)")
_ORNAMENT = re.compile(r"^[^\w¿¡\"“‘'(]+")  # signs and emoji in front of a call to act
_AFTER = re.compile(r"^(?: (?:today|now|here|online|with us|for free|at no cost|this week))*[!.]? (?=[A-Z][a-z]+ )")
_ENDED = re.compile(r"""[.!?…:]["'”’)\]]*$""")
_LONGEST = 45  # words: what is longer is no single call to act
_FRAGMENT = 3  # words: what is left of a sentence beside a cut promotion, and says nothing alone


def cut(text: str) -> tuple[list[str], list[str]]:
    """What is left of a paragraph, and what was cut. What is left comes in several pieces where the text around a cut
    promotion does not go on as sentences."""
    kept: list[str] = [""]
    gone: list[str] = []
    for sentence in split_sentences(text):
        for part, promotes, glued in _parts(sentence):
            if promotes:
                gone.append(part.strip())
                if kept[-1] and not _ENDED.search(kept[-1]):
                    kept.append("")
            else:
                gap = "" if glued or not kept[-1] else " "
                kept[-1] += gap + part.strip()
    return [piece for piece in kept if piece], gone


def _parts(sentence: str) -> list[tuple[str, bool, bool]]:
    """(text, whether it promotes, whether it was glued to the kept text before it) in the sentence's order."""
    pieces = _GLUED.split(sentence)
    result: list[tuple[str, bool, bool]] = []
    at = 0
    while at < len(pieces):
        for end in range(at + 1, min(len(pieces), at + 4) + 1):
            phrase = "".join(pieces[at:end])
            bare = _ORNAMENT.sub("", phrase)
            sign = found("sentence", bare) if len(phrase.split()) <= _LONGEST else None
            if sign is None:
                continue
            match = sign.pattern.search(bare)
            rest = bare[match.end() :] if match else ""
            after = _AFTER.match(rest)
            if after and len(rest.split()) >= 5:  # no mark ends it, yet a sentence begins behind it
                result.append((phrase[: len(phrase) - len(rest) + after.end()], True, False))
                result.append((rest[after.end() :], False, False))
            else:
                result.append((phrase, True, False))
            at = end
            break
        else:
            glued = at > 0 and bool(result) and not result[-1][1]
            short = (
                at > 0
                and bool(result)
                and result[-1][1]
                and len(pieces[at].split()) <= _FRAGMENT
                and at + 1 == len(pieces)
            )
            result.append((pieces[at], short and not _ENDED.search(pieces[at]), glued))
            at += 1
    return result
