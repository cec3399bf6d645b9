"""Keeps the residual books: decides on each symbol by period, records its orders, tells overdue ones again."""

from collections.abc import Callable
from functools import partial

import structlog

from hedger.application.book import Book
from hedger.application.inputs import Board
from hedger.application.ledger import Draft, Ledger
from hedger.application.messages import Reported
from hedger.application.relay import Relay
from hedger.domain.events import Event
from hedger.domain.money import WAD
from hedger.domain.policies.inputs import MarketView, VenueLimits
from hedger.domain.policies.policy import Policy
from hedger.domain.policies.residual import decide_residual
from hedger.domain.policies.residual_inputs import ResidualInputs
from hedger.domain.quote.events import OrderRequested
from hedger.domain.quote.hedge import OrderState
from hedger.domain.residual import ResidualBook

logger = structlog.get_logger(__name__)


class ResidualKeeper:
    """The one writer of residual books. A residual is acted on once it has stayed over two looks: what is on its way
    from one step of a quote to the next is none."""

    def __init__(
        self,
        ledger: Ledger,
        book: Book,
        board: Board,
        policy: Policy,
        relay: Relay,
        *,
        clock_ms: Callable[[], int],
        redeliver_after_ms: int,
    ) -> None:
        self._ledger, self._book, self._board, self._policy, self._relay = ledger, book, board, policy, relay
        self._clock_ms, self._redeliver_after_ms = clock_ms, redeliver_after_ms
        self._seen: dict[int, int] = {}
        self._told_at_ms: dict[str, int] = {}

    async def restore(self) -> None:
        """Take what every book holds into the sums: the start of a process."""
        for symbol_id in self._board.symbols:
            residual = await self._ledger.residual(symbol_id)
            if residual.version:
                self._book.note_residual(symbol_id, residual.held)

    async def on_reported(self, message: Reported) -> None:
        """Record what the venue told of a book's orders. May be told twice."""

        def news(residual: ResidualBook) -> list[Event]:
            return residual.order_facts(list(message.facts))

        residual = await self._ledger.residual(message.symbol_id)
        await self._ledger.change(
            partial(self._ledger.residual, message.symbol_id),
            residual.id,
            news,
            correlation_id=f"symbol:{message.symbol_id}",
            causation_id=message.causation_id,
        )
        self._book.note_residual(message.symbol_id, (await self._ledger.residual(message.symbol_id)).held)

    async def tend(self) -> None:
        """One look at every symbol."""
        for symbol_id in self._book.symbol_ids:
            try:
                await self._tend(symbol_id)
            except Exception:
                # One symbol's trouble must not keep the others from being hedged.
                logger.exception("residual not tended", symbol_id=symbol_id)

    async def tell_outstanding(self) -> None:
        """Tell every outstanding order again at once: the start of a process that may have died in the middle."""
        for symbol_id in self._book.symbol_ids:
            await self._tell_overdue(await self._ledger.residual(symbol_id), 0)

    async def _tend(self, symbol_id: int) -> None:
        inputs = await self._inputs(symbol_id)
        if inputs is None:
            return
        stayed = self._seen.get(symbol_id) == inputs.residual
        self._seen[symbol_id] = inputs.residual
        residual = await self._ledger.residual(symbol_id)
        async with self._ledger.lock(residual.id):
            residual = await self._ledger.residual(symbol_id)
            if stayed:
                draft = Draft(residual)
                draft.add(decide_residual(residual, inputs, self._policy))
                await self._ledger.save([draft], correlation_id=f"symbol:{symbol_id}", causation_id="tending")
        await self._tell_overdue(residual, self._redeliver_after_ms)

    async def _inputs(self, symbol_id: int) -> ResidualInputs | None:
        """None while a part of them is not known: not known is not zero."""
        board = self._board
        terms, head = board.symbols.get(symbol_id), board.head
        if terms is None or head is None:
            return None
        limits, market = board.limits(terms.name), board.market_view(terms.name)
        if limits is None or market is None or self._is_stale(market):
            return None
        trading = await self._ledger.trading()
        return ResidualInputs(
            block_timestamp=head.timestamp,
            venue_time_ms=board.venue_time_ms(),
            trading_state=trading.of(terms.name),
            symbol=terms,
            residual=self._book.residual(symbol_id, _least(limits, market)),
            account_hedge=self._book.account_hedge(symbol_id),
            limits=limits,
            market=market,
        )

    def _is_stale(self, market: MarketView) -> bool:
        return self._board.venue_time_ms() - market.at_ms > self._policy.max_price_age_ms

    async def _tell_overdue(self, residual: ResidualBook, after_ms: int) -> None:
        now = self._clock_ms()
        waiting = [o for o in residual.unsettled if o.state in (OrderState.REQUESTED, OrderState.UNKNOWN)]
        for order in waiting:
            if now - self._told_at_ms.setdefault(order.client_order_id, now) >= after_ms:
                self._told_at_ms[order.client_order_id] = now
                await self._tell(residual, order.client_order_id)

    async def _tell(self, residual: ResidualBook, client_order_id: str) -> None:
        for recorded in reversed(await self._ledger.log.events_of(residual.id)):
            event = recorded.event
            if isinstance(event, OrderRequested) and event.client_order_id == client_order_id:
                await self._relay.tell_again(recorded)
                return


def _least(limits: VenueLimits, market: MarketView) -> int:
    """The smallest quantity that a quote's own order trades in any case (wad)."""
    return max(limits.min_quantity, limits.step, -(-limits.min_notional * WAD // max(market.mark, 1)))
