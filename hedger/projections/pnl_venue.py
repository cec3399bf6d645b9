"""What orders, trades and cash at the venue put into the books of profit and loss."""

from uuid import UUID

import msgspec

from hedger.domain.accounting import moves
from hedger.domain.accounting.lines import Line, LineKind
from hedger.domain.accounting.sharing import shared_out
from hedger.domain.events import Recorded, derived_id
from hedger.domain.foreign import ForeignTradeDisowned, ForeignTradeFound
from hedger.domain.money import WAD
from hedger.domain.quote.events import OrderFilled, OrderRequested
from hedger.domain.residual import ResidualBook
from hedger.domain.terms import Side
from hedger.domain.venue_cash import FundingPaid, IncomeKind, VenueCashMoved
from hedger.projections.pnl_desk import Desk
from hedger.projections.pnl_rows import Cell, OrderTerms, PnlTradeRow

INTERNAL = "internal"  # a venue of this name is the hedger itself: no money moves there
# Numbers of lines that an event gives besides those of its own book.
_COUNTER, _COMMISSION = 1_000, 2_000


def foreign_id(symbol: str) -> UUID:
    """Of the book of a symbol's foreign trades."""
    return derived_id("pnl", "foreign", symbol)


def order(desk: Desk, event: OrderRequested, recorded: Recorded) -> None:
    """Remember what its fills will not tell. Orders of no quote are of a symbol's residual book."""
    cell = desk.cell(recorded.aggregate_id, "residual", symbol=event.symbol)
    cell.symbol = event.symbol
    cell.stored.orders[event.client_order_id] = OrderTerms(event.side, event.symbol, event.decision_price)
    desk.books.put(cell, cell.aggregate_id)


def fill(desk: Desk, event: OrderFilled, recorded: Recorded) -> None:
    cell = desk.books.get(recorded.aggregate_id)
    terms = cell.stored.orders.get(event.client_order_id) if cell is not None else None
    if cell is None or terms is None:
        return
    is_internal = event.venue == INTERNAL
    filled = moves.Filled(
        quantity=event.quantity if terms.side is Side.BUY else -event.quantity,
        price=event.price,
        decision_price=event.price if is_internal else terms.decision_price,
        fee=event.fee,
        fee_asset=event.fee_asset,
        trade_id=event.trade_id,
        at_ms=event.traded_at_ms,
    )
    cell.last_traded_at_ms = max(cell.last_traded_at_ms, event.traded_at_ms)
    desk.take(cell, desk.entry(recorded, filled, event.traded_at_ms))
    if is_internal:
        _counter(desk, cell, filled, recorded)
    else:
        _trade(desk, terms.symbol, filled, recorded)


def foreign(desk: Desk, event: ForeignTradeFound, recorded: Recorded) -> None:
    cell = desk.cell(foreign_id(event.symbol), "foreign", symbol=event.symbol)
    filled = moves.Filled(
        quantity=event.signed,
        price=event.price,
        decision_price=event.price,
        fee=event.fee,
        fee_asset=event.fee_asset,
        trade_id=event.trade_id,
        at_ms=event.traded_at_ms,
    )
    cell.last_traded_at_ms = max(cell.last_traded_at_ms, event.traded_at_ms)
    desk.take(cell, desk.entry(recorded, filled, event.traded_at_ms))
    _trade(desk, event.symbol, filled, recorded)


def disown(desk: Desk, event: ForeignTradeDisowned) -> None:
    """The trade is told as a fill of ours besides: here it goes out again."""
    cell = desk.books.get(foreign_id(event.symbol))
    if cell is None:
        return
    for entry in cell.stored.entries:
        filled = entry.move
        if isinstance(filled, moves.Filled) and filled.trade_id == event.trade_id and entry.holds:
            entry.holds = False
            if entry.counts:
                desk.traded(event.symbol, traded=-filled.quantity * filled.price)
    desk.fold_again(cell)


def cash(desk: Desk, event: VenueCashMoved, recorded: Recorded) -> None:
    """A movement of the wallet. Commissions and realised profits are those of trades, which have lines already: they
    are compared, and what differs is a line."""
    asset = desk.asset(event.asset)
    if event.kind is IncomeKind.COMMISSION and event.trade_id:
        if not asset:
            trade_id = f"{event.symbol}:{event.trade_id}"
            known = desk.trades.get(trade_id) or PnlTradeRow(trade_id=trade_id, told=None, moved=None)
            moved = msgspec.structs.replace(known, moved=-event.amount)
            _commission(desk, known, moved, event.symbol, recorded, event.at_ms)
        return
    if event.kind is IncomeKind.REALISED and not asset:
        desk.traded(event.symbol, realised=event.amount, movements=1)
        return
    kind = LineKind.FLOW if event.kind is IncomeKind.TRANSFER else LineKind.OTHER
    line = Line(kind=kind, amount=event.amount * WAD, asset=asset, note=event.name.lower())
    desk.put(line, recorded, event.at_ms, symbol=event.symbol)


def funding(desk: Desk, event: FundingPaid, recorded: Recorded) -> None:
    """Shared out to who held the symbol when it was paid."""
    asset, cells = desk.asset(event.asset), desk.of_symbol(event.symbol)
    shares = shared_out(event.amount, {cell.aggregate_id: _held_at(cell, event.at_ms) for cell in cells})
    holders = [cell for cell in cells if shares.get(cell.aggregate_id)]
    for number, cell in enumerate(holders):
        kind = LineKind.FOREIGN if cell.kind == "foreign" else LineKind.FUNDING_VENUE
        line = Line(kind=kind, amount=shares[cell.aggregate_id] * WAD, asset=asset, note="funding")
        desk.put(line, recorded, event.at_ms, of=cell, slot=number)
    if not shares:
        line = Line(kind=LineKind.FUNDING_VENUE, amount=event.amount * WAD, asset=asset, note="nothing held")
        desk.put(line, recorded, event.at_ms, symbol=event.symbol)


def _counter(desk: Desk, cell: Cell, filled: moves.Filled, recorded: Recorded) -> None:
    """What a quote got from the symbol's own book, that book gave."""
    opened = desk.opened
    if opened is None:
        return
    book_id = ResidualBook.create_id(opened.chain_id, opened.diamond, desk.party_b, cell.stored.symbol_id)
    counter = desk.cell(book_id, "residual", symbol=cell.symbol)
    counter.last_traded_at_ms = max(counter.last_traded_at_ms, filled.at_ms)
    given = msgspec.structs.replace(filled, quantity=-filled.quantity)
    desk.take(counter, desk.entry(recorded, given, filled.at_ms, slot=_COUNTER))


def _trade(desk: Desk, symbol: str, filled: moves.Filled, recorded: Recorded) -> None:
    """What the venue's account did by a trade, and what commission it told."""
    if desk.opened is None:
        return
    desk.traded(symbol, traded=filled.quantity * filled.price)
    if not desk.asset(filled.fee_asset):
        known = desk.trades.get(filled.trade_id) or PnlTradeRow(trade_id=filled.trade_id, told=None, moved=None)
        _commission(desk, known, msgspec.structs.replace(known, told=filled.fee), symbol, recorded, filled.at_ms)


def _commission(
    desk: Desk, known: PnlTradeRow, trade: PnlTradeRow, symbol: str, recorded: Recorded, at_ms: int
) -> None:
    desk.trades.put(trade, trade.trade_id)
    amount = (_kept(trade) - _kept(known)) * WAD
    if amount:
        line = Line(kind=LineKind.ROUNDING, amount=amount, note="commission")
        desk.put(line, recorded, at_ms, symbol=symbol, slot=_COMMISSION)


def _kept(trade: PnlTradeRow) -> int:
    """What the wallet kept of a commission that the trade told; 0 until both are known."""
    return trade.told - trade.moved if trade.told is not None and trade.moved is not None else 0


def _held_at(cell: Cell, at_ms: int) -> int:
    """What was held at the venue for a book at a time."""
    fills = (entry.move for entry in cell.stored.entries if entry.holds and isinstance(entry.move, moves.Filled))
    return sum(filled.quantity for filled in fills if filled.at_ms <= at_ms)
