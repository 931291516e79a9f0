"""Finds a Chromium: the one named, one on the machine, Playwright's own; else says in one line what to install."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from playwright.sync_api import BrowserType

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
ARGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-domain-reliability",
    "--disable-sync",
    "--no-first-run",
]
MISSING = (
    "no Chromium was found: install one (Debian: apt-get install chromium; "
    "anywhere: python -m playwright install chromium) or set CHROMIUM=/path/to/chromium"
)


class NoChromium(RuntimeError):
    """The browser tests cannot run here. Says what to install."""


def find(kind: BrowserType) -> str:
    """The path of an executable. Raises NoChromium with one line."""
    named = os.environ.get("CHROMIUM", "")
    if named:
        if not (shutil.which(named) or Path(named).is_file()):
            raise NoChromium(f"CHROMIUM={named} is no program: {MISSING}")
        return shutil.which(named) or named
    for name in NAMES:
        if found := shutil.which(name):
            return found
    if Path(kind.executable_path).is_file():
        return kind.executable_path
    raise NoChromium(MISSING)
