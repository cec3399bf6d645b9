"""The trading state: ACTIVE, REDUCING or HALTED, in all, per symbol and per venue; changed by commands only."""

from uuid import UUID

from hedger.domain.aggregate import Aggregate
from hedger.domain.events import Event, derived_id
from hedger.domain.terms import TradingState

EVERYTHING = "*"
_ORDER = (TradingState.ACTIVE, TradingState.REDUCING, TradingState.HALTED)


class TradingStateChanged(Event, frozen=True, kw_only=True, tag="TradingStateChanged.1"):
    """`scope` is "*", a symbol, or "venue:" and a venue's name."""

    scope: str
    state: TradingState
    reason: str
    by: str


class Trading(Aggregate, kw_only=True):
    """The trading state of one hedger."""

    states: dict[str, TradingState] = {}

    @staticmethod
    def create_id(chain_id: int, diamond: str, party_b: str) -> UUID:
        return derived_id("chains", chain_id, diamond, "trading", party_b)

    def of(self, *scopes: str) -> TradingState:
        """The strictest state among everything and the scopes given."""
        states = (self.states.get(scope, TradingState.ACTIVE) for scope in (EVERYTHING, *scopes))
        return max(states, key=_ORDER.index)

    def apply(self, event: Event) -> None:
        if isinstance(event, TradingStateChanged):
            self.states[event.scope] = event.state
