"""The venue's trades of a symbol against the recorded ones, trade by trade: missing, foreign, never told, in excess."""

from collections.abc import Iterable, Mapping, Sequence

import msgspec

from hedger.adapters.venue.port import Fill, Venue
from hedger.application.validation.ports import OwnFill, OwnOrder, TradeRecords
from hedger.domain.foreign import ForeignTradeDisowned, ForeignTradeFound
from hedger.domain.mismatch import Cause, Divergence, Finding
from hedger.domain.quote.hedge import Hedge, HedgeOrder, OrderState
from hedger.domain.quote.quote import Quote
from hedger.domain.reconciliation import Reconciliation
from hedger.domain.residual import ResidualBook

# Trades that a venue tells late, and clocks that differ: a comparison begins so long before what is known to agree.
OVERLAP_MS = 60_000
# What the record may be behind the venue: a fill younger than this is on its way.
_SETTLING_MS = 2_000


class Holder(msgspec.Struct, frozen=True, kw_only=True):
    """A hedge and whose it is: a quote's, or that of a symbol's residual book; the other id is 0."""

    hedge: Hedge
    quote_id: int = 0
    symbol_id: int = 0


def holders_of(quotes: Mapping[int, Quote], residuals: Mapping[int, ResidualBook]) -> list[Holder]:
    """Whatever may trade for us at the venue."""
    of_quotes = [Holder(hedge=quote.hedge, quote_id=quote_id) for quote_id, quote in quotes.items()]
    return of_quotes + [Holder(hedge=book.hedge, symbol_id=symbol_id) for symbol_id, book in residuals.items()]


class LateFill(msgspec.Struct, frozen=True):
    """A trade of an order of ours that is not recorded."""

    order: OwnOrder
    fill: Fill


class TradesCompared(msgspec.Struct, frozen=True, kw_only=True):
    """One symbol's trades since `since_ms` (venue's clock), each list in the order of the trades."""

    symbol: str
    venue: str
    since_ms: int
    compared: int
    newest_ms: int
    late: tuple[LateFill, ...] = ()
    strangers: tuple[Fill, ...] = ()  # of no order that is known as ours
    is_unclear: bool = False  # a stranger may be of an order of ours that was sent a moment ago
    orphans: tuple[OwnFill, ...] = ()  # recorded, and the venue does not tell them
    excess: tuple[OwnFill, ...] = ()  # recorded, beyond what their order asked
    disowned: tuple[ForeignTradeDisowned, ...] = ()

    @property
    def agree(self) -> bool:
        return not (self.late or self.strangers or self.orphans)

    def first_divergence(self) -> tuple[Cause, Divergence] | None:
        """The earliest trade on which venue and log part, and what that makes likely."""
        found = [*self._missing(), *self._foreign(), *self._orphaned(), *self._excess()]
        return min(found, key=lambda each: each[1].at_ms, default=None)

    def _missing(self) -> Iterable[tuple[Cause, Divergence]]:
        filled: dict[str, int] = {}
        for order, fill in ((late.order, late.fill) for late in self.late):
            total = filled.get(order.client_order_id, order.filled) + fill.quantity
            filled[order.client_order_id] = total
            cause = Cause.OVER_FILL if total > order.quantity else Cause.LATE_FILL
            yield cause, _of_fill(Finding.MISSING, fill)

    def _foreign(self) -> Iterable[tuple[Cause, Divergence]]:
        for fill in self.strangers:
            yield Cause.FOREIGN_TRADE, _of_fill(Finding.FOREIGN, fill)

    def _orphaned(self) -> Iterable[tuple[Cause, Divergence]]:
        for own in self.orphans:
            yield Cause.UNKNOWN, _of_own(Finding.EXTRA, own)

    def _excess(self) -> Iterable[tuple[Cause, Divergence]]:
        for own in self.excess:
            yield Cause.OVER_FILL, _of_own(Finding.EXCESS, own)


class TradeComparison:
    """Compares one symbol at a time. Raises VenueUnavailable: a list that was not told is not an empty one."""

    def __init__(self, venue: Venue, records: TradeRecords) -> None:
        self._venue, self._records = venue, records

    async def compare(self, symbol: str, known: Reconciliation, holders: Sequence[Holder]) -> TradesCompared:
        """`holders` are the live ones: their orders are known to the moment, the record may be a little behind."""
        agreed_ms = known.agreed.get(symbol)
        since_ms = max(0, (agreed_ms if agreed_ms is not None else await self._records.began_ms()) - OVERLAP_MS)
        told = await self._venue.fills(symbol, since_ms=since_ms)
        told.sort(key=lambda fill: (fill.traded_at_ms, fill.trade_id))
        recorded = await self._records.fills(symbol, since_ms=since_ms)
        live = _orders_of(holders, symbol)
        own = {fill.trade_id for fill in recorded} | _trades_of(holders, symbol)
        unknown = [fill for fill in told if (key := trade_key(fill)) not in own and key not in known.foreign_trades]
        orders = await self._records.orders(symbol, sorted({fill.venue_order_id for fill in unknown}))
        orders |= live
        newest_ms = told[-1].traded_at_ms if told else since_ms
        settled_ms = newest_ms - _SETTLING_MS
        names = {trade_key(fill) for fill in told}
        return TradesCompared(
            symbol=symbol,
            venue=self._venue.name,
            since_ms=since_ms,
            compared=len(told),
            newest_ms=newest_ms,
            late=tuple(LateFill(orders[f.venue_order_id], f) for f in unknown if f.venue_order_id in orders),
            strangers=tuple(fill for fill in unknown if fill.venue_order_id not in orders),
            is_unclear=any(_may_trade_unseen(holder, symbol) for holder in holders),
            orphans=tuple(f for f in recorded if f.trade_id not in names and since_ms < f.traded_at_ms < settled_ms),
            excess=_in_excess(recorded, live),
            disowned=_disowned(known, symbol, own),
        )


def trade_key(fill: Fill) -> str:
    """The trade's id as it stands in the log: venues count trades per symbol."""
    return f"{fill.symbol}:{fill.trade_id}"


def foreign_fact(venue: str, fill: Fill, repair_id: str = "") -> ForeignTradeFound:
    """The fact that a trade is of no quote."""
    return ForeignTradeFound(
        venue=venue,
        trade_id=trade_key(fill),
        venue_order_id=fill.venue_order_id,
        symbol=fill.symbol,
        side=fill.side,
        quantity=fill.quantity,
        price=fill.price,
        fee=fill.fee,
        fee_asset=fill.fee_asset,
        traded_at_ms=fill.traded_at_ms,
        repair_id=repair_id,
    )


def _sent(holder: Holder, symbol: str) -> list[HedgeOrder]:
    return [order for order in holder.hedge.orders.values() if order.symbol == symbol and not order.internal]


def _orders_of(holders: Sequence[Holder], symbol: str) -> dict[str, OwnOrder]:
    return {
        order.venue_order_id: OwnOrder(
            client_order_id=order.client_order_id,
            quote_id=holder.quote_id,
            symbol_id=holder.symbol_id,
            venue_order_id=order.venue_order_id,
            quantity=order.quantity,
            filled=order.filled,
        )
        for holder in holders
        for order in _sent(holder, symbol)
        if order.venue_order_id
    }


def _trades_of(holders: Sequence[Holder], symbol: str) -> set[str]:
    return {trade.trade_id for holder in holders for order in _sent(holder, symbol) for trade in order.trades}


def _may_trade_unseen(holder: Holder, symbol: str) -> bool:
    """True while the venue may have an order of this hedge under an id that is not known here yet."""
    return any(order.state in (OrderState.REQUESTED, OrderState.UNKNOWN) for order in _sent(holder, symbol))


def _in_excess(recorded: Sequence[OwnFill], orders: Mapping[str, OwnOrder]) -> tuple[OwnFill, ...]:
    """Of each order that executed more than was asked, the fill that went beyond and those after it."""
    asked = {order.client_order_id: order for order in orders.values() if order.filled > order.quantity}
    found, left = [], {name: order.quantity for name, order in asked.items()}
    for fill in recorded:
        if fill.client_order_id not in left:
            continue
        left[fill.client_order_id] -= fill.quantity
        if left[fill.client_order_id] < 0:
            found.append(fill)
    return tuple(found)


def _disowned(known: Reconciliation, symbol: str, own: set[str]) -> tuple[ForeignTradeDisowned, ...]:
    """What was taken for foreign and is recorded as a hedge's fill after all counts once."""
    return tuple(
        ForeignTradeDisowned(trade_id=trade_id, symbol=symbol, quantity=trade.quantity)
        for trade_id, trade in known.foreign_trades.items()
        if trade.symbol == symbol and trade_id in own
    )


def _of_fill(finding: Finding, fill: Fill) -> Divergence:
    return Divergence(finding=finding, event="trade", trade_id=trade_key(fill), at_ms=fill.traded_at_ms)


def _of_own(finding: Finding, own: OwnFill) -> Divergence:
    return Divergence(
        finding=finding,
        event="OrderFilled.1",
        trade_id=own.trade_id,
        log_position=own.log_position,
        at_ms=own.traded_at_ms,
    )
