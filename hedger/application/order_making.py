"""The order maker: places and cancels what the log asks for, under its client order id, and reports the outcome."""

from collections import OrderedDict
from collections.abc import Callable

import structlog

from hedger.adapters.streams import topics
from hedger.adapters.streams.port import Streams
from hedger.adapters.venue.port import (
    Accepted,
    Fill,
    OrderReport,
    Refused,
    Venue,
    VenueOrder,
    VenueUnavailable,
)
from hedger.application.internal_matching import InternalMatching
from hedger.application.ledger import Ledger
from hedger.application.messages import Logged, Reported
from hedger.domain.events import Event
from hedger.domain.quote import events
from hedger.domain.quote.hedge import HedgeOrder, OrderState
from hedger.domain.terms import Leg, TradingState

logger = structlog.get_logger(__name__)

# Between our clock and the venue's; a request of ours cannot arrive later than its lifetime plus this.
_CLOCK_MARGIN_MS = 500
_REMEMBERED = 10_000


class OrderMaker:
    """Carries out order requests, at least once under one client order id, never blindly twice.

    A request that may have been sent before is looked up. That the venue does not know it proves nothing while a
    request may still be under way; once its lifetime has passed, the request is reported as never arrived and the
    policy decides anew, with today's prices.
    """

    def __init__(
        self,
        venue: Venue,
        ledger: Ledger,
        streams: Streams,
        internal: InternalMatching,
        *,
        clock_ms: Callable[[], int],
        observe: Callable[[str], None] = lambda name: None,
    ) -> None:
        self._venue, self._ledger, self._streams, self._internal = venue, ledger, streams, internal
        self._clock_ms, self._observe = clock_ms, observe
        self._started_at_ms = clock_ms()
        self._sent_at_ms: OrderedDict[str, int] = OrderedDict()

    async def handle(self, key: str, message: Logged) -> None:
        """Handler of `hedger.log`, keyed by PartyA."""
        event = message.recorded.event
        if not isinstance(event, events.OrderRequested | events.OrderCancelRequested):
            return
        hedge = await self._ledger.hedge(message.quote_id, message.symbol_id)
        order = hedge.orders.get(event.client_order_id)
        if order is None or order.is_settled:
            return
        facts = await self._carry_out(event, order, message.redelivered)
        if facts:
            reported = Reported(
                quote_id=message.quote_id,
                symbol_id=message.symbol_id,
                facts=tuple(facts),
                causation_id=f"log:{message.recorded.position}",
            )
            await self._streams.publish(topics.EXECUTIONS, key, reported)

    async def _carry_out(
        self, event: events.OrderRequested | events.OrderCancelRequested, order: HedgeOrder, redelivered: bool
    ) -> list[Event]:
        if isinstance(event, events.OrderCancelRequested):
            return self._internal.cancel(order) if order.internal else await self._cancel(order)
        if order.state not in (OrderState.REQUESTED, OrderState.UNKNOWN):
            return []
        if order.internal:
            return await self._take_internally(order)
        if redelivered or order.client_order_id in self._sent_at_ms:
            return await self._look_up(order)
        return await self._place(order)

    async def _take_internally(self, order: HedgeOrder) -> list[Event]:
        state = await self._trading_state(order)
        if state is TradingState.HALTED:
            return []
        return _refusals(order, state) or self._internal.take(order)

    async def _trading_state(self, order: HedgeOrder) -> TradingState:
        return (await self._ledger.trading()).of(order.symbol, f"venue:{self._venue.name}")

    async def _place(self, order: HedgeOrder) -> list[Event]:
        state = await self._trading_state(order)
        if state is TradingState.HALTED:
            return []  # held; told again by the healer, and then looked up
        if refused := _refusals(order, state):
            return refused
        self._note_sent(order.client_order_id, self._clock_ms())
        self._observe("order_sent")
        outcome = await self._venue.place(
            VenueOrder(
                client_order_id=order.client_order_id,
                symbol=order.symbol,
                side=order.side,
                order_type=order.order_type,
                quantity=order.quantity,
                limit_price=order.limit_price,
                reduce_only=order.reduce_only,
                opens=order.leg is Leg.OPEN,
            )
        )
        match outcome:
            case Accepted():
                return [
                    events.OrderAccepted(
                        client_order_id=order.client_order_id,
                        venue_order_id=outcome.venue_order_id,
                        at_ms=outcome.at_ms,
                    )
                ]
            case Refused():
                logger.warning("order refused", order=order.client_order_id, code=outcome.code, reason=outcome.reason)
                return [_refused(order, outcome.code, outcome.reason)]
            case _:
                # It may have waited its turn before it was signed, and be under way for a whole lifetime from now.
                self._sent_at_ms[order.client_order_id] = self._clock_ms()
                logger.warning("order outcome unknown", order=order.client_order_id, reason=outcome.reason)
                return [events.OrderOutcomeUnknown(client_order_id=order.client_order_id, reason=outcome.reason)]

    def _note_sent(self, client_order_id: str, at_ms: int) -> None:
        self._sent_at_ms[client_order_id] = at_ms
        if len(self._sent_at_ms) > _REMEMBERED:
            self._sent_at_ms.popitem(last=False)

    async def _look_up(self, order: HedgeOrder) -> list[Event]:
        if order.client_order_id not in self._sent_at_ms:
            # Not by this process, and from now on it never will be: its first telling may still be on the way here.
            self._note_sent(order.client_order_id, self._started_at_ms)
        asked_at_ms = self._clock_ms()
        try:
            found = await self._venue.find(order.symbol, order.client_order_id)
            if isinstance(found, OrderReport):
                return await facts_of(self._venue, order, found)
        except VenueUnavailable as error:
            logger.warning("order not looked up", order=order.client_order_id, error=str(error))
            return []
        return self._absent(order, asked_at_ms)

    def _absent(self, order: HedgeOrder, asked_at_ms: int) -> list[Event]:
        """What it proves that the venue did not know the order: an answer that took long tells of when it was asked."""
        sent_at = self._sent_at_ms[order.client_order_id]
        if asked_at_ms < sent_at + self._venue.request_lifetime_ms + _CLOCK_MARGIN_MS:
            if order.state is OrderState.UNKNOWN:
                return []
            return [events.OrderOutcomeUnknown(client_order_id=order.client_order_id, reason="not found yet")]
        return [_refused(order, "never_arrived", "the venue does not know it, and no request can still be under way")]

    async def _cancel(self, order: HedgeOrder) -> list[Event]:
        if order.state in (OrderState.REQUESTED, OrderState.UNKNOWN):
            return []  # told again once it is known whether the venue has it
        outcome = await self._venue.cancel(order.symbol, order.client_order_id)
        if isinstance(outcome, Refused):
            logger.info("nothing to cancel", order=order.client_order_id, reason=outcome.reason)
        try:
            found = await self._venue.find(order.symbol, order.client_order_id)
            return await facts_of(self._venue, order, found) if isinstance(found, OrderReport) else []
        except VenueUnavailable as error:
            logger.warning("cancel not confirmed", order=order.client_order_id, error=str(error))
            return []


def _refusals(order: HedgeOrder, state: TradingState) -> list[Event]:
    # What hedges a position again shrinks the exposure, and goes.
    if state is TradingState.REDUCING and order.leg is Leg.OPEN:
        return [_refused(order, "trading_state", f"trading is {state.value}")]
    return []


def _refused(order: HedgeOrder, code: str, reason: str) -> events.OrderRefused:
    return events.OrderRefused(client_order_id=order.client_order_id, code=code, reason=reason)


async def facts_of(venue: Venue, order: HedgeOrder, report: OrderReport) -> list[Event]:
    """What a report says of an order, with the fills that are missing up to what it executed.

    Raises VenueUnavailable.
    """
    facts: list[Event] = [
        events.OrderAccepted(
            client_order_id=order.client_order_id,
            venue_order_id=report.venue_order_id,
            at_ms=report.updated_at_ms,
        )
    ]
    if report.executed_quantity > order.filled:
        fills = await venue.fills(report.symbol, venue_order_id=report.venue_order_id)
        facts.extend(fill_fact(venue.name, order.client_order_id, fill) for fill in fills)
    if report.is_final:
        facts.append(ended_fact(report))
    return facts


def fill_fact(venue: str, client_order_id: str, fill: Fill) -> events.OrderFilled:
    """The fact of one fill. Venues count trades per symbol, and a fact's id must be one of the whole log."""
    return events.OrderFilled(
        venue=venue,
        trade_id=f"{fill.symbol}:{fill.trade_id}",
        client_order_id=client_order_id,
        quantity=fill.quantity,
        price=fill.price,
        fee=fill.fee,
        fee_asset=fill.fee_asset,
        traded_at_ms=fill.traded_at_ms,
    )


def ended_fact(report: OrderReport) -> events.OrderEnded:
    return events.OrderEnded(
        client_order_id=report.client_order_id,
        venue_order_id=report.venue_order_id,
        status=report.status,
        executed_quantity=report.executed_quantity,
        at_ms=report.updated_at_ms,
    )
