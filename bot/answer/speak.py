"""What the bot says where there is no risk: small talk, the practice's facts, an answer from the articles, or none."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import datetime
from typing import Any

from bot.answer.articles import FromArticles
from bot.answer.asked import Asked, Spoken, odd
from bot.answer.practice import SLUG, Facts, Stated
from bot.answer.suggest import Suggestions
from bot.answer.talk import Feeling, Talk, fold, parts_of
from bot.answer.wording import Wording
from bot.model import Action, Kind, TalkMemory
from bot.ports import Search, Writer
from bot.words import Words
from retrieval.language import language_of

_LONG = 60  # words, from which a message is looked through for the question in it
_JOINED = 200  # characters, up to which "… and how much is it?" is parted
_SENTENCES = 14  # of a long message that are looked up one by one


class Answers:
    """Thread-safe; made once and kept. `base_url` stands before every link, "" for links within the server."""

    def __init__(self, search: Search, words: Words, *, writer: Writer, base_url: str = "") -> None:
        self._search, self._words, self._writer, self._base_url = search, words, writer, base_url.rstrip("/")
        self._suggest = Suggestions(search)
        self._articles = FromArticles(search, self._suggest)
        self._readers: dict[str, tuple[Talk, Facts]] = {}
        self._starters: dict[tuple[str, str], tuple[Action, ...]] = {}  # by language and corpus version
        self._reader("en")

    def reply(self, text: str, memory: TalkMemory, *, language: str, now: datetime, vector: Any = None) -> Spoken:
        """What to say to `text`. `now` is aware; `vector` is the text's unit vector, if it is at hand."""
        language = self._spoken(text, language)
        talk, facts = self._reader(language)
        wording = Wording(
            self._words, self._writer, language, self._base_url, self._articles.edition, list(memory.said)
        )
        asked = Asked(text.strip(), memory, language, now, talk, facts, wording, vector)
        spoken = self._fork(asked)
        return replace(spoken, memory=replace(spoken.memory, said=tuple(wording.said)))

    def asks(self, text: str, *, language: str) -> bool:
        """Whether the message asks for something that the articles or the practice could answer."""
        talk, _ = self._reader(self._spoken(text, language))
        folded = fold(text)
        return "?" in text or talk.asks(folded) or bool(talk.followup(folded)[0]) or talk.topic(folded) is not None

    def hails(self, text: str, *, language: str) -> bool:
        """Whether the message only greets, or asks whether anybody is there."""
        talk, _ = self._reader(self._spoken(text, language))
        return talk.smalltalk(text) in {"talk_greeting", "talk_test"}

    def starters(self, language: str) -> tuple[Action, ...]:
        """What to offer a visitor who has asked nothing yet: questions that these articles, or the practice, answer."""
        key = language, self._search.version
        if key not in self._starters:
            questions = self._suggest.starters(self._reader(language)[0])
            self._starters[key] = tuple(Action("ask", question, question) for question in questions)
        return self._starters[key]

    def _reader(self, language: str) -> tuple[Talk, Facts]:
        """The patterns and the stated facts of a language; English patterns where the language has none of its own."""
        held = self._words.language(language)
        code = held.code if "talk" in held.tables else "en"
        if code not in self._readers:
            articles = self._words.language(self._articles.language())
            talk = Talk(self._words.language(code), self._words.practice, articles)
            self._readers[code] = (talk, Facts(self._words, talk, code))
        return self._readers[code]

    # ── the fork ────────────────────────────────────────────────────────────────────────────────────────────

    def _fork(self, asked: Asked) -> Spoken:
        if block := odd(asked.text, asked.folded):
            return self._odd(asked, block)
        name, ask = asked.talk.followup(asked.folded)
        if not name and len(asked.core) < len(asked.folded):
            name, ask = asked.talk.followup(asked.core)
        if name and (spoken := self._command(asked, name, ask)):
            return spoken
        if block := asked.talk.smalltalk(asked.text):
            return self._small(asked, block)
        if not self._speaks(asked) and (spoken := self._other_language(asked)):
            return spoken
        questions = _questions(asked)
        if len(questions) > 1:
            return self._several(asked, questions)
        if len(asked.text.split()) >= _LONG:
            return self._long(asked)
        return self._one(asked)

    def _one(self, asked: Asked) -> Spoken:
        """One question, or one thing said."""
        if (fact := asked.facts.fact(asked.core)) is not None:
            return self._practice(asked, fact)
        topic = asked.talk.topic(asked.core)
        if topic is not None:
            return self._practice(asked, asked.facts.stated(topic, asked.core, asked.now))
        if "?" not in asked.text and (feeling := asked.talk.feeling(asked.core)):
            return self._feeling(asked, feeling)
        if spoken_other := self._other_language(asked):
            return spoken_other
        spoken = self._articles.answer(asked)
        if spoken.gap and "?" not in asked.text and (feeling := asked.talk.feeling(asked.core, loose=True)):
            return self._feeling(asked, feeling)
        return spoken

    def _several(self, asked: Asked, questions: tuple[str, ...]) -> Spoken:
        """More than one question: each is answered, two at most; what is not in the articles is said last."""
        memory, spoken = asked.memory, []
        for question in questions[:2]:
            one = self._one(asked.of(question, memory))
            memory = one.memory
            spoken.append(one)
        drafts = [d for one in spoken for d in one.drafts]
        if any(d.kind is Kind.ANSWER for d in drafts):
            drafts = [d for d in drafts if d.kind is not Kind.SMALLTALK]
        drafts.sort(key=lambda d: d.kind is not Kind.ANSWER)
        gap = next((one.gap for one in spoken if one.gap), None)
        return Spoken(tuple(drafts), memory, gap, max(one.score for one in spoken), any(one.person for one in spoken))

    def _long(self, asked: Asked) -> Spoken:
        """A long message: its own meaning, and each sentence's, are looked up; the surest is answered."""
        if spoken := self._other_language(asked):
            return self._long_feeling(asked) or spoken
        sentences = [s for s in parts_of(asked.text) if len(s.split()) > 2]
        asks = [s for s in sentences if s.rstrip().endswith("?")]
        asks = asks or [s for s in sentences if asked.talk.asks(fold(s))]
        if len(asks) == 1:
            spoken = self._one(asked.of(asks[0], asked.memory))
            if spoken.drafts[0].kind is Kind.ANSWER:
                return spoken
        candidates = [asked, *(asked.of(s, asked.memory) for s in (asks or sentences)[:_SENTENCES])]
        best = max(candidates, key=lambda one: self._articles.confidence(one))
        if self._articles.answers(best):
            return self._articles.answer(best)
        return self._long_feeling(asked) or self._articles.none(asked, "no_answer_long")

    def _long_feeling(self, asked: Asked) -> Spoken | None:
        """The first feeling that a sentence of a long message says."""
        feelings = (asked.talk.feeling(asked.of(s, asked.memory).core) for s in parts_of(asked.text))
        feeling = next((f for f in feelings if f), None)
        return self._feeling(asked, feeling) if feeling else None

    # ── what is no question to the articles ─────────────────────────────────────────────────────────────────

    def _odd(self, asked: Asked, block: str) -> Spoken:
        if block == "talk_unclear" and "?" in asked.text and asked.memory.article not in ("", SLUG):
            name, ask = "simpler", asked.talk.asked_by("simpler")
            if spoken := self._command(asked, name, ask):
                return spoken
        if block == "no_answer_code":
            return Spoken((asked.wording.no_answer(block),), asked.note(offered="person"))
        return self._small(asked, block)

    def _small(self, asked: Asked, block: str) -> Spoken:
        """Small talk. What was talked about before is kept: "thanks, and how long does it take?" still works."""
        ends = block in ("talk_goodbye", "talk_no")
        person = block in ("talk_insult", "talk_chat", "talk_yes_person")
        starters = () if ends or block in ("talk_yes_person",) else self._suggest.starters(asked.talk)
        offers = asked.wording.offers() if person else ()
        draft = asked.wording.small(block, (*asked.wording.asks(starters), *offers))
        notes = {"asks": list(starters), "offered": "person" if person else ""}
        return Spoken((draft,), replace(asked.memory, notes={**asked.memory.notes, **notes}))

    def _feeling(self, asked: Asked, feeling: Feeling) -> Spoken:
        """A feeling said, nothing asked: acknowledged, with an article, an exercise and a person to choose from."""
        questions = tuple(q for q in feeling.ask if self._suggest.leads_to(q)[0])[:2]
        actions = (*self._exercise(asked), *asked.wording.asks(questions), *asked.wording.offers())
        draft = asked.wording.small("talk_feeling", actions, feeling=feeling.word)
        return Spoken((draft,), asked.note(about=feeling.word, asks=list(questions), offered="person"))

    def _exercise(self, asked: Asked) -> tuple[Action, ...]:
        wanted = str(asked.talk.table.get("offers", {}).get("exercise", ""))
        languages = (self._words.language(asked.language), self._words.language("en"))
        table = next((held.tables["exercises"] for held in languages if "exercises" in held.tables), {})
        found = next((e for e in table.get("exercise", ()) if e.get("id") == wanted), None)
        return (Action("exercise", str(found["title"]), wanted),) if found else ()

    def _spoken(self, text: str, language: str) -> str:
        """The language to reply in: the text's own where it shows and the bot speaks it, else the conversation's."""
        theirs = language_of(text)
        if not theirs or theirs == language or "talk" not in self._words.language(theirs).tables:
            return language
        return language if self._reads_as(language, fold(text)) else theirs

    def _other_language(self, asked: Asked) -> Spoken | None:
        """A text in another language than the articles': said honestly. None for one that they can be searched for."""
        theirs, ours = asked.spoken or asked.language, self._articles.language()
        if theirs == ours or self._articles.answers_in(theirs) or self._reads_as(ours, asked.folded):
            return None
        draft = asked.wording.no_answer("no_answer_language")
        return Spoken((draft,), asked.note(offered="person"), self._articles.gap(asked.text, theirs))

    def _speaks(self, asked: Asked) -> bool:
        """Whether the bot has words of its own in the language of the text."""
        theirs = asked.spoken
        return not theirs or self._articles.answers_in(theirs) or theirs == asked.language

    def _reads_as(self, language: str, folded: str) -> bool:
        """Whether a third of the words are everyday words of that language: short texts mislead the detector."""
        if language not in self._words.languages or "talk" not in self._words.languages[language].tables:
            return False
        stop = self._reader(language)[0].stop
        words = folded.split()
        return sum(word in stop for word in words) * 3 >= len(words)

    def _practice(self, asked: Asked, stated: Stated) -> Spoken:
        """A question about the practice: what is stated, or that nothing is."""
        draft = asked.wording.practice(stated, stated.part)
        notes: dict[str, Any] = {"practice": stated.topic.name, "asks": [], "offered": ""}
        if stated.topic.name == "services" and stated.part:
            notes |= {"about": stated.part, "query": asked.text}
        if draft.kind is Kind.NO_ANSWER:
            gap = self._articles.gap(asked.text, asked.language, SLUG)
            return Spoken((draft,), asked.note(**{**notes, "offered": "person"}), gap)
        return Spoken((draft,), asked.note(**notes), score=1.0)

    # ── follow-ups that are commands ────────────────────────────────────────────────────────────────────────

    def _command(self, asked: Asked, name: str, ask: str) -> Spoken | None:
        """A follow-up such as "more", "why?", "yes": None when there is nothing that it could follow."""
        notes = asked.memory.notes
        if name == "yes":
            return self._yes(asked)
        if name == "no":
            return self._small(asked, "talk_no")
        if not notes.get("query"):
            return None
        return self._articles.follow(asked, name, ask)

    def _yes(self, asked: Asked) -> Spoken | None:
        notes = asked.memory.notes
        if notes.get("offered") == "person":
            spoken = self._small(asked, "talk_yes_person")
            return replace(spoken, person=True)
        asks = [str(q) for q in notes.get("asks") or ()]
        if len(asks) == 1:
            return self._one(asked.of(asks[0], asked.memory))
        if asks:
            draft = asked.wording.small("talk_yes", asked.wording.asks(asks))
            return Spoken((draft,), asked.memory)
        return self._small(asked, "talk_okay")  # a bare yes is no question to the articles


def _questions(asked: Asked) -> tuple[str, ...]:
    """The questions of a message that asks more than one; what only surrounds them is left out."""
    parts = parts_of(re.sub(r"\?+(?=\S)", "? ", asked.text))
    asks = tuple(p for p in parts if p.rstrip(" \"”')").endswith("?") and asked.of(p, asked.memory).core)
    asks = tuple(p for p in asks if not asked.talk.smalltalk(p))
    if 1 < len(asks) <= 4:
        return asks
    halves = tuple(p.strip(" ,") for p in asked.talk.joins.split(asked.text, maxsplit=1))
    if len(halves) == 2 and len(asked.text) < _JOINED and all(len(p.split()) > 1 for p in halves):
        topics = [asked.talk.topic(asked.of(p, asked.memory).core) for p in halves]
        if topics[0] is not topics[1]:
            return halves  # one half at least is about the practice
    return ()
