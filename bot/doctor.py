"""What `handrail doctor` looks at: versions, SQLite, clock, disk, keys, headers, mail, webhooks. No secret, no visitor text."""

from __future__ import annotations

import ctypes
import platform
import shutil
import socket
import sqlite3
import ssl
import stat
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from importlib import metadata
from typing import Any
from urllib.parse import urlsplit

import httpx

from bot import __version__
from bot.checks import Line, surroundings
from bot.notifiers.addresses import check_url, refused
from bot.notifiers.mailto import reach
from bot.settings import Settings

Ask = Callable[..., dict[str, Any]]
"""An order to the house: its name and its words."""

PACKAGES = ("fastapi", "uvicorn", "sqlalchemy", "torch", "sentence-transformers", "onnxruntime", "faiss-cpu", "psycopg")
SAFE_SQLITE = (3, 51, 3)  # before it, two writing connections can reset the log under each other
WANTED = {
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "content-security-policy": "frame-ancestors",
}
ROOM = 2 * 1024**3  # bytes
SOON = timedelta(days=14)
UNUSED = timedelta(days=90)
AHEAD = timedelta(minutes=2)
SECONDS = 10.0
_UNSYNCED = 0x0040  # STA_UNSYNC of ntp_adjtime(3)


def findings(chosen: Settings, ask: Ask, now: datetime) -> Iterator[Line]:
    """A line a finding. `ask` reaches the running server, or the store itself."""
    yield from versions()
    yield from (Line("ok", about, says) for about, says in surroundings(chosen))
    house = ask("doctor")
    yield from clock(now, house["last_event"])
    yield from disk(chosen)
    yield from secret(chosen)
    yield from keys(house["keys"], now)
    yield from headers(chosen)
    yield from mail(chosen)
    yield from webhooks(house["webhooks"], chosen)
    dead = house["dead"]
    about = "outbox"
    if dead:
        yield Line(
            "warning", about, f"{dead} dead letters: `handrail webhook dead` shows them, `webhook replay` sends them"
        )
    else:
        yield Line("ok", about, f"no dead letter; {house['waiting']} due now")
    yield Line("fault", "audit log", house["audit"]) if house["audit"] else Line("ok", "audit log", "chain whole")


def versions() -> Iterator[Line]:
    yield Line("ok", "handrail", f"{__version__}, Python {platform.python_version()}, {platform.platform()}")
    found = []
    for name in PACKAGES:
        try:
            found.append(f"{name} {metadata.version(name)}")
        except metadata.PackageNotFoundError:
            yield Line("fault", name, "missing: install Handrail anew")
    yield Line("ok", "packages", ", ".join(found))
    known = tuple(int(n) for n in sqlite3.sqlite_version.split("."))
    if known >= SAFE_SQLITE:
        yield Line("ok", "sqlite", sqlite3.sqlite_version)
    else:
        yield Line(
            "note",
            "sqlite",
            f"{sqlite3.sqlite_version} has the WAL-reset bug; harmless here, since one connection alone writes:"
            " let no other program write to the file",
        )


def clock(now: datetime, last_event: str | None) -> Iterator[Line]:
    """Against the kernel's own word on its source, and against what was written last."""
    if last_event and (last := datetime.fromisoformat(last_event)) > now + AHEAD:
        yield Line("fault", "clock", f"{last - now} behind what was written last ({last_event}): set it right")
    kernel = _kernel_clock()
    if kernel is None:
        yield Line("note", "clock", "whether it is synchronised is not known here")
    elif kernel & _UNSYNCED:
        yield Line(
            "warning", "clock", "not synchronised: due times and signatures depend on it; run chrony or timesyncd"
        )
    else:
        yield Line("ok", "clock", f"synchronised; {now.isoformat(timespec='seconds')}")


def _kernel_clock() -> int | None:
    """The status bits of ntp_adjtime(3), read only; None where there is none."""
    try:
        buffer = (ctypes.c_long * 64)()  # struct timex, with modes = 0; `status` is its fifth word
        if ctypes.CDLL(None, use_errno=True).ntp_adjtime(ctypes.byref(buffer)) < 0:
            return None
        return int(buffer[4] & 0xFFFFFFFF)
    except (OSError, AttributeError):
        return None


def disk(chosen: Settings) -> Iterator[Line]:
    folder = chosen.data if chosen.data.exists() else chosen.data.absolute().parent
    free = shutil.disk_usage(folder).free
    level = "ok" if free > ROOM else "warning"
    yield Line(level, "disk", f"{free / 1e9:.1f} GB free at {folder}" + ("" if level == "ok" else ": make room"))


def secret(chosen: Settings) -> Iterator[Line]:
    path = chosen.data / "secret.key"
    if chosen.previous_secret_keys:
        yield Line(
            "note",
            "secret key",
            "HANDRAIL_PREVIOUS_SECRET_KEYS is set: take it out once keys are moved and backups too",
        )
    if chosen.secret_key:
        short = len(chosen.secret_key) < 32
        yield Line(
            "warning" if short else "ok", "secret key", "shorter than 32 characters" if short else "set, long enough"
        )
        return
    if not path.exists():
        yield Line("note", "secret key", "made at the first start")
        return
    mode = stat.S_IMODE(path.stat().st_mode)
    if mode & 0o077:
        yield Line("fault", "secret key", f"{path} can be read by others ({mode:o}): chmod 600 {path}")
    else:
        yield Line("ok", "secret key", f"{path}, for its owner alone; keep a copy of it apart from the backups")


def keys(found: list[dict[str, Any]], now: datetime) -> Iterator[Line]:
    live = [k for k in found if k["state"] == "active"]
    for key in live:
        ends = key["expires"] and datetime.fromisoformat(key["expires"])
        if ends and ends < now + SOON:
            yield Line("warning", f"API key {key['name']}", f"expires {key['expires']}: make the next one")
        used = datetime.fromisoformat(key["last_used"] or key["created"])
        if used < now - UNUSED:
            yield Line("note", f"API key {key['name']}", f"not used since {used.date()}: revoke it if nobody needs it")
    endless = sum(1 for k in live if not k["expires"])
    yield Line("ok", "API keys", f"{len(live)} active, {endless} of them without an end")


def headers(chosen: Settings, verify: bool | ssl.SSLContext = True) -> Iterator[Line]:
    """What a visitor's browser gets at the public address: are the proxy's headers ours, is the certificate good."""
    base = chosen.public_url.rstrip("/")
    if not base:
        yield Line("note", "headers", "HANDRAIL_PUBLIC_URL is not set: nothing was looked at from outside")
        return
    try:
        with httpx.Client(timeout=SECONDS, verify=verify, trust_env=False) as client:
            answer, figures = client.get(base + "/readyz"), client.get(base + "/metrics")
    except httpx.HTTPError as error:
        yield Line(
            "fault",
            "headers",
            f"{base} does not answer ({type(error).__name__}): look at the proxy and its certificate",
        )
        return
    missing = [name for name, part in WANTED.items() if part not in answer.headers.get(name, "")]
    if missing:
        yield Line("fault", "headers", f"{', '.join(missing)} do not arrive at {base}: the proxy takes them away")
    else:
        yield Line("ok", "headers", f"{base} answers {answer.status_code} with all of them")
    if base.startswith("http://") and urlsplit(base).hostname not in {"localhost", "127.0.0.1"}:
        yield Line("fault", "headers", f"{base} is not https: what visitors write can be read on the way")
    if figures.status_code == 200 and urlsplit(base).hostname not in {"localhost", "127.0.0.1"}:
        yield Line(
            "warning",
            "headers",
            f"{base}/metrics can be read by anybody: close it at the proxy, check HANDRAIL_PROXIES",
        )
    if base.startswith("https://") and (days := _certificate_days(base)) is not None:
        level = "ok" if days > 14 else "warning"
        yield Line(level, "certificate", f"ends in {days} days")


def _certificate_days(base: str) -> int | None:
    parts = urlsplit(base)
    host = parts.hostname or ""
    try:
        with (
            socket.create_connection((host, parts.port or 443), SECONDS) as line,
            ssl.create_default_context().wrap_socket(line, server_hostname=host) as sealed,
        ):
            ends = (sealed.getpeercert() or {}).get("notAfter")
    except OSError:
        return None
    return int((ssl.cert_time_to_seconds(str(ends)) - datetime.now(UTC).timestamp()) // 86400) if ends else None


def mail(chosen: Settings) -> Iterator[Line]:
    """Connects, seals and signs in as a notice would; sends nothing."""
    if not chosen.smtp_url:
        wanted = "mailto:" in chosen.notify
        yield Line(
            "fault" if wanted else "note", "mail", "HANDRAIL_SMTP_URL is not set" + (", and notices need it" * wanted)
        )
        return
    fault = reach(chosen.smtp_url, SECONDS)
    yield Line("fault", "mail", fault) if fault else Line("ok", "mail", "the server lets us in; nothing was sent")


def webhooks(found: list[dict[str, Any]], chosen: Settings) -> Iterator[Line]:
    """Each address vetted as it would be at a send; nothing is sent."""
    for hook in found:
        about, url = f"webhook {hook['id']}", hook["url"]
        fault = check_url(url, allow_private=chosen.webhook_allow_private) or _leads(url, chosen.webhook_allow_private)
        if fault:
            yield Line("fault", about, fault)
        elif hook["state"] != "on":
            yield Line(
                "warning",
                about,
                f"{url} answered that it is gone: `handrail webhook replay {hook['id']}` tries it anew",
            )
        elif hook["dead"]:
            yield Line("warning", about, f"{url}: {hook['dead']} dead letters")
        else:
            yield Line("ok", about, f"{url} may be reached")
    if not found:
        yield Line("ok", "webhooks", "none registered")


def _leads(url: str, allow_private: bool) -> str:
    parts = urlsplit(url)
    try:
        entries = socket.getaddrinfo(parts.hostname or "", parts.port or 443, type=socket.SOCK_STREAM)
    except OSError:
        return f"{parts.hostname} has no address now: deliveries wait and are tried again"
    why = "" if allow_private else next((w for e in entries if (w := refused(str(e[4][0])))), "")
    return f"{parts.hostname} leads to an address that {why}" if why else ""
