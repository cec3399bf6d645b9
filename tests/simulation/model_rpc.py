"""A node's face over the model chain, behind the interface of the RPC pool: slow, failing, sometimes away."""

import asyncio
from collections.abc import Callable, Sequence
from typing import Any

from eth_abi.abi import encode

from hedger.adapters.chain.abi import interface
from hedger.adapters.chain.blocks import CollectedBlock, collected, logs_of
from hedger.adapters.chain.gas import Fees
from hedger.adapters.chain.rpc import EndpointHealth
from hedger.adapters.chain.rpc_errors import RpcError, RpcUnavailable
from hedger.adapters.chain.signer import Unsigned
from hedger.domain.feed import BlockRef
from tests.simulation.faults import Weather
from tests.simulation.model_chain import CHAIN_ID_HEX, Block, ModelChain, execute
from tests.simulation.model_state import DIAMOND, Revert
from tests.simulation.virtual_time import VirtualLoop

_NONCE_A = interface("symmio")["nonceOfPartyA"].selector
_NONCE_B = interface("symmio")["nonceOfPartyB"].selector
Gate = Callable[[], None]
"""Raises CancelledError once the process that asks is dead."""


class ModelRpc:
    """Stands where an `RpcPool` stands."""

    def __init__(self, loop: VirtualLoop, chain: ModelChain, weather: Weather, gate: Gate) -> None:
        self._loop, self._chain, self._weather, self._gate = loop, chain, weather, gate
        self.health = [EndpointHealth(name="model")]

    async def call(self, method: str, params: Sequence[Any] = ()) -> Any:
        (outcome,) = await self.outcomes([(method, params)])
        if isinstance(outcome, RpcError):
            raise outcome
        return outcome

    async def batch(self, requests: Sequence[tuple[str, Sequence[Any]]]) -> list[Any]:
        outcomes = await self.outcomes(requests)
        for outcome in outcomes:
            if isinstance(outcome, RpcError):
                raise outcome
        return outcomes

    async def outcomes(self, requests: Sequence[tuple[str, Sequence[Any]]]) -> list[Any]:
        if not requests:
            return []
        self._gate()
        await asyncio.sleep(self._weather.takes(self._weather.rpc_slow_s / 2))
        self._gate()
        if self._weather.is_away("rpc", self._loop.time()):
            await asyncio.sleep(1.0)
            raise RpcUnavailable("the node is away")
        if self._weather.happens(self._weather.rpc_fails):
            self._perhaps_late(requests)
            raise RpcUnavailable("the question was lost")
        answers = [self._answer(method, params) for method, params in requests]
        await asyncio.sleep(self._weather.takes(self._weather.rpc_slow_s / 2))
        self._gate()
        if self._weather.happens(self._weather.rpc_fails):
            raise RpcUnavailable("the answer was lost")
        return answers

    def _perhaps_late(self, requests: Sequence[tuple[str, Sequence[Any]]]) -> None:
        for method, params in requests:
            if method == "eth_sendRawTransaction" and self._weather.random.random() < 0.5:
                self._loop.call_later(self._weather.takes(4.0), self._chain.send_raw, params[0])

    def _answer(self, method: str, params: Sequence[Any]) -> Any:
        match method:
            case "eth_getBlockByNumber":
                return header(self._block(params[0]))
            case "eth_getBlockByHash":
                return header(self._chain.by_hash.get(params[0]))
            case "eth_getLogs":
                return self._logs(params[0])
            case "eth_getTransactionCount":
                return hex(self._count(params[1]))
            case "eth_getTransactionReceipt":
                return self._receipt(params[0])
            case "eth_sendRawTransaction":
                refusal = self._chain.send_raw(params[0])
                return RpcError(method, -32000, refusal) if refusal else "0x01"
            case "eth_call":
                return self._call(params[0], params[1])
            case "eth_estimateGas":
                return self._simulated(method, params[0], "latest") or hex(500_000)
            case "eth_maxPriorityFeePerGas":
                return hex(10**8)
            case "eth_gasPrice":
                return hex(self._chain.head.base_fee)
            case "eth_chainId":
                return CHAIN_ID_HEX
            case _:
                return RpcError(method, -32601, f"the method {method} does not exist")

    def _block(self, name: str) -> Block | None:
        if name in ("latest", "pending"):
            return self._chain.head
        return self._chain.at(int(name, 16))

    def _logs(self, wanted: dict[str, str]) -> Any:
        if "blockHash" in wanted:
            block = self._chain.by_hash.get(wanted["blockHash"])
            if block is None or (self._chain.at(block.number) is not block and self._weather.random.random() < 0.5):
                return RpcError("eth_getLogs", -32000, "unknown block")
            return raw_logs(block)
        first, last = int(wanted["fromBlock"], 16), int(wanted["toBlock"], 16)
        blocks = [self._chain.at(number) for number in range(first, last + 1)]
        return [log for block in blocks if block is not None for log in raw_logs(block)]

    def _count(self, name: str) -> int:
        block = self._block(name)
        count = block.state.key_nonce if block is not None else 0
        while name == "pending" and count in self._chain.pool:
            count += 1
        return count

    def _receipt(self, name: str) -> Any:
        found = self._chain.receipt(name)
        if found is None:
            return None
        block, receipt = found
        return {
            "blockNumber": hex(block.number),
            "blockHash": block.hash,
            "status": hex(int(receipt.succeeded)),
            "gasUsed": hex(300_000),
            "effectiveGasPrice": hex(block.base_fee),
        }

    def _call(self, call: dict[str, str], name: str) -> Any:
        payload = bytes.fromhex(call["data"][2:])
        block = self._block(name)
        if block is None:
            return RpcError("eth_call", -32000, "header not found")
        if payload[:4] == _NONCE_A:
            nonce = block.state.nonces_a.get("0x" + payload[16:36].hex(), 0)
            return "0x" + encode(["uint256"], [nonce]).hex()
        if payload[:4] == _NONCE_B:
            nonce = block.state.nonces_b.get("0x" + payload[48:68].hex(), 0)
            return "0x" + encode(["uint256"], [nonce]).hex()
        return self._simulated("eth_call", call, name) or "0x"

    def _simulated(self, method: str, call: dict[str, str], name: str) -> RpcError | None:
        block = self._block(name)
        if block is None:
            return RpcError(method, -32000, "header not found")
        calldata = bytes.fromhex(call.get("data", "0x")[2:])
        now = self._chain.now_s() if name == "latest" else block.timestamp
        try:
            execute(block.state.copied(), now, Unsigned(1, 0, call["to"], calldata, 0, Fees(0, 0)))
        except Revert as revert:
            return RpcError(method, 3, f"execution reverted: {revert}")
        return None


def header(block: Block | None) -> dict[str, Any] | None:
    """A block as nodes tell it."""
    if block is None:
        return None
    return {
        "number": hex(block.number),
        "hash": block.hash,
        "parentHash": block.parent_hash,
        "timestamp": hex(block.timestamp),
        "baseFeePerGas": hex(block.base_fee),
    }


def raw_logs(block: Block) -> list[dict[str, Any]]:
    """The block's logs as nodes tell them."""
    return [
        {
            "logIndex": hex(place),
            "transactionHash": transaction_hash,
            "blockHash": block.hash,
            "blockNumber": hex(block.number),
            "address": DIAMOND,
            "topics": list(log.topics),
            "data": log.data,
        }
        for place, (transaction_hash, log) in enumerate(block.logs)
    ]


def collected_block(block: Block, collector: str) -> CollectedBlock:
    """As a listener hands it over."""
    reference = BlockRef(number=block.number, hash=block.hash, parent_hash=block.parent_hash, timestamp=block.timestamp)
    return collected(reference, logs_of(raw_logs(block), DIAMOND), collector)
