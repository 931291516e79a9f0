"""Which language a message is in: by its script, else by its small words; "" when it does not show."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence

_SCRIPTS = (
    ("ja", re.compile(r"[\u3040-\u30ff]")),
    ("zh", re.compile(r"[\u3400-\u9fff]")),
    ("ko", re.compile(r"[\uac00-\ud7af\u1100-\u11ff]")),
    ("ar", re.compile(r"[\u0600-\u06ff]")),
    ("he", re.compile(r"[\u0590-\u05ff]")),
    ("hi", re.compile(r"[\u0900-\u097f]")),
    ("th", re.compile(r"[\u0e00-\u0e7f]")),
    ("ru", re.compile(r"[\u0400-\u04ff]")),
    ("el", re.compile(r"[\u0370-\u03ff]")),
)
_MARKS = {"es": frozenset("¿¡")}  # marks that one language alone writes
_LATIN = re.compile(r"[A-Za-z\u00c0-\u024f\u1e00-\u1eff]")
_READ = 4_000  # characters looked at
_FEWEST = 3  # words below which nothing is said


def language_of(
    text: str, words: Sequence[str], common: Mapping[str, frozenset[str]], spoken: Collection[str] = ()
) -> str:
    """The two-letter code, or "". `words`: the text's folded words; `common`: each language's small words.

    A text of one or two words shows only a language of `spoken`, and only when no other has all of them.
    """
    head = text[:_READ]
    latin = len(_LATIN.findall(head)) if not head.isascii() else 1
    if not head.isascii():
        for code, script in _SCRIPTS:
            letters = len(script.findall(head))
            if letters >= 2 and letters > latin:
                return code
    for code, marks in _MARKS.items():
        if code in common and not marks.isdisjoint(head):
            return code
    some = words[:400]
    if len(some) < _FEWEST:
        fits = [code for code, small in common.items() if some and small.issuperset(some)]
        return fits[0] if len(fits) == 1 and fits[0] in spoken else ""
    shares = sorted(((sum(w in small for w in some) / len(some), code) for code, small in common.items()), reverse=True)
    if not shares:
        return ""
    best, code = shares[0]
    second = shares[1][0] if len(shares) > 1 else 0.0
    enough = max(0.3 if len(some) < 8 else 0.2, 2 / len(some))  # two of its words at least
    return code if best >= enough and best - second >= 0.1 else ""
