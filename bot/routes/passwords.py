"""What a staff password must be, and how it is kept: argon2id, never in a log, checked in the same time for anyone."""

from __future__ import annotations

import asyncio
import base64
import re
import secrets
from collections.abc import Sequence
from itertools import pairwise

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from argon2.low_level import ARGON2_VERSION

SHORTEST, LONGEST = 12, 256  # characters

_HASHER = PasswordHasher()  # argon2id, RFC 9106's second recommended setting: 64 MiB, three passes
_AT_ONCE = asyncio.Semaphore(2)  # each hash takes 64 MiB


def _nobody() -> str:
    """What an unknown address is checked against: as long to check as any hash of ours, and no password's."""
    salt, made = (
        base64.b64encode(secrets.token_bytes(size)).rstrip(b"=").decode()
        for size in (_HASHER.salt_len, _HASHER.hash_len)
    )
    return f"$argon2id$v={ARGON2_VERSION}$m={_HASHER.memory_cost},t={_HASHER.time_cost},p={_HASHER.parallelism}${salt}${made}"


_NOBODY = _nobody()
_COMMON = frozenset(
    [
        "password", "passwort", "passw0rd", "p@ssword", "p@ssw0rd", "contrasena", "letmein", "welcome", "willkommen",
        "bienvenido", "admin", "administrator", "root", "login", "qwerty", "qwertyuiop", "qwertz", "azerty",
        "asdfgh", "asdfghjkl", "zxcvbn", "zxcvbnm", "iloveyou", "sunshine", "princess", "dragon", "monkey",
        "football", "baseball", "basketball", "superman", "batman", "master", "shadow", "trustno", "changeme",
        "secret", "whatever", "starwars", "freedom", "therapy", "therapist", "clinic", "clinician", "doctor",
        "mentalhealth", "handrail", "abc", "abcd", "abcdef", "onetwothree", "summer", "winter", "spring", "autumn",
        "monday", "friday", "company", "office", "practice", "counseling", "counselling", "test", "testing",
        "default", "guest", "user",
    ]
)  # fmt: skip
_ROWS = ("abcdefghijklmnopqrstuvwxyz", "01234567890", "09876543210", "qwertyuiop", "asdfghjkl", "zxcvbnm")


def fault(password: str, own: Sequence[str] = ()) -> str:
    """Why it will not do, in one line; "" when it will. `own`: the e-mail address, the name, the practice's name."""
    if len(password) < SHORTEST:
        return f"Use at least {SHORTEST} characters. A sentence is easy to remember."
    if len(password) > LONGEST:
        return f"Use at most {LONGEST} characters."
    plain = password.casefold()
    if len(set(plain)) < 5:
        return "This repeats the same few characters. Use a sentence instead."
    bare = re.sub(r"[\W\d_]+", "", plain)
    if not bare and _is_row(re.sub(r"\W+", "", plain)):
        return "This is one of the first passwords that anyone would try."
    halves = {bare, bare[: len(bare) // 2], bare[(len(bare) + 1) // 2 :]} if _twice(bare) else {bare}
    if halves & _COMMON or _is_row(bare) or plain in _COMMON:
        return "This is one of the first passwords that anyone would try."
    for word in own:
        for part in {word.casefold(), word.casefold().partition("@")[0]}:
            if len(part) > 3 and part in plain and len(plain) - len(part) < 8:
                return "This is too close to your name or e-mail address."
    return ""


def _twice(text: str) -> bool:
    return len(text) > 3 and text[: len(text) // 2] == text[(len(text) + 1) // 2 :]


def _is_row(text: str) -> bool:
    """Mostly neighbours of an alphabet, a number row or a keyboard row."""
    pairs = list(pairwise(text))
    near = sum(a == b or any(a + b in row or b + a in row for row in _ROWS) for a, b in pairs)
    return len(pairs) > 1 and near >= 0.75 * len(pairs)


async def hashed(password: str) -> str:
    async with _AT_ONCE:
        return await asyncio.to_thread(_HASHER.hash, password)


async def matches(password: str, stored: str) -> bool:
    """Takes as long for an account without a password as for any other."""
    async with _AT_ONCE:
        return await asyncio.to_thread(_matches, password, stored or _NOBODY) and bool(stored)


def _matches(password: str, stored: str) -> bool:
    try:
        return _HASHER.verify(stored, password)
    except (VerificationError, InvalidHashError):
        return False
