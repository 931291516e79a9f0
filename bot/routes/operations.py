"""For those who run it: is it up, is it ready, its figures, and its API's description."""

from __future__ import annotations

import ipaddress
import secrets
from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse, Response
from prometheus_client import CONTENT_TYPE_LATEST

from bot import __version__
from bot.routes import access, guard, pages
from bot.routes.problems import Problem
from bot.routes.state import here

router = APIRouter(tags=["operations"])


@router.get("/healthz")
async def healthz() -> dict[str, str]:
    """The process is up."""
    return {"status": "up", "version": __version__}


@router.get("/readyz")
async def readyz(request: Request) -> JSONResponse:
    """The model, the index and the store are there; 503 names what is not."""
    app = here(request)
    parts: dict[str, Any] = {
        "model": app.search is not None,
        "index": bool(app.search is not None and app.search.version),
        "store": await app.store.ready(),
    }
    ready = all(parts.values()) and app.running
    if app.settings.thinkers:  # not needed to be ready: until they are, the server thinks itself
        parts["thinkers"] = app.thinkers.ready
    return JSONResponse({"status": "ready" if ready else "not ready", **parts}, 200 if ready else 503)


@router.get("/metrics", response_class=Response)
async def metrics(request: Request) -> Response:
    """Prometheus figures: without a key on loopback only."""
    app = here(request)
    given, wanted = access.bearer(request), app.settings.metrics_key
    known = bool(wanted) and secrets.compare_digest(given.encode(), wanted.encode())
    if not known and not _loopback(guard.address(request)):
        raise Problem(401, "Send HANDRAIL_METRICS_KEY as a bearer token, or ask from this machine.")
    figures = await app.store.counts()
    app.metrics.under_way.set(app.turns)
    app.metrics.thinkers.labels("ready").set(app.thinkers.ready)
    app.metrics.thinkers.labels("died").set(app.thinkers.died)
    return Response(app.metrics.page(figures), media_type=CONTENT_TYPE_LATEST)


def _loopback(address: str) -> bool:
    try:
        return ipaddress.ip_address(address).is_loopback
    except ValueError:
        return address == "local"  # a socket without an address: the control socket


@router.get("/docs", include_in_schema=False)
async def docs(request: Request) -> Response:
    """The API as a page, rendered here from the same document as /openapi.json: no script, no third party."""
    document = request.app.openapi()
    groups: dict[str, list[dict[str, Any]]] = {}
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            tag = (operation.get("tags") or ["other"])[0]
            groups.setdefault(tag, []).append({"path": path, "method": method.upper(), **operation})
    return pages.page(request, "docs.html", document=document, groups=groups)
