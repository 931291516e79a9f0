"""The articles are complete, plain to read, and promise nothing that an article may not promise."""

import datetime
import re
import statistics
from collections import Counter

import textstat


def test_there_are_enough_articles(articles):
    assert len(articles) >= 18


def test_front_matter_is_complete(articles):
    for slug, words in articles.items():
        front = words.front
        assert set(front) == {"title", "summary", "questions", "topics", "sources", "updated", "review", "asked"}, slug
        assert front["title"], slug
        assert 20 <= len(front["summary"]) <= 240, slug
        assert 5 <= len(front["questions"]) <= 10, slug
        assert all(question.endswith("?") for question in front["questions"]), slug
        assert front["topics"], slug
        assert isinstance(front["updated"], datetime.date), slug
        assert front["sources"], slug
        for source in front["sources"]:
            assert set(source) == {"name", "publisher", "date"}, slug
            assert all(source.values()), slug


def test_every_section_says_what_visitors_ask_of_it(articles):
    asked = Counter()
    for slug, words in articles.items():
        assert list(words.front["asked"]) == re.findall(r"^## (.+)$", words.body, re.M), slug
        for heading, questions in words.front["asked"].items():
            assert questions, f"{slug}: {heading}"
            asked.update(question.lower().rstrip("?") for question in questions)
    assert [question for question, count in asked.items() if count > 1] == []


def test_no_article_claims_a_review(articles):
    for slug, words in articles.items():
        assert words.front["review"] == {"reviewer": "", "licence": "", "date": "", "expires": ""}, slug
        assert not re.search(r"\b(medically|clinically) reviewed|reviewed by\b", words.body, re.I), slug


def test_slugs_and_headings(articles):
    for slug, words in articles.items():
        assert re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", slug)
        headings = re.findall(r"^(#+) (.+)$", words.body, re.M)
        assert len(headings) >= 3, slug
        assert {marks for marks, _ in headings} == {"##"}, slug
        assert len({text for _, text in headings}) == len(headings), f"{slug} has a heading twice"


def test_titles_and_questions_are_said_once(articles):
    titles = Counter(words.front["title"] for words in articles.values())
    asked = Counter(question for words in articles.values() for question in words.front["questions"])
    assert [title for title, count in titles.items() if count > 1] == []
    assert [question for question, count in asked.items() if count > 1] == []


def test_length(articles):
    lengths = {slug: len(words.prose.split()) for slug, words in articles.items()}
    assert {slug: count for slug, count in lengths.items() if not 250 <= count <= 550} == {}


def test_reading_age(articles):
    grades = {slug: textstat.flesch_kincaid_grade(words.prose) for slug, words in articles.items()}
    assert {slug: grade for slug, grade in grades.items() if grade > 10} == {}
    assert statistics.median(grades.values()) <= 8.5


def test_no_long_sentences(articles):
    for slug, words in articles.items():
        for sentence in re.split(r"(?<=[.!?])\s+", words.prose):
            assert len(sentence.split()) <= 45, f"{slug}: {sentence}"


def test_sentences_can_be_quoted_alone(articles):
    opening = re.compile(
        r"^(It (?!is (common|worth)\b)|This |That |These |Those |Such |They |He |She |As a result|For this reason)"
    )
    for slug, words in articles.items():
        for sentence in re.split(r"(?<=[.!?])\s+", words.prose):
            assert not opening.match(sentence), f"{slug}: {sentence}"


FORBIDDEN = {
    "a telephone number": r"\b\d{3}[-. ]\d{3,4}\b|\b1-800|\b(call|dial|text) (\d|us\b)|\b988\b|\b911\b",
    "a web or mail address": r"https?://|www\.|\S@\S",
    "a practice's offer": r"\bfree\b|consultation|same-week|insurance|\bHIPAA\b|schedule (your|a)\b|\bbook (now|your)\b"
    r"|\$\d|\bour (practice|clinicians?|therapists?|team|office)\b|\bcontact us\b|\bwe offer\b",
    "a promise": r"\bguarantee|\bcures?\b|\bwill heal\b|\balways works\b|100%",
    "a testimonial": r"\bour (patients|clients)\b|\bone of my (patients|clients)\b|\bDr\. ",
    "advice on medication": r"\b\d+ ?mg\b"
    r"|\byou (should|can|may) (stop|start|change|take|skip)\b.{0,30}\b(medication|medicine|pills?)\b",
}


def test_nothing_forbidden(articles):
    for slug, words in articles.items():
        everything = " ".join([words.front["title"], words.front["summary"], *words.front["questions"], words.prose])
        for what, pattern in FORBIDDEN.items():
            found = re.search(pattern, everything, re.I)
            assert not found, f"{slug} holds {what}: {found}"


def test_forbidden_patterns_can_fire():
    bad = {
        "a telephone number": "Ring 555-0142 today.",
        "a web or mail address": "Write to help@example.org.",
        "a practice's offer": "Ask for a free talk.",
        "a promise": "CBT cures anxiety.",
        "a testimonial": "One of my clients loved it.",
        "advice on medication": "You should stop your medication.",
    }
    assert bad.keys() == FORBIDDEN.keys()
    for what, text in bad.items():
        assert re.search(FORBIDDEN[what], text, re.I), what


def test_spelling_is_american(articles):
    british = re.compile(
        r"\b(behaviour\w*|colour\w*|practis\w+|programme\w*|randomis\w+|generalis\w+|grey|judgement|centre|counsell\w+)\b",
        re.I,
    )
    for slug, words in articles.items():
        assert not british.search(words.prose), f"{slug}: {british.search(words.prose)}"


HEDGES = {
    "acceptance-and-mindfulness": [r"still emerging", r"reports that a UC San Diego study", r"One study is not proof"],
    "how-long-therapy-takes": [r"reports that a UC San Diego study"],
    "mindfulness-based-cognitive-therapy": [
        r"One 2025 health article reports [^.]*40 to 50%",
        r"does not tie the 40 to 50%",
    ],
    "depression-and-the-brain": [r"Sources do not agree", r"One 2025 health article reports 40 to 50%"],
    "trauma-and-the-brain": [r"One 2025 health article reports [^.]*12%", r"without a reference"],
    "what-brain-imaging-shows": [r"Sources differ", r"12% [^.]*without a reference", r"still emerging"],
    "the-therapy-relationship": [r"Recent research suggests", r"should be read with care"],
    "memory-reconsolidation": [r"has been proposed", r"a proposed explanation"],
    "getting-help-and-waiting": [r"55% [^.]*according to"],
    "digital-support-and-its-limits": [r"not described as a randomized trial"],
}


def test_hedged_findings_keep_their_hedge(articles):
    for slug, patterns in HEDGES.items():
        for pattern in patterns:
            assert re.search(pattern, articles[slug].prose), f"{slug} lost: {pattern}"


def test_every_sentence_with_the_open_figures_says_who(articles):
    for slug, words in articles.items():
        for sentence in re.split(r"(?<=[.!?])\s+", words.prose):
            if re.search(r"12%|40 to 50%|87 trials|seven days|55%|48%", sentence):
                assert re.search(r"article|review|figure|study|studies|according to", sentence), f"{slug}: {sentence}"


def test_coverage_table_names_every_article_and_no_other(articles, root):
    page = (root / "docs" / "facts-coverage.md").read_text(encoding="utf-8")
    rows = [line for line in page.splitlines() if line.startswith("| ") and not line.startswith("| fact")]
    named = {slug for row in rows for slug in re.findall(r"`([^`]+)`", row.rsplit("|", 2)[1])}
    assert len(rows) >= 40
    assert all(re.findall(r"`([^`]+)`", row.rsplit("|", 2)[1]) for row in rows)
    assert named == set(articles)
