"""The periodic pass: decides every live quote again from levels, and tells outstanding requests again.

After a restart nothing else is needed: what was requested and has no outcome is told again as one that may have been
carried out before, and whoever carries it out looks it up.
"""

import asyncio
from collections.abc import Callable, Iterable

import structlog

from hedger.application.book import Book
from hedger.application.ledger import Ledger
from hedger.application.position_manager import PositionManager
from hedger.application.relay import Relay
from hedger.domain import transactions
from hedger.domain.events import Event, Recorded
from hedger.domain.obligations import AT_LEISURE, urgency
from hedger.domain.quote import events
from hedger.domain.quote.hedge import OrderState
from hedger.domain.quote.quote import Quote

logger = structlog.get_logger(__name__)

_CANCEL = "cancel:"
_CANCELS_SOONER = 4
_IN_A_ROW = 100


class Healer:
    """One pass over the live quotes at a time."""

    def __init__(
        self,
        ledger: Ledger,
        manager: PositionManager,
        book: Book,
        relay: Relay,
        *,
        clock_ms: Callable[[], int],
        redeliver_after_ms: int,
    ) -> None:
        self._ledger, self._manager, self._book, self._relay = ledger, manager, book, relay
        self._clock_ms, self._redeliver_after_ms = clock_ms, redeliver_after_ms
        self._told_at_ms: dict[str, int] = {}

    async def restore(self, quote_ids: list[int]) -> None:
        """Take these quotes, live when the process last ran, into the book."""
        for quote_id in quote_ids:
            self._book.note(await self._ledger.quote(quote_id))

    async def tell_outstanding(self) -> None:
        """Tell every outstanding request at once: the start of a process that may have died in the middle."""
        for quote_id in await self._by_urgency(self._book.live):
            quote = await self._ledger.quote(quote_id)
            for request_id in _outstanding(quote):
                await self._tell(quote, request_id)

    async def heal(self) -> None:
        """One pass: decide again, then tell again what has waited too long for its outcome."""
        waiting = await self._heal(self._book.live)
        self._told_at_ms = {each: at for each, at in self._told_at_ms.items() if each in waiting}

    async def heal_after_block(self) -> None:
        """Only those quotes that waited for a block to be read."""
        waiting = self._manager.awaiting_blocks
        await self._heal({quote_id: party_a for quote_id, party_a in self._book.live.items() if quote_id in waiting})

    async def _heal(self, quotes: dict[int, str]) -> set[str]:
        """Returns the ids of all requests that are without outcome."""
        waiting = set[str]()
        for quote_id in await self._by_urgency(quotes):
            await asyncio.sleep(0)  # what is well needs no waiting, and thousands in a row would hold up all else
            try:
                quote = await self._manager.heal(quote_id, quotes[quote_id])
                waiting.update(_outstanding(quote))
                await self._tell_overdue(quote)
            except Exception:
                # One quote's trouble must not keep the others from being healed.
                logger.exception("healing failed", quote_id=quote_id)
        return waiting

    async def _by_urgency(self, quote_ids: Iterable[int]) -> list[int]:
        """What is late or due soonest comes first: where a pass is long, it is the one that can wait that waits."""
        protocol = (await self._ledger.feed()).protocol
        keys: dict[int, tuple[int, int]] = {}
        for place, quote_id in enumerate(quote_ids):
            if place % _IN_A_ROW == 0:
                await asyncio.sleep(0)
            try:
                keys[quote_id] = urgency(await self._ledger.quote(quote_id), self._ledger.party_b, protocol)
            except Exception:
                logger.exception("quote not read", quote_id=quote_id)
                keys[quote_id] = AT_LEISURE
        return sorted(keys, key=lambda quote_id: keys[quote_id])

    async def _tell_overdue(self, quote: Quote) -> None:
        now = self._clock_ms()
        for request_id in _outstanding(quote):
            first_seen = self._told_at_ms.setdefault(request_id, now)
            if now - first_seen >= self._patience_ms(request_id):
                await self._tell(quote, request_id)

    def _patience_ms(self, request_id: str) -> int:
        """A cancel does no harm twice, and somebody waits for it: it is told again sooner."""
        return self._redeliver_after_ms // (_CANCELS_SOONER if request_id.startswith(_CANCEL) else 1)

    async def _tell(self, quote: Quote, request_id: str) -> None:
        self._told_at_ms[request_id] = self._clock_ms()
        recorded = await self._request(quote, request_id)
        if recorded is not None:
            await self._relay.tell_again(recorded)

    async def _request(self, quote: Quote, request_id: str) -> Recorded | None:
        history = await self._ledger.log.events_of(quote.id)
        return next((recorded for recorded in reversed(history) if _id_of(recorded.event) == request_id), None)


def _outstanding(quote: Quote) -> list[str]:
    """Ids of requests whose outcome is not known: orders, cancels (marked), the transaction under way."""
    ids = []
    for order in quote.hedge.unsettled:
        if order.state in (OrderState.REQUESTED, OrderState.UNKNOWN):
            ids.append(order.client_order_id)
        elif order.cancel_requested:
            ids.append(f"{_CANCEL}{order.client_order_id}")
    in_flight = quote.in_flight
    if in_flight is not None:
        ids.append(in_flight.request_id)
    return ids


def _id_of(event: Event) -> str:
    match event:
        case events.OrderRequested():
            return event.client_order_id
        case events.OrderCancelRequested():
            return f"{_CANCEL}{event.client_order_id}"
        case transactions.TransactionRequested():
            return event.request_id
        case _:
            return ""
