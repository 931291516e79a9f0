"""One whole shift in a real browser, worked by keyboard; and what happens when something is in the way."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from cast import Server, Visitor
from people import SETTINGS, Console, Open, Person, Staff, until
from playwright.sync_api import Browser, Page, expect
from wire import Wire


def handoff_of(visitor: Visitor) -> str:
    id: str = visitor.http.get(visitor.path + "/messages").json()["conversation"]["handoff"]["id"]
    return id


def by_staff(visitor: Visitor) -> list[str]:
    return [m["text"] for m in visitor.messages() if m["author"] == "clinician"]


def test_one_shift_by_keyboard(empty: None, server: Server, ana: Person, ben: Person, console: Open) -> None:
    """On duty, take the most urgent, read, answer, cite, note, lower the flag, hand on, end: no mouse."""
    calm, urgent = Visitor(server.url), Visitor(server.url)
    calm.say("I would like to talk to a person, please.")
    urgent.say("I have been thinking about ending my life.")
    ben.post("/v1/console/duty", {"on": True})
    ana.post("/v1/console/duty", {"on": False})
    one = console(ana)
    one.expected.append("409")  # giving it back to the bot with an open flag is refused
    page = one.connected()

    page.keyboard.press("d")
    expect(page.locator("#duty")).to_be_checked()
    expect(page.locator(".ticket")).to_have_count(2)
    expect(page.locator(".ticket").first).to_contain_text("Suicide")
    page.keyboard.press("j")
    page.keyboard.press("j")
    expect(page.locator(".ticket").nth(1)).to_be_focused()

    page.keyboard.press("c")
    expect(page.locator("#talk-state")).to_contain_text("yours")
    expect(page.locator("#reply")).to_be_focused()
    expect(page.locator(".said.visitor mark")).to_contain_text("ending my life")
    expect(page.locator("#card-body .flag").first).to_contain_text("thinking about ending my life")
    assert until(lambda: urgent.http.get(urgent.path + "/messages").json()["conversation"]["owner"] == "clinician")

    page.keyboard.type("Hello, I am here with you.")
    page.keyboard.press("Control+Enter")
    expect(page.locator(".said.clinician")).to_contain_text("Hello, I am here with you.")
    expect(page.locator("#reply")).to_have_value("")
    until(lambda: by_staff(urgent) == ["Hello, I am here with you."])

    def writes() -> bool:
        urgent.http.post(urgent.path + "/typing", json={"typing": True})  # a sign lasts some seconds alone
        return page.locator("#typing").is_visible()

    until(writes)
    urgent.say("Thank you for being there.")
    expect(page.locator(".said.visitor").last).to_contain_text("Thank you for being there.")
    expect(page.locator("#typing")).to_be_hidden()

    page.keyboard.press("Escape")
    page.keyboard.press(";")
    page.keyboard.type("safe right now")
    expect(page.locator("#canned-list button").first).to_contain_text("Are you safe right now?")
    page.keyboard.press("Enter")
    expect(page.locator("#reply")).to_have_value("I want to ask you directly, because it matters: are you safe right now? Have you done anything to hurt yourself, or taken anything?")
    page.keyboard.press("Control+Enter")
    until(lambda: len(by_staff(urgent)) == 2)

    page.keyboard.press("Escape")
    page.keyboard.press("/")
    page.keyboard.type("how therapy changes the brain")
    page.keyboard.press("Enter")
    page.locator("#articles-list button").first.wait_for()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    expect(page.locator("#reply")).to_have_value(re.compile("/articles/"))
    page.keyboard.press("Control+Enter")
    until(lambda: "/articles/" in by_staff(urgent)[-1])

    page.keyboard.press("Escape")
    page.keyboard.press("n")
    page.keyboard.type("Lives with a sister; she is at home tonight.")
    page.keyboard.press("Control+Enter")
    expect(page.locator("#notes-list li")).to_contain_text("Lives with a sister")
    assert "sister" not in str(urgent.messages())

    page.keyboard.press("Escape")
    page.keyboard.press("e")
    page.keyboard.press("ArrowDown")
    expect(page.locator("#close [value=returned_to_bot]")).to_be_checked()
    page.locator("#close-note").press_sequentially("Done.")
    page.keyboard.press("Control+Enter")
    expect(page.locator("#close .wrong")).to_contain_text("risk flag")
    page.keyboard.press("Escape")

    page.keyboard.press("u")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Tab")
    page.keyboard.type("Spoke at length; safe with her sister tonight.")
    page.keyboard.press("Control+Enter")
    expect(page.locator("#talk-title .badge")).to_have_attribute("data-urgency", "1")

    page.keyboard.press("x")
    expect(page.locator("#transfer-people")).to_contain_text("Clinician B")
    page.keyboard.press("Tab")
    page.keyboard.press("Tab")
    page.locator("#transfer-note").press_sequentially("Please call her tomorrow at ten.")
    page.keyboard.press("Control+Enter")
    expect(page.locator("#empty")).to_be_visible()
    held = ben.get("/v1/handoffs?state=claimed").json()["handoffs"]
    assert [(h["id"], h["holder"]["name"], h["urgency"]) for h in held] == [(handoff_of(urgent), "Clinician B", 1)]

    page.keyboard.press("c")
    expect(page.locator("#reply")).to_be_focused()
    page.keyboard.type("Hello, how can I help?")
    page.keyboard.press("Control+Enter")
    until(lambda: by_staff(calm) == ["Hello, how can I help?"])
    page.keyboard.press("Escape")
    page.keyboard.press("e")
    page.locator("#close [value=resolved]").press("Space")
    page.locator("#close-note").press_sequentially("A question about parking.")
    page.keyboard.press("Control+Enter")
    expect(page.locator("#empty")).to_be_visible()
    page.keyboard.press("c")
    expect(page.locator("#toasts")).to_contain_text("Nobody is waiting.")


def test_a_reply_of_ten_thousand_characters_is_refused_and_kept(empty: None, server: Server, ana: Person, console: Open) -> None:
    visitor = Visitor(server.url)
    visitor.say("I would like to talk to a person, please.")
    one = console(ana)
    one.expected.append("422")
    page = one.connected()
    page.keyboard.press("c")
    page.locator("#reply").wait_for()
    long = "é" * 10_000
    page.locator("#reply").fill(long)
    expect(page.locator("#reply-state")).to_contain_text("10,000 of 4,000")
    page.locator("#reply").press("Control+Enter")
    expect(page.locator("#reply-state")).to_contain_text("Not sent")
    expect(page.locator("#reply")).to_have_value(long)
    page.reload()
    expect(page.locator("#reply")).to_have_value(long)
    page.locator("#reply").fill("A shorter one.")
    page.locator("#reply").press("Control+Enter")
    until(lambda: by_staff(visitor) == ["A shorter one."])


def test_two_tabs_of_one_clinician_show_the_same(empty: None, server: Server, ana: Person, console: Open) -> None:
    visitor = Visitor(server.url)
    visitor.say("I would like to talk to a person, please.")
    one = console(ana)
    first = one.connected()
    first.keyboard.press("c")
    first.locator("#reply").wait_for()
    second = one.connected(one.tab(f"/console#{handoff_of(visitor)}"))
    second.locator("#reply").fill("From the second tab.")
    second.locator("#reply").press("Control+Enter")
    first.locator("#reply").fill("From the first tab.")
    first.locator("#reply").press("Control+Enter")
    for page in (first, second):
        expect(page.locator(".said.clinician")).to_have_count(2)
    assert sorted(by_staff(visitor)) == ["From the first tab.", "From the second tab."]
    first.locator("#reply").fill("Still being written")
    second.locator("#act-close").click()
    second.locator("#close [value=resolved]").check()
    second.locator("#close-note").fill("Done.")
    second.locator("#close-form button.main").click()
    expect(first.locator("#talk-state")).to_contain_text("ended")
    expect(first.locator("#reply-form")).to_be_hidden()


def test_a_lease_that_expires_while_a_reply_is_typed(make_server: Callable[..., Server], browser: Browser) -> None:
    """The line goes dead without a word; the handoff goes back; what was typed is there, and goes out once it is taken."""
    server = make_server(**SETTINGS | {"HANDRAIL_LEASE_SECONDS": "5"})
    ana = Staff(server).ana
    visitor = Visitor(server.url)
    visitor.say("I have been thinking about ending my life.")
    wire = Wire(server.port)
    one = Console(browser, ana, url=wire.url)
    one.expected += ["409", "net::"]
    page = one.connected()
    page.keyboard.press("c")
    page.locator("#reply").fill("Please stay with me while")
    wire.cut()
    page.wait_for_selector("#link[data-state=lost]")
    expect(page.locator("#link-text")).to_have_text("Not connected")
    until(lambda: [h["id"] for h in ana.get("/v1/handoffs").json()["handoffs"]] == [handoff_of(visitor)], 30)
    wire.mend()
    one.connected(page)
    expect(page.locator("#notice")).to_contain_text("back in the queue")
    expect(page.locator("#reply-form")).to_be_hidden()
    assert by_staff(visitor) == []
    page.locator("#act-take").click()
    expect(page.locator("#reply")).to_be_focused()
    expect(page.locator("#reply")).to_have_value("Please stay with me while")
    page.locator("#reply").press("Control+Enter")
    until(lambda: by_staff(visitor) == ["Please stay with me while"])
    one.context.close()
    wire.close()
    assert not one.faults


def test_a_reply_sent_on_a_dead_line_is_kept_and_arrives_once(
    empty: None, server: Server, ana: Person, browser: Browser
) -> None:
    visitor = Visitor(server.url)
    visitor.say("I would like to talk to a person, please.")
    wire = Wire(server.port)
    one = Console(browser, ana, url=wire.url)
    one.expected.append("net::")
    page = one.connected()
    page.keyboard.press("c")
    page.locator("#reply").fill("Sent into silence")
    wire.deaf()  # what the console sends still arrives; no answer comes back
    page.locator("#reply").press("Control+Enter")
    until(lambda: by_staff(visitor) == ["Sent into silence"])
    expect(page.locator("#reply")).to_have_value("Sent into silence")
    wire.cut(drop=True)
    expect(page.locator("#reply-state")).to_contain_text("It is kept here", timeout=30_000)
    wire.mend()
    one.connected(page)
    page.locator("#reply").press("Control+Enter")
    expect(page.locator("#reply")).to_have_value("")
    expect(page.locator(".said.clinician")).to_have_count(1)
    assert by_staff(visitor) == ["Sent into silence"]
    one.context.close()
    wire.close()
    assert not one.faults


def test_a_session_ended_elsewhere_is_noticed_and_hides_what_was_read(empty: None, server: Server, ana: Person, console: Open) -> None:
    visitor = Visitor(server.url)
    visitor.say("I would like to talk to a person, please.")
    here = Person(server.url, ana.email).sign_in()
    one = console(here)
    one.expected.append("401")
    page = one.connected()
    page.keyboard.press("c")
    page.locator("#reply").fill("Half a sentence")
    mine = next(s["id"] for s in ana.get("/v1/account").json()["sessions"] if s["address"] == here.address)
    ana.delete(f"/v1/account/sessions/{mine}")
    expect(page.locator("#gone")).to_be_visible()
    expect(page.locator("#gone-why")).to_contain_text("ended from somewhere else")
    expect(page.locator("#lines")).to_be_hidden()
    back = here.sign_in()
    one.context.add_cookies([one.staff_cookie(back)])
    page.get_by_role("link", name="Sign in again").click()
    one.connected(page)
    page.locator(".ticket").first.click()
    expect(page.locator("#reply")).to_have_value("Half a sentence")


def test_a_clock_that_is_an_hour_off_shows_the_right_wait(empty: None, server: Server, ana: Person, console: Open) -> None:
    visitor = Visitor(server.url)
    visitor.say("I would like to talk to a person, please.")
    one = console(ana, "/console/account")
    one.page.add_init_script("{ const D = Date, off = 3600e3; Date.now = () => new D().getTime() + off; }")
    one.page.goto(one.url + "/console")
    page = one.connected()
    expect(page.locator(".ticket .wait").first).to_have_text(re.compile(r"waiting \d+ s"))


def test_a_new_urgent_handoff_is_in_the_title_and_heard_only_by_choice(empty: None, server: Server, ana: Person, console: Open) -> None:
    page = console(ana).connected()
    page.evaluate(
        "() => { globalThis.rung = 0; const C = AudioContext;"
        " globalThis.AudioContext = class extends C { constructor() { super(); rung += 1; } } }"
    )
    Visitor(server.url).say("I have been thinking about ending my life.")
    expect(page).to_have_title(re.compile("1 urgent"))
    assert page.evaluate("rung") == 0
    page.locator("#me-menu summary").click()
    page.locator("#alerts").click()
    page.locator("#alert-sound").check()
    page.keyboard.press("Escape")
    Visitor(server.url).say("I want to kill myself tonight, I have the pills here.")
    until(lambda: page.evaluate("rung") == 1)
    assert page.evaluate("document.title").startswith("(2)")


def test_single_key_commands_can_be_switched_off(empty: None, server: Server, ana: Person, console: Open) -> None:
    visitor = Visitor(server.url)
    visitor.say("I would like to talk to a person, please.")
    page = console(ana).connected()
    page.keyboard.press("?")
    page.locator("#keys-on").uncheck()
    page.keyboard.press("Escape")
    page.keyboard.press("c")
    page.keyboard.press("j")
    expect(page.locator("#empty")).to_be_visible()
    assert visitor.http.get(visitor.path + "/messages").json()["conversation"]["handoff"]["state"] == "waiting"


@pytest.mark.parametrize("size", [(390, 844), (820, 1180)])
def test_a_phone_and_a_tablet_work_too(empty: None, server: Server, ana: Person, console: Open, size: tuple[int, int]) -> None:
    visitor = Visitor(server.url)
    visitor.say("I have been thinking about ending my life.")
    page = console(ana, size=size, has_touch=True).connected()
    page.locator(".ticket").first.tap()
    page.locator("#act-take").tap()
    page.locator("#reply").fill("On my phone.")
    page.locator("#reply-send").tap()
    until(lambda: by_staff(visitor) == ["On my phone."])
    page.locator("#act-card").tap()
    expect(page.locator("#card-body .flag").first).to_be_visible()
    page.locator("#note").fill("From the phone")
    page.get_by_role("button", name="Keep the note").tap()
    expect(page.locator("#notes-list li")).to_contain_text("From the phone")
    page.locator("#card-close").tap()
    assert _fits(page), "nothing runs out of the page's side"


def _fits(page: Page) -> bool:
    return bool(page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth"))


def test_a_message_in_a_conversation_that_is_not_open_shows_on_its_ticket(
    empty: None, server: Server, ana: Person, console: Open
) -> None:
    first, second = Visitor(server.url), Visitor(server.url)
    first.say("I have been thinking about ending my life.")
    second.say("I would like to talk to a person, please.")
    page = console(ana).connected()
    for expected in ("Suicide", "Asked for a person"):
        page.keyboard.press("c")
        expect(page.locator("#talk-title")).to_contain_text(expected)
        page.locator("#reply:focus").wait_for()
        page.keyboard.press("Escape")
    first.say("Are you still there?")
    ticket = page.locator(f".ticket[data-id='{handoff_of(first)}']")
    expect(ticket).to_contain_text("New message")
    expect(page.locator(f".ticket[data-id='{handoff_of(second)}']")).not_to_contain_text("New message")
    ticket.click()
    expect(page.locator(".said.visitor").last).to_contain_text("still there")
    expect(ticket).not_to_contain_text("New message")
