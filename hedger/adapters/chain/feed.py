"""The chain feed: blocks from the collectors into order, through the decoder, and out to the topic of facts."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Sequence
from typing import Protocol

import structlog

from hedger.adapters.chain.blocks import CollectedBlock
from hedger.adapters.chain.decode import BlockDecoder
from hedger.adapters.chain.publisher import FactPublisher
from hedger.adapters.chain.quote_owners import QuoteOwners
from hedger.adapters.chain.restart import DEFAULT_OVERLAP, marks_to_check, plan_restart
from hedger.adapters.chain.rpc_errors import RpcFailure, RpcUnavailable
from hedger.adapters.chain.sequencer import DEFAULT_DEPTH, Contested, Gap, NextBlock, Sequencer, Step
from hedger.adapters.log.port import BlockMark
from hedger.adapters.streams.port import Streams
from hedger.domain.feed import BlockRef

Recall = Callable[[], Awaitable[tuple[Sequence[BlockMark], int | None]]]
KeysOfBlocks = Callable[[Sequence[str]], Awaitable[Iterable[str]]]
"""Takes hashes of recorded blocks, gives the PartyA of every fact recorded from them."""

_QUEUE = 1024
# Asks in a row without an emitted block, after which the node gets a pause.
_FRUITLESS = 64
# How often a node is asked for recorded blocks that it does not have, before the start is given up.
_CATCH_UP_TRIES = 64

_log = structlog.get_logger(__name__)


class Blocks(Protocol):
    """Where missing blocks are read; `BlockReader` is one. Both methods raise RpcFailure."""

    def blocks(self, first: int, last: int) -> AsyncIterator[CollectedBlock]: ...

    async def by_number(self, number: int) -> CollectedBlock | None: ...

    async def headers(self, numbers: Sequence[int]) -> dict[int, BlockRef]: ...


class ChainBehindLog(RpcUnavailable):
    """The node does not have blocks of which facts are recorded: still catching up, or another chain."""


async def nothing_recorded() -> tuple[Sequence[BlockMark], int | None]:
    """Of a log that holds nothing of the chain yet."""
    return (), None


async def no_keys(_: Sequence[str]) -> Iterable[str]:
    """Where nothing tells the keys of recorded blocks, a reorganisation found at restart goes to "head" alone."""
    return ()


class ChainFeed:
    """One chain's feed. Collectors hand blocks to `take`; `run` puts them in order and publishes until cancelled.

    `recall` tells the recorded blocks (`EventLog.recent_blocks`), and the last block up to which everything is known to
    be recorded. What they say of the past is checked first, whenever it begins to run: recorded blocks that left the
    chain are told as orphaned, and reading resumes below them.
    """

    def __init__(
        self,
        *,
        chain_id: int,
        reader: Blocks,
        decoder: BlockDecoder,
        owners: QuoteOwners,
        streams: Streams,
        start: int,
        recall: Recall = nothing_recorded,
        keys_of_blocks: KeysOfBlocks = no_keys,
        depth: int = DEFAULT_DEPTH,
        overlap: int = DEFAULT_OVERLAP,
        confirmations: int = 0,
        retry_s: float = 0.2,
    ) -> None:
        self._reader = reader
        self._decoder = decoder
        self._publisher = FactPublisher(chain_id, owners, streams, depth=depth, retry_s=retry_s)
        self._start = start
        self._recall = recall
        self._keys_of_blocks = keys_of_blocks
        self._depth = depth
        self._overlap = overlap
        self._confirmations = confirmations
        self._retry_s = retry_s
        self._queue: asyncio.Queue[CollectedBlock] = asyncio.Queue(_QUEUE)
        self.dropped = 0  # blocks that came faster than they could be taken; they are read again

    async def take(self, block: CollectedBlock) -> None:
        """A block from a collector. Never waits: of too many the oldest is dropped, and read again in its turn."""
        if self._queue.full():
            self._queue.get_nowait()
            self.dropped += 1
        self._queue.put_nowait(block)

    async def run(self) -> None:
        """Publish until cancelled. Raises ReorgTooDeep, and ChainBehindLog at the beginning."""
        sequencer = await self._resumed()
        fruitless = 0
        while True:
            wanted = sequencer.wanted
            if wanted is None:
                await self._publish(sequencer.offer(await self._queue.get()))
                continue
            found = await self._read(sequencer, wanted)
            fruitless = 0 if found else fruitless + 1
            if not found and (found is None or fruitless % _FRUITLESS == 0):
                await self._wait_or_take(sequencer)

    async def _read(self, sequencer: Sequencer, wanted: Gap | Contested) -> bool | None:
        """Read what is wanted and publish what follows: True where blocks were emitted, None where nothing was read."""
        try:
            if isinstance(wanted, Contested):
                block = await self._reader.by_number(wanted.number)
                steps = sequencer.answer(wanted.number, block)
                await self._publish(steps)
                return bool(steps) if block else None
            read = False
            async for block in self._reader.blocks(wanted.first, wanted.last):
                read = True
                await self._publish(sequencer.offer(block))
        except RpcFailure as error:
            _log.warning("blocks cannot be read", wanted=str(wanted), error=str(error))
            return None
        if not read:
            sequencer.nothing_found()
        return read or None

    async def _wait_or_take(self, sequencer: Sequencer) -> None:
        try:
            async with asyncio.timeout(self._retry_s):
                block = await self._queue.get()
        except TimeoutError:
            return
        await self._publish(sequencer.offer(block))

    # --- after a restart

    async def _resumed(self) -> Sequencer:
        marks, checkpoint = await self._recall()
        checked = marks_to_check(marks, self._depth)
        canonical = await self._canonical([mark.number for mark in checked])
        plan = plan_restart(
            marks,
            canonical,
            start=self._start,
            checkpoint=checkpoint,
            depth=self._depth,
            overlap=self._overlap,
        )
        if plan.orphaned:
            keys = await self._keys_of_blocks(plan.orphaned)
            await self._publisher.orphaned(plan.orphaned, plan.common_ancestor, keys)
        _log.info("the chain feed begins", block=plan.resume_at, orphaned=len(plan.orphaned))
        return Sequencer(
            plan.resume_at,
            depth=self._depth,
            confirmations=self._confirmations,
            recorded_below=plan.resume_at > self._start,
        )

    async def _canonical(self, numbers: Sequence[int]) -> dict[int, str]:
        """The hashes the chain has at these numbers. Raises ChainBehindLog where it stays short of them."""
        wanted = sorted(set(numbers))
        for _ in range(_CATCH_UP_TRIES):
            try:
                found = await self._reader.headers(wanted)
            except RpcFailure as error:
                _log.warning("recorded blocks cannot be checked", error=str(error))
            else:
                if len(found) == len(wanted):
                    return {number: header.hash for number, header in found.items()}
            await asyncio.sleep(self._retry_s)
        raise ChainBehindLog(
            f"facts are recorded up to block {wanted[-1]}, which the RPC endpoints do not have: let the node catch up, "
            "or check that it serves the chain of this log"
        )

    async def _publish(self, steps: Iterable[Step]) -> None:
        for step in steps:
            if isinstance(step, NextBlock):
                await self._publisher.block(self._decoder.decode(step.block))
            else:
                hashes = tuple(block.hash for block in step.orphaned)
                await self._publisher.orphaned(hashes, step.common_ancestor)
