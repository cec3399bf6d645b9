"""The feed: what is published under which key and in which order, reorganisations and restarts included."""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager

import msgspec
import pytest
from chain_samples import CHAIN_ID, OTHER_A, PARTY_A, PARTY_B, block, log, opened, renumbered, sent
from chain_world import PRICE, QUANTITY, ChainWorld, chain_world

from hedger.adapters.chain import calls
from hedger.adapters.chain.blocks import CollectedBlock, RawLog
from hedger.adapters.chain.decode import BlockDecoder
from hedger.adapters.chain.feed import Blocks, ChainBehindLog, ChainFeed
from hedger.adapters.chain.listener import Listener
from hedger.adapters.chain.messages import (
    HEAD_KEY,
    PROTOCOL_KEY,
    REJECTED_KEY,
    AnyFeedMessage,
    AnyPartyFact,
    AnyTreasuryFact,
    BlockFacts,
    BlockPassed,
    ProtocolFacts,
    Rejected,
    Reorganised,
    TreasuryFacts,
)
from hedger.adapters.chain.poller import Poller
from hedger.adapters.chain.quote_owners import Lookup, QuoteOwners
from hedger.adapters.chain.restart import RestartPlan, plan_restart
from hedger.adapters.chain.rpc import RpcUnavailable
from hedger.adapters.chain.sequencer import ReorgTooDeep
from hedger.adapters.log.port import BlockMark
from hedger.adapters.streams.port import Handler
from hedger.adapters.streams.topics import FACTS
from hedger.domain import chain_facts as told
from hedger.domain.events import ChainFact
from hedger.domain.feed import BlockRef

WAIT_S = 10.0


class Sent:
    """Streams that keep what is published, in order."""

    def __init__(self) -> None:
        self.messages: list[tuple[str, msgspec.Struct]] = []
        self._more = asyncio.Event()

    async def publish(self, topic: str, key: str, message: msgspec.Struct) -> None:
        assert topic == FACTS
        self.messages.append((key, message))
        self._more.set()

    async def consume(self, topic: str, group: str, handler: Handler) -> None:
        raise NotImplementedError

    def of(self, *kinds: type[msgspec.Struct]) -> list[tuple[str, msgspec.Struct]]:
        return [(key, message) for key, message in self.messages if isinstance(message, kinds)]

    def passed(self) -> list[str]:
        return [message.block.hash for _, message in self.messages if isinstance(message, BlockPassed)]

    async def until(self, condition: Callable[[], bool]) -> None:
        async with asyncio.timeout(WAIT_S):
            while not condition():
                self._more.clear()
                await self._more.wait()


class Branches:
    """A chain in memory, as `Blocks`; `put` replaces what stands at a number and above."""

    def __init__(self) -> None:
        self.chain: list[CollectedBlock] = []
        self.failures = 0

    def put(self, number: int, *logs: RawLog, branch: str = "a") -> CollectedBlock:
        del self.chain[number:]
        assert number == len(self.chain)
        name = f"0x{branch}{number}"
        parent = self.chain[-1].hash if self.chain else "0x"
        logs = tuple(renumbered(each, index) for index, each in enumerate(logs))
        self.chain.append(block(*logs, number=number, name=name, parent=parent))
        return self.chain[-1]

    def put_empty(self, *numbers: int, branch: str = "a") -> None:
        for number in numbers:
            self.put(number, branch=branch)

    def _failing(self) -> None:
        if self.failures:
            self.failures -= 1
            raise RpcUnavailable("down")

    async def blocks(self, first: int, last: int) -> AsyncIterator[CollectedBlock]:
        self._failing()
        for each in self.chain[first : last + 1]:
            yield each

    async def by_number(self, number: int) -> CollectedBlock | None:
        self._failing()
        return self.chain[number] if number < len(self.chain) else None

    async def headers(self, numbers: Sequence[int]) -> dict[int, BlockRef]:
        self._failing()
        return {number: self.chain[number].ref for number in numbers if number < len(self.chain)}


async def nobody(_: Sequence[int]) -> Mapping[int, str]:
    return {}


def feed_of(
    reader: Blocks,
    streams: Sent,
    *,
    lookup: Lookup = nobody,
    start: int = 0,
    marks: Sequence[BlockMark] = (),
    keys: Sequence[str] = (),
    confirmations: int = 0,
    overlap: int = 0,
    chain_id: int = CHAIN_ID,
) -> ChainFeed:
    async def keys_of_blocks(_: Sequence[str]) -> Sequence[str]:
        return keys

    async def recall() -> tuple[Sequence[BlockMark], int | None]:
        return tuple(marks), None

    return ChainFeed(
        chain_id=chain_id,
        reader=reader,
        decoder=BlockDecoder(chain_id),
        owners=QuoteOwners(lookup),
        streams=streams,
        start=start,
        recall=recall,
        keys_of_blocks=keys_of_blocks,
        overlap=overlap,
        confirmations=confirmations,
        retry_s=0.005,
    )


@asynccontextmanager
async def running(*feeds: ChainFeed) -> AsyncIterator[None]:
    tasks = [asyncio.create_task(feed.run()) for feed in feeds]
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def fed(reader: Branches, *, lookup: Lookup = nobody) -> Sent:
    """Everything the feed publishes of the chain as it is."""
    streams = Sent()
    feed = feed_of(reader, streams, lookup=lookup)
    async with running(feed):
        await feed.take(reader.chain[-1])
        await streams.until(lambda: reader.chain[-1].hash in streams.passed())
    return streams


# --- keys and order


async def test_facts_go_by_their_account_and_the_block_is_passed_after_them() -> None:
    reader = Branches()
    reader.put(0, sent(5), sent(6, OTHER_A), log("LockQuote", PARTY_B, 5), log("PauseGlobal"))
    streams = await fed(reader)
    ref = reader.chain[0].ref
    by_key = dict(streams.messages)
    assert list(by_key) == [PARTY_A, OTHER_A, PROTOCOL_KEY, HEAD_KEY]
    mine, others, protocol = by_key[PARTY_A], by_key[OTHER_A], by_key[PROTOCOL_KEY]
    assert isinstance(mine, BlockFacts)
    assert isinstance(others, BlockFacts)
    assert isinstance(protocol, ProtocolFacts)
    assert [type(fact) for fact in mine.facts] == [told.QuoteSent, told.QuoteLocked]
    assert [type(fact) for fact in others.facts] == [told.QuoteSent]
    assert protocol.facts[0].name == "PauseGlobal"
    assert by_key[HEAD_KEY] == BlockPassed(block=ref, facts=4)


async def test_a_block_without_facts_is_passed_too() -> None:
    reader = Branches()
    reader.put_empty(0, 1)
    streams = await fed(reader)
    assert [message for _, message in streams.messages] == [
        BlockPassed(block=each.ref, facts=0) for each in reader.chain
    ]


async def test_a_log_that_cannot_be_read_is_told_apart() -> None:
    reader = Branches()
    reader.put(0, sent(5), log("ForceCancelQuote", 5, 99))
    streams = await fed(reader)
    ((key, message),) = streams.of(Rejected)
    assert key == REJECTED_KEY
    assert isinstance(message, Rejected)
    assert message.items[0].field == "quoteStatus"
    assert len(streams.of(BlockFacts)) == 1


async def test_the_owner_of_a_quote_sent_earlier_is_remembered() -> None:
    reader = Branches()
    reader.put(0, sent(5))
    reader.put(1, log("LockQuote", PARTY_B, 5))
    streams = await fed(reader)
    assert [key for key, _ in streams.of(BlockFacts)] == [PARTY_A, PARTY_A]


async def test_the_owner_of_an_unknown_quote_is_asked_of_the_contract_once_a_block() -> None:
    asked: list[Sequence[int]] = []

    async def lookup(quote_ids: Sequence[int]) -> Mapping[int, str]:
        asked.append(quote_ids)
        return {3: PARTY_A, 4: OTHER_A}

    reader = Branches()
    reader.put(0, log("LockQuote", PARTY_B, 4), log("LockQuote", PARTY_B, 3), log("ForceCancelQuote", 3, 3))
    reader.put(1, log("ForceCancelQuote", 4, 3))
    streams = await fed(reader, lookup=lookup)
    assert asked == [[3, 4]]
    assert [key for key, _ in streams.of(BlockFacts)] == [OTHER_A, PARTY_A, OTHER_A]


async def test_a_child_born_cancelled_belongs_to_its_parents_account() -> None:
    reader = Branches()
    reader.put(0, opened(5), log("AcceptCancelRequest", 6, 3))
    ((key, message),) = (await fed(reader)).of(BlockFacts)
    assert key == PARTY_A
    assert isinstance(message, BlockFacts)
    assert len(message.facts) == 2


async def test_a_quote_nobody_knows_is_told_as_unreadable() -> None:
    reader = Branches()
    reader.put(0, log("LockQuote", PARTY_B, 3))
    ((_, message),) = (await fed(reader)).of(Rejected)
    assert isinstance(message, Rejected)
    assert message.items[0].reason == "the contract knows no quote of this id"


async def test_a_passed_block_counts_the_facts_that_were_handed_over() -> None:
    reader = Branches()
    reader.put(0, log("LockQuote", PARTY_B, 3), sent(5), log("PauseGlobal"), log("ForceCancelQuote", 5, 99))
    ((_, message),) = (await fed(reader)).of(BlockPassed)
    assert message == BlockPassed(block=reader.chain[0].ref, facts=2)


async def test_a_fact_waits_until_its_owner_can_be_asked() -> None:
    failures = [RpcUnavailable("down"), RpcUnavailable("down")]

    async def lookup(_: Sequence[int]) -> Mapping[int, str]:
        if failures:
            raise failures.pop()
        return {3: PARTY_A}

    reader = Branches()
    reader.put(0, log("LockQuote", PARTY_B, 3))
    ((key, _),) = (await fed(reader, lookup=lookup)).of(BlockFacts)
    assert key == PARTY_A


async def test_owners_are_kept_for_a_bounded_number_of_quotes() -> None:
    asked: list[int] = []

    async def lookup(quote_ids: Sequence[int]) -> Mapping[int, str]:
        asked.extend(quote_ids)
        return dict.fromkeys(quote_ids, PARTY_A)

    owners = QuoteOwners(lookup, limit=2)
    for quote_id in (1, 2, 3):
        owners.learn(quote_id, OTHER_A)
    decoded = BlockDecoder(1).decode(block(*[log("LockQuote", PARTY_B, quote_id) for quote_id in (1, 3)]))
    assert await owners.of(decoded.facts) == [PARTY_A, OTHER_A]
    assert asked == [1]


def test_every_fact_with_an_account_survives_the_way_through_the_streams() -> None:
    kinds = {kind for kind in _descendants(ChainFact) if kind.__module__ == told.__name__}
    concrete = {kind for kind in kinds if not _descendants(kind) & kinds}
    # What a forced close took from a vault is told by no log: it is derived when the facts are recorded.
    assert concrete == {*AnyPartyFact.__args__, *AnyTreasuryFact.__args__, told.ProtocolChanged, told.VaultUsed}
    decoded = BlockDecoder(CHAIN_ID).decode(block(sent(2**70), opened(5), log("PauseGlobal")))
    facts = BlockFacts(block=decoded.block, party_a=PARTY_A, facts=decoded.facts[:2])  # type: ignore[arg-type]
    assert msgspec.json.decode(msgspec.json.encode(facts), type=AnyFeedMessage) == facts


async def test_balances_go_by_the_address_that_holds_them() -> None:
    reader = Branches()
    reader.put(0, log("Deposit", PARTY_A, PARTY_B, 5), sent(1))
    streams = await fed(reader)
    by_key = dict(streams.messages)
    facts = by_key[PARTY_B]
    assert isinstance(facts, TreasuryFacts)
    assert [type(fact) for fact in facts.facts] == [told.Deposited]
    assert by_key[HEAD_KEY] == BlockPassed(block=facts.block, facts=2)


def _descendants(kind: type) -> set[type]:
    children: list[type] = kind.__subclasses__()
    return set(children).union(*map(_descendants, children))


# --- trouble


async def test_a_node_that_fails_is_asked_again_until_every_block_is_told() -> None:
    reader = Branches()
    reader.put_empty(*range(5))
    reader.failures = 3
    streams = await fed(reader)
    assert streams.passed() == [each.hash for each in reader.chain]


async def test_blocks_that_come_faster_than_they_are_taken_are_read_again() -> None:
    reader = Branches()
    reader.put_empty(*range(3_000))
    streams = Sent()
    feed = feed_of(reader, streams)
    for each in reader.chain:
        await feed.take(each)
    assert feed.dropped > 0
    async with running(feed):
        await streams.until(lambda: len(streams.passed()) == 3_000)
    assert streams.passed() == [each.hash for each in reader.chain]


async def test_a_block_is_told_only_when_enough_stand_on_it() -> None:
    reader = Branches()
    reader.put_empty(*range(5))
    streams = Sent()
    feed = feed_of(reader, streams, confirmations=2)
    async with running(feed):
        await feed.take(reader.chain[-1])
        await streams.until(lambda: len(streams.passed()) == 3)
        await asyncio.sleep(0.02)
    assert streams.passed() == ["0xa0", "0xa1", "0xa2"]


async def test_a_reorganisation_is_told_to_everyone_concerned_before_the_new_branch() -> None:
    reader = Branches()
    reader.put(0, sent(1))
    reader.put(1, sent(5), log("PauseGlobal"))
    reader.put(2, sent(6, OTHER_A))
    streams = Sent()
    feed = feed_of(reader, streams)
    async with running(feed):
        await feed.take(reader.chain[-1])
        await streams.until(lambda: len(streams.passed()) == 3)
        before = len(streams.messages)
        reader.put(1, sent(5, OTHER_A), branch="b")
        await feed.take(reader.put(2, log("LockQuote", PARTY_B, 5), branch="b"))
        await streams.until(lambda: len(streams.passed()) == 5)
    after = streams.messages[before:]
    reorganised = [(key, message) for key, message in after if isinstance(message, Reorganised)]
    assert [key for key, _ in reorganised] == sorted([PARTY_A, OTHER_A, PROTOCOL_KEY, HEAD_KEY])
    assert reorganised == after[:4]
    orphaned = reorganised[0][1].orphaned
    assert (orphaned.block_hashes, orphaned.common_ancestor) == (("0xa1", "0xa2"), 0)
    # The same id is another quote on the other branch.
    assert [key for key, message in after if isinstance(message, BlockFacts)] == [OTHER_A, OTHER_A]


# --- restart


def mark(number: int, branch: str = "a") -> BlockMark:
    return BlockMark(number=number, hash=f"0x{branch}{number}")


def canonical(*numbers: int, branch: str = "a") -> dict[int, str]:
    return {number: f"0x{branch}{number}" for number in numbers}


@pytest.mark.parametrize(
    ("marks", "chain", "checkpoint", "plan"),
    [
        pytest.param(
            [mark(90), mark(80)],
            canonical(80, 90),
            None,
            RestartPlan(resume_at=81, common_ancestor=90),
            id="blocks before the newest recorded one are read again",
        ),
        pytest.param(
            [mark(90), mark(80)],
            canonical(80, 90),
            70,
            RestartPlan(resume_at=61, common_ancestor=90),
            id="what is not surely recorded is read again",
        ),
        pytest.param(
            [mark(90), mark(80)],
            canonical(80, 90),
            120,
            RestartPlan(resume_at=111, common_ancestor=120),
            id="quiet blocks are not read again",
        ),
        pytest.param(
            [mark(90), mark(88), mark(80)],
            canonical(80) | canonical(88, 90, branch="b"),
            None,
            RestartPlan(resume_at=71, orphaned=("0xa88", "0xa90"), common_ancestor=80),
            id="the branches may part anywhere above the last block that is surely shared",
        ),
        pytest.param(
            [mark(90), mark(88)],
            canonical(88, 90, branch="b"),
            None,
            RestartPlan(resume_at=78, orphaned=("0xa88", "0xa90"), common_ancestor=87),
            id="nothing recorded is left",
        ),
        pytest.param(
            [mark(90, "b"), mark(90), mark(89)],
            canonical(89, 90),
            None,
            RestartPlan(resume_at=80, orphaned=("0xb90",), common_ancestor=89),
            id="of two blocks at one number the chain has one",
        ),
        pytest.param(
            [mark(5)], canonical(5), None, RestartPlan(resume_at=3, common_ancestor=5), id="not below the start"
        ),
        pytest.param(
            [mark(1_000), mark(10)],
            canonical(1_000),
            None,
            RestartPlan(resume_at=991, common_ancestor=1_000),
            id="what no reorganisation can reach is not asked about",
        ),
        pytest.param([], {}, 500, RestartPlan(resume_at=491, common_ancestor=500), id="no fact was ever recorded"),
    ],
)
def test_a_restart_finds_where_to_go_on(
    marks: list[BlockMark], chain: dict[int, str], checkpoint: int | None, plan: RestartPlan
) -> None:
    assert plan_restart(marks, chain, start=3, checkpoint=checkpoint, overlap=10) == plan


def test_a_first_run_begins_at_the_start() -> None:
    assert plan_restart([], {}, start=3).resume_at == 3
    assert plan_restart([], {}, start=100_000).resume_at == 100_000


def test_a_restart_onto_another_chain_says_so() -> None:
    with pytest.raises(ReorgTooDeep, match="RPC endpoints"):
        plan_restart([mark(1_000), mark(10)], canonical(1_000, branch="z"), start=0)


async def test_blocks_orphaned_while_the_process_was_down_are_told_and_their_successors_read() -> None:
    reader = Branches()
    reader.put_empty(0, 1, 2)
    reader.put(3, sent(5), branch="b")
    reader.put_empty(4, branch="b")
    streams = Sent()
    feed = feed_of(reader, streams, marks=[mark(4), mark(3), mark(1)], keys=[PARTY_A], overlap=1)
    async with running(feed):
        await feed.take(reader.chain[-1])
        await streams.until(lambda: "0xb4" in streams.passed())
    (first, _), (second, message) = streams.messages[:2]
    assert {first, second} == {PARTY_A, HEAD_KEY}
    assert isinstance(message, Reorganised)
    assert message.orphaned.block_hashes == ("0xa3", "0xa4")
    assert streams.passed()[-2:] == ["0xb3", "0xb4"]
    assert [key for key, _ in streams.of(BlockFacts)] == [PARTY_A]


async def test_a_chain_that_stays_short_of_the_log_is_an_error_that_says_what_to_do() -> None:
    reader = Branches()
    reader.put_empty(0, 1)
    feed = feed_of(reader, Sent(), marks=[mark(9)])
    with pytest.raises(ChainBehindLog, match="let the node catch up"):
        await feed.run()


async def test_a_chain_that_catches_up_with_the_log_is_waited_for() -> None:
    reader = Branches()
    reader.put_empty(0, 1)
    reader.failures = 2
    streams = Sent()
    async with running(feed_of(reader, streams, marks=[mark(3)], overlap=1)):
        await asyncio.sleep(0.03)
        assert streams.messages == []
        reader.put_empty(2, 3)
        await streams.until(lambda: streams.passed()[-1:] == ["0xa3"])


async def test_run_once_more_it_goes_on_from_what_is_recorded_by_then_not_from_where_the_process_began() -> None:
    reader, streams = Branches(), Sent()
    reader.put_empty(*range(9))
    recorded: list[BlockMark] = []
    feed = feed_of(reader, streams, marks=recorded, overlap=1)
    async with running(feed):
        await feed.take(reader.chain[-1])
        await streams.until(lambda: streams.passed()[-1:] == ["0xa8"])
    recorded.append(mark(8))
    told = len(streams.passed())
    async with running(feed):
        await feed.take(reader.chain[-1])
        await streams.until(lambda: len(streams.passed()) > told)
    assert streams.passed()[told] in ("0xa7", "0xa8")


# --- on a chain


@pytest.fixture(scope="module")
async def world() -> AsyncIterator[ChainWorld]:
    async with chain_world() as world:
        yield world


@asynccontextmanager
async def collecting(world: ChainWorld, feed: ChainFeed) -> AsyncIterator[None]:
    """Listener and poller side by side into one feed."""
    work = [
        feed.run(),
        Listener(world.chain.ws_url, world.diamond, feed.take).run(),
        Poller(world.reader, feed.take, poll_s=0.02).run(),
    ]
    tasks = [asyncio.create_task(each) for each in work]
    try:
        yield
        assert not any(task.done() for task in tasks)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def live_feed(world: ChainWorld, streams: Sent, *, start: int, marks: Sequence[BlockMark] = ()) -> ChainFeed:
    return feed_of(
        world.reader,
        streams,
        lookup=world.views.owners,
        start=start,
        marks=marks,
        chain_id=world.deployment.chain_id,
        overlap=2,
    )


def facts_in(streams: Sent) -> list[ChainFact]:
    """What holds in the end: facts of blocks that were not orphaned, each once."""
    held: dict[str, ChainFact] = {}
    for _, message in streams.messages:
        if isinstance(message, BlockFacts):
            held |= {fact.fact_id: fact for fact in message.facts}
        elif isinstance(message, Reorganised):
            gone = set(message.orphaned.block_hashes)
            held = {key: fact for key, fact in held.items() if fact.source.block_hash not in gone}
    return list(held.values())


async def facts_of_the_chain(world: ChainWorld, first: int) -> list[ChainFact]:
    decoder = BlockDecoder(world.deployment.chain_id)
    head = (await world.reader.head()).number
    return [fact async for block in world.reader.blocks(first, head) for fact in decoder.decode(block).facts]


async def test_two_collectors_and_a_reorganisation_leave_the_facts_of_the_chain(world: ChainWorld) -> None:
    start = (await world.reader.head()).number + 1
    streams = Sent()
    feed = live_feed(world, streams, start=start)
    async with collecting(world, feed):
        lost = await world.opened()
        await world.send_quote()
        before = (await world.block()).hash
        await streams.until(lambda: before in streams.passed())
        assert any(isinstance(fact, told.PositionOpened) for fact in facts_in(streams))
        await world.chain.reorg(2)
        await world.send_quote()
        again = await world.opened()
        after = (await world.block()).hash
        await streams.until(lambda: after in streams.passed())
    assert sorted(fact.fact_id for fact in facts_in(streams)) == sorted(
        fact.fact_id for fact in await facts_of_the_chain(world, start)
    )
    assert lost <= again
    assert [key for key, _ in streams.of(Reorganised)] == sorted([world.trader, HEAD_KEY])


async def test_a_restart_after_a_reorganisation_orphans_and_reads_what_replaced_it(world: ChainWorld) -> None:
    start = (await world.reader.head()).number + 1
    first = Sent()
    feed = live_feed(world, first, start=start)
    async with collecting(world, feed):
        kept = await world.send_quote()
        await world.hedge(calls.lock_quote(kept, await world.upnl_sig()))
        await world.send_quote()
        before = (await world.block()).hash
        await first.until(lambda: before in first.passed())
    recorded = {(fact.source.block_number, fact.source.block_hash) for fact in facts_in(first)}
    marks = [BlockMark(number=number, hash=name) for number, name in sorted(recorded, reverse=True)]
    await world.chain.reorg(2)
    await world.hedge(calls.lock_and_open_quote(kept, QUANTITY, PRICE, await world.upnl_sig(), await world.pair_sig()))
    second = Sent()
    async with collecting(world, live_feed(world, second, start=start, marks=marks)):
        after = (await world.block()).hash
        await second.until(lambda: after in second.passed())
    ((_, message),) = second.of(Reorganised)
    assert isinstance(message, Reorganised)
    assert list(message.orphaned.block_hashes) == [each.hash for each in reversed(marks[:2])]
    both = Sent()
    both.messages = first.messages + second.messages
    assert sorted(fact.fact_id for fact in facts_in(both)) == sorted(
        fact.fact_id for fact in await facts_of_the_chain(world, start)
    )
