"""From levels to breaches and recoveries: each is told once, whoever restarts in between."""

from collections.abc import Iterator, Mapping
from decimal import Decimal

import msgspec

from hedger.domain.alerts.alerts import Alerts, OpenAlert, key_of
from hedger.domain.alerts.events import AlertCleared, AlertRaised
from hedger.domain.alerts.watch import Look, Reading, Watch, lasting, plain
from hedger.domain.events import Event


class Judged(msgspec.Struct, frozen=True, kw_only=True):
    """What changed, and since when (ms, by alert key) those breaches last that are not old enough to be told."""

    events: tuple[Event, ...]
    suspected: dict[str, int]


def judge(
    watches: Mapping[str, Watch],
    looks: Mapping[str, Look | None],
    alerts: Alerts,
    suspected: Mapping[str, int],
    now_ms: int,
) -> Judged:
    """Compare one look at every watch with what is open. What is not known neither raises nor clears."""
    judging = _Judging(alerts, suspected, now_ms)
    for name, watch in watches.items():
        judging.take(watch, looks.get(name))
    unwatched = [alert for alert in alerts.open.values() if alert.watch not in watches]
    return Judged(
        events=(*judging.events, *(_forgotten(alert, now_ms) for alert in unwatched)), suspected=judging.suspected
    )


class _Judging:
    """One pass over the watches."""

    def __init__(self, alerts: Alerts, suspected: Mapping[str, int], now_ms: int) -> None:
        self._alerts, self._before, self._now_ms = alerts, suspected, now_ms
        self.events: list[Event] = []
        self.suspected: dict[str, int] = {}

    def take(self, watch: Watch, look: Look | None) -> None:
        if look is None:
            self.suspected.update(self._suspected_of(watch))
            return
        for subject, reading in look.items():
            self._take(watch, subject, reading)
        for subject, alert in self._alerts.of_watch(watch.name).items():
            if subject not in look:
                self.events.append(self._cleared(watch, alert, None))

    def _take(self, watch: Watch, subject: str, reading: Reading) -> None:
        key = key_of(watch.name, subject)
        known = self._alerts.open.get(key)
        if reading.value is None:
            if key in self._before:
                self.suspected[key] = self._before[key]
        elif known is not None:
            if watch.is_clear(reading.value):
                self.events.append(self._cleared(watch, known, reading.value))
        elif watch.is_breached(reading.value):
            since = self._before.get(key, self._now_ms)
            if self._now_ms - since >= watch.hold_s * 1000:
                self.events.append(self._raised(watch, subject, reading, reading.value))
            else:
                self.suspected[key] = since

    def _suspected_of(self, watch: Watch) -> Iterator[tuple[str, int]]:
        prefix = key_of(watch.name, "")
        return ((key, since) for key, since in self._before.items() if key.startswith(prefix))

    def _raised(self, watch: Watch, subject: str, reading: Reading, value: Decimal) -> AlertRaised:
        return AlertRaised(
            watch=watch.name,
            subject=subject,
            level=watch.level,
            value=plain(value),
            limit=plain(watch.limit),
            unit=watch.unit,
            text=watch.raised_text(subject, reading),
            observed_at_ms=self._now_ms,
        )

    def _cleared(self, watch: Watch, alert: OpenAlert, value: Decimal | None) -> AlertCleared:
        return AlertCleared(
            watch=alert.watch,
            subject=alert.subject,
            level=alert.level,
            value=plain(value) if value is not None else "",
            text=watch.cleared_text(alert, value, self._now_ms),
            observed_at_ms=self._now_ms,
        )


def _forgotten(alert: OpenAlert, now_ms: int) -> AlertCleared:
    """An open alert of something that is not watched any more: nobody would ever clear it."""
    return AlertCleared(
        watch=alert.watch,
        subject=alert.subject,
        level=alert.level,
        value="",
        text=f"{alert.subject}: {alert.watch} is no longer watched, after {lasting(now_ms - alert.raised_at_ms)}",
        observed_at_ms=now_ms,
    )
