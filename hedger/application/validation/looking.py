"""One look at all three sides: what the contract, the venue and the log say now, and where they differ."""

from collections.abc import Collection, Mapping, Sequence

import msgspec

from hedger.adapters.chain.view_structs import QuoteView
from hedger.adapters.venue.port import Venue
from hedger.application.book import Book
from hedger.application.inputs import Board
from hedger.application.ledger import Ledger
from hedger.application.validation.comparing import (
    allocation_differs,
    quote_differs,
    symbol_differs,
    symbol_id_of,
    symbol_rows,
)
from hedger.application.validation.ports import PartyAs, ValidatorViews
from hedger.application.validation.trades import Holder, TradeComparison, TradesCompared, holders_of
from hedger.application.validation.verdict import Verdict
from hedger.domain.feed import BlockRef
from hedger.domain.mismatch import Mismatch, MismatchKind
from hedger.domain.policies.policy import Policy
from hedger.domain.quote.quote import Quote
from hedger.domain.reconciliation import Reconciliation

_OLDEST_STATE_S = 60


class Seen(msgspec.Struct, frozen=True, kw_only=True):
    """What one look had before it."""

    verdict: Verdict
    chain: Mapping[int, QuoteView]
    quotes: Mapping[int, Quote]
    trades: Mapping[str, TradesCompared]
    marks: Mapping[str, int]  # symbol to mark price, wad

    def is_undecided(self, mismatch: Mismatch) -> bool:
        """True where what is under way keeps this look from telling whether a difference is still there."""
        row = self.verdict.row(mismatch.subject)
        if row is None:
            return False
        if mismatch.kind is MismatchKind.POSITION:
            return row.awaiting and row.venue_position != row.expected
        return mismatch.kind is MismatchKind.EXPOSURE and row.busy and row.is_exposed


class Looker:
    """Looks. Raises what the chain or the venue raise when they do not answer: nothing is concluded."""

    def __init__(
        self,
        ledger: Ledger,
        book: Book,
        board: Board,
        venue: Venue,
        views: ValidatorViews,
        party_as: PartyAs,
        trades: TradeComparison,
        policy: Policy,
    ) -> None:
        self._ledger, self._book, self._board = ledger, book, board
        self._venue, self._views, self._party_as = venue, views, party_as
        self._trades, self._policy = trades, policy
        self._turn = 0

    async def seen(self, known: Reconciliation, *, trades_of: Collection[str] | None) -> Seen:
        """Trades are compared of the symbols named, of those that differ, and in turn of one more; None: of all."""
        ledger, head = self._ledger, self._recent_head()
        active = await self._views.active_quotes_of_party_b(ledger.party_b, head)
        chain = {view.quote_id: view for view in active}
        venue = await self._venue.positions()
        quotes = {quote_id: await ledger.quote(quote_id) for quote_id in sorted({*chain, *self._book.live})}
        held = list(quotes.values())
        residuals = {symbol_id: await ledger.residual(symbol_id) for symbol_id in self._board.symbols}
        rows = symbol_rows(self._board, ledger.party_b, chain, venue, held, residuals, known.foreign, self._policy)
        of_quotes = self._quotes_that_differ(chain, quotes)
        of_symbols = [mismatch for row in rows for mismatch in symbol_differs(row)]
        party_as = await self._party_as()
        of_accounts = await self._accounts_that_differ(party_as, head)
        trades = await self._compared(known, holders_of(quotes, residuals), of_symbols, trades_of)
        verdict = Verdict(
            block_number=self._board.head.number if self._board.head is not None else 0,
            log_position=await ledger.log.head(),
            symbols=tuple(rows),
            mismatches=(*of_quotes.values(), *of_symbols, *of_accounts),
            quotes_compared=len(quotes),
            accounts_compared=len(party_as),
            live_quotes=len(self._book.live),
            symbol_of={m.key: self._symbol_of(quote_id, chain, quotes) for quote_id, m in of_quotes.items()}
            | {mismatch.key: mismatch.subject for mismatch in of_symbols},
            trades_compared={symbol: each.compared for symbol, each in trades.items()},
        )
        marks = {terms.name: self._board.mark_of(terms.symbol_id) for terms in self._board.symbols.values()}
        return Seen(verdict=verdict, chain=chain, quotes=quotes, trades=trades, marks=marks)

    def _quotes_that_differ(self, chain: Mapping[int, QuoteView], quotes: Mapping[int, Quote]) -> dict[int, Mismatch]:
        found = {
            number: quote_differs(quote, chain.get(number), self._ledger.party_b) for number, quote in quotes.items()
        }
        return {number: mismatch for number, mismatch in found.items() if mismatch is not None}

    async def _accounts_that_differ(self, party_as: Sequence[str], head: BlockRef | None) -> list[Mismatch]:
        on_chain = await self._views.allocations(self._ledger.party_b, party_as, head)
        found = []
        for party_a in party_as:
            allocated = (await self._ledger.account(party_a)).allocated
            if (mismatch := allocation_differs(party_a, on_chain.get(party_a, 0), allocated)) is not None:
                found.append(mismatch)
        return found

    async def _compared(
        self,
        known: Reconciliation,
        holders: Sequence[Holder],
        differing: Sequence[Mismatch],
        trades_of: Collection[str] | None,
    ) -> dict[str, TradesCompared]:
        traded = sorted(self._board.rules)
        wanted = {mismatch.subject for mismatch in differing}.union(traded if trades_of is None else trades_of)
        symbols = wanted.intersection(traded)  # the venue tells nothing of what it does not list
        if traded:
            symbols.add(traded[self._turn % len(traded)])
            self._turn += 1
        return {symbol: await self._trades.compare(symbol, known, holders) for symbol in sorted(symbols)}

    def _symbol_of(self, quote_id: int, chain: Mapping[int, QuoteView], quotes: Mapping[int, Quote]) -> str:
        view = chain.get(quote_id)
        terms = self._board.symbols.get(view.symbol_id if view is not None else symbol_id_of(quotes[quote_id]))
        return terms.name if terms is not None else ""

    def _recent_head(self) -> BlockRef | None:
        """The block that the log has read, so that both tell of one moment; None where its state may be gone."""
        head = self._board.head
        return head if head is not None and self._board.clock_s() - head.timestamp <= _OLDEST_STATE_S else None
