"""The chain as it was: views at old blocks while nodes keep their state, and the facts of any block again."""

from collections.abc import AsyncIterator, Iterable, Sequence

from hedger.adapters.chain.decode import BlockDecoder, DecodedBlock
from hedger.adapters.chain.messages import BlockFacts, Reorganised
from hedger.adapters.chain.quote_owners import QuoteOwners
from hedger.adapters.chain.reader import BlockReader
from hedger.adapters.chain.view_structs import QuoteView
from hedger.adapters.chain.views import ChainViews
from hedger.adapters.streams.port import Streams
from hedger.adapters.streams.topics import FACTS
from hedger.domain.chain_facts import AccountFact, PartyAFact, QuoteFact
from hedger.domain.feed import BlockRef, BlocksOrphaned


class ChainArchive:
    """Reads the past of one contract. Every method raises RpcFailure."""

    def __init__(self, views: ChainViews, reader: BlockReader, decoder: BlockDecoder) -> None:
        self._views, self._reader, self._decoder = views, reader, decoder

    async def quote_at(self, quote_id: int, block: int) -> QuoteView | None:
        """A quote as of a block; None where there was none of this id."""
        return await self._views.quote(quote_id, block)

    async def allocation_at(self, party_b: str, party_a: str, block: int) -> int:
        """What PartyB had allocated towards PartyA as of a block (wad)."""
        return (await self._views.allocations(party_b, [party_a], block))[party_a]

    async def headers(self, numbers: Sequence[int]) -> dict[int, BlockRef]:
        """The canonical blocks of these numbers, as far as the node has them."""
        return await self._reader.headers(numbers) if numbers else {}

    async def blocks(self, first: int, last: int) -> AsyncIterator[DecodedBlock]:
        """The canonical blocks of these numbers, decoded; far below the head those with logs, and ends of ranges."""
        async for block in self._reader.blocks(first, last):
            yield self._decoder.decode(block)


class Retelling:
    """Tells facts that were told before, or should have been, once more to whoever records them.

    They go the way of all facts, and what stands in the log already is not recorded again. No block passes by it.
    """

    def __init__(self, chain_id: int, archive: ChainArchive, owners: QuoteOwners, streams: Streams) -> None:
        self._chain_id, self._archive, self._owners, self._streams = chain_id, archive, owners, streams

    async def blocks(self, first: int, last: int) -> int:
        """Tell the facts of a range of blocks; how many there were. Raises RpcFailure."""
        told = 0
        async for block in self._archive.blocks(first, last):
            told += await self._block(block)
        return told

    async def orphaned(self, hashes: Sequence[str], common_ancestor: int, party_as: Iterable[str]) -> None:
        """Tell that blocks have left the chain, to those with facts in them."""
        gone = BlocksOrphaned(chain_id=self._chain_id, block_hashes=tuple(hashes), common_ancestor=common_ancestor)
        for party_a in party_as:
            await self._streams.publish(FACTS, party_a, Reorganised(orphaned=gone))

    async def _block(self, block: DecodedBlock) -> int:
        facts = [fact for fact in block.facts if isinstance(fact, QuoteFact | AccountFact | PartyAFact)]
        by_party: dict[str, list[QuoteFact | AccountFact | PartyAFact]] = {}
        for fact, party_a in zip(facts, await self._owners.of(facts), strict=True):
            if party_a is not None:
                by_party.setdefault(party_a, []).append(fact)
        for party_a, theirs in by_party.items():
            message = BlockFacts(block=block.block, party_a=party_a, facts=tuple(theirs))  # type: ignore[arg-type]
            await self._streams.publish(FACTS, party_a, message)
        return sum(len(theirs) for theirs in by_party.values())
