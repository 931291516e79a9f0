"""build(settings) -> FastAPI: the only file that joins the parts."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import hashlib
import logging
import sys
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import structlog
from fastapi import FastAPI
from starlette.routing import BaseRoute

from bot import __version__, ladder, outbox, words
from bot.answer import Answers
from bot.booking import Booking
from bot.hours import Hours
from bot.notifiers import senders
from bot.ports import Clock, Store
from bot.routes import (
    completions,
    console,
    control,
    description,
    guard,
    integration,
    operations,
    pages,
    problems,
    signin,
    visitor,
)
from bot.routes.state import Here
from bot.safety import Filter, Script
from bot.settings import Settings, model_cache
from bot.stores import open_store
from bot.turn import Desk, Parts
from bot.words import Words
from bot.writers import writer
from retrieval.articles import read_articles
from retrieval.build import build_index, why_stale
from retrieval.embed import Embedder
from retrieval.model import Progress, silent
from retrieval.search import Search

FREEZE_EVERY = 600.0  # seconds; frozen objects are not walked by the collector: p99 with many streams depends on it


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
    embed = embedder.encode if embedder is not None else None
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


def build(
    settings: Settings,
    *,
    clock: Clock = now_utc,
    store: Store | None = None,
    embedder: Embedder | None = None,
    search: Search | None = None,
    progress: Progress = silent,
    ready: Callable[[Here], Any] | None = None,
) -> FastAPI:
    """The whole product as one ASGI application. What is passed in is used; the rest is made from the settings.

    Raises SettingsFault, WordsFault, RuleFault, ArticleRefused or ModelUnusable before anything is served.
    """
    said = read_words(settings)
    embedder = embedder or open_embedder(settings, progress)
    search = search or open_search(settings, embedder, progress)
    store = store or open_store(settings, clock)
    parts = join(settings, said, store, search, embedder, clock)
    state = Here(settings=settings, parts=parts, desk=Desk(parts), templates=pages.templates(), search=search)
    state.senders = senders(settings, said, store, clock)

    @contextlib.asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        await store.start()
        async with contextlib.AsyncExitStack() as held:
            if not settings.database_url:
                await held.enter_async_context(control.listening(store, clock, settings.data))
            chores = [
                asyncio.create_task(outbox.run(store, state.senders, clock), name="outbox"),
                asyncio.create_task(ladder.watch(store, said, clock, parts.notify), name="ladder"),
                asyncio.create_task(_freeze(), name="freeze"),
            ]
            if ready is not None:
                await ready(state)
            try:
                yield
            finally:
                state.running = False
                for chore in chores:
                    chore.cancel()
                await asyncio.gather(*chores, return_exceptions=True)
        await store.close()

    app = FastAPI(
        title="Handrail",
        version=__version__,
        summary="A companion chatbot for mental-health practices, with handoff to human clinicians.",
        lifespan=lifespan,
        docs_url=None,
        redoc_url=None,
        openapi_url=None,
    )
    app.state.here = state
    for router in (
        visitor.router,
        integration.router,
        completions.router,
        operations.router,
        signin.router,
        console.router,
        pages.router,
    ):
        app.include_router(router)
    streams: list[BaseRoute] = [visitor.events_route, console.stream_route]
    app.router.routes[:0] = streams
    description.install(app)
    problems.install(app, said.country(said.practice.country))
    app.add_middleware(guard.Guard, state=state)
    return app


async def _freeze() -> None:
    while True:
        gc.collect()
        gc.freeze()
        await asyncio.sleep(FREEZE_EVERY)


def logs(settings: Settings) -> None:
    """Structured logs on stderr. No visitor text is ever passed to them."""
    level = getattr(logging, settings.log_level.upper())
    shape: Any = structlog.processors.JSONRenderer() if settings.log_json else structlog.dev.ConsoleRenderer(colors=False)
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
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=False,
    )


