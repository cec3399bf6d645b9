"""From signed bytes to a receipt: stuck, late, taken, refused, orphaned, and nodes that fail."""

import asyncio
from collections.abc import AsyncIterator
from itertools import pairwise

import pytest
from sending_world import ALLOCATION, DROP, LOSE, Hedger, SendingWorld, node_with, sending_world, until

from hedger.adapters.chain.gas import FeePolicy, Fees
from hedger.adapters.chain.signer import Unsigned
from hedger.application.messages import Logged
from hedger.application.sending import SenderStopped
from hedger.domain.feed import BlocksOrphaned
from hedger.domain.reverts import RevertAction
from hedger.domain.terms import CallKind, QuoteStatus
from hedger.domain.transactions import Call, TransactionFailed, TransactionSucceeded
from hedger.domain.wallet import NonceLost, SentState, TransactionSigned

LOCK = Call(kind=CallKind.LOCK, allocate=ALLOCATION)


@pytest.fixture(scope="module")
async def world() -> AsyncIterator[SendingWorld]:
    async with sending_world() as world:
        yield world


class Pool:
    """The way to a node's pool, which can be shut: what is sent then never arrives."""

    def __init__(self) -> None:
        self.shut = True

    def __call__(self, method: str) -> object:
        return LOSE if self.shut and method == "eth_sendRawTransaction" else None


async def versions(hedger: Hedger) -> int:
    return sum(len(sent.versions) for sent in (await hedger.wallet()).sent.values())


async def a_lock(world: SendingWorld, hedger: Hedger, *, valid_until: int = 0) -> Logged:
    trader = await world.trader()
    return await hedger.requested(await world.intent(trader), trader.party_a, LOCK, valid_until=valid_until)


async def test_a_stuck_transaction_is_replaced_at_a_higher_fee_under_the_same_nonce(world: SendingWorld) -> None:
    hedger = world.hedger(replace_after_s=0.1)
    message, before = await a_lock(world, hedger), await hedger.used_nonces()
    async with world.mining_by_hand():
        handling = asyncio.create_task(hedger.outcome(message))
        await until(lambda: hedger.counted["transaction_replaced"] >= 2)
        await world.chain.mine()
        outcome = await handling
    assert isinstance(outcome, TransactionSucceeded)
    assert await hedger.used_nonces() == before + 1
    [sent] = (await hedger.wallet()).sent.values()
    fees = [(version.max_fee_wei, version.priority_fee_wei) for version in sent.versions]
    for (most, tip), (next_most, next_tip) in pairwise(fees):
        assert next_most * 1000 >= most * 1125
        assert next_tip * 1000 >= tip * 1125
    assert outcome.transaction_hash in {version.transaction_hash for version in sent.versions}


async def test_replacing_stops_at_the_cap(world: SendingWorld) -> None:
    hedger = world.hedger(replace_after_s=0.05, fees=FeePolicy(replacement_cap_wei=1))
    message = await a_lock(world, hedger)
    async with world.mining_by_hand():
        handling = asyncio.create_task(hedger.outcome(message))
        await until(lambda: hedger.counted["fee_cap_reached"] >= 2)
        await world.chain.mine()
        assert isinstance(await handling, TransactionSucceeded)
    assert await versions(hedger) == 1


async def test_replacing_stops_at_the_number_of_versions(world: SendingWorld) -> None:
    hedger = world.hedger(replace_after_s=0.03, most_versions=3)
    message = await a_lock(world, hedger)
    async with world.mining_by_hand():
        handling = asyncio.create_task(hedger.outcome(message))
        await until(lambda: hedger.counted["transaction_replaced"] == 2)
        await asyncio.sleep(0.2)
        await world.chain.mine()
        await handling
    assert await versions(hedger) == 3


async def test_past_its_time_a_transaction_is_cancelled_by_an_empty_one(world: SendingWorld) -> None:
    pool = Pool()
    async with node_with(world, pool) as url:
        hedger = world.hedger(urls=[url])
        message = await a_lock(world, hedger, valid_until=await world.chain.timestamp() + 30)
        before = await hedger.used_nonces()
        handling = asyncio.create_task(hedger.outcome(message))
        await until(lambda: hedger.counted["transaction_broadcast"])
        await world.chain.advance(60)
        pool.shut = False
        outcome = await handling
    assert (outcome.stage, outcome.action) == ("cancelled", RevertAction.GIVE_UP)
    assert await hedger.used_nonces() == before + 1
    [sent] = (await hedger.wallet()).sent.values()
    assert [version.purpose for version in sent.versions] == ["call", "cancel"]
    mined = await world.chain.request("eth_getTransactionByHash", sent.mined_hash)
    assert (mined["to"], mined["value"], mined["input"]) == (hedger.signer.address, "0x0", "0x")


async def test_a_call_that_was_mined_in_spite_of_its_cancellation_is_a_success(world: SendingWorld) -> None:
    def no_replacement(method: str) -> object:
        return LOSE if method == "eth_sendRawTransaction" and hedger.counted["transaction_replaced"] else None

    async with node_with(world, no_replacement) as url:
        hedger = world.hedger(urls=[url])
        message = await a_lock(world, hedger, valid_until=await world.chain.timestamp() + 30)
        async with world.mining_by_hand():
            handling = asyncio.create_task(hedger.outcome(message))
            await until(lambda: hedger.counted["transaction_broadcast"])
            [sent] = (await hedger.wallet()).sent.values()
            raw, call_hash = sent.newest.raw, sent.newest.transaction_hash
            await world.chain.request("anvil_dropTransaction", call_hash)
            await world.chain.advance(60)
            await until(lambda: hedger.counted["transaction_replaced"])
            await world.chain.request("eth_sendRawTransaction", raw)
            await world.chain.mine()
            outcome = await handling
    assert isinstance(outcome, TransactionSucceeded)
    assert outcome.transaction_hash == call_hash


async def test_a_transaction_that_fails_in_its_block_tells_the_contracts_reason(world: SendingWorld) -> None:
    pool = Pool()
    async with node_with(world, pool) as url:
        hedger, trader = world.hedger(urls=[url]), await world.trader()
        quote_id = await world.intent(trader)
        handling = asyncio.create_task(hedger.outcome(await hedger.requested(quote_id, trader.party_a, LOCK)))
        await until(lambda: hedger.counted["transaction_broadcast"])
        await trader.cancel(quote_id)
        pool.shut = False
        outcome = await handling
    assert isinstance(outcome, TransactionFailed)
    assert (outcome.stage, outcome.reason) == ("mined", "PartyBFacet: Invalid state")
    assert outcome.action is RevertAction.STATE_MOVED
    assert [sent.succeeded for sent in (await hedger.wallet()).sent.values()] == [False]


async def test_a_nonce_that_somebody_else_used_is_given_up_only_when_that_is_proven(world: SendingWorld) -> None:
    hedger = world.hedger()
    message, before = await a_lock(world, hedger), await hedger.used_nonces()
    async with world.mining_by_hand():
        handling = asyncio.create_task(hedger.outcome(message))
        await until(lambda: hedger.counted["transaction_broadcast"])
        await world.chain.request("eth_sendRawTransaction", _foreign(hedger, before))
        await world.chain.mine(3)
        await asyncio.sleep(0.1)
        assert [type(each) for each in await hedger.wallet_events()].count(TransactionSigned) == 1
        await world.chain.mine()
        await until(lambda: hedger.counted["nonce_lost"])
    outcome = await handling
    assert isinstance(outcome, TransactionSucceeded)
    [sent] = (await hedger.wallet()).sent.values()
    assert sent.nonce == before + 1
    lost = [event for event in await hedger.wallet_events() if isinstance(event, NonceLost)]
    assert [event.nonce for event in lost] == [before]


def _foreign(hedger: Hedger, nonce: int) -> str:
    """A transaction of the same key that this hedger's log knows nothing of."""
    fees = Fees(10**12, 10**11)
    return hedger.signer.sign(Unsigned(31337, nonce, hedger.signer.address, b"", 21_000, fees)).raw


async def test_an_answer_that_was_lost_does_not_let_it_be_sent_under_a_second_nonce(world: SendingWorld) -> None:
    async with node_with(world, lambda method: DROP if method == "eth_sendRawTransaction" else None) as url:
        hedger = world.hedger(urls=[url])
        message, before = await a_lock(world, hedger), await hedger.used_nonces()
        assert isinstance(await hedger.outcome(message), TransactionSucceeded)
        assert await hedger.used_nonces() == before + 1


async def test_the_next_endpoint_takes_over_from_one_that_is_down(world: SendingWorld) -> None:
    async with node_with(world, lambda method: LOSE) as dead:
        hedger = world.hedger(urls=[dead, world.chain.rpc_url])
        outcome = await hedger.outcome(await a_lock(world, hedger))
    assert isinstance(outcome, TransactionSucceeded)
    assert [health.failures > 0 for health in hedger.rpc.health] == [True, False]


async def test_an_outage_while_waiting_for_the_receipt_is_waited_out(world: SendingWorld) -> None:
    down = False

    def outage(method: str) -> object:
        return LOSE if down else None

    async with node_with(world, outage) as url:
        hedger = world.hedger(urls=[url])
        message = await a_lock(world, hedger)
        async with world.mining_by_hand():
            handling = asyncio.create_task(hedger.outcome(message))
            await until(lambda: hedger.counted["transaction_broadcast"])
            down = True
            await until(lambda: hedger.counted["step_failed"] >= 3)
            down = False
            await world.chain.mine()
            assert isinstance(await handling, TransactionSucceeded)


async def test_a_request_told_twice_at_once_gets_one_nonce(world: SendingWorld) -> None:
    hedger = world.hedger()
    message, before = await a_lock(world, hedger), await hedger.used_nonces()
    await asyncio.gather(*(hedger.sender.handle("key", message) for _ in range(3)))
    assert await hedger.used_nonces() == before + 1
    assert len(set(hedger.reported)) == 1


async def test_pairs_are_served_side_by_side_each_under_its_own_nonce(world: SendingWorld) -> None:
    hedger = world.hedger()
    messages = [await a_lock(world, hedger) for _ in range(3)]
    before = await hedger.used_nonces()
    async with world.mining_by_hand():
        handling = [asyncio.create_task(hedger.sender.handle("key", message)) for message in messages]
        await until(lambda: hedger.counted["transaction_broadcast"] == 3)
        await world.chain.mine()
        await asyncio.gather(*handling)
    assert [type(fact) for fact in hedger.reported] == [TransactionSucceeded] * 3
    nonces = sorted(sent.nonce for sent in (await hedger.wallet()).sent.values())
    assert nonces == [before, before + 1, before + 2]


async def test_what_stood_in_an_orphaned_block_is_sent_again_with_the_same_bytes(world: SendingWorld) -> None:
    hedger = world.hedger()
    trader, quote_id = await world.locked(hedger)
    [first] = (await hedger.wallet()).sent.values()
    await world.chain.reorg(1)
    assert (await trader.quote(quote_id)).status is QuoteStatus.PENDING
    orphaned = BlocksOrphaned(
        chain_id=31337, block_hashes=(first.mined_block_hash,), common_ancestor=first.mined_block - 1
    )
    await hedger.sender.on_orphaned(orphaned)
    await hedger.sender.on_orphaned(orphaned)

    async def is_mined_again() -> bool:
        await hedger.sender.tend()
        return (await hedger.wallet()).unmined == []

    await until(is_mined_again)
    assert (await trader.quote(quote_id)).status is QuoteStatus.LOCKED
    [again] = (await hedger.wallet()).sent.values()
    assert again.state is SentState.MINED
    assert (again.mined_hash, again.mined_block_hash != first.mined_block_hash) == (first.mined_hash, True)
    assert [type(event) for event in await hedger.wallet_events()].count(BlocksOrphaned) == 1


async def test_what_was_mined_unseen_in_an_orphaned_block_is_sent_again_at_once(world: SendingWorld) -> None:
    hedger = world.hedger(rebroadcast_s=600.0)
    trader, quote_id = await world.locked(hedger)
    [first] = (await hedger.wallet()).sent.values()

    async def is_locked() -> bool:
        return (await trader.quote(quote_id)).status is QuoteStatus.LOCKED

    async def taken_back() -> None:
        receipt = await hedger.rpc.call("eth_getTransactionReceipt", (first.mined_hash,))
        head = int(await hedger.rpc.call("eth_blockNumber"), 16)
        await world.chain.reorg(head - int(receipt["blockNumber"], 16) + 1)

    await taken_back()
    seen = BlocksOrphaned(chain_id=31337, block_hashes=(first.mined_block_hash,), common_ancestor=first.mined_block - 1)
    await hedger.sender.on_orphaned(seen)
    await until(is_locked)  # and nobody looks for the receipt
    await taken_back()
    assert not await is_locked()
    unseen = BlocksOrphaned(chain_id=31337, block_hashes=("0xaa",), common_ancestor=first.mined_block)
    await hedger.sender.on_orphaned(unseen)

    async def is_mined_again() -> bool:
        await hedger.sender.tend()
        return (await hedger.wallet()).unmined == []

    await until(is_mined_again)
    assert await is_locked()


async def test_orphaned_blocks_without_transactions_of_ours_are_not_recorded(world: SendingWorld) -> None:
    hedger = world.hedger()
    await world.locked(hedger)
    before = await hedger.wallet_events()
    await hedger.sender.on_orphaned(BlocksOrphaned(chain_id=31337, block_hashes=("0xaa",), common_ancestor=1))
    assert await hedger.wallet_events() == before


async def test_a_nonce_that_nobody_waits_for_does_not_hold_up_the_next(world: SendingWorld) -> None:
    pool = Pool()
    async with node_with(world, pool) as url:
        first = world.hedger(urls=[url])
        message = await a_lock(world, first)
        abandoned = asyncio.create_task(first.outcome(message))
        await until(lambda: first.counted["transaction_broadcast"])
        await first.sender.stop()
        await asyncio.gather(abandoned, return_exceptions=True)
    second = world.hedger(log=first.log)
    await second.recorded(message.quote_id, _gave_up(message))
    following = await a_lock(world, second)
    handling = asyncio.create_task(second.outcome(following))
    await until(lambda: second.counted["transaction_broadcast"])
    await asyncio.sleep(0.1)
    assert not handling.done()
    await second.sender.recover()
    assert isinstance(await handling, TransactionSucceeded)
    await second.sender.tend()
    assert (await second.wallet()).unmined == []


async def test_a_sender_that_runs_recovers_at_once_and_lets_go_when_it_ends(world: SendingWorld) -> None:
    hedger = world.hedger(tend_s=60.0)
    message = await a_lock(world, hedger)
    async with world.mining_by_hand():
        handling = asyncio.create_task(hedger.outcome(message))
        await until(lambda: hedger.counted["transaction_broadcast"])
        await hedger.sender.stop()
        await asyncio.gather(handling, return_exceptions=True)
    restarted = hedger.restarted()
    following = await a_lock(world, restarted)
    running = asyncio.create_task(restarted.sender.run())
    await until(lambda: restarted.counted["transaction_mined"] == 1)
    async with world.mining_by_hand():
        waiting = asyncio.create_task(restarted.outcome(following))
        await until(lambda: restarted.counted["transaction_broadcast"])
        running.cancel()
        with pytest.raises(SenderStopped):
            await waiting
    await asyncio.gather(running, return_exceptions=True)


def _gave_up(message: Logged) -> TransactionFailed:
    return TransactionFailed(
        request_id=str(getattr(message.recorded.event, "request_id", "")),
        stage="cancelled",
        reason="",
        action=RevertAction.GIVE_UP,
        block_timestamp=0,
    )
