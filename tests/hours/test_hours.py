"""When the practice is open, across holidays, midnight and the two nights on which the clocks change."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.hours import DAYS, Hours
from bot.words import WordsFault, read_practice

ROOT = Path(__file__).parents[2]
NEW_YORK = ZoneInfo("America/New_York")
HEAD = 'name = "P"\ntelephone = "+1 555-0100"\ncountry = "US"\n'


def hours_of(tmp_path: Path, text: str, zone: str = "America/New_York") -> Hours:
    path = tmp_path / "practice.toml"
    path.write_text(f'{HEAD}time_zone = "{zone}"\n{text}', encoding="utf-8")
    return Hours(read_practice(path))


@pytest.fixture(scope="module")
def shipped() -> Hours:
    return Hours(read_practice(ROOT / "corpus/practice.toml"))


def local(text: str, zone: ZoneInfo = NEW_YORK, fold: int = 0) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=zone, fold=fold).astimezone(UTC)


@pytest.mark.parametrize(
    ("at", "is_open"),
    [
        ("2026-11-23 08:59", False),
        ("2026-11-23 09:00", True),
        ("2026-11-23 17:59", True),
        ("2026-11-23 18:00", False),  # the end is no longer in
        ("2026-11-19 19:30", True),  # Thursday is long
        ("2026-11-21 12:00", False),  # Saturday
        ("2026-11-26 12:00", False),  # Thanksgiving, a Thursday
        ("2026-12-24 10:00", True),  # Christmas Eve keeps its own hours
        ("2026-12-24 13:00", False),
    ],
)
def test_the_demo_practice(shipped: Hours, at: str, is_open: bool) -> None:
    assert shipped.open_at(local(at)) is is_open


def test_the_next_opening_skips_weekend_and_holiday(shipped: Hours) -> None:
    assert shipped.next_opening(local("2026-11-20 16:30")) == local("2026-11-23 09:00")
    assert shipped.next_opening(local("2026-11-25 18:30")) == local("2026-11-27 09:00")
    inside = local("2026-11-23 10:10")
    assert shipped.next_opening(inside) == inside
    assert shipped.closes_at(inside) == local("2026-11-23 18:00")
    assert shipped.closes_at(local("2026-11-23 20:00")) is None


def test_a_night_shift_runs_across_midnight_and_stops_at_a_holiday(tmp_path: Path) -> None:
    hours = hours_of(
        tmp_path,
        '[hours]\nwednesday = ["20:00-02:00"]\nthursday = ["20:00-02:00"]\n[[holidays]]\ndate = 2026-11-26\n',
    )
    assert hours.open_at(local("2026-11-25 23:59"))
    assert not hours.open_at(local("2026-11-26 00:00")), "the holiday begins at midnight, whatever began before"
    assert not hours.open_at(local("2026-11-26 21:00"))
    assert not hours.open_at(local("2026-11-27 01:00")), "and a shift of the holiday does not spill into the next day"
    assert hours.closes_at(local("2026-11-25 21:00")) == local("2026-11-26 00:00")
    assert hours.open_at(local("2026-12-03 01:59")), "a plain Wednesday night does"
    assert hours.closes_at(local("2026-12-02 21:00")) == local("2026-12-03 02:00")


def test_the_day_may_end_at_24_and_go_on_at_0(tmp_path: Path) -> None:
    hours = hours_of(tmp_path, '[hours]\nmonday = ["18:00-24:00"]\ntuesday = ["00:00-06:00"]\n')
    assert hours.closes_at(local("2026-11-23 19:00")) == local("2026-11-24 06:00")
    assert [(b - a) for a, b in hours.periods(local("2026-11-23 12:00"), 3)] == [timedelta(hours=12)]


def test_open_around_the_clock_never_closes(tmp_path: Path) -> None:
    days = "\n".join(f'{day} = ["00:00-24:00"]' for day in DAYS)
    hours = hours_of(tmp_path, f"[hours]\n{days}\n")
    at = local("2027-03-14 01:59")
    assert hours.open_at(at) and hours.open_at(at + timedelta(minutes=2)) and hours.closes_at(at) is None


def test_the_missing_hour_opens_when_the_clocks_have_gone_forward(tmp_path: Path) -> None:
    hours = hours_of(tmp_path, '[hours]\nsunday = ["02:30-05:00"]\n')  # 14 March 2027: 02:00 to 03:00 is not there
    change = datetime(2027, 3, 14, 7, tzinfo=UTC)
    assert hours.next_opening(change - timedelta(hours=1)) == change
    assert hours.closes_at(change) == change + timedelta(hours=2), "05:00 summer time"
    shut = hours_of(tmp_path, '[hours]\nsunday = ["02:10-02:50"]\n')
    assert shut.next_opening(change - timedelta(hours=1)) == local("2027-03-21 02:10"), "all of it is missing"


def test_the_doubled_hour_counts_twice(tmp_path: Path) -> None:
    hours = hours_of(tmp_path, '[hours]\nsunday = ["00:30-01:30"]\n')  # 1 November 2026: 01:00 to 02:00 comes twice
    opens = local("2026-11-01 00:30")
    assert hours.next_opening(opens - timedelta(hours=1)) == opens
    assert hours.closes_at(opens) == local("2026-11-01 01:30", fold=1)
    assert hours.open_at(local("2026-11-01 01:45", fold=0)) and not hours.open_at(local("2026-11-01 01:45", fold=1))


def test_a_zone_where_midnight_is_missing(tmp_path: Path) -> None:
    hours = hours_of(tmp_path, '[hours]\nsunday = ["00:00-10:00"]\n', "America/Santiago")
    zone = ZoneInfo("America/Santiago")
    change = datetime(2026, 9, 6, 4, tzinfo=UTC)  # 24:00 on the Saturday becomes 01:00
    assert change.astimezone(zone).hour == 1 and (change - timedelta(seconds=1)).astimezone(zone).hour == 23
    assert hours.next_opening(change - timedelta(hours=3)) == change


def test_leave_closes_the_practice_or_one_persons_days(tmp_path: Path) -> None:
    hours = hours_of(
        tmp_path,
        '[hours]\nmonday = ["09:00-17:00"]\n[[leave]]\nfirst = 2026-11-23\nlast = 2026-11-29\n'
        '[[leave]]\nwho = "mailto:ana@practice.example"\nfirst = 2026-12-07\n',
    )
    assert hours.next_opening(local("2026-11-22 12:00")) == local("2026-11-30 09:00")
    assert hours.on_leave("mailto:ana@practice.example", local("2026-12-07 23:00"))
    assert not hours.on_leave("mailto:ana@practice.example", local("2026-12-08 01:00"))
    assert hours.open_at(local("2026-12-07 10:00")), "one person's leave does not close the practice"


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ('[hours]\nmonday = ["9-17"]\n', "09:00"),
        ('[hours]\nmonday = ["09:00"]\n', "no end"),
        ('[hours]\nmonday = ["09:00-25:00"]\n', "24:00"),
        ('[hours]\nmonday = ["09:00-09:00"]\n', "00:00-24:00"),
        ('[hours]\nmonday = "09:00-17:00"\n', "list"),
        ('[hours]\nmontag = ["09:00-17:00"]\n', "monday"),
        ('[[holidays]]\ndate = "2026-12-25"\n', "without quotes"),
        ("[[leave]]\nfirst = 2026-12-25\nlast = 2026-12-24\n", "before it starts"),
    ],
)
def test_wrong_hours_are_refused_in_one_line(tmp_path: Path, text: str, says: str) -> None:
    with pytest.raises(WordsFault, match=says) as caught:
        hours_of(tmp_path, text)
    assert "\n" not in str(caught.value)


def test_an_unknown_zone_is_refused(tmp_path: Path) -> None:
    with pytest.raises(WordsFault, match="America/New_York"):
        hours_of(tmp_path, "", "Springfield")


# ── the promise ──


@pytest.mark.parametrize(
    ("urgency", "at", "due"),
    [
        (4, "2026-11-23 10:00", "2026-11-23 10:02"),
        (4, "2026-11-22 03:00", "2026-11-22 03:02"),  # at once, by night too
        (3, "2026-11-23 10:00", "2026-11-23 10:15"),
        (3, "2026-11-23 17:55", "2026-11-23 18:10"),  # whoever is in stays for it
        (3, "2026-11-22 03:00", "2026-11-23 09:15"),
        (2, "2026-11-23 10:00", "2026-11-23 14:00"),
        (2, "2026-11-23 16:00", "2026-11-23 18:00"),  # the same working day
        (2, "2026-11-23 17:59", "2026-11-23 18:14"),
        (2, "2026-11-23 19:00", "2026-11-24 13:00"),
        (1, "2026-11-23 16:00", "2026-11-24 15:00"),  # eight hours of open time
        (0, "2026-11-25 09:00", "2026-11-25 17:00"),
        (0, "2026-11-23 15:00", "2026-11-23 18:00"),  # a request is acknowledged the same day
        (0, "2026-11-23 17:30", "2026-11-24 16:30"),  # … unless the day is all but over
    ],
)
def test_when_a_person_is_due(shipped: Hours, urgency: int, at: str, due: str) -> None:
    assert shipped.due(urgency, local(at)) == local(due)


@given(
    minutes=st.integers(min_value=0, max_value=60 * 24 * 400),
    urgency=st.integers(min_value=0, max_value=4),
)
@settings(max_examples=200, deadline=None)
def test_what_is_promised_lies_ahead_and_while_open(minutes: int, urgency: int) -> None:
    hours = Hours(read_practice(ROOT / "corpus/practice.toml"))
    at = datetime(2026, 10, 1, tzinfo=UTC) + timedelta(minutes=minutes)
    due = hours.due(urgency, at)
    assert due is not None and due > at
    start = hours.next_opening(at)
    assert start is not None
    if urgency == 2:
        assert hours.local(due).date() == hours.local(start).date(), "the same working day"
    if urgency < 2:
        assert hours.open_at(due - timedelta(seconds=1)), "nobody is promised outside the opening hours"


def test_no_hours_no_promise(tmp_path: Path) -> None:
    hours = hours_of(tmp_path, "")
    at = local("2026-11-23 10:00")
    assert hours.due(2, at) is None and hours.promise(2, at, "en").key == "promise_none"
    assert hours.due(4, at) == at + timedelta(minutes=2), "an emergency is paged all the same"


def test_the_promise_names_its_day_in_the_visitors_language(shipped: Hours) -> None:
    friday = local("2026-11-20 17:00")
    english, spanish = shipped.promise(2, friday, "en"), shipped.promise(2, friday, "es")
    assert (english.key, english.values["day"], english.values["time"]) == ("promise_day", "Monday", "1:00 PM")
    assert spanish.values["day"] == "lunes" and spanish.values["time"].startswith("13:00")
    assert english.values["zone"] == "Eastern Time"
    assert english.values["opens_day"] == "Monday" and not english.open
    assert shipped.promise(3, local("2026-11-23 10:00"), "en").values["minutes"] == "15"
    assert shipped.promise(2, local("2026-11-23 10:00"), "en").key == "promise_today"
    assert shipped.promise(4, friday, "en").key == "promise_now_closed"
    assert shipped.promise(2, friday, "xx").values["day"] == "Monday", "a language that nobody knows reads as English"


def test_a_visitor_elsewhere_changes_nothing(shipped: Hours) -> None:
    at = local("2026-11-23 10:00")
    assert shipped.due(2, at) == shipped.due(2, at.astimezone(ZoneInfo("Asia/Tokyo")))
