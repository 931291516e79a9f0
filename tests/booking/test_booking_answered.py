"""Other times offered by staff, and a way to reach somebody who waits: what the visitor says to it, and what becomes of it."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest
from booking_cast import Chat

from bot.booking import reach
from bot.hours import Hours
from bot.model import BookingDraft, Conversation, Handoff, HandoffState, Memory, Owner, Reason, SafetyMemory, Visit
from bot.words import Words

OPEN = datetime(2026, 11, 23, 15, tzinfo=UTC)  # Monday, 10:00 in the practice's zone
SHUT = datetime(2026, 11, 22, 15, tzinfo=UTC)
OFFERED = [
    {"start": "2026-11-24T16:00:00-05:00", "words": "Tuesday, November 24 at 4:00 PM"},
    {"start": "2026-11-25T16:00:00-05:00", "words": "Wednesday, November 25 at 4:00 PM"},
]


def offered(chat: Chat, *options: dict[str, str]) -> Chat:
    chat.draft = BookingDraft("ready", whom="me", name="Sam", contact="sam@vale.example", contact_kind="email", times="mornings")
    chat.draft = replace(chat.draft, notes={"offered": list(options or OFFERED), "offered_at": OPEN.isoformat(), "chosen": ""})
    return chat


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("Wednesday, November 25 at 4:00 PM", 1),
        ("tuesday, november 24 at 4:00 pm please", 0),
        ("the second one", 1),
        ("the first", 0),
    ],
)
def test_an_offered_time_is_taken_in_its_words_or_by_its_place(chat: Chat, text: str, place: int) -> None:
    step = offered(chat).write(text)
    assert chat.draft.notes["chosen"] == OFFERED[place]["start"]
    assert OFFERED[place]["words"] in step.drafts[0].text and step.card_changed
    assert not step.left, "no article is looked up for it"


def test_one_offer_is_taken_by_a_yes(chat: Chat) -> None:
    offered(chat, OFFERED[0]).write("Yes, that works")
    assert chat.draft.notes["chosen"] == OFFERED[0]["start"]


def test_none_of_them_asks_when_else(chat: Chat) -> None:
    step = offered(chat).write("no")
    assert (chat.draft.state, chat.draft.asked) == ("asking", "times") and not chat.draft.notes["chosen"]
    assert step.drafts[0].text.endswith("?")
    chat.write("any weekday after five")
    assert chat.draft.times == "any weekday after five"


def test_another_matter_is_no_answer_to_the_offer(chat: Chat) -> None:
    step = offered(chat).write("What is cognitive behavioral therapy?")
    assert step.left and not chat.draft.notes["chosen"]


def test_a_choice_can_be_changed_in_its_words_alone(chat: Chat) -> None:
    offered(chat).write("the first")
    chat.write("yes")
    assert chat.draft.notes["chosen"] == OFFERED[0]["start"]
    chat.write(OFFERED[1]["words"])
    assert chat.draft.notes["chosen"] == OFFERED[1]["start"]


# ── a way to reach them ──


def visit(memory: Memory, waits: bool = True) -> Visit:
    talk = Conversation("c1", "en", "US", "web", Owner.QUEUE if waits else Owner.BOT, 0, 0, SHUT)
    handoff = Handoff("h1", "c1", Reason.ASKED, 0, HandoffState.WAITING, SHUT, None)
    return Visit(talk, memory, handoff if waits else None, 1, 3)


def test_out_of_hours_a_way_to_reach_them_is_asked_for(words: Words, hours: Hours) -> None:
    said = reach.queued(words, hours, Memory(), "en", SHUT).text
    assert "closed" in said and "9:00" in said, "when somebody will answer"
    assert "phone number or an e-mail" in said
    assert "phone" not in reach.queued(words, hours, Memory(), "en", OPEN).text, "nothing is asked while somebody is in"
    for known in (
        reach.asked(words, hours, Memory(), "en", SHUT, "sam@vale.example"),
        reach.asked(words, hours, Memory(booking=BookingDraft("ready", contact="sam@vale.example")), "en", SHUT),
        reach.asked(words, hours, Memory(safety=SafetyMemory(minor=True, under_13=True)), "en", SHUT),
    ):
        assert known == ""


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("sam@vale.example", "sam@vale.example"),
        ("You can ring me on 202-555-0143 after six", "+1 202-555-0143"),
        ("my number is 12", ""),
        ("I told 988 everything", ""),
        ("nothing of the kind", ""),
    ],
)
def test_a_contact_is_taken_from_what_they_write(words: Words, text: str, left: str) -> None:
    assert reach.left(text, Memory(), words) == left
    assert reach.left(text, Memory(safety=SafetyMemory(minor=True, under_13=True)), words) == "", "never from a child"
    assert reach.left(text, Memory(booking=BookingDraft("asking")), words) == "", "the booking asks for its own"


def test_a_contact_by_itself_is_thanked_for_only_while_they_wait(words: Words) -> None:
    thanks = reach.thanks("it is sam@vale.example", visit(Memory()), Memory(), words, "en")
    assert thanks is not None and "sam@vale.example" in thanks.text
    assert reach.thanks("it is sam@vale.example", visit(Memory(), waits=False), Memory(), words, "en") is None
    assert reach.thanks("What is CBT? sam@vale.example", visit(Memory()), Memory(), words, "en") is None
