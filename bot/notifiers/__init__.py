"""How staff learn of it: one file a notifier, and its name is the setting's value before the colon."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Mapping

from bot.hours import Hours
from bot.ladder import VISITOR, VisitorNotice
from bot.ports import Clock, Notifier, Store
from bot.settings import Settings, SettingsFault
from bot.words import Words

_NOT_PLUGS = frozenset({"addresses"})


def names() -> tuple[str, ...]:
    """The notifiers there are."""
    return tuple(sorted(m.name for m in pkgutil.iter_modules(__path__) if m.name not in _NOT_PLUGS))


def senders(settings: Settings, words: Words, store: Store, clock: Clock) -> Mapping[str, Notifier]:
    """Every notifier by its name, and the sender of the word to the visitor.

    Raises SettingsFault, in one line, when a target names a notifier that there is not, or one lacks its settings.
    """
    used = [(t, "HANDRAIL_NOTIFY=" + t) for t in targets(settings)]
    used += [(t, f"practice.toml: [duty] {t}") for t in on_duty(words)]
    for target, where in used:
        name, colon, address = target.partition(":")
        if name not in names() or (name != "console" and not (colon and address)):
            raise SettingsFault(f"{where}: there are {', '.join(names())}; write mailto:duty@example.org")
    made: dict[str, Notifier] = {}
    for name in names():
        plug = importlib.import_module(f"{__name__}.{name}")
        addresses = tuple(t.partition(":")[2] for t, _ in used if t.partition(":")[0] == name)
        made[name] = plug.make(settings, words, store, clock, addresses)
    made[VISITOR] = VisitorNotice(store, words, Hours(words.practice), clock)
    return made


def targets(settings: Settings) -> tuple[str, ...]:
    """HANDRAIL_NOTIFY, one target after the other."""
    return tuple(filter(None, (t.strip() for t in settings.notify.split(","))))


def on_duty(words: Words) -> tuple[str, ...]:
    """Every target that [duty] names: the chain, the weekdays' rota, and who is told out of hours."""
    duty = words.practice.get("duty") or {}
    lists = [duty.get("chain", []), duty.get("out_of_hours", []), *(duty.get("rota") or {}).values()]
    return tuple(dict.fromkeys(str(target) for found in lists for target in found))
