"""A consultation request in chat: one question at a time, any order, corrected, given up, resumed, never in danger."""

from __future__ import annotations

import dataclasses
import json

import pytest
from booking_cast import Chat
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.booking import Booking
from bot.model import BookingDraft, Kind
from bot.words import Words

WHOLE = "Book a free consult for my daughter Mia, Tuesday after 4, my number is 212-555-0142, you can leave a message"


def test_one_question_at_a_time_to_the_end(chat: Chat) -> None:
    step = chat.begin()
    assert step.draft.state == "asking" and step.draft.asked == "whom"
    answers = ["for me", "Sam", "(212) 555-0142", "Tuesday after 4", "yes", "no"]
    for answer, asked in zip(answers, ["name", "contact", "times", "message", "note", "confirm"], strict=True):
        step = chat.write(answer)
        assert step.draft.asked == asked and not step.left
        (said,) = step.drafts
        assert said.kind is Kind.BOOKING and said.text.count("?") <= 1, "one question at a time"
    assert "Sam" in chat.last and "+1 212-555-0142" in chat.last and "Tuesday, November 24, after 4:00 PM" in chat.last
    step = chat.write("yes")
    assert step.done and step.draft.state == "ready"
    assert "A person will look at this by 5:00 PM tomorrow" in chat.last, "with what may honestly be promised"


def test_all_at_once_leaves_only_what_is_missing(chat: Chat) -> None:
    step = chat.begin(WHOLE)
    draft = step.draft
    assert (draft.whom, draft.name, draft.contact) == ("my daughter", "Mia", "+1 212-555-0142")
    assert draft.times == "Tuesday after 4" and draft.may_leave_message == "yes"
    assert draft.asked == "note"
    assert "Tuesday, November 24, after 4:00 PM (Eastern Time)" in chat.last, "the time is echoed, with its zone"


def test_in_any_order(chat: Chat) -> None:
    chat.all("can I book?", "sam@example.org", "Wednesday at 10am", "my name is Sam", "for myself", "no")
    draft = chat.draft
    assert (draft.whom, draft.name, draft.contact, draft.contact_kind) == ("me", "Sam", "sam@example.org", "email")
    assert draft.times == "Wednesday at 10am" and draft.asked in {"confirm", "times"}


@pytest.mark.parametrize(
    ("correction", "detail", "is_now"),
    [
        ("no, my number is 212-555-0199", "contact", "+1 212-555-0199"),
        ("sorry, wrong number: 646 555 0123", "contact", "+1 646-555-0123"),
        ("actually, mail me at sam@example.org instead", "contact", "sam@example.org"),
        ("no, my name is Samira", "name", "Samira"),
        ("please call me Sammy", "name", "Sammy"),
        ("it's for my wife actually", "whom", "my wife"),
        ("no, Friday at 10am", "times", "no, Friday at 10am"),
        ("make it Friday morning instead", "times", "make it Friday morning instead"),
        ("please don't leave a voicemail", "may_leave_message", "no"),
    ],
)
def test_corrected_at_the_end(chat: Chat, correction: str, detail: str, is_now: str) -> None:
    chat.all("book", "for me", "Sam", "212-555-0142", "Tuesday after 4", "yes", "no")
    assert chat.draft.asked == "confirm"
    before = chat.draft
    step = chat.write(correction)
    assert getattr(step.draft, detail) == is_now
    names = {f.name for f in dataclasses.fields(BookingDraft)}
    changed = {name for name in names if getattr(before, name) != getattr(step.draft, name)}
    assert changed <= {detail, "contact_kind", "slots", "notes", "asked"}, "nothing else moved"
    assert step.draft.asked == "confirm" and step.card_changed


def test_corrected_in_the_middle_keeps_the_question(chat: Chat) -> None:
    chat.all("book", "for me", "Sam", "212-555-0142")
    step = chat.write("no, my number is 212-555-0199")
    assert step.draft.contact == "+1 212-555-0199" and step.draft.asked == "times" and step.draft.times == ""


def test_no_to_the_whole_asks_what(chat: Chat) -> None:
    chat.all("book", "for me", "Sam", "212-555-0142", "Tuesday after 4", "yes", "no", "no")
    assert chat.draft.asked == "change"
    assert chat.write("the time").draft.asked == "times"
    step = chat.write("Wednesday morning")
    assert step.draft.asked == "confirm" and step.draft.times == "Wednesday morning"
    assert chat.write("yes").done


def test_corrected_after_it_was_sent(chat: Chat) -> None:
    chat.all("book", "for me", "Sam", "212-555-0142", "Tuesday after 4", "yes", "no", "yes")
    step = chat.write("no wait, my number is 212-555-0199")
    assert step.card_changed and step.draft.state == "ready" and step.draft.contact == "+1 212-555-0199"
    assert chat.write("thanks! what is CBT?").left, "what is not about it is left to others"
    assert chat.draft.state == "ready"


@pytest.mark.parametrize(
    "words_", ["never mind", "cancel", "I changed my mind.", "please stop", "forget it", "maybe later"]
)
def test_given_up_and_taken_up_again(chat: Chat, words_: str) -> None:
    chat.all("book", "for me", "Sam")
    step = chat.write(words_)
    assert step.given_up and step.draft.state == "given_up" and step.draft.name == "Sam"
    step = chat.begin("ok, I do want to book")
    assert step.draft.state == "asking" and step.draft.asked == "contact" and step.draft.name == "Sam"


def test_declined_details_are_left_out(chat: Chat) -> None:
    chat.all("book", "for me", "I'd rather not say", "skip")
    assert set(chat.draft.refused) == {"name", "contact", "message"} and chat.draft.asked == "times"
    step = chat.write("skip")
    assert step.draft.asked == "note" and chat.write("nothing").draft.asked == "confirm"
    assert "not given" in chat.last and chat.write("yes").done
    late = chat.write("actually my e-mail is sam@example.org")
    assert late.draft.contact == "sam@example.org" and "contact" not in late.draft.refused


def test_the_consent_is_a_sentence_said_once_and_kept_with_its_date(chat: Chat) -> None:
    chat.begin()
    assert "you agree that our team reads this conversation" in chat.last
    assert chat.draft.notes["consent"].endswith("(2026-11-22)") and chat.draft.notes["consent"][:20] in chat.last
    chat.write("never mind")
    chat.begin("book")
    assert "you agree" not in chat.last


@pytest.mark.parametrize(
    ("text", "is_one"),
    [("book", True), ("Book again, please!", True), ("can we go on with the booking?", True), ("an appointment", True),
     ("what book do you recommend", False), ("my facebook", False), ("the booking was wrong", False)],
)  # fmt: skip
def test_the_word_that_we_tell_people_to_say_is_understood(booking: Booking, text: str, is_one: bool) -> None:
    assert booking.wants(text, "en") is is_one


# ── something else in between ──


ASIDES = ["what is CBT?", "How much does it cost?", "do you take insurance", "I feel so tired of everything"]
ASKED = ["whom", "name", "contact", "times", "message", "note"]


@pytest.mark.parametrize(
    ("question", "asked"),
    [(q, a) for q in ASIDES for a in ASKED if not (a == "note" and q.startswith("I feel"))],  # that is an answer to it
)
def test_a_question_is_no_answer(chat: Chat, question: str, asked: str) -> None:
    chat.begin()
    for answer, follows in [("for me", "name"), ("Sam", "contact"), ("212-555-0142", "times"),
                            ("Tuesday after 4", "message"), ("yes", "note")]:  # fmt: skip
        if chat.draft.asked == asked:
            break
        assert chat.write(answer).draft.asked == follows
    before = chat.draft
    step = chat.write(question)
    assert step.left and step.draft.asked == asked
    kept = {f.name for f in dataclasses.fields(BookingDraft)} - {"notes", "asked"}
    assert all(getattr(step.draft, n) == getattr(before, n) for n in kept), "nothing of it was taken as a detail"
    assert step.drafts, "the way back to the booking"


def test_the_way_back_does_not_nag(chat: Chat) -> None:
    chat.all("book", "for me")
    ways = [chat.write(q).drafts for q in ("what is CBT?", "what is DBT?", "what is EMDR?", "what is ACT?")]
    assert [len(w) for w in ways] == [1, 1, 0, 0]
    assert chat.write("Sam").draft.asked == "contact", "and it is still there when the visitor comes back to it"


def test_a_detail_and_a_question_in_one(chat: Chat) -> None:
    chat.all("book", "for me", "Sam")
    step = chat.write("212-555-0142. How much does a session cost?")
    assert step.left and step.draft.contact == "+1 212-555-0142" and step.draft.asked == "times" and step.drafts
    step = chat.write("Could we do Tuesday at 4?")
    assert not step.left and step.draft.times, "a time put as a question is an answer"
    first = Chat(chat.booking).begin("Can I book a consultation for next Tuesday at 10am?")
    assert not first.left and first.draft.slots == ("2026-11-24T10:00:00-05:00",)


# ── risk and children ──


def test_paused_while_a_flag_is_open_and_never_lost(chat: Chat, booking: Booking) -> None:
    chat.all("book", "for me", "Sam")
    paused = booking.pause(chat.draft)
    assert paused.state == "paused" and paused.name == "Sam"
    assert booking.pause(paused) == paused
    chat.draft = paused
    step = chat.write("what is therapy like?")
    assert step.left and step.draft.state == "asking" and "booking" in step.drafts[0].text
    assert chat.write("212-555-0142").draft.asked == "times"


def test_a_wish_to_book_in_a_message_of_danger_is_kept(chat: Chat, booking: Booking) -> None:
    kept = booking.pause(BookingDraft(), wanted=True)
    assert kept.state == "paused"
    assert booking.pause(BookingDraft(), wanted=False) == BookingDraft()
    ready = BookingDraft(state="ready", name="Sam")
    assert booking.pause(ready, wanted=True) == ready, "what is with the team stays with the team"


@pytest.mark.parametrize("contact", ["my number is 212-555-0142", "mail kim@school.example, no calls"])
def test_nobody_under_13_is_asked_for_a_contact(chat: Chat, contact: str) -> None:
    chat.minor = chat.under_13 = True
    step = chat.begin(f"I want to book. {contact}")
    assert step.draft.contact == "", "and what is offered unasked is not kept in the request"
    for answer in ("me", "Kim", "Tuesday after 4", "nothing"):
        chat.write(answer)
    assert chat.draft.contact == "" and "safe_contact" not in chat.draft.notes
    assert not any("phone number or e-mail address?" in said or "reach you" in said for said in chat.said)
    assert "+1 212" not in chat.last and "school" not in chat.last and "not given" in chat.last
    assert chat.write("yes").done


def test_a_minor_is_asked_for_a_safe_way(chat: Chat) -> None:
    chat.minor = True
    chat.all("book please", "for me", "Kim")
    assert chat.draft.asked == "contact" and ("safe" in chat.last or "private" in chat.last)
    assert any("16" in said for said in chat.said), "and told what practice.toml says of young people"


# ── contacts and names ──


@pytest.mark.parametrize(
    ("text", "is_now", "kind"),
    [
        ("212 555 0142", "+1 212-555-0142", "phone"),
        ("+44 20 7946 0018", "+44 20 7946 0018", "phone"),
        ("call me on (646) 555-0123 ext. 5", "+1 646-555-0123 ext. 5", "phone"),
        ("Sam.Lee+chat@Example.org", "Sam.Lee+chat@example.org", "email"),
        ("it's sam@example.org.", "sam@example.org", "email"),
        ("zoë@exämple.org", "zoë@exämple.org", "email"),
    ],
)
def test_contacts_are_read_and_normalised(chat: Chat, text: str, is_now: str, kind: str) -> None:
    step = chat.all("book", "for me", "Sam", text)
    assert (step.draft.contact, step.draft.contact_kind) == (is_now, kind)
    assert step.draft.asked == "times"


@pytest.mark.parametrize(
    "text", ["555-0142", "12345", "sam@", "sam@example", "sam at example dot org 99999", "+1 000 000 0000"]
)
def test_a_contact_that_cannot_be_is_asked_again_and_then_kept_in_own_words(chat: Chat, text: str) -> None:
    step = chat.all("book", "for me", "Sam", text)
    assert step.draft.contact == "" and step.draft.asked == "contact"
    step = chat.write(text)
    assert (step.draft.contact, step.draft.contact_kind) == (text, "unread") and step.draft.asked == "times"


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("Sam", "Sam"),
        ("my name is Sam Lee", "Sam Lee"),
        ("I'm Sam.", "Sam"),
        ("it's José María", "José María"),
        ("李小龍", "李小龍"),
        ("O'Brien-Smith", "O'Brien-Smith"),
        ("<script>alert(1)</script>", "<script>alert(1)</script>"),  # shown as text everywhere
        ("{telephone} {0} %s", "{telephone} {0} %s"),
        ("Sam, and my number is 212-555-0142", "Sam"),
    ],
)
def test_names_are_kept_as_they_are(chat: Chat, text: str, name: str) -> None:
    step = chat.all("book", "for me", text)
    assert step.draft.name == name
    chat.write("212-555-0142") if not step.draft.contact else None
    chat.write("Tuesday at 10am")
    chat.write("yes")
    chat.write("no")
    assert name in chat.last


@pytest.mark.parametrize(
    "text", ["yes", "ok", "I don't know", "?", "12345678", "x" * 200, "I have been feeling very low"]
)
def test_what_is_no_name_is_not_taken_for_one(chat: Chat, text: str) -> None:
    assert chat.all("book", "for me", text).draft.name == ""


def test_wishes_about_being_reached_are_kept_word_for_word(chat: Chat) -> None:
    chat.all("book", "for me", "Sam", "text only please, 212-555-0142")
    assert chat.draft.notes["safe_contact"] == "text only" and chat.draft.may_leave_message == "no"
    chat.write("Tuesday at 10am")
    assert chat.draft.asked == "note", "what was said is not asked"


# ── every answer, any answer ──


def test_nothing_is_said_twice_while_a_fresh_sentence_is_left(chat: Chat) -> None:
    chat.all("book", "hm", "hm", "for me", "", "?", "Sam")
    lines = [line for said in chat.said for line in said.split("\n")]
    questions = [line for line in lines if line.endswith("?")]
    assert len(questions) == len(set(questions))


@given(st.lists(st.text(max_size=300), min_size=1, max_size=12))
@settings(max_examples=60, deadline=None)
def test_no_message_breaks_it_and_the_draft_survives_storage(texts: list[str]) -> None:
    chat = Chat(_shared())
    chat.begin("book")
    for text in texts:
        step = chat.write(text)
        assert step.drafts or step.left or step.draft.state != "asking"
        packed = json.loads(json.dumps(dataclasses.asdict(step.draft)))
        again = BookingDraft(**{**packed, "slots": tuple(packed["slots"]), "refused": tuple(packed["refused"])})
        assert again == step.draft
    assert "{" not in "".join(chat.said).replace("".join(texts), "") or any("{" in t for t in texts)


_BOOKING: list[Booking] = []


def _shared() -> Booking:
    if not _BOOKING:
        from pathlib import Path

        from bot.hours import Hours
        from bot.words import load

        words = load(Path(__file__).parents[2] / "corpus")
        _BOOKING.append(Booking(words, Hours(words.practice)))
    return _BOOKING[0]


def test_every_asking_block_has_three_variants(words: Words) -> None:
    asking = [b for b in words.language("en").blocks if b.startswith("booking_ask_")]
    assert len(asking) >= 9
    assert all(len(words.variants(b, "en")) >= 3 for b in asking)
