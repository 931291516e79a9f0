"""What a visitor in the queue is told who asks whether anybody is there: the truth, and the promise as it stands."""

from __future__ import annotations

from datetime import datetime

from bot.hours import Hours
from bot.model import Author, Draft, Handoff, Kind
from bot.words import Words


def draft(words: Words, hours: Hours, waiting: Handoff | None, language: str, now: datetime) -> Draft:
    """Nobody has joined yet; by when a person looks, as it was promised; once that has passed, that it has."""
    due = waiting.due_at if waiting else None
    if due is not None and due <= now:
        text, _ = words.say("still_waiting_late", language)
        return Draft(Author.BOT, Kind.HANDOFF, text)
    promise = ""
    if due is not None:
        promise, _ = words.say(f"promise_{hours.nearness(due, now)}", language, **hours.words_of(due, now, language))
    text, _ = words.say("still_waiting", language, promise=promise)
    return Draft(Author.BOT, Kind.HANDOFF, text.replace("  ", " "))  # no promise leaves its two spaces
