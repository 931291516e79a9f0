"""The filter: one message and the conversation's memory in, what was noticed out; rules always, examples where they may raise."""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from bot.model import Fired, Reason, Route, SafetyMemory, Urgency, Verdict
from bot.safety.answers import read_answer
from bot.safety.examples import Example, Examples
from bot.safety.finding import Found, find, without, without_idioms
from bot.safety.fold import Tokens, tokens
from bot.safety.language import language_of
from bot.safety.loading import load_pack
from bot.safety.pack import Pack, RuleFault, Sum
from bot.safety.proof import Finding, prove
from bot.safety.screening import Screening, added_up, remembered, verdict_of
from bot.words import Words

Embed = Callable[[Sequence[str]], np.ndarray]


class Filter:
    """Made once at start. Raises RuleFault for a rule that cannot be used."""

    def __init__(
        self, words: Words, *, embed: Embed | None = None, rules_only: bool = False, shadow: Path | None = None
    ) -> None:
        self.words = words
        files = {code: language.rules for code, language in words.languages.items() if language.rules}
        self.packs: dict[str, Pack] = {code: load_pack(code, tables) for code, tables in files.items()}
        self.common = {code: pack.grammar.words["common"] for code, pack in self.packs.items()}
        self._own = _own_words(self.packs)
        self._others: dict[tuple[str, str], frozenset[str]] = {}
        self._full = frozenset(code for code, pack in self.packs.items() if not pack.floor)
        self.examples = None if rules_only or embed is None else self._likeness(embed)
        self.shadow = _shadowed(files, shadow) if shadow else None

    def _likeness(self, embed: Embed) -> Examples:
        """The second stage: the reviewed examples, and those that the English rules carry as their proof."""
        pack = self.packs["en"]
        grave, quiet = [], []
        for rule in pack.rules:
            for text in rule.fires_on:
                verdict = self._screen(text, tokens(text), SafetyMemory(), "en", "en", self.packs, None).verdict
                if verdict.urgency >= Urgency.CHECK_IN:
                    grave.append(Example(f"example.{rule.id}", verdict.urgency, verdict.reason, rule.why, text))
        calm = [text for text, _, _ in pack.calm] + [text for idiom in pack.allows for text in idiom.calms]
        for text in dict.fromkeys([*calm, *(text for rule in pack.rules for text in rule.silent_on)]):
            if self._screen(text, tokens(text), SafetyMemory(), "en", "en", self.packs, None).verdict.urgency == 0:
                quiet.append(text)
        return Examples(self.words.language("en").tables.get("examples", {}), embed, grave, quiet)

    def screen(
        self, text: str, memory: SafetyMemory = SafetyMemory(), *, language: str = "", country: str = ""
    ) -> Screening:
        """Reads a text of any length whole. Never raises for anything a visitor can type."""
        found = tokens(text)
        spoken = language_of(text, found.words, self.common, self._full)
        screening = self._screen(text, found, memory, language, spoken, self.packs, self.examples)
        if self.shadow:
            other = self._screen(text, found, memory, language, spoken, self.shadow, self.examples).verdict
            if (other.urgency, other.reason) != (screening.verdict.urgency, screening.verdict.reason):
                screening = replace(screening, shadow=other)
        return screening

    def prove(self) -> list[Finding]:
        """Every rule's examples, and contradictions between rules. Empty when all hold."""
        return prove(self)

    def _screen(
        self,
        text: str,
        found: Tokens,
        memory: SafetyMemory,
        language: str,
        spoken: str,
        packs: Mapping[str, Pack],
        examples: Examples | None,
    ) -> Screening:
        codes = self._packs_for(found, language, spoken, packs)
        foreign = self._foreign(language, spoken)
        read = {
            code: self._read(text, _hidden(found, foreign) if code == "en" and foreign else found, packs[code])
            for code in codes
        }
        spoken = spoken or self._shown_by(read)
        hits = [hit for result in read.values() for hit in result.hits]
        places = [(hit.sign, hit.span) for hit in hits if hit.sign]
        signs = [sign for sign, _ in places]
        main = packs.get(spoken) or packs.get(language) or packs["en"]
        extra: list[Fired] = []
        answer = read_answer(main, found, memory, hits)
        if answer:
            signs += answer.signs
            places += [(sign, (0, 0)) for sign in answer.signs]
            extra += answer.fired
        sums = added_up(_sums(packs, read), places, frozenset(memory.signs))
        verdict, _ = verdict_of(hits, sums, extra, memory, "rules")
        twos = int(memory.notes.get("noticed", 0))
        if verdict.urgency == Urgency.CHECK_IN and verdict.reason is Reason.SUICIDE and twos:
            extra.append(
                Fired(
                    "memory.repeated", verdict.fired[0].span, 3, Reason.SUICIDE, "Said so before in this conversation."
                )
            )
            verdict, _ = verdict_of(hits, sums, extra, memory, "rules")
        if examples and verdict.urgency < Urgency.CRISIS and spoken in ("", "en"):
            others = [hit.span for hit in hits if hit.whose == "other"]
            lowered = [hit.span for hit in hits if hit.urgency < hit.rule.urgency and hit.whose == "self"]
            bare = without(without_idioms(text, found, packs["en"]), lowered)
            nearest = self._nearest(examples, text, bare, verdict.urgency, others)
            at_others = any(hit.reason is Reason.HARM_TO_OTHERS for hit in hits)
            if nearest and not (at_others and nearest.reason is Reason.SELF_HARM):  # “hurt” lies near “hurt”, whoever is hurt
                verdict, _ = verdict_of(hits, sums, [*extra, nearest], memory, "examples")
        if (
            verdict.urgency == 0
            and spoken
            and not self.words.language(spoken).blocks
            and spoken not in self._spoken_here()
        ):
            verdict = _unsupported(verdict)
        notes: dict[str, Any] = {"answered": answer.value if answer else "", "answered_to": memory.pending if answer else ""}
        if verdict.urgency >= Urgency.CHECK_IN and verdict.reason is Reason.SUICIDE:
            notes["noticed"] = twos + 1
        after = remembered(memory, verdict, tuple(signs), notes)
        verdict = _minor(verdict, after)
        after = replace(after, level=verdict.level, reason=verdict.level_reason)
        return Screening(verdict, after, verdict.level > memory.level, spoken)

    @staticmethod
    def _nearest(
        examples: Examples, text: str, bare: str, urgency: int, others: Sequence[tuple[int, int]]
    ) -> Fired | None:
        """What raises the text as typed, and also without its idioms and what is past (`bare`); of both the milder."""
        found = examples.nearest(text, urgency, others)
        if found is None or bare == text:
            return found
        again = examples.nearest(bare, urgency, others)
        return None if again is None else min(found, again, key=lambda fired: fired.urgency)

    def _spoken_here(self) -> frozenset[str]:
        return frozenset(code for code, language in self.words.languages.items() if language.blocks)

    def _read(self, text: str, found: Tokens, pack: Pack) -> Found:
        return find(text, pack.masks.chunks(text, found), pack)

    def _foreign(self, language: str, spoken: str) -> frozenset[str]:
        """Words that English must not take for its own, since the text is in another language that the bot speaks."""
        code = spoken or language.split("-")[0].lower()
        if code == "en" or code not in self._full:
            return frozenset()
        if (code, spoken) not in self._others:
            english = self.packs["en"]
            shared = frozenset() if spoken else english.masks.known
            others = self.packs[code].masks.known - shared - english.grammar.words["common"]
            self._others[code, spoken] = others
        return self._others[code, spoken]

    def _shown_by(self, read: Mapping[str, Found]) -> str:
        """The language of a text too short to show one: that of the only rules which found something in it."""
        codes = {
            code
            for code, found in read.items()
            if code in self._full and any(h.urgency or h.rule.intent for h in found.hits)
        }
        return codes.pop() if len(codes) == 1 and "en" not in codes else ""

    def _packs_for(self, found: Tokens, language: str, spoken: str, packs: Mapping[str, Pack]) -> list[str]:
        """English always, the language stated and the one found, and each pack whose own words are in the text.

        Where no language shows, all are read.
        """
        seen = set(found.words)
        seen.update(part for word in found.words if "'" in word for part in word.split("'"))
        if spoken in packs:
            seen = {w for w in seen if w not in packs[spoken].masks.known and w not in self.common[spoken]}
        codes = ["en", *(code for code in (language.split("-")[0].lower(), spoken) if code in packs)]
        codes += [code for code, own in self._own.items() if not own.isdisjoint(seen)]
        codes += [] if spoken else sorted(packs)
        return [code for code in dict.fromkeys(codes) if code in packs]


def _own_words(packs: Mapping[str, Pack]) -> dict[str, frozenset[str]]:
    """For each language beside English the words of its rules that English rules and small words do not have."""
    english = packs["en"].masks.known | packs["en"].grammar.words["common"] if "en" in packs else frozenset()
    return {
        code: frozenset(key for key in (*pack.index, *pack.grammar.words["strong_self"]) if not key.endswith("*"))
        - english
        for code, pack in packs.items()
        if code != "en"
    }


def _hidden(found: Tokens, foreign: frozenset[str]) -> Tokens:
    """The tokens with the words of another language marked, so that no word of ours is seen in them."""
    words = [f"~|~{word}" if word in foreign else word for word in found.words]
    return Tokens(words, found.starts, found.ends, found.breaks)


def _sums(packs: Mapping[str, Pack], read: Mapping[str, Found]) -> tuple[Sum, ...]:
    sums: dict[str, Sum] = {}
    for code in read:
        for sum_ in packs[code].sums:
            sums.setdefault(sum_.id, sum_)
    return tuple(sums.values())


def _unsupported(verdict: Verdict) -> Verdict:
    return replace(verdict, route=Route.HUMAN, reason=Reason.UNSURE, reply="multilingual")


def _minor(verdict: Verdict, memory: SafetyMemory) -> Verdict:
    """While a minor is here the conversation stays at 1 at least, until a clinician clears it."""
    if not memory.minor or verdict.level >= Urgency.CONCERN:
        return verdict
    return replace(verdict, level=int(Urgency.CONCERN), level_reason=Reason.MINOR)


def _shadowed(files: Mapping[str, Mapping[str, Mapping[str, Any]]], folder: Path) -> dict[str, Pack]:
    """Our packs with the shadow folder's rules (corpus-like: <language>/rules/*.toml) laid over them."""
    if not folder.is_dir():
        raise RuleFault(
            str(folder), "", "is not a folder: HANDRAIL_SHADOW names a folder with <language>/rules/*.toml in it"
        )
    packs: dict[str, Pack] = {}
    for code, tables in files.items():
        mine = dict(tables)
        for path in sorted((folder / code / "rules").glob("*.toml")):
            try:
                mine[path.stem] = tomllib.loads(path.read_text(encoding="utf-8"))
            except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
                raise RuleFault(str(path), "", str(error)) from None
        packs[code] = load_pack(code, mine)
    return packs
