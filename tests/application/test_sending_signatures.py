"""Muon signatures: at hand when the call comes, refreshed once when stale, waited for within bounds."""

from collections import Counter
from collections.abc import AsyncIterator

import pytest
from sending_world import ALLOCATION, BTC, PRICE, QUANTITY, Hedger, SendingWorld, node_with, sending_world, until

from devnet.oracle import Fault, FaultKind
from devnet.traders import Trader
from hedger.adapters.streams import topics
from hedger.domain.chain_facts import QuoteSent
from hedger.domain.events import ChainSource
from hedger.domain.quote.events import OrderRequested
from hedger.domain.reverts import RevertAction
from hedger.domain.terms import CallKind, Leg, OrderType, PositionType, Side
from hedger.domain.transactions import Call, TransactionSucceeded

OPEN = Call(kind=CallKind.OPEN, quantity=QUANTITY, price=PRICE)
PAIR = "uPnlWithSymbolPrice"


@pytest.fixture(scope="module")
async def module_world() -> AsyncIterator[SendingWorld]:
    async with sending_world() as world:
        yield world


@pytest.fixture
def world(module_world: SendingWorld) -> SendingWorld:
    module_world.oracle.faults.clear()
    module_world.oracle.asked.clear()
    return module_world


async def order_is_placed(hedger: Hedger, trader: Trader, quote_id: int, leg: Leg = Leg.OPEN) -> None:
    """The log tells of an order; the quote's own first fact is there, so its symbol is known."""
    source = ChainSource(
        chain_id=31337,
        block_number=1,
        block_hash=f"0x{quote_id}",
        block_timestamp=0,
        transaction_hash="0x",
        log_index=0,
    )
    sent = QuoteSent(
        source=source,
        quote_id=quote_id,
        party_a=trader.party_a,
        party_bs_whitelist=(),
        symbol_id=BTC,
        position_type=PositionType.LONG,
        order_type=OrderType.MARKET,
        price=PRICE,
        market_price=PRICE,
        quantity=QUANTITY,
        cva=0,
        lf=0,
        party_a_mm=0,
        party_b_mm=0,
        trading_fee=0,
        deadline=0,
    )
    await hedger.recorded(quote_id, sent)
    order = OrderRequested(
        client_order_id=f"h-{quote_id}-{leg.value}1",
        leg=leg,
        symbol="BTCUSDT",
        side=Side.BUY,
        order_type=OrderType.MARKET,
        quantity=QUANTITY,
        limit_price=0,
        reduce_only=False,
        close_id=0,
        decision_price=PRICE,
        requested_at=0,
    )
    await hedger.sender.handle("key", await hedger.recorded(quote_id, order))


async def test_an_order_lets_the_signature_be_asked_for_ahead_and_the_call_uses_it(world: SendingWorld) -> None:
    hedger = world.hedger()
    trader, quote_id = await world.locked(hedger)
    await order_is_placed(hedger, trader, quote_id)
    await until(lambda: world.oracle.asked[PAIR] == 1)
    outcome = await hedger.outcome(await hedger.requested(quote_id, trader.party_a, OPEN))
    assert isinstance(outcome, TransactionSucceeded)
    assert world.oracle.asked[PAIR] == 1


async def test_an_unwinding_order_needs_no_signature(world: SendingWorld) -> None:
    hedger = world.hedger()
    trader, quote_id = await world.locked(hedger)
    await order_is_placed(hedger, trader, quote_id, Leg.UNWIND)
    await hedger.outcome(await hedger.requested(quote_id, trader.party_a, OPEN))
    assert world.oracle.asked[PAIR] == 1


async def test_a_held_signature_that_has_gone_stale_is_refreshed_once(world: SendingWorld) -> None:
    hedger = world.hedger()
    trader, quote_id = await world.locked(hedger)
    world.oracle.faults.add(Fault(FaultKind.EXPIRED, method=PAIR))
    await order_is_placed(hedger, trader, quote_id)
    outcome = await hedger.outcome(await hedger.requested(quote_id, trader.party_a, OPEN))
    assert isinstance(outcome, TransactionSucceeded)
    assert world.oracle.asked[PAIR] == 2


async def test_a_held_signature_is_dropped_untried_when_the_nonces_have_moved(world: SendingWorld) -> None:
    tried = Counter[str]()
    async with node_with(world, lambda method: tried.update([method])) as url:
        hedger, other = world.hedger(urls=[url]), world.hedger()
        trader, quote_id = await world.locked(hedger)
        second = await world.intent(trader)
        lock = Call(kind=CallKind.LOCK, allocate=ALLOCATION)
        await hedger.outcome(await hedger.requested(second, trader.party_a, lock))
        await order_is_placed(hedger, trader, quote_id)
        await until(lambda: world.oracle.asked[PAIR] == 1)
        await other.outcome(await other.requested(second, trader.party_a, OPEN))
        tried.clear()
        outcome = await hedger.outcome(await hedger.requested(quote_id, trader.party_a, OPEN))
    assert isinstance(outcome, TransactionSucceeded)
    assert (world.oracle.asked[PAIR], tried["eth_estimateGas"]) == (3, 1)


async def test_a_held_signature_is_dropped_when_it_is_too_old(world: SendingWorld) -> None:
    hedger = world.hedger(held_signature_s=0.0)
    trader, quote_id = await world.locked(hedger)
    await order_is_placed(hedger, trader, quote_id)
    await until(lambda: world.oracle.asked[PAIR] == 1)
    await hedger.outcome(await hedger.requested(quote_id, trader.party_a, OPEN))
    assert world.oracle.asked[PAIR] == 2


async def test_a_fresh_signature_that_the_contract_refuses_is_reported(world: SendingWorld) -> None:
    hedger = world.hedger()
    trader, quote_id = await world.locked(hedger)
    world.oracle.faults.add(Fault(FaultKind.WRONG_NONCE, method=PAIR))
    outcome = await hedger.outcome(await hedger.requested(quote_id, trader.party_a, OPEN))
    assert (outcome.stage, outcome.reason) == ("simulation", "LibMuon: TSS not verified")
    assert outcome.action is RevertAction.NEW_SIGNATURE
    assert world.oracle.asked[PAIR] == 1


async def test_a_muon_network_that_is_away_is_asked_a_bounded_number_of_times(world: SendingWorld) -> None:
    hedger = world.hedger(muon_attempts=3)
    trader, quote_id = await world.locked(hedger)
    world.oracle.faults.add(Fault(FaultKind.HTTP_500, times=None, method=PAIR))
    message = await hedger.requested(quote_id, trader.party_a, OPEN)
    outcome = await hedger.outcome(message)
    assert (outcome.stage, outcome.action) == ("signature", RevertAction.WAIT)
    assert world.oracle.asked[PAIR] == 3
    assert hedger.counted["muon_failed"] == 3


async def test_one_failure_of_muon_is_got_over(world: SendingWorld) -> None:
    hedger = world.hedger()
    trader, quote_id = await world.locked(hedger)
    world.oracle.faults.add(Fault(FaultKind.ERROR, method=PAIR))
    outcome = await hedger.outcome(await hedger.requested(quote_id, trader.party_a, OPEN))
    assert isinstance(outcome, TransactionSucceeded)


async def test_what_is_asked_ahead_and_fails_is_asked_again_when_it_is_needed(world: SendingWorld) -> None:
    hedger = world.hedger()
    trader, quote_id = await world.locked(hedger)
    world.oracle.faults.add(Fault(FaultKind.GARBAGE, method=PAIR))
    await order_is_placed(hedger, trader, quote_id)
    outcome = await hedger.outcome(await hedger.requested(quote_id, trader.party_a, OPEN))
    assert isinstance(outcome, TransactionSucceeded)
    assert [topic for topic, _, _ in hedger.streams.published] == [topics.EXECUTIONS] * 2
