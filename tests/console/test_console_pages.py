"""Every page of the console in the browser: planted markup stays text, axe finds nothing, sign-in works as people do it."""

from __future__ import annotations

import re
from typing import Any

import httpx
import pyotp
import pytest
from axe_playwright_python.sync_playwright import Axe
from cast import Server, Visitor
from people import PASSWORD, Console, Open, Person, hire, until
from playwright.sync_api import Browser, Page, expect

PLANTED = "<script>alert(1)</script><img src=x onerror=alert(2)>\"'><svg onload=alert(3)>{{7*7}}"
TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
PAGES = {  # and what stands there once it is drawn
    "/console": ".ticket .wait",
    "/console/gaps": "#gaps, #state:has-text('Nothing')",
    "/console/figures": ".plot",
    "/console/people": "#people tr",
    "/console/audit": "#rows tr",
    "/console/account": "#sessions li",
    "/console/webhooks": "#state:has-text('ebhook')",
}


def faults(page: Page) -> list[str]:
    """What axe finds, each as one line."""
    found = Axe().run(page, options={"runOnly": {"type": "tag", "values": TAGS}}).response["violations"]
    return [f"{one['id']}: {node['target']} {node['html'][:120]}" for one in found for node in one["nodes"]]


def nothing_ran(page: Page) -> None:
    """Nothing of what was planted has become an element."""
    assert page.locator("img, main script:not([type='application/json']), [onerror], [onload]").count() == 0


@pytest.fixture
def full(server: Server, ana: Person, empty: None) -> Visitor:
    """A queue with every urgency, a colleague at work, a request for a consultation."""
    for text in (
        "I want to kill myself tonight, I have the pills here.",
        "I feel like a burden to everyone.",
        "My husband hits me when he is drunk.",
        "I would like to talk to a person, please.",
        "I would like to book a consultation.",
    ):
        Visitor(server.url).say(text)
    visitor = Visitor(server.url)
    visitor.say("How does therapy change the brain?")
    visitor.say("I have been thinking about ending my life.")
    return visitor


def test_planted_markup_is_text_in_every_place(
    empty: None, server: Server, admin: Person, ben: Person, desk: Person, console: Open
) -> None:
    """In the name, the contact, the note, the message, the reply, the private note, the booking, a person's name."""
    eve = hire(admin, "planted@larkfield.example", PLANTED[:80], "clinician")
    key = admin.post("/v1/console/keys", {"name": PLANTED[:80], "scopes": ["answers"]}).json()
    visitor = Visitor(server.url)
    visitor.say(PLANTED + " I have been thinking about ending my life.")
    visitor.http.post(visitor.path + "/handoff", json={"contact": PLANTED, "note": PLANTED})
    booker = Visitor(server.url)
    mail, times = "<img src=x onerror=alert(4)>@x", "any weekday after three <svg onload=alert(5)>"
    for text in ("I would like to book a consultation", "for me", "Sam", mail, mail, times, PLANTED):
        booker.say(text)
    booked = booker.http.get(booker.path + "/messages").json()["conversation"]["handoff"]["id"]
    taken = eve.post("/v1/handoffs/next").json()
    eve.post(f"/v1/handoffs/{taken['id']}/messages", {"text": PLANTED})
    eve.post(f"/v1/handoffs/{taken['id']}/notes", {"text": PLANTED})
    eve.post("/v1/console/duty", {"on": True})

    page = console(ben, f"/console#{taken['id']}").connected()
    expect(page.locator(".said.visitor .said-text").first).to_contain_text(PLANTED)
    expect(page.locator(".said.clinician .said-text")).to_have_text(PLANTED)
    expect(page.locator(".said.clinician .said-who")).to_contain_text(PLANTED[:80])
    expect(page.locator("#card-body")).to_contain_text(PLANTED)
    expect(page.locator("#notes-list")).to_contain_text(PLANTED)
    expect(page.locator("#staff")).to_contain_text(PLANTED[:80])
    nothing_ran(page)
    page.goto(page.url.partition("#")[0] + f"?again#{booked}")
    expect(page.locator(".booking")).to_contain_text("Consultation request")
    expect(page.locator("#lines")).to_contain_text(PLANTED)
    nothing_ran(page)
    page = console(desk, f"/console#{booked}").connected()
    for words in (mail, times, PLANTED):
        expect(page.locator(".booking")).to_contain_text(words)
    nothing_ran(page)
    Visitor(server.url).say("What is the tallest mountain in Portugal <b onload=alert(6)>, please?")
    page = console(ben, "/console/gaps").page
    expect(page.locator("#gaps")).to_contain_text("mountain")
    nothing_ran(page)
    page = console(admin, "/console/people").page
    expect(page.locator("#people")).to_contain_text(PLANTED[:80])
    expect(page.locator("#keys")).to_contain_text(PLANTED[:80])
    nothing_ran(page)
    page = console(admin, "/console/audit").page
    expect(page.locator("#rows")).to_contain_text(PLANTED[:80])
    nothing_ran(page)
    shown = console(eve).page
    expect(shown.locator(".me-name")).to_have_text(PLANTED[:80])
    nothing_ran(shown)
    source = eve.get("/console").text
    assert "<img src=x" not in source and "<script>alert" not in source
    admin.delete(f"/v1/console/keys/{key['id']}")
    eve.post(f"/v1/handoffs/{taken['id']}/close", {"outcome": "resolved", "note": "between two tests"})
    admin.post(f"/v1/console/people/{eve.me['user']['id']}/disable")


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_axe_finds_nothing_on_any_page(full: Visitor, server: Server, admin: Person, console: Open, theme: Any) -> None:
    page = console(admin, theme=theme).connected()
    found = {}
    for path, drawn in PAGES.items():
        page.goto(page.url.partition("/console")[0] + path)
        page.locator(drawn).first.wait_for(state="attached")
        page.wait_for_selector("#link[data-state=open]")
        found[path] = faults(page)
    assert not any(found.values()), found


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_axe_finds_nothing_in_an_open_conversation_and_its_windows(
    full: Visitor, server: Server, ana: Person, ben: Person, console: Open, theme: Any
) -> None:
    ben.post("/v1/console/duty", {"on": True})
    page = console(ana, theme=theme).connected()
    page.keyboard.press("c")
    page.locator("#reply:focus").wait_for()
    page.keyboard.type("Hello.")
    page.keyboard.press("Control+Enter")
    page.locator(".said.clinician").wait_for()
    page.keyboard.press("Escape")
    found = {"conversation": faults(page)}
    for key, name in (("u", "urgency"), ("x", "transfer"), ("l", "release"), ("e", "close"), (";", "canned"), ("/", "articles"), ("?", "help")):
        page.keyboard.press(key)
        page.locator(f"#{name}[open]").wait_for()
        found[name] = faults(page)
        page.keyboard.press("Escape")
    page.set_viewport_size({"width": 390, "height": 844})
    found["phone"] = faults(page)
    page.keyboard.press("i")
    found["phone, card"] = faults(page)
    assert not any(found.values()), found


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_axe_finds_nothing_at_the_door(browser: Browser, server: Server, theme: Any) -> None:
    context = browser.new_context(color_scheme=theme)
    page = context.new_page()
    found = {}
    for path in ("/console", "/console/welcome#x"):
        page.goto(server.url + path)
        found[path] = faults(page)
    context.close()
    assert not any(found.values()), found


def test_a_new_colleague_sets_a_password_a_second_step_and_a_passkey(
    browser: Browser, server: Server, admin: Person
) -> None:
    """As a person does it: the link, the app's code, a recovery code, then the passkey alone."""
    made = admin.post("/v1/console/people", {"email": "zoe@larkfield.example", "name": "Zoe Walk", "role": "clinician"}).json()
    url = server.url.replace("127.0.0.1", "localhost")
    context = browser.new_context(extra_http_headers={"X-Forwarded-For": "10.7.7.7"})
    page = context.new_page()
    page.set_default_timeout(30_000)

    def enter(button: str) -> None:
        """As a person does: not before the page is ready for it."""
        expect(page.get_by_role("button", name=button, exact=True)).to_be_enabled()
        page.keyboard.press("Enter")

    chip = context.new_cdp_session(page)
    chip.send("WebAuthn.enable")
    chip.send(
        "WebAuthn.addVirtualAuthenticator",
        {"options": {"protocol": "ctap2", "transport": "internal", "hasResidentKey": True, "hasUserVerification": True, "isUserVerified": True}},
    )

    page.goto(url + made["link"])
    expect(page).to_have_url(re.compile(r"/console/welcome$"))  # the secret leaves the address at once
    page.locator("#password").fill("zoe@larkfield.example")
    page.locator("#again").fill("zoe@larkfield.example")
    enter("Set the password and go on")
    expect(page.locator("#wrong")).to_contain_text("too close to your name")
    page.locator("#password").fill(PASSWORD)
    page.locator("#again").fill(PASSWORD)
    enter("Set the password and go on")
    expect(page.locator("#queue-title")).to_be_visible()

    page.goto(url + "/console/account")
    page.locator("#totp-password").fill(PASSWORD)
    page.locator("#totp-on").click()
    expect(page.locator("#qr svg path")).to_have_attribute("d", re.compile("^M"))
    secret = (page.locator("#totp-secret").text_content() or "").replace(" ", "")
    page.locator("#confirm-code").fill(pyotp.TOTP(secret).now())
    enter("Switch it on")
    codes = page.locator("#codes-list li")
    expect(codes).to_have_count(10)
    recovery = codes.first.text_content() or ""

    page.locator("#passkey-password").fill(PASSWORD)
    page.get_by_role("button", name="Add a passkey").click()
    expect(page.locator("#passkeys li")).to_contain_text("This device")

    page.locator("#me-menu summary").click()
    page.locator("#sign-out").click()
    page.locator("#email").fill("zoe@larkfield.example")
    page.locator("#password").fill(PASSWORD)
    enter("Sign in")
    page.locator("#code").fill("000000")
    enter("Go on")
    expect(page.locator("#wrong")).to_contain_text("not right")
    page.locator("#code").fill(recovery)
    enter("Go on")
    expect(page.locator("#queue-title")).to_be_visible()

    page.locator("#me-menu summary").click()
    page.locator("#sign-out").click()
    page.locator("#passkey").click()
    expect(page.locator("#queue-title")).to_be_visible()
    context.close()


def test_no_form_sends_itself_before_its_script_is_here(browser: Browser, server: Server) -> None:
    """Else a quick Enter would put the password into the address, the history and every log on the way."""
    context = browser.new_context()
    context.route("**/static/console/signin.js*", lambda route: route.abort())
    page = context.new_page()
    sent: list[str] = []
    page.on("request", lambda asked: sent.append(f"{asked.method} {asked.url} {asked.post_data or ''}"))
    page.goto(server.url + "/console")
    page.locator("#email").fill("ana@larkfield.example")
    page.locator("#password").fill(PASSWORD)
    page.keyboard.press("Enter")
    page.wait_for_timeout(300)
    assert "?" not in page.url and page.locator("#password").input_value() == PASSWORD
    assert not any("larkfield.example" in one for one in sent)
    context.close()


def test_a_link_from_another_site_finds_the_session(server: Server, ana: Person, browser: Browser) -> None:
    """A strict cookie stays behind on the first step from elsewhere; the sign-in page then goes straight through."""
    one = Console(browser, ana)
    page = one.connected()
    page.goto("data:text/html,<a href='" + one.url + "/console'>console</a>")
    page.get_by_role("link").click()
    expect(page.locator("#queue-title")).to_be_visible()
    one.context.close()


def test_people_and_keys_are_made_and_ended_in_the_browser(server: Server, admin: Person, console: Open) -> None:
    one = console(admin, "/console/people")
    one.expected.append("422")
    page = one.page
    page.locator("#person-name").fill("Max Added")
    page.locator("#person-email").fill("max@larkfield.example")
    page.get_by_role("button", name="Add a person").click()
    expect(page.locator("#once-value")).to_have_text(re.compile(r"/console/welcome#\S{20}"))
    row = page.locator("#people tr", has_text="Max Added")
    expect(row).to_contain_text("invited")
    row.get_by_role("button", name="Disable").click()
    row.get_by_role("button", name="sure?").click()
    expect(row).to_contain_text("disabled")
    page.locator("#key-name").fill("Website")
    page.get_by_label("answers").check()
    page.get_by_role("button", name="Make a key").click()
    expect(page.locator("#once-value")).to_have_text(re.compile("^hrk_"))
    value = page.locator("#once-value").text_content() or ""
    asked = server.url + "/v1/answers"
    headers = {"Authorization": f"Bearer {value}"}
    assert httpx.post(asked, json={"text": "What is CBT?"}, headers=headers, timeout=30).status_code == 200
    row = page.locator("#keys tr", has_text="Website")
    row.get_by_role("button", name="Revoke").click()
    row.get_by_role("button", name="sure?").click()
    expect(row).to_contain_text("revoked")
    assert httpx.post(asked, json={"text": "What is CBT?"}, headers=headers, timeout=30).status_code == 401
    page.locator("#key-name").fill("No scope")
    page.get_by_role("button", name="Make a key").click()
    expect(page.locator("#wrong")).to_be_visible()


def test_the_log_is_filtered_and_checked_by_the_auditor(
    server: Server, ana: Person, auditor: Person, console: Open
) -> None:
    visitor = Visitor(server.url)
    ana.get(f"/v1/handoffs/{visitor.say('I would like to talk to a person, please.')['conversation']['handoff']['id']}")
    one = console(auditor)
    page = one.page
    expect(page).to_have_url(re.compile("/console/audit$"))
    expect(page.locator(".nav a")).to_have_count(1)
    page.locator("#action").select_option("transcript")
    page.get_by_role("button", name="Filter").click()
    expect(page.locator("#rows tr").first).to_contain_text("transcript.")
    page.get_by_role("button", name="Check the chain").click()
    expect(page.locator("#verdict")).to_contain_text("none was changed")


def test_the_figures_and_the_gaps_show_what_happened(full: Visitor, server: Server, ana: Person, console: Open) -> None:
    full.say("What is the tallest mountain in Portugal?")
    Visitor(server.url).say("What is the tallest mountain of Portugal?")
    page = console(ana, "/console/figures").page
    expect(page.locator(".plot")).not_to_have_count(0)
    expect(page.get_by_role("img", name=re.compile("Promises"))).to_be_visible()
    page.get_by_text("As numbers").first.click()
    expect(page.locator("#plots table").first).to_contain_text("Crisis")
    page = console(ana, "/console/gaps").page
    expect(page.locator("#gaps")).to_contain_text("mountain")


def test_a_flag_is_marked_and_counted(empty: None, server: Server, ana: Person, console: Open) -> None:
    visitor = Visitor(server.url)
    visitor.say("Hello there.")
    visitor.say("I have been thinking about ending my life.")
    page = console(ana).connected()
    page.locator(".ticket").first.click()
    page.get_by_role("button", name=re.compile("was right$")).first.click()
    expect(page.get_by_role("button", name=re.compile("was right$")).first).to_have_attribute("aria-pressed", "true")
    miss = page.get_by_role("button", name="A flag was missed here")
    miss.first.focus()
    page.keyboard.press("Enter")
    expect(page.locator(".miss").first).to_have_text("Marked: a flag was missed")
    until(lambda: ana.get("/v1/console/figures").json()["flags"]["marks"].get("missed", 0) >= 1)
