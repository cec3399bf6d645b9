"""What the venue account holds that is no hedge of ours: trades made by hand, and what was taken for foreign."""

from hedger.domain.events import Event
from hedger.domain.terms import Side


class ForeignTradeFound(Event, frozen=True, kw_only=True, tag="ForeignTradeFound.1"):
    """A trade on the account of an order that is none of the hedger's, unless `repair_id` names a repair that made it.

    `trade_id` is as in OrderFilled: the symbol and the venue's number. `fee` is positive when paid, in `fee_asset`.
    """

    venue: str
    trade_id: str
    venue_order_id: str
    symbol: str
    side: Side
    quantity: int
    price: int
    fee: int
    fee_asset: str
    traded_at_ms: int  # the venue's clock
    repair_id: str = ""

    @property
    def fact_id(self) -> str:
        return f"foreign:{self.venue}:{self.trade_id}"

    @property
    def signed(self) -> int:
        """The quantity, bought positive."""
        return self.quantity if self.side is Side.BUY else -self.quantity


class ForeignTradeDisowned(Event, frozen=True, kw_only=True, tag="ForeignTradeDisowned.1"):
    """A trade that was taken for foreign is a hedge's after all: it no longer counts here. `quantity` is signed."""

    trade_id: str
    symbol: str
    quantity: int


class ForeignPositionAccepted(Event, frozen=True, kw_only=True, tag="ForeignPositionAccepted.1"):
    """A part of the venue's position that no trade explains is taken for foreign by a person. `quantity` is signed."""

    symbol: str
    quantity: int
    repair_id: str
    by: str


class TradesAgreed(Event, frozen=True, kw_only=True, tag="TradesAgreed.1"):
    """Every trade the venue tells of a symbol up to a time of its clock is recorded, as a hedge's or as foreign."""

    venue: str
    symbol: str
    upto_ms: int
