"""The HTTP collector: looks at the head in short intervals and hands over every block since the last look.

How blocks and their logs are read, so that both belong together, is told in `reader`: near the head by block hash, far
below it in ranges that are checked against the hash of their last block.
"""

import asyncio
from collections.abc import Awaitable, Callable

import structlog

from hedger.adapters.chain.blocks import BlockSink
from hedger.adapters.chain.reader import BlockReader
from hedger.adapters.chain.rpc_errors import RpcFailure
from hedger.domain.feed import BlockRef

_log = structlog.get_logger(__name__)


class Poller:
    """Hands over whole blocks from `start` on (None: from the head as it is first seen) until cancelled.

    A head that is no longer the one last seen is handed over even where its number is not higher; what is missing
    below it is for the sequencer to find. Failures of the node are waited out.
    """

    def __init__(
        self,
        reader: BlockReader,
        sink: BlockSink,
        *,
        start: int | None = None,
        poll_s: float = 1.0,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._reader = reader
        self._sink = sink
        self._next = start
        self._seen = ""
        self._poll_s = poll_s
        self._sleep = sleep

    async def run(self) -> None:
        """Poll until cancelled."""
        while True:
            try:
                await self.poll()
            except RpcFailure as error:
                _log.warning("the head of the chain cannot be read", error=str(error))
            await self._sleep(self._poll_s)

    async def poll(self) -> int:
        """One look; returns how many blocks were handed over. Raises RpcUnavailable, RpcError."""
        head = await self._reader.head()
        if head.hash == self._seen:
            return 0
        if self._next is None or head.number < self._next:
            return await self._hand_over_head(head)
        count = 0
        async for block in self._reader.blocks(self._next, head.number):
            await self._sink(block)
            count += 1
            self._next, self._seen = block.number + 1, block.hash
        return count

    async def _hand_over_head(self, head: BlockRef) -> int:
        block = await self._reader.with_logs(head)
        if block is None:
            return 0
        await self._sink(block)
        self._next, self._seen = block.number + 1, block.hash
        return 1
