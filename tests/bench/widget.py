"""What the widget costs the page that carries it: weight, time to a usable launcher, main-thread tasks, layout shift.

    python tests/bench/widget.py [--rounds 5] [--peer NAME=FILE.js …]

Starts the server on a data folder of its own, puts the widget on a page of another origin, and loads that page with the
processor slowed to a fourth and the line to slow 3G (400 ms, 400 kbit/s), in a fresh context each round. A peer's file
is loaded the same way, from the same page, as a module: its weight, when it has run, and its main-thread tasks; nothing
of its server. The floor is a script of three lines that puts a bare button on the page: what line and processor alone take.
The peers' files, from their own packages (`npm pack NAME@VERSION`): deep-chat's dist/deepChat.bundle.js, Typebot's
@typebot.io/js dist/web.js.
"""

from __future__ import annotations

import argparse
import gzip
import statistics
import sys
import tempfile
from pathlib import Path
from typing import Any

import httpx

ROOT = Path(__file__).parents[2]
sys.path[:0] = [str(ROOT / "tests"), str(ROOT / "tests" / "browser")]

import chromium  # noqa: E402
from cast import Server, free_port  # noqa: E402
from place import Site  # noqa: E402
from playwright.sync_api import Browser, sync_playwright  # noqa: E402
from test_weight import panel_files  # noqa: E402

SLOW_3G = {"offline": False, "latency": 400, "downloadThroughput": 400_000 / 8, "uploadThroughput": 400_000 / 8}
SLOWDOWN = 4
FLOOR = """const e = document.createElement("handrail-chat");
e.attachShadow({ mode: "open" }).append(document.createElement("button"));
document.body.append(e);"""
WATCH = """
window.tasks = []; window.moved = 0; window.usable = 0;
const watch = (type, see) =>
  new PerformanceObserver((l) => l.getEntries().forEach(see)).observe({ type, buffered: true });
watch("longtask", (e) => tasks.push(e.duration));
watch("layout-shift", (e) => { moved += e.value });
const look = () => { const e = document.querySelector("handrail-chat");
  if (e?.shadowRoot?.querySelector("button")) window.usable = performance.now(); else requestAnimationFrame(look); };
requestAnimationFrame(look);
"""


def squeezed(content: bytes) -> int:
    return len(gzip.compress(content, 9))


def load(browser: Browser, url: str, wait: str, slow: bool = True) -> dict[str, Any]:
    """One cold load of a page; what its own watch saw."""
    context = browser.new_context(viewport={"width": 1200, "height": 800})
    page = context.new_page()
    page.add_init_script(WATCH)
    session = context.new_cdp_session(page)
    session.send("Network.enable")
    if slow:
        session.send("Network.emulateNetworkConditions", SLOW_3G)
        session.send("Emulation.setCPUThrottlingRate", {"rate": SLOWDOWN})
    page.goto(url, wait_until="commit")
    page.wait_for_function(wait, timeout=60_000)
    page.wait_for_timeout(1000)
    seen: dict[str, Any] = page.evaluate(
        """() => { const at = performance.getEntriesByType("resource").find((e) => e.name.includes("embed.js"));
        return { usable, tasks, arrived: window.arrived ?? 0, moved, answered: at ? at.responseEnd : 0, began: at ? at.startTime : 0 } }"""
    )
    context.close()
    return seen


def main() -> None:
    asked = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    asked.add_argument("--rounds", type=int, default=5)
    asked.add_argument("--peer", action="append", default=[], metavar="NAME=FILE.js")
    given = asked.parse_args()
    site = Site()
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        settings = {"HANDRAIL_ALLOWED_ORIGINS": site.url, "HANDRAIL_CONVERSATIONS_PER_MINUTE": "10000"}
        server = Server(Path(folder), free_port(), settings).start(wait=280)
        browser = playwright.chromium.launch(executable_path=chromium.find(playwright.chromium), args=chromium.ARGS)
        try:
            weights(server)
            timing(browser, server, site, given.rounds)
            for name, _, file in (peer.partition("=") for peer in given.peer):
                peer_row(browser, site, name, Path(file), given.rounds)
        finally:
            browser.close()
            server.stop()


def weights(server: Server) -> None:
    loader = httpx.get(f"{server.url}/embed.js", timeout=30).content
    files = panel_files(server)
    print(f"{'loader':<24}{squeezed(loader):>8} bytes gzipped ({len(loader)} plain)")
    for name, content in sorted(files.items(), key=lambda pair: -len(pair[1])):
        print(f"  {name:<22}{squeezed(content):>8}")
    print(f"{'panel, JS and CSS':<24}{sum(map(squeezed, files.values())):>8} bytes gzipped in {len(files)} files")
    page = httpx.get(f"{server.url}/chat?embed=1", timeout=30).content
    print(f"{'panel, its page':<24}{squeezed(page):>8} bytes gzipped (all countries' lines and all words in it)")


def timing(browser: Browser, server: Server, site: Site, rounds: int) -> None:
    line = f'<script type="module" async src="{server.url}/embed.js"></script>'
    url = site.put("/bench", f"<!doctype html><title>Practice</title>{line}<h1>Practice</h1>" + "<p>words</p>" * 40)
    site.pages["/floor.js"] = (FLOOR, {"Content-Type": "text/javascript"})
    low = site.put(
        "/floor",
        "<!doctype html><title>Practice</title><script type='module' async src='/floor.js'></script><h1>Practice</h1>"
        + "<p>words</p>" * 40,
    )
    bare = site.put("/bare", "<!doctype html><title>Practice</title><h1>Practice</h1>" + "<p>words</p>" * 40)
    for slow in (False, True):
        seen = [load(browser, url, "() => window.usable > 0", slow) for _ in range(rounds)]
        without = [load(browser, bare, "() => true", slow) for _ in range(rounds)]
        floor = [load(browser, low, "() => window.usable > 0", slow)["usable"] for _ in range(rounds)]
        usable = sorted(one["usable"] for one in seen)
        own = sorted(one["usable"] - one["began"] for one in seen)
        name = f"slow 3G, processor at 1/{SLOWDOWN}" if slow else "loopback, whole processor"
        print(f"\n{name}, {rounds} cold loads")
        print(
            f"launcher usable         median {statistics.median(usable):.0f} ms after navigation, worst {usable[-1]:.0f}"
        )
        print(f"  after it was asked for  median {statistics.median(own):.0f} ms, worst {own[-1]:.0f}")
        print(f"  floor: a bare button     median {statistics.median(floor):.0f} ms after navigation")
        print(f"long tasks (over 50 ms) {spread(seen)}; the same page without the widget: {spread(without)}")
        print(f"layout shift            {max(one['moved'] for one in seen):g}")


def spread(seen: list[dict[str, Any]]) -> str:
    """The longest task of each load, in ms; 0 where none was over 50."""
    longest = sorted(max(one["tasks"], default=0.0) for one in seen)
    return f"median {statistics.median(longest):.0f} ms, worst {longest[-1]:.0f}"


def peer_row(browser: Browser, site: Site, name: str, file: Path, rounds: int) -> None:
    content = file.read_bytes()
    site.pages[f"/peer/{name}.js"] = (content.decode(), {"Content-Type": "text/javascript"})
    tag = f'<script type="module" async src="/peer/{name}.js" onload="window.arrived = performance.now()"></script>'
    url = site.put(f"/peer-{name}", f"<!doctype html><title>Practice</title>{tag}<h1>Practice</h1>")
    seen = [load(browser, url, "() => window.arrived") for _ in range(rounds)]
    ran = statistics.median(one["arrived"] for one in seen)
    print(
        f"{name:<24}{squeezed(content):>8} bytes gzipped; ran {ran:.0f} ms after navigation; longest task {spread(seen)}"
    )


if __name__ == "__main__":
    main()
