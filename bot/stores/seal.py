"""Bodies at rest: AES-256-GCM, a data key per conversation, wrapped by a key that is derived from the secret."""

from __future__ import annotations

import hashlib
import hmac
import os
from collections.abc import Callable, Sequence
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from bot.model import StoreFault

Chance = Callable[[int], bytes]
"""That many random bytes."""

_NONCE = 12
_FORM = b"\x01"  # the first byte of everything sealed: how it was sealed
_REMEMBERED = 8192  # unwrapped keys kept in memory


class Lock:
    """One data key in use. `about` (the row that a body belongs to) is bound in: a body moved does not open."""

    __slots__ = ("_chance", "_gcm", "_key", "_owner")

    def __init__(self, key: bytes, owner: str, chance: Chance) -> None:
        self._key, self._gcm, self._owner, self._chance = key, AESGCM(key), owner.encode(), chance

    def seal(self, plain: bytes, about: str) -> bytes:
        nonce = self._chance(_NONCE)
        return _FORM + nonce + self._gcm.encrypt(nonce, plain, self._owner + b"\0" + about.encode())

    def open(self, sealed: bytes, about: str) -> bytes:
        """Raises StoreFault when the bytes were changed, or belong to another row or key."""
        try:
            if sealed[:1] != _FORM:
                raise InvalidTag
            return self._gcm.decrypt(sealed[1 : 1 + _NONCE], sealed[1 + _NONCE :], self._owner + b"\0" + about.encode())
        except InvalidTag:
            raise StoreFault(
                f"a stored body of {self._owner.decode()} ({about}) does not open: it was changed or moved"
            ) from None

    def digest(self, *parts: str) -> bytes:
        """To compare a text without keeping it: HMAC-SHA256 under the key, so that it dies with the key."""
        return hmac.digest(self._key, "\0".join(parts).encode("utf-8", "surrogatepass"), "sha256")


class _Wrap:
    """One secret's wrapping key and its fingerprint."""

    __slots__ = ("fingerprint", "gcm")

    def __init__(self, secret: str) -> None:
        self.gcm = AESGCM(_derived(secret.encode(), b"handrail/wrap/1"))
        self.fingerprint = _derived(secret.encode(), b"handrail/name/1")[:8]


def _derived(secret: bytes, what_for: bytes) -> bytes:
    return HKDF(algorithm=SHA256(), length=32, salt=None, info=what_for).derive(secret)


class Safe:
    """All keys that the secrets open. New keys are wrapped by the first secret; older secrets still read."""

    def __init__(self, secret: str, previous: Sequence[str] = (), chance: Chance = os.urandom) -> None:
        if not secret:
            raise StoreFault("no secret key: set HANDRAIL_SECRET_KEY")
        self._wraps = {w.fingerprint: w for w in map(_Wrap, (secret, *filter(None, previous)))}
        self._current = _Wrap(secret)
        self._chance = chance
        self._locks: dict[bytes, Lock] = {}
        self._own: Lock | None = None
        self._chain = b""
        self.store_name = ""

    @property
    def fingerprint(self) -> bytes:
        """Names the secret in use without telling it."""
        return self._current.fingerprint

    def new_key(self, owner: str) -> tuple[bytes, Lock]:
        """(wrapped, unwrapped) data key for a conversation, or for the store itself."""
        key = self._chance(32)
        wrapped = self._wrapped(key, owner)
        return wrapped, self._remember(wrapped, Lock(key, owner, self._chance))

    def lock(self, owner: str, wrapped: bytes) -> Lock:
        found = self._locks.get(wrapped)
        return found or self._remember(wrapped, Lock(self._unwrapped(owner, wrapped), owner, self._chance))

    def forget(self, wrapped: bytes) -> None:
        self._locks.pop(wrapped, None)

    def rewrapped(self, owner: str, wrapped: bytes) -> bytes | None:
        """The same data key under the present secret; None when it is already."""
        if wrapped[:8] == self._current.fingerprint:
            return None
        return self._wrapped(self._unwrapped(owner, wrapped), owner)

    def open_store(self, wrapped: bytes) -> None:
        """Sets the store's own key (for webhook secrets, one-time codes, the audit chain). Raises StoreFault: another
        secret."""
        key = self._unwrapped("store", wrapped)
        self._own, self._chain = Lock(key, "store", self._chance), _derived(key, b"handrail/audit/1")
        self.store_name = _derived(key, b"handrail/store/1")[:4].hex()  # the same for all of its life

    @property
    def own(self) -> Lock:
        if self._own is None:
            raise StoreFault("the store is not open")
        return self._own

    def link(self, before: bytes, row: bytes) -> bytes:
        """The audit chain's next link: HMAC-SHA256 over the link before and the row."""
        return hmac.digest(self._chain, before + hashlib.sha256(row).digest(), "sha256")

    def _wrapped(self, key: bytes, owner: str) -> bytes:
        nonce = self._chance(_NONCE)
        return self._current.fingerprint + nonce + self._current.gcm.encrypt(nonce, key, owner.encode())

    def _unwrapped(self, owner: str, wrapped: bytes) -> bytes:
        wrap = self._wraps.get(wrapped[:8])
        try:
            if wrap is None:
                raise InvalidTag
            return wrap.gcm.decrypt(wrapped[8 : 8 + _NONCE], wrapped[8 + _NONCE :], owner.encode())
        except InvalidTag:
            raise StoreFault(
                "the data was written under another secret key: set HANDRAIL_SECRET_KEY to that one"
                " (or name it in HANDRAIL_PREVIOUS_SECRET_KEYS); nothing was changed"
            ) from None

    def _remember(self, wrapped: bytes, lock: Lock) -> Lock:
        if len(self._locks) >= _REMEMBERED:
            self._locks.clear()
        self._locks[wrapped] = lock
        return lock


def kept_secret(data: Path, chance: Chance = os.urandom) -> str:
    """The secret in the data folder's `secret.key` (mode 0600), made on the first run. Raises StoreFault."""
    path = data / "secret.key"
    try:
        if path.exists():
            found = path.read_text(encoding="utf-8").strip()
            if not found:
                raise StoreFault(f"{path} is empty: put the secret key back, or set HANDRAIL_SECRET_KEY")
            return found
        secret = chance(32).hex()
        handle = os.open(path.with_suffix(".new"), os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(secret + "\n")
            file.flush()
            os.fsync(file.fileno())
        os.rename(path.with_suffix(".new"), path)
        sync_folder(data)
        return secret
    except OSError as error:
        raise StoreFault(f"{path}: {error.strerror}: the secret key cannot be kept there") from None


def sync_folder(folder: Path) -> None:
    """Makes names that were made, changed or taken away last. Raises OSError."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
