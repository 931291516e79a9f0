"""Makes sure that there is a browser for the tests: found, else Playwright's download, else Debian's package."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Sequence

import chromium
from playwright.sync_api import sync_playwright


def found() -> str:
    with sync_playwright() as running:
        return chromium.find(running.chromium)


def attempt(why: str, *command: str, seconds: int) -> bool:
    print(f"{why} …", flush=True)
    try:
        return (
            subprocess.run(command, timeout=seconds, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL).returncode
            == 0
        )
    except (OSError, subprocess.TimeoutExpired):
        return False


def ways() -> Sequence[tuple[str, tuple[str, ...], int]]:
    """Each way to come by a browser: what is said, the command, the seconds it may take."""
    download = (
        sys.executable,
        "-m",
        "playwright",
        "install",
        "--with-deps" if os.geteuid() == 0 else "--no-shell",
        "chromium",
    )
    listed: list[tuple[str, tuple[str, ...], int]] = [("Asking Playwright for a Chromium", download, 300)]
    if os.geteuid() == 0 and shutil.which("apt-get"):
        script = "apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq chromium"
        listed.append(("Installing Debian's chromium", ("sh", "-c", script), 600))
    return listed


def main() -> int:
    try:
        found()
        return 0
    except chromium.NoChromium as missing:
        last = str(missing)
    for why, command, seconds in ways():
        attempt(why, *command, seconds=seconds)
        try:
            print(f"Chromium: {found()}")
            return 0
        except chromium.NoChromium as missing:
            last = str(missing)
    print(last, file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main())
