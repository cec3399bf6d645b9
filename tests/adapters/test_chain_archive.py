"""Facts of the chain told again: by their accounts' keys, once each, and no block passes by it."""

from collections.abc import AsyncIterator, Mapping, Sequence

import msgspec

from hedger.adapters.chain.archive import Retelling
from hedger.adapters.chain.decode import DecodedBlock
from hedger.adapters.chain.messages import BlockFacts, Reorganised
from hedger.adapters.chain.quote_owners import QuoteOwners
from hedger.adapters.streams.topics import FACTS
from hedger.domain.chain_facts import ProtocolChanged
from hedger.domain.events import ChainFact
from hedger.domain.feed import BlockRef
from tests.domain.given import TRADER, Chain

OTHER_TRADER = "0x" + "a7" * 20


class KeptStreams:
    def __init__(self) -> None:
        self.told: list[tuple[str, str, msgspec.Struct]] = []

    async def publish(self, topic: str, key: str, message: msgspec.Struct) -> None:
        self.told.append((topic, key, message))


class Archive:
    """Blocks of these facts, one each."""

    def __init__(self, facts: Sequence[ChainFact]) -> None:
        self._facts = facts

    async def blocks(self, first: int, last: int) -> AsyncIterator[DecodedBlock]:
        for fact in self._facts:
            source = fact.source
            if first <= source.block_number <= last:
                ref = BlockRef(
                    number=source.block_number,
                    hash=source.block_hash,
                    parent_hash="",
                    timestamp=source.block_timestamp,
                )
                yield DecodedBlock(block=ref, facts=(fact,), rejected=())


async def owners_of(quote_ids: Sequence[int]) -> Mapping[int, str]:
    return {7: TRADER, 8: OTHER_TRADER}


def retelling(facts: Sequence[ChainFact]) -> tuple[Retelling, KeptStreams]:
    streams = KeptStreams()
    return Retelling(31337, Archive(facts), QuoteOwners(owners_of), streams), streams  # type: ignore[arg-type]


async def test_each_fact_goes_by_the_key_of_its_account_with_its_own_block() -> None:
    chain = Chain()
    locked, other = chain.locked(), msgspec.structs.replace(chain.locked(), quote_id=8)
    told_again, streams = retelling([locked, other])
    assert await told_again.blocks(0, 200) == 2
    assert [(topic, key) for topic, key, _ in streams.told] == [(FACTS, TRADER), (FACTS, OTHER_TRADER)]
    [first, _] = [message for _, _, message in streams.told]
    assert isinstance(first, BlockFacts)
    assert (first.facts, first.block.hash, first.party_a) == ((locked,), locked.source.block_hash, TRADER)


async def test_only_the_blocks_asked_for_are_told() -> None:
    chain = Chain()
    facts = [chain.locked(), chain.unlocked(), chain.locked()]
    told_again, streams = retelling(facts)
    number = facts[1].source.block_number
    assert await told_again.blocks(number, number) == 1
    assert len(streams.told) == 1


async def test_what_concerns_nobody_in_particular_is_not_told_again() -> None:
    changed = ProtocolChanged(source=Chain().source(), name="SetMuonConfig", arguments={})
    told_again, streams = retelling([changed])
    assert await told_again.blocks(0, 200) == 0
    assert streams.told == []


async def test_that_blocks_are_gone_is_told_to_those_with_facts_in_them() -> None:
    told_again, streams = retelling([])
    await told_again.orphaned(["0xb1", "0xb2"], 99, [TRADER])
    [(topic, key, message)] = streams.told
    assert isinstance(message, Reorganised)
    assert (topic, key) == (FACTS, TRADER)
    assert (message.orphaned.block_hashes, message.orphaned.common_ancestor) == (("0xb1", "0xb2"), 99)
