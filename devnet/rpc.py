"""Raw JSON-RPC to a chain node: one keep-alive HTTP session, batches, raw transactions, receipts."""

import asyncio
import itertools
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
import orjson
from eth_abi.abi import decode
from eth_abi.exceptions import DecodingError

REVERT_WITH_REASON = "08c379a0"

JSON_HEADERS = {"Content-Type": "application/json"}
REQUEST_TIMEOUT_S = 30.0


class RpcError(Exception):
    """The node answered with an error; `revert_reason` is the contract's own text where a call reverted with one."""

    def __init__(self, method: str, error: dict[str, Any]) -> None:
        self.code = int(error.get("code", 0))
        self.message = str(error.get("message", ""))
        self.revert_reason = _revert_reason(error.get("data"))
        super().__init__(f"{method}: {self.revert_reason or self.message}")


class ReceiptTimeout(Exception):
    """No receipt within the given time: the transaction may still be mined."""


class JsonRpc:
    """A node at one URL. The session belongs to the caller; `JsonRpc.open` makes one of its own."""

    def __init__(self, url: str, session: aiohttp.ClientSession) -> None:
        self.url = url
        self._session = session
        self._ids = itertools.count(1)

    @classmethod
    @asynccontextmanager
    async def open(cls, url: str) -> AsyncIterator["JsonRpc"]:
        async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=REQUEST_TIMEOUT_S)) as session:
            yield cls(url, session)

    async def call(self, method: str, *params: Any) -> Any:
        """One request. Raises RpcError for an error of the node, aiohttp.ClientError for one of the network."""
        answer = await self._post(self._request(method, params))
        return _result(method, answer)

    async def batch(self, requests: Sequence[tuple[str, Sequence[Any]]]) -> list[Any]:
        """Several requests in one HTTP round trip, results in the order of the requests; the first error is raised."""
        if not requests:
            return []
        body = [self._request(method, params) for method, params in requests]
        answers = {answer["id"]: answer for answer in await self._post(body)}
        return [_result(sent["method"], answers[sent["id"]]) for sent in body]

    async def eth_call(self, to: str, calldata: bytes, *, block: str = "latest", sender: str | None = None) -> bytes:
        """The return value of a call that changes nothing; `block` is a tag or a hex number."""
        return bytes_of(await self.call("eth_call", call_object(to, calldata, sender), block))

    async def eth_calls(self, calls: Sequence[tuple[str, bytes]], *, block: str = "latest") -> list[bytes]:
        """Several such calls in one round trip, all at the same block."""
        results = await self.batch([("eth_call", (call_object(to, calldata), block)) for to, calldata in calls])
        return [bytes_of(result) for result in results]

    async def send_raw(self, raw_transaction: bytes) -> str:
        """Hand a signed transaction to the node; returns its hash."""
        return str(await self.call("eth_sendRawTransaction", "0x" + raw_transaction.hex()))

    async def wait_receipt(
        self, transaction_hash: str, *, timeout_s: float = 30.0, poll_s: float = 0.01
    ) -> dict[str, Any]:
        """The receipt as soon as the transaction is mined, whatever its status. Raises ReceiptTimeout."""
        try:
            async with asyncio.timeout(timeout_s):
                while True:
                    receipt = await self.call("eth_getTransactionReceipt", transaction_hash)
                    if receipt is not None:
                        return dict(receipt)
                    await asyncio.sleep(poll_s)
        except TimeoutError as error:
            raise ReceiptTimeout(transaction_hash) from error

    async def latest_timestamp(self) -> int:
        """Timestamp of the latest block, in seconds: the clock every deadline of the contract is judged by."""
        block = await self.call("eth_getBlockByNumber", "latest", False)
        return int(block["timestamp"], 16)

    def _request(self, method: str, params: Sequence[Any]) -> dict[str, Any]:
        return {"jsonrpc": "2.0", "id": next(self._ids), "method": method, "params": list(params)}

    async def _post(self, body: Any) -> Any:
        async with self._session.post(self.url, data=orjson.dumps(body), headers=JSON_HEADERS) as response:
            return orjson.loads(await response.read())


def call_object(to: str, calldata: bytes, sender: str | None = None) -> dict[str, str]:
    """The first parameter of eth_call and eth_estimateGas."""
    call = {"to": to, "data": "0x" + calldata.hex()}
    return call if sender is None else {**call, "from": sender}


def bytes_of(text: str) -> bytes:
    """Bytes of a 0x-prefixed hex text."""
    return bytes.fromhex(text[2:])


def _result(method: str, answer: dict[str, Any]) -> Any:
    if "error" in answer:
        raise RpcError(method, answer["error"])
    return answer["result"]


def _revert_reason(payload: Any) -> str | None:
    if not isinstance(payload, str) or not payload.startswith("0x" + REVERT_WITH_REASON):
        return None
    try:
        return str(decode(["string"], bytes.fromhex(payload[10:]))[0])
    except (DecodingError, ValueError):
        return None
