"""One visit, as a newcomer makes it: a question, words of risk, a booking, a person."""

from __future__ import annotations

import re

from cast import Server
from place import CONSENT, Clinician, NewContext, Site, kept, open_chat, stored, write
from playwright.sync_api import BrowserContext, Page, expect


def test_says_first_that_it_is_no_person(chat: Page) -> None:
    first = chat.locator("#list > li").first
    expect(first).to_contain_text("automated")
    expect(first).to_contain_text("not a person")


def test_crisis_lines_stand_first_and_call(chat: Page) -> None:
    assert chat.locator("body > *").first.get_attribute("id") == "care"
    first = chat.get_by_role("link").first
    expect(first).to_be_visible()
    assert first.get_attribute("href") == "tel:911"
    assert chat.locator("#care a[href='tel:988']:visible").count() >= 1
    assert chat.locator("#care a[href='sms:988']:visible").count() >= 1


def test_reads_an_answer_quoted_from_an_article_with_its_source(chat: Page, server: Server) -> None:
    write(chat, "does therapy really change the brain?")
    answer = chat.locator("li.answer").last
    expect(answer).to_be_visible()
    said = answer.locator(".said").inner_text()
    quotes = answer.locator(".quote").all_inner_texts()
    assert quotes
    assert all(quote in said for quote in quotes)
    with chat.context.expect_page() as opened:
        answer.locator(".sources a").first.click()
    article = opened.value
    article.wait_for_load_state()
    marked = article.locator(":target")
    expect(marked).to_be_visible()
    cited = stored(server, chat)[-1]["citations"][0]
    assert marked.inner_text().strip() in cited["quote"] or cited["quote"] in marked.inner_text()
    assert article.locator("h1").inner_text() == cited["title"]
    expect(article.get_by_text("Not yet reviewed by a clinician")).to_be_visible()
    assert (
        article.evaluate("() => getComputedStyle(document.querySelector(':target')).backgroundColor")
        != "rgba(0, 0, 0, 0)"
    )


def test_words_of_risk_bring_lines_and_the_queue_at_once(chat: Page) -> None:
    write(chat, "I want to die")
    crisis = chat.locator("li.crisis, li.support").last
    expect(crisis).to_contain_text("988")
    expect(chat.locator("#care")).to_have_class(re.compile("urgent"))
    expect(chat.locator("#card")).to_contain_text("clinicians' queue")
    write(chat, "what is neuroplasticity?")
    expect(chat.locator("li.visitor").last).to_contain_text("neuroplasticity")
    expect(chat.locator("#typing")).to_be_hidden()
    expect(chat.locator("#care")).to_have_class(re.compile("urgent"))  # it stays while the flag is open


def test_asking_to_book_opens_the_queue(chat: Page) -> None:
    write(chat, "I would like to book a consultation")
    expect(chat.locator("li.booking").last).to_be_visible()
    expect(chat.locator("#card")).to_be_visible()


def test_a_person_as_the_first_thing(chat: Page) -> None:
    chat.get_by_role("button", name="Talk to a person").click()
    expect(chat.locator("#card")).to_contain_text("clinicians' queue")
    expect(chat.locator("#status")).to_have_text("Waiting for a clinician")
    expect(chat.get_by_role("button", name="Talk to a person")).to_be_visible()


def test_a_clinician_joins_by_name_and_the_card_says_so(chat: Page, clinician: Clinician) -> None:
    chat.get_by_role("button", name="Talk to a person").click()
    expect(chat.locator("#card")).to_be_visible()
    handoff = clinician.claim(kept(chat)["id"])
    clinician.say(handoff, "Hello, this is the practice. I am here now.")
    expect(chat.locator("li.clinician").last).to_contain_text("I am here now.")
    expect(chat.locator("#card")).to_contain_text("joined")
    name = chat.locator("#status").inner_text()
    assert name.startswith("With ")


def test_the_waiting_card_takes_a_way_to_be_reached(chat: Page, clinician: Clinician) -> None:
    chat.get_by_role("button", name="Talk to a person").click()
    chat.get_by_role("button", name="How to reach me").click()
    chat.get_by_label("Telephone or e-mail").fill("+1 555-0199")
    chat.get_by_label("Anything they should know").fill("text only")
    chat.get_by_role("button", name="Pass it on").click()
    expect(chat.locator("#contact-said")).to_have_text("Passed on to our clinicians.")
    rows = clinician.http.get("/v1/handoffs", params={"state": "waiting"}).json()["handoffs"]
    mine = next(row for row in rows if row["conversation"] == kept(chat)["id"])
    assert "555-0199" in mine["card"]["contact"]


def test_a_reload_resumes_and_another_tab_does_not(chat: Page, server: Server, site: Site) -> None:
    write(chat, "what is neuroplasticity?")
    expect(chat.locator("li.answer")).to_have_count(1)
    before = kept(chat)["id"]
    chat.reload()
    expect(chat.locator("li.visitor")).to_have_count(1)
    expect(chat.locator("li.answer")).to_have_count(1)
    assert kept(chat)["id"] == before
    other = open_chat(chat.context.new_page(), server, site)
    assert kept(other)["id"] != before
    expect(other.locator("li.visitor")).to_have_count(0)


def test_deleting_gives_a_receipt_and_leaves_nothing(chat: Page, server: Server) -> None:
    write(chat, "what is neuroplasticity?")
    expect(chat.locator("li.answer")).to_have_count(1)
    tab = kept(chat)
    chat.get_by_role("button", name="Menu").click()
    chat.get_by_role("button", name="Delete this conversation").click()
    chat.get_by_role("button", name="Yes, delete it").click()
    expect(chat.locator("#receipt")).to_contain_text(tab["id"])
    expect(chat.locator("#list > li.visitor")).to_have_count(0)
    assert "token" not in kept(chat)
    chat.keyboard.press("Escape")
    write(chat, "hello again")
    expect(chat.locator("li.visitor")).to_have_count(1)
    chat.wait_for_function("() => JSON.parse(sessionStorage.handrail).id")
    assert kept(chat)["id"] != tab["id"]


def test_the_transcript_is_made_in_the_browser(chat: Page) -> None:
    write(chat, "what is <b>neuroplasticity</b>?")
    expect(chat.locator("li.visitor").last).to_contain_text("<b>")
    expect(chat.locator("#typing")).to_be_hidden()
    chat.get_by_role("button", name="Menu").click()
    with chat.expect_download() as text:
        chat.get_by_role("button", name="Save as text").click()
    with chat.expect_download() as whole:
        chat.get_by_role("button", name="Save as a page").click()
    plain = text.value.path().read_text(encoding="utf-8")
    html = whole.value.path().read_text(encoding="utf-8")
    assert "what is <b>neuroplasticity</b>?" in plain
    assert "what is &lt;b&gt;neuroplasticity&lt;/b&gt;?" in html
    assert 'charset="utf-8"' in html


def test_language_and_country_change_on_the_spot(chat: Page) -> None:
    chat.get_by_role("button", name="Menu").click()
    chat.get_by_label("Country for crisis lines").select_option("GB")
    chat.get_by_label("Language").select_option("es")
    expect(chat.locator("html")).to_have_attribute("lang", "es")
    chat.keyboard.press("Escape")
    expect(chat.get_by_role("button", name="Hablar con una persona")).to_be_visible()
    assert chat.locator("#care a[href='tel:999']:visible").count()
    assert not chat.locator("#care a[href='tel:911']:visible").count()
    write(chat, "quiero morir")
    expect(chat.locator("li.crisis, li.support").last).to_contain_text(
        "116 123"
    )  # the replies name the chosen country's
    chat.reload()
    expect(chat.get_by_role("button", name="Hablar con una persona")).to_be_visible()
    assert chat.locator("#care a[href='tel:999']:visible").count()


def test_consent_is_one_sentence_before_the_first_message_in_the_language_of_the_page(chat: Page) -> None:
    """The practice's own where it has one, else the one that is shipped; a sentence, never a gate."""
    expect(chat.locator("#consent")).to_have_text(CONSENT)
    expect(chat.locator("#consent")).to_be_visible()
    assert chat.get_by_role("checkbox").count() == 0
    chat.get_by_role("button", name="Menu").click()
    chat.get_by_label("Language").select_option("es")
    expect(chat.locator("#consent")).to_contain_text("Al escribir aceptas")
    chat.get_by_label("Idioma").select_option("en")
    expect(chat.locator("#consent")).to_have_text(CONSENT)


def test_a_contact_detail_has_its_own_purpose_beside_it(chat: Page) -> None:
    chat.get_by_role("button", name="Talk to a person").click()
    chat.get_by_role("button", name="How to reach me").click()
    expect(chat.locator("#contact")).to_contain_text("uses it to answer this request, and for nothing else")


def test_leaving_quickly_says_what_it_does_not_do(chat: Page) -> None:
    chat.get_by_role("button", name="Menu").click()
    expect(chat.locator("#menu")).to_contain_text("Shift key pressed three times")
    expect(chat.locator("#menu")).to_contain_text("It does not clear your browser's history")


def test_arabic_turns_the_page_around(page: Page, server: Server, site: Site) -> None:
    open_chat(page, server, site, "&lang=ar")
    expect(page.locator("html")).to_have_attribute("dir", "rtl")
    # The replies are in English here, and are said to be, for whoever has them read aloud.
    expect(page.locator("#list")).to_have_attribute("lang", "en")
    assert page.locator("li.disclosure .who").get_attribute("lang") == "ar"
    send = page.locator("#send").bounding_box()
    box = page.locator("#text").bounding_box()
    assert send and box and send["x"] < box["x"]


def test_without_scripts_lines_and_telephone_are_there(new_context: NewContext, server: Server) -> None:
    page = new_context(java_script_enabled=False).new_page()
    page.goto(f"{server.url}/chat?country=GB")
    assert page.locator("#care a[href='tel:999']:visible").count()
    expect(page.locator(".plain")).to_contain_text("This chat needs JavaScript.")
    expect(page.locator(".plain")).to_be_visible()
    assert page.locator(".plain a[href^='tel:']").first.is_visible()
    expect(page.locator("#composer")).to_be_hidden()
    page.locator(".care details:visible summary").click()
    assert page.locator("#care .lines:visible li").count() >= 3
    page.locator(".plain select").select_option("US")
    page.locator(".plain button").click()
    assert page.locator("#care a[href='tel:911']:visible").count()


def test_printing_shows_the_talk_and_the_lines_alone(chat: Page) -> None:
    write(chat, "what is neuroplasticity?")
    expect(chat.locator("li.answer")).to_have_count(1)
    chat.emulate_media(media="print")
    expect(chat.locator("#composer")).to_be_hidden()
    expect(chat.locator("li.answer")).to_be_visible()
    assert chat.locator("#care a[href='tel:988']:visible").count()
    assert chat.evaluate("() => getComputedStyle(document.querySelector('#log')).overflow") == "visible"


def test_a_cookie_or_a_trace_is_not_left_behind(chat: Page) -> None:
    write(chat, "hello")
    expect(chat.locator("li.visitor")).to_have_count(1)
    assert chat.evaluate("() => localStorage.length") == 0
    context: BrowserContext = chat.context
    assert context.cookies() == []
