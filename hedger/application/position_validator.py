"""The position validator: chain, venue and log side by side; a difference becomes an event, never a silent fix."""

from collections.abc import Sequence
from typing import Protocol

import msgspec
import structlog

from hedger.adapters.chain.view_structs import QuoteView
from hedger.adapters.venue.port import Venue
from hedger.application.book import Book
from hedger.application.inputs import Board
from hedger.application.ledger import Draft, Ledger
from hedger.domain.events import Event
from hedger.domain.money import to_text
from hedger.domain.quote.quote import Quote
from hedger.domain.reconciliation import Mismatch, MismatchFound, MismatchKind, MismatchResolved
from hedger.domain.terms import PositionType, QuoteStatus

logger = structlog.get_logger(__name__)


class ValidatorViews(Protocol):
    """What the validator asks of the contract, all at the head of the chain."""

    async def active_quotes_of_party_b(self, party_b: str) -> list[QuoteView]:
        """Every quote of this PartyB that is locked, asked to be cancelled, or open."""
        ...

    async def allocations(self, party_b: str, party_as: Sequence[str]) -> dict[str, int]: ...


class SymbolRow(msgspec.Struct, frozen=True, kw_only=True):
    """One symbol on the three sides, signed quantities (wads), long positive."""

    symbol: str
    chain_open: int
    venue_position: int
    log_open: int
    log_hedge: int
    step: int
    busy: bool  # orders or transactions are under way: chain and venue may differ by them

    @property
    def residual(self) -> int:
        return self.chain_open - self.venue_position


class Verdict(msgspec.Struct, frozen=True, kw_only=True):
    """What one look found."""

    block_number: int
    log_position: int
    symbols: tuple[SymbolRow, ...]
    mismatches: tuple[Mismatch, ...]
    quotes_compared: int
    accounts_compared: int
    live_quotes: int

    @property
    def agrees(self) -> bool:
        return not self.mismatches


class PositionValidator:
    """Looks, and tells a difference once it has stayed over two looks: what is on its way is no mismatch."""

    def __init__(
        self, ledger: Ledger, book: Book, board: Board, venue: Venue, views: ValidatorViews, party_as: "PartyAs"
    ) -> None:
        self._ledger, self._book, self._board = ledger, book, board
        self._venue, self._views, self._party_as = venue, views, party_as
        self._suspected: dict[str, Mismatch] = {}

    async def look(self) -> Verdict:
        """One comparison. Raises what the chain or the venue raise when they do not answer: nothing is concluded."""
        active = await self._views.active_quotes_of_party_b(self._ledger.party_b)
        chain = {view.quote_id: view for view in active}
        venue = await self._venue.positions()
        ids = sorted(set(chain) | set(self._book.live))
        quotes = [await self._ledger.quote(quote_id) for quote_id in ids]
        rows = self._symbols(chain, venue, quotes)
        party_as = await self._party_as()
        allocations = await self._views.allocations(self._ledger.party_b, party_as)
        found = [
            *self._quotes_that_differ(chain, quotes),
            *(mismatch for row in rows for mismatch in _venue_differs(row)),
            *[m for party_a in party_as if (m := await self._allocation_differs(party_a, allocations.get(party_a, 0)))],
        ]
        head = self._board.head
        return Verdict(
            block_number=head.number if head is not None else 0,
            log_position=await self._ledger.log.head(),
            symbols=tuple(rows),
            mismatches=tuple(found),
            quotes_compared=len(quotes),
            accounts_compared=len(party_as),
            live_quotes=len(self._book.live),
        )

    async def look_and_record(self) -> Verdict:
        """Look, and record what stayed since the last look, and what is explained again."""
        verdict = await self.look()
        now = {mismatch.key: mismatch for mismatch in verdict.mismatches}
        confirmed = [m for key, m in now.items() if self._suspected.get(key) == m]
        self._suspected = now
        known = await self._ledger.reconciliation()
        async with self._ledger.lock(known.id):
            draft = Draft(await self._ledger.reconciliation())
            draft.add(_changes(known.open, confirmed, now, verdict))
            await self._ledger.save([draft], correlation_id="validator", causation_id=f"block:{verdict.block_number}")
        for event in draft.events:
            said = msgspec.to_builtins(event)
            logger.warning(said.pop("event"), **said)
        return verdict

    def _symbols(self, chain: dict[int, QuoteView], venue: dict[str, int], quotes: list[Quote]) -> list[SymbolRow]:
        rows = []
        for terms in self._board.symbols.values():
            of_symbol = [q for q in quotes if _symbol_of(q) == terms.symbol_id]
            rules = self._board.rules.get(terms.name)
            row = SymbolRow(
                symbol=terms.name,
                chain_open=sum(
                    _signed(view.position_type, view.open_quantity)
                    for view in chain.values()
                    if view.symbol_id == terms.symbol_id and view.status.is_position
                ),
                venue_position=venue.get(terms.name, 0),
                log_open=sum(_log_open(q, self._ledger.party_b) for q in of_symbol),
                log_hedge=sum(_log_hedge(q) for q in of_symbol),
                step=rules.step if rules is not None else 0,
                busy=any(_is_busy(q) for q in of_symbol),
            )
            if row.chain_open or row.venue_position or row.log_open or row.log_hedge:
                rows.append(row)
        return rows

    def _quotes_that_differ(self, chain: dict[int, QuoteView], quotes: list[Quote]) -> list[Mismatch]:
        found = []
        for quote in quotes:
            theirs, ours = _text(chain.get(quote.quote_id)), _log_text(quote, self._ledger.party_b)
            if theirs != ours:
                subject = str(quote.quote_id)
                found.append(Mismatch(kind=MismatchKind.QUOTE, subject=subject, chain=theirs, venue="", log=ours))
        return found

    async def _allocation_differs(self, party_a: str, on_chain: int) -> Mismatch | None:
        account = await self._ledger.account(party_a)
        if account.allocated == on_chain:
            return None
        return Mismatch(
            kind=MismatchKind.ALLOCATION,
            subject=party_a,
            chain=to_text(on_chain),
            venue="",
            log=to_text(account.allocated),
        )


class PartyAs(Protocol):
    """Every PartyA that this hedger has an account with."""

    async def __call__(self) -> list[str]: ...


def _venue_differs(row: SymbolRow) -> list[Mismatch]:
    found = []
    texts = {"chain": to_text(row.chain_open), "venue": to_text(row.venue_position), "log": to_text(row.log_hedge)}
    if row.venue_position != row.log_hedge:
        found.append(Mismatch(kind=MismatchKind.POSITION, subject=row.symbol, **texts))
    if not row.busy and abs(row.residual) > row.step:
        found.append(Mismatch(kind=MismatchKind.EXPOSURE, subject=row.symbol, **texts))
    return found


def _changes(
    known: dict[str, Mismatch], confirmed: list[Mismatch], now: dict[str, Mismatch], verdict: Verdict
) -> list[Event]:
    at = {"block_number": verdict.block_number, "log_position": verdict.log_position}
    events: list[Event] = [
        MismatchFound(kind=m.kind, subject=m.subject, chain=m.chain, venue=m.venue, log=m.log, **at)
        for m in confirmed
        if known.get(m.key) != m
    ]
    gone = [m for key, m in known.items() if key not in now]
    return events + [MismatchResolved(kind=m.kind, subject=m.subject, **at) for m in gone]


def _signed(position: PositionType, quantity: int) -> int:
    return quantity if position is PositionType.LONG else -quantity


def _symbol_of(quote: Quote) -> int:
    return quote.chain.symbol_id if quote.chain is not None else 0


def _log_open(quote: Quote, party_b: str) -> int:
    facet = quote.chain
    if facet is None or facet.party_b != party_b:
        return 0
    return _signed(facet.position_type, facet.open_quantity)


def _log_hedge(quote: Quote) -> int:
    return _signed(quote.chain.position_type, quote.hedge.quantity) if quote.chain is not None else 0


def _is_busy(quote: Quote) -> bool:
    """True while a step of this quote is under way, so that venue and chain may differ by it."""
    if quote.hedge.unsettled or quote.in_flight is not None or quote.chain is None:
        return True
    return quote.chain.status in (
        QuoteStatus.LOCKED,
        QuoteStatus.CANCEL_PENDING,
        QuoteStatus.CLOSE_PENDING,
        QuoteStatus.CANCEL_CLOSE_PENDING,
    )


def _text(view: QuoteView | None) -> str:
    if view is None:
        return "not ours"
    return _describe(view.status, view.open_quantity, view.opened_price)


def _log_text(quote: Quote, party_b: str) -> str:
    facet = quote.chain
    ours = facet is not None and facet.party_b == party_b and not facet.status.is_terminal
    if facet is None or not ours or facet.status is QuoteStatus.PENDING:
        return "not ours"
    return _describe(facet.status, facet.open_quantity, facet.opened_price)


def _describe(status: QuoteStatus, open_quantity: int, opened_price: int) -> str:
    if not status.is_position:
        return status.name
    return f"{status.name} {to_text(open_quantity)} at {to_text(opened_price)}"
