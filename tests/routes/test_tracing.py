"""Traces reach a collector, and hold patterns and statuses alone."""

from __future__ import annotations

import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import httpx
from cast import Visitor
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest


def test_spans_have_the_routes_pattern_and_nothing_of_a_person(make_server: Any) -> None:
    got: list[bytes] = []

    class Collector(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            got.append(self.rfile.read(int(self.headers["content-length"])))
            self.send_response(200)
            self.end_headers()

        def log_message(self, *args: object) -> None:
            pass

    ear = ThreadingHTTPServer(("127.0.0.1", 0), Collector)
    threading.Thread(target=ear.serve_forever, daemon=True).start()
    one = make_server(
        HANDRAIL_TRACES_URL=f"http://127.0.0.1:{ear.server_port}/v1/traces", OTEL_BSP_SCHEDULE_DELAY="200",
        OTEL_EXPORTER_OTLP_COMPRESSION="none",
    )  # fmt: skip
    visitor = Visitor(one.url)
    visitor.say("my name is Zebulon")
    assert httpx.get(one.url + "/nowhere/Zebulon", headers={"traceparent": f"00-{'ab' * 16}-{'cd' * 8}-01"}).status_code == 404
    names: set[str] = set()
    until = time.monotonic() + 20
    while "GET unmatched" not in names and time.monotonic() < until:
        time.sleep(0.05)
        names = {s.name for raw in got for r in ExportTraceServiceRequest.FromString(raw).resource_spans for c in r.scope_spans for s in c.spans}
    ear.shutdown()
    assert {"POST /v1/conversations/{id}/messages", "GET unmatched"} <= names
    everything = b"".join(got)
    for secret in (visitor.id, visitor.token, "Zebulon", "127.0.0.1"):
        assert secret.encode() not in everything
    assert bytes.fromhex("ab" * 16) not in everything
