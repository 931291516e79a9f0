"""Nothing that a visitor writes is lost, doubled or shown as sent when it is not, whatever the line does."""

from __future__ import annotations

import json
import signal
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest
from cast import Server
from place import NewContext, Site, kept, open_chat, stored, write
from playwright.sync_api import Page, Route, expect

BLOCKED = """
for (const name of ["sessionStorage", "localStorage"]) {
  Object.defineProperty(window, name, { get() { throw new DOMException("insecure", "SecurityError"); } });
}
"""
ODD = [
    "👩🏽‍🚀 and 🏳️‍🌈",
    "<img src=x onerror=\"document.title='broken'\">",
    "```js\nfor (const a of b) { alert(`${a}`); }\n```",
    "שלום \u202eabc\u202c عربي",
    "a\u0000b".replace("\u0000", "\u2028"),
]


def test_what_is_written_offline_waits_and_is_sent_once(chat: Page, server: Server) -> None:
    chat.context.set_offline(True)
    expect(chat.locator("#card")).to_contain_text("No connection")
    assert chat.locator("#care a[href='tel:988']:visible").count()
    write(chat, "are you there?")
    write(chat, "and a second one")
    expect(chat.locator("li.failed, li.queued, li.sending")).to_have_count(2)
    expect(chat.locator("#text")).to_have_value("")
    expect(chat.locator("li.failed .state").first).to_contain_text("Not sent")
    chat.context.set_offline(False)
    expect(chat.locator("li.visitor[data-wait]")).to_have_count(0)
    said = [m["text"] for m in stored(server, chat) if m["author"] == "visitor"]
    assert said == ["are you there?", "and a second one"]


def test_unsent_words_outlive_a_reload(chat: Page, server: Server) -> None:
    chat.route("**/messages", lambda route: route.abort() if route.request.method == "POST" else route.fallback())
    write(chat, "keep this")
    chat.locator("#text").fill("half a thou")
    expect(chat.locator("li.failed")).to_have_count(1)
    chat.unroute("**/messages")
    chat.reload()
    expect(chat.locator("li.visitor")).to_contain_text("keep this")
    expect(chat.locator("li.visitor[data-wait]")).to_have_count(0)
    expect(chat.locator("#text")).to_have_value("half a thou")
    assert [m["text"] for m in stored(server, chat) if m["author"] == "visitor"] == ["keep this"]


def test_an_answer_lost_on_its_way_does_not_double_the_message(chat: Page, server: Server) -> None:
    """The server has it, the browser does not know: the same client id again."""
    ids: list[str] = []

    def swallow(route: Route) -> None:
        if route.request.method != "POST":
            return route.fallback()
        ids.append(route.request.post_data_json["client_id"])
        if len(ids) == 1:
            route.fetch()
            return route.abort()
        return route.fallback()

    chat.route("**/messages", swallow)
    write(chat, "what is neuroplasticity?")
    expect(chat.locator("li.answer")).to_have_count(1)
    expect(chat.locator("li.visitor")).to_have_count(1)
    expect(chat.locator("li.visitor[data-wait]")).to_have_count(0)
    assert len(set(ids)) == 1
    assert len([m for m in stored(server, chat) if m["author"] == "visitor"]) == 1


def test_retry_by_hand(chat: Page, server: Server) -> None:
    refuse = [True]

    def answer(route: Route) -> None:
        if route.request.method == "POST" and refuse[0]:
            return route.fulfill(status=503, content_type="application/problem+json", body='{"detail":"later"}')
        return route.fallback()

    chat.route("**/messages", answer)
    write(chat, "please take this")
    expect(chat.locator("li.failed")).to_have_count(1)
    refuse[0] = False
    chat.get_by_role("button", name="Try again").click()
    expect(chat.locator("li.visitor[data-wait]")).to_have_count(0)
    assert [m["text"] for m in stored(server, chat) if m["author"] == "visitor"] == ["please take this"]


def test_a_refused_message_can_be_put_back_and_changed(chat: Page) -> None:
    body = json.dumps({"detail": "the text is empty", "status": 422})
    chat.route(
        "**/messages",
        lambda r: (
            r.fulfill(status=422, content_type="application/problem+json", body=body)
            if r.request.method == "POST"
            else r.fallback()
        ),
    )
    write(chat, "cannot be taken")
    expect(chat.locator("li.failed")).to_contain_text("the text is empty")
    chat.get_by_role("button", name="Put it back to change it").click()
    expect(chat.locator("#text")).to_have_value("cannot be taken")
    expect(chat.locator("li.failed")).to_have_count(0)


def test_4000_characters_go_whole_and_4001_stay_in_the_box(chat: Page, server: Server) -> None:
    text = "word " * 800
    write(chat, text + "x")
    expect(chat.locator("#count")).to_contain_text("1 character too many")
    expect(chat.locator("#text")).to_have_value(text + "x")
    expect(chat.locator("li.visitor")).to_have_count(0)
    whole = text[:-1] + "."
    write(chat, whole)
    expect(chat.locator("li.visitor[data-wait]")).to_have_count(0)
    assert [m["text"] for m in stored(server, chat) if m["author"] == "visitor"] == [whole]


def test_4000_pasted_emoji_are_4000_characters(chat: Page, server: Server) -> None:
    chat.locator("#text").focus()
    chat.keyboard.insert_text("🌧" * 4000)
    chat.keyboard.press("Enter")
    expect(chat.locator("li.visitor[data-wait]")).to_have_count(0)
    expect(chat.locator("li.visitor")).to_have_count(1)
    assert [m["text"] for m in stored(server, chat) if m["author"] == "visitor"] == ["🌧" * 4000]


def test_odd_texts_are_kept_and_shown_as_text(chat: Page, server: Server) -> None:
    for text in ODD:
        write(chat, text)
        expect(chat.locator("li.visitor[data-wait]")).to_have_count(0)
    said = [m["text"] for m in stored(server, chat) if m["author"] == "visitor"]
    assert said == ODD
    assert chat.locator("#list img").count() == 0
    assert "broken" not in chat.title()
    assert chat.evaluate("() => document.documentElement.scrollWidth <= innerWidth")


def test_storage_that_throws(new_context: NewContext, server: Server, site: Site) -> None:
    context = new_context()
    context.add_init_script(BLOCKED)
    page = context.new_page()
    page.goto(f"{server.url}/chat?exit={site.away}")
    write(page, "what is neuroplasticity?")
    expect(page.locator("li.answer")).to_have_count(1)
    page.get_by_role("button", name="Talk to a person").click()
    expect(page.locator("#card")).to_be_visible()
    page.get_by_role("button", name="Leave quickly").click()
    page.wait_for_url(site.away)


def test_a_frame_that_may_store_nothing_resumes_by_its_cookie(
    new_context: NewContext, server: Server, site: Site
) -> None:
    context = new_context()
    context.add_init_script(BLOCKED)
    page = context.new_page()
    page.goto(f"{server.url}/chat?exit={site.away}")
    write(page, "what is neuroplasticity?")
    expect(page.locator("li.answer")).to_have_count(1)
    cookie = context.cookies()[0]
    assert (cookie["name"], cookie["httpOnly"], cookie["secure"], cookie["expires"]) == (
        "__Host-handrail",
        True,
        True,
        -1,
    )
    page.reload()
    expect(page.locator("li.answer")).to_have_count(1)
    expect(page.locator("li.visitor")).to_have_count(1)
    page.get_by_role("button", name="Leave quickly").click()
    page.wait_for_url(site.away)
    page.goto(f"{server.url}/chat")
    expect(page.locator("li.disclosure")).to_be_visible()
    expect(page.locator("li.visitor")).to_have_count(0)


def test_two_tabs_of_one_conversation_share_one_stream(chat: Page, server: Server) -> None:
    streams: list[str] = []
    tab = json.dumps(chat.evaluate("() => sessionStorage.handrail"))
    twin = chat.context.new_page()
    twin.on("request", lambda r: streams.append(r.url) if r.url.endswith("/events") else None)
    twin.add_init_script(f"sessionStorage.handrail ??= {tab}")
    twin.goto(chat.url)
    expect(twin.locator("#list > li.disclosure")).to_have_count(1)
    assert kept(twin)["id"] == kept(chat)["id"]
    write(chat, "what is neuroplasticity?")
    expect(twin.locator("li.visitor")).to_have_count(1)
    expect(twin.locator("li.answer")).to_have_count(1)
    write(twin, "thank you")
    expect(chat.locator("li.visitor")).to_have_count(2)
    assert streams == []
    chat.close()  # the one that streams goes: the other takes over
    other = httpx.Client(headers={"Authorization": f"Bearer {kept(twin)['token']}"})
    other.post(f"{server.url}/v1/conversations/{kept(twin)['id']}/messages", json={"text": "from elsewhere"})
    expect(twin.locator("li.visitor").filter(has_text="from elsewhere")).to_be_visible()
    assert len(streams) == 1


@pytest.fixture
def own(make_server: Callable[..., Server], settings: dict[str, str]) -> Iterator[Server]:
    """A server of this test's own, to be killed."""
    server = make_server(**settings)
    yield server
    server.stop()


def test_a_server_killed_and_started_again_loses_and_doubles_nothing(page: Page, own: Server, site: Site) -> None:
    open_chat(page, own, site)
    write(page, "what is neuroplasticity?")
    expect(page.locator("li.answer")).to_have_count(1)
    own.stop(signal.SIGKILL)
    expect(page.locator("#status")).to_have_text("No connection")
    write(page, "are you back?")
    expect(page.locator("li.failed")).to_have_count(1)
    own.start()
    expect(page.locator("li.visitor[data-wait]")).to_have_count(0, timeout=60000)
    expect(page.locator("#status")).to_have_text("Automated assistant", timeout=60000)
    seqs = [int(s) for s in page.locator("#list > li").evaluate_all("rows => rows.map(r => r.dataset.seq)")]
    assert seqs == [m["seq"] for m in stored(own, page)]
    texts = [m["text"] for m in stored(own, page) if m["author"] == "visitor"]
    assert texts == ["what is neuroplasticity?", "are you back?"]


def test_a_line_that_falls_silent_is_dropped_and_replaced(new_context: NewContext, server: Server, site: Site) -> None:
    """A half-open connection: open for the browser, dead for the world. Two heartbeats of silence end it."""
    page = new_context().new_page()
    page.clock.install()
    tried: list[Route] = []

    def swallow(route: Route) -> None:
        tried.append(route)
        if len(tried) > 1:
            route.fallback()  # the first is never answered

    page.route("**/events", swallow)
    open_chat(page, server, site)
    page.clock.run_for(30_000)
    assert len(tried) == 1
    page.clock.run_for(30_000)
    page.wait_for_function("() => document.body.dataset.link !== 'lost'")
    page.clock.run_for(5_000)
    tab = kept(page)
    httpx.post(
        f"{server.url}/v1/conversations/{tab['id']}/messages",
        json={"text": "over the new line"},
        headers={"Authorization": f"Bearer {tab['token']}"},
        timeout=30,
    )
    expect(page.locator("li.visitor").filter(has_text="over the new line")).to_be_visible()
    assert len(tried) == 2


def test_an_erased_conversation_is_followed_by_a_new_one_and_the_words_are_kept(chat: Page, server: Server) -> None:
    tab = kept(chat)
    httpx.delete(
        f"{server.url}/v1/conversations/{tab['id']}", headers={"Authorization": f"Bearer {tab['token']}"}, timeout=30
    )
    write(chat, "is this still open?")
    expect(chat.locator("li.visitor[data-wait]")).to_have_count(0)
    chat.wait_for_function(
        "(old) => { const id = JSON.parse(sessionStorage.handrail).id; return id && id !== old }", arg=tab["id"]
    )
    expect(chat.locator("li.visitor")).to_contain_text("is this still open?")
    assert [m["text"] for m in stored(server, chat) if m["author"] == "visitor"] == ["is this still open?"]


def test_3000_messages_are_all_there_and_few_are_drawn(chat: Page) -> None:
    at = datetime(2026, 5, 1, tzinfo=UTC).isoformat()
    many: list[dict[str, Any]] = [
        {
            "id": f"m{n}",
            "seq": n,
            "author": "visitor" if n % 2 else "bot",
            "kind": "message" if n % 2 else "smalltalk",
            "text": f"number {n}",
            "citations": [],
            "actions": [],
            "created_at": at,
        }  # fmt: skip
        for n in range(1, 3001)
    ]
    body = json.dumps({"messages": many, "conversation": None})
    chat.route("**/messages?after=0", lambda r: r.fulfill(status=200, content_type="application/json", body=body))
    chat.reload()
    expect(chat.get_by_text("number 3000", exact=True)).to_be_visible()
    assert chat.locator("#list > li").count() <= 200
    for _ in range(2):
        chat.get_by_role("button", name="Show earlier messages").click()
    drawn = [int(s) for s in chat.locator("#list > li").evaluate_all("rows => rows.map(r => r.dataset.seq)")]
    assert drawn == list(range(drawn[0], 3001))
    assert len(drawn) > 400


@pytest.mark.parametrize("wrong", [-86_400, 86_400], ids=["behind", "ahead"])
def test_a_wrong_clock_does_not_spoil_the_promise(
    new_context: NewContext, server: Server, site: Site, wrong: int
) -> None:
    """The visitor's clock is a day off: what the card promises is counted by the server's."""
    cards = []
    for off in (0, wrong):
        page = new_context().new_page()
        page.clock.install(time=datetime.now(UTC).timestamp() + off)
        open_chat(page, server, site)
        page.get_by_role("button", name="Talk to a person").click()
        cards.append(page.locator("#card-text"))
    expect(cards[0]).to_contain_text("A clinician should look")
    expect(cards[1]).to_have_text(cards[0].inner_text())
