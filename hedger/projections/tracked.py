"""A quote as the read models follow it: the domain's own aggregate, and where in the log it stands."""

import msgspec

from hedger.domain.chain_facts import QuoteFact
from hedger.domain.events import Recorded
from hedger.domain.quote.quote import Quote
from hedger.domain.terms import OrderType, PositionType, Side


class Tracked(msgspec.Struct, kw_only=True):
    """One quote. Party, symbol, side and kind are the last known ones: a reorganisation may take the quote itself off
    the chain while its hedge is still held."""

    quote: Quote
    first_position: int
    first_ms: int
    last_position: int = 0
    last_ms: int = 0
    party_a: str = ""
    symbol_id: int = 0
    position_type: PositionType = PositionType.LONG
    order_type: OrderType = OrderType.LIMIT

    @classmethod
    def starting_with(cls, recorded: Recorded, fact: QuoteFact) -> "Tracked":
        # The log is of one contract, whose address no fact repeats; the aggregate's id is told, not derived.
        quote = Quote(id=recorded.aggregate_id, chain_id=fact.source.chain_id, diamond="", quote_id=fact.quote_id)
        return cls(quote=quote, first_position=recorded.position, first_ms=recorded.recorded_at_ms)

    def take(self, recorded: Recorded) -> None:
        """Move on by one recorded event of this quote."""
        self.quote.advance([recorded.event])
        self.last_position, self.last_ms = recorded.position, recorded.recorded_at_ms
        facet = self.quote.chain
        if facet is not None:
            self.party_a = facet.party_a
            self.symbol_id = facet.symbol_id
            self.position_type = facet.position_type
            self.order_type = facet.order_type

    @property
    def hedged(self) -> int:
        """Signed quantity held at the venue for this quote, bought positive (wad)."""
        orders = self.quote.hedge.orders.values()
        return sum(order.filled if order.side is Side.BUY else -order.filled for order in orders if not order.internal)

    def is_ours(self, party_b: str) -> bool:
        return self.quote.chain is not None and self.quote.chain.party_b == party_b

    def owes(self, party_b: str) -> bool:
        """False once nothing can be due on it any more."""
        return self.is_ours(party_b) and self.quote.chain is not None and not self.quote.chain.status.is_terminal

    def required(self, party_b: str) -> int:
        """Signed open quantity on chain that is ours to hedge, long positive (wad)."""
        if self.quote.chain is None or not self.is_ours(party_b):
            return 0
        quantity = self.quote.chain.open_quantity
        return quantity if self.position_type is PositionType.LONG else -quantity
