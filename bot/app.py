"""build(settings) -> FastAPI: the only file that joins the parts."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from typing import Any

from fastapi import FastAPI
from starlette.routing import BaseRoute

from bot import __version__, garbage, ladder, outbox, retention
from bot.channels import chatwoot
from bot.desk import Desk
from bot.notifiers import senders
from bot.parts import join, now_utc, open_embedder, open_search, read_words
from bot.ports import Clock, Store
from bot.rehearse import warm
from bot.routes import (
    channels,
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
    tracing,
    visitor,
)
from bot.routes.state import Here
from bot.settings import Settings
from bot.stores import open_store
from bot.thinkers import Thinkers
from bot.turn import Thinker
from retrieval.embed import Embedder
from retrieval.model import Progress, silent
from retrieval.search import Search


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
    thinker = Thinker(parts)
    thinkers = Thinkers(settings, thinker, settings.thinkers)
    state = Here(
        settings=settings,
        parts=parts,
        desk=Desk(thinker, thinkers.think),
        templates=pages.templates(),
        search=search,
        embed=embedder.encode,
        thinkers=thinkers,
    )
    warm(thinker, progress)
    told = dict(senders(settings, said, store, clock))
    inbox = chatwoot.account(settings.chatwoot) if settings.chatwoot else None
    if inbox:
        told["webhook"] = chatwoot.Sender(inbox, store, told["webhook"])
    state.senders = told

    @contextlib.asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        await store.start()
        await (chatwoot.register(inbox, store, clock) if inbox else chatwoot.unregister(store))
        async with contextlib.AsyncExitStack() as held:
            if not settings.database_url:
                await held.enter_async_context(control.listening(store, clock, settings.data))
            chores: list[asyncio.Task[Any]] = [
                asyncio.create_task(outbox.run(store, state.senders, clock), name="outbox"),
                asyncio.create_task(ladder.watch(store, said, clock, parts.notify), name="ladder"),
                asyncio.create_task(retention.run(store, retention.Periods.of(settings), clock), name="retention"),
                asyncio.create_task(garbage.run(), name="garbage"),
            ]
            if settings.previous_secret_keys:
                chores.append(asyncio.create_task(store.rewrap(), name="rewrap"))
            thinkers.start()
            if ready is not None:
                await ready(state)
            try:
                yield
            finally:
                state.running = False
                for chore in chores:
                    chore.cancel()
                await asyncio.gather(*chores, return_exceptions=True)
                await thinkers.close()
        await store.close()

    app = FastAPI(
        title="Handrail",
        version=__version__,
        summary="A companion chatbot for mental-health practices, with handoff to human clinicians.",
        lifespan=lifespan,
        docs_url=None,
        redoc_url=None,
        openapi_url=None,
        telemetry={"tracing": False, "metrics": False, "logs": False},  # its spans name addresses: ours do not (routes/tracing.py)
    )
    app.state.here = state
    for router in (
        visitor.router,
        integration.router,
        completions.router,
        channels.router,
        operations.router,
        signin.router,
        console.router,
        pages.router,
    ):
        app.include_router(router)
    plain: list[BaseRoute] = [visitor.message_route, visitor.events_route, console.stream_route]
    app.router.routes[:0] = plain
    description.install(app)
    problems.install(app, said.country(said.practice.country), pages.missing)
    app.add_middleware(guard.Guard, state=state)
    if (tracer := tracing.tracer(settings)) is not None:
        app.add_middleware(tracing.Traced, tracer=tracer)
    return app
