"""Counters and gauges for Prometheus."""

from prometheus_client import CollectorRegistry, Counter, Gauge


class Metrics:
    """The hedger's figures, in a registry of their own."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.registry = registry
        self._events = Counter(
            "hedger_events", "What happened, by name and label", ["name", "label"], registry=registry
        )
        self.log_head = Gauge("hedger_log_head", "Position of the newest event", registry=registry)
        self.projection_lag = Gauge(
            "hedger_projection_lag_events", "Events behind the head of the log", ["projection"], registry=registry
        )
        self.live_quotes = Gauge("hedger_live_quotes", "Quotes that may need something", registry=registry)
        self.head_age_s = Gauge("hedger_chain_head_age_seconds", "Since the last block was read", registry=registry)

    def count(self, name: str, **labels: str) -> None:
        """Count one of a name; the labels' values are joined into one."""
        self._events.labels(name=name, label=":".join(labels.values())).inc()
