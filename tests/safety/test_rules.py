"""Rules prove themselves; a rule that cannot be used is refused with its file, its id and what to do."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest

from bot.model import Reason, SafetyMemory
from bot.safety import Filter, RuleFault, lowered, protocol
from bot.safety.loading import load_pack
from bot.words import Words, load

CORPUS = Path(__file__).parents[2] / "corpus"
GOOD = {
    "id": "a.b",
    "reason": "suicide",
    "urgency": 2,
    "why": "Because.",
    "match": ["purple elephant"],
    "fires_on": ["a purple elephant"],
    "silent_on": ["a grey elephant"],
}


def pack(*rules: dict[str, Any], **tables: Any) -> Any:
    return load_pack("xx", {"test": {"rule": list(rules), **tables}})


def test_every_rule_of_the_shipped_languages_holds_its_examples(rules: Filter) -> None:
    assert rules.prove() == []


def test_every_rule_says_why_in_a_sentence(rules: Filter) -> None:
    for found in rules.packs.values():
        for rule in (*found.rules, *found.allows, *found.sums):
            assert rule.why.strip().endswith((".", "?")), rule.id


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"fires_on": []}, "fires_on"),
        ({"silent_on": []}, "silent_on"),
        ({"match": ["(open bracket"]}, "broken pattern"),
        ({"match": ["? first"]}, "broken pattern"),
        ({"match": ["@nowhere"]}, "no set @nowhere"),
        ({"match": ["..3"]}, "no word"),
        ({"match": ["a*"]}, "too short"),
        ({"match": "one text"}, "list"),
        ({"match": ["(" * 5000 + "a"]}, "broken pattern"),
        ({"urgency": 7}, "0 to 4"),
        ({"urgency": "high"}, "0 to 4"),
        ({"reason": "sad"}, "unknown reason"),
        ({"why": " "}, "why"),
        ({"colour": "red"}, "unknown field"),
        ({"who": "they"}, "self or any"),
        ({"past": 9}, "0 to 4"),
    ],
)
def test_a_rule_that_cannot_be_used_is_refused(change: dict[str, Any], says: str) -> None:
    with pytest.raises(RuleFault) as caught:
        pack({**GOOD, **change})
    text = str(caught.value)
    assert says in text and "xx/rules/test.toml" in text and "a.b" in text


def test_a_rule_without_an_id_and_a_duplicate_id_are_refused() -> None:
    with pytest.raises(RuleFault, match="without an id"):
        pack({**GOOD, "id": ""})
    with pytest.raises(RuleFault, match="already stands"):
        pack(GOOD, GOOD)


def test_an_unknown_table_and_a_set_that_holds_itself_are_refused() -> None:
    with pytest.raises(RuleFault, match="unknown table"):
        pack(GOOD, rules=[])
    with pytest.raises(RuleFault, match="contains itself"):
        pack({**GOOD, "match": ["@a"]}, sets={"a": ["@b"], "b": ["@a"]})


def practice(tmp_path: Path, text: str) -> Words:
    folder = tmp_path / "own" / "en" / "rules"
    folder.mkdir(parents=True)
    (folder / "house.toml").write_text(text, encoding="utf-8")
    return load(CORPUS, extra=tmp_path / "own")


def test_a_practice_adds_a_rule(tmp_path: Path) -> None:
    words = practice(
        tmp_path,
        '[[rule]]\nid = "house.quarry"\nreason = "suicide"\nurgency = 3\nwhy = "Names the quarry."\n'
        'match = ["the old quarry"]\nfires_on = ["I go to the old quarry"]\nsilent_on = ["the new quarry"]\n',
    )
    verdict = Filter(words, rules_only=True).screen("tonight I walk to the old quarry").verdict
    assert verdict.urgency == 3 and "house.quarry" in {f.rule for f in verdict.fired}


def test_a_practice_takes_none_of_ours_away(tmp_path: Path) -> None:
    with pytest.raises(RuleFault, match="takes none away"):
        Filter(practice(tmp_path, '[[allow]]\nid = "x"\nwhy = "y."\nmatch = ["die"]\ncalms = ["a"]\nnot_on = ["b"]\n'))


def test_a_rule_that_contradicts_another_s_examples_is_named(tmp_path: Path) -> None:
    words = practice(
        tmp_path,
        '[[rule]]\nid = "house.therapy"\nreason = "suicide"\nurgency = 3\nwhy = "Too wide."\n'
        'match = ["therapy"]\nfires_on = ["therapy"]\nsilent_on = ["hello"]\n',
    )
    found = Filter(words, rules_only=True).prove()
    assert any("house.therapy" in f.what and "therapy" in f.what for f in found)


def test_spans_point_into_the_text_as_typed(rules: Filter) -> None:
    for text, part in [
        ("Hello. I wаnt to k\u200bill mys\u0301elf, ok?", "kill"),
        ("so anyway 😀😀 I want to die", "die"),
        ("ｉ ｗａｎｔ ｔｏ ｄｉｅ", "ｄｉｅ"),
        ("x" * 500 + ". I want to d!e", "d!e"),
        ("k i l l   m y s e l f", "k i l l   m y s e l f"),
    ]:
        fired = [f for f in rules.screen(text).verdict.fired if f.urgency >= 2]
        assert fired, text
        for f in fired:
            assert 0 <= f.span[0] < f.span[1] <= len(text)
        shown = " ".join(text[f.span[0] : f.span[1]] for f in fired)
        assert part in shown.replace("\u200b", "").replace("\u0301", ""), (text, shown)


def test_an_idiom_takes_away_its_own_span_only(rules: Filter) -> None:
    assert rules.screen("this homework is killing me").verdict.urgency == 0
    both = rules.screen("this homework is killing me, and tonight I want to kill myself").verdict
    assert both.urgency >= 3


def test_a_level_falls_only_by_a_clinician(rules: Filter) -> None:
    memory = rules.screen("I want to kill myself").memory
    for text in ("just kidding", "never mind", "I'm fine now", "mark me safe", "ignore what I said", "thanks, bye"):
        screening = rules.screen(text, memory)
        assert screening.verdict.level == 3 and not screening.rose
        memory = screening.memory
    memory = lowered(memory, 1)
    assert rules.screen("how long does CBT take?", memory).verdict.level == 1
    with pytest.raises(ValueError, match="0 to 4"):
        lowered(memory, 5)


def test_signs_add_up_over_the_turns(rules: Filter) -> None:
    memory, levels = SafetyMemory(), []
    for text in ("I lost my job last week", "I gave away all my things", "there's a loaded gun in my drawer"):
        screening = rules.screen(text, memory)
        memory = screening.memory
        levels.append(screening.verdict.level)
    assert levels == sorted(levels) and levels[-1] >= 3


def test_a_yes_to_the_direct_question_raises(rules: Filter, talk: Any) -> None:
    first, second = talk(["I'm such a burden to everyone", "yes, sometimes"])
    assert first.screening.verdict.urgency == 2 and second.screening.verdict.urgency == 3 and second.screening.rose


def test_a_yes_to_nothing_asked_raises_nothing(rules: Filter) -> None:
    assert rules.screen("yes").verdict.urgency == 0


def test_repetition_raises(rules: Filter) -> None:
    memory = rules.screen("I don't want to exist anymore").memory
    assert rules.screen("I really wish I was never born", memory).verdict.level == 3


def test_a_minor_stays_a_minor_until_a_clinician_clears_it(rules: Filter) -> None:
    memory = rules.screen("I'm 15 and stressed").memory
    assert memory.minor and rules.screen("what is CBT?", memory).verdict.level == 1
    assert not lowered(memory, 0, minor=False).minor


def test_booking_is_kept_beside_risk(rules: Filter) -> None:
    verdict = rules.screen("I'd like to book an appointment because I want to die").verdict
    assert verdict.reason is Reason.SUICIDE and "booking" in verdict.intents


def test_the_second_stage_only_raises_and_its_failure_leaves_the_rules(words: Words) -> None:
    def broken(texts: Any) -> Any:
        raise RuntimeError("no model here")

    filter_ = Filter(words, embed=broken)
    plain = Filter(words, rules_only=True)
    for text in ("I want to die", "hello", "I'm going to kill myself tonight", "I'd like to book an appointment"):
        assert filter_.screen(text).verdict == plain.screen(text).verdict


def test_rules_only_never_asks_the_model(words: Words) -> None:
    def never(texts: Any) -> Any:
        raise AssertionError("asked")

    assert Filter(words, embed=never, rules_only=True).screen("I feel odd").verdict.stage == "rules"


def test_shadow_rules_change_nothing_and_show_what_would_change(words: Words, tmp_path: Path) -> None:
    folder = tmp_path / "en" / "rules"
    folder.mkdir(parents=True)
    (folder / "new.toml").write_text(
        '[[rule]]\nid = "new.rain"\nreason = "suicide"\nurgency = 2\nwhy = "Rain."\nmatch = ["the rain"]\n'
        'fires_on = ["the rain"]\nsilent_on = ["the sun"]\n',
        encoding="utf-8",
    )
    filter_ = Filter(words, rules_only=True, shadow=tmp_path)
    quiet = filter_.screen("I like the rain")
    assert quiet.verdict.urgency == 0 and quiet.memory.level == 0
    assert quiet.shadow is not None and quiet.shadow.urgency == 2
    assert filter_.screen("I like the sun").shadow is None
    with pytest.raises(RuleFault, match="is not a folder"):
        Filter(words, shadow=tmp_path / "missing")


def test_the_protocol_tells_what_is_loaded(words: Words, rules: Filter, tmp_path: Path) -> None:
    found = protocol(words, rules)
    english = next(row for row in found["languages"] if row["language"] == "en")
    assert english["rules"] == len(rules.packs["en"].rules) and sum(english["by_urgency"].values()) == english["rules"]
    assert {c["code"] for c in found["countries"]} == set(words.countries)
    assert protocol(words, rules)["digest"] == found["digest"]
    shutil.copytree(CORPUS, tmp_path / "corpus")
    path = tmp_path / "corpus" / "en" / "rules" / "answers.toml"
    path.write_text(path.read_text(encoding="utf-8").replace('"^ (no|nope', '"^ (no|nuh uh|nope'), encoding="utf-8")
    changed = load(tmp_path / "corpus")
    assert protocol(changed, Filter(changed, rules_only=True))["digest"] != found["digest"]
