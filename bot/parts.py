"""The parts of a visit, made from the settings; what `handrail ask` needs as much as the server. No web in here."""

from __future__ import annotations

import contextlib
import hashlib
import logging
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TextIO

import structlog

from bot import words
from bot.answer import Answers
from bot.booking import Booking
from bot.hours import Hours
from bot.ports import Clock, Store
from bot.safety import Filter, Script
from bot.settings import Settings, model_cache
from bot.turn import Parts
from bot.words import Words
from bot.writers import writer
from retrieval.articles import read_articles
from retrieval.build import build_index, why_stale
from retrieval.embed import Embedder
from retrieval.kept import kept
from retrieval.model import Progress, silent
from retrieval.search import Search


def now_utc() -> datetime:
    return datetime.now(UTC)


def read_words(settings: Settings) -> Words:
    """The corpus, the practice and the lines. Raises WordsFault."""
    return words.load(settings.corpus, settings.practice, settings.extra_corpus)


def articles_folder(settings: Settings) -> Path:
    return settings.articles or settings.corpus / "en" / "articles"


def open_embedder(settings: Settings, progress: Progress = silent) -> Embedder:
    return Embedder.open(model_cache(settings), model=settings.model, progress=progress)


def index_folder(settings: Settings) -> Path:
    """One index a folder of articles, so that trying another folder leaves the practice's own in place."""
    if settings.articles is None:
        return settings.data / "index"
    return settings.data / f"index-{hashlib.sha256(bytes(settings.articles.resolve())).hexdigest()[:8]}"


def open_search(settings: Settings, embedder: Embedder, progress: Progress = silent) -> Search:
    """The index, made or renewed first when it is missing or stale."""
    corpus = read_articles(articles_folder(settings), progress=progress)
    folder = index_folder(settings)
    if why_stale(folder, corpus, embedder, kind=settings.index):
        build_index(corpus, folder, embedder, kind=settings.index, progress=progress)
    return Search.open(folder, embedder, today=lambda: now_utc().date())


def join(
    settings: Settings,
    said: Words,
    store: Store | None,
    search: Search,
    embedder: Embedder | None,
    clock: Clock = now_utc,
) -> Parts:
    """The parts of a visit. `store` None: a rehearsal, which writes nowhere."""
    hours = Hours(said.practice)
    embed = kept(embedder, model_cache(settings)) if embedder is not None else None
    return Parts(
        store=store,  # type: ignore[arg-type]  # a rehearsal never reaches it
        words=said,
        filter=Filter(said, embed=embed, rules_only=settings.rules_only, shadow=settings.shadow_rules),
        script=Script(said),
        answers=Answers(search, said, writer=writer(settings.writer)),
        booking=Booking(said, hours),
        hours=hours,
        clock=clock,
        notify=tuple(filter(None, (n.strip() for n in settings.notify.split(",")))),
    )


class Unfailing:
    """A stream that may be full or gone: then a line of the log is lost, and nobody's answer."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def write(self, text: str) -> int:
        with contextlib.suppress(OSError):
            self._stream.write(text)
        return len(text)

    def flush(self) -> None:
        with contextlib.suppress(OSError):
            self._stream.flush()


def logs(settings: Settings) -> None:
    """Structured logs on stderr. No visitor text is ever passed to them."""
    level = getattr(logging, settings.log_level.upper())
    shape: Any = (
        structlog.processors.JSONRenderer() if settings.log_json else structlog.dev.ConsoleRenderer(colors=False)
    )
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.ExceptionRenderer(structlog.tracebacks.ExceptionDictTransformer(show_locals=False))
            if settings.log_json
            else structlog.processors.format_exc_info,
            shape,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.PrintLoggerFactory(Unfailing(sys.stderr)),  # type: ignore[arg-type]
        cache_logger_on_first_use=False,
    )
