"""A question without what could say who asked it: the identifiers that rules can find, each replaced by its kind."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator

import phonenumbers

from bot.answer.names import ALSO_WORDS, GIVEN

_MONTH = (
    r"(?:jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?|may|june?|july?|aug(?:ust)?|sept?(?:ember)?|oct(?:ober)?"
    r"|nov(?:ember)?|dec(?:ember)?|enero|febrero|marzo|abril|mayo|junio|julio|agosto|septiembre|octubre|noviembre|diciembre)"
)
_STREET = (
    r"(?:street|st|avenue|ave|road|rd|boulevard|blvd|lane|ln|drive|dr|court|ct|way|place|pl|square|sq|terrace|parkway"
    r"|pkwy|highway|hwy|calle|avenida)"
)
_WORD = r"[^\W\d_][\w'’-]*"
_NO_SURNAME = r"(?!(?:and|but|i|im|from|my|is|the|a|can|what|how|do|does|with|for|who|y|e|de|soy|tengo)\b)"
_SURNAME = rf"(?: {_NO_SURNAME}{_WORD})?"
_NAMED = r"[A-Z][\w'’-]+(?: [A-Z][\w'’-]+)*"  # one or more words with a capital
_KIN = (
    r"(?:husband|wife|partner|boyfriend|girlfriend|fianc[eé]e?|son|daughter|brother|sister|mother|father|mom|mum|dad"
    r"|aunt|uncle|cousin|friend|boss|coworker|colleague|neighbou?r|roommate|ex|teacher|therapist|doctor|baby|dog|cat"
    r"|esposo|esposa|marido|novio|novia|hijo|hija|hermano|hermana|madre|padre|amigo|amiga|jefe|jefa)"
)
_DATES = (
    r"\b\d{1,4}[/.-]\d{1,2}[/.-]\d{1,4}\b",
    rf"\b{_MONTH}\.? \d{{1,2}}(?:st|nd|rd|th)?\b(?:,? \d{{4}})?",
    rf"\b\d{{1,2}}(?:st|nd|rd|th)?(?: of| de)? {_MONTH}\b(?:,?(?: de)? \d{{4}})?",
    rf"\b{_MONTH} (?:19|20)\d\d\b",
    r"\b(?:in|since|born|from|until|en|desde) (?:19|20)\d\d\b",
)
_ADDRESSES = (
    rf"\b\d{{1,6}}[a-z]? (?:[nsew]\.? )?(?:{_WORD} ){{1,3}}{_STREET}\b\.?(?:,? (?:apt|suite|unit|#)\.? ?\w+)?",
    r"\bp\.? ?o\.? box \d+",
    r"\b(?:apt|apartment|suite|unit)\.? #?\d+\w?",
)
_NAMES = (
    *(rf"(?<=\b{cue} ){_WORD}{_SURNAME}" for cue in ("my name is", "my name['’]s", "my names", "me llamo")),
    rf"(?<=\bmi nombre es ){_WORD}{_SURNAME}",
    *(rf"(?<=\b{cue} ){_WORD}" for cue in ("call me", "named", "is called", "se llama")),
)
_WRITTEN_NAMES = (
    r"\b(?:[Mm]r|[Mm]rs|[Mm]s|Miss|[Dd]r|[Pp]rof|[Ss]r|[Ss]ra)\.? [A-Za-z][\w'’-]+(?: [A-Z][\w'’-]+)?",
    rf"(?<=\b[Ii]['’]m ){_NAMED}",
    rf"(?<=\bI am ){_NAMED}",
    rf"(?<=\b[Tt]his is ){_NAMED}",
)
_PLACES = (
    r"\b[A-Z]{2} \d{5}(?:-\d{4})?\b",
    r"\b(?:zip|postcode|postal)(?: code)?(?: is)? \d\w*",
    rf"\b(?:live|lives|living|based|vivo|vive) (?:in|near|at|en) {_NAMED}(?:, {_NAMED})*",
)
_DIGITS = 7  # of a telephone number, or more
_NUMBERS = (r"#\s?\d{3,}", r"\b[A-Za-z]{0,4}-?\d[\d-]{4,}\w*\b", r"\b\d{5,}\b")


def _any(patterns: tuple[str, ...], flags: int = 0) -> re.Pattern[str]:
    return re.compile("|".join(patterns), flags)


_RULES = (
    ("e-mail", re.compile(r"[\w.+-]+\s?@\s?[\w-]+(?:\s?\.\s?[\w-]+)+")),
    ("link", re.compile(r"\b(?:https?://|www\.)\S+|\b[\w-]+\.(?:com|org|net|edu|gov|io|info)\b(?:/\S*)?", re.I)),
    ("account", re.compile(r"(?<![\w@])@\w[\w.]{2,}|\bu/\w+", re.I)),
    ("number", re.compile(r"\b\d{3}-\d{2}-\d{4}\b|\b\d{1,3}(?:\.\d{1,3}){3}\b")),
    ("date", _any(_DATES, re.I)),
    ("address", _any(_ADDRESSES, re.I)),
    ("place", _any(_PLACES)),
    ("name", _any(_NAMES, re.I)),
    ("name", _any(_WRITTEN_NAMES)),
    ("age", re.compile(r"\b(?:9\d|1[0-2]\d)[- ]?(?:years?|yrs?)[- ]?old\b|\baged? (?:9\d|1[0-2]\d)\b", re.I)),
    ("number", _any(_NUMBERS)),
)
_AFTER_KIN = re.compile(rf"\b([Mm]y|our|his|her|mi|mis) ({_KIN}),? ({_NAMED})")
_CAPITAL = re.compile(r"(?<![.!?…\"“:]\s)(?<!^)(?<!\n)(?<!\[)\b([A-Z][a-z'’]+(?:-[A-Z][a-z]+)*)\b")
_EACH = re.compile(rf"(?<!\[)\b{_WORD}\b(?!\])")
# Written with a capital, and naming nobody.
_NOBODY = frozenset(
    re.split(
        r"\s+",
        """i im ive id ill english spanish french german american british christian muslim jewish catholic buddhist
        monday tuesday wednesday thursday friday saturday sunday january february march april may june july august
        september october november december christmas easter thanksgiving internet google covid prozac zoloft lexapro
        xanax ritalin adderall wellbutrin medicare medicaid zoom freud jung rorschach cozolino god""",
    )
)


def redact(text: str, known: Collection[str] = ()) -> str:
    """The text with names, numbers of every kind, addresses, dates, accounts and links replaced: "[name]", "[phone]",
    "[date]" … Rules find what has a form or a cue; a rare name without either, in small letters, may stay. `known` are
    words, in small letters, that name nobody even when written with a capital."""
    for start, end in reversed(list(_phones(text))):
        text = f"{text[:start]}[phone]{text[end:]}"
    for label, pattern in _RULES:
        text = pattern.sub(f"[{label}]", text)
    text = _AFTER_KIN.sub(r"\1 \2 [name]", text)
    text = _CAPITAL.sub(lambda m: m[0] if _plain(m[1]) in _NOBODY or _plain(m[1]) in known else "[name]", text)
    text = _EACH.sub(lambda m: "[name]" if _is_name(m[0]) else m[0], text)
    text = re.sub(r"\[name\](?: [A-Z][\w'’-]+)+", "[name]", text)
    return re.sub(r"\[name\](?:\s+\[name\])+", "[name]", text).strip()


def _phones(text: str) -> Iterator[tuple[int, int]]:
    if sum(map(str.isdigit, text)) < _DIGITS:
        return
    for match in phonenumbers.PhoneNumberMatcher(text, "US", leniency=phonenumbers.Leniency.POSSIBLE):
        if sum(map(str.isdigit, match.raw_string)) >= _DIGITS:
            yield match.start, match.end


def _plain(word: str) -> str:
    return re.sub(r"['’]s?$", "", word).replace("'", "").replace("’", "").casefold()


def _is_name(word: str) -> bool:
    plain = _plain(word)
    return plain in GIVEN and not (plain in ALSO_WORDS and word[:1].islower())
