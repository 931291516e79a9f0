"""Questions and their answers, found in the ways practices write them down."""

from __future__ import annotations

import re

from retrieval.importing.model import Block

_LABELLED = re.compile(r"^(?:Q|Question|P|Pregunta)\s?\d*\s?[.:)–—-]\s*(?=\S)", re.I)
_ANSWER = re.compile(r"(?:^|\s)(?:A|Answer|R|Respuesta)\s?\d*\s?[.:)–—-]\s+(?=[\"“A-ZÁÉÍÓÚÑ¿¡0-9])")
_ANSWER_ALONE = re.compile(r"^(?:A|Answer|R|Respuesta)\s?\d*\s?[.:)–—-]\s*(?=\S)")
_NUMBERED = re.compile(r"^\(?\d{1,2}[.)]\s+")
_FIRST = re.compile(r"""^(.{8,200}?\?)["'”’)]*(?:\s+|\n|(?=[A-Z¿¡]))(?=\S)""", re.S)
_ABOVE = re.compile(
    r"^((some |your )?(faqs?|frequently asked questions|common questions|questions (and|&) answers|q ?(&|and) ?a"
    r"|preguntas (frecuentes|comunes))|questions (people|readers|clients|patients) (often |commonly )?ask"
    r"|(frequent|common|top) questions)\b.{0,50}$",
    re.I,
)


def is_heading_above(text: str) -> bool:
    """Whether a short line announces a list of questions."""
    return len(text.split()) <= 9 and not text.endswith("?") and bool(_ABOVE.match(text))


def is_question(text: str) -> bool:
    """Whether a block is one question that an answer may follow."""
    return text.rstrip("\"'”’) ").endswith("?") and 3 <= len(text.split()) <= 30 and text.count("?") <= 2


def unlabelled(text: str) -> str:
    """A question without "Q:", its number or its bullet."""
    return _NUMBERED.sub("", _LABELLED.sub("", text)).strip()


def pairs(blocks: list[Block]) -> list[Block]:
    """The blocks with each question on a heading of its own and its answer under it; announcing headings left out."""
    result: list[Block] = []
    among = False  # under a heading that announces questions
    level = 0
    for block in blocks:
        if not block.taken:
            result.append(block)
            continue
        text = block.text
        if (block.kind == "heading" or block.words <= 9) and is_heading_above(text):
            block.dropped = "heading above the questions; each question is a heading of its own"
            among, level = True, block.level
            result.append(block)
            continue
        if block.kind == "heading":
            if among and block.level and block.level <= max(level, 1) and not is_question(unlabelled(text)):
                among = False
            block.question = block.question or is_question(unlabelled(text))
            if block.question:
                block.text = unlabelled(text)
            result.append(block)
            continue
        result.extend(_pair(block, among))
    return _answers(result)


def _pair(block: Block, among: bool) -> list[Block]:
    text = block.text
    labelled = bool(_LABELLED.match(text))
    bare = unlabelled(text) if labelled or block.kind == "item" or among else text
    if (labelled or among or block.question or block.kind == "item") and is_question(bare):
        return [_question(bare, block)]
    if block.question and not bare.endswith("?"):
        return [Block(bare, "heading", block.level, strong=True, says="heading (the title of a part that unfolds)")]
    if not (labelled or among or block.kind == "item"):
        first, _, rest = text.partition("\n")
        if rest and is_question(first.strip()):
            return [_question(first.strip(), block), Block(rest.replace("\n", " "), says="answer", links=block.links)]
        return [block]
    match = _FIRST.match(bare)
    if not match or not is_question(match.group(1)):
        return [block]
    answer = bare[match.end() :].strip()
    marked = _ANSWER_ALONE.match(answer)
    answer = answer[marked.end() :] if marked else answer
    if len(answer.split()) < 2 or answer.rstrip().endswith("?"):
        return [block]
    return [_question(match.group(1), block), Block(answer.replace("\n", " "), says="answer", links=block.links)]


def _question(text: str, block: Block) -> Block:
    return Block(" ".join(text.split()), "heading", block.level, question=True, says="question", links=block.links)


def _answers(blocks: list[Block]) -> list[Block]:
    """ "A:" in front of an answer goes; a line of its own that asks, with a paragraph behind it, is a question."""
    asked = False
    for block in blocks:
        if not block.taken:
            continue
        marked = _ANSWER_ALONE.match(block.text) if asked and block.kind != "heading" else None
        if marked:
            block.text, block.says = block.text[marked.end() :], "answer"
        asked = block.kind == "heading" and block.question
    return blocks
