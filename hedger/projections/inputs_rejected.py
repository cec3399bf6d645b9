"""The read model of rejected inputs: what came from outside and could not be read, raw."""

from collections.abc import Sequence
from typing import Any

import msgspec

from hedger.domain.events import Recorded
from hedger.domain.feed import InputRejected
from hedger.projections.model import Need
from hedger.projections.tables import Sheet, plain


class RejectedInputRow(msgspec.Struct, frozen=True, kw_only=True):
    """One input: where it came from, which field was wrong and why."""

    position: int
    recorded_at_ms: int
    origin: str
    field: str
    reason: str
    raw: str


INPUTS_REJECTED = plain("inputs_rejected", RejectedInputRow, ("position",))


class RejectedInputs:
    """The read model `inputs_rejected`."""

    name = "inputs_rejected"
    revision = 1
    views = ""

    def __init__(self) -> None:
        self.rejected = Sheet(INPUTS_REJECTED)

    @property
    def sheets(self) -> tuple[Sheet[Any], ...]:
        return (self.rejected,)

    def needs(self, batch: Sequence[Recorded]) -> list[Need]:
        return []

    def apply(self, recorded: Recorded) -> None:
        event = recorded.event
        if not isinstance(event, InputRejected):
            return
        row = RejectedInputRow(
            position=recorded.position,
            recorded_at_ms=recorded.recorded_at_ms,
            origin=event.origin,
            field=event.field,
            reason=event.reason,
            raw=event.raw,
        )
        self.rejected.put(row, row.position)
