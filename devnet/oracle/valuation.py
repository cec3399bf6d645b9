"""What the positions of a PartyA are worth: those of one block, at the mark prices of now."""

import asyncio
from dataclasses import dataclass

from devnet.oracle.candles import Candles
from devnet.oracle.chain_view import Block, ChainView
from devnet.oracle.market import MarkPrices
from devnet.oracle.positions import Position, capped_upnl, upnl_by_party_b
from devnet.oracle.questions import Ask


@dataclass(frozen=True, slots=True)
class Valuation:
    """Nonces and profits at one block; `price` is that of the symbol asked for, else 0; `prices` are by symbol id."""

    nonce_a: int
    nonce_b: int
    upnl_a: int
    upnl_b: int
    price: int
    positions: list[Position]
    prices: dict[int, int]


class Valuer:
    def __init__(self, chain: ChainView, marks: MarkPrices) -> None:
        self._chain = chain
        self._marks = marks

    async def value(
        self, ask: Ask, party_a: str, party_b: str | None = None, *, symbol_id: int | None = None
    ) -> Valuation:
        state = await self._chain.party_a(ask.block, party_a, party_b)
        symbol_ids = {position.symbol_id for position in state.positions}
        asked = symbol_ids if symbol_id is None else symbol_ids | {symbol_id}
        party_bs = sorted({position.party_b for position in state.positions})
        prices, allocated = await asyncio.gather(
            self.prices_of(ask.block, asked), self._chain.allocated(ask.block, party_a, party_bs)
        )
        upnls = upnl_by_party_b(state.positions, prices)
        return Valuation(
            nonce_a=state.nonce_a + ask.nonce_shift,
            nonce_b=state.nonce_b + ask.nonce_shift,
            upnl_a=capped_upnl(upnls, allocated),
            upnl_b=-upnls.get(party_b, 0) if party_b else 0,
            price=0 if symbol_id is None else prices[symbol_id],
            positions=state.positions,
            prices=prices,
        )

    async def value_at(self, block: Block, party_a: str, candles: Candles) -> Valuation:
        """A PartyA at the end of an earlier block, at the prices of its time. Raises CandlesMissing."""
        state = await self._chain.party_a(block, party_a, None)
        names = await self._chain.symbol_names(block, sorted({each.symbol_id for each in state.positions}))
        party_bs = sorted({each.party_b for each in state.positions})
        allocated = await self._chain.allocated(block, party_a, party_bs)
        told = await asyncio.gather(*(candles.price_at(name, block.timestamp) for name in names.values()))
        prices = dict(zip(names, told, strict=True))
        upnl_a = capped_upnl(upnl_by_party_b(state.positions, prices), allocated)
        return Valuation(state.nonce_a, 0, upnl_a, 0, 0, state.positions, prices)

    async def prices_of(self, block: Block, symbol_ids: set[int]) -> dict[int, int]:
        return await self._marks.of(await self._chain.symbol_names(block, sorted(symbol_ids)))
