"""The read models of orders at the venue and of their fills: what was asked, what came of it."""

import msgspec

from hedger.domain.events import Event, Recorded
from hedger.domain.money import to_text
from hedger.domain.quote import events
from hedger.domain.quote.hedge import Hedge, HedgeOrder
from hedger.projections.tables import Sheet, Wad, plain


class OrderRow(msgspec.Struct, frozen=True, kw_only=True):
    """One order. `average_price` is rounded down; `fees` by asset as decimal text; `limit_price` 0 for MARKET;
    `executed` null until the venue's final word; `decision_price` is the market when it was decided. `quote_id` is 0
    for an order of a residual book; `internal` ones never went to the venue."""

    client_order_id: str
    quote_id: int
    leg: str
    symbol: str
    side: str
    order_type: int
    quantity: Wad
    limit_price: Wad
    reduce_only: bool
    internal: bool
    close_id: int
    decision_price: Wad
    requested_at: int
    state: str
    is_settled: bool
    venue_order_id: str
    cancel_requested: bool
    filled: Wad
    average_price: Wad
    fees: dict[str, str]
    executed: Wad | None
    end_status: str
    refusal: str
    refusal_reason: str
    accepted_at_ms: int | None
    ended_at_ms: int | None
    first_position: int
    last_position: int


class FillRow(msgspec.Struct, frozen=True, kw_only=True):
    """One trade of an order, known by venue and trade id."""

    venue: str
    trade_id: str
    client_order_id: str
    quote_id: int
    symbol: str
    side: str
    leg: str
    quantity: Wad
    price: Wad
    fee: Wad
    fee_asset: str
    traded_at_ms: int
    position: int


ORDERS = plain("orders", OrderRow, ("client_order_id",), indexes=("(first_position)", "(quote_id, first_position)"))
FILLS = plain("fills", FillRow, ("venue", "trade_id"), indexes=("(position)", "(quote_id, position)"))


def note(orders: Sheet[OrderRow], fills: Sheet[FillRow], hedge: Hedge, quote_id: int, recorded: Recorded) -> None:
    """Write the order that the event speaks of, and the fill where it tells one. A residual book's have quote id 0."""
    event = recorded.event
    order = hedge.orders.get(getattr(event, "client_order_id", ""))
    if order is None:
        return
    known = orders.get(order.client_order_id)
    orders.put(_row(order, quote_id, recorded, known), order.client_order_id)
    if isinstance(event, events.OrderFilled):
        fills.put(_fill(order, event, quote_id, recorded), event.venue, event.trade_id)


def _row(order: HedgeOrder, quote_id: int, recorded: Recorded, known: OrderRow | None) -> OrderRow:
    event, filled = recorded.event, order.filled
    return OrderRow(
        client_order_id=order.client_order_id,
        quote_id=quote_id,
        leg=order.leg.name.lower(),
        symbol=order.symbol,
        side=order.side.value,
        order_type=int(order.order_type),
        quantity=order.quantity,
        limit_price=order.limit_price,
        reduce_only=order.reduce_only,
        internal=order.internal,
        close_id=order.close_id,
        decision_price=order.decision_price,
        requested_at=order.requested_at,
        state=order.state.value,
        is_settled=order.is_settled,
        venue_order_id=order.venue_order_id,
        cancel_requested=order.cancel_requested,
        filled=filled,
        average_price=sum(trade.quantity * trade.price for trade in order.trades) // filled if filled else 0,
        fees={asset: to_text(fee) for asset, fee in sorted(order.fees.items())},
        executed=order.executed,
        end_status=order.end_status,
        refusal=order.refusal,
        refusal_reason=_refusal_reason(event, known),
        accepted_at_ms=_accepted_at_ms(event, known),
        ended_at_ms=_ended_at_ms(event, known),
        first_position=known.first_position if known else recorded.position,
        last_position=recorded.position,
    )


def _refusal_reason(event: Event, known: OrderRow | None) -> str:
    if isinstance(event, events.OrderRefused):
        return event.reason
    return known.refusal_reason if known else ""


def _accepted_at_ms(event: Event, known: OrderRow | None) -> int | None:
    if isinstance(event, events.OrderAccepted):
        return event.at_ms
    return known.accepted_at_ms if known else None


def _ended_at_ms(event: Event, known: OrderRow | None) -> int | None:
    if isinstance(event, events.OrderEnded):
        return event.at_ms
    return known.ended_at_ms if known else None


def _fill(order: HedgeOrder, event: events.OrderFilled, quote_id: int, recorded: Recorded) -> FillRow:
    return FillRow(
        venue=event.venue,
        trade_id=event.trade_id,
        client_order_id=event.client_order_id,
        quote_id=quote_id,
        symbol=order.symbol,
        side=order.side.value,
        leg=order.leg.name.lower(),
        quantity=event.quantity,
        price=event.price,
        fee=event.fee,
        fee_asset=event.fee_asset,
        traded_at_ms=event.traded_at_ms,
        position=recorded.position,
    )
