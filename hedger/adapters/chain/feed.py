"""The chain feed: blocks from the collectors into order, through the decoder, and out to the topic of facts."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Sequence
from typing import Protocol

import structlog

from hedger.adapters.chain.blocks import CollectedBlock
from hedger.adapters.chain.decode import BlockDecoder, DecodedBlock
from hedger.adapters.chain.messages import (
    HEAD_KEY,
    PROTOCOL_KEY,
    REJECTED_KEY,
    BlockFacts,
    BlockPassed,
    FeedMessage,
    ProtocolFacts,
    Rejected,
    Reorganised,
)
from hedger.adapters.chain.quote_owners import QuoteOwners
from hedger.adapters.chain.restart import DEFAULT_OVERLAP, marks_to_check, plan_restart
from hedger.adapters.chain.rpc_errors import RpcFailure, RpcUnavailable
from hedger.adapters.chain.sequencer import (
    DEFAULT_DEPTH,
    Contested,
    Gap,
    NextBlock,
    Sequencer,
    Step,
)
from hedger.adapters.log.port import BlockMark
from hedger.adapters.streams.port import Streams
from hedger.adapters.streams.topics import FACTS
from hedger.domain.chain_facts import ProtocolChanged, QuoteFact
from hedger.domain.events import ChainFact
from hedger.domain.feed import BlockRef, BlocksOrphaned, InputRejected

KeysOfBlocks = Callable[[Sequence[str]], Awaitable[Iterable[str]]]
"""Takes hashes of recorded blocks, gives the PartyA of every fact recorded from them."""

_QUEUE = 1024
# Asks in a row without an emitted block, after which the node gets a pause.
_FRUITLESS = 64

_log = structlog.get_logger(__name__)


class Blocks(Protocol):
    """Where missing blocks are read; `BlockReader` is one. Both methods raise RpcFailure."""

    def blocks(self, first: int, last: int) -> AsyncIterator[CollectedBlock]: ...

    async def by_number(self, number: int) -> CollectedBlock | None: ...

    async def headers(self, numbers: Sequence[int]) -> dict[int, BlockRef]: ...


class ChainBehindLog(RpcUnavailable):
    """The node does not have blocks of which facts are recorded: still catching up, or another chain."""


async def no_keys(_: Sequence[str]) -> Iterable[str]:
    """Where nothing tells the keys of recorded blocks, a reorganisation found at restart goes to "head" alone."""
    return ()


class ChainFeed:
    """One chain's feed. Collectors hand blocks to `take`; `run` puts them in order and publishes until cancelled.

    `marks` are the recorded blocks (`EventLog.recent_blocks`). What they say of the past is checked first: recorded
    blocks that left the chain are told as orphaned, and reading resumes below them.
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
        marks: Sequence[BlockMark] = (),
        keys_of_blocks: KeysOfBlocks = no_keys,
        depth: int = DEFAULT_DEPTH,
        overlap: int = DEFAULT_OVERLAP,
        confirmations: int = 0,
        retry_s: float = 0.2,
    ) -> None:
        self._chain_id = chain_id
        self._reader = reader
        self._decoder = decoder
        self._owners = owners
        self._streams = streams
        self._start = start
        self._marks = marks
        self._keys_of_blocks = keys_of_blocks
        self._depth = depth
        self._overlap = overlap
        self._confirmations = confirmations
        self._retry_s = retry_s
        self._queue: asyncio.Queue[CollectedBlock] = asyncio.Queue(_QUEUE)
        self._told: dict[str, _Told] = {}
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
        checked = marks_to_check(self._marks, self._depth)
        canonical = await self._canonical([mark.number for mark in checked])
        plan = plan_restart(self._marks, canonical, start=self._start, depth=self._depth, overlap=self._overlap)
        if plan.orphaned:
            keys = await self._keys_of_blocks(plan.orphaned)
            await self._publish_orphaned(plan.orphaned, plan.common_ancestor, keys)
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
        for _ in range(_FRUITLESS):
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

    # --- publishing

    async def _publish(self, steps: Iterable[Step]) -> None:
        for step in steps:
            if isinstance(step, NextBlock):
                await self._publish_block(self._decoder.decode(step.block))
                continue
            hashes = tuple(block.hash for block in step.orphaned)
            told = [self._told.pop(each) for each in hashes if each in self._told]
            self._owners.forget(quote_id for each in told for quote_id in each.quote_ids)
            keys = {key for each in told for key in each.keys}
            await self._publish_orphaned(hashes, step.common_ancestor, keys)

    async def _publish_orphaned(self, hashes: tuple[str, ...], ancestor: int, keys: Iterable[str]) -> None:
        _log.warning("blocks were orphaned", blocks=len(hashes), common_ancestor=ancestor)
        orphaned = BlocksOrphaned(chain_id=self._chain_id, block_hashes=hashes, common_ancestor=ancestor)
        message = Reorganised(orphaned=orphaned)
        for key in sorted(set(keys) | {HEAD_KEY}):
            await self._send(key, message)

    async def _publish_block(self, decoded: DecodedBlock) -> None:
        messages, told = await self._messages(decoded)
        for key, message in messages:
            await self._send(key, message)
        self._remember(decoded.block.hash, told)
        await self._send(HEAD_KEY, BlockPassed(block=decoded.block, facts=len(decoded.facts)))

    async def _messages(self, decoded: DecodedBlock) -> tuple[list[tuple[str, FeedMessage]], "_Told"]:
        block, rejected = decoded.block, list(decoded.rejected)
        by_party: dict[str, list[ChainFact]] = {}
        protocol: list[ProtocolChanged] = []
        for fact, party_a in zip(decoded.facts, await self._owners_of(decoded.facts), strict=True):
            if isinstance(fact, ProtocolChanged):
                protocol.append(fact)
            elif party_a is None:
                rejected.append(_ownerless(fact))
            else:
                by_party.setdefault(party_a, []).append(fact)
        messages: list[tuple[str, FeedMessage]] = [
            (party_a, BlockFacts(block=block, party_a=party_a, facts=tuple(facts)))  # type: ignore[arg-type]
            for party_a, facts in by_party.items()
        ]
        if protocol:
            messages.append((PROTOCOL_KEY, ProtocolFacts(block=block, facts=tuple(protocol))))
        if rejected:
            messages.append((REJECTED_KEY, Rejected(block=block, items=tuple(rejected))))
        quote_ids = frozenset(fact.quote_id for fact in decoded.facts if isinstance(fact, QuoteFact))
        keys = {*by_party, *([PROTOCOL_KEY] if protocol else [])}
        return messages, _Told(keys, quote_ids)

    async def _owners_of(self, facts: Sequence[ChainFact]) -> list[str | None]:
        """Asked until it is known: a fact without its account must not be passed over."""
        while True:
            try:
                return await self._owners.of(facts)
            except RpcFailure as error:
                _log.warning("owners of quotes cannot be read", error=str(error))
                await asyncio.sleep(self._retry_s)

    def _remember(self, block_hash: str, told: "_Told") -> None:
        """Whom to tell if the block is orphaned; as deep as a reorganisation can be followed."""
        if told.keys:
            self._told[block_hash] = told
        if len(self._told) > self._depth:
            del self._told[next(iter(self._told))]

    async def _send(self, key: str, message: FeedMessage) -> None:
        await self._streams.publish(FACTS, key, message)


class _Told:
    """What was published of one block: under which keys, about which quotes."""

    __slots__ = ("keys", "quote_ids")

    def __init__(self, keys: set[str], quote_ids: frozenset[int]) -> None:
        self.keys = keys
        self.quote_ids = quote_ids


def _ownerless(fact: ChainFact) -> InputRejected:
    source = fact.source
    return InputRejected(
        origin=f"chain {source.chain_id} block {source.block_hash} log {source.log_index}",
        field="quoteId",
        reason="the contract knows no quote of this id",
        raw=str(getattr(fact, "quote_id", "")),
    )
