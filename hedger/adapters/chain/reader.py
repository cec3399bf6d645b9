"""Reading blocks with the contract's logs over RPC, so that no log can be missed to a reorganisation in between.

Near the head each block's logs are asked for by block hash: the answer belongs to that block or there is none. Far
below it, one request covers a range of numbers, and blocks without logs are not read at all. Since the hash of the
range's last block commits to all before it, the range holds if that hash is the same before and after its logs were
read; each block with logs is then read by the hash its logs bear.
"""

from collections.abc import AsyncIterator, Sequence
from typing import Any

from hedger.adapters.chain.blocks import CollectedBlock, RawLog, collected, header_of, logs_of
from hedger.adapters.chain.rpc import RpcError, RpcPool
from hedger.adapters.chain.rpc_errors import MalformedAnswer
from hedger.domain.feed import BlockRef

_NEAR_CHUNK = 50
# What nodes say when a range holds more than they answer at once.
_TOO_MUCH = ("more than", "too many", "too large", "range", "limit", "exceed", "response size", "timeout", "timed out")


class BlockReader:
    """Reads blocks of one chain with the logs of one contract. All methods raise RpcUnavailable and RpcError."""

    def __init__(
        self, rpc: RpcPool, diamond: str, *, collector: str, final_depth: int = 256, max_range: int = 2000
    ) -> None:
        """Blocks more than `final_depth` below the head are read as ranges of at most `max_range` blocks."""
        self._rpc = rpc
        self._diamond = diamond.lower()
        self._collector = collector
        self._final_depth = final_depth
        self._max_range = max_range
        self._range = max_range

    async def head(self) -> BlockRef:
        """The newest block."""
        return header_of(await self._rpc.call("eth_getBlockByNumber", ("latest", False)))

    async def headers(self, numbers: Sequence[int]) -> dict[int, BlockRef]:
        """The canonical blocks of these numbers, as far as the node has them."""
        requests = [("eth_getBlockByNumber", (hex(number), False)) for number in numbers]
        answers: list[Any] = []
        for begin in range(0, len(requests), _NEAR_CHUNK):
            answers += await self._rpc.batch(requests[begin : begin + _NEAR_CHUNK])
        found = [header_of(answer) for answer in answers if answer is not None]
        return {header.number: header for header in found}

    async def by_number(self, number: int) -> CollectedBlock | None:
        """The block the chain now has at this number; None where the node has none."""
        header = (await self.headers([number])).get(number)
        return await self.with_logs(header) if header else None

    async def with_logs(self, header: BlockRef) -> CollectedBlock | None:
        """The block of a known header; None where the node no longer has it."""
        blocks = await self._with_logs([header])
        return blocks[0] if blocks else None

    async def blocks(self, first: int, last: int) -> AsyncIterator[CollectedBlock]:
        """The canonical blocks of these numbers in order, ending early where the node has no more."""
        final = (await self.head()).number - self._final_depth
        if first <= min(last, final):
            async for block in self._far(first, min(last, final)):
                yield block
        for begin in range(max(first, final + 1), last + 1, _NEAR_CHUNK):
            numbers = range(begin, min(begin + _NEAR_CHUNK, last + 1))
            found = await self.headers(numbers)
            for block in await self._with_logs([found[number] for number in numbers if number in found]):
                yield block
            if len(found) < len(numbers):
                return

    async def _with_logs(self, headers: Sequence[BlockRef]) -> list[CollectedBlock]:
        """Headers with their logs, up to the first that the node no longer has."""
        requests = [("eth_getLogs", ({"blockHash": header.hash, "address": self._diamond},)) for header in headers]
        blocks: list[CollectedBlock] = []
        for header, answer in zip(headers, await self._rpc.outcomes(requests), strict=True):
            if isinstance(answer, RpcError):
                break
            blocks.append(collected(header, logs_of(answer, self._diamond), self._collector))
        return blocks

    async def _far(self, first: int, last: int) -> AsyncIterator[CollectedBlock]:
        """Blocks with logs and the ends of ranges, each standing for the empty ones before it."""
        parent = (await self._header(first)).parent_hash
        while first <= last:
            upto = min(first + self._range - 1, last)
            try:
                blocks = await self._range_of(first, upto, parent)
            except RpcError as error:
                if self._range == 1 or not _is_too_much(error):
                    raise
                self._range = max(1, self._range // 2)
                continue
            for block in blocks:
                yield block
            self._range = min(self._max_range, self._range + self._range // 4 + 1)
            first, parent = upto + 1, blocks[-1].hash

    async def _range_of(self, first: int, last: int, parent: str) -> list[CollectedBlock]:
        end = await self._header(last)
        span = {"fromBlock": hex(first), "toBlock": hex(last), "address": self._diamond}
        logs = logs_of(await self._rpc.call("eth_getLogs", (span,)), self._diamond)
        by_hash: dict[str, list[RawLog]] = {}
        for log in logs:
            by_hash.setdefault(log.block_hash, []).append(log)
        hashes = [each for each in by_hash if each != end.hash]
        answers = await self._rpc.batch(
            [
                *(("eth_getBlockByHash", (each, False)) for each in hashes),
                ("eth_getBlockByNumber", (hex(last), False)),
            ]
        )
        headers = sorted((header_of(answer or {}) for answer in answers), key=lambda header: header.number)
        if headers[-1].hash != end.hash or not all(first <= header.number <= last for header in headers):
            raise MalformedAnswer(f"blocks {first} to {last} changed while they were read")
        return self._linked(headers, by_hash, first, parent)

    def _linked(
        self, headers: Sequence[BlockRef], logs: dict[str, list[RawLog]], first: int, parent: str
    ) -> list[CollectedBlock]:
        blocks: list[CollectedBlock] = []
        for header in headers:
            if header.number < first or (header.number == first and header.parent_hash != parent):
                raise MalformedAnswer(f"block {header.number} does not follow block {first - 1} as read before")
            blocks.append(
                CollectedBlock(
                    number=header.number,
                    hash=header.hash,
                    parent_hash=parent,
                    timestamp=header.timestamp,
                    logs=tuple(sorted(logs.get(header.hash, ()), key=lambda log: log.index)),
                    collector=self._collector,
                    skipped=header.number - first,
                )
            )
            first, parent = header.number + 1, header.hash
        return blocks

    async def _header(self, number: int) -> BlockRef:
        return header_of(await self._rpc.call("eth_getBlockByNumber", (hex(number), False)) or {})


def _is_too_much(error: RpcError) -> bool:
    return any(words in error.message.lower() for words in _TOO_MUCH)
