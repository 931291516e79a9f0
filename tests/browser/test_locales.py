"""The frame's own words: English and Spanish whole, Arabic for all of the frame, and no key that nobody shows."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

WEB = Path(__file__).parents[2] / "web"
LOCALES = WEB / "static" / "locales"
PAGES = ("site.", "home.", "door.", "article.", "articles.", "practice.", "protocol.", "missing.", "gallery.")
PLURALS = {"en": {"one", "other"}, "es": {"one", "many", "other"}, "ar": {"zero", "one", "two", "few", "many", "other"}}


def table(language: str) -> dict[str, Any]:
    return dict(json.loads((LOCALES / f"{language}.json").read_text(encoding="utf-8")))


def names(entry: Any) -> set[str]:
    text = entry if isinstance(entry, str) else entry["other"]
    return set(re.findall(r"\{(\w+)\}", text))


@pytest.mark.parametrize("language", ["es", "ar"])
def test_nothing_is_missing(language: str) -> None:
    english, other = table("en"), table(language)
    frame_only = language == "ar"
    missing = [key for key in english if key not in other and not (frame_only and key.startswith(PAGES))]
    assert missing == []
    assert [key for key in other if key not in english] == []


@pytest.mark.parametrize("language", ["es", "ar"])
def test_the_same_names_are_filled_in(language: str) -> None:
    english, other = table("en"), table(language)
    for key, entry in other.items():
        allowed = names(english[key])
        assert names(entry) <= allowed, key
        assert "number" not in allowed or "number" in names(entry), key


@pytest.mark.parametrize("language", sorted(PLURALS))
def test_plurals_have_every_form_of_the_language(language: str) -> None:
    for key, entry in table(language).items():
        if isinstance(entry, dict):
            assert set(entry) == PLURALS[language], key


def test_every_key_in_use_is_there_and_every_key_there_is_in_use() -> None:
    sources = [*WEB.glob("templates/*.html"), *WEB.glob("static/*.js"), WEB.parent / "bot/routes/launcher.py"]
    text = "\n".join(path.read_text(encoding="utf-8") for path in sources if not path.name.startswith("console"))
    english = table("en")
    asked = set(re.findall(r'data-t(?:-label|-placeholder)?="([\w.]+)"', text))
    asked |= set(re.findall(r"""\bt\[["']([\w.]+)["']\]""", text)) | set(re.findall(r'\bt\("([\w.]+)"', text))
    assert {key for key in asked if key not in english} == set()
    stems = set(re.findall(r"""["'`]([a-z_]+\.[a-z_]*)(?:\$\{|["'] ~)""", text))
    unused = [
        key for key in english
        if not re.search(rf"""["'`]{re.escape(key)}["'`]""", text) and not key.startswith(tuple(stems) or ("\0",))
        and key not in {"name", "dir"} and not key.startswith(("home.", "door.", "site.", "protocol."))
    ]  # fmt: skip
    assert unused == []
