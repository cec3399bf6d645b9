"""The trading state: ACTIVE, REDUCING or HALTED, in all, per symbol and per venue.

Persons change it by commands. The position validator moves a symbol to REDUCING while something about it is not
explained, and takes back what it set itself and nothing else: who said the last word on a scope is kept with it.
"""

from uuid import UUID

from hedger.domain.aggregate import Aggregate
from hedger.domain.events import Event, derived_id
from hedger.domain.terms import TradingState

EVERYTHING = "*"
VALIDATOR = "validator"
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
    by: dict[str, str] = {}  # scope to who changed it last

    @staticmethod
    def create_id(chain_id: int, diamond: str, party_b: str) -> UUID:
        return derived_id("chains", chain_id, diamond, "trading", party_b)

    def of(self, *scopes: str) -> TradingState:
        """The strictest state among everything and the scopes given."""
        states = (self.states.get(scope, TradingState.ACTIVE) for scope in (EVERYTHING, *scopes))
        return max(states, key=_ORDER.index)

    def restrict(self, symbol: str, reason: str) -> list[TradingStateChanged]:
        """The validator's word that a symbol may only be reduced; nothing where it is as strict already."""
        if self.states.get(symbol, TradingState.ACTIVE) is not TradingState.ACTIVE:
            return []
        return [TradingStateChanged(scope=symbol, state=TradingState.REDUCING, reason=reason, by=VALIDATOR)]

    def release(self, symbol: str, reason: str) -> list[TradingStateChanged]:
        """The validator takes its own word back; what a person said last of the symbol stands."""
        if self.states.get(symbol) is not TradingState.REDUCING or self.by.get(symbol) != VALIDATOR:
            return []
        return [TradingStateChanged(scope=symbol, state=TradingState.ACTIVE, reason=reason, by=VALIDATOR)]

    def apply(self, event: Event) -> None:
        if isinstance(event, TradingStateChanged):
            self.states[event.scope], self.by[event.scope] = event.state, event.by
