"""Promises reported as kept or broken, waits by urgency; and a transfer to somebody who is not there."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from cast import Server, Visitor
from people import Person, hire

from bot.model import Handoff, HandoffState, Outcome, Reason
from bot.routes.console_figures import promises, waits

NOW = datetime(2026, 11, 23, 15, tzinfo=UTC)
ONE = Handoff("h1", "c1", Reason.ASKED, 3, HandoffState.WAITING, NOW - timedelta(minutes=30), NOW - timedelta(minutes=15))


def seen(after: float, **changes: object) -> Handoff:
    return replace(ONE, acknowledged_at=ONE.opened_at + timedelta(minutes=after), state=HandoffState.CLAIMED, **changes)  # type: ignore[arg-type]


def test_promises_are_reported_as_kept_broken_or_still_to_come() -> None:
    found = [
        seen(3),
        seen(20),
        ONE,  # nobody has looked, and its time is over
        replace(ONE, due_at=NOW + timedelta(minutes=1)),
        replace(ONE, due_at=None),  # nothing was promised
        replace(ONE, state=HandoffState.CLOSED, closed_at=ONE.opened_at + timedelta(minutes=5), outcome=Outcome.RESOLVED),
        seen(3, urgency=2),
    ]
    rows = {row["urgency"]: (row["kept"], row["broken"], row["open"]) for row in promises(found, NOW)}
    assert rows == {4: (0, 0, 0), 3: (2, 2, 1), 2: (1, 0, 0), 1: (0, 0, 0), 0: (0, 0, 0)}


def test_waits_are_by_urgency_and_count_who_was_seen() -> None:
    rows = {row["urgency"]: row for row in waits([seen(2), seen(4), seen(30), ONE, seen(1, urgency=0)])}
    assert (rows[3]["handoffs"], rows[3]["seen"], rows[3]["median"], rows[3]["p90"]) == (4, 3, 240, 1800)
    assert (rows[0]["median"], rows[4]["median"]) == (60, None)


def test_a_transfer_to_someone_offline_stays_where_it_is(server: Server, admin: Person, ana: Person, empty: None) -> None:
    away = hire(admin, "away@larkfield.example", "Al Away", "clinician")
    id = Visitor(server.url).say("I would like to talk to a person, please.")["conversation"]["handoff"]["id"]
    ana.post(f"/v1/handoffs/{id}/claim")
    body = {"to": away.id, "note": "Please go on."}
    refused = ana.post(f"/v1/handoffs/{id}/transfer", body)
    assert refused.status_code == 403 and "not on duty" in refused.json()["detail"]
    away.post("/v1/console/duty", {"on": True})
    admin.post(f"/v1/console/people/{away.me['user']['id']}/disable")
    assert ana.post(f"/v1/handoffs/{id}/transfer", body).status_code == 422, "disabled a second ago"
    one = ana.get(f"/v1/handoffs/{id}").json()
    assert (one["state"], one["holder"]["name"]) == ("claimed", "Clinician A")
