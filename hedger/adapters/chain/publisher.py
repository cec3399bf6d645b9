"""Publishing of decoded blocks: every fact under its account's key, and who must hear when a block is orphaned."""

import asyncio
from collections.abc import Iterable, Sequence

import msgspec
import structlog

from hedger.adapters.chain.decode import DecodedBlock
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
    TreasuryFacts,
)
from hedger.adapters.chain.quote_owners import QuoteOwners
from hedger.adapters.chain.rpc_errors import RpcFailure
from hedger.adapters.streams.port import Streams
from hedger.adapters.streams.topics import FACTS
from hedger.domain.chain_facts import ProtocolChanged, QuoteFact, TreasuryFact
from hedger.domain.events import ChainFact
from hedger.domain.feed import BlocksOrphaned, InputRejected

_log = structlog.get_logger(__name__)


AnyMessage = BlockFacts | ProtocolFacts | TreasuryFacts | Rejected


class _Told(msgspec.Struct, frozen=True):
    """What was published of one block: under which keys, about which quotes."""

    keys: frozenset[str]
    quote_ids: frozenset[int]


class FactPublisher:
    """Publishes blocks in the order they are given, and remembers of `depth` of them whom they concerned."""

    def __init__(self, chain_id: int, owners: QuoteOwners, streams: Streams, *, depth: int, retry_s: float) -> None:
        self._chain_id = chain_id
        self._owners = owners
        self._streams = streams
        self._depth = depth
        self._retry_s = retry_s
        self._told: dict[str, _Told] = {}

    async def block(self, decoded: DecodedBlock) -> None:
        """Each account's facts, then what concerns everybody, then that the block has passed."""
        messages, told = await self._messages(decoded)
        for key, message in messages:
            await self._send(key, message)
        self._remember(decoded.block.hash, told)
        facts = sum(len(message.facts) for _, message in messages if not isinstance(message, Rejected))
        await self._send(HEAD_KEY, BlockPassed(block=decoded.block, facts=facts))

    async def orphaned(self, hashes: tuple[str, ...], common_ancestor: int, keys: Iterable[str] = ()) -> None:
        """That blocks were orphaned, to everybody with facts in them: those remembered, and `keys` besides."""
        told = [self._told.pop(each) for each in hashes if each in self._told]
        self._owners.forget(quote_id for each in told for quote_id in each.quote_ids)
        _log.warning("blocks were orphaned", blocks=len(hashes), common_ancestor=common_ancestor)
        told_by = sorted({HEAD_KEY, *keys}.union(*(each.keys for each in told)))
        gone = BlocksOrphaned(chain_id=self._chain_id, block_hashes=hashes, common_ancestor=common_ancestor)
        for key in told_by:
            await self._send(key, Reorganised(orphaned=gone, keys=tuple(told_by)))

    async def _messages(self, decoded: DecodedBlock) -> tuple[list[tuple[str, AnyMessage]], _Told]:
        block, rejected = decoded.block, list(decoded.rejected)
        by_party: dict[str, list[ChainFact]] = {}
        by_holder: dict[str, list[TreasuryFact]] = {}
        protocol: list[ProtocolChanged] = []
        for fact, party_a in zip(decoded.facts, await self._owners_of(decoded.facts), strict=True):
            if isinstance(fact, ProtocolChanged):
                protocol.append(fact)
            elif isinstance(fact, TreasuryFact):
                by_holder.setdefault(fact.holder, []).append(fact)
            elif party_a is None:
                rejected.append(_ownerless(fact))
            else:
                by_party.setdefault(party_a, []).append(fact)
        messages: list[tuple[str, AnyMessage]] = [
            (party_a, BlockFacts(block=block, party_a=party_a, facts=tuple(facts)))  # type: ignore[arg-type]
            for party_a, facts in by_party.items()
        ]
        messages += [
            (holder, TreasuryFacts(block=block, holder=holder, facts=tuple(held)))  # type: ignore[arg-type]
            for holder, held in by_holder.items()
        ]
        if protocol:
            messages.append((PROTOCOL_KEY, ProtocolFacts(block=block, facts=tuple(protocol))))
        if rejected:
            messages.append((REJECTED_KEY, Rejected(block=block, items=tuple(rejected))))
        keys = frozenset(key for key, message in messages if not isinstance(message, Rejected))
        quote_ids = frozenset(fact.quote_id for fact in decoded.facts if isinstance(fact, QuoteFact))
        return messages, _Told(keys, quote_ids)

    async def _owners_of(self, facts: Sequence[ChainFact]) -> list[str | None]:
        """Asked until it is known: a fact without its account must not be passed over."""
        while True:
            try:
                return await self._owners.of(facts)
            except RpcFailure as error:
                _log.warning("owners of quotes cannot be read", error=str(error))
                await asyncio.sleep(self._retry_s)

    def _remember(self, block_hash: str, told: _Told) -> None:
        """As deep as a reorganisation can be followed."""
        if told.keys:
            self._told[block_hash] = told
        if len(self._told) > self._depth:
            del self._told[next(iter(self._told))]

    async def _send(self, key: str, message: FeedMessage) -> None:
        await self._streams.publish(FACTS, key, message)


def _ownerless(fact: ChainFact) -> InputRejected:
    source = fact.source
    return InputRejected(
        origin=f"chain {source.chain_id} block {source.block_hash} log {source.log_index}",
        field="quoteId",
        reason="the contract knows no quote of this id",
        raw=str(getattr(fact, "quote_id", "")),
    )
