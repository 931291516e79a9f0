"""What is counted, for Prometheus: never a person, a text or an id."""

from __future__ import annotations

from functools import cache

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

from bot.model import Kind, Turn


class Metrics:
    """One registry a server, so that tests can run many."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.turns = Counter("handrail_turns_total", "Visitor messages taken", ["reply"], registry=self.registry)
        self.verdicts = Counter(
            "handrail_verdicts_total", "Verdicts by urgency and reason", ["urgency", "reason"], registry=self.registry
        )
        self.referrals = Counter(
            "handrail_crisis_referrals_total", "Replies that showed crisis lines", registry=self.registry
        )
        self.callers = Counter(
            "handrail_caller_flags_total",
            "Flags in /v1/answers, left to the caller",
            ["urgency"],
            registry=self.registry,
        )
        self.faults = Counter(
            "handrail_turn_faults_total", "Visits that broke and went to a person", registry=self.registry
        )
        self.shed = Counter(
            "handrail_turns_shed_total", "Plain turns asked to come again under load", registry=self.registry
        )
        self.under_way = Gauge("handrail_turns_under_way", "Turns under way now", registry=self.registry)
        self.thinkers = Gauge(
            "handrail_thinkers", "Processes that think beside the server, now and ended untold", ["state"], registry=self.registry
        )
        self.seconds = Histogram(
            "handrail_turn_seconds",
            "One turn, from the request to the commit",
            buckets=(0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5),
            registry=self.registry,
        )
        self._of_reply, self._of_verdict = cache(self.turns.labels), cache(self.verdicts.labels)  # few, and asked for at each turn
        self.streams = Gauge("handrail_streams", "Visitors' event streams that are open", registry=self.registry)
        self.store = Gauge(
            "handrail_store", "Queue, promises and outbox, from the store", ["figure"], registry=self.registry
        )

    def count(self, turn: Turn, seconds: float) -> None:
        kinds = [d.kind for d in (*turn.replies, *turn.system)]
        self._of_reply(kinds[0].value if kinds else "silent").inc()
        self._of_verdict(str(int(turn.verdict.urgency)), turn.verdict.reason.value).inc()
        if Kind.CRISIS in kinds or Kind.SUPPORT in kinds:
            self.referrals.inc()
        if turn.verdict.reason.value == "fault":
            self.faults.inc()
        self.seconds.observe(seconds)

    def page(self, figures: dict[str, float]) -> bytes:
        for name, value in figures.items():
            self.store.labels(name).set(value)
        return generate_latest(self.registry)
