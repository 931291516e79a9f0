"""Crisis lines as words and as things to tap: the visitor's country, the visitor's language, call and text."""

from __future__ import annotations

import re
from dataclasses import dataclass

from bot.model import Action
from bot.words import Country, CrisisLine, Words

_NUMBER = re.compile(r"\+?\d[\d\s().-]*\d|\d+")
ALWAYS = "24/7"


@dataclass(frozen=True, slots=True)
class Care:
    """What one reply shows: the sentence, what can be tapped, the lines' names. Every number tapped is in the text."""

    text: str
    actions: tuple[Action, ...]
    names: tuple[str, ...]


def chosen(country: Country, language: str, topics: tuple[str, ...]) -> tuple[CrisisLine, ...]:
    """One line that takes calls and texts, or one of each: for the topic, in the language, at any hour if possible."""
    pool = [*country.about(*topics), *country.about("suicide", "crisis")]
    pool = list(dict.fromkeys(pool))

    def order(line: CrisisLine) -> tuple[bool, bool, bool]:
        fits = bool(set(topics) & set(line.about))
        return (not fits, language not in line.languages, line.hours != ALWAYS)

    pool.sort(key=order)
    first = next((line for line in pool if line.call or line.text), None)
    if first is None:
        return tuple(pool[:1])
    if first.call and first.text:
        return (first,)
    wanted = "text" if first.call else "call"
    second = next((line for line in pool if line is not first and getattr(line, wanted)), None)
    return (first, second) if second else (first,)


def care(words: Words, country: Country, language: str, topics: tuple[str, ...], said: tuple[str, ...]) -> Care:
    """The sentence that names the lines for these topics, said otherwise than before."""
    lines = chosen(country, language, topics)
    if not lines:
        return Care("", (), ())
    first, second = lines[0], lines[1] if len(lines) > 1 else None
    always = all(line.hours == ALWAYS for line in lines)
    values = {
        "name": first.name,
        "call": first.call,
        "text": first.text,
        "chat": first.chat,
        "hours": words.say("care_always", language)[0] if always else first.hours,
        "name2": second.name if second else "",
        "call2": second.call if second else "",
        "text2": second.text if second else "",
    }
    if first.call and first.text:
        block = "care_same" if first.call == first.text else "care_both"
    elif second is not None:
        block = "care_call_text" if first.call else "care_text_call"
    else:
        block = "care_call" if first.call else "care_text" if first.text else "care_chat"
    sentence, _ = words.say(block, language, said, **values)
    actions = tuple(a for line in lines for a in taps(words, line, language, chat=not (first.call or first.text)))
    return Care(sentence, actions, tuple(line.name for line in lines))


def taps(words: Words, line: CrisisLine, language: str, *, chat: bool = False) -> tuple[Action, ...]:
    found: list[Action] = []
    if number := _dial(line.call):
        found.append(
            Action("call", words.say("tap_call_line", language, name=line.name, number=line.call)[0], f"tel:{number}")
        )
    if line.text and (number := _dial(line.text)):
        body = line.text.partition(" ")[0]
        value = f"sms:{number}?body={body}" if body.isalpha() else f"sms:{number}"
        found.append(Action("text", words.say("tap_text", language, name=line.name, number=line.text)[0], value))
    if chat and line.chat:
        found.append(Action("link", line.name, line.chat))
    return tuple(found)


def emergency_tap(words: Words, country: Country, language: str) -> tuple[Action, ...]:
    number = _dial(country.emergency)
    if not number:
        return ()
    return (Action("call", words.say("tap_call", language, number=country.emergency)[0], f"tel:{number}"),)


def _dial(written: str) -> str:
    """The first number in what is written: "988, then 2" dials 988; "HOME to 741741" is 741741."""
    match = _NUMBER.search(written)
    return re.sub(r"[^\d+]", "", match.group()) if match else ""
