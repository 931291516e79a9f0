"""What one pack finds in one text: rules that fired with what whose-whether-when made of them, idioms taken out."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from bot.model import Reason
from bot.safety.fold import Tokens
from bot.safety.pack import Pack, Rule
from bot.safety.phrases import Phrase
from bot.safety.reading import Quotations, Sentence, negated, sentences, span, who


@dataclass(frozen=True, slots=True)
class Hit:
    """One rule that fired on one place. `sign` is empty when it is not about the visitor now."""

    rule: Rule
    span: tuple[int, int]
    urgency: int
    reason: Reason
    sign: str
    whose: str = "self"


@dataclass(frozen=True, slots=True)
class Found:
    """All of a text: what fired, and what was said and denied."""

    hits: tuple[Hit, ...] = ()
    denied: tuple[str, ...] = ()  # signs that the visitor denied in so many words


def find(text: str, found: Tokens, pack: Pack) -> Found:
    """Everything that the pack's rules find in the text, in its order."""
    quotations = Quotations(text)
    hits: list[Hit] = []
    denied: list[str] = []
    seen: set[tuple[int, tuple[int, int]]] = set()
    told = ""
    for sentence in sentences(found, pack):
        for number, a, b, phrase in _matches(sentence, pack):
            rule = pack.rules[number]
            place = span(found, sentence.places[a:b])
            if (number, place) in seen:
                continue
            seen.add((number, place))
            hit = _meant(rule, phrase, sentence, a, b, place, pack, quotations, found)
            if hit is None:
                continue
            if hit.urgency < 0:
                denied.append(rule.sign or rule.id)
                continue
            if rule.with_message:
                told = told or _whole(found, pack)
                if not any(p.pattern.search(told) for p in rule.with_message):
                    continue
            hits.append(hit)
    return Found(tuple(hits), tuple(denied))


def _whole(found: Tokens, pack: Pack) -> str:
    return " ".join(" ".join(sentence.words) for sentence in sentences(found, pack)) + " "


def _matches(sentence: Sentence, pack: Pack) -> Iterator[tuple[int, int, int, Phrase]]:
    """(number of the rule, first word, last word + 1, the phrase), less what stands inside an idiom and what a longer
    match of the same rule holds already."""
    rows: list[tuple[int, int, int, Phrase]] = []
    keys = sentence.keys
    index = pack.index
    for key in keys & index.keys():
        for phrase, number in index[key]:
            if all(not need.isdisjoint(keys) for need in phrase.needs):
                rows += [(number, a, b, phrase) for a, b in sentence.find(phrase)]
    if not rows:
        return
    idioms = _idioms(sentence, pack)
    rows.sort(key=lambda row: (row[0], row[1], -row[2]))
    last = (-1, 0)
    for number, a, b, phrase in rows:
        if number == last[0] and b <= last[1]:
            continue
        last = (number, b)
        if not any(c <= b - 1 < d or 2 * (min(b, d) - max(a, c)) >= b - a for c, d in idioms):
            yield number, a, b, phrase


def _idioms(sentence: Sentence, pack: Pack) -> list[tuple[int, int]]:
    places: list[tuple[int, int]] = []
    for key in sentence.keys & pack.allow_index.keys():
        for phrase, number in pack.allow_index[key]:
            if sentence.may(phrase) and not sentence.has(pack.allows[number].unless):
                places += sentence.find(phrase)
    return places


def without_idioms(text: str, found: Tokens, pack: Pack) -> str:
    """The text with the words of its idioms blanked, every other character where it was."""
    places = []
    for sentence in sentences(found, pack):
        places += [span(found, sentence.places[a:b]) for a, b in _idioms(sentence, pack)]
    return without(text, places)


def without(text: str, places: Sequence[tuple[int, int]]) -> str:
    """The text with the characters of these places blanked."""
    letters = list(text)
    for start, end in places:
        letters[start:end] = " " * (end - start)
    return "".join(letters)


def _meant(
    rule: Rule,
    phrase: Phrase,
    sentence: Sentence,
    a: int,
    b: int,
    place: tuple[int, int],
    pack: Pack,
    quotations: Quotations,
    found: Tokens,
) -> Hit | None:
    """What the match means here; None when it means nothing, urgency -1 when it was denied."""
    grammar = pack.grammar
    if rule.unless and sentence.has(rule.unless):
        return None
    if rule.beside and not sentence.has(rule.beside):
        return None
    level: int | None = rule.urgency
    effects = rule.effects
    if effects["negated"] != rule.urgency and negated(sentence, grammar, a, b, phrase):
        level = effects["negated"]
        if level is None:
            return Hit(rule, place, -1, rule.reason, "")
    whose = "self"
    if rule.who == "self":
        whose = who(sentence, grammar, a, b)
        opens = quotations.around(*place)
        if opens >= 0:
            before = [n for n in range(a) if sentence.places[n] >= 0 and found.ends[sentence.places[n]] <= opens]
            if before and who(sentence, grammar, before[-1] + 1, before[-1] + 1) == "other":
                whose = "other"
        if whose != "self":
            level = _least(level, effects[whose])
    if level is None:
        return None
    reason = rule.other_reason if whose == "other" else rule.reason
    past = False
    for what in ("fiction", "past", "hypothetical"):
        if effects[what] != rule.urgency and sentence.about(grammar, what):
            if what == "past" and sentence.about(grammar, "returned"):
                continue
            level = _least(level, effects[what])
            past = past or what == "past"
            if level is None:
                return None
    if effects["laughing"] != rule.urgency and not grammar.words["laughing"].isdisjoint(sentence.keys):
        level = _least(level, effects["laughing"])
        if level is None:
            return None
    if not past and whose in ("self", "other"):
        for what in ("now", "recent"):
            raised = effects[what]
            if (
                raised is not None
                and raised > level
                and (whose == "self" or raised == 4)
                and sentence.about(grammar, what)
            ):
                level = raised
    own = whose == "self"
    sign = (rule.sign + ("_past" if past else "")) if own and rule.sign else ""
    return Hit(rule, place, level, reason, sign, whose)


def _least(level: int | None, effect: int | None) -> int | None:
    return None if level is None or effect is None else min(level, effect)
