"""The read model of profit and loss: a fold of the log from the opening state on, rebuilt to the same rows.

Every event that moves money or risk goes into the book it belongs to, and the book gives lines. When blocks leave the
chain or come back, the books they touch are folded anew, and their lines replaced.
"""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from hedger.domain import chain_facts as facts
from hedger.domain.events import Event, Recorded
from hedger.domain.feed import BlocksOrphaned, BlocksReadopted
from hedger.domain.foreign import ForeignTradeDisowned, ForeignTradeFound
from hedger.domain.policies.inputs import Inputs
from hedger.domain.quote.events import OrderFilled, OrderRequested
from hedger.domain.request_ids import account_of_request, quote_of_request
from hedger.domain.treasury import TreasuryOpened
from hedger.domain.venue_cash import FundingPaid, VenueCashMoved, VenueCashOpened
from hedger.domain.wallet import TransactionMined
from hedger.projections import pnl_chain, pnl_venue
from hedger.projections.model import Need
from hedger.projections.pnl_desk import Desk
from hedger.projections.tables import Sheet


class PnlModel:
    """The read model `pnl`, as one PartyB (address) sees the log."""

    name = "pnl"
    revision = 1
    views = ""

    def __init__(self, party_b: str) -> None:
        self.desk = Desk(party_b)

    @property
    def sheets(self) -> tuple[Sheet[Any], ...]:
        desk = self.desk
        return (desk.lines, desk.books, desk.symbols, desk.trades, desk.opening)

    def needs(self, batch: Sequence[Recorded]) -> list[Need]:
        desk, events = self.desk, [recorded.event for recorded in batch]
        books = {recorded.aggregate_id for recorded in batch}.union(*map(_books_of, events))
        trades = sorted({_trade_of(event) for event in events} - {""})
        needs = [
            Need(desk.opening, "true"),
            Need(desk.symbols, "true"),
            Need(desk.books, "aggregate_id = ANY(%s) OR kind = 'residual'", (sorted(books),)),
            Need(desk.trades, "trade_id = ANY(%s)", (trades,)),
        ]
        mined = [event.request_id for event in events if isinstance(event, TransactionMined)]
        if mined:
            quotes = sorted({quote_of_request(request_id) for request_id in mined} - {0})
            accounts = sorted({account_of_request(request_id) for request_id in mined} - {""})
            of = "(quote_id <> 0 AND quote_id = ANY(%s)) OR (kind = 'account' AND party_a = ANY(%s))"
            needs.append(Need(desk.books, of, (quotes, accounts)))
        gone = sorted({each for e in events if isinstance(e, BlocksOrphaned) for each in e.block_hashes})
        if gone:
            needs.append(Need(desk.lines, "kind = 'gas' AND block_hash = ANY(%s)", (gone,)))
        funded = [event for event in events if isinstance(event, FundingPaid)]
        if funded:
            since, symbols = min(event.at_ms for event in funded), sorted({event.symbol for event in funded})
            held = "symbol = ANY(%s) AND (hedge <> 0 OR last_traded_at_ms >= %s)"
            needs.append(Need(desk.books, held, (symbols, since)))
        return needs

    def apply(self, recorded: Recorded) -> None:
        desk, event = self.desk, recorded.event
        match event:
            case TreasuryOpened():
                pnl_chain.open_chain(desk, event, recorded)
            case VenueCashOpened():
                pnl_chain.open_venue(desk, event, recorded)
            case facts.QuoteFact():
                pnl_chain.quote_fact(desk, event, recorded)
            case facts.AccountFact() | facts.PartyAFact():
                pnl_chain.pair_fact(desk, event, recorded)
            case facts.TreasuryFact():
                pnl_chain.treasury_fact(desk, event, recorded)
            case BlocksOrphaned() | BlocksReadopted():
                pnl_chain.reorganise(desk, event, recorded)
            case TransactionMined():
                pnl_chain.gas(desk, event, recorded)
            case OrderRequested():
                pnl_venue.order(desk, event, recorded)
            case OrderFilled():
                pnl_venue.fill(desk, event, recorded)
            case ForeignTradeFound():
                pnl_venue.foreign(desk, event, recorded)
            case ForeignTradeDisowned():
                pnl_venue.disown(desk, event)
            case FundingPaid():
                pnl_venue.funding(desk, event, recorded)
            case VenueCashMoved():
                pnl_venue.cash(desk, event, recorded)
            case _:
                self._learn_symbol(recorded)

    def _learn_symbol(self, recorded: Recorded) -> None:
        """The chain tells numbers of symbols, decisions their names."""
        inputs = getattr(recorded.event, "inputs", None)
        cell = self.desk.books.get(recorded.aggregate_id)
        if cell is None or cell.symbol or not isinstance(inputs, Inputs) or inputs.symbol is None:
            return
        cell.symbol = inputs.symbol.name
        self.desk.books.put(cell, cell.aggregate_id)


def _books_of(event: Event) -> set[UUID]:
    """Books that an event concerns besides that of its own aggregate."""
    match event:
        case TreasuryOpened():
            quotes = {pnl_chain.quote_id(event, quote) for quote in event.quotes}
            accounts = {pnl_chain.account_id(event, party_a) for party_a in event.allocations}
            return quotes | accounts | {pnl_chain.carried_id(quote.symbol) for quote in event.quotes}
        case VenueCashOpened():
            return {pnl_chain.carried_id(position.symbol) for position in event.positions}
        case ForeignTradeFound() | ForeignTradeDisowned():
            return {pnl_venue.foreign_id(event.symbol)}
        case _:
            return set()


def _trade_of(event: Event) -> str:
    match event:
        case OrderFilled() | ForeignTradeFound():
            return event.trade_id
        case VenueCashMoved():
            return f"{event.symbol}:{event.trade_id}"
        case _:
            return ""
