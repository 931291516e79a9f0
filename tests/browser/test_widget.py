"""The widget on somebody else's website: polite to the page, safe from it, and never a way for words to leave."""

from __future__ import annotations

import pytest
from cast import Server
from place import NewContext, Site, Watched, write
from playwright.sync_api import Frame, Locator, Page, expect

STRICT = (
    "default-src 'none'; script-src {url}; frame-src {url}; base-uri 'none'; "
    "require-trusted-types-for 'script'; trusted-types 'none'"
)


def host(
    site: Site, server: Server, name: str, *, head: str = "", body: str = "", tag: str = "", **headers: str
) -> str:
    """A page with the widget's one line in it; gives its address."""
    line = f'<script type="module" async src="{server.url}/embed.js" data-exit-url="{site.away}" {tag}></script>'
    page = (
        f'<!doctype html><html lang="en"><head><title>Practice</title>{head}</head>'
        f"<body><h1>Practice</h1><a href='/before'>a link</a>{body}{'' if tag == 'in-head' else line}</body></html>"
    )
    return site.put(f"/{name}", page, **headers)


def launcher(page: Page) -> Locator:
    return page.get_by_role("button", name="Chat")


def opened(page: Page) -> Frame:
    launcher(page).click()
    frame = page.locator("handrail-chat iframe").element_handle().content_frame()
    assert frame is not None
    frame.wait_for_function("() => document.querySelector('#list > li.disclosure')")
    return frame


@pytest.fixture
def desk(new_context: NewContext) -> Page:
    return new_context(viewport={"width": 1200, "height": 900}).new_page()


def test_one_line_gives_a_launcher_and_nothing_else(desk: Page, site: Site, server: Server, watched: Watched) -> None:
    desk.goto(host(site, server, "plain"))
    expect(launcher(desk)).to_be_visible()
    assert desk.evaluate("() => document.querySelector('handrail-chat').shadowRoot.mode") == "open"
    assert [u for u in watched.requests if u.startswith(server.url)] == [f"{server.url}/embed.js"]
    assert desk.locator("iframe").count() == 0
    assert desk.evaluate("() => localStorage.length + sessionStorage.length + document.cookie.length") == 0
    assert desk.context.cookies() == []


def test_opening_shows_lines_first_then_the_composer(desk: Page, site: Site, server: Server) -> None:
    desk.goto(host(site, server, "opening"))
    frame = opened(desk)
    assert frame.get_by_role("link").first.get_attribute("href") == "tel:911"
    assert frame.get_by_role("textbox").first.get_attribute("id") == "text"
    expect(frame.locator("#text")).to_be_focused()
    expect(frame.locator("#consent")).to_be_visible()
    assert frame.get_by_role("checkbox").count() == 0
    write(frame, "what is neuroplasticity?")
    expect(frame.locator("li.answer")).to_have_count(1)


def test_layout_does_not_shift(desk: Page, site: Site, server: Server) -> None:
    script = """window.moved = 0; new PerformanceObserver((list) => list.getEntries().forEach(
        (e) => { moved += e.value })).observe({ type: "layout-shift", buffered: true })"""
    desk.add_init_script(script)
    desk.goto(host(site, server, "shift", body="<p>words</p>" * 60))
    opened(desk)
    launcher(desk).click()
    assert desk.evaluate("() => moved") == 0


def test_a_strict_policy_with_trusted_types_is_enough(desk: Page, site: Site, server: Server) -> None:
    desk.goto(host(site, server, "strict", Content_Security_Policy=STRICT.format(url=server.url)))
    frame = opened(desk)
    write(frame, "hello")
    expect(frame.locator("li.visitor")).to_have_count(1)
    box = launcher(desk).bounding_box()
    assert box and box["x"] > 800 and box["y"] > 700  # the style came in too


def test_a_page_that_unsets_everything(desk: Page, site: Site, server: Server) -> None:
    desk.goto(
        host(
            site,
            server,
            "unset",
            head="<style>*,*::before{all:unset!important} body{font:60px cursive;color:red}</style>",
        )
    )
    expect(launcher(desk)).to_be_visible()
    box = launcher(desk).bounding_box()
    assert box and box["height"] >= 44 and box["height"] < 90 and box["x"] > 800
    look = "e => [getComputedStyle(e).fontSize, getComputedStyle(e).color, getComputedStyle(e).cursor]"
    assert launcher(desk).evaluate(look) == ["16px", "rgb(255, 253, 248)", "pointer"]


def test_two_tags_and_a_tag_in_the_head_give_one_launcher(desk: Page, site: Site, server: Server) -> None:
    line = f'<script type="module" src="{server.url}/embed.js{{}}"></script>'
    desk.goto(host(site, server, "twice", head=line.format("") + line.format("?again"), body=line.format("?third")))
    expect(launcher(desk)).to_have_count(1)
    desk.wait_for_load_state("networkidle")
    assert desk.locator("handrail-chat").count() == 1


def test_above_a_page_that_takes_the_highest_z_index(desk: Page, site: Site, server: Server) -> None:
    wall = "<div style='position:fixed;inset:0 0 0 50%;z-index:2147483647;background:#eee'>a wall</div>"
    desk.goto(host(site, server, "wall", body=wall))
    launcher(desk).click()  # fails when something lies over it
    frame = desk.frame_locator("handrail-chat iframe")
    expect(frame.locator("li.disclosure")).to_be_visible()
    frame.locator("#text").click()


def test_a_frame_that_the_page_forbids_falls_back_to_a_link(desk: Page, site: Site, server: Server) -> None:
    policy = f"default-src 'none'; script-src {server.url}; frame-src 'none'"
    desk.goto(host(site, server, "noframe", Content_Security_Policy=policy))
    desk.wait_for_function("() => window.Handrail?.open")
    desk.evaluate("() => Handrail.on('error', (e) => { document.title = e.code })")
    launcher(desk).click()
    link = desk.get_by_role("link", name="Open the chat on its own page")
    expect(link).to_be_visible()
    assert str(link.get_attribute("href")).startswith(f"{server.url}/chat?")
    assert desk.get_by_role("link", name="Call 988").is_visible()
    assert desk.title() == "blocked"


def test_an_origin_that_is_not_allowed_is_told_the_line_to_add(desk: Page, site: Site, server: Server) -> None:
    said: list[str] = []
    desk.on("console", lambda m: said.append(m.text))
    desk.clock.install()
    host(site, server, "stranger")
    desk.goto(f"{site.stranger}/stranger")
    launcher(desk).click()
    desk.clock.run_for(9000)
    expect(desk.get_by_role("link", name="Open the chat on its own page")).to_be_visible()
    assert any(f"HANDRAIL_ALLOWED_ORIGINS={site.stranger}" in line for line in said)


def test_with_the_server_gone_the_lines_are_still_there(desk: Page, site: Site, server: Server) -> None:
    desk.goto(host(site, server, "down"))
    expect(launcher(desk)).to_be_visible()
    desk.context.set_offline(True)
    launcher(desk).click()
    for name in ("Call 911", "Call 988", "Text 988"):
        expect(desk.get_by_role("link", name=name)).to_be_visible()


def test_shift_three_times_on_the_page_leaves(desk: Page, site: Site, server: Server) -> None:
    desk.goto(f"{site.url}/before")
    desk.goto(host(site, server, "leave-page"))
    expect(launcher(desk)).to_be_visible()
    for key in ("Shift", "a", "Shift", "Shift"):
        desk.keyboard.press(key)
    assert desk.title() == "Practice"  # another key between them begins anew
    desk.keyboard.press("Shift")
    desk.wait_for_url(site.away)
    desk.go_back()
    assert desk.url == f"{site.url}/before"  # the practice's page is not behind it


def test_shift_three_times_in_the_frame_leaves_and_wipes(desk: Page, site: Site, server: Server) -> None:
    desk.goto(host(site, server, "leave-frame"))
    frame = opened(desk)
    write(frame, "hello")
    expect(frame.locator("li.visitor")).to_have_count(1)
    before = server.log().count("{id}/end")
    frame.locator("#text").focus()
    for _ in range(3):
        desk.keyboard.press("Shift")
    desk.wait_for_url(site.away)
    for _ in range(50):  # the last word goes out beside the leaving
        if server.log().count("{id}/end") > before:
            break
        desk.wait_for_timeout(100)
    assert server.log().count("{id}/end") == before + 1
    desk.go_back()
    assert not desk.get_by_text("hello").is_visible()


def test_the_button_in_the_frame_leaves(desk: Page, site: Site, server: Server) -> None:
    desk.goto(host(site, server, "leave-button"))
    opened(desk).get_by_role("button", name="Leave quickly").click()
    desk.wait_for_url(site.away)


def test_escape_closes_and_gives_the_focus_back(desk: Page, site: Site, server: Server) -> None:
    desk.goto(host(site, server, "escape"))
    opened(desk)
    assert launcher(desk).get_attribute("aria-expanded") == "true"
    desk.keyboard.press("Escape")
    expect(desk.locator("handrail-chat iframe")).to_be_hidden()
    assert (
        desk.evaluate("() => document.activeElement.shadowRoot.activeElement.getAttribute('aria-expanded')") == "false"
    )


def test_unread_counts_while_it_is_closed(desk: Page, site: Site, server: Server) -> None:
    desk.goto(host(site, server, "unread"))
    with desk.expect_response(lambda r: r.url.endswith("/v1/conversations")) as made:
        opened(desk)
    tab = made.value.json()
    desk.evaluate("() => { window.counts = []; Handrail.on('unread', ({count}) => counts.push(count)) }")
    launcher(desk).click()
    answer = desk.request.post(
        f"{server.url}/v1/conversations/{tab['id']}/messages",
        data={"text": "what is neuroplasticity?"},
        headers={"Authorization": f"Bearer {tab['token']}"},
    )
    replies = len(answer.json()["replies"])
    expect(launcher(desk)).to_have_attribute(
        "aria-label", f"Chat with us, {replies} new message{'s' if replies > 1 else ''}"
    )
    launcher(desk).click()
    expect(launcher(desk)).to_have_attribute("aria-label", "Close chat")
    assert desk.evaluate("() => counts.at(-1)") == 0


def test_calls_made_before_loading_and_the_whole_api(desk: Page, site: Site, server: Server) -> None:
    early = """<script>window.Handrail = [["on", "ready", () => { window.isReady = true }],
        ["prefill", "a question"], ["open"]]</script>"""
    desk.goto(
        host(
            site,
            server,
            "api",
            head=early,
            tag='data-locale="es" data-country="GB" data-position="bottom-left" data-accent="#f3c98b"',
        )
    )
    frame = desk.frame_locator("handrail-chat iframe")
    expect(frame.locator("#text")).to_have_value("a question")
    assert desk.evaluate("() => window.isReady") is True
    expect(frame.locator("html")).to_have_attribute("lang", "es")
    assert frame.locator("#care a[href='tel:999']:visible").count()
    assert desk.evaluate("() => [Handrail.getState().open, typeof Handrail.version]") == [True, "string"]
    box = desk.locator("handrail-chat .go").bounding_box()
    assert box and box["x"] < 100
    assert desk.locator("handrail-chat .go").evaluate("e => getComputedStyle(e).color") == "rgb(17, 17, 17)"
    desk.evaluate("() => { Handrail.setLocale('en'); Handrail.setTheme('dark') }")
    expect(frame.locator("html")).to_have_attribute("lang", "en")
    expect(frame.locator("html")).to_have_attribute("data-theme", "dark")
    heard = desk.evaluate(
        """() => { const heard = []; const stop = Handrail.on("closed", () => heard.push(1));
        Handrail.close(); stop(); Handrail.open(); Handrail.close(); return heard.length }"""
    )
    assert heard == 1
    desk.evaluate("() => Handrail.hide()")
    expect(desk.locator("handrail-chat .go")).to_be_hidden()
    desk.evaluate("() => { Handrail.show(); Handrail.toggle(); Handrail.reset() }")
    expect(frame.locator("#text")).to_have_value("")


def test_attributes_and_the_pages_language_reach_the_frame(desk: Page, site: Site, server: Server) -> None:
    line = (
        f'<script type="module" src="{server.url}/embed.js" data-theme="dark" data-accent="#f3c98b" '
        'data-ground="#333333" data-exit-url="javascript:alert(1)"></script>'
    )
    said: list[str] = []
    desk.on("console", lambda m: said.append(m.text))
    desk.goto(site.put("/dressed", f"<!doctype html><html lang='es-MX'><title>Consulta</title><body>{line}"))
    expect(desk.get_by_role("button", name="Chat con nosotros")).to_be_visible()
    frame = opened(desk)
    expect(frame.locator("html")).to_have_attribute("lang", "es")  # the page's own, as no data-locale says otherwise
    expect(frame.locator("html")).to_have_attribute("data-theme", "dark")
    pine = frame.evaluate("() => getComputedStyle(document.documentElement).getPropertyValue('--pine').trim()")
    assert pine == "#f3c98b"  # bright enough to be read on the dark ground as it is
    assert any("too dark" in one for one in said)  # the ground was refused, and it was said why
    assert "javascript" not in str(desk.locator("handrail-chat iframe").get_attribute("src"))


def test_events_tell_states_and_a_broken_listener_stops_nothing(desk: Page, site: Site, server: Server) -> None:
    desk.goto(host(site, server, "events"))
    desk.wait_for_function("() => window.Handrail?.open")
    desk.evaluate(
        """() => { window.told = []; Handrail.on("opened", () => { throw new Error("the page's own fault") });
        for (const type of ["ready", "opened", "closed", "state"]) Handrail.on(type, (d) => told.push([type, d.state])) }"""
    )
    frame = opened(desk)
    frame.get_by_role("button", name="Talk to a person").click()
    desk.wait_for_function("() => told.some(([type, state]) => state === 'waiting')")
    desk.context.set_offline(True)
    desk.wait_for_function("() => told.some(([type, state]) => state === 'offline')")
    desk.context.set_offline(False)
    desk.wait_for_function("() => told.at(-1)[1] === 'online'")
    desk.evaluate("() => Handrail.close()")
    kinds = desk.evaluate("() => told.map(([type]) => type)")
    assert kinds[:2] == ["opened", "ready"] and kinds[-1] == "closed"


def test_a_site_without_scripts_has_telephone_and_link(new_context: NewContext, server: Server) -> None:
    page = new_context(java_script_enabled=False).new_page()
    page.goto(f"{server.url}/demo")
    assert page.locator("noscript a[href^='tel:']").is_visible()
    page.locator("noscript a[href='/chat']").click()
    expect(page.locator("#care a[href='tel:988']:visible").first).to_be_visible()


def test_no_launcher_and_an_own_z_index(desk: Page, site: Site, server: Server) -> None:
    desk.goto(host(site, server, "quiet", tag='data-no-launcher data-z-index="7"'))
    desk.wait_for_function("() => window.Handrail?.open")
    expect(desk.locator("handrail-chat .go")).to_be_hidden()
    assert desk.locator("handrail-chat").evaluate("e => getComputedStyle(e).zIndex") == "7"
    desk.evaluate("() => Handrail.open()")
    expect(desk.frame_locator("handrail-chat iframe").locator("li.disclosure")).to_be_visible()


def test_no_word_crosses_to_the_page(desk: Page, site: Site, server: Server) -> None:
    """Everything that reaches the page over window or port is written down and searched."""
    desk.add_init_script(
        """window.crossed = [];
        addEventListener("message", (e) => crossed.push(JSON.stringify(e.data)), true);
        const set = Object.getOwnPropertyDescriptor(MessagePort.prototype, "onmessage").set;
        Object.defineProperty(MessagePort.prototype, "onmessage", { set(run) {
          set.call(this, (e) => { window.crossed.push(JSON.stringify(e.data)); run(e); }); } });"""
    )
    desk.goto(host(site, server, "words"))
    frame = opened(desk)
    write(frame, "my secret zebra")
    expect(frame.locator("li.visitor")).to_have_count(1)
    write(frame, "I want to die")
    expect(frame.locator("li.crisis, li.support").last).to_be_visible()
    launcher(desk).click()
    crossed = desk.evaluate("() => crossed")
    assert any("unread" in line for line in crossed)
    assert all(set(line_keys) <= {"type", "count", "state", "handrail"} for line_keys in map(_keys, crossed))
    everything = " ".join(crossed)
    assert (
        "zebra" not in everything
        and "die" not in everything
        and "urgen" not in everything
        and "crisis" not in everything
    )


def _keys(line: str) -> list[str]:
    import json

    return list(json.loads(line))


def test_forged_messages_are_not_obeyed(desk: Page, site: Site, server: Server) -> None:
    desk.goto(host(site, server, "forged"))
    frame = opened(desk)
    desk.evaluate(
        """() => {
        const frame = document.querySelector("handrail-chat").shadowRoot.querySelector("iframe").contentWindow;
        const channel = new MessageChannel();
        frame.postMessage({ handrail: "port" }, "*", [channel.port2]);
        channel.port1.postMessage({ type: "prefill", text: "forged" });
        frame.postMessage({ type: "prefill", text: "forged" }, "*");
        postMessage({ type: "exit" }, "*");
        postMessage({ handrail: "hello" }, "*");
        }"""
    )
    desk.evaluate("() => Handrail.push(['prefill', 'x'.repeat(900)], ['setTheme', 'purple'], ['nothing'])")
    expect(frame.locator("#text")).to_have_value("x" * 500)
    assert frame.evaluate("() => document.documentElement.dataset.theme ?? ''") == ""
    assert desk.url.endswith("/forged")


def test_on_a_phone_it_fills_the_screen_and_can_be_closed(page: Page, site: Site, server: Server) -> None:
    page.goto(host(site, server, "phone", head='<meta name="viewport" content="width=device-width">'))
    frame = opened(page)
    box = page.locator("handrail-chat iframe").bounding_box()
    assert box == {"x": 0, "y": 0, "width": 390, "height": 780}
    frame.get_by_role("button", name="Close chat").click()
    expect(page.locator("handrail-chat iframe")).to_be_hidden()
    expect(launcher(page)).to_be_visible()


def test_the_demo_practice_has_it(desk: Page, server: Server) -> None:
    desk.goto(f"{server.url}/demo")
    frame = opened(desk)
    write(frame, "are you open on Saturday?")
    expect(frame.locator("#list > li.bot")).to_have_count(2)
