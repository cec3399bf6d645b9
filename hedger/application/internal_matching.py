"""Orders that never go to the venue: quotes of a netted symbol are filled against the symbol's residual book.

The price is the venue's own, so that the user pays and gets what the venue would give. What the fills of all quotes add
up to is hedged by the residual book. Asked twice, the same order gives the same facts.
"""

from hedger.application.inputs import Board
from hedger.domain.events import Event
from hedger.domain.quote import events
from hedger.domain.quote.hedge import HedgeOrder
from hedger.domain.terms import OrderType, Side

INTERNAL = "internal"


class InternalMatching:
    """Fills internal orders at the prices of the board, in the venue's time."""

    def __init__(self, board: Board) -> None:
        self._board = board

    def take(self, order: HedgeOrder) -> list[Event]:
        """The facts of an order that was just asked for: at market filled at its decision price, else it may rest."""
        if order.order_type is OrderType.LIMIT:
            return [self._accepted(order), *self.look(order)]
        if not order.decision_price:
            reason = "no price was known that is young enough"
            return [events.OrderRefused(client_order_id=order.client_order_id, code="price_unknown", reason=reason)]
        return [self._accepted(order), *self._filled(order, order.decision_price)]

    def look(self, order: HedgeOrder) -> list[Event]:
        """The facts of a resting order: filled whole, at the market's price, once that is within its limit."""
        market = self._board.market_view(order.symbol)
        if market is None:
            return []
        price = market.ask if order.side is Side.BUY else market.bid
        reached = price <= order.limit_price if order.side is Side.BUY else price >= order.limit_price
        return self._filled(order, price) if price and reached else []

    def cancel(self, order: HedgeOrder) -> list[Event]:
        """The end of a resting order; nothing of it can be filled any more."""
        return [self._ended(order, "canceled", order.filled)]

    def _accepted(self, order: HedgeOrder) -> Event:
        return events.OrderAccepted(
            client_order_id=order.client_order_id, venue_order_id=INTERNAL, at_ms=self._board.venue_time_ms()
        )

    def _filled(self, order: HedgeOrder, price: int) -> list[Event]:
        fill = events.OrderFilled(
            venue=INTERNAL,
            trade_id=order.client_order_id,
            client_order_id=order.client_order_id,
            quantity=order.quantity,
            price=price,
            fee=0,
            fee_asset="",
            traded_at_ms=self._board.venue_time_ms(),
        )
        return [fill, self._ended(order, "filled", order.quantity)]

    def _ended(self, order: HedgeOrder, status: str, executed: int) -> Event:
        return events.OrderEnded(
            client_order_id=order.client_order_id,
            venue_order_id=INTERNAL,
            status=status,
            executed_quantity=executed,
            at_ms=self._board.venue_time_ms(),
        )
