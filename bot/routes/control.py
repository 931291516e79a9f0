"""The control socket: the command line's orders to a running server, for the file's owner alone (mode 0600)."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import socket
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from bot import office
from bot.model import NotThere, StoreFault
from bot.ports import Clock, Store

SOCKET = "control.sock"


class _Quiet(uvicorn.Server):
    """Signals are the main server's business."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


def application(store: Store, clock: Clock) -> Starlette:
    async def carry_out(request: Request) -> JSONResponse:
        order = office.ORDERS.get(request.path_params["order"])
        if order is None:
            return JSONResponse({"error": "this server does not know that order: are both of one version?"}, 404)
        try:
            return JSONResponse(await order(store, clock(), **json.loads(await request.body() or b"{}")))
        except (office.OrderRefused, StoreFault, TypeError, OSError) as error:
            return JSONResponse({"error": str(error)}, 422)
        except NotThere as error:
            return JSONResponse({"error": f"there is no {error.args[0]}"}, 422)

    return Starlette(routes=[Route("/{order}", carry_out, methods=["POST"])])


@contextlib.asynccontextmanager
async def listening(store: Store, clock: Clock, folder: Path) -> AsyncIterator[None]:
    """Serves the socket while the block runs. A path too long for a socket is no reason not to serve visitors."""
    path = folder / SOCKET
    path.unlink(missing_ok=True)
    if len(os.fsencode(path)) > 100:  # sun_path holds 108 bytes
        yield
        return
    server = _Quiet(uvicorn.Config(application(store, clock), log_level="warning", lifespan="off", access_log=False))
    ear = _private_socket(path)
    task = asyncio.create_task(server.serve(sockets=[ear]))
    try:
        yield
    finally:
        server.should_exit = True
        await task
        path.unlink(missing_ok=True)


def _private_socket(path: Path) -> socket.socket:
    """Bound under a mask, so that at no moment anyone else may connect."""
    ear = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    mask = os.umask(0o177)
    try:
        ear.bind(str(path))
    finally:
        os.umask(mask)
    ear.listen(8)
    return ear
