"""The hedge facet of a quote: what was asked of the venue and what it filled, a fold of venue facts alone."""

from enum import StrEnum

import msgspec

from hedger.domain.events import Event
from hedger.domain.quote import events
from hedger.domain.terms import Leg, OrderType, Side


class OrderState(StrEnum):
    REQUESTED = "requested"  # in the log; the venue may or may not have it yet
    UNKNOWN = "unknown"  # sent, outcome not known
    WORKING = "working"
    REFUSED = "refused"
    ENDED = "ended"


class Trade(msgspec.Struct, frozen=True):
    """One fill: quantity and price (wads), and its id at the venue."""

    trade_id: str
    quantity: int
    price: int


class HedgeOrder(msgspec.Struct, kw_only=True):
    """One order at the venue, as far as it is known."""

    client_order_id: str
    leg: Leg
    symbol: str
    side: Side
    order_type: OrderType
    quantity: int
    limit_price: int
    reduce_only: bool
    close_id: int
    decision_price: int
    requested_at: int
    state: OrderState = OrderState.REQUESTED
    venue_order_id: str = ""
    cancel_requested: bool = False
    trades: list[Trade] = []
    fees: dict[str, int] = {}
    executed: int | None = None  # the venue's final figure, None until the order has ended
    end_status: str = ""
    refusal: str = ""
    internal: bool = False  # filled against the residual book of a netted symbol, never at the venue
    former: bool = False  # for another intent, which bore the quote's id before a reorganisation

    @property
    def filled(self) -> int:
        return sum(trade.quantity for trade in self.trades)

    @property
    def is_settled(self) -> bool:
        """True once nothing more can come of it: refused, or ended with every fill it reported at hand."""
        if self.state is OrderState.REFUSED:
            return True
        return self.state is OrderState.ENDED and self.executed is not None and self.filled >= self.executed


class Hedge(msgspec.Struct, kw_only=True):
    """Every order of one quote. Those of a former intent stand apart: only `unsettled` and `left_behind` tell them."""

    orders: dict[str, HedgeOrder] = {}

    @property
    def quantity(self) -> int:
        """What is held at the venue for this quote, in the position's direction."""
        return sum(order.filled if order.leg.grows else -order.filled for order in self._current())

    @property
    def internal_quantity(self) -> int:
        """What of `quantity` never went to the venue: the residual book of its symbol holds it, netted with others."""
        orders = (order for order in self._current() if order.internal)
        return sum(order.filled if order.leg.grows else -order.filled for order in orders)

    @property
    def left_behind(self) -> dict[str, int]:
        """What is held for former intents, by symbol, bought positive; without what is even."""
        held: dict[str, int] = {}
        for order in self.orders.values():
            if order.former and not order.internal:
                held[order.symbol] = held.get(order.symbol, 0) + (order.filled * (1 if order.side is Side.BUY else -1))
        return {symbol: quantity for symbol, quantity in held.items() if quantity}

    def leave_behind(self) -> None:
        """Everything asked for so far was for another intent."""
        for order in self.orders.values():
            order.former = True

    @property
    def unsettled(self) -> list[HedgeOrder]:
        return [order for order in self.orders.values() if not order.is_settled]

    def of_leg(self, *legs: Leg, close_id: int | None = None) -> list[HedgeOrder]:
        return [
            order for order in self._current() if order.leg in legs and (close_id is None or order.close_id == close_id)
        ]

    def asked(self, leg: Leg) -> int:
        """How many orders of a leg there ever were."""
        return sum(order.leg is leg for order in self.orders.values())

    def filled_of(self, *legs: Leg, close_id: int | None = None) -> int:
        return sum(order.filled for order in self.of_leg(*legs, close_id=close_id))

    def value_between(self, start: int, end: int, *legs: Leg, close_id: int | None = None) -> int:
        """Value (36 decimals) of the fills from the start-th to the end-th unit of quantity, first filled first."""
        value, seen = 0, 0
        for order in self.of_leg(*legs, close_id=close_id):
            for trade in order.trades:
                low, high = max(start, seen), min(end, seen + trade.quantity)
                value += max(0, high - low) * trade.price
                seen += trade.quantity
        return value

    def news(self, facts: list[Event]) -> list[Event]:
        """Those of the venue's facts that say something new about these orders, each once."""
        fresh: list[Event] = []
        told: set[str] = set()
        for fact in facts:
            if self._says_something_new(fact) and (key := _key_of(fact)) not in told:
                told.add(key)
                fresh.append(fact)
        return fresh

    def _says_something_new(self, fact: Event) -> bool:
        order = self.orders.get(getattr(fact, "client_order_id", ""))
        if order is None:
            return False
        match fact:
            case events.OrderFilled():
                return all(trade.trade_id != fact.trade_id for trade in order.trades)
            case events.OrderAccepted():
                return order.state in (OrderState.REQUESTED, OrderState.UNKNOWN)
            case events.OrderRefused():
                return order.state in (OrderState.REQUESTED, OrderState.UNKNOWN) and not order.trades
            case events.OrderOutcomeUnknown():
                return order.state is OrderState.REQUESTED
            case events.OrderEnded():
                return order.state not in (OrderState.ENDED, OrderState.REFUSED)
            case _:
                return False

    def apply(self, event: Event) -> None:
        if isinstance(event, events.OrderRequested):
            self.orders[event.client_order_id] = HedgeOrder(
                client_order_id=event.client_order_id,
                leg=event.leg,
                symbol=event.symbol,
                side=event.side,
                order_type=event.order_type,
                quantity=event.quantity,
                limit_price=event.limit_price,
                reduce_only=event.reduce_only,
                close_id=event.close_id,
                decision_price=event.decision_price,
                requested_at=event.requested_at,
                internal=event.internal,
                former=self._undoes_former(event),
            )
            return
        order = self.orders.get(getattr(event, "client_order_id", ""))
        if order is not None:
            _advance(order, event)

    def _current(self) -> list[HedgeOrder]:
        return [order for order in self.orders.values() if not order.former]

    def _undoes_former(self, event: events.OrderRequested) -> bool:
        """While more is left behind than an order trades, nothing else is unwound."""
        held = self.left_behind.get(event.symbol, 0)
        undoing = Side.SELL if held > 0 else Side.BUY
        return event.leg is Leg.UNWIND and event.side is undoing and event.quantity <= abs(held)


def _key_of(fact: Event) -> str:
    tag = type(fact).__name__
    return f"{tag}:{getattr(fact, 'client_order_id', '')}:{getattr(fact, 'trade_id', '')}"


def _advance(order: HedgeOrder, event: Event) -> None:
    match event:
        case events.OrderCancelRequested():
            order.cancel_requested = True
        case events.OrderAccepted():
            order.venue_order_id = event.venue_order_id
            if order.state in (OrderState.REQUESTED, OrderState.UNKNOWN):
                order.state = OrderState.WORKING
        case events.OrderRefused():
            order.state, order.refusal = OrderState.REFUSED, event.code
        case events.OrderOutcomeUnknown():
            if order.state is OrderState.REQUESTED:
                order.state = OrderState.UNKNOWN
        case events.OrderFilled():
            order.trades.append(Trade(event.trade_id, event.quantity, event.price))
            if event.fee_asset:
                order.fees[event.fee_asset] = order.fees.get(event.fee_asset, 0) + event.fee
        case events.OrderEnded():
            order.state, order.end_status = OrderState.ENDED, event.status
            order.executed, order.venue_order_id = event.executed_quantity, event.venue_order_id
        case _:
            pass
