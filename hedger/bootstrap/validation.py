"""Builds the position validator, and what runs the repairs it proposes."""

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

from hedger.adapters.chain.archive import ChainArchive, Retelling
from hedger.adapters.chain.decode import BlockDecoder
from hedger.adapters.chain.quote_owners import QuoteOwners
from hedger.adapters.chain.reader import BlockReader
from hedger.adapters.chain.rpc import RpcPool
from hedger.adapters.chain.views import ChainViews
from hedger.adapters.log.port import EventLog
from hedger.adapters.postgres import Pool
from hedger.adapters.streams.port import Streams
from hedger.adapters.venue.port import Venue
from hedger.application.book import Book
from hedger.application.inputs import Board
from hedger.application.ledger import Ledger
from hedger.application.position_validator import PositionValidator
from hedger.application.position_validator import Settings as Allowed
from hedger.application.validation.closing import ForeignCloser
from hedger.application.validation.explaining import Explainer
from hedger.application.validation.looking import Looker
from hedger.application.validation.ports import OwnFill, OwnOrder
from hedger.application.validation.repairing import Repairer
from hedger.application.validation.trades import TradeComparison
from hedger.bootstrap.connections import accounts, clock_ms
from hedger.config import Settings
from hedger.domain.money import from_text

_FILLS = """
    SELECT trade_id, client_order_id, quantity, traded_at_ms, position FROM fills
    WHERE venue = %s AND symbol = %s AND traded_at_ms >= %s ORDER BY position
"""
_ORDERS = """
    SELECT client_order_id, quote_id, venue_order_id, quantity, filled FROM orders
    WHERE symbol = %s AND venue_order_id = ANY(%s)
"""


class RecordedTrades:
    """The record of the quotes' own trades, as the read models have it."""

    def __init__(self, pool: Pool, log: EventLog, venue: str) -> None:
        self._pool, self._log, self._venue = pool, log, venue

    async def fills(self, symbol: str, *, since_ms: int) -> list[OwnFill]:
        rows = await self._rows(_FILLS, (self._venue, symbol, since_ms))
        return [
            OwnFill(
                trade_id=trade_id,
                client_order_id=order_id,
                quantity=int(quantity),
                traded_at_ms=at_ms,
                log_position=position,
            )
            for trade_id, order_id, quantity, at_ms, position in rows
        ]

    async def orders(self, symbol: str, venue_order_ids: Sequence[str]) -> dict[str, OwnOrder]:
        if not venue_order_ids:
            return {}
        return {
            venue_order_id: OwnOrder(
                client_order_id=order_id,
                quote_id=quote_id,
                symbol_id=0,
                venue_order_id=venue_order_id,
                quantity=int(quantity),
                filled=int(filled),
            )
            for order_id, quote_id, venue_order_id, quantity, filled in await self._rows(
                _ORDERS, (symbol, list(venue_order_ids))
            )
        }

    async def began_ms(self) -> int:
        first = await self._log.page(after=0, limit=1)
        return first[0].recorded_at_ms if first else clock_ms()

    async def _rows(self, query: str, parameters: tuple[Any, ...]) -> list[tuple[Any, ...]]:
        async with self._pool.connection() as connection:
            return await (await connection.execute(query.encode(), parameters)).fetchall()


class Validation:
    """The validator over given parts; `repairer` makes what runs its repairs, which only a running hedger does."""

    def __init__(
        self,
        settings: Settings,
        ledger: Ledger,
        book: Book,
        board: Board,
        venue: Venue,
        views: ChainViews,
        rpc: RpcPool,
        pool: Pool,
    ) -> None:
        chain = settings.chain
        self._settings, self._ledger, self._board, self._venue, self._views = settings, ledger, board, venue, views
        self._book = book
        self._archive = ChainArchive(
            views,
            BlockReader(rpc, chain.diamond, collector="validator"),
            BlockDecoder(chain.chain_id, legacy=chain.legacy_events),
        )
        trades = TradeComparison(venue, RecordedTrades(pool, ledger.log, venue.name))
        self._looker = Looker(ledger, book, board, venue, views, partial(accounts, pool), trades, settings.to_policy())

    def validator(self) -> PositionValidator:
        section = self._settings.validator
        allowed = Allowed(
            repair=section.repair,
            max_notional=from_text(section.max_repair_notional),
            close_foreign=section.close_foreign,
        )
        explainer = Explainer(self._ledger, self._archive, start_block=self._settings.chain.start_block)
        return PositionValidator(self._ledger, self._looker, explainer, allowed, on_foreign=self._note_foreign)

    def repairer(self, streams: Streams) -> Repairer:
        owners = QuoteOwners(self._views.owners)
        return Repairer(
            self._ledger,
            self._looker,
            self._archive,
            Retelling(self._settings.chain.chain_id, self._archive, owners, streams),
            streams,
            ForeignCloser(self._venue, self._ledger, self._board, tag=self._settings.tag, clock_ms=clock_ms),
            venue=self._venue.name,
        )

    def _note_foreign(self, held: Mapping[str, int]) -> None:
        for terms in self._board.symbols.values():
            self._book.note_foreign(terms.symbol_id, held.get(terms.name, 0))
