"""Third parties act on the real contract with the oracle's signatures: they liquidate, force, expire, administer."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace

import pytest
from actors_world import PRICE, ActorsWorld, actors_world
from trading_world import BTC, SYMMIO

from devnet.actors import DeedKind, Pause
from devnet.actors.forced_close import ForceTerms, is_reached, period_of
from devnet.actors.oracle_client import PriceRangeAnswer
from devnet.contract_abi import Abi
from devnet.deployment import COLLATERAL_UNIT
from devnet.oracle import Fault, FaultKind
from devnet.traders import CloseTerms, QuoteOnChain, QuoteTerms, Trader, TransactionReverted
from devnet.traders.trader import MINT
from hedger.adapters.muon import MuonUnavailable
from hedger.domain.money import WAD
from hedger.domain.terms import OrderType, PositionType, QuoteStatus

TERMS = QuoteTerms(BTC, PositionType.LONG, OrderType.LIMIT, PRICE, WAD // 10)
HOUR = 3_600
ERC20 = Abi.load("erc20")


@pytest.fixture(scope="module")
async def shared() -> AsyncIterator[ActorsWorld]:
    async with actors_world() as world:
        yield world


@pytest.fixture
async def world(shared: ActorsWorld) -> AsyncIterator[ActorsWorld]:
    """The shared world; what the test does to it is undone."""
    snapshot = await shared.trading.chain.snapshot()
    shared.market.move(PRICE)
    yield shared
    shared.oracle.faults.clear()
    await shared.trading.chain.revert(snapshot)
    await shared.trading.chain.mine()


async def opened(world: ActorsWorld, trader: Trader, *, allocate: int = 2_000 * WAD) -> int:
    quote_id = await trader.send_quote(TERMS)
    await world.trading.lock(trader, quote_id, allocate=allocate)
    await world.trading.open(trader, quote_id)
    return quote_id


async def close_requested(world: ActorsWorld, trader: Trader, *, price: int = PRICE, seconds: int = 24 * HOUR) -> int:
    quote_id = await opened(world, trader)
    await trader.request_close(quote_id, CloseTerms(price, WAD // 10, OrderType.LIMIT, seconds))
    return quote_id


async def open_by_a_second_hedger(world: ActorsWorld, trader: Trader, quote_id: int, *, allocate: int) -> None:
    """A plain key that locks and opens the quote with no more than this allocation."""
    trading, diamond = world.trading, world.trading.deployment.diamond
    wallet, muon = trading.hedger, trading.muon
    await wallet.send(diamond, SYMMIO["registerPartyB"].calldata(wallet.address))
    await wallet.send(trading.deployment.collateral, MINT.calldata(wallet.address, allocate))
    await wallet.send(trading.deployment.collateral, ERC20["approve"].calldata(diamond, allocate))
    await wallet.send(diamond, SYMMIO["deposit"].calldata(allocate * COLLATERAL_UNIT // WAD))
    await wallet.send(diamond, SYMMIO["allocateForPartyB"].calldata(allocate, trader.party_a))
    upnl = (await muon.upnl_b(wallet.address, trader.party_a)).as_abi()
    pair = (await muon.upnl_with_price(wallet.address, trader.party_a, BTC)).as_abi()
    quote = await trader.quote(quote_id)
    lock_and_open = SYMMIO["lockAndOpenQuote"].calldata(quote_id, quote.quantity, PRICE, upnl, pair)
    await wallet.send(diamond, lock_and_open)


async def status(trader: Trader, quote_id: int) -> QuoteStatus:
    return (await trader.quote(quote_id)).status


async def test_an_insolvent_trader_is_liquidated_through_all_steps_and_hedgers_are_settled(world: ActorsWorld) -> None:
    trader = await world.trading.trader(funds=2_000 * WAD)
    positions = [await opened(world, trader) for _ in range(3)]
    request = await trader.send_quote(replace(TERMS, quantity=WAD // 100))
    assert not await world.liquidator.is_party_a_liquidatable(trader.party_a)
    world.market.move(PRICE - 7_000 * WAD)
    deeds = await world.liquidator.liquidate_party_a(trader.party_a)
    assert [deed.kind for deed in deeds] == [
        DeedKind.LIQUIDATE_PARTY_A,
        DeedKind.SET_SYMBOLS_PRICE,
        DeedKind.LIQUIDATE_PENDING,
        DeedKind.LIQUIDATE_POSITIONS_OF_PARTY_A,
        DeedKind.LIQUIDATE_POSITIONS_OF_PARTY_A,
        DeedKind.SETTLE_LIQUIDATION,
    ]
    assert sorted(deeds[3].quote_ids + deeds[4].quote_ids) == positions
    assert deeds[2].quote_id == request
    assert [await status(trader, each) for each in positions] == [QuoteStatus.LIQUIDATED] * 3
    assert await status(trader, request) is QuoteStatus.LIQUIDATED_PENDING
    assert not await world.trading.read("isPartyALiquidated", trader.party_a)
    assert await world.liquidator.liquidate_party_a(trader.party_a) == []


async def test_a_liquidation_stopped_in_the_middle_is_finished_by_another_liquidator(world: ActorsWorld) -> None:
    trader = await world.trading.trader(funds=1_300 * WAD)
    quote_ids = [await opened(world, trader) for _ in range(2)]
    world.market.move(PRICE - 8_000 * WAD)
    await world.liquidator.begin(trader.party_a)
    await world.liquidator.set_symbols_price(trader.party_a)
    await world.liquidator.liquidate_pending(trader.party_a)
    [deed] = await world.liquidator.liquidate_positions_of_party_a(trader.party_a, most=1)
    assert deed.quote_id in quote_ids
    deeds = await world.rival.sweep()
    assert [each.kind for each in deeds] == [DeedKind.LIQUIDATE_POSITIONS_OF_PARTY_A, DeedKind.SETTLE_LIQUIDATION]
    assert [await status(trader, each) for each in quote_ids] == [QuoteStatus.LIQUIDATED] * 2


async def test_a_trader_is_liquidated_late_at_the_state_it_was_insolvent_in(world: ActorsWorld) -> None:
    trader = await world.trading.trader(funds=1_000 * WAD)
    quote_id = await opened(world, trader)
    world.market.move(PRICE - 12_000 * WAD)
    await world.trading.chain.mine()
    insolvent_at = int(await world.trading.chain.request("eth_blockNumber"), 16)
    await trader.fund(5_000 * WAD)
    assert not await world.liquidator.is_party_a_liquidatable(trader.party_a)
    await world.liquidator.begin_deferred(trader.party_a, insolvent_at)
    deeds = await world.liquidator.liquidate_party_a(trader.party_a)
    assert [each.kind for each in deeds][-1] is DeedKind.SETTLE_LIQUIDATION
    assert await status(trader, quote_id) is QuoteStatus.LIQUIDATED
    kept = await world.trading.read("allocatedBalanceOfPartyA", trader.party_a)
    assert kept > 4_000 * WAD
    with pytest.raises(MuonUnavailable, match="Invalid blockNumber"):
        await world.liquidator.begin_deferred(trader.party_a, 10**9)


async def test_a_profit_beyond_the_hedgers_allocation_disputes_the_liquidation_until_it_is_resolved(
    world: ActorsWorld,
) -> None:
    trader = await world.trading.trader(funds=1_000 * WAD)
    winning = await trader.send_quote(replace(TERMS, position_type=PositionType.SHORT, quantity=WAD // 100))
    await open_by_a_second_hedger(world, trader, winning, allocate=10 * WAD)
    losing = await opened(world, trader)
    world.market.move(PRICE - 15_000 * WAD)
    deeds = await world.liquidator.liquidate_party_a(trader.party_a)
    assert deeds[-1].kind is DeedKind.LIQUIDATE_POSITIONS_OF_PARTY_A
    assert await world.liquidator.sweep() == []
    await world.administrator.resolve_dispute(trader.party_a)
    [deed] = await world.liquidator.liquidate_party_a(trader.party_a)
    assert deed.kind is DeedKind.SETTLE_LIQUIDATION
    assert [await status(trader, each) for each in (winning, losing)] == [QuoteStatus.LIQUIDATED] * 2


async def test_a_hedger_that_cannot_pay_one_trader_is_liquidated_towards_it_alone(world: ActorsWorld) -> None:
    poor, rich = await world.trading.trader(), await world.trading.trader()
    lost, kept = await opened(world, poor, allocate=700 * WAD), await opened(world, rich, allocate=5_000 * WAD)
    assert not await world.liquidator.is_party_b_liquidatable(world.trading.deployment.party_b, poor.party_a)
    world.market.move(PRICE + 8_000 * WAD)
    deeds = await world.liquidator.sweep()
    assert [each.kind for each in deeds] == [DeedKind.LIQUIDATE_PARTY_B, DeedKind.LIQUIDATE_POSITIONS_OF_PARTY_B]
    assert {each.party_a for each in deeds} == {poor.party_a.lower()}
    assert await status(poor, lost) is QuoteStatus.LIQUIDATED
    assert await status(rich, kept) is QuoteStatus.OPENED
    assert await world.liquidator.sweep() == []


async def test_liquidators_that_race_for_the_same_trader_finish_it_once_between_them(world: ActorsWorld) -> None:
    trader = await world.trading.trader(funds=1_000 * WAD)
    quote_id = await opened(world, trader)
    world.market.move(PRICE - 12_000 * WAD)
    for _ in range(3):
        await asyncio.gather(world.liquidator.sweep(), world.rival.sweep())
    assert await status(trader, quote_id) is QuoteStatus.LIQUIDATED
    assert not await world.trading.read("isPartyALiquidated", trader.party_a)


async def test_a_sweep_ends_and_forces_all_that_is_overdue_and_leaves_the_rest(world: ActorsWorld) -> None:
    trader = await world.trading.trader()
    overdue = await trader.send_quote(replace(TERMS, deadline_s=200))
    cancelling = await trader.send_quote(TERMS)
    await world.trading.lock(trader, cancelling)
    await trader.cancel(cancelling)
    silent = await close_requested(world, trader)
    await trader.cancel_close(silent)
    forced = await close_requested(world, trader, price=PRICE - 1_000 * WAD)
    far = await close_requested(world, trader, price=PRICE + 1_000 * WAD)
    late = await close_requested(world, trader, price=PRICE + 1_000 * WAD, seconds=200)
    fresh = await trader.send_quote(TERMS)
    assert await world.enforcer.sweep() == []
    await world.trading.chain.advance(900)
    deeds = await world.enforcer.sweep()
    assert {(deed.kind, deed.quote_id) for deed in deeds} == {
        (DeedKind.EXPIRE, overdue),
        (DeedKind.FORCE_CANCEL, cancelling),
        (DeedKind.FORCE_CANCEL_CLOSE, silent),
        (DeedKind.FORCE_CLOSE, forced),
        (DeedKind.EXPIRE, late),
    }
    assert await status(trader, forced) is QuoteStatus.CLOSED
    assert await status(trader, overdue) is QuoteStatus.EXPIRED
    assert await status(trader, far) is QuoteStatus.CLOSE_PENDING
    assert await status(trader, late) is QuoteStatus.OPENED
    assert await status(trader, fresh) is QuoteStatus.PENDING
    assert await world.enforcer.sweep() == []


async def test_a_close_past_its_deadline_is_forced_where_its_price_was_reached_in_time(world: ActorsWorld) -> None:
    trader = await world.trading.trader()
    quote_id = await close_requested(world, trader, price=PRICE - 1_000 * WAD, seconds=900)
    await world.trading.chain.advance(1_200)
    [deed] = await world.enforcer.sweep()
    assert (deed.kind, deed.quote_id, deed.liquidated_party_b) == (DeedKind.FORCE_CLOSE, quote_id, False)


async def test_a_forced_close_that_the_hedger_cannot_pay_liquidates_it(world: ActorsWorld) -> None:
    trader = await world.trading.trader()
    quote_id = await opened(world, trader, allocate=700 * WAD)
    await trader.request_close(quote_id, CloseTerms(PRICE + 6_000 * WAD, WAD // 10, OrderType.LIMIT, 24 * HOUR))
    await world.trading.chain.advance(900)
    world.market.move(PRICE + 10_000 * WAD)
    deed = await world.enforcer.force_close(quote_id)
    assert deed.liquidated_party_b
    [rest] = await world.liquidator.sweep()
    assert rest.kind is DeedKind.LIQUIDATE_POSITIONS_OF_PARTY_B
    assert await status(trader, quote_id) is QuoteStatus.LIQUIDATED


@pytest.mark.parametrize("as_trader", [True, False])
async def test_a_close_is_forced_with_a_settlement_by_its_trader_and_without_one_by_anybody(
    world: ActorsWorld, as_trader: bool
) -> None:
    trader = await world.trading.trader()
    other = await opened(world, trader)
    quote_id = await close_requested(world, trader)
    await world.trading.chain.advance(900)
    world.market.move(PRICE + 1_000 * WAD)
    deed = await world.enforcer.settle_and_force_close(quote_id, trader=trader if as_trader else None)
    assert deed.kind is DeedKind.SETTLE_AND_FORCE_CLOSE
    assert await status(trader, quote_id) is QuoteStatus.CLOSED
    assert ((await trader.quote(other)).opened_price == PRICE + 1_000 * WAD) is as_trader


async def test_what_cannot_be_forced_is_refused_before_anything_is_sent(world: ActorsWorld) -> None:
    trader = await world.trading.trader()
    quote_id = await close_requested(world, trader)
    nonce = await world.trading.chain.request("eth_getTransactionCount", world.enforcer.wallet.address, "latest")
    with pytest.raises(TransactionReverted, match="nothing to force"):
        await world.enforcer.force_close(quote_id)
    with pytest.raises(TransactionReverted, match="LibQuote: Quote isn't expired"):
        await world.enforcer.expire(quote_id)
    with pytest.raises(TransactionReverted, match="PartyAFacet: Invalid state"):
        await world.enforcer.force_cancel(quote_id)
    address = world.enforcer.wallet.address
    assert await world.trading.chain.request("eth_getTransactionCount", address, "latest") == nonce


async def test_a_sweep_while_the_oracle_fails_does_what_needs_no_signature(world: ActorsWorld) -> None:
    trader = await world.trading.trader()
    overdue = await trader.send_quote(replace(TERMS, deadline_s=200))
    await close_requested(world, trader)
    await world.trading.chain.advance(900)
    world.oracle.faults.add(Fault(FaultKind.HTTP_500, times=None))
    assert [deed.quote_id for deed in await world.enforcer.sweep()] == [overdue]
    assert await world.liquidator.sweep() == []


@pytest.mark.parametrize(("part", "place"), [(part, place) for place, part in enumerate(Pause)])
async def test_each_part_pauses_by_itself_and_goes_on(world: ActorsWorld, part: Pause, place: int) -> None:
    order = (0, 1, 2, 4, 3, 5)[place]
    await world.administrator.pause(part)
    assert await _pauses(world) == [index == order for index in range(6)]
    await world.administrator.unpause(part)
    assert await _pauses(world) == [False] * 6


async def test_the_administrator_suspends_delists_and_declares_emergencies(world: ActorsWorld) -> None:
    party_b, administrator, read = world.trading.deployment.party_b, world.administrator, world.trading.read
    for active in (True, False):
        await (administrator.suspend(party_b) if active else administrator.unsuspend(party_b))
        await (administrator.delist(BTC) if active else administrator.list_again(BTC))
        await administrator.set_emergency(active)
        await administrator.set_emergency_of(party_b, active)
        assert await read("isSuspended", party_b) is active
        assert await read("getPartyBEmergencyStatus", party_b) is active
        assert (await read("getSymbol", BTC))[2] is not active


def test_the_period_of_a_forced_close_lies_between_the_cooldowns_in_whole_candles() -> None:
    terms = ForceTerms(300, 120, 120, WAD // 100, WAD // 200)
    quote = _requested(1_000, deadline=10_000)
    assert period_of(quote, terms, 1_499) is None
    assert period_of(quote, terms, 1_500) == (1_320, 1_380)
    assert period_of(quote, terms, 9_000_000) == (1_320, 9_840)
    assert period_of(quote, replace(terms, candle_s=1), 1_430) == (1_300, 1_310)


@pytest.mark.parametrize(
    ("side", "highest", "lowest", "mean", "seconds", "reached"),
    [
        (PositionType.LONG, 101, 90, 95, 60, True),
        (PositionType.LONG, 100, 90, 95, 600, False),
        (PositionType.LONG, 110, 100, 105, 60, False),
        (PositionType.LONG, 110, 100, 105, 120, True),
        (PositionType.SHORT, 110, 99, 105, 60, True),
        (PositionType.SHORT, 110, 100, 105, 600, False),
        (PositionType.SHORT, 100, 90, 95, 60, False),
        (PositionType.SHORT, 100, 90, 95, 120, True),
    ],
)
def test_a_price_is_reached_past_the_gap_and_an_average_counts_over_its_time_alone(
    side: PositionType, highest: int, lowest: int, mean: int, seconds: int, reached: bool
) -> None:
    terms = ForceTerms(300, 120, 120, WAD // 100, WAD // 200)
    quote = replace(_requested(0, deadline=1), position_type=side, requested_close_price=100 * WAD)
    told = PriceRangeAnswer((), highest * WAD, lowest * WAD, mean * WAD, 0, seconds)
    assert is_reached(quote, terms, told) is reached


def _requested(modified_at: int, *, deadline: int) -> QuoteOnChain:
    numbers = dict.fromkeys(["opened_price", "requested_open_price", "quantity", "closed_amount"], 0)
    return QuoteOnChain(
        quote_id=1,
        symbol_id=BTC,
        position_type=PositionType.LONG,
        order_type=OrderType.LIMIT,
        status=QuoteStatus.CLOSE_PENDING,
        quantity_to_close=0,
        locked_total_a=0,
        party_a="",
        party_b="",
        parent_id=0,
        status_modified_at=modified_at,
        deadline=deadline,
        **numbers,
    )


async def _pauses(world: ActorsWorld) -> list[bool]:
    diamond = world.trading.deployment.diamond
    returned = await world.trading.rpc.eth_call(diamond, SYMMIO["pauseState"].calldata())
    return list(SYMMIO["pauseState"].decode(returned))[:6]
