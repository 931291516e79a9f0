"""Details out of a visitor's words: for whom, a name, one contact, wishes. What is not plainly there is not read."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import phonenumbers
from email_validator import EmailNotValidError, validate_email
from phonenumbers import Leniency, PhoneNumberFormat, PhoneNumberMatcher

from bot.words import Words

_MAIL = re.compile(r"[^\s<>(),;:\"\[\]]+@[^\s<>(),;:\"\[\]]+")
_DIGITS = re.compile(r"\+?\d[\d\s().\-/]{3,}\d")
NAME_LENGTH = 80
FEWEST = 5  # digits of a telephone number, anywhere


@dataclass(frozen=True, slots=True)
class Contact:
    value: str  # a phone number in international form, or a normalised e-mail address; as written when `kind` is ""
    kind: str  # phone | email | "" (it looks like one, and is not valid)
    written: str = ""  # as it stands in the text, for a valid one


def contact_in(text: str, region: str) -> Contact | None:
    """The first valid e-mail address or phone number; one that only looks like it has no kind. No network is asked."""
    broken = ""
    for match in _MAIL.finditer(text):
        try:
            found = validate_email(match[0].strip(".,;!?'"), check_deliverability=False, test_environment=True)
            return Contact(found.normalized, "email", match[0])
        except EmailNotValidError:
            broken = broken or match[0]
    for leniency in (Leniency.VALID, Leniency.POSSIBLE) if sum(map(str.isdigit, text)) >= FEWEST else ():
        for number in PhoneNumberMatcher(text, region, leniency):
            if phonenumbers.is_valid_number(number.number):
                shown = phonenumbers.format_number(number.number, PhoneNumberFormat.INTERNATIONAL)
                return Contact(shown, "phone", number.raw_string)
    digits = _DIGITS.search(text)
    if digits and sum(c.isdigit() for c in digits[0]) >= FEWEST:
        broken = broken or digits[0]
    if "@" in text:
        broken = broken or "@"
    return Contact(broken, "") if broken else None


@dataclass(frozen=True, slots=True)
class _Patterns:
    whole: Mapping[str, re.Pattern[str]]
    part: Mapping[str, tuple[re.Pattern[str], ...]]
    me: frozenset[str]  # words for the visitor themselves


class Details:
    """The patterns of corpus/<language>/booking.toml; English ones for a language without."""

    def __init__(self, words: Words) -> None:
        self._words = words
        self._of = lru_cache(maxsize=16)(self._make)

    def _make(self, language: str) -> _Patterns:
        english: Mapping[str, Any] = self._words.language("en").tables.get("booking", {})
        own: Mapping[str, Any] = self._words.language(language).tables.get("booking", {}) or english
        polite = own.get("courtesies", "(?!)")
        whole = {
            name: re.compile(rf"(?:{polite}[\s,.!]+)*(?:{'|'.join(patterns)})(?:[\s,.!]+{polite})*", re.I)
            for name, patterns in own.get("whole", {}).items()
        }
        part = {name: tuple(re.compile(p, re.I) for p in patterns) for name, patterns in own.get("part", {}).items()}
        return _Patterns(whole, part, frozenset(own.get("me", ("me", "myself"))))

    def is_(self, what: str, text: str, language: str) -> bool:
        """Whether the whole message says that (`yes`, `no`, `skip` …), courtesies and closing punctuation aside."""
        pattern = self._of(language).whole.get(what)
        return bool(pattern and pattern.fullmatch(plain(text).rstrip(" .!,…")))

    def has(self, what: str, text: str, language: str) -> bool:
        return self._find(what, text, language) is not None

    def _find(self, what: str, text: str, language: str) -> re.Match[str] | None:
        text = plain(text)
        for pattern in self._of(language).part.get(what, ()):
            if match := pattern.search(text):
                return match
        return None

    # ── each detail ──

    def whom(self, text: str, language: str, asked: bool) -> str:
        """ "me", or the visitor's own words for somebody else ("my daughter"); "" when not said."""
        match = self._find("whom", text, language)
        if match is None and asked:
            match = self._find("whom_asked", text, language)
        if match is None:
            return ""
        found = " ".join(match["whom"].split())
        return "me" if found.lower() in self._of(language).me else found

    def name(self, text: str, language: str, asked: bool) -> str:
        """A name that is said to be one, or, when it was asked for, a short message that can be one."""
        patterns = self._of(language)
        for pattern in patterns.part.get("name", ()):
            if match := pattern.search(plain(text)):
                return self._trimmed(match["name"], patterns)
        for pattern in patterns.part.get("name_after_whom", ()):
            if match := re.search(pattern.pattern, text):  # a capital letter is the sign: case counts here
                return match["name"]
        if not asked or any(self.is_(w, text, language) for w in ("yes", "no", "decline", "unsure", "give_up")):
            return ""
        head, _, tail = plain(text).partition(",")
        bare = (head if any(c.isdigit() or c == "@" for c in tail) else plain(text)).strip(" .,!\"'")
        for pattern in patterns.part.get("name_lead", ()):
            bare = pattern.sub("", bare, count=1)
        if any(p.search(bare) for p in patterns.part.get("not_a_name", ())) or "?" in bare or "\n" in bare:
            return ""
        if not bare or len(bare) > NAME_LENGTH or len(bare.split()) > 5 or not any(c.isalpha() for c in bare):
            return ""
        return "" if _MAIL.search(bare) or sum(c.isdigit() for c in bare) > 4 else bare

    @staticmethod
    def _trimmed(name: str, patterns: _Patterns) -> str:
        for pattern in patterns.part.get("name_end", ()):
            name = pattern.sub("", name)
        return name.strip(" .,!\"'")[:NAME_LENGTH]

    def safe_contact(self, text: str, language: str) -> str:
        """A wish about being reached, in the visitor's own words: "text only", "don't call after 6"."""
        match = self._find("safe_contact", text, language)
        return " ".join(match[0].split()) if match else ""

    def may_leave(self, text: str, language: str, asked: bool) -> str:
        """yes | no | "" """
        if self.has("leave_no", text, language):
            return "no"
        if self.has("leave_yes", text, language):
            return "yes"
        if not asked:
            return ""
        return "yes" if self.has("yes_start", text, language) else "no" if self.has("no_start", text, language) else ""


def plain(text: str) -> str:
    return text.replace("’", "'").replace("‘", "'").strip()
