"""Whether a question stands alone or leans on the ones before it."""

from __future__ import annotations

import re

from retrieval.lexical import terms_of, words_of

_OPENINGS = re.compile(
    r"^\s*(and|but|so|or|also|then|why|how come|what about|how about|what if|and if|is that|is it|does it|do they"
    r"|are they|can it|will it|was it|did it|has it|would it|for (kids|children|teens|adults|me)|such as|like what"
    r"|for example)\b",
    re.IGNORECASE,
)
_BACK = "it that this they them those these he she its their one ones there same such instead else"
_POINTERS = frozenset(_BACK.split())


_BEFORE = re.compile(
    r"^(it|its|they|their|them|he|she|this|that|these|those|such|both|ella|ellos|ellas|esto|eso|estos|esos)\b", re.I
)


def leans(sentence: str) -> bool:
    """Whether a sentence begins with a word that stands for something in the one before."""
    return bool(_BEFORE.match(sentence))


def leans_on(query: str) -> bool:
    """Whether the question points back: a pronoun without a noun before it, an opening that goes on, or too few words
    of its own to be about anything."""
    words, terms = words_of(query), terms_of(query)
    if not words:
        return False
    if len(terms) <= 1 and len(words) <= 6:
        return True
    if _OPENINGS.match(query) and len(terms) <= 3:
        return True
    return len(terms) <= 3 and any(word in _POINTERS for word in words)
