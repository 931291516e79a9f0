"""The questions for measuring are sound: right sentences stand in the articles, and both halves are alike."""

import re
from collections import Counter, defaultdict

LEAST = {
    "everyday": 110,
    "typo": 25,
    "followup": 30,
    "topic_switch": 8,
    "near_miss": 30,
    "out_of_scope": 35,
    "medication": 15,
    "diagnosis": 10,
    "practice": 10,
    "definition": 10,
    "how_long": 8,
    "which_therapy": 8,
    "comparison": 8,
    "yes_no": 20,
    "list": 6,
    "fragment": 15,
    "unanswerable": 60,
}
KINDS = {"answer", "no_answer", "practice", "smalltalk", "boundary", "identity", "booking"}


def last(question) -> str:
    return question["turns"][-1] if "turns" in question else question["text"]


def test_shape(questions):
    assert len(questions) >= 260
    for question in questions:
        assert set(question) - {"articles", "sentences"} in (
            {"id", "text", "expect", "tags", "split"},
            {"id", "turns", "expect", "tags", "split"},
        ), question["id"]
        assert question["expect"] in KINDS, question["id"]
        assert question["split"] in {"tune", "held"}, question["id"]
        assert question["tags"], question["id"]
        assert len(question["tags"]) == len(set(question["tags"])), question["id"]
        if "turns" in question:
            assert len(question["turns"]) >= 2, question["id"]
            assert "followup" in question["tags"], question["id"]
        assert ("articles" in question) == ("sentences" in question) == (question["expect"] == "answer"), question["id"]


def test_ids_and_texts_are_unique(questions):
    ids = Counter(question["id"] for question in questions)
    texts = Counter(" > ".join(question.get("turns", [question.get("text")])).lower() for question in questions)
    assert [each for each, count in ids.items() if count > 1] == []
    assert [each for each, count in texts.items() if count > 1] == []


def test_right_sentences_stand_in_the_named_articles(questions, articles):
    for question in questions:
        for slug in question.get("articles", []):
            assert slug in articles, question["id"]
            assert any(sentence in articles[slug].prose for sentence in question["sentences"]), (question["id"], slug)
        for sentence in question.get("sentences", []):
            assert any(sentence in articles[slug].prose for slug in question["articles"]), (question["id"], sentence)
            assert re.search(r"[.?!][\"”]?$", sentence), (question["id"], sentence)


def test_enough_of_every_kind(questions):
    counts = Counter(tag for question in questions for tag in question["tags"])
    assert {tag: (counts[tag], least) for tag, least in LEAST.items() if counts[tag] < least} == {}
    answerable = [question for question in questions if question["expect"] == "answer"]
    assert sum("everyday" in question["tags"] for question in answerable) >= 110
    assert sum("typo" in question["tags"] for question in answerable) >= 25


def test_tags_agree_with_the_reply(questions):
    for question in questions:
        tags, expect = set(question["tags"]), question["expect"]
        assert ("unanswerable" in tags) == (expect == "no_answer"), question["id"]
        if tags & {"near_miss", "out_of_scope"}:
            assert expect == "no_answer", question["id"]
        if tags & {"medication", "diagnosis"}:
            assert expect == "boundary", question["id"]
        if expect in {"practice", "booking", "smalltalk", "identity"}:
            assert expect in tags, question["id"]


def test_halves_are_alike_in_every_tag_and_kind(questions):
    lean: dict[str, int] = defaultdict(int)
    for question in questions:
        for key in [*question["tags"], "expect " + question["expect"]]:
            lean[key] += 1 if question["split"] == "tune" else -1
    assert {key: value for key, value in lean.items() if abs(value) > 2} == {}


def test_every_article_is_asked_for(questions, articles):
    asked = {slug for question in questions for slug in question.get("articles", [])}
    assert asked == set(articles)


def alike(one: str, other: str) -> float:
    """The share of their words that two texts have in common."""
    a, b = set(one.split()), set(other.split())
    return len(a & b) / max(1, len(a | b))


def test_questions_do_not_copy_the_articles(questions, articles):
    """A question that repeats an article's own wording would measure copying and not finding."""

    def plain(text: str) -> str:
        return re.sub(r"[^a-z0-9 ]", "", text.lower()).strip()

    own = {plain(asked) for words in articles.values() for asked in words.front["questions"]}
    own |= {plain(words.front["title"]) for words in articles.values()}
    under = {plain(a) for words in articles.values() for each in words.front["asked"].values() for a in each}
    copied = [
        question["id"] for question in questions if plain(last(question)) in own and "followup" not in question["tags"]
    ]
    assert copied == []
    # What the sections list was written from the articles, after these questions: none may be nearly one of them.
    near = [
        (question["id"], asked)
        for question in questions
        for asked in under
        if "followup" not in question["tags"] and alike(plain(last(question)), asked) >= 0.75
    ]
    assert near == []
    for question in questions:
        if question["expect"] == "answer":
            assert plain(last(question)) not in {plain(sentence) for sentence in question["sentences"]}, question["id"]
