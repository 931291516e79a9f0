"""What a visitor writes after a direct question: read as the answer that it is, or as none."""

from __future__ import annotations

from typing import Any

import pytest

from bot.model import SafetyMemory

YES, NO, UNSURE, REFUSED, NONE = "yes", "no", "unsure", "refused", ""
ENGLISH = [
    ("thoughts", "yes", YES),
    ("thoughts", "Yeah, every night", YES),
    ("thoughts", "i do", YES),
    ("thoughts", "I have been", YES),
    ("thoughts", "I am, honestly", YES),
    ("thoughts", "sometimes", UNSURE),
    ("thoughts", "I don't know", UNSURE),
    ("thoughts", "not sure", UNSURE),
    ("thoughts", "not sure, maybe", UNSURE),
    ("thoughts", "no", NO),
    ("thoughts", "no, nothing like that", NO),
    ("thoughts", "No I'm just very tired", NO),
    ("thoughts", "I'm not", NO),
    ("thoughts", "not really", NO),
    ("thoughts", "never", NO),
    ("thoughts", "I don't have any", NO),
    ("thoughts", "no one would even notice", NONE),
    ("thoughts", "nobody is home", NONE),
    ("thoughts", "nothing matters anymore", NONE),
    ("thoughts", "never felt this alone", NONE),
    ("thoughts", "no point in talking about it", NONE),
    ("thoughts", "I can't stop thinking about it", YES),
    ("thoughts", "I don't want to feel like this", NONE),
    ("thoughts", "I have not slept in days", NONE),
    ("thoughts", "I am 14", NONE),
    ("thoughts", "I am at work", NONE),
    ("thoughts", "I have an exam tomorrow", NONE),
    ("thoughts", "what do I do", NONE),
    ("thoughts", "how much do I have to pay?", NONE),
    ("thoughts", "right now I'm on the bus", NONE),
    ("thoughts", "why do you ask", REFUSED),
    ("thoughts", "I'd rather not say", REFUSED),
    ("thoughts", "none of your business", REFUSED),
    ("plan", "I would use my pills", YES),
    ("plan", "which meds help with anxiety?", NONE),
    ("plan", "not yet", NO),
    ("plan", "no plan", NO),
    ("means", "they are right here", YES),
    ("means", "in my drawer", YES),
    ("means", "no one is home", NONE),
    ("means", "no, my mom locked them away", NO),
    ("means", "what do i do", NONE),
    ("when", "tonight", YES),
    ("when", "I don't know", UNSURE),
    ("when", "not now", NO),
]
SPANISH = [
    ("thoughts", "sí", YES),
    ("thoughts", "sí, todas las noches", YES),
    ("thoughts", "no", NO),
    ("thoughts", "no, para nada", NO),
    ("thoughts", "no sé", UNSURE),
    ("thoughts", "no hay nadie en casa", NONE),
    ("thoughts", "nada tiene sentido", NONE),
    ("thoughts", "nunca me había sentido así", NONE),
    ("thoughts", "tengo 14 años", NONE),
    ("thoughts", "tengo un examen mañana", NONE),
    ("thoughts", "¿qué hago?", NONE),
    ("thoughts", "no puedo dejar de pensarlo", YES),
    ("thoughts", "prefiero no decirlo", REFUSED),
    ("plan", "todavía no", NO),
    ("means", "los tengo aquí", YES),
    ("means", "nadie me va a encontrar", NONE),
]


def answered(filter_: Any, pending: str, text: str, language: str) -> str:
    memory = SafetyMemory(pending=pending, asked=(pending,), level=2)
    after = filter_.screen(text, memory, language=language, country="US").memory
    return str(after.notes["answered"])


@pytest.mark.parametrize(("pending", "text", "value"), ENGLISH)
def test_an_english_answer(rules: Any, pending: str, text: str, value: str) -> None:
    assert answered(rules, pending, text, "en") == value


@pytest.mark.parametrize(("pending", "text", "value"), SPANISH)
def test_a_spanish_answer(rules: Any, pending: str, text: str, value: str) -> None:
    assert answered(rules, pending, text, "es") == value
