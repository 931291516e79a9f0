"""corpus/ as the code reads it: the practice, its crisis lines, and each language's rules and replies; never None."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any


class WordsFault(ValueError):
    """The corpus, the practice file or the crisis lines cannot be used. Says which file, why, and what to do."""


@dataclass(frozen=True, slots=True)
class CrisisLine:
    id: str
    name: str
    about: tuple[str, ...]  # what for: suicide, crisis, abuse, poison, young, veterans, eating, perinatal, substance …
    call: str = ""
    text: str = ""  # the number to text, or "HOME to 741741"
    chat: str = ""  # an https address
    hours: str = "24/7"
    free: bool = True
    languages: tuple[str, ...] = ("en",)
    source: str = ""
    checked_on: date | None = None
    confidence: str = "primary"  # primary | secondary: seen on the operator's own page, or on another's


@dataclass(frozen=True, slots=True)
class Country:
    """The lines of one country. `code` is "" for the unknown country, whose emergency is words, not a number."""

    code: str
    name: str
    emergency: str
    lines: tuple[CrisisLine, ...]
    source: str = ""
    checked_on: date | None = None

    def about(self, *topics: str) -> tuple[CrisisLine, ...]:
        """Lines for the first topic that has any, in the file's order; else the general ones."""
        for topic in (*topics, "crisis"):
            found = tuple(line for line in self.lines if topic in line.about)
            if found:
                return found
        return self.lines


@dataclass(frozen=True, slots=True)
class Practice:
    """practice.toml. What it does not state is never made up: an empty field means "not stated"."""

    name: str
    telephone: str
    country: str
    time_zone: str
    languages: tuple[str, ...]
    booking_offer: str
    table: Mapping[str, Any] = field(default_factory=dict)  # the whole file

    def get(self, *path: str) -> Any:
        """A value by its path in the file, or "" when not stated."""
        value: Any = self.table
        for name in path:
            value = value.get(name, "") if isinstance(value, Mapping) else ""
        return value


@dataclass(frozen=True, slots=True)
class Language:
    """One folder corpus/<code>/: reply blocks by name, and the TOML tables of its other files by stem."""

    code: str
    folder: Path
    blocks: Mapping[str, tuple[str, ...]]
    rules: Mapping[str, Mapping[str, Any]]  # corpus/<code>/rules/<stem>.toml
    tables: Mapping[str, Mapping[str, Any]]  # corpus/<code>/<stem>.toml


class _Kept(dict[str, Any]):
    """A missing value is shown as nothing, never as an error to a person in need."""

    def __missing__(self, key: str) -> str:
        return ""


class Words:
    """All of it. Made once at start by `load`; replaced whole when the files change."""

    def __init__(
        self, practice: Practice, countries: Mapping[str, Country], languages: Mapping[str, Language], corpus: Path
    ) -> None:
        if "en" not in languages:
            raise WordsFault(f"{corpus}/en is missing: English is the language that every other falls back to")
        if practice.country not in countries:
            raise WordsFault(
                f"crisis_lines.toml has no table [{practice.country}], the practice's country: add it, "
                f"with at least one line; tables there are: {', '.join(sorted(c for c in countries if c))}"
            )
        if not countries[practice.country].lines:
            raise WordsFault(f"crisis_lines.toml: [{practice.country}] has no line; a practice's country needs one")
        self.practice, self.countries, self.languages, self.corpus = practice, countries, languages, corpus

    def language(self, code: str) -> Language:
        """The language's words; English for one that is not shipped."""
        return self.languages.get(code.split("-")[0].lower()) or self.languages["en"]

    def country(self, code: str | None) -> Country:
        """The country's lines; the unknown-country fallback for one without a table."""
        return self.countries.get((code or "").upper()) or self.countries[""]

    def variants(self, block: str, language: str) -> tuple[str, ...]:
        found = self.language(language).blocks.get(block) or self.languages["en"].blocks.get(block)
        if not found:
            raise WordsFault(f"no reply block [{block}] in corpus/en/replies")
        return found

    def has(self, block: str) -> bool:
        return block in self.languages["en"].blocks

    def number(self, written: str, language: str) -> str:
        """A line's number in the words of the language: "988, then 2" and "HOME to 741741" hold an English word."""
        for sign, block in ((", then ", "number_then"), (" to ", "number_keyword")):
            first, found, second = written.partition(sign)
            if found:
                return self.say(block, language, first=first, second=second)[0]
        return written

    def say(self, block: str, language: str, said: Sequence[str] = (), **values: Any) -> tuple[str, str]:
        """(text, ledger key): the block's first variant not in `said`, else the one said longest ago.

        Never word for word twice while a fresh variant is left. `values` fill {names}; the practice's {practice},
        {telephone} and {offer} are always there.
        """
        variants = self.variants(block, language)
        keys = [f"{block}/{n}" for n in range(len(variants))]
        fresh = [n for n, key in enumerate(keys) if key not in said]
        last = {key: place for place, key in enumerate(said)}
        n = fresh[0] if fresh else min(range(len(variants)), key=lambda k: last[keys[k]])
        filled = _Kept(
            practice=self.practice.name, telephone=self.practice.telephone, offer=self.practice.booking_offer, **values
        )
        return variants[n].format_map(filled).strip(), keys[n]


def _toml(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise WordsFault(f"{path} is missing") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise WordsFault(f"{path}: {error}") from None


def read_practice(path: Path) -> Practice:
    table = _toml(path)
    missing = [name for name in ("name", "telephone", "country", "time_zone") if not table.get(name)]
    if missing:
        raise WordsFault(f"{path}: {', '.join(missing)} must be stated")
    return Practice(
        name=table["name"],
        telephone=table["telephone"],
        country=table["country"].upper(),
        time_zone=table["time_zone"],
        languages=tuple(table.get("languages", ["en"])),
        booking_offer=table.get("booking", {}).get("offer", ""),
        table=table,
    )


def _line(table: Mapping[str, Any]) -> CrisisLine:
    """Raises TypeError for a field that there is not, or one left out."""
    fields: dict[str, Any] = {name: tuple(value) if isinstance(value, list) else value for name, value in table.items()}
    return CrisisLine(**fields)


def read_countries(path: Path) -> dict[str, Country]:
    """crisis_lines.toml: a table a country, and [unknown] for the rest."""
    countries: dict[str, Country] = {}
    for code, table in _toml(path).items():
        try:
            lines = tuple(_line(line) for line in table.get("lines", ()))
            key = "" if code == "unknown" else code
            countries[key] = Country(
                key, table["name"], table["emergency"], lines, table.get("source", ""), table.get("checked_on")
            )
        except (TypeError, KeyError, AttributeError) as error:
            raise WordsFault(f"{path}: [{code}]: {error}") from None
    if "" not in countries:
        raise WordsFault(f"{path}: the table [unknown] is missing: what is shown where the country is not known")
    return countries


def _read_language(folder: Path) -> Language:
    blocks: dict[str, tuple[str, ...]] = {}
    single = folder / "replies.toml"
    for path in ([single] if single.exists() else []) + sorted((folder / "replies").glob("*.toml")):
        for name, block in _toml(path).items():
            variants = block.get("variants") if isinstance(block, Mapping) else None
            if not variants or not all(isinstance(v, str) and v.strip() for v in variants):
                raise WordsFault(f'{path}: [{name}] needs variants = ["…"], none of them empty')
            if name in blocks:
                raise WordsFault(f"{path}: [{name}] stands twice")
            blocks[name] = tuple(variants)
    rules = {path.stem: _toml(path) for path in sorted((folder / "rules").glob("*.toml"))}
    tables = {
        path.stem: _toml(path) for path in sorted(folder.glob("*.toml")) if path.stem not in {"replies", "questions"}
    }
    return Language(folder.name, folder, blocks, rules, tables)


def load(corpus: Path, practice: Path | None = None, extra: Path | None = None) -> Words:
    """Reads corpus/ (and `extra`, a practice's own folder laid over it: rules and lines added, replies replaced)."""
    if not corpus.is_dir():
        raise WordsFault(f"{corpus} is not a folder")
    languages = {f.name: _read_language(f) for f in sorted(corpus.iterdir()) if f.is_dir() and (f / "rules").is_dir()}
    countries = read_countries(corpus / "crisis_lines.toml")
    if extra is not None:
        if not extra.is_dir():
            raise WordsFault(f"{extra} is not a folder")
        if (extra / "crisis_lines.toml").exists():
            countries |= read_countries_over(countries, extra / "crisis_lines.toml")
        for folder in sorted(f for f in extra.iterdir() if f.is_dir()):
            languages[folder.name] = _over(languages.get(folder.name), _read_language(folder))
    return Words(read_practice(practice or corpus / "practice.toml"), countries, languages, corpus)


def read_countries_over(ours: Mapping[str, Country], path: Path) -> dict[str, Country]:
    """A practice adds lines in front of ours; it can never take one of ours away."""
    added: dict[str, Country] = {}
    for code, table in _toml(path).items():
        key = "" if code == "unknown" else code
        mine = ours.get(key)
        lines = tuple(_line(line) for line in table["lines"])
        added[key] = Country(
            key,
            table.get("name", mine.name if mine else code),
            mine.emergency if mine else table["emergency"],
            lines + (mine.lines if mine else ()),
            mine.source if mine else table.get("source", ""),
            mine.checked_on if mine else table.get("checked_on"),
        )
    return added


def _over(ours: Language | None, theirs: Language) -> Language:
    if ours is None:
        return theirs
    rules = dict(ours.rules) | {f"practice_{stem}": table for stem, table in theirs.rules.items()}
    return Language(ours.code, ours.folder, {**ours.blocks, **theirs.blocks}, rules, {**ours.tables, **theirs.tables})
