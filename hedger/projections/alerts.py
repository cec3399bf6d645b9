"""The read model of alerts: each from its breach to its recovery, and what came of telling targets."""

from collections.abc import Sequence
from typing import Any

import msgspec

from hedger.domain.alerts.events import AlertCleared, AlertDelivered, AlertDeliveryFailed, AlertRaised
from hedger.domain.events import Recorded
from hedger.projections.model import Need
from hedger.projections.tables import Sheet, plain


class AlertRow(msgspec.Struct, frozen=True, kw_only=True):
    """One alert; value and threshold are decimal text in `unit`, as of the breach. Times are the watcher's clock."""

    raised_position: int
    watch: str
    subject: str
    level: str
    value: str
    threshold: str
    unit: str
    text: str
    raised_at_ms: int
    is_open: bool
    cleared_position: int | None
    cleared_at_ms: int | None
    cleared_text: str


class AlertDeliveryRow(msgspec.Struct, frozen=True, kw_only=True):
    """One message to one target: how many notices it held, and why it was not taken (empty where it was)."""

    position: int
    recorded_at_ms: int
    target: str
    is_delivered: bool
    notices: int
    reason: str


ALERTS = plain("alerts", AlertRow, ("raised_position",), indexes=("(watch, subject) WHERE is_open",))
DELIVERIES = plain("alert_deliveries", AlertDeliveryRow, ("position",))


class AlertBook:
    """The read model `alerts`."""

    name = "alerts"
    revision = 1
    views = ""

    def __init__(self) -> None:
        self.alerts = Sheet(ALERTS)
        self.deliveries = Sheet(DELIVERIES)

    @property
    def sheets(self) -> tuple[Sheet[Any], ...]:
        return (self.alerts, self.deliveries)

    def needs(self, batch: Sequence[Recorded]) -> list[Need]:
        told = any(isinstance(recorded.event, AlertRaised | AlertCleared) for recorded in batch)
        return [Need(self.alerts, "is_open")] if told else []

    def apply(self, recorded: Recorded) -> None:
        match recorded.event:
            case AlertRaised() as raised:
                self._raised(raised, recorded.position)
            case AlertCleared() as cleared:
                self._cleared(cleared, recorded.position)
            case AlertDelivered(target=target, notice_numbers=numbers):
                self._told(recorded, target, len(numbers), is_delivered=True, reason="")
            case AlertDeliveryFailed(target=target, notice_numbers=numbers, reason=reason):
                self._told(recorded, target, len(numbers), is_delivered=False, reason=reason)
            case _:
                pass

    def _raised(self, raised: AlertRaised, position: int) -> None:
        row = AlertRow(
            raised_position=position,
            watch=raised.watch,
            subject=raised.subject,
            level=raised.level.value,
            value=raised.value,
            threshold=raised.limit,
            unit=raised.unit,
            text=raised.text,
            raised_at_ms=raised.observed_at_ms,
            is_open=True,
            cleared_position=None,
            cleared_at_ms=None,
            cleared_text="",
        )
        self.alerts.put(row, row.raised_position)

    def _cleared(self, cleared: AlertCleared, position: int) -> None:
        for row in list(self.alerts.cells.values()):
            if row.is_open and (row.watch, row.subject) == (cleared.watch, cleared.subject):
                closed = msgspec.structs.replace(
                    row,
                    is_open=False,
                    cleared_position=position,
                    cleared_at_ms=cleared.observed_at_ms,
                    cleared_text=cleared.text,
                )
                self.alerts.put(closed, closed.raised_position)

    def _told(self, recorded: Recorded, target: str, notices: int, *, is_delivered: bool, reason: str) -> None:
        row = AlertDeliveryRow(
            position=recorded.position,
            recorded_at_ms=recorded.recorded_at_ms,
            target=target,
            is_delivered=is_delivered,
            notices=notices,
            reason=reason,
        )
        self.deliveries.put(row, row.position)
