"""What is noticed in a visitor's words, and what is said to it."""

from bot.safety.filter import Filter
from bot.safety.pack import RuleFault
from bot.safety.proof import Finding
from bot.safety.protocol import protocol
from bot.safety.screening import Screening, lowered
from bot.safety.script import Script, Spoken

__all__ = ["Filter", "Finding", "RuleFault", "Screening", "Script", "Spoken", "lowered", "protocol"]
