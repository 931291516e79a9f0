"""What is noticed in a visitor's words, and what is said to it."""

from bot.safety.filter import Filter
from bot.safety.pack import RuleFault
from bot.safety.screening import Screening, lowered

__all__ = ["Filter", "RuleFault", "Screening", "lowered"]
