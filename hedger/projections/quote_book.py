"""Everything that follows from the quotes, in one fold: quotes, positions, exposure, residual books, obligations,
orders, fills, transactions, notifications, funding, symbols. They share one log position, so they always agree."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

import msgspec

from hedger.domain.chain_facts import QuoteFact
from hedger.domain.events import Event, Recorded
from hedger.domain.feed import BlocksOrphaned, ProtocolRead
from hedger.domain.quote import events
from hedger.projections import (
    exposure,
    funding,
    notifications,
    obligations,
    open_positions,
    orders,
    residuals,
    symbols,
    transactions,
)
from hedger.projections.model import Need
from hedger.projections.quotes import quotes_table
from hedger.projections.tables import Sheet
from hedger.projections.tracked import Tracked

_HEDGER_EVENTS = tuple(
    value
    for value in vars(events).values()
    if isinstance(value, type) and issubclass(value, Event) and value is not Event
)


class QuoteBook:
    """The read model `quotes`, as one PartyB sees them (address, lower case)."""

    name = "quotes"
    revision = 3
    views = open_positions.VIEW + exposure.VIEW + funding.VIEW

    def __init__(self, party_b: str) -> None:
        self._party_b = party_b.lower()
        self.quotes = Sheet(quotes_table(self._party_b))
        self.symbols = Sheet(symbols.SYMBOLS)
        self.protocol = Sheet(obligations.PROTOCOL)
        self.obligations = Sheet(obligations.OBLIGATIONS)
        self.residuals = Sheet(residuals.RESIDUALS)
        self.orders = Sheet(orders.ORDERS)
        self.fills = Sheet(orders.FILLS)
        self.transactions = Sheet(transactions.TRANSACTIONS)
        self.notifications = Sheet(notifications.NOTIFICATIONS)
        self.funding_charges = Sheet(funding.CHARGES)
        self.funding_payments = Sheet(funding.PAYMENTS)

    @property
    def sheets(self) -> tuple[Sheet[Any], ...]:
        return (
            self.quotes,
            self.symbols,
            self.protocol,
            self.obligations,
            self.residuals,
            self.orders,
            self.fills,
            self.transactions,
            self.notifications,
            self.funding_charges,
            self.funding_payments,
        )

    def needs(self, batch: Sequence[Recorded]) -> list[Need]:
        aggregates: set[UUID] = {recorded.aggregate_id for recorded in batch}
        order_ids = sorted({getattr(recorded.event, "client_order_id", "") for recorded in batch} - {""})
        gone = sorted({h for r in batch if isinstance(r.event, BlocksOrphaned) for h in r.event.block_hashes})
        needs = [
            Need(self.quotes, "aggregate_id = ANY(%s)", (sorted(aggregates),)),
            Need(self.residuals, "aggregate_id = ANY(%s)", (sorted(aggregates),)),
            Need(self.protocol, "true"),
            Need(self.symbols, "true"),
            Need(self.orders, "client_order_id = ANY(%s)", (order_ids,)),
            Need(self.transactions, "request_id = ANY(%s)", (transactions.request_ids(batch),)),
        ]
        if gone:
            hashes = "quote_block_hash = ANY(%s) OR wallet_block_hash = ANY(%s)"
            needs.append(Need(self.transactions, hashes, (gone, gone)))
        if moved := funding.moved_blocks(recorded.event for recorded in batch):
            needs.append(Need(self.funding_charges, "block_hash = ANY(%s)", (moved,)))
        if any(isinstance(recorded.event, ProtocolRead) for recorded in batch):
            needs.append(Need(self.quotes, "owes"))
        return needs

    def apply(self, recorded: Recorded) -> None:
        event = recorded.event
        symbols.learn(self.symbols, event)
        funding.note_payment(self.funding_payments, self.symbols, recorded)
        if isinstance(event, ProtocolRead):
            self._read_protocol(event)
            return
        if (residual := residuals.tracked_residual(self.residuals, recorded)) is not None:
            orders.note(self.orders, self.fills, residual.book.hedge, 0, recorded)
            return
        tracked = self._tracked(recorded)
        if tracked is None:
            transactions.note(self.transactions, recorded, None)
            return
        funding.note_charge(self.funding_charges, self.symbols, tracked, recorded, self._party_b)
        before = notifications.Before.of(tracked, self._party_b)
        tracked.take(recorded)
        self.quotes.put(tracked, recorded.aggregate_id)
        orders.note(self.orders, self.fills, tracked.quote.hedge, tracked.quote.quote_id, recorded)
        transactions.note(self.transactions, recorded, tracked)
        notifications.note(self.notifications, before, tracked, recorded, self._party_b)
        self._settle(tracked)

    def _tracked(self, recorded: Recorded) -> Tracked | None:
        """The quote that the event is of, or None. Raises ValueError for a decision on a quote that no fact began."""
        known = self.quotes.get(recorded.aggregate_id)
        if known is not None:
            return known
        if isinstance(recorded.event, QuoteFact):
            return Tracked.starting_with(recorded, recorded.event)
        if isinstance(recorded.event, _HEDGER_EVENTS):
            raise ValueError(f"aggregate {recorded.aggregate_id} begins with no fact of a quote")
        return None

    def _read_protocol(self, read: ProtocolRead) -> None:
        """New cooldowns move every date that depends on them."""
        known = self.protocol.get(read.chain_id)
        self.protocol.put(read, read.chain_id)
        if known is not None and msgspec.structs.replace(known, block_number=read.block_number) == read:
            return
        for tracked in self.quotes.cells.values():
            if tracked.quote.chain_id == read.chain_id and tracked.owes(self._party_b):
                self._settle(tracked)

    def _settle(self, tracked: Tracked) -> None:
        protocol = self.protocol.get(tracked.quote.chain_id)
        obligations.settle(self.obligations, tracked, self._party_b, protocol)
