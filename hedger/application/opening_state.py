"""The opening state: what the hedger had on chain and at the venue when counting began, recorded once."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Protocol

import structlog

from hedger.adapters.chain.rpc_errors import RpcError
from hedger.adapters.chain.treasury_views import TreasuryRead
from hedger.adapters.chain.view_reader import ViewUnreadable
from hedger.adapters.chain.view_structs import QuoteView
from hedger.adapters.venue.port import Venue, VenueUnavailable
from hedger.application.ledger import Draft, Ledger
from hedger.application.venue_income import movement_of
from hedger.domain.feed import BlockRef
from hedger.domain.treasury import CarriedQuote, TreasuryOpened
from hedger.domain.venue_cash import OVERLAP_MS, VenueCashOpened

logger = structlog.get_logger(__name__)

# A log without facts begins at a block that no reorganisation takes away any more; what came after is read as facts.
_SETTLED_BLOCKS = 12
_ATTEMPTS = 5


class BalanceViews(Protocol):
    """Balances as the contract's views tell them."""

    async def treasury(self, party_b: str, block: BlockRef | int | None = None) -> TreasuryRead: ...

    async def collateral_decimals(self, block: BlockRef | int | None = None) -> int: ...


class PositionViews(Protocol):
    """Positions and allocations as the contract's views tell them."""

    async def head(self) -> BlockRef: ...

    async def open_positions_of_party_b(self, party_b: str, block: BlockRef | int | None = None) -> list[QuoteView]: ...

    async def allocations(
        self, party_b: str, party_as: Sequence[str], block: BlockRef | int | None = None
    ) -> dict[str, int]: ...


class OpeningState:
    """Takes the opening state where the log has none.

    Marks are by symbol name; `symbol_of` names a symbol id. `start_block` is the first block that is read.
    """

    def __init__(
        self,
        ledger: Ledger,
        balances: BalanceViews,
        positions: PositionViews,
        venue: Venue,
        *,
        symbol_of: Callable[[int], str],
        start_block: int,
    ) -> None:
        self._ledger, self._balances, self._positions, self._venue = ledger, balances, positions, venue
        self._symbol_of, self._start_block = symbol_of, start_block

    async def take_once(self, party_as: Iterable[str] = ()) -> bool:
        """Record it, unless it is recorded; `party_as` are accounts that are known already.

        Returns whether it was taken. Raises what chain or venue raise when they do not answer.
        """
        treasury, cash = await self._ledger.treasury(), await self._ledger.venue_cash(self._venue.name)
        if treasury.opened is not None:
            return False
        marks = {name: market.mark for name, market in (await self._venue.markets()).items()}
        of_chain, of_venue = await self._chain(marks, party_as), await self._of_venue()
        chain_side, venue_side = Draft(treasury), Draft(cash)
        chain_side.add([of_chain])
        venue_side.add([of_venue])
        await self._ledger.save(
            [chain_side, venue_side], correlation_id="opening", causation_id=f"block:{of_chain.block_hash}"
        )
        logger.info("opening state recorded", block=of_chain.block_number, free=of_chain.free, wallet=of_venue.wallet)
        return True

    async def _chain(self, marks: Mapping[str, int], party_as: Iterable[str]) -> TreasuryOpened:
        head = await self._positions.head()
        if await self._ledger.log.recent_blocks(self._ledger.chain_id, limit=1):
            return await self._chain_at(head, marks, party_as)
        settled = max(head.number - _SETTLED_BLOCKS, self._start_block - 1)
        try:
            return await self._chain_at(min(settled, head.number), marks, party_as)
        except (RpcError, ViewUnreadable):
            return await self._chain_at(head, marks, party_as)  # so far back there was no contract yet

    async def _chain_at(
        self, block: BlockRef | int, marks: Mapping[str, int], party_as: Iterable[str]
    ) -> TreasuryOpened:
        party_b = self._ledger.party_b
        read = await self._balances.treasury(party_b, block)
        quotes = await self._positions.open_positions_of_party_b(party_b, read.block)
        known = sorted({*party_as, *(quote.party_a for quote in quotes)})
        return TreasuryOpened(
            chain_id=self._ledger.chain_id,
            diamond=self._ledger.diamond,
            party_b=party_b,
            block_number=read.block.number,
            block_hash=read.block.hash,
            block_timestamp=read.block.timestamp,
            collateral_decimals=await self._balances.collateral_decimals(read.block),
            free=read.free,
            vault=read.vault,
            deallocated_at=read.deallocated_at,
            allocations=await self._positions.allocations(party_b, known, read.block) if known else {},
            quotes=tuple(self._carried(quote, marks) for quote in quotes),
        )

    def _carried(self, quote: QuoteView, marks: Mapping[str, int]) -> CarriedQuote:
        symbol = self._symbol_of(quote.symbol_id)
        return CarriedQuote(
            quote_id=quote.quote_id,
            party_a=quote.party_a,
            symbol_id=quote.symbol_id,
            symbol=symbol,
            position_type=quote.position_type,
            open_quantity=quote.open_quantity,
            opened_price=quote.opened_price,
            mark=marks.get(symbol, quote.opened_price),
        )

    async def _of_venue(self) -> VenueCashOpened:
        """Wallet and movements are two questions: asked until nothing moved between them."""
        from_ms = await self._venue.time_ms() - OVERLAP_MS
        before = await self._venue.income(from_ms)
        for _ in range(_ATTEMPTS):
            margin, positions = await self._venue.margin(), await self._venue.holdings()
            after = await self._venue.income(from_ms)
            if after == before:
                return VenueCashOpened(
                    venue=self._venue.name,
                    asset=margin.asset,
                    wallet=margin.wallet,
                    from_ms=from_ms,
                    counted=tuple(movement_of(self._venue.name, income).fact_id for income in after),
                    positions=tuple(positions),
                )
            before = after
        raise VenueUnavailable("the wallet does not stand still")
