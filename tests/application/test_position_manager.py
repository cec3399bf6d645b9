"""The position manager: facts and decisions in one append, in order per PartyA, whatever is told how often."""

import asyncio
from itertools import pairwise

import msgspec
import pytest
from deciding_world import (
    CHAIN_ID,
    DIAMOND,
    CountingLog,
    World,
    block_facts,
    block_of,
    in_block,
    of_quote,
)
from hypothesis import given as for_all
from hypothesis import strategies as st

from hedger.adapters.chain.messages import HEAD_KEY, ProtocolFacts, Rejected, Reorganised
from hedger.adapters.chain.rpc import RpcUnavailable
from hedger.application import position_manager
from hedger.application.ledger import Ledger
from hedger.domain import chain_facts
from hedger.domain.events import Event
from hedger.domain.feed import BlockRef, BlocksOrphaned, FeedCheckpointed, InputRejected
from hedger.domain.quote import events
from hedger.domain.quote.quote import Quote, Verdict
from hedger.domain.terms import BalanceChange, QuoteStatus
from hedger.domain.transactions import RequestState
from tests.domain.given import (
    HEDGE_FIRST,
    NOW,
    OTHER,
    TRADER,
    US,
    Chain,
    accepted_order,
    ended,
    filled,
    refused_order,
    succeeded,
    wad,
)

SECOND_TRADER = "0x" + "ac" * 20
LOCK, O1 = "t-7-lock-1", "t-7-o1"


async def locked_and_hedging(world: World, chain: Chain) -> None:
    """Locked by us, the opening order asked for."""
    await world.told(chain.sent())
    locked = chain.locked()
    await world.reported(succeeded(LOCK, block=locked.source.block_number))
    await world.told(locked)
    assert world.names()[-1] == "OrderRequested"


def reorganised(*hashes: str) -> Reorganised:
    return Reorganised(orphaned=BlocksOrphaned(chain_id=CHAIN_ID, block_hashes=hashes, common_ancestor=99))


# --- facts with their decisions


async def test_a_fact_and_the_decision_on_it_are_recorded_in_one_append() -> None:
    world = World()
    await world.told(Chain().sent())
    [together] = world.log.appends
    names = [type(event).__name__ for event in together]
    assert names == ["QuoteSent", "QuoteAccepted", "Decided", "TransactionRequested"]


async def test_a_block_read_again_asks_the_chain_nothing_and_is_left_to_the_periodic_pass() -> None:
    world, chain = World(), Chain()
    locked = chain.locked()
    await world.told(chain.sent(), locked)
    after = world.restarted()
    recorded = len(after.log.recorded)
    await after.told(locked)
    assert (after.views.asked, len(after.log.recorded)) == (0, recorded)
    assert after.book.live == {locked.quote_id: TRADER}


async def test_a_head_that_is_read_again_from_below_does_not_take_a_quote_back_in_time() -> None:
    world, chain = World(), Chain()
    late = msgspec.structs.replace(chain.sent(), source=chain.source(at=NOW + 50))
    await world.told(late)
    after = world.restarted()
    after.board.head = BlockRef(number=60, hash="0x60", parent_hash="0x59", timestamp=NOW - 100)
    inputs = await after.inputs.gather(await after.ledger.quote(late.quote_id))
    assert inputs is not None
    assert (inputs.block_number, inputs.block_timestamp) == (late.source.block_number, NOW + 50)


async def test_a_decision_holds_what_it_saw() -> None:
    world = World()
    sent = Chain().sent()
    await world.told(sent)
    accepted = world.recorded(events.QuoteAccepted).event
    assert isinstance(accepted, events.QuoteAccepted)
    assert accepted.policy == world.policy.version
    assert accepted.inputs.account == world.views.view
    assert accepted.inputs.block_timestamp == NOW + 1
    assert world.log.recorded[0].causation_id == f"block:{sent.source.block_hash}"


async def test_a_fact_told_twice_is_recorded_once() -> None:
    world = World()
    sent = Chain().sent()
    await world.told(sent, sent)
    assert world.names().count("QuoteSent") == 1
    assert world.names().count("TransactionRequested") == 1


async def test_a_new_intent_is_decided_on_without_reading_the_log_for_it_first() -> None:
    world = World()
    await world.told(Chain().sent())
    assert (await world.ledger.quote(7)).id not in world.log.read


async def test_an_intent_that_the_log_has_already_is_read_before_anything_more_is_decided() -> None:
    world, chain = World(), Chain()
    sent = chain.sent()
    await world.told(sent)
    await world.told(chain.locked(by=OTHER))
    before = world.names()
    again = world.restarted()
    await again.told(sent)
    assert world.names() == before
    quote = await again.ledger.quote(7)
    assert quote.chain is not None
    assert quote.chain.status is QuoteStatus.LOCKED


async def test_blocks_read_again_after_a_restart_change_nothing() -> None:
    world, chain = World(), Chain()
    sent, locked = chain.sent(), chain.locked()
    await world.told(sent)
    await world.reported(succeeded(LOCK, block=locked.source.block_number))
    await world.told(locked)
    before = world.names()
    again = world.restarted()
    await again.told(sent, locked)
    assert world.names() == before


async def test_an_intent_of_others_is_recorded_and_never_asked_about() -> None:
    world = World()
    await world.told(Chain().sent(whitelist=(OTHER,)))
    assert world.names()[0] == "QuoteSent"
    assert (await world.quote()).verdict is Verdict.REJECTED
    assert world.views.asked == 0


async def test_facts_of_several_quotes_in_one_block_are_decided_on_quote_by_quote() -> None:
    world, chain = World(), Chain()
    sent = chain.sent()
    await world.manager.on_block_facts(TRADER, block_facts(sent, of_quote(sent, 8)))
    assert [type(each[0]).__name__ for each in world.log.appends] == ["QuoteSent", "QuoteSent"]
    assert {(await world.quote(each)).verdict for each in (7, 8)} == {Verdict.ACCEPTED}


async def test_what_one_quote_was_promised_is_seen_by_the_next_decision() -> None:
    world, chain = World(), Chain()
    sent = chain.sent()
    await world.told(sent, of_quote(sent, 8))
    second = world.recorded(events.QuoteAccepted).event
    assert isinstance(second, events.QuoteAccepted)
    assert second.inputs.book is not None
    assert second.inputs.book.promised_allocation > 0
    assert second.inputs.book.total_notional > 0


# --- conflicts


async def test_a_version_conflict_reloads_and_decides_again() -> None:
    world, chain = World(), Chain()
    sent, locked_by_other = chain.sent(), chain.locked(by=OTHER)

    async def another_process_is_faster(party_a: str) -> None:
        world.views.before = None
        elsewhere = Ledger(world.log, chain_id=CHAIN_ID, diamond=DIAMOND, party_b=US)
        facts: list[Event] = [sent, locked_by_other]
        aggregate_id = Quote.create_id(CHAIN_ID, DIAMOND, 7)
        await elsewhere.change(
            lambda: elsewhere.quote(7), aggregate_id, lambda _: facts, correlation_id="", causation_id=""
        )

    world.views.before = another_process_is_faster
    await world.told(sent)
    quote = await world.quote()
    assert quote.chain is not None
    assert quote.chain.status is QuoteStatus.LOCKED
    assert world.names() == ["QuoteSent", "QuoteLocked"]  # what was decided on the old state is not recorded


async def test_a_log_that_stays_ahead_is_given_up_on_and_told_again_later() -> None:
    world, chain = World(), Chain()
    elsewhere = Ledger(world.log, chain_id=CHAIN_ID, diamond=DIAMOND, party_b=US)

    async def another_process_is_always_faster(party_a: str) -> None:
        opened: list[Event] = [of_quote(chain.unlocked(), 7)]
        aggregate_id = Quote.create_id(CHAIN_ID, DIAMOND, 7)
        await elsewhere.change(
            lambda: elsewhere.quote(7), aggregate_id, lambda _: opened, correlation_id="", causation_id=""
        )

    world.views.before = another_process_is_always_faster
    sent = chain.sent()
    with pytest.raises(Exception, match="moved on"):
        await world.told(sent)
    world.views.before = None
    await world.told(sent)
    assert "QuoteSent" in world.names()


# --- inputs that are not there


async def test_without_inputs_the_facts_are_kept_and_decided_on_by_the_next_pass() -> None:
    world = World()
    world.views.failing = RpcUnavailable("away")
    await world.told(Chain().sent())
    assert world.names() == ["QuoteSent"]
    assert world.counted == ["inputs_unavailable"]
    world.views.failing = None
    await world.healer.heal()
    assert world.names() == ["QuoteSent", "QuoteAccepted", "Decided", "TransactionRequested"]


async def test_before_the_first_block_nothing_is_decided() -> None:
    world = World()
    world.views.failing = RpcUnavailable("away")
    await world.told(Chain().sent())
    world.views.failing, world.board.head = None, None
    await world.manager.heal(7, TRADER)
    assert world.names() == ["QuoteSent"]


async def test_a_price_that_is_not_known_is_no_reason_to_refuse() -> None:
    world = World()
    world.board.markets = {}
    await world.told(Chain().sent())
    assert world.names() == ["QuoteSent"]


async def test_a_fault_of_the_policy_loses_no_fact(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*arguments: object) -> list[Event]:
        raise AssertionError("a fault of the policy")

    world, chain = World(), Chain()
    with monkeypatch.context() as patch:
        patch.setattr(position_manager, "decide", broken)
        await world.told(chain.sent())
    assert world.names() == ["QuoteSent"]
    assert world.counted == ["decision_failed"]
    await world.healer.heal()
    assert world.names()[-1] == "TransactionRequested"


async def test_a_handler_that_is_cancelled_leaves_nothing_behind_that_is_not_recorded() -> None:
    world, never = World(), asyncio.Event()
    sent = Chain().sent()

    async def wait(party_a: str) -> None:
        await never.wait()

    world.views.before = wait
    handling = asyncio.create_task(world.told(sent))
    await asyncio.sleep(0.01)
    handling.cancel()
    with pytest.raises(asyncio.CancelledError):
        await handling
    assert world.names() == []
    world.views.before, world.board.markets = None, {}  # nothing to decide: only the fact is to be recorded
    await world.told(sent)
    assert world.names() == ["QuoteSent"]


# --- order


async def test_work_for_one_party_a_is_done_one_after_the_other() -> None:
    world, chain = World(), Chain()
    running: list[int] = []
    most: list[int] = []

    async def slowly(party_a: str) -> None:
        running.append(1)
        most.append(len(running))
        await asyncio.sleep(0)
        running.pop()

    world.views.before = slowly
    sent = chain.sent()
    await asyncio.gather(*(world.told(of_quote(sent, quote_id)) for quote_id in range(1, 6)))
    assert max(most) == 1
    assert [each.event.quote_id for each in world.log.recorded if isinstance(each.event, chain_facts.QuoteSent)] == [
        1,
        2,
        3,
        4,
        5,
    ]


async def test_what_comes_by_two_keys_for_one_quote_is_done_one_after_the_other() -> None:
    """While it stands in no block its PartyA is not known, and facts of its orders come by a key of its own."""
    world, held = World(HEDGE_FIRST), asyncio.Event()
    await world.told(Chain().sent())
    await world.reported(accepted_order(O1))

    async def hold(party_a: str) -> None:
        await held.wait()

    world.views.before = hold
    healing = asyncio.create_task(world.manager.heal(7, TRADER))
    await asyncio.sleep(0.01)
    telling = asyncio.create_task(world.reported(filled(O1, "10"), ended(O1, "10"), key="quote:7"))
    await asyncio.sleep(0.01)
    held.set()
    await asyncio.gather(healing, telling)
    assert world.names()[-4:] == ["OrderFilled", "OrderEnded", "Decided", "TransactionRequested"]


async def test_another_party_a_does_not_wait() -> None:
    world, held = World(), asyncio.Event()
    sent = Chain().sent()

    async def hold_the_first(party_a: str) -> None:
        if party_a == TRADER:
            await held.wait()

    world.views.before = hold_the_first
    first = asyncio.create_task(world.told(sent))
    other = of_quote(sent, 8, party_a=SECOND_TRADER)
    await world.told(other, party_a=SECOND_TRADER)
    assert (await world.quote(8)).verdict is Verdict.ACCEPTED
    assert (await world.quote(7)).version == 0
    held.set()
    await first
    assert (await world.quote(7)).verdict is Verdict.ACCEPTED


async def test_an_address_in_capitals_is_the_same_party_a() -> None:
    world, held = World(), asyncio.Event()
    sent = Chain().sent()
    order: list[int] = []

    async def hold(party_a: str) -> None:
        await held.wait()
        order.append(len(order))

    world.views.before = hold
    first = asyncio.create_task(world.told(sent))
    await asyncio.sleep(0)
    healing = asyncio.create_task(world.manager.heal(7, TRADER.upper()))
    await asyncio.sleep(0.01)
    assert world.views.asked == 1
    held.set()
    await asyncio.gather(first, healing)


# --- reorganisations


async def test_what_a_reorganised_block_told_falls_back_and_is_decided_on_again() -> None:
    world, chain = World(), Chain()
    await world.told(chain.sent())
    locked = chain.locked()
    await world.reported(succeeded(LOCK, block=locked.source.block_number))
    await world.told(locked)
    await world.manager.on_reorganised(TRADER, reorganised(locked.source.block_hash))
    quote = await world.quote()
    assert quote.chain is not None
    assert quote.chain.status is QuoteStatus.PENDING
    assert quote.requests[LOCK].state is RequestState.REQUESTED  # its transaction is under way again


async def test_a_reorganisation_told_by_several_keys_is_recorded_once_for_each_quote() -> None:
    world, chain = World(), Chain()
    sent = chain.sent()
    await world.told(sent)
    message = reorganised(sent.source.block_hash)
    for key in (TRADER, SECOND_TRADER, HEAD_KEY):
        await world.manager.on_reorganised(key, message)
    orphaned = [each for each in world.log.recorded if isinstance(each.event, BlocksOrphaned)]
    assert len([each for each in orphaned if each.aggregate_id == (await world.quote()).id]) == 1
    assert len(orphaned) == 2  # the feed's own besides


async def test_a_quote_whose_intent_left_the_chain_cancels_its_hedge() -> None:
    world, chain = World(HEDGE_FIRST), Chain()
    sent = chain.sent()
    await world.told(sent)
    await world.reported(accepted_order(O1))
    await world.manager.on_reorganised(TRADER, reorganised(sent.source.block_hash))
    assert (await world.quote()).chain is None
    assert world.names()[-1] == "OrderCancelRequested"


async def test_an_intent_that_returns_with_its_block_holds_again() -> None:
    world, chain = World(), Chain()
    sent = chain.sent()
    await world.told(sent)
    await world.manager.on_reorganised(TRADER, reorganised(sent.source.block_hash))
    await world.told(sent)
    quote = await world.quote()
    assert quote.chain is not None
    assert quote.chain.status is QuoteStatus.PENDING
    assert world.names().count("QuoteSent") == 1


@pytest.mark.parametrize("key", [SECOND_TRADER, HEAD_KEY])
async def test_a_reorganisation_told_late_by_somebody_elses_key_takes_nothing_that_holds_again(key: str) -> None:
    world, chain = World(), Chain()
    sent = chain.sent()
    await world.told(sent)
    gone = reorganised(sent.source.block_hash)
    message = msgspec.structs.replace(gone, keys=(TRADER, SECOND_TRADER, HEAD_KEY))
    await world.manager.on_reorganised(TRADER, message)
    await world.told(sent)  # the chain has returned to the block
    await world.manager.on_reorganised(key, message)
    facet = (await world.quote()).chain
    assert facet is not None
    assert facet.status is QuoteStatus.PENDING


async def test_the_allocation_told_in_a_reorganised_block_is_taken_back() -> None:
    world, chain = World(), Chain()
    kept, lost = chain.allocation("100"), chain.allocation("40")
    await world.told(kept, lost)
    await world.manager.on_reorganised(TRADER, reorganised(lost.source.block_hash))
    assert (await world.ledger.account(TRADER)).allocated == wad(100)


# --- accounts


async def test_allocations_are_summed_per_account_and_told_twice_count_once() -> None:
    world, chain = World(), Chain()
    plus, minus = chain.allocation("100"), chain.allocation("30", BalanceChange.DEALLOCATE)
    await world.told(plus, minus, plus)
    assert (await world.restarted().ledger.account(TRADER)).allocated == wad(70)


async def test_what_concerns_another_party_b_is_not_recorded() -> None:
    world = World()
    theirs = chain_facts.AllocationChanged(
        source=Chain().source(), party_b=OTHER, party_a=TRADER, amount=wad(5), kind=BalanceChange.ALLOCATE
    )
    await world.told(theirs)
    assert world.names() == []


async def test_a_liquidation_of_somebody_we_have_nothing_with_is_not_recorded() -> None:
    world, chain = World(), Chain()
    started = chain_facts.PartyALiquidationStarted(source=chain.source(), party_a=TRADER, upnl=0)
    await world.told(started)
    assert world.names() == []
    await world.told(chain.allocation("1"))
    await world.told(started)
    assert (await world.ledger.account(TRADER)).is_party_a_liquidated


async def test_our_liquidation_ends_the_pairs_locked_quotes() -> None:
    world, chain = World(), Chain()
    await locked_and_hedging(world, chain)
    await world.reported(accepted_order(O1))
    started = chain_facts.PartyBLiquidationStarted(source=chain.source(), party_b=US, party_a=TRADER, upnl=0)
    await world.told(started, started)
    quote = await world.quote()
    assert quote.chain is not None
    assert quote.chain.status is QuoteStatus.LIQUIDATED_PENDING
    assert world.names().count("PendingLiquidated") == 1
    assert world.names()[-1] == "OrderCancelRequested"


# --- facts of the venue and of transactions


async def test_a_fill_told_twice_is_booked_once() -> None:
    world = World()
    await locked_and_hedging(world, Chain())
    await world.reported(accepted_order(O1), filled(O1, "4"))
    await world.reported(filled(O1, "4"))
    await world.reported(filled(O1, "4"), filled(O1, "4"))
    assert (await world.quote()).hedge.quantity == wad(4)
    assert world.names().count("OrderFilled") == 1


async def test_the_last_fill_and_the_opening_are_recorded_in_one_append() -> None:
    world = World()
    await locked_and_hedging(world, Chain())
    await world.reported(accepted_order(O1), filled(O1, "10"), ended(O1, "10"))
    names = [type(event).__name__ for event in world.log.appends[-1]]
    assert names[:3] == ["OrderAccepted", "OrderFilled", "OrderEnded"]
    assert names[-1] == "TransactionRequested"


async def test_a_refused_order_is_placed_anew_only_after_its_wait() -> None:
    world = World()
    await locked_and_hedging(world, Chain())
    await world.reported(refused_order(O1))
    assert world.names()[-1] == "OrderRefused"
    head = world.board.head
    assert head is not None
    world.board.head = type(head)(
        number=head.number + 1, hash="0xlater", parent_hash=head.hash, timestamp=head.timestamp + 30
    )
    await world.healer.heal()
    again = world.recorded(events.OrderRequested).event
    assert isinstance(again, events.OrderRequested)
    assert again.client_order_id == "t-7-o2"


async def test_facts_of_an_order_that_nobody_asked_for_are_ignored() -> None:
    world = World()
    await locked_and_hedging(world, Chain())
    before = world.names()
    await world.reported(accepted_order("t-7-o9"), filled("t-7-o9", "1"))
    assert world.names() == before


async def test_the_outcome_of_a_transaction_counts_once_and_only_while_it_is_under_way() -> None:
    world = World()
    await world.told(Chain().sent())
    await world.reported(succeeded("t-7-lock-9"))
    assert world.names()[-1] == "TransactionRequested"
    await world.reported(succeeded(LOCK, block=200))
    await world.reported(succeeded(LOCK, block=200))
    assert world.names().count("TransactionSucceeded") == 1


async def test_after_its_transaction_the_quote_waits_for_the_block_that_mined_it() -> None:
    world = World()
    await world.told(Chain().sent())
    await world.reported(succeeded(LOCK, block=200))
    assert world.names()[-1] == "TransactionSucceeded"
    assert world.manager.awaiting_blocks == {7}


TRADES = [filled(O1, str(number), trade=str(number)) for number in (1, 2, 3, 4)]
TOLD = [accepted_order(O1), *TRADES, ended(O1, "10")]


@for_all(st.lists(st.lists(st.sampled_from(TOLD), min_size=1, max_size=3), max_size=8), st.permutations(TOLD))
def test_reports_in_any_order_and_repetition_come_to_the_same_hedge(
    noise: list[list[Event]], everything: list[Event]
) -> None:
    async def play() -> World:
        world = World()
        await locked_and_hedging(world, Chain())
        for facts in [*noise, *([fact] for fact in everything)]:
            await world.reported(*facts)
        return world

    world = asyncio.run(play())
    quote = asyncio.run(world.quote())
    assert quote.hedge.quantity == wad(10)
    assert not quote.hedge.unsettled
    assert world.names().count("OrderFilled") == len(TRADES)
    opened = [each for each in quote.requests.values() if each.call.quantity == wad(10)]
    assert len(opened) == 1  # the opening is asked for once, whichever report came last


@for_all(st.permutations(range(1, 5)), st.lists(st.integers(1, 4), max_size=4))
def test_quotes_told_in_any_order_and_repetition_leave_every_version_in_sequence(
    order: list[int], again: list[int]
) -> None:
    async def play() -> CountingLog:
        world, sent = World(), Chain().sent()
        await asyncio.gather(*(world.told(of_quote(sent, quote_id)) for quote_id in [*order, *again]))
        return world.log

    log = asyncio.run(play())
    assert len([each for each in log.recorded if isinstance(each.event, chain_facts.QuoteSent)]) == 4
    for first, second in pairwise(sorted(log.recorded, key=lambda each: (each.aggregate_id, each.version))):
        if first.aggregate_id == second.aggregate_id:
            assert second.version == first.version + 1


# --- the feed


async def test_what_could_not_be_read_is_kept_raw_once() -> None:
    world = World()
    item = InputRejected(origin="chain 31337 block 0xb1 log 4", field="topic0", reason="unknown", raw="0x12")
    message = Rejected(block=block_of(Chain().source()), items=(item,))
    await world.manager.on_rejected("rejected", message)
    await world.manager.on_rejected("rejected", message)
    assert world.events == [item]
    assert world.counted == ["input_rejected", "input_rejected"]


async def test_a_change_of_the_protocol_is_recorded_once() -> None:
    world = World()
    source = Chain().source()
    paused = chain_facts.ProtocolChanged(source=source, name="PauseGlobal", arguments={})
    other = in_block(paused, source.block_hash, log_index=1)
    await world.manager.on_protocol_facts("protocol", ProtocolFacts(block=block_of(source), facts=(paused,)))
    await world.manager.on_protocol_facts("protocol", ProtocolFacts(block=block_of(source), facts=(paused, other)))
    assert world.events == [paused, other]


async def test_how_far_everything_is_recorded_is_noted_from_time_to_time() -> None:
    world, chain = World(), Chain()
    first = block_of(chain.source())
    await world.manager.on_head(first)
    for number in range(first.number + 1, first.number + 100):
        await world.manager.on_head(type(first)(number=number, hash=f"0x{number}", parent_hash="", timestamp=NOW))
    assert len([event for event in world.events if isinstance(event, FeedCheckpointed)]) == 1
