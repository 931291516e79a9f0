"""Reads one language's rules: refuses what is broken, by file and id, and says what to do."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from bot.model import Reason
from bot.safety.fold import tokens
from bot.safety.masks import Masks
from bot.safety.pack import Allow, Grammar, Pack, Rule, RuleFault, Sum, written
from bot.safety.phrases import Phrase, PhraseFault, Reader

EFFECTS = ("negated", "other", "generic", "you", "past", "recent", "now", "fiction", "laughing", "hypothetical")
_RULE = {
    "id",
    "reason",
    "urgency",
    "why",
    "match",
    "unless",
    "with",
    "with_message",
    "sign",
    "who",
    "reply",
    "intent",
    "route",
    "other_reason",
    "fires_on",
    "silent_on",
    *EFFECTS,
}
_ALLOW = {"id", "match", "unless", "why", "calms", "not_on"}
_SUM = {"id", "reason", "urgency", "why", "needs", "count", "of", "over", "reply", "fires_on", "silent_on"}
_TABLES = {"sets", "grammar", "same", "emoji", "spelling", "answers", "rule", "allow", "sum", "calm", "pack"}
_WORD_LISTS = (
    "common",
    "self",
    "other",
    "you",
    "generic",
    "strong_self",
    "strong_other",
    "strong_you",
    "strong_generic",
    "negators",
    "barriers",
    "keeps",
    "subjects",
    "laughing",
)
_PHRASE_LISTS = ("void", "past", "returned", "recent", "now", "hypothetical", "fiction")


class _Loader:
    def __init__(self, language: str, files: Mapping[str, Mapping[str, Any]]) -> None:
        self.language, self.files = language, files
        self.sets: dict[str, list[str]] = {}
        self.where: dict[str, str] = {}
        self.same: dict[str, tuple[str, ...]] = {}
        self.reader: Reader

    def load(self) -> Pack:
        lists: dict[str, list[str]] = {name: [] for name in (*_WORD_LISTS, *_PHRASE_LISTS)}
        spelling: dict[str, list[str]] = {"near": [], "real": [], "risky": []}
        floor = False
        for file, table in self._each():
            floor = floor or bool(table.get("pack", {}).get("floor", False))
            self._collect(file, table, lists, spelling)
        common = {w for word in lists["common"] for w in self._words(word)}
        self.reader = Reader(self.sets, lambda w: written(w, self.same), lambda key: 50 if key in common else 1)
        rules, allows, sums, calm = self._rules()
        self._no_duplicates([*rules, *allows, *sums])
        phrases = [p for r in rules for p in (*r.phrases, *r.unless, *r.beside, *r.with_message)]
        phrases += [p for a in allows for p in (*a.phrases, *a.unless)]
        grammar = self._grammar(lists)
        phrases += [p for ps in grammar.phrases.values() for p in ps]
        answers = self._answers()
        phrases += [p for ps in answers.values() for p in ps]
        words = {w for p in phrases for w in p.words} | {w for ws in grammar.words.values() for w in ws} | common
        stems = frozenset(w for w in words if w.endswith("*"))
        known = {w for w in words if not w.endswith("*")} | {w for ws in self.same.values() for w in ws}
        risky = set(spelling["risky"]) | set(spelling["near"])
        return Pack(
            self.language,
            floor,
            tuple(rules),
            tuple(allows),
            tuple(sums),
            tuple(calm),
            grammar,
            Masks(known | risky, risky, spelling["near"], spelling["real"], self.same),
            self.same,
            answers,
            _index((p, n) for n, r in enumerate(rules) for p in r.phrases),
            _index((p, n) for n, a in enumerate(allows) for p in a.phrases),
            tuple(sorted({len(s) - 1 for s in stems})),
            stems,
        )

    def _each(self) -> Iterable[tuple[str, Mapping[str, Any]]]:
        for stem, table in sorted(self.files.items()):
            file = f"{self.language}/rules/{stem}.toml"
            unknown = set(table) - _TABLES
            if unknown:
                raise RuleFault(file, "", f"unknown table {sorted(unknown)[0]}; known are {', '.join(sorted(_TABLES))}")
            if stem.startswith("practice_"):
                taken = [name for name in ("allow", "grammar", "same") if name in table]
                if taken:
                    raise RuleFault(file, "", f"a practice adds rules and takes none away: remove [{taken[0]}]")
            yield file, table

    def _words(self, text: str) -> list[str]:
        return [w for token in tokens(text).words for w in written(token, self.same)]

    def _collect(
        self, file: str, table: Mapping[str, Any], lists: dict[str, list[str]], spelling: dict[str, list[str]]
    ) -> None:
        for name, phrases in table.get("sets", {}).items():
            if name in self.where:
                raise RuleFault(file, "", f"the set @{name} already stands in {self.where[name]}: choose another name")
            if not isinstance(phrases, list) or not all(isinstance(p, str) for p in phrases) or not phrases:
                raise RuleFault(file, "", f"the set @{name} must be a list of phrases")
            self.sets[name], self.where[name] = phrases, file
        for name, words in table.get("grammar", {}).items():
            if name not in lists:
                raise RuleFault(file, "", f"[grammar] has no “{name}”; known are {', '.join(sorted(lists))}")
            lists[name] += words
        for part in ("same", "emoji"):
            for word, became in table.get(part, {}).items():
                key = "".join(tokens(word).words) if part == "emoji" else word.lower().replace("’", "'")
                self.same[key] = tuple(w for t in str(became).split() for w in tokens(t).words)
        for name, words in table.get("spelling", {}).items():
            if name not in spelling:
                raise RuleFault(file, "", f"[spelling] has no “{name}”; known are {', '.join(sorted(spelling))}")
            spelling[name] += [w for word in words for w in tokens(word).words]

    def _rules(self) -> tuple[list[Rule], list[Allow], list[Sum], list[tuple[str, int, str]]]:
        rules, allows, sums, calm = [], [], [], []
        for file, table in self._each():
            rules += [self._rule(file, row) for row in table.get("rule", ())]
            allows += [self._allow(file, row) for row in table.get("allow", ())]
            sums += [self._sum(file, row) for row in table.get("sum", ())]
            for row in table.get("calm", ()):
                calm += [(text, int(row.get("at_most", 0)), file) for text in row.get("texts", ())]
        return rules, allows, sums, calm

    def _head(self, file: str, row: Mapping[str, Any], known: set[str], proofs: tuple[str, str]) -> str:
        name = str(row.get("id", ""))
        if not name:
            raise RuleFault(file, "", "a rule without an id: give it one, in small letters")
        unknown = set(row) - known
        if unknown:
            raise RuleFault(file, name, f"unknown field {sorted(unknown)[0]}; known are {', '.join(sorted(known))}")
        if not str(row.get("why", "")).strip():
            raise RuleFault(file, name, "says no why: write one sentence that a clinician reads")
        for proof in proofs:
            if not row.get(proof):
                raise RuleFault(file, name, f"has no {proof}: write examples of both kinds ({' and '.join(proofs)})")
        return name

    def _phrases(self, file: str, name: str, sources: object) -> tuple[Phrase, ...]:
        if not isinstance(sources, list) or not all(isinstance(s, str) for s in sources):
            raise RuleFault(file, name, "its phrases must be a list of texts")
        try:
            return tuple(self.reader.phrase(s) for s in sources)
        except (PhraseFault, RecursionError) as error:
            raise RuleFault(file, name, f"broken pattern: {error}") from None

    def _reason(self, file: str, name: str, value: object) -> Reason:
        try:
            return Reason(str(value))
        except ValueError:
            raise RuleFault(file, name, f"unknown reason “{value}”; known are {', '.join(Reason)}") from None

    def _urgency(self, file: str, name: str, value: object) -> int:
        if not isinstance(value, int) or not 0 <= value <= 4:
            raise RuleFault(file, name, f"urgency must be 0 to 4, not {value!r}")
        return value

    def _rule(self, file: str, row: Mapping[str, Any]) -> Rule:
        name = self._head(file, row, _RULE, ("fires_on", "silent_on"))
        urgency = self._urgency(file, name, row.get("urgency"))
        effects: dict[str, int | None] = {}
        for effect in EFFECTS:
            value = row.get(effect, _usual(effect, urgency))
            if value == "off":
                effects[effect] = None
            elif value == "same":
                effects[effect] = urgency
            else:
                effects[effect] = self._urgency(file, name, value)
        who = row.get("who", "self")
        if who not in {"self", "any"}:
            raise RuleFault(file, name, f"who is self or any, not {who!r}")
        return Rule(
            name,
            file,
            self._reason(file, name, row.get("reason", "none")),
            urgency,
            row["why"],
            self._phrases(file, name, row.get("match", [])),
            tuple(row["fires_on"]),
            tuple(row["silent_on"]),
            self._phrases(file, name, row.get("unless", [])),
            self._phrases(file, name, row.get("with", [])),
            self._phrases(file, name, row.get("with_message", [])),
            row.get("sign", ""),
            who,
            row.get("reply", ""),
            row.get("intent", ""),
            row.get("route", ""),
            self._reason(file, name, row.get("other_reason", "someone_else")),
            effects,
        )

    def _allow(self, file: str, row: Mapping[str, Any]) -> Allow:
        name = self._head(file, row, _ALLOW, ("calms", "not_on"))
        return Allow(
            name,
            file,
            row["why"],
            self._phrases(file, name, row.get("match", [])),
            self._phrases(file, name, row.get("unless", [])),
            tuple(row["calms"]),
            tuple(row["not_on"]),
        )

    def _sum(self, file: str, row: Mapping[str, Any]) -> Sum:
        name = self._head(file, row, _SUM, ("fires_on", "silent_on"))
        over = row.get("over", "talk")
        if over not in {"message", "talk"}:
            raise RuleFault(file, name, f"over is message or talk, not {over!r}")
        needs = tuple(frozenset(part.strip() for part in need.split("|")) for need in row.get("needs", ()))
        count, of = int(row.get("count", 0)), frozenset(row.get("of", ()))
        if not needs and not (count > 1 and of):
            raise RuleFault(file, name, 'needs either needs = ["sign|sign", …] or count and of')
        return Sum(
            name,
            file,
            self._reason(file, name, row.get("reason", "none")),
            self._urgency(file, name, row.get("urgency")),
            row["why"],
            needs,
            count,
            of,
            over,
            row.get("reply", ""),
            _talks(row["fires_on"]),
            _talks(row["silent_on"]),
        )

    def _grammar(self, lists: Mapping[str, list[str]]) -> Grammar:
        single = ([w for word in lists[name] if len(w := self._words(word)) == 1] for name in _WORD_LISTS)
        words = {
            name: frozenset(w for row in rows for w in row) for name, rows in zip(_WORD_LISTS, single, strict=True)
        }
        phrases = {
            name: self._phrases(f"{self.language}/rules", name, lists[name]) for name in _PHRASE_LISTS if name != "void"
        }
        void = tuple(" ".join(self._words(phrase)) + " " for phrase in lists["void"])
        return Grammar(words, phrases, void)

    def _answers(self) -> dict[str, tuple[Phrase, ...]]:
        found: dict[str, tuple[Phrase, ...]] = {}
        for file, table in self._each():
            for name, sources in table.get("answers", {}).items():
                found[name] = found.get(name, ()) + self._phrases(file, f"answers.{name}", sources)
        return found

    def _no_duplicates(self, rows: Iterable[Rule | Allow | Sum]) -> None:
        seen: dict[str, str] = {}
        for row in rows:
            if row.id in seen:
                raise RuleFault(row.file, row.id, f"this id already stands in {seen[row.id]}: choose another")
            seen[row.id] = row.file


def _usual(effect: str, urgency: int) -> int | str:
    """What a qualifier does to a rule that does not say."""
    if effect in {"negated", "generic", "you", "fiction"}:
        return "off"
    if effect == "other":
        return "off" if urgency == 0 else 4 if urgency == 4 else 1
    if effect == "past":
        return min(urgency, 1)
    if effect in {"laughing", "hypothetical"}:
        return min(urgency, 2)
    return "same"


def _talks(rows: Iterable[str | list[str]]) -> tuple[tuple[str, ...], ...]:
    return tuple((row,) if isinstance(row, str) else tuple(row) for row in rows)


def _index(pairs: Iterable[tuple[Phrase, int]]) -> dict[str, list[tuple[Phrase, int]]]:
    """Each phrase under the keys of its rarest need: no sentence without one of them can match it."""
    index: dict[str, list[tuple[Phrase, int]]] = {}
    for phrase, n in pairs:
        for key in phrase.needs[0]:
            index.setdefault(key, []).append((phrase, n))
    return index


def load_pack(language: str, files: Mapping[str, Mapping[str, Any]]) -> Pack:
    """Raises RuleFault."""
    return _Loader(language, files).load()
