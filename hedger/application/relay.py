"""Tells the log's new events to everyone who carries effects out, in log order, keyed by PartyA."""

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from functools import partial

from hedger.adapters.log.port import EventLog
from hedger.adapters.streams import topics
from hedger.adapters.streams.port import Streams
from hedger.application.ledger import Ledger
from hedger.application.messages import Logged
from hedger.domain import transactions
from hedger.domain.chain_facts import QuoteFact
from hedger.domain.events import Event, Recorded
from hedger.domain.quote import events as quote_events
from hedger.domain.request_ids import account_of_request, quote_of_order, quote_of_request, symbol_of_order
from hedger.domain.trading import TradingStateChanged

_MOST_SAVED = 1_000

Requested = quote_events.OrderRequested | quote_events.OrderCancelRequested | transactions.TransactionRequested


class Relay:
    """Follows the log from where it is told to and publishes what asks for an effect, or changes what may be sent.

    Facts and reasons are not repeated on the topic: whoever wants them reads the log itself.

    What this process has saved is told as it was saved, without waiting for it to be read back: an order leaves a
    millisecond earlier. What follows behind somebody else's events is told in its turn, when these are read.
    """

    def __init__(self, ledger: Ledger, streams: Streams, *, tag: str) -> None:
        self._ledger, self._streams, self._tag = ledger, streams, tag
        self._told = 0  # position up to which everything is told
        self._telling = asyncio.Lock()

    async def run(self, log: EventLog, *, after: int) -> None:
        """Publish every request past `after`, until cancelled. Run again, it goes on where it was."""
        self._told = max(self._told, after)
        saved: asyncio.Queue[Sequence[Recorded]] = asyncio.Queue(_MOST_SAVED)
        try:
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(self._tell_saved(saved))
                self._ledger.on_saved = partial(_offer, saved)
                async for batch in log.follow(after=self._told):
                    await self._tell_following(batch)
        finally:
            self._ledger.on_saved = None

    async def tell_again(self, recorded: Recorded) -> None:
        """Publish a request once more, as one that may have been carried out before."""
        await self._publish(recorded, redelivered=True)

    async def _tell_saved(self, saved: asyncio.Queue[Sequence[Recorded]]) -> None:
        while True:
            await self._tell_following(await saved.get())

    async def _tell_following(self, batch: Sequence[Recorded]) -> None:
        """Tell those that follow on what is told, each once."""
        async with self._telling:
            for recorded in batch:
                if recorded.position == self._told + 1:
                    await self._tell(recorded)
                    self._told = recorded.position

    async def _tell(self, recorded: Recorded) -> None:
        event = recorded.event
        if isinstance(event, TradingStateChanged):
            self._ledger.forget(recorded.aggregate_id)  # it may have been changed by another process
            return
        if isinstance(event, Requested):
            await self._publish(recorded, redelivered=False)

    async def _publish(self, recorded: Recorded, *, redelivered: bool) -> None:
        """Under the key of whoever asked: a quote's is its PartyA, once it stands on the chain."""
        event = recorded.event
        party_a = account_of_request(getattr(event, "request_id", ""))
        symbol_id = symbol_of_order(self._tag, getattr(event, "client_order_id", "")) or 0
        quote_id = quote_of(event, self._tag)
        key = party_a or f"symbol:{symbol_id}"
        if quote_id:
            quote = await self._ledger.quote(quote_id)
            key = quote.chain.party_a if quote.chain is not None else f"quote:{quote_id}"
        elif not (party_a or symbol_id):
            return  # of another hedger on the same log
        message = Logged(
            recorded=recorded, quote_id=quote_id, party_a=party_a, symbol_id=symbol_id, redelivered=redelivered
        )
        await self._streams.publish(topics.LOG, key, message)


def _offer(saved: asyncio.Queue[Sequence[Recorded]], recorded: Sequence[Recorded]) -> None:
    with suppress(asyncio.QueueFull):  # told when it is read
        saved.put_nowait(recorded)


def quote_of(event: Event, tag: str) -> int:
    """The quote that an event is about, 0 where it is about none."""
    if isinstance(event, QuoteFact):
        return event.quote_id
    if isinstance(event, transactions.TransactionRequested):
        return quote_of_request(event.request_id)
    return quote_of_order(tag, getattr(event, "client_order_id", "")) or 0
