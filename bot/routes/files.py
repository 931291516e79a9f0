"""Scripts, styles and pages as they go over the line: without comments, compressed, 304 when unchanged."""

from __future__ import annotations

import gzip
import hashlib
import mimetypes
import re
from functools import lru_cache
from pathlib import Path

from fastapi import Request
from fastapi.responses import Response

TYPES = {
    ".js": "text/javascript",
    ".css": "text/css",
    ".svg": "image/svg+xml",
    ".json": "application/json",
    ".html": "text/html",
    ".webmanifest": "application/manifest+json",
}
TEXT = frozenset(TYPES)
SMALLEST = 600  # bytes; below it compressing gains nothing

_LINE_COMMENT = re.compile(r"(?m)^[ \t]*//.*\n")
_INDENT = re.compile(r"(?m)^\s+")
_STYLE_BLANKS = re.compile(r"\s*([{};,])\s*")
_BLOCK_COMMENT = re.compile(r"(?ms)^[ \t]*/\*.*?\*/[ \t]*\n")


def lean(text: str, suffix: str) -> str:
    """A script or style without indentation and without the comments that stand on lines of their own.

    Words inside a line are left alone, so that this needs no parser: no file of ours has a string over several lines
    in which leading blanks matter.
    """
    if suffix not in {".js", ".css"}:
        return text
    text = _BLOCK_COMMENT.sub("", text)
    if suffix == ".js":
        return _INDENT.sub("", _LINE_COMMENT.sub("", text))
    return _STYLE_BLANKS.sub(r"\1", _INDENT.sub("", text))


@lru_cache(maxsize=256)
def _read(path: Path, changed: int) -> tuple[bytes, bytes, str]:
    """Body, compressed body, and tag of a file; `changed` is its time of change: an edited file is read anew."""
    body = path.read_bytes()
    if path.suffix in {".js", ".css"}:
        body = lean(body.decode(), path.suffix).encode()
    return body, gzip.compress(body, 9, mtime=0), hashlib.sha256(body).hexdigest()[:20]


def send(request: Request, path: Path, cache: str) -> Response:
    """One file of web/static."""
    body, packed, tag = _read(path, path.stat().st_mtime_ns)
    headers = {"Cache-Control": cache, "ETag": f'"{tag}"'}
    media = TYPES.get(path.suffix) or mimetypes.guess_type(path.name)[0] or "application/octet-stream"
    if tag in request.headers.get("if-none-match", ""):
        return Response(status_code=304, headers=headers)
    if path.suffix not in TEXT:
        return Response(body, media_type=media, headers=headers)
    return text(request, body, media, headers, packed=packed)


def text(
    request: Request, body: bytes, media: str, headers: dict[str, str], *, status: int = 200, packed: bytes = b""
) -> Response:
    """A text, compressed where the caller takes it."""
    headers = headers | {"Vary": "Accept-Encoding"}
    if len(body) >= SMALLEST and "gzip" in request.headers.get("accept-encoding", ""):
        headers["Content-Encoding"] = "gzip"
        body = packed or gzip.compress(body, 6, mtime=0)
    return Response(body, status, headers, media_type=media)
