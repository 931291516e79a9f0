"""Data keys moved from an older secret to the present one; the bodies stay as they are."""

from __future__ import annotations

from sqlalchemy import LargeBinary, bindparam, func, select, text

from bot.model import StoreFault
from bot.stores.prepared import Prepared, Tx
from bot.stores.schema import conversations as c
from bot.stores.schema import meta

_BATCH = 500
_NAMED = func.substr(c.c.data_key, 1, 8, type_=LargeBinary)
_OLD = (
    select(c.c.id, c.c.data_key)
    .where(c.c.data_key.is_not(None), bindparam("present", type_=LargeBinary) != _NAMED)
    .limit(_BATCH)
)
_OLDER = Prepared(_OLD, postgresql=_OLD.with_for_update())
_WRITE = Prepared(text("UPDATE conversations SET data_key = :wrapped WHERE id = :id"))
META = Prepared(select(meta.c.value).where(meta.c.name == bindparam("name")))
SET_META = Prepared(text("UPDATE meta SET value = :value WHERE name = :name"))
ADD_META = Prepared(text("INSERT INTO meta (name, value) VALUES (:name, :value)"))


def rewrap_some(tx: Tx) -> int:
    """The store's own key and the next conversations'. How many; 0 when all are under the present secret."""
    done = 0
    own = tx.one(META, {"name": "store_key"})
    if own is not None and (again := tx.safe.rewrapped("store", bytes(own[0]))) is not None:
        tx.run(SET_META, {"name": "store_key", "value": again})
        done += 1
    for id, wrapped in tx.all(_OLDER, {"present": tx.safe.fingerprint}):
        again = tx.safe.rewrapped(id, bytes(wrapped))
        if again is not None:
            tx.run(_WRITE, {"id": id, "wrapped": again})
            tx.safe.forget(bytes(wrapped))
            done += 1
    return done


def open_safe(tx: Tx, make: bool) -> None:
    """Opens the store's own key, or makes it in a new store. Raises StoreFault when the secret is another one."""
    own = tx.one(META, {"name": "store_key"})
    if own is not None:
        tx.safe.open_store(bytes(own[0]))
        if make and tx.one(META, {"name": "backup"}) is not None:
            raise StoreFault("this file is a backup without its keys: put it back with `handrail restore FILE`")
        return
    if not make:
        raise StoreFault("this is no handrail database: it holds no key")
    wrapped, _ = tx.safe.new_key("store")
    tx.run(ADD_META, {"name": "store_key", "value": wrapped})
    tx.safe.open_store(wrapped)
