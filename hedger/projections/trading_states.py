"""The read model of trading states: ACTIVE, REDUCING or HALTED of each scope, with who changed it last and why."""

from collections.abc import Sequence
from typing import Any

import msgspec

from hedger.domain.events import Recorded
from hedger.domain.trading import TradingStateChanged
from hedger.projections.model import Need
from hedger.projections.tables import Sheet, plain


class TradingStateRow(msgspec.Struct, frozen=True, kw_only=True):
    """The newest change of one scope: "*", a symbol, or "venue:" and a venue's name."""

    scope: str
    state: str
    reason: str
    by: str
    position: int
    recorded_at_ms: int


TRADING_STATES = plain("trading_states", TradingStateRow, ("scope",))


class TradingStates:
    """The read model `trading_states`."""

    name = "trading_states"
    revision = 1
    views = ""

    def __init__(self) -> None:
        self.states = Sheet(TRADING_STATES)

    @property
    def sheets(self) -> tuple[Sheet[Any], ...]:
        return (self.states,)

    def needs(self, batch: Sequence[Recorded]) -> list[Need]:
        return []

    def apply(self, recorded: Recorded) -> None:
        event = recorded.event
        if not isinstance(event, TradingStateChanged):
            return
        row = TradingStateRow(
            scope=event.scope,
            state=event.state.value,
            reason=event.reason,
            by=event.by,
            position=recorded.position,
            recorded_at_ms=recorded.recorded_at_ms,
        )
        self.states.put(row, row.scope)
