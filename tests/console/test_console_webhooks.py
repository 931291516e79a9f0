"""Dead letters in the console: seen with their reason, sent again one by one or all at once."""

from __future__ import annotations

from typing import Any

from cast import Server, Target, Visitor
from people import Console, Person, first_admin, until
from playwright.sync_api import Browser, expect


def test_dead_letters_are_seen_and_sent_again(browser: Browser, make_server: Any, target: Target) -> None:
    house: Server = make_server(HANDRAIL_WEBHOOK_ALLOW_PRIVATE="true")
    admin: Person = first_admin(house)
    target.status = 410
    made = admin.post("/v1/webhooks", {"url": target.url, "events": ["conversation.started"]})
    assert made.status_code == 201, made.text
    id = made.json()["id"]

    def dead() -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = admin.get(f"/v1/webhooks/{id}?state=dead").json()["deliveries"]
        return found

    Visitor(house.url)
    until(lambda: len(dead()) == 1)
    one = Console(browser, admin, "/console/webhooks")
    page = one.page
    expect(page.locator("#state")).to_have_text("1 webhooks, 1 dead letters.")
    expect(page.locator("#hooks")).to_contain_text("switched off")
    row = page.locator("#hooks tbody tr")
    expect(row).to_contain_text("conversation.started")
    target.status = 204
    row.get_by_role("button", name="Send event").click()
    until(lambda: len(target.got) == 2 and not dead())
    page.reload()
    expect(page.locator("#state")).to_have_text("1 webhooks, 0 dead letters.")
    expect(page.locator("#hooks")).not_to_contain_text("switched off")
    assert target.got[0].data["event"] == target.got[1].data["event"], "the same event"
    assert not one.faults, one.faults
    one.context.close()
