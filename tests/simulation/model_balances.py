"""The contract's views of PartyB's own balances and positions, for the opening state."""

import asyncio
from collections.abc import Sequence

from hedger.adapters.chain.rpc import RpcUnavailable
from hedger.adapters.chain.treasury_views import TreasuryRead
from hedger.adapters.chain.view_structs import QuoteView
from hedger.domain.feed import BlockRef
from tests.simulation.faults import Weather
from tests.simulation.model_chain import Block, ModelChain
from tests.simulation.model_rpc import Gate
from tests.simulation.model_state import US
from tests.simulation.virtual_time import VirtualLoop

DECIMALS = 6


class ModelBalances:
    """Answers at blocks of the chain as it is; the hedger starts before anybody trades."""

    def __init__(self, loop: VirtualLoop, chain: ModelChain, weather: Weather, gate: Gate) -> None:
        self._loop, self._chain, self._weather, self._gate = loop, chain, weather, gate

    async def head(self) -> BlockRef:
        await self._asked()
        return _ref(self._chain.head)

    async def treasury(self, party_b: str, block: BlockRef | int | None = None) -> TreasuryRead:
        await self._asked()
        number = block.number if isinstance(block, BlockRef) else block
        at = self._chain.head if number is None else self._chain.at(number) or self._chain.blocks[0]
        return TreasuryRead(block=_ref(at), free=at.state.free, vault=0, deallocated_at=0)

    async def collateral_decimals(self, block: BlockRef | int | None = None) -> int:
        await self._asked()
        return DECIMALS

    async def open_positions_of_party_b(self, party_b: str, block: BlockRef | int | None = None) -> list[QuoteView]:
        await self._asked()
        return []

    async def allocations(
        self, party_b: str, party_as: Sequence[str], block: BlockRef | int | None = None
    ) -> dict[str, int]:
        await self._asked()
        assert party_b == US
        return {}

    async def _asked(self) -> None:
        self._gate()
        await asyncio.sleep(self._weather.takes(self._weather.rpc_slow_s))
        self._gate()
        if self._weather.is_away("rpc", self._loop.time()) or self._weather.happens(self._weather.rpc_fails):
            raise RpcUnavailable("no view")


def _ref(block: Block) -> BlockRef:
    return BlockRef(number=block.number, hash=block.hash, parent_hash=block.parent_hash, timestamp=block.timestamp)
