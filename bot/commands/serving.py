"""handrail serve: the whole product in one process."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import logging
import signal
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any

import typer

from bot.commands import terminal

LAST_WORDS = 0.3  # seconds for requests on lines that were taken and have not spoken yet
GRACE = 10  # seconds that open streams get at SIGTERM; without a bound one open stream never ends


def serve(
    host: Annotated[str, typer.Option(help="The address to listen at.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="0 takes a free one.")] = 8000,
    articles: Annotated[Path | None, typer.Option(help="A folder of the practice's own articles.")] = None,
) -> None:
    """The whole product: chat page, console, API. Builds the index first where it is missing or stale."""
    with terminal.told():
        import uvicorn
        import uvloop

        from bot import app, parts, settings, thinkers

        chosen = settings.read(articles=articles)
        parts.logs(chosen)
        if chosen.thinkers:
            thinkers.give_way()
        ear = _listen(host, port)
        taken = ear.getsockname()[1]
        shown = "localhost" if host in {"127.0.0.1", "0.0.0.0", "::1", "::"} else host  # noqa: S104
        base = chosen.public_url.rstrip("/") or f"http://{shown}:{taken}"
        with terminal.Progress() as progress:
            application = app.build(chosen, progress=progress, ready=lambda state: _welcome(state, base))
        config = uvicorn.Config(
            application,
            lifespan="off",  # entered here, so that a fault at start is one line and not a traceback
            log_level="warning",
            access_log=False,
            timeout_graceful_shutdown=GRACE,
            server_header=False,
            proxy_headers=False,
            h11_max_incomplete_event_size=64 * 1024,
        )
        logging.getLogger("uvicorn.error").addFilter(_no_words)
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(_run(application, _server(config, application), ear))


def _no_words(record: logging.LogRecord) -> bool:
    """uvicorn adds the whole traceback of a fault, whose last line may quote a visitor; `http.fault` has said where it was."""
    return record.exc_info is None


def _server(config: Any, application: Any) -> Any:
    import uvicorn

    class Server(uvicorn.Server):
        """Ends open streams first, so that a SIGTERM is not kept waiting by them; leaves by its own door, not by the signal's."""

        @contextlib.contextmanager
        def capture_signals(self) -> Iterator[None]:
            loop = asyncio.get_running_loop()
            for number in (signal.SIGTERM, signal.SIGINT):
                loop.add_signal_handler(number, self.handle_exit, number, None)
            try:
                yield
            finally:
                for number in (signal.SIGTERM, signal.SIGINT):
                    loop.remove_signal_handler(number)

        async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
            """A request may be on its way on a line that was taken, or is about to be: all of these are answered."""
            application.state.here.running = False  # from now on each answer closes its line
            for _ in range(3):
                await asyncio.sleep(0)  # takes whom the kernel has let in already: closing would throw them out
            for server in self.servers:
                server.close()
            await asyncio.sleep(LAST_WORDS)
            application.state.here.store.end_watches()
            await super().shutdown(sockets)

    return Server(config)


async def _run(application: Any, server: Any, ear: socket.socket) -> None:
    async with application.router.lifespan_context(application):
        await server.serve(sockets=[ear])


def _listen(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    ear = socket.socket(family, socket.SOCK_STREAM)
    ear.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        ear.bind((host, port))
    except OSError as error:
        ear.close()
        if error.errno == errno.EADDRINUSE:
            terminal.fail(f"port {port} is in use: choose another with --port, or stop what listens there")
        if error.errno == errno.EACCES:
            terminal.fail(f"port {port} needs more rights: choose one above 1023 with --port")
        terminal.fail(f"cannot listen at {host}:{port}: {error.strerror}")
    ear.listen(2048)
    ear.setblocking(False)
    return ear


async def _welcome(state: Any, base: str) -> None:
    """The three addresses and, until somebody has a password, how to sign in."""
    from bot import office

    print(f"\n  Chat     {base}/chat\n  Console  {base}/console\n  API      {base}/docs\n", flush=True)
    link = await office.first_link(state.store, state.clock())
    if link:
        print(f"  First run: set your password for the console at\n  {base}{link}\n", flush=True)
