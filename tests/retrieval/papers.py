"""Articles to search, and how one is written to disk."""

from datetime import date
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
TODAY = date(2026, 6, 1)

SLEEP = """
## Why sleep matters

Deep sleep files the day's memories away. A tired brain overreacts to small worries.

## Falling asleep

A fixed hour for getting up trains the body clock. Screens in bed keep the brain awake.
"""

PANIC = """
## What happens

A panic attack is a sudden rush of fear that peaks within ten minutes. It is frightening, and it passes.

## What helps

Breathing out slowly tells the body that the danger is over. Fleeing the place teaches the brain that the place
was dangerous.
"""

GRIEF = """
## How grief feels

Grief comes in waves, and the waves come less often with time. There is no timetable for grief.
"""

ARTICLES = {
    "sleep": ("Sleep and the mind", SLEEP),
    "panic": ("Panic attacks", PANIC),
    "grief": ("Grief", GRIEF),
}


def prepared(title: str, body: str, extra: str = "") -> str:
    """A Markdown file with front matter."""
    return f'+++\ntitle = "{title}"\n{extra}\n+++\n\n{body}'
