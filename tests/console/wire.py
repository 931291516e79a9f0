"""A wire between the browser and the server, to be cut, made deaf and mended: TCP that falls silent, as it does."""

from __future__ import annotations

import contextlib
import socket
import threading


class Wire:
    """Listens on a port of its own and passes on to the server's."""

    def __init__(self, port: int) -> None:
        self._port, self._out, self._back = port, True, True
        self._moved = threading.Condition()
        self._open: list[socket.socket] = []
        self._ear = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://localhost:{self._ear.getsockname()[1]}"
        threading.Thread(target=self._listen, daemon=True).start()

    def cut(self, drop: bool = False) -> None:
        """Nothing passes any more, and nobody is told; with `drop` the connections break."""
        self._set(False, False)
        if drop:
            for end in self._open:
                with contextlib.suppress(OSError):
                    end.shutdown(socket.SHUT_RDWR)
            self._open.clear()

    def deaf(self) -> None:
        """What the browser sends arrives; what the server says does not."""
        self._set(True, False)

    def mend(self) -> None:
        self._set(True, True)

    def close(self) -> None:
        self._ear.close()
        self.cut(drop=True)
        self.mend()

    def _set(self, out: bool, back: bool) -> None:
        with self._moved:
            self._out, self._back = out, back
            self._moved.notify_all()

    def _listen(self) -> None:
        while True:
            try:
                near, _ = self._ear.accept()
            except OSError:
                return
            far = socket.create_connection(("127.0.0.1", self._port))
            self._open += [near, far]
            threading.Thread(target=self._carry, args=(near, far, "_out"), daemon=True).start()
            threading.Thread(target=self._carry, args=(far, near, "_back"), daemon=True).start()

    def _carry(self, source: socket.socket, target: socket.socket, way: str) -> None:
        with contextlib.suppress(OSError):
            while piece := source.recv(65536):
                with self._moved:
                    self._moved.wait_for(lambda: getattr(self, way))
                target.sendall(piece)
        for end in (source, target):
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
