"""The process that parses: it has no secrets, opens no file, and may be killed at any moment."""

from __future__ import annotations

import json
import os
import resource
import sys
from types import TracebackType
from typing import Any, BinaryIO

from retrieval.importing.assemble import assemble
from retrieval.importing.decode import decode
from retrieval.importing.markdown import read_markdown
from retrieval.importing.model import Imported, Limits, Page
from retrieval.importing.plain import read_plain
from retrieval.importing.webpage import read_webpage
from retrieval.importing.wire import OUT_OF_MEMORY, frame, read_frame, to_plain
from retrieval.model import ArticleRefused


def parse(data: bytes, *, path: str, suffix: str, limits: Limits) -> Imported:
    """Parses in this very process. Raises ArticleRefused; other errors of a parser pass through and end the process."""
    if suffix == ".pdf":
        from retrieval.importing.pdf import read_pdf  # only here: a folder without PDFs need not wait for it

        page = read_pdf(data, limits) if data.lstrip()[:5] == b"%PDF-" else _not_pdf()
    elif suffix == ".docx":
        from retrieval.importing.word import read_word

        page = read_word(data, limits)
    else:
        text, notes = decode(data, suffix=suffix)
        if len(text) > limits.characters:
            raise ArticleRefused(
                f"This file holds more than {limits.characters:,} characters: split it and import the parts."
            )
        page = {".md": read_markdown, ".txt": read_plain}.get(suffix, read_webpage)(text)
        page.notes[:0] = notes
    return assemble(page, path=path, data=data)


def _not_pdf() -> Page:
    raise ArticleRefused(
        "This file ends in .pdf but is none: export it as a PDF again, or give it the ending of what it is."
    )


def main() -> None:
    """Answers requests on standard input, (facts, bytes) each, with JSON on what was standard output."""
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # whatever a library prints does not reach the answers
    sys.setrecursionlimit(5_000)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))

    def crashed(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
        _answer(answers, {"broke": OUT_OF_MEMORY if issubclass(kind, MemoryError) else kind.__name__})
        os._exit(1)

    sys.excepthook = crashed
    while True:
        facts, data = read_frame(sys.stdin.buffer), read_frame(sys.stdin.buffer)
        if facts is None or data is None:
            return
        asked = json.loads(facts)
        limits = Limits(**asked["limits"])
        _limit(limits)
        try:
            imported = parse(data, path=asked["path"], suffix=asked["suffix"], limits=limits)
        except ArticleRefused as refused:
            _answer(answers, {"refused": str(refused)})
        else:
            _answer(answers, {"imported": to_plain(imported)})


def _limit(limits: Limits) -> None:
    """Memory, and processor time beyond what is used up already, in case nobody is left to watch the clock."""
    resource.setrlimit(resource.RLIMIT_AS, (limits.memory, resource.getrlimit(resource.RLIMIT_AS)[1]))
    used = resource.getrusage(resource.RUSAGE_SELF)
    seconds = int(used.ru_utime + used.ru_stime + limits.seconds) + 2
    resource.setrlimit(resource.RLIMIT_CPU, (seconds, resource.getrlimit(resource.RLIMIT_CPU)[1]))


def _answer(answers: BinaryIO, value: dict[str, Any]) -> None:
    answers.write(frame(json.dumps(value).encode()))
    answers.flush()


if __name__ == "__main__":
    main()
