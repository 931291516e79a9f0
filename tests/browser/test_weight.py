"""What the widget weighs, as it goes over the line; the promise is 6 KB for the loader and 25 KB for the panel."""

from __future__ import annotations

import gzip
import re

import httpx
from cast import Server

LOADER, PANEL = 6 * 1024, 25 * 1024


def squeezed(content: bytes) -> int:
    return len(gzip.compress(content, 9))


def panel_files(server: Server) -> dict[str, bytes]:
    """Every script and style that the panel can ever load: those in its page, and what its scripts import."""
    page = httpx.get(f"{server.url}/chat?embed=1", timeout=30).text
    wanted = set(re.findall(r'(?:src|href)="/static/([\w.-]+\.(?:js|css))', page)) - {"noscript.css"}
    found: dict[str, bytes] = {}
    while wanted:
        name = wanted.pop()
        found[name] = httpx.get(f"{server.url}/static/{name}", timeout=30).content
        imported = set(re.findall(r'(?:from|import)\s*\(?\s*"\./([\w.-]+\.js)"', found[name].decode()))
        wanted |= imported - set(found) - {"scenes.js"}  # the gallery's own
    return found


def test_the_loader(server: Server) -> None:
    loader = httpx.get(f"{server.url}/embed.js", timeout=30).content
    assert b"const CARE = null" not in loader
    assert squeezed(loader) <= LOADER


def test_the_panel(server: Server) -> None:
    files = panel_files(server)
    assert {"talk.js", "companion.js", "talk.css", "tokens.css"} <= set(files)
    assert sum(map(squeezed, files.values())) <= PANEL


def test_scripts_go_out_compressed_and_are_not_sent_twice(server: Server) -> None:
    first = httpx.get(f"{server.url}/static/talk.js", headers={"Accept-Encoding": "gzip"}, timeout=30)
    assert first.headers["content-encoding"] == "gzip"
    again = httpx.get(f"{server.url}/static/talk.js", headers={"If-None-Match": first.headers["etag"]}, timeout=30)
    assert again.status_code == 304
    versioned = re.findall(r'"(/static/talk\.js\?v=\w+)"', httpx.get(f"{server.url}/chat", timeout=30).text)[0]
    assert "immutable" in httpx.get(server.url + versioned, timeout=30).headers["cache-control"]
