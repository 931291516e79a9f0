"""One language's rules as they are used: rules, idioms, sums, small words, and what each token stands for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from bot.model import Reason
from bot.safety.masks import Masks
from bot.safety.phrases import Phrase


class RuleFault(ValueError):
    """A rule that cannot be used: which file, which rule, why, and what to do."""

    def __init__(self, file: str, rule: str, why: str) -> None:
        super().__init__(f"{file}: {f'rule “{rule}”: ' if rule else ''}{why}")
        self.file, self.rule, self.why = file, rule, why


@dataclass(frozen=True, slots=True)
class Rule:
    id: str
    file: str
    reason: Reason
    urgency: int
    why: str
    phrases: tuple[Phrase, ...]
    fires_on: tuple[str, ...]
    silent_on: tuple[str, ...]
    unless: tuple[Phrase, ...] = ()  # silent when one of these is in the same sentence
    beside: tuple[Phrase, ...] = ()  # needs one of these in the same sentence
    with_message: tuple[Phrase, ...] = ()  # or anywhere in the message
    sign: str = ""
    who: str = "self"  # self: asks whose it is; any: does not ask
    reply: str = ""
    intent: str = ""
    route: str = ""
    other_reason: Reason = Reason.SOMEONE_ELSE
    effects: Mapping[str, int | None] = field(default_factory=dict)  # None: silent

    def effect(self, name: str) -> int | None:
        return self.effects[name]


@dataclass(frozen=True, slots=True)
class Allow:
    """An idiom: what a rule finds inside it does not count."""

    id: str
    file: str
    why: str
    phrases: tuple[Phrase, ...]
    unless: tuple[Phrase, ...]
    calms: tuple[str, ...]
    not_on: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Sum:
    """Signs that add up: each of `needs` from another sign, or `count` different ones `of` a list."""

    id: str
    file: str
    reason: Reason
    urgency: int
    why: str
    needs: tuple[frozenset[str], ...]
    count: int
    of: frozenset[str]
    over: str  # message | talk
    reply: str
    fires_on: tuple[tuple[str, ...], ...]
    silent_on: tuple[tuple[str, ...], ...]


@dataclass(slots=True)
class Grammar:
    """A language's small words: who is spoken of, what denies, when it is."""

    words: dict[str, frozenset[str]]
    phrases: dict[str, tuple[Phrase, ...]]
    void: tuple[str, ...]  # canonical starts: a negator that opens one of these denies nothing


@dataclass(slots=True)
class Pack:
    """The rules of one language, ready to be used on tokens."""

    language: str
    floor: bool
    rules: tuple[Rule, ...]
    allows: tuple[Allow, ...]
    sums: tuple[Sum, ...]
    calm: tuple[tuple[str, int, str], ...]  # (text, at most this urgency, file)
    grammar: Grammar
    masks: Masks
    same: dict[str, tuple[str, ...]]
    answers: dict[str, tuple[Phrase, ...]]
    index: dict[str, list[tuple[Phrase, int]]]  # key -> (phrase, number of its rule)
    allow_index: dict[str, list[tuple[Phrase, int]]]
    prefixes: tuple[int, ...]
    prefix_keys: frozenset[str]
    forms: dict[str, tuple[str, ...]] = field(default_factory=dict)

    def form(self, word: str) -> tuple[str, ...]:
        """The canonical words that one token stands for."""
        found = self.forms.get(word)
        if found is None:
            if len(self.forms) > 50_000:
                self.forms.clear()
            found = self.forms[word] = self._form(word)
        return found

    def _form(self, word: str) -> tuple[str, ...]:
        known = written(word, self.same)
        if known != (word,) or word in self.masks.known:
            return known
        plain = word.replace("'", "")
        if plain in self.masks.known:
            return (plain,)
        return tuple(w for part in self.masks.word(plain) for w in written(part, self.same))


def written(word: str, same: Mapping[str, tuple[str, ...]]) -> tuple[str, ...]:
    """The word as the pack writes it: `don't` and `dont` become `do not`."""
    found = same.get(word)
    if found is not None:
        return found
    if "'" in word:
        plain = word.replace("'", "")
        found = same.get(plain)
        if found is not None:
            return found
        if word.endswith("'s"):
            return (word[:-2], "s")
        head, _, rest = word.partition("'")
        if len(head) <= 2 and rest:  # l'alcool, d'en, qu'il
            return (head, *written(rest, same))
        return (plain,)
    return (word,)
