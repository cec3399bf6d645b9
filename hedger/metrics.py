"""Counters and gauges for Prometheus."""

from collections.abc import Mapping

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
        self._open_alerts = Gauge("hedger_open_alerts", "Alerts that are open, by level", ["level"], registry=registry)

    def set_open_alerts(self, by_level: Mapping[str, int]) -> None:
        """Tell how many alerts of each level are open now."""
        for level, count in by_level.items():
            self._open_alerts.labels(level=level).set(count)

    def count(self, name: str, **labels: str) -> None:
        """Count one of a name; the labels' values are joined into one."""
        self._events.labels(name=name, label=":".join(labels.values())).inc()
