"""Closes what is foreign of a symbol's position, at the market, by one order whose id is derived from the repair."""

from collections.abc import Callable

from hedger.adapters.venue.port import Accepted, OrderReport, Refused, Venue, VenueOrder
from hedger.application.inputs import Board
from hedger.application.ledger import Ledger
from hedger.application.validation.trades import foreign_fact
from hedger.domain.events import Event
from hedger.domain.money import WAD, floor_to, to_text
from hedger.domain.reconciliation import Reconciliation
from hedger.domain.repairs import Repair, RepairFailed, RepairRun
from hedger.domain.request_ids import repair_order_id
from hedger.domain.terms import OrderType, Side, TradingState

_CLOCK_MARGIN_MS = 500


class ForeignCloser:
    """One step at a time: look the order up, place it where no request of it can be under way, record what it filled.

    Raises VenueUnavailable.
    """

    def __init__(self, venue: Venue, ledger: Ledger, board: Board, *, tag: str, clock_ms: Callable[[], int]) -> None:
        self._venue, self._ledger, self._board = venue, ledger, board
        self._tag, self._clock_ms = tag, clock_ms
        self._started_at_ms = clock_ms()
        self._sent_at_ms: dict[str, int] = {}

    async def step(self, repair: Repair, known: Reconciliation) -> list[Event]:
        """What to record; nothing while it is still under way."""
        symbol, order_id = repair.plan.subject, repair_order_id(self._tag, repair.number)
        found = await self._venue.find(symbol, order_id)
        if isinstance(found, OrderReport):
            return await self._filled(repair, found)
        if self._may_be_under_way(order_id):
            return []
        if order_id in self._sent_at_ms:
            return [_failed(repair, "the venue never received the order")]
        return await self._place(repair, known.foreign.get(symbol, 0), order_id)

    def _may_be_under_way(self, order_id: str) -> bool:
        """By this process, or by one before it: what the venue does not know proves nothing until then."""
        sent_at_ms = self._sent_at_ms.get(order_id, self._started_at_ms)
        return self._clock_ms() < sent_at_ms + self._venue.request_lifetime_ms + _CLOCK_MARGIN_MS

    async def _place(self, repair: Repair, held: int, order_id: str) -> list[Event]:
        symbol = repair.plan.subject
        rules, market = self._board.rules.get(symbol), self._board.markets.get(symbol)
        state = (await self._ledger.trading()).of(symbol, f"venue:{self._venue.name}")
        if rules is None or market is None or state is TradingState.HALTED:
            return []
        quantity = floor_to(abs(held), rules.step)
        notional = quantity * market.mark // WAD
        if quantity < max(rules.min_quantity, rules.step) or notional < rules.min_notional:
            return [_failed(repair, f"{to_text(held)} is nothing that the venue takes an order for")]
        if notional > repair.max_notional:
            return [_failed(repair, f"{to_text(notional)} is above the bound {to_text(repair.max_notional)}")]
        order = VenueOrder(
            client_order_id=order_id,
            symbol=symbol,
            side=Side.SELL if held > 0 else Side.BUY,
            order_type=OrderType.MARKET,
            quantity=quantity,
            limit_price=0,
            reduce_only=False,  # the account's net position is mostly hedges, and may be of the other side
        )
        self._sent_at_ms[order_id] = self._clock_ms()
        outcome = await self._venue.place(order)
        if isinstance(outcome, Refused):
            return [_failed(repair, f"refused: {outcome.code} {outcome.reason}")]
        if not isinstance(outcome, Accepted):
            self._sent_at_ms[order_id] = self._clock_ms()
        return []

    async def _filled(self, repair: Repair, report: OrderReport) -> list[Event]:
        if not report.is_final:
            return []
        fills = await self._venue.fills(report.symbol, venue_order_id=report.venue_order_id)
        if sum(fill.quantity for fill in fills) < report.executed_quantity:
            return []
        facts = [foreign_fact(self._venue.name, fill, repair.repair_id) for fill in fills]
        told = f"{to_text(report.executed_quantity)} closed at the market"
        return [*facts, RepairRun(repair_id=repair.repair_id, outcome=told)]


def _failed(repair: Repair, reason: str) -> RepairFailed:
    return RepairFailed(repair_id=repair.repair_id, reason=reason)
