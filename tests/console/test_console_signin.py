"""Signing in: what opens the door, what keeps it shut, and that nobody at work is ever locked out."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

import httpx
import pyotp
import pytest
from cast import Server
from people import COOKIE, PASSWORD, Person, Staff, hire

from bot.routes import passwords
from bot.routes.signin import FREE_TRIES, LONGEST_WAIT, Tries


@pytest.mark.parametrize(
    "password",
    [
        "short",
        "passwordpassword",
        "Password123456!",
        "1234567890123",
        "qwertyuiopasdf",
        "aaaaaaaaaaaaaaaa",
        "abcabcabcabcabc",
        "ana@larkfield.example",
        "ana-ana-ana-1",
        "x" * 300,
    ],
)
def test_weak_passwords_are_refused_with_a_reason(password: str) -> None:
    assert passwords.fault(password, ["ana@larkfield.example", "Ana Ruiz"])


@pytest.mark.parametrize("password", [PASSWORD, "correct horse battery staple", "Ein Vogel saß auf dem Dach", "四つの橋の下の濡れた石は冷たい"])
def test_a_sentence_is_a_good_password(password: str) -> None:
    assert passwords.fault(password, ["ana@larkfield.example", "Ana Ruiz"]) == ""


def test_tries_grow_slower_and_are_forgotten() -> None:
    tries, now = Tries(), datetime(2026, 11, 2, 9, tzinfo=UTC)
    waits = []
    for _ in range(FREE_TRIES + 9):
        tries.failed("ana", now)
        waits.append(tries.wait("ana", now))
    assert waits[:FREE_TRIES] == [0] * FREE_TRIES
    assert waits[FREE_TRIES:] == [2, 4, 8, 16, 32, LONGEST_WAIT, LONGEST_WAIT, LONGEST_WAIT, LONGEST_WAIT]
    assert tries.wait("ana", now + timedelta(seconds=61)) == 0
    assert tries.wait("ben", now) == 0
    assert tries.wait("ana", now + timedelta(hours=2)) == 0
    tries.right("ana")
    assert tries.wait("ana", now) == 0


def test_the_link_works_once_and_a_weak_password_does_not_use_it_up(staff: Staff) -> None:
    made = staff.admin.post("/v1/console/people", {"email": "new@larkfield.example", "name": "Nia New", "role": "clinician"})
    token = made.json()["link"].partition("#")[2]
    new = Person(staff.admin.url, "new@larkfield.example")
    weak = new.post("/v1/signin/welcome", {"token": token, "password": "new@larkfield.example"})
    assert weak.status_code == 422
    assert weak.json()["errors"][0]["field"] == "password"
    new.welcome(made.json()["link"])
    again = new.post("/v1/signin/welcome", {"token": token, "password": PASSWORD})
    assert again.status_code == 401


def test_the_cookie_is_kept_from_scripts_and_other_sites(staff: Staff) -> None:
    answer = staff.ben.http.post(
        "/v1/signin/password", json={"email": staff.ben.email, "password": PASSWORD}, headers={"Cookie": ""}
    )
    cookie = answer.headers["set-cookie"]
    assert cookie.startswith(f"{COOKIE}=hrs_")
    assert {"Secure", "HttpOnly", "SameSite=Strict", "Path=/"} <= {part.strip() for part in cookie.split(";")}
    assert "Domain" not in cookie


def test_an_unknown_address_and_a_wrong_password_read_the_same(server: Server, staff: Staff) -> None:
    unknown = Person(server.url, "nobody@larkfield.example").post(
        "/v1/signin/password", {"email": "nobody@larkfield.example", "password": PASSWORD}
    )
    wrong = Person(server.url, "ben@larkfield.example").post(
        "/v1/signin/password", {"email": "ben@larkfield.example", "password": "something else entirely"}
    )
    assert (unknown.status_code, unknown.json()) == (wrong.status_code, wrong.json()) == (401, unknown.json())


def test_guessing_is_slowed_and_locks_out_nobody_at_work(server: Server, admin: Person) -> None:
    """A stranger guesses from many addresses; whoever is signed in goes on working, and signs in anew from there."""
    cal = hire(admin, "cal@larkfield.example", "Cal Work", "clinician")
    body = {"email": cal.email, "password": "not the password"}
    answers = [Person(server.url, cal.email).post("/v1/signin/password", body) for _ in range(FREE_TRIES + 2)]
    assert [a.status_code for a in answers] == [401] * (FREE_TRIES + 1) + [429]
    assert int(answers[-1].headers["retry-after"]) >= 1
    assert cal.get("/v1/handoffs").status_code == 200
    assert Person(server.url, cal.email, address=cal.address).sign_in().me["user"]["name"] == "Cal Work"


def test_one_address_may_only_try_so_often(server: Server) -> None:
    one = Person(server.url, "many@larkfield.example")
    codes = [one.post("/v1/signin/code", {"ticket": "none", "code": "000000"}).status_code for _ in range(35)]
    assert codes[0] == 401
    assert codes[-1] == 429


def test_another_sites_page_signs_nobody_in(server: Server, staff: Staff) -> None:
    body = {"email": staff.ben.email, "password": PASSWORD}
    answer = httpx.post(server.url + "/v1/signin/password", json=body, headers={"Sec-Fetch-Site": "cross-site"})
    assert answer.status_code == 403


def test_without_the_csrf_token_nothing_is_done(ana: Person) -> None:
    bare = httpx.post(ana.url + "/v1/handoffs/next", json={}, headers={"Cookie": f"{COOKIE}={ana.cookie}"})
    wrong = httpx.post(
        ana.url + "/v1/handoffs/next", json={}, headers={"Cookie": f"{COOKIE}={ana.cookie}", "X-CSRF-Token": "x" * 32}
    )
    out = httpx.post(ana.url + "/v1/signin/out", json={}, headers={"Cookie": f"{COOKIE}={ana.cookie}"})
    assert [bare.status_code, wrong.status_code, out.status_code] == [403, 403, 403]
    assert ana.get("/v1/handoffs").status_code == 200


def test_signing_out_ends_the_session_on_the_server(admin: Person, server: Server) -> None:
    eve = hire(admin, "eve@larkfield.example", "Eve Out", "clinician")
    assert eve.post("/v1/signin/out").status_code == 204
    assert eve.get("/v1/handoffs").status_code == 401


def test_sessions_are_listed_and_ended_one_by_one_or_all(admin: Person, server: Server) -> None:
    fay = hire(admin, "fay@larkfield.example", "Fay Far", "clinician")
    phone, stolen = (Person(server.url, fay.email).sign_in() for _ in range(2))
    listed = fay.get("/v1/account").json()["sessions"]
    assert sorted(one["here"] for one in listed) == [False, False, True]
    assert {one["address"] for one in listed} == {fay.address, phone.address, stolen.address}
    theirs = next(one for one in listed if one["address"] == stolen.address)
    assert fay.delete(f"/v1/account/sessions/{theirs['id']}").status_code == 204
    assert stolen.get("/v1/handoffs").status_code == 401
    assert phone.get("/v1/handoffs").status_code == 200
    assert fay.delete("/v1/account/sessions").status_code == 204
    assert phone.get("/v1/handoffs").status_code == 401
    assert fay.get("/v1/handoffs").status_code == 200
    admins = admin.get("/v1/account").json()["sessions"][0]["id"]
    assert fay.delete(f"/v1/account/sessions/{admins}").status_code == 404


def test_a_new_password_ends_every_other_session(admin: Person, server: Server) -> None:
    gil = hire(admin, "gil@larkfield.example", "Gil New", "clinician")
    other = Person(server.url, gil.email).sign_in()
    body = {"current": PASSWORD, "password": "Seven geese over the marsh"}
    assert gil.post("/v1/account/password", body | {"current": "wrong"}).status_code == 422
    assert gil.post("/v1/account/password", body).status_code == 204
    assert other.get("/v1/account").status_code == 401
    assert gil.get("/v1/account").status_code == 200
    assert other.post("/v1/signin/password", {"email": gil.email, "password": PASSWORD}).status_code == 401


def test_the_second_step(admin: Person, server: Server) -> None:
    hal = hire(admin, "hal@larkfield.example", "Hal Two", "clinician")
    assert hal.post("/v1/account/totp", {"password": "wrong"}).status_code == 422
    made = hal.post("/v1/account/totp", {"password": PASSWORD}).json()
    assert made["link"].startswith("otpauth://totp/")
    assert re.fullmatch(r"(M\d+ \d+h1v1h-1z)+", made["drawing"]["path"])
    assert hal.post("/v1/account/totp/confirm", {"code": "000000"}).status_code == 422
    app = pyotp.TOTP(made["secret"])
    codes = hal.post("/v1/account/totp/confirm", {"code": app.now()}).json()["codes"]
    assert len(set(codes)) == 10

    def begin() -> tuple[Person, str]:
        one = Person(server.url, hal.email)
        answer = one.post("/v1/signin/password", {"email": hal.email, "password": PASSWORD}).json()
        assert answer["next"] == "code"
        return one, answer["ticket"]

    one, ticket = begin()
    assert one.get("/v1/handoffs").status_code == 401, "a password alone opens nothing"
    used = one.post("/v1/signin/code", {"ticket": ticket, "code": app.now()})
    assert used.status_code == 401, "the code that switched it on is used up"
    later = one.post("/v1/signin/code", {"ticket": used.json()["ticket"], "code": app.at(datetime.now(UTC) + timedelta(seconds=30))})
    assert one.inside(later).get("/v1/handoffs").status_code == 200

    two, ticket = begin()
    lost = two.post("/v1/signin/code", {"ticket": ticket, "code": f" {codes[0].upper()} "})
    assert two.inside(lost).get("/v1/handoffs").status_code == 200
    three, ticket = begin()
    again = three.post("/v1/signin/code", {"ticket": ticket, "code": codes[0]})
    assert again.status_code == 401, "a recovery code is good once"
    assert three.post("/v1/signin/code", {"ticket": ticket, "code": codes[1]}).status_code == 401, "so is a ticket"

    new = hal.post("/v1/account/recovery", {"password": PASSWORD}).json()["codes"]
    four, ticket = begin()
    old = four.post("/v1/signin/code", {"ticket": ticket, "code": codes[2]})
    assert old.status_code == 401, "new codes end the old ones"
    assert four.post("/v1/signin/code", {"ticket": old.json()["ticket"], "code": new[0]}).status_code == 200
    assert hal.post("/v1/account/totp/off", {"password": PASSWORD}).status_code == 204
    assert Person(server.url, hal.email).sign_in().get("/v1/handoffs").status_code == 200


def test_somebody_disabled_a_second_ago_claims_nothing(admin: Person, visitor) -> None:
    ivy = hire(admin, "ivy@larkfield.example", "Ivy Gone", "clinician")
    visitor.say("I would like to talk to a person, please.")
    handoff = ivy.get("/v1/handoffs").json()["handoffs"][0]["id"]
    assert admin.post(f"/v1/console/people/{ivy.me['user']['id']}/disable").status_code == 200
    assert ivy.post(f"/v1/handoffs/{handoff}/claim").status_code == 401
    assert ivy.post("/v1/handoffs/next").status_code == 401
    assert ivy.post("/v1/signin/password", {"email": ivy.email, "password": PASSWORD}).status_code == 401


def test_no_admin_takes_their_own_rights_away(admin: Person) -> None:
    me = admin.me["user"]["id"]
    assert admin.post(f"/v1/console/people/{me}/disable").status_code == 409
    assert admin.post(f"/v1/console/people/{me}", {"role": "clinician"}).status_code == 409
    assert admin.post(f"/v1/console/people/{me}/reset").status_code == 409


def test_what_happened_at_the_door_is_in_the_log(admin: Person, auditor: Person) -> None:
    rows = auditor.get("/v1/console/audit", params={"action": "signin"}).json()["rows"]
    assert {"signin", "signin.refused"} <= {row["action"] for row in rows}
    assert not any(PASSWORD in str(row) for row in rows)
    verdict = auditor.post("/v1/console/audit/verify").json()
    assert verdict["fault"] == "" and verdict["rows"] > 10
