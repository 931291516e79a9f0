"""When it would suit: read in the practice's zone, echoed, and honest about what cannot be."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from booking_cast import SUNDAY, Chat
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.booking import Booking
from bot.booking.times import Reader
from bot.hours import Hours
from bot.words import Words, load, read_practice

ROOT = Path(__file__).parents[2]
ZONE = ZoneInfo("America/New_York")


@pytest.fixture(scope="module")
def reader(words: Words, hours: Hours) -> Reader:
    return Reader(words, hours)


@pytest.mark.parametrize(
    ("text", "echo"),
    [
        ("Tuesday after 4", "Tuesday, November 24, after 4:00 PM"),
        ("tuesday after four", "Tuesday, November 24, after 4:00 PM"),
        ("any weekday after five", "any weekday, after 5:00 PM"),
        ("weekdays before noon", "any weekday, before 12:00 PM"),
        ("any weekday after 5pm", "any weekday, after 5:00 PM"),
        ("mornings", "any day, in the morning"),
        ("Monday or Wednesday morning", "Monday, November 23 or Wednesday, November 25, in the morning"),
        ("Mondays and Wednesdays between 2 and 4", "any Monday or Wednesday, between 2:00 PM and 4:00 PM"),
        ("Mon after 4, Wed at 9", "Monday, November 23, after 4:00 PM or Wednesday, November 25, at 9:00 AM"),
        ("after 5 on Friday", "Friday, November 27, after 5:00 PM"),
        ("friday 9-11", "Friday, November 27, between 9:00 AM and 11:00 AM"),
        ("tomorrow at 9.30am", "Monday, November 23, at 9:30 AM"),
        ("tomorrow at half past four", "Monday, November 23, at 4:30 PM"),
        ("day after tomorrow, 14:30", "Tuesday, November 24, at 2:30 PM"),
        ("December 3rd at 10", "Thursday, December 3, at 10:00 AM"),
        ("the 3rd of December at 10:15", "Thursday, December 3, at 10:15 AM"),
        ("3 Dec, noon", "Thursday, December 3, at 12:00 PM"),
        ("2026-12-03 at 10am", "Thursday, December 3, at 10:00 AM"),
        ("12/3 at 10am or 12/24", "Thursday, December 3, at 10:00 AM"),
        ("12/24", "Thursday, December 24"),
        ("24/12", "Thursday, December 24"),
        ("next Tuesday", "Tuesday, November 24"),
        ("next week", "Monday, November 23 to Friday, November 27"),
        ("in two weeks", "Sunday, December 6"),
        ("weekends", "any weekend day"),
        ("any time", "any day"),
        ("I'm flexible", "any day"),
        ("after work", "any day, after 5:00 PM"),
        ("Jan 5", "Tuesday, January 5, 2027"),
    ],
)
def test_what_people_write(reader: Reader, text: str, echo: str) -> None:
    times = reader.read(text, SUNDAY, "en")
    assert reader.echo(times, SUNDAY, "en").startswith(echo) or times.either


@pytest.mark.parametrize(
    ("text", "slots"),
    [
        ("Tuesday at 10am", ["2026-11-24T10:00:00-05:00"]),
        ("Tuesday after 4", ["2026-11-24T16:00:00-05:00/2026-11-24T18:00:00-05:00"]),
        ("Friday morning", ["2026-11-27T09:00:00-05:00/2026-11-27T12:00:00-05:00"]),
        (
            "any weekday after five",
            [
                "2026-11-23T17:00:00-05:00/2026-11-23T18:00:00-05:00",
                "2026-11-24T17:00:00-05:00/2026-11-24T18:00:00-05:00",
                "2026-11-25T17:00:00-05:00/2026-11-25T18:00:00-05:00",
            ],
        ),
        ("weekdays after 7pm", ["2026-12-03T19:00:00-05:00/2026-12-03T20:00:00-05:00",
                                "2026-12-10T19:00:00-05:00/2026-12-10T20:00:00-05:00"]),  # Thursdays alone are long
        ("Dec 24 in the afternoon", []),  # Christmas Eve closes at noon
        ("Saturday at 10", []),
    ],
)  # fmt: skip
def test_slots_lie_in_the_opening_hours(reader: Reader, text: str, slots: list[str]) -> None:
    assert list(reader.read(text, SUNDAY, "en").slots) == slots


@pytest.mark.parametrize(
    "text",
    ["no", "yes please", "I feel worse since my divorce", "what is CBT", "5", "I have 3 children", "", "🙂", "route 66",
     "my number is 5", "he may call", "I sat down", "second thoughts"],
)  # fmt: skip
def test_what_is_no_time_is_not_read_as_one(reader: Reader, text: str) -> None:
    assert not reader.read(text, SUNDAY, "en").found


@pytest.mark.parametrize("text", ["yesterday", "the day before yesterday", "November 3", "11/20", "2020-01-01"])
def test_a_day_that_has_passed_is_said_to_have(reader: Reader, text: str) -> None:
    times = reader.read(text, SUNDAY, "en")
    assert times.past and not times.slots and all(d < SUNDAY.date() for d in times.past)


def test_two_readings_are_offered_and_the_practices_order_comes_first(reader: Reader) -> None:
    october = datetime(2026, 10, 1, 15, tzinfo=UTC)
    assert reader.read("11/12 at 10am", october, "en").either == (date(2026, 11, 12), date(2026, 12, 11))
    assert reader.read("12/12", october, "en").either == (), "both readings are the same day"
    assert reader.read("10.5", october, "en").either == () and not reader.read("1/2/3/4", october, "en").either


def test_elsewhere_the_day_comes_first(tmp_path: Path, words: Words) -> None:
    path = tmp_path / "practice.toml"
    path.write_text('name = "P"\ntelephone = "1"\ncountry = "GB"\ntime_zone = "Europe/London"\n', encoding="utf-8")
    british = Words(read_practice(path), words.countries, words.languages, words.corpus)
    october = datetime(2026, 10, 1, 15, tzinfo=UTC)
    assert Reader(british, Hours(british.practice)).read("11/12", october, "en").either == (
        date(2026, 12, 11),
        date(2026, 11, 12),
    )


def test_another_language_is_read_by_the_parser_alone(reader: Reader) -> None:
    times = reader.read("24 de noviembre", SUNDAY, "es")
    assert times.wishes[0].dates == (date(2026, 11, 24),)
    assert "24 de noviembre" in reader.echo(times, SUNDAY, "es")


def test_the_night_on_which_the_clocks_go_forward(words: Words, tmp_path: Path) -> None:
    text = (ROOT / "corpus/practice.toml").read_text(encoding="utf-8")
    text = text.replace("\n[hours]\n", '\n[hours]\nsunday = ["00:00-06:00"]\n')
    path = tmp_path / "practice.toml"
    path.write_text(text, encoding="utf-8")
    owls = Words(read_practice(path), words.countries, words.languages, words.corpus)
    reader = Reader(owls, Hours(owls.practice))
    march = datetime(2027, 3, 10, 15, tzinfo=UTC)
    times = reader.read("Sunday at 2:30am", march, "en")
    (slot,) = times.slots
    at = datetime.fromisoformat(slot)
    assert at.astimezone(UTC).astimezone(ZONE).isoformat() == slot, "a time that exists"
    assert at == datetime(2027, 3, 14, 7, tzinfo=UTC), "the moment at which the clocks have gone forward"


WISHES = ["any weekday after five", "tomorrow morning", "Friday at 10am", "today", "next week", "Monday 2-4", "11/12"]


@given(st.datetimes(datetime(2026, 1, 1), datetime(2028, 1, 1)), st.sampled_from(WISHES))
@settings(max_examples=150, deadline=None)
def test_no_slot_has_passed_or_lies_outside_the_hours(at: datetime, text: str) -> None:
    reader, now = _shared(), at.replace(tzinfo=UTC)
    for slot in reader.read(text, now, "en").slots:
        start, _, end = slot.partition("/")
        first, last = datetime.fromisoformat(start), datetime.fromisoformat(end or start)
        assert first >= now and reader.hours.open_at(first)
        assert last >= first and reader.hours.open_at(max(first, last - timedelta(minutes=1)))
        assert first.astimezone(UTC).astimezone(ZONE).utcoffset() == first.utcoffset()


@given(st.text(max_size=400))
@settings(max_examples=150, deadline=None)
def test_any_text_is_read_without_harm(text: str) -> None:
    _shared().read(text, SUNDAY, "en")


_READER: list[Reader] = []


def _shared() -> Reader:
    if not _READER:
        words = load(ROOT / "corpus")
        _READER.append(Reader(words, Hours(words.practice)))
    return _READER[0]


# ── in the conversation ──


def booked(chat: Chat, *texts: str) -> Chat:
    chat.all("book", "for me", "Sam", "sam@example.org", *texts)
    return chat


def test_yesterday_is_asked_again(chat: Chat) -> None:
    booked(chat, "yesterday")
    assert chat.draft.asked == "times" and chat.draft.times == "" and "passed" in chat.last
    assert chat.write("Monday at 10am").draft.slots == ("2026-11-23T10:00:00-05:00",)


def test_earlier_today_is_asked_again(chat: Chat) -> None:
    chat.now = datetime(2026, 11, 23, 18, tzinfo=UTC)  # 13:00
    booked(chat, "today at 10am")
    assert chat.draft.asked == "times" and "today" in chat.last
    assert chat.write("today after 4").draft.slots == ("2026-11-23T16:00:00-05:00/2026-11-23T18:00:00-05:00",)


@pytest.mark.parametrize(
    ("answer", "day"),
    [("the first one", "2026-11-12"), ("second", "2026-12-11"), ("December 11", "2026-12-11"),
     ("Thursday, November 12", "2026-11-12"), ("I mean 12/11", "")],
)  # fmt: skip
def test_eleven_twelve_is_asked_about_and_keeps_its_hour(chat: Chat, answer: str, day: str) -> None:
    chat.now = datetime(2026, 10, 1, 15, tzinfo=UTC)
    booked(chat, "11/12 at 10am")
    assert "Thursday, November 12" in chat.last and "Friday, December 11" in chat.last
    assert chat.draft.slots == () and chat.draft.asked == "times"
    step = chat.write(answer)
    if not day:
        assert step.draft.slots == () and step.draft.asked == "times", "still two readings: asked again"
        return
    assert step.draft.slots[0].startswith(day) and step.draft.asked == "note"
    if answer in {"the first one", "second"}:
        assert step.draft.slots == (f"{day}T10:00:00-05:00",)


def test_with_one_reading_past_the_other_is_asked_for(chat: Chat) -> None:
    booked(chat, "11/12")
    assert "Thursday, November 12 has already passed" in chat.last and "Friday, December 11" in chat.last
    assert chat.write("yes").draft.slots[0].startswith("2026-12-11")


def test_any_weekday_after_five_is_echoed_with_its_zone(chat: Chat) -> None:
    booked(chat, "any weekday after five")
    assert chat.draft.times == "any weekday after five", "own words are kept"
    assert "any weekday, after 5:00 PM (Eastern Time)" in chat.last


def test_a_holiday_is_named(chat: Chat) -> None:
    booked(chat, "Thursday at 10")
    assert "Thanksgiving Day" in chat.last and chat.draft.asked == "times"
    step = chat.write("Thursday at 10")
    assert step.draft.asked == "note" and step.draft.times == "Thursday at 10", "insisted on: a person will read it"
    assert "outside" in chat.last or "usually closed" in chat.last or "closed on" in chat.last


def test_outside_the_hours_is_noted_and_said(chat: Chat) -> None:
    booked(chat, "weekdays after 9pm")
    assert chat.draft.times and not chat.draft.slots and chat.draft.asked == "note"
    assert "outside" in chat.last or "closed then" in chat.last


def test_what_cannot_be_read_is_kept_and_not_pretended(chat: Chat, booking: Booking) -> None:
    booked(chat, "when the moon is full")
    assert chat.draft.times == "when the moon is full" and chat.draft.slots == ()
    assert "your own words" in chat.last.lower() and "I read that as" not in chat.last
