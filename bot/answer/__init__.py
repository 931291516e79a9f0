"""Answers from the articles and the practice file alone: quoted, cited, or honestly not given."""

from bot.answer.asked import Spoken
from bot.answer.gaps import GapGroup, group_gaps
from bot.answer.practice import practice_page
from bot.answer.redact import redact
from bot.answer.speak import Answers

__all__ = ["Answers", "GapGroup", "Spoken", "group_gaps", "practice_page", "redact"]
