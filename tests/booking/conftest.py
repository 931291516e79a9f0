"""The practice's own words and hours, and a visitor who writes one message after the other."""

from __future__ import annotations

from pathlib import Path

import pytest
from booking_cast import Chat

from bot.booking import Booking
from bot.hours import Hours
from bot.words import Words, load

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="session")
def words() -> Words:
    return load(ROOT / "corpus")


@pytest.fixture(scope="session")
def hours(words: Words) -> Hours:
    return Hours(words.practice)


@pytest.fixture(scope="session")
def booking(words: Words, hours: Hours) -> Booking:
    return Booking(words, hours)


@pytest.fixture
def chat(booking: Booking) -> Chat:
    return Chat(booking)
