"""SIGTERM: whoever had reached the server when it came is answered, and told to knock elsewhere next time."""

from __future__ import annotations

import json
import signal
import socket
import time
from typing import Any

from cast import Server, Visitor


def test_a_request_that_was_on_its_way_is_answered(make_server: Any) -> None:
    one: Server = make_server()
    visitor = Visitor(one.url)
    body = json.dumps({"text": "hello", "client_id": "last"}).encode()
    head = f"POST {visitor.path}/messages HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {visitor.token}\r\n"
    head += f"content-type: application/json\r\ncontent-length: {len(body)}\r\n\r\n"
    silent, half = (socket.create_connection(("127.0.0.1", one.port), timeout=20) for _ in range(2))
    half.sendall(head.encode()[:60])
    time.sleep(0.2)
    assert one.process
    one.process.send_signal(signal.SIGTERM)
    late = socket.create_connection(("127.0.0.1", one.port), timeout=20)  # the kernel lets it in before the server has looked
    late.sendall(b"GET /healthz HTTP/1.1\r\nhost: x\r\n\r\n")
    time.sleep(0.05)
    silent.sendall(b"GET /healthz HTTP/1.1\r\nhost: x\r\n\r\n")
    half.sendall(head.encode()[60:] + body)
    for line, status in ((half, b" 201 "), (silent, b" 200 "), (late, b" 200 ")):
        said = b""
        while piece := line.recv(65536):
            said += piece
        assert status in said[:20], said[:200]
        line.close()
    assert one.process.wait(20) == 0
    one.start()
    assert [m.get("client_id") for m in visitor.messages() if m["author"] == "visitor"] == ["last"]
