"""A route that is described like any other and served as plain ASGI: for the call that carries the load."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from fastapi import Request
from fastapi.routing import APIRoute
from starlette.responses import Response
from starlette.types import Receive, Scope, Send


class PlainRoute(APIRoute):
    """`endpoint(request, **path)` reads, checks and answers by itself; FastAPI solves nothing for it. Its signature and
    `how` still describe it in /openapi.json. Put it first among the routes: each message would look at those before it."""

    def __init__(self, path: str, endpoint: Callable[..., Awaitable[Response]], **how: Any) -> None:
        super().__init__(path, endpoint, **how)

        async def serve(scope: Scope, receive: Receive, send: Send) -> None:
            answer = await endpoint(Request(scope, receive), **scope["path_params"])
            await answer(scope, receive, send)

        self.app = serve
