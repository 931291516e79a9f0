"""Which language a text is written in, by its commonest words; "" when it does not show."""

from __future__ import annotations

import re

_COMMON = {
    "en": "the and of to is that it for you with are this your can not be or as when what how in have",
    "es": "el la los las que de y en un una es por con para su no se lo como más pero está esto qué del al",
    "fr": "le la les des et est que un une dans pour avec vous ne pas sur qui au ce du en il",
    "de": "der die das und ist nicht mit ein eine zu den von für auf sich sie es dem wie auch wird",
    "pt": "o os as que de e em um uma é por com para não se como mais mas está isso você do da no na",
    "it": "il la le che di e in un una è per con non si come più ma sono del della questo gli",
}
_SETS = {language: frozenset(words.split()) for language, words in _COMMON.items()}
_WORD = re.compile(r"[^\W\d_]+")


def language_of(text: str) -> str:
    """The two-letter code of the likeliest of six languages, or "" for a text too short or too mixed to say."""
    words = _WORD.findall(text[:20_000].lower())
    if len(words) < 4:
        return ""
    shares = sorted(
        ((sum(map(common.__contains__, words)) / len(words), code) for code, common in _SETS.items()), reverse=True
    )
    (best, code), (second, _) = shares[0], shares[1]
    return code if best >= 0.12 and best - second >= 0.04 else ""
