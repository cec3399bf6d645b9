"""The contract as a third party uses it: views, and calls that are tried before they are sent."""

from collections.abc import Sequence
from typing import Any

from devnet.contract_abi import Abi
from devnet.deployment import Deployment
from devnet.rpc import RpcError
from devnet.traders import TransactionReverted, Wallet

SYMMIO = Abi.load("symmio")


class Diamond:
    """One diamond and the wallet that calls it. Any call of one node may raise RpcError or aiohttp.ClientError."""

    def __init__(self, deployment: Deployment, wallet: Wallet) -> None:
        self.deployment, self.wallet = deployment, wallet
        self.address = deployment.diamond

    async def read(self, function: str, *arguments: Any) -> Any:
        """The value a view returns, or the tuple of several."""
        [value] = await self.read_all([(function, arguments)])
        return value

    async def read_all(self, views: Sequence[tuple[str, Sequence[Any]]]) -> list[Any]:
        """Several views in one round trip."""
        calls = [(self.address, SYMMIO[function].calldata(*arguments)) for function, arguments in views]
        returned = await self.wallet.rpc.eth_calls(calls)
        decoded = [SYMMIO[function].decode(each) for (function, _), each in zip(views, returned, strict=True)]
        return [values[0] if len(values) == 1 else values for values in decoded]

    async def call(self, function: str, *arguments: Any) -> dict[str, Any]:
        """The receipt of a call in a block. Raises TransactionReverted; where it would revert now, nothing is sent."""
        calldata = SYMMIO[function].calldata(*arguments)
        try:
            await self.wallet.rpc.eth_call(self.address, calldata, sender=self.wallet.address)
        except RpcError as error:
            if error.revert_reason is None:
                raise
            raise TransactionReverted("", error.revert_reason) from error
        return await self.wallet.send(self.address, calldata)

    async def now(self) -> int:
        """Time of the latest block, in unix seconds."""
        return await self.wallet.rpc.latest_timestamp()
