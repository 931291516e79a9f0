"""A key's calls are its signs of life: while it works, what it has claimed stays its own."""

from __future__ import annotations

import time
from typing import Any

import httpx
from cast import Visitor


def test_a_keys_calls_renew_its_leases_and_nobody_elses(make_server: Any) -> None:
    one = make_server(HANDRAIL_LEASE_SECONDS="5")
    works, idle = (
        httpx.Client(base_url=one.url, timeout=30, headers={"Authorization": f"Bearer {one.key(name, 'handoffs')}"})
        for name in ("works", "idle")
    )
    mine, theirs = (Visitor(one.url).say("I want to talk to a person please")["conversation"]["handoff"]["id"] for _ in range(2))
    first = works.post(f"/v1/handoffs/{mine}/claim").json()["lease_until"]
    lost = idle.post(f"/v1/handoffs/{theirs}/claim").json()["lease_until"]

    def row(id: str) -> dict[str, Any]:
        found: dict[str, Any] = works.get(f"/v1/handoffs/{id}").json()
        return found

    until = time.monotonic() + 60
    while row(theirs)["state"] != "waiting" and time.monotonic() < until:
        assert row(mine)["state"] == "claimed"
        time.sleep(0.2)
    assert row(theirs)["state"] == "waiting", "a claim without a sign of life goes back"
    kept = row(mine)
    assert kept["state"] == "claimed"
    assert kept["lease_until"] > max(first, lost)
