"""The residual book of one symbol: what quotes leave unhedged, netted, and the orders that hedge it.

Lot sizes, minimum notionals and over-fills leave parts of a hedge that no order of the quote itself can trade. Symbols
that are hedged netted leave everything to this book. What it holds is a fold of its own orders alone.
"""

from uuid import UUID

import msgspec

from hedger.domain.aggregate import Aggregate
from hedger.domain.events import Event, derived_id
from hedger.domain.policies.residual_inputs import ResidualInputs
from hedger.domain.quote.hedge import Hedge, HedgeOrder
from hedger.domain.terms import Side


class ResidualDecided(Event, frozen=True, kw_only=True, tag="ResidualDecided.1"):
    """Why the order recorded behind this event was asked for, or cancelled: the rule, and what it saw."""

    policy: str
    rule: str
    inputs: ResidualInputs


class ResidualBook(Aggregate, kw_only=True):
    """What one hedger holds in one symbol besides the hedges of its quotes."""

    symbol_id: int
    hedge: Hedge = msgspec.field(default_factory=Hedge)

    @staticmethod
    def create_id(chain_id: int, diamond: str, party_b: str, symbol_id: int) -> UUID:
        return derived_id("chains", chain_id, diamond, "residuals", party_b, symbol_id)

    @classmethod
    def new(cls, chain_id: int, diamond: str, party_b: str, symbol_id: int) -> "ResidualBook":
        return cls(id=cls.create_id(chain_id, diamond, party_b, symbol_id), symbol_id=symbol_id)

    @property
    def held(self) -> int:
        """Signed quantity held at the venue, bought positive (wad)."""
        orders = self.hedge.orders.values()
        return sum(order.filled if order.side is Side.BUY else -order.filled for order in orders)

    @property
    def unsettled(self) -> list[HedgeOrder]:
        return self.hedge.unsettled

    def order_facts(self, facts: list[Event]) -> list[Event]:
        """Those of the venue's facts that say something new about these orders."""
        return self.hedge.news(facts)

    def apply(self, event: Event) -> None:
        self.hedge.apply(event)
