"""The order monitors: the venue's user stream for speed, its REST answers for what the stream did not tell."""

import asyncio
from collections.abc import Awaitable, Callable

import structlog

from hedger.adapters.streams import topics
from hedger.adapters.streams.port import Streams
from hedger.adapters.venue.port import Fill, NotFound, OrderReport, Venue, VenueUnavailable
from hedger.application.book import Book
from hedger.application.internal_matching import InternalMatching
from hedger.application.ledger import Ledger
from hedger.application.messages import Reported
from hedger.application.order_making import ended_fact, facts_of, fill_fact
from hedger.domain.events import Event
from hedger.domain.quote import events
from hedger.domain.quote.hedge import Hedge, OrderState
from hedger.domain.request_ids import quote_of_order, symbol_of_order

logger = structlog.get_logger(__name__)


class StreamMonitor:
    """Tells what the user stream says of our orders. A broken stream is opened again; the poller fills the gap."""

    def __init__(
        self,
        venue: Venue,
        ledger: Ledger,
        streams: Streams,
        *,
        tag: str,
        sleep: Callable[[float], Awaitable[None]],
        retry_s: float = 1.0,
        on_stranger: Callable[[], None] = lambda: None,
    ) -> None:
        """`on_stranger` is called for each trade of an order that is none of the hedger's."""
        self._venue, self._ledger, self._streams = venue, ledger, streams
        self._tag, self._sleep, self._retry_s, self._on_stranger = tag, sleep, retry_s, on_stranger

    async def run(self) -> None:
        """Follow the stream until cancelled."""
        while True:
            try:
                async for item in self._venue.executions():
                    await self._tell(item)
            except VenueUnavailable as error:
                logger.warning("user stream broken", venue=self._venue.name, error=str(error))
            await self._sleep(self._retry_s)

    async def _tell(self, item: OrderReport | Fill) -> None:
        quote_id = quote_of_order(self._tag, item.client_order_id) or 0
        symbol_id = symbol_of_order(self._tag, item.client_order_id) or 0
        if not quote_id and not symbol_id:
            if isinstance(item, Fill):
                self._on_stranger()  # somebody else's order on the account: the position validator looks at it
            return
        if item.client_order_id not in (await self._ledger.hedge(quote_id, symbol_id)).orders:
            return
        reported = Reported(
            quote_id=quote_id,
            symbol_id=symbol_id,
            facts=_facts(self._venue.name, item),
            causation_id=f"venue:{item.venue_order_id}",
        )
        await self._streams.publish(topics.EXECUTIONS, await self._key(quote_id, symbol_id), reported)

    async def _key(self, quote_id: int, symbol_id: int) -> str:
        if symbol_id:
            return f"symbol:{symbol_id}"
        quote = await self._ledger.quote(quote_id)
        return quote.chain.party_a if quote.chain is not None else f"quote:{quote_id}"


class PollMonitor:
    """Asks the venue for every order that is not settled; finds what the stream lost, repeated or never knew.

    Orders that rest inside, against a residual book, are looked at in the same round.
    """

    def __init__(
        self,
        venue: Venue,
        ledger: Ledger,
        book: Book,
        streams: Streams,
        internal: InternalMatching,
        *,
        at_once: int = 8,
    ) -> None:
        self._venue, self._ledger, self._book, self._streams = venue, ledger, book, streams
        self._internal = internal
        self._gate = asyncio.Semaphore(at_once)

    async def look(self) -> None:
        """One round over all live quotes and residual books."""
        await asyncio.gather(
            *(self._look_at_quote(quote_id, party_a) for quote_id, party_a in self._book.live.items()),
            *(self._look_at_residual(symbol_id) for symbol_id in self._book.symbol_ids),
        )

    async def _look_at_quote(self, quote_id: int, party_a: str) -> None:
        quote = await self._ledger.quote(quote_id)
        if news := quote.order_facts(await self._told_of(quote.hedge)):
            key = party_a or f"quote:{quote_id}"
            reported = Reported(quote_id=quote_id, facts=tuple(news), causation_id="venue:poll")
            await self._streams.publish(topics.EXECUTIONS, key, reported)

    async def _look_at_residual(self, symbol_id: int) -> None:
        residual = await self._ledger.residual(symbol_id)
        if news := residual.order_facts(await self._told_of(residual.hedge)):
            reported = Reported(quote_id=0, symbol_id=symbol_id, facts=tuple(news), causation_id="venue:poll")
            await self._streams.publish(topics.EXECUTIONS, f"symbol:{symbol_id}", reported)

    async def _told_of(self, hedge: Hedge) -> list[Event]:
        """What the venue tells of the orders that are not settled."""
        facts: list[Event] = []
        for order in hedge.unsettled:
            if order.state is OrderState.REQUESTED:
                continue  # the order maker's, until it has an outcome
            if order.internal:
                facts.extend(self._internal.look(order))
                continue
            try:
                async with self._gate:
                    found = await self._venue.find(order.symbol, order.client_order_id)
                    if not isinstance(found, NotFound):
                        facts.extend(await facts_of(self._venue, order, found))
            except VenueUnavailable as error:
                logger.warning("order not polled", order=order.client_order_id, error=str(error))
        return facts


def _facts(venue: str, item: OrderReport | Fill) -> tuple[Event, ...]:
    if isinstance(item, Fill):
        return (fill_fact(venue, item.client_order_id, item),)
    accepted = events.OrderAccepted(
        client_order_id=item.client_order_id, venue_order_id=item.venue_order_id, at_ms=item.updated_at_ms
    )
    return (accepted, ended_fact(item)) if item.is_final else (accepted,)
