"""The last gate: nothing is signed while trading is halted, nothing new while it is reducing, nothing too late."""

import asyncio
from collections.abc import AsyncIterator

import pytest
from sending_world import ALLOCATION, PRICE, QUANTITY, SendingWorld, sending_world, until

from hedger.adapters.chain.gas import FeePolicy
from hedger.application.sending import SenderStopped
from hedger.domain.quote.events import OrderCancelRequested
from hedger.domain.reverts import RevertAction
from hedger.domain.terms import CallKind, QuoteStatus, TradingState
from hedger.domain.transactions import Call, TransactionSucceeded
from hedger.domain.wallet import TransactionWithheld

LOCK = Call(kind=CallKind.LOCK, allocate=ALLOCATION)
OPEN = Call(kind=CallKind.OPEN, quantity=QUANTITY, price=PRICE)


@pytest.fixture(scope="module")
async def world() -> AsyncIterator[SendingWorld]:
    async with sending_world() as world:
        yield world


async def test_while_trading_is_halted_a_request_is_held_and_goes_on_afterwards(world: SendingWorld) -> None:
    hedger, trader = world.hedger(), await world.trader()
    quote_id = await world.intent(trader)
    await hedger.trading_is(TradingState.HALTED)
    handling = asyncio.create_task(hedger.outcome(await hedger.requested(quote_id, trader.party_a, LOCK)))
    await asyncio.sleep(0.15)
    assert (handling.done(), (await hedger.wallet()).sent) == (False, {})
    await hedger.trading_is(TradingState.ACTIVE)
    assert isinstance(await handling, TransactionSucceeded)


async def test_a_held_request_ends_when_it_has_become_pointless(world: SendingWorld) -> None:
    hedger, trader = world.hedger(), await world.trader()
    await hedger.trading_is(TradingState.HALTED)
    deadline = await world.chain.timestamp() + 30
    message = await hedger.requested(await world.intent(trader), trader.party_a, LOCK, valid_until=deadline)
    handling = asyncio.create_task(hedger.outcome(message))
    await asyncio.sleep(0.1)
    assert not handling.done()
    await world.chain.advance(60)
    outcome = await handling
    assert (outcome.stage, outcome.action) == ("signature", RevertAction.GIVE_UP)


async def test_reducing_refuses_to_lock_and_lets_what_is_hedged_be_opened(world: SendingWorld) -> None:
    hedger = world.hedger()
    trader, quote_id = await world.locked(hedger)
    await hedger.trading_is(TradingState.REDUCING, "BTCUSDT")
    another = await world.intent(trader)
    for kind in (CallKind.LOCK, CallKind.LOCK_AND_OPEN):
        call = Call(kind=kind, quantity=QUANTITY, price=PRICE)
        refused = await hedger.outcome(await hedger.requested(another, trader.party_a, call))
        assert (refused.stage, refused.reason) == ("simulation", "trading is reducing")
        assert refused.action is RevertAction.GIVE_UP
    opened = await hedger.outcome(await hedger.requested(quote_id, trader.party_a, OPEN))
    assert isinstance(opened, TransactionSucceeded)


async def test_another_symbols_state_does_not_matter(world: SendingWorld) -> None:
    hedger = world.hedger()
    await hedger.trading_is(TradingState.HALTED, "ETHUSDT")
    trader, quote_id = await world.locked(hedger)
    assert (await trader.quote(quote_id)).status is QuoteStatus.LOCKED


async def test_a_request_that_is_past_its_time_by_the_chains_clock_is_not_signed(world: SendingWorld) -> None:
    hedger, trader = world.hedger(), await world.trader()
    late = await world.chain.timestamp() - 1
    message = await hedger.requested(await world.intent(trader), trader.party_a, LOCK, valid_until=late)
    outcome = await hedger.outcome(message)
    assert (outcome.stage, outcome.reason) == ("signature", "valid_until has passed")
    assert outcome.action is RevertAction.GIVE_UP
    assert (await hedger.wallet()).sent == {}


async def test_above_the_fee_cap_nothing_is_signed(world: SendingWorld) -> None:
    hedger, trader = world.hedger(fees=FeePolicy(cap_wei=1)), await world.trader()
    outcome = await hedger.outcome(await hedger.requested(await world.intent(trader), trader.party_a, LOCK))
    assert (outcome.stage, outcome.action) == ("simulation", RevertAction.WAIT)
    assert "above the cap" in outcome.reason
    assert (await hedger.wallet()).sent == {}


async def test_a_refused_request_gets_the_same_answer_however_often_it_is_told(world: SendingWorld) -> None:
    hedger, trader = world.hedger(), await world.trader()
    await hedger.trading_is(TradingState.REDUCING)
    quote_id = await world.intent(trader)
    message = await hedger.requested(quote_id, trader.party_a, LOCK)
    first = await hedger.outcome(message)
    await hedger.trading_is(TradingState.ACTIVE)
    assert await hedger.outcome(message) == first
    assert await hedger.restarted().outcome(message) == first
    assert [type(event) for event in await hedger.wallet_events()] == [TransactionWithheld]
    assert (await trader.quote(quote_id)).status is QuoteStatus.PENDING


async def test_a_request_whose_outcome_is_recorded_is_nothing_to_do(world: SendingWorld) -> None:
    hedger, trader = world.hedger(), await world.trader()
    quote_id, before = await world.intent(trader), await hedger.used_nonces()
    message = await hedger.requested(quote_id, trader.party_a, LOCK)
    await hedger.recorded(quote_id, await hedger.outcome(message))
    await hedger.sender.handle("key", message)
    assert len(hedger.reported) == 1
    assert await hedger.used_nonces() == before + 1


async def test_what_is_no_request_is_passed_over(world: SendingWorld) -> None:
    hedger = world.hedger()
    cancel = OrderCancelRequested(client_order_id="h-1-o1", reason="")
    await hedger.sender.handle("key", await hedger.recorded(1, cancel))
    assert hedger.streams.published == []


async def test_a_sender_that_is_stopped_lets_go_of_what_it_waits_for(world: SendingWorld) -> None:
    hedger, trader = world.hedger(), await world.trader()
    message = await hedger.requested(await world.intent(trader), trader.party_a, LOCK)
    async with world.mining_by_hand():
        handling = asyncio.create_task(hedger.outcome(message))
        await until(lambda: hedger.counted["transaction_broadcast"])
        await hedger.sender.stop()
        with pytest.raises(SenderStopped):
            await handling
    assert isinstance(await hedger.restarted().outcome(message), TransactionSucceeded)
