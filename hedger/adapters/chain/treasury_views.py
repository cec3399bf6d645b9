"""What PartyB holds on the contract outside of allocations, as views tell it."""

from typing import Any

import msgspec

from hedger.adapters.chain.abi import interface
from hedger.adapters.chain.rpc import RpcError, RpcPool
from hedger.adapters.chain.view_reader import Block, ViewCall, ViewReader
from hedger.domain.feed import BlockRef


class TreasuryRead(msgspec.Struct, frozen=True, kw_only=True):
    """Balances at one block, wads; `deallocated_at` (seconds of the chain) is where the wait before a withdrawal
    begins."""

    block: BlockRef
    free: int
    vault: int
    deallocated_at: int


class TreasuryViews:
    """Reads one SYMMIO contract. Every method raises RpcError, RpcUnavailable and ViewUnreadable."""

    def __init__(self, rpc: RpcPool, diamond: str) -> None:
        self._reader = ViewReader(rpc)
        self._diamond = diamond.lower()
        self._symmio, self._token = interface("symmio"), interface("erc20")

    async def treasury(self, party_b: str, block: Block = None) -> TreasuryRead:
        """Free balance, vault and last deallocation at one block, by default the node's newest."""
        names = ("balanceOf", "withdrawCooldownOf", "balanceOfReserveVault")
        at, (free, since, vault) = await self._reader.outcomes([self._call(name, party_b) for name in names], block)
        for told in (free, since):
            if isinstance(told, Exception):
                raise told
        if isinstance(vault, Exception) and not isinstance(vault, RpcError):
            raise vault
        # Contracts before 0.8.4 have no vault, and revert when asked for it.
        held = 0 if isinstance(vault, RpcError) else vault[0]
        return TreasuryRead(block=at, free=free[0], vault=held, deallocated_at=since[0])

    async def collateral_decimals(self, block: Block = None) -> int:
        """Decimals of the collateral token."""
        at, [(token,)] = await self._reader.read([self._call("getCollateral")], block)
        _, [(decimals,)] = await self._reader.read([ViewCall(token, self._token["decimals"])], at)
        return int(decimals)

    def _call(self, name: str, *arguments: Any) -> ViewCall:
        return ViewCall(self._diamond, self._symmio[name], arguments)
