"""Crisis lines as a visitor reads and taps them: the right country's, in few words, each number in the text and as an action."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from bot.model import Action
from bot.words import Country, CrisisLine, Words

TOPICS: dict[str, tuple[str, ...]] = {
    "abuse": ("abuse",),
    "child_abuse": ("child_abuse", "abuse"),
    "overdose": ("poison",),
    "poison": ("poison",),
    "eating": ("eating",),
    "perinatal": ("perinatal",),
    "substance": ("substance",),
    "someone_else": ("helpers",),
    "bereavement": ("bereavement", "helpers"),
    "minor": ("young",),
    "self_harm": ("suicide",),
}
_KEYWORD = re.compile(r"^(?P<word>[A-Z]+) to (?P<number>[\d ]+)$")


@dataclass(frozen=True, slots=True)
class Shown:
    """What stands in the text, what can be tapped, which lines they are, and the ledger keys of the wording."""

    text: str
    actions: tuple[Action, ...] = ()
    names: tuple[str, ...] = ()
    said: tuple[str, ...] = ()
    texts: bool = False  # whether one of them can be texted


class Lines:
    def __init__(self, words: Words) -> None:
        self._words = words

    def show(self, country: Country, topic: str, language: str, said: Sequence[str], most: int = 2) -> Shown:
        """The first line for the topic, and a second where the first cannot be both called and texted."""
        parts: list[str] = []
        keys: list[str] = []
        actions: list[Action] = []
        chosen = self.choose(country, topic, language, most)
        for line in chosen:
            text, key = self._one(line, language, [*said, *keys])
            parts.append(text)
            keys.append(key)
            actions += self.actions(line, language)
        return Shown(
            " ".join(parts),
            tuple(actions),
            tuple(line.name for line in chosen),
            tuple(keys),
            any(line.text for line in chosen),
        )

    def choose(self, country: Country, topic: str, language: str, most: int = 2) -> list[CrisisLine]:
        """Lines for the topic (else the general ones), the visitor's language first; at least one way to call and to text."""
        spoken = language.split("-")[0]
        found = list(country.about(*TOPICS.get(topic, ("suicide",))))
        found = [x for x in found if "spanish" not in x.about or spoken == "es"]
        found.sort(key=lambda line: spoken not in line.languages)
        if not found:
            return []
        chosen = found[:1]
        if topic in ("poison", "overdose"):
            return chosen
        if not (chosen[0].call and chosen[0].text) and most > 1:
            wants_text = not chosen[0].text
            more = [x for x in (*found[1:], *country.about("crisis")) if x not in chosen and "spanish" not in x.about]
            chosen += [x for x in more if (x.text if wants_text else x.call)][:1]
        return chosen

    def _one(self, line: CrisisLine, language: str, said: Sequence[str]) -> tuple[str, str]:
        terms = line.hours
        if line.hours == "24/7":
            terms, _ = self._words.say("safety_free_always" if line.free else "safety_always", language, said)
        kind = "both" if line.call and line.text else "call" if line.call else "text" if line.text else "chat"
        return self._words.say(
            f"safety_line_{kind}",
            language,
            said,
            name=line.name,
            call=self._words.number(line.call, language),
            text=self._words.number(line.text, language),
            chat=line.chat,
            terms=terms,
            hours=line.hours,
        )

    def actions(self, line: CrisisLine, language: str) -> list[Action]:
        """Call, text and page of one line. A line that can be called or texted is not also opened: its text stays short."""
        found = []
        if line.call:
            found.append(Action("call", self._label("call", line.call, language), "tel:" + _dial(line.call)))
        if line.text:
            keyword = _KEYWORD.match(line.text)
            value = f"sms:{_dial(keyword['number'])}?body={keyword['word']}" if keyword else "sms:" + _dial(line.text)
            found.append(Action("text", self._label("text", line.text, language), value))
        if not found and line.chat:
            found.append(Action("link", self._label("chat", line.name, language), line.chat))
        return found

    def emergency(self, country: Country, language: str) -> tuple[str, tuple[Action, ...]]:
        """The emergency number of the country, or its words where the country is not known."""
        if not country.code:
            return self._words.say("safety_emergency_unknown", language)[0], ()
        label = self._label("call", country.emergency, language)
        return country.emergency, (Action("call", label, "tel:" + _dial(country.emergency)),)

    def _label(self, kind: str, number: str, language: str) -> str:
        return self._words.say(f"safety_label_{kind}", language, number=self._words.number(number, language))[0]


def _dial(number: str) -> str:
    """`988, then 1` becomes `988,1`: the comma is a pause. Spaces and hyphens go."""
    return re.sub(r"[^\d+,]", "", number.replace(", then ", ","))
