"""Measures the equity at the contract and at the venue, at one quiet moment."""

from collections.abc import Awaitable, Callable, Sequence
from typing import Protocol

from hedger.adapters.chain.view_structs import ContractSymbol
from hedger.adapters.venue.port import Income, Venue, VenueUnavailable
from hedger.application.opening_state import BalanceViews, PositionViews
from hedger.domain.accounting.equity import Measured, OpenPosition
from hedger.domain.feed import BlockRef

_ATTEMPTS = 5
_LOOKED_BACK_MS = 60_000


class EquityViews(PositionViews, Protocol):
    """What is asked of the contract besides balances."""

    async def symbols(self, block: BlockRef | int | None = None) -> list[ContractSymbol]: ...


class EquityMeter:
    """Asks contract and venue alone: nothing of the log goes into what is measured, but which accounts there are."""

    def __init__(
        self,
        balances: BalanceViews,
        views: EquityViews,
        venue: Venue,
        *,
        party_b: str,
        party_as: Callable[[], Awaitable[Sequence[str]]],
    ) -> None:
        self._balances, self._views, self._venue = balances, views, venue
        self._party_b, self._party_as = party_b, party_as

    async def measure(self) -> Measured:
        """One reading of both sides; asked again while either moves. Raises what they raise, and VenueUnavailable where
        the venue does not stand still."""
        before = await self._movements()
        for _ in range(_ATTEMPTS):
            measured = await self._read()
            after = await self._movements()
            if after == before:
                return measured
            before = after
        raise VenueUnavailable("the wallet does not stand still")

    async def _movements(self) -> list[Income]:
        return await self._venue.income(await self._venue.time_ms() // _LOOKED_BACK_MS * _LOOKED_BACK_MS)

    async def _read(self) -> Measured:
        read = await self._balances.treasury(self._party_b)
        quotes = await self._views.open_positions_of_party_b(self._party_b, read.block)
        party_as = sorted({*await self._party_as(), *(quote.party_a for quote in quotes)})
        allocations = await self._views.allocations(self._party_b, party_as, read.block) if party_as else {}
        names = {symbol.symbol_id: symbol.name for symbol in await self._views.symbols(read.block)}
        margin, positions = await self._venue.margin(), await self._venue.holdings()
        marks = {name: market.mark for name, market in (await self._venue.markets()).items()}
        return Measured(
            block_number=read.block.number,
            free=read.free,
            vault=read.vault,
            allocated=sum(allocations.values()),
            open_positions=tuple(
                OpenPosition(
                    symbol=names.get(quote.symbol_id, ""),
                    position_type=quote.position_type,
                    quantity=quote.open_quantity,
                    opened_price=quote.opened_price,
                )
                for quote in quotes
            ),
            wallet=margin.wallet,
            venue_positions=tuple(positions),
            marks=marks | {position.symbol: position.mark for position in positions},
        )
