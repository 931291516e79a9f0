"""The eighteen identifiers of HIPAA's safe harbour, each in the ways in which people write it; and what must stay."""

from __future__ import annotations

import pytest

from bot.export import without_identifiers

IDENTIFIERS = {
    "1 names": [
        ("my name is Wilhelmina Oakes", ["Wilhelmina", "Oakes"]),
        ("My sister Joanna and her husband Pete Marsh", ["Joanna", "Pete", "Marsh"]),
    ],
    "2 places below a state": [
        ("I live at 12 Oak Street, Ferndale, IL 62704", ["12 Oak", "Ferndale", "62704"]),
        ("I live in a small town called Riverton", ["Riverton"]),
        ("zip code 94110", ["94110"]),
    ],
    "3 dates and ages over 89": [
        ("born on March 4th 1990, admitted 3/12/2024", ["March", "4th", "3/12"]),
        ("I am 93 years old", ["93"]),
    ],
    "4 telephone": [("call (415) 555-2671 or +44 20 7946 0018", ["555", "7946"])],
    "5 fax": [("fax 415-555-2672", ["2672"])],
    "6 e-mail": [("write to wil.oakes@mail.example", ["wil.oakes", "mail.example"])],
    "7 social security": [("my social is 123-45-6789", ["6789"])],
    "8 medical record": [("MRN 00482913", ["00482913"]), ("medical record number is A12-3345", ["A12-3345"])],
    "9 health plan": [("member ID XJH882913001", ["XJH882913001"])],
    "10 account": [("account 4000123412341234", ["4000123412341234"])],
    "11 licence": [("my license number is D1234567", ["1234567"]), ("passport X12345678", ["12345678"])],
    "12 vehicle": [
        ("my licence plate is 7ABC123", ["7ABC123"]),
        ("plate KJX-4821", ["4821"]),
        ("VIN 1HGCM82633A004352", ["004352"]),
    ],
    "13 device": [("serial number SN-88A7-2231", ["88A7"]), ("its mac is 00:1A:2B:3C:4D:5E", ["1A:2B"])],
    "14 web address": [("see https://blog.example.org/wil and wil-oakes.example.net", ["blog.example", "wil-oakes"])],
    "15 internet address": [("from 192.168.4.23 and 2001:db8::8a2e:370:7334", ["192.168", "8a2e"])],
    "16 biometric": [("fingerprint id FP-99881", ["99881"])],
    "17 photograph": [("I sent wil_face.jpg", ["wil_face"])],
    "18 any other": [("badge 8831-XY, and I am @wil_oakes there", ["8831", "wil_oakes"])],
}


@pytest.mark.parametrize("which", IDENTIFIERS)
def test_an_identifier_does_not_leave_the_house(which: str) -> None:
    for text, known in IDENTIFIERS[which]:
        found = without_identifiers(text)
        assert not [k for k in known if k in found], found
        assert "[" in found


def test_all_eighteen_are_here() -> None:
    assert [int(name.split()[0]) for name in IDENTIFIERS] == list(range(1, 19))


@pytest.mark.parametrize(
    "text",
    [
        "I scored 14 on the PHQ-9 and 11 on the GAD-7 last week",
        "since covid19 I can not sleep more than 4 hours",
        "I took 20 pills and I am scared",
        "my daughter is 12 and she cuts herself",
        "at 5pm on Tuesday would be fine",
        "i feel like nobody would miss me",
    ],
)
def test_what_names_nobody_stays(text: str) -> None:
    assert without_identifiers(text) == text
