"""Traces for whoever has a collector: one span a request, by the route's pattern; no id, no address, no word of anybody's."""

from __future__ import annotations

from typing import Any

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from bot import __version__
from bot.settings import Settings, SettingsFault


def tracer(settings: Settings) -> Any:
    """A tracer that sends to `HANDRAIL_TRACES_URL`; None when it is not set. SettingsFault when the extra is missing."""
    if not settings.traces_url:
        return None
    try:
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
        from opentelemetry.sdk.resources import Resource
        from opentelemetry.sdk.trace import TracerProvider
        from opentelemetry.sdk.trace.export import BatchSpanProcessor
    except ImportError:
        raise SettingsFault(
            "HANDRAIL_TRACES_URL needs the extra telemetry: pip install 'handrail[telemetry]'"
        ) from None
    provider = TracerProvider(resource=Resource.create({"service.name": "handrail", "service.version": __version__}))
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter(endpoint=settings.traces_url)))
    return provider.get_tracer("handrail")


class Traced:
    """Outermost ASGI layer. The caller's own trace id is not taken over: a visitor's browser could be told apart by it."""

    def __init__(self, app: ASGIApp, tracer: Any) -> None:
        self.app, self.tracer = app, tracer

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        with self.tracer.start_as_current_span(scope["method"]) as span:

            async def answer(message: Message) -> None:
                if message["type"] == "http.response.start":
                    span.set_attribute("http.response.status_code", message["status"])
                await send(message)

            try:
                await self.app(scope, receive, answer)
            finally:
                pattern = getattr(scope.get("route"), "path", "unmatched")
                span.update_name(f"{scope['method']} {pattern}")
                span.set_attribute("http.request.method", scope["method"])
                span.set_attribute("http.route", pattern)
