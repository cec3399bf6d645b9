"""A PartyA behind a MultiAccount: the owner's key signs, a sub-account contract trades."""

from typing import Any

from devnet.contract_abi import Abi
from devnet.deployment import Deployment
from devnet.traders.trader import Trader
from devnet.traders.wallet import Wallet, logged
from hedger.adapters.muon import Muon

MULTI_ACCOUNT = Abi.load("multi_account")


class SubAccountTrader(Trader):
    """A trader as front ends make them; its quotes carry the MultiAccount as their affiliate."""

    def __init__(self, deployment: Deployment, wallet: Wallet, muon: Muon, *, account: str) -> None:
        super().__init__(deployment, wallet, muon, affiliate=deployment.multi_account)
        self._account = account

    @classmethod
    async def create(cls, deployment: Deployment, wallet: Wallet, muon: Muon, *, name: str) -> "SubAccountTrader":
        """A trader with a new sub-account of its wallet."""
        receipt = await wallet.send(deployment.multi_account, MULTI_ACCOUNT["addAccount"].calldata(name))
        [payload] = logged(receipt, deployment.multi_account, MULTI_ACCOUNT.topic("AddAccount"))
        return cls(deployment, wallet, muon, account=f"0x{payload[44:64].hex()}")

    @property
    def party_a(self) -> str:
        return self._account

    async def as_party_a(self, calldata: bytes) -> dict[str, Any]:
        batch = MULTI_ACCOUNT["_call"].calldata(self._account, [calldata])
        return await self.wallet.send(self.deployment.multi_account, batch)

    def _depositor(self) -> str:
        return self.deployment.multi_account

    async def _deposit_and_allocate(self, units: int) -> None:
        deposit = MULTI_ACCOUNT["depositAndAllocateForAccount"].calldata(self._account, units)
        await self.wallet.send(self.deployment.multi_account, deposit)
