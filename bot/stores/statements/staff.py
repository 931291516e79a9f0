"""People, keys, sessions, one-time secrets, and the small records of other rooms."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import datetime
from typing import Any

from sqlalchemy import bindparam, delete, insert, select, text, update
from sqlalchemy.dialects import postgresql, sqlite

from bot.model import Key, User
from bot.stores import rows
from bot.stores.prepared import Prepared, Row, Tx
from bot.stores.schema import keys as k
from bot.stores.schema import records as r
from bot.stores.schema import secrets as x
from bot.stores.schema import sessions as s
from bot.stores.schema import users as u

_MINUTE = 60_000_000

_USER = (u.c.id, u.c.email, u.c.name, u.c.role, u.c.password_hash, u.c.totp_secret, u.c.disabled_at, u.c.on_duty)
_NEW_USER: dict[str, Any] = {column.name: bindparam(column.name) for column in _USER}
_ADD_USER = Prepared(  # two replicas at their first start add the same one at the same moment
    sqlite.insert(u).values(_NEW_USER).on_conflict_do_nothing(index_elements=["email"]).returning(u.c.id),
    postgresql=postgresql.insert(u).values(_NEW_USER).on_conflict_do_nothing(index_elements=["email"]).returning(u.c.id),
)
_USERS = Prepared(select(*_USER).order_by(u.c.name, u.c.id))
_USER_BY_ID = Prepared(select(*_USER).where(u.c.id == bindparam("id")))
_USER_BY_EMAIL = Prepared(select(*_USER).where(u.c.email == bindparam("email")))
_CHANGE_USER = Prepared(
    update(u).where(u.c.id == bindparam("key")).values({column.name: bindparam(column.name) for column in _USER[1:]})
)

_KEY = (k.c.id, k.c.name, k.c.prefix, k.c.scopes, k.c.created_at, k.c.expires_at, k.c.revoked_at, k.c.last_used_at)
_ADD_KEY = Prepared(
    insert(k).values(
        {name: bindparam(name) for name in ("id", "name", "prefix", "digest", "scopes", "created_at", "expires_at")}
    )
)
_KEYS = Prepared(select(*_KEY).order_by(k.c.created_at, k.c.id))
_KEY_OF = Prepared(select(*_KEY).where(k.c.digest == bindparam("digest")))
_USED = Prepared(
    text("UPDATE keys SET last_used_at = :now WHERE id = :id AND (last_used_at IS NULL OR last_used_at < :now)")
)
_REVOKE = Prepared(
    text("UPDATE keys SET revoked_at = :at WHERE (id = :which OR name = :which) AND revoked_at IS NULL RETURNING id")
)

_ADD_SESSION = Prepared(
    insert(s).values(
        {
            name: bindparam(name)
            for name in ("id", "digest", "user", "csrf", "created_at", "seen_at", "address", "agent")
        }
    )
)
_SESSION = Prepared(
    select(*_USER, s.c.csrf, s.c.seen_at, s.c.id)
    .select_from(s.join(u, u.c.id == s.c.user))
    .where(s.c.digest == bindparam("digest"), s.c.seen_at > bindparam("idle"), s.c.created_at > bindparam("oldest"))
    .where(u.c.disabled_at.is_(None))
)
_TOUCH = Prepared(text("UPDATE sessions SET seen_at = :now WHERE id = :id AND seen_at < :now"))
_SESSIONS = Prepared(
    select(s.c.id, s.c.digest, s.c.created_at, s.c.seen_at, s.c.address, s.c.agent)
    .where(s.c.user == bindparam("who"))
    .order_by(s.c.seen_at.desc())
)
_END = {
    name: Prepared(delete(s).where(s.c[name] == bindparam("which")).returning(s.c.id))
    for name in ("digest", "user", "id")
}

_SECRET: dict[str, Any] = {name: bindparam(name) for name in ("kind", "digest", "value", "expires_at")}
_KEPT: dict[str, Any] = {name: bindparam(name) for name in ("value", "expires_at")}
_PUT = Prepared(
    sqlite.insert(x).values(_SECRET).on_conflict_do_update(index_elements=["kind", "digest"], set_=_KEPT),
    postgresql=postgresql.insert(x)
    .values(_SECRET)
    .on_conflict_do_update(index_elements=["kind", "digest"], set_=_KEPT),
)
_TAKE = Prepared(
    delete(x)
    .where(x.c.kind == bindparam("kind"), x.c.digest == bindparam("digest"))
    .returning(x.c.value, x.c.expires_at)
)

_RECORD: dict[str, Any] = {name: bindparam(name) for name in ("kind", "id", "value", "updated_at")}
_CHANGED: dict[str, Any] = {name: bindparam(name) for name in ("value", "updated_at")}
_KEEP = Prepared(
    sqlite.insert(r).values(_RECORD).on_conflict_do_update(index_elements=["kind", "id"], set_=_CHANGED),
    postgresql=postgresql.insert(r).values(_RECORD).on_conflict_do_update(index_elements=["kind", "id"], set_=_CHANGED),
)
_RECORDS = Prepared(select(r.c.id, r.c.value).where(r.c.kind == bindparam("kind")).order_by(r.c.id))
_DROP = Prepared(delete(r).where(r.c.kind == bindparam("kind"), r.c.id == bindparam("id")).returning(r.c.id))


def add_user(tx: Tx, user: User) -> None:
    """Raises ValueError when the address is taken."""
    if tx.one(_ADD_USER, {**_user_values(tx, user), "id": user.id}) is None:
        raise ValueError(f"{user.email} has an account already")


def users(tx: Tx) -> tuple[User, ...]:
    return tuple(_user(tx, row) for row in tx.all(_USERS, {}))


def user(tx: Tx, id: str, email: str) -> User | None:
    row = tx.one(_USER_BY_ID, {"id": id}) if id else tx.one(_USER_BY_EMAIL, {"email": email.lower()})
    return None if row is None else _user(tx, row)


def change_user(tx: Tx, id: str, change: Callable[[User], User]) -> User | None:
    old = user(tx, id, "")
    if old is None:
        return None
    new = change(old)
    tx.run(_CHANGE_USER, {**_user_values(tx, new), "key": id})
    return new


def add_key(tx: Tx, key: Key, digest: bytes) -> None:
    tx.run(
        _ADD_KEY,
        {
            "id": key.id,
            "name": key.name,
            "prefix": key.prefix,
            "digest": digest,
            "scopes": json.dumps(sorted(key.scopes)),
            "created_at": rows.micros(key.created_at),
            "expires_at": rows.maybe_micros(key.expires_at),
        },
    )


def keys(tx: Tx) -> tuple[Key, ...]:
    return tuple(map(_key, tx.all(_KEYS, {})))


def key_of(tx: Tx, digest: bytes, now: datetime) -> tuple[Key, bool] | None:
    """(the key, True when its use is to be noted)."""
    row = tx.one(_KEY_OF, {"digest": digest})
    if row is None:
        return None
    key = _key(row)
    if key.revoked_at is not None or (key.expires_at is not None and key.expires_at <= now):
        return None
    return key, row[7] is None or rows.micros(now) - row[7] >= _MINUTE


def key_used(tx: Tx, id: str, now: datetime) -> None:
    tx.run(_USED, {"id": id, "now": rows.micros(now)})


def revoke_key(tx: Tx, which: str, at: datetime) -> bool:
    return bool(tx.all(_REVOKE, {"which": which, "at": rows.micros(at)}))


def add_session(tx: Tx, id: str, digest: bytes, user: str, csrf: str, at: datetime, address: str, agent: str) -> None:
    values = {"id": id, "digest": digest, "user": user, "csrf": csrf, "address": address, "agent": agent[:300]}
    tx.run(_ADD_SESSION, {**values, "created_at": rows.micros(at), "seen_at": rows.micros(at)})


def session(tx: Tx, digest: bytes, now: datetime, idle: float, longest: float) -> tuple[User, str, str] | None:
    """(user, csrf, the session's id when it is to be touched, else "")."""
    at = rows.micros(now)
    row = tx.one(_SESSION, {"digest": digest, "idle": at - int(idle * 1e6), "oldest": at - int(longest * 1e6)})
    if row is None:
        return None
    *who, csrf, seen, id = row
    stale = at - seen > min(_MINUTE // 4, int(idle * 1e6 / 4))
    return _user(tx, tuple(who)), csrf, id if stale else ""


def touch(tx: Tx, id: str, now: datetime) -> None:
    tx.run(_TOUCH, {"id": id, "now": rows.micros(now)})


def sessions(tx: Tx, user: str) -> tuple[dict[str, Any], ...]:
    return tuple(
        {
            "id": id,
            "digest": bytes(digest),
            "created_at": rows.moment(created),
            "seen_at": rows.moment(seen),
            "address": address,
            "agent": agent,
        }
        for id, digest, created, seen, address, agent in tx.all(_SESSIONS, {"who": user})
    )


def end_session(tx: Tx, digest: bytes, user: str, id: str) -> int:
    """By whichever is given; with a user and an id, that session of that user alone."""
    if id and user:
        return len(tx.all(_END["id"], {"which": id})) if any(one["id"] == id for one in sessions(tx, user)) else 0
    given = {"digest": digest, "user": user, "id": id}
    return sum(len(tx.all(_END[name], {"which": value})) for name, value in given.items() if value)


def put_secret(tx: Tx, kind: str, digest: bytes, value: dict[str, Any], expires_at: datetime) -> None:
    sealed = tx.safe.own.seal(rows.as_json(value).encode(), f"secret {kind} {digest.hex()}")
    tx.run(_PUT, {"kind": kind, "digest": digest, "value": sealed, "expires_at": rows.micros(expires_at)})


def take_secret(tx: Tx, kind: str, digest: bytes, now: datetime) -> dict[str, Any] | None:
    row = tx.one(_TAKE, {"kind": kind, "digest": digest})
    if row is None or row[1] <= rows.micros(now):
        return None
    found: dict[str, Any] = json.loads(tx.safe.own.open(row[0], f"secret {kind} {digest.hex()}"))
    return found


def keep(tx: Tx, kind: str, id: str, value: dict[str, Any], at: datetime) -> None:
    sealed = tx.safe.own.seal(rows.as_json(value).encode(), f"record {kind} {id}")
    tx.run(_KEEP, {"kind": kind, "id": id, "value": sealed, "updated_at": rows.micros(at)})


def kept(tx: Tx, kind: str) -> dict[str, dict[str, Any]]:
    own = tx.safe.own
    return {id: json.loads(own.open(value, f"record {kind} {id}")) for id, value in tx.all(_RECORDS, {"kind": kind})}


def drop(tx: Tx, kind: str, id: str) -> bool:
    return tx.one(_DROP, {"kind": kind, "id": id}) is not None


def _user_values(tx: Tx, user: User) -> dict[str, Any]:
    totp = tx.safe.own.seal(user.totp_secret.encode(), f"totp {user.id}") if user.totp_secret else None
    return {
        "email": user.email.lower(),
        "name": user.name,
        "role": user.role,
        "password_hash": user.password_hash,
        "totp_secret": totp,
        "disabled_at": rows.maybe_micros(user.disabled_at),
        "on_duty": int(user.on_duty),
    }


def _user(tx: Tx, row: Row) -> User:
    id, email, name, role, password, totp, disabled, duty = row
    secret = tx.safe.own.open(totp, f"totp {id}").decode() if totp else ""
    return User(id, email, name, role, password, secret, rows.maybe_moment(disabled), bool(duty))


def _key(row: Row) -> Key:
    id, name, prefix, scopes, created, expires, revoked, used = row
    return Key(
        id, name, prefix, frozenset(json.loads(scopes)), rows.moment(created),
        rows.maybe_moment(expires), rows.maybe_moment(revoked), rows.maybe_moment(used),
    )  # fmt: skip
