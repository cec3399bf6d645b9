"""A key of the local world: signs, sends, and waits until the transaction is in a block."""

import asyncio
from typing import Any

from eth_account import Account
from eth_account.signers.local import LocalAccount
from eth_utils.address import to_checksum_address

from devnet.rpc import JsonRpc, RpcError, bytes_of, call_object

GAS_LIMIT = 6_000_000
TIP_WEI = 1
ETHER = 10**18


class TransactionReverted(Exception):
    """The contract refused a transaction that is in a block; `reason` is its text, where it could be found out."""

    def __init__(self, transaction_hash: str, reason: str) -> None:
        self.transaction_hash = transaction_hash
        self.reason = reason
        super().__init__(f"{transaction_hash}: {reason}")


class Wallet:
    """One externally owned account. Many transactions may wait for their blocks at once, in the order of `send`.

    The nonce is read from the node each time, under a lock: a reorganised or reset chain needs no repair here.
    """

    def __init__(self, rpc: JsonRpc, account: LocalAccount, chain_id: int) -> None:
        self.rpc = rpc
        self.address: str = account.address
        self._account = account
        self._chain_id = chain_id
        self._sending = asyncio.Lock()

    @classmethod
    async def funded(cls, rpc: JsonRpc, private_key: int | str, chain_id: int, *, ether: int = 1_000) -> "Wallet":
        """A wallet with money for gas, given to it by the development node."""
        key = private_key.to_bytes(32, "big") if isinstance(private_key, int) else private_key
        wallet = cls(rpc, Account.from_key(key), chain_id)
        await rpc.call("anvil_setBalance", wallet.address, hex(ether * ETHER))
        return wallet

    async def send(self, to: str, calldata: bytes) -> dict[str, Any]:
        """The receipt of a transaction that succeeded. Raises TransactionReverted, ReceiptTimeout, RpcError."""
        transaction_hash = await self._submit(to, calldata)
        receipt = await self.rpc.wait_receipt(transaction_hash)
        if int(receipt["status"], 16) == 0:
            raise TransactionReverted(transaction_hash, await self._reason(to, calldata, receipt["blockNumber"]))
        return receipt

    async def _submit(self, to: str, calldata: bytes) -> str:
        async with self._sending:
            nonce, head, gas_price = await self.rpc.batch(
                [
                    ("eth_getTransactionCount", (self.address, "pending")),
                    ("eth_getBlockByNumber", ("latest", False)),
                    ("eth_gasPrice", ()),
                ]
            )
            transaction: dict[str, Any] = {
                "to": to_checksum_address(to),
                "data": calldata,
                "value": 0,
                "nonce": int(nonce, 16),
                "gas": GAS_LIMIT,
                "chainId": self._chain_id,
                **_fees(head, int(gas_price, 16)),
            }
            signed = self._account.sign_transaction(transaction)
            return await self.rpc.send_raw(bytes(signed.raw_transaction))

    async def _reason(self, to: str, calldata: bytes, block: str) -> str:
        """Why the contract refused: the same call once more, on the state after the block it was in."""
        try:
            await self.rpc.call("eth_call", call_object(to, calldata, self.address), block)
        except RpcError as error:
            return error.revert_reason or error.message
        return "would succeed now"


def _fees(head: dict[str, Any], gas_price_wei: int) -> dict[str, int]:
    """A tip of next to nothing, so that traders do not drive up the price the node suggests to everybody else."""
    if "baseFeePerGas" not in head:
        return {"gasPrice": gas_price_wei}
    return {"maxFeePerGas": 2 * int(head["baseFeePerGas"], 16) + TIP_WEI, "maxPriorityFeePerGas": TIP_WEI}


def logged(receipt: dict[str, Any], contract: str, topic: str) -> list[bytes]:
    """Payloads of the events with this topic that a contract logged in a transaction."""
    return [
        bytes_of(log["data"])
        for log in receipt["logs"]
        if log["address"].lower() == contract.lower() and log["topics"][0] == topic
    ]
