"""Whoever holds the contract's roles: pauses, suspensions, listings, emergencies, disputes."""

from collections.abc import Mapping
from enum import StrEnum

from eth_utils.crypto import keccak

from devnet.actors.diamond import Diamond
from devnet.deployment import Deployment
from devnet.traders import Wallet


class Pause(StrEnum):
    """A part of the system that stands still by itself; GLOBAL stops all but internal transfers."""

    GLOBAL = "Global"
    LIQUIDATION = "Liquidation"
    ACCOUNTING = "Accounting"
    PARTY_A_ACTIONS = "PartyAActions"
    PARTY_B_ACTIONS = "PartyBActions"
    INTERNAL_TRANSFER = "InternalTransfer"


class Administrator:
    """Every method returns once its transaction is in a block, and raises TransactionReverted."""

    def __init__(self, deployment: Deployment, wallet: Wallet) -> None:
        self.wallet = wallet
        self._diamond = Diamond(deployment, wallet)

    async def grant(self, role: str, user: str) -> None:
        """`role` by its name, as `LIQUIDATOR_ROLE`."""
        await self._diamond.call("grantRole", user, keccak(text=role))

    async def revoke(self, role: str, user: str) -> None:
        await self._diamond.call("revokeRole", user, keccak(text=role))

    async def pause(self, part: Pause) -> None:
        await self._diamond.call(f"pause{part}")

    async def unpause(self, part: Pause) -> None:
        await self._diamond.call(f"unpause{part}")

    async def suspend(self, user: str) -> None:
        """A suspended user neither moves money nor opens."""
        await self._diamond.call("suspendedAddress", user)

    async def unsuspend(self, user: str) -> None:
        await self._diamond.call("unsuspendedAddress", user)

    async def delist(self, symbol_id: int) -> None:
        """Nothing is opened in the symbol any more, and its positions may be closed in an emergency."""
        await self._diamond.call("setSymbolValidationState", symbol_id, False)

    async def list_again(self, symbol_id: int) -> None:
        await self._diamond.call("setSymbolValidationState", symbol_id, True)

    async def set_emergency(self, active: bool) -> None:
        """Of the whole system."""
        await self._diamond.call("activeEmergencyMode" if active else "deactiveEmergencyMode")

    async def set_emergency_of(self, party_b: str, active: bool) -> None:
        """Of one hedger."""
        await self._diamond.call("setPartyBEmergencyStatus", [party_b], active)

    async def resolve_dispute(
        self, party_a: str, amounts: Mapping[str, int] | None = None, *, disputed: bool = False
    ) -> None:
        """Fix what each hedger gets (negative, wad) or pays (positive) of a liquidation; unnamed ones as booked."""
        fixed = amounts or {}
        await self._diamond.call("resolveLiquidationDispute", party_a, list(fixed), list(fixed.values()), disputed)

    async def set_funding(self, symbol_id: int, *, epoch_s: int, window_s: int) -> None:
        """How often a symbol's positions may be charged, and how far around each boundary; less than half an epoch."""
        await self._diamond.call("setSymbolFundingState", symbol_id, epoch_s, window_s)
