"""Traders on a real chain: every action ends in the state the contract gives it."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import aclosing
from dataclasses import replace

import pytest
from trading_world import BTC, ETH, TradingWorld, trading_world

from devnet.oracle import Fault, FaultKind
from devnet.traders import CloseTerms, Done, Habits, Market, QuoteTerms, Trader, TransactionReverted, random_trader
from devnet.traders.actions import Cancel, CancelClose, RequestClose, Send, Wait
from hedger.domain.money import WAD
from hedger.domain.terms import OrderType, PositionType, QuoteStatus

PRICE = 60_000 * WAD
QUANTITY = WAD // 10
LONG_LIMIT = QuoteTerms(BTC, PositionType.LONG, OrderType.LIMIT, PRICE, QUANTITY, deadline_s=600)
WHOLE_CLOSE = CloseTerms(PRICE, QUANTITY, OrderType.LIMIT, deadline_s=600)
COOLDOWN_S = 300
MARKETS = [
    Market(BTC, WAD // 10, WAD // 1000, 200 * WAD, 2_000 * WAD, min_quote_value=5 * WAD),
    Market(ETH, WAD // 100, WAD // 1000, 200 * WAD, 2_000 * WAD, min_quote_value=5 * WAD),
]


@pytest.fixture(scope="module")
async def world() -> AsyncIterator[TradingWorld]:
    async with trading_world() as world:
        yield world


@pytest.fixture(scope="module", params=["plain", "sub-account"])
async def trader(world: TradingWorld, request: pytest.FixtureRequest) -> Trader:
    return await (world.trader() if request.param == "plain" else world.sub_account_trader())


async def opened(world: TradingWorld, trader: Trader, terms: QuoteTerms = LONG_LIMIT) -> int:
    quote_id = await trader.send_quote(terms)
    await world.lock(trader, quote_id)
    await world.open(trader, quote_id)
    return quote_id


async def status(trader: Trader, quote_id: int) -> QuoteStatus:
    return (await trader.quote(quote_id)).status


@pytest.mark.parametrize("side", PositionType)
@pytest.mark.parametrize("order_type", OrderType)
async def test_an_intent_of_either_side_and_type_arrives_with_its_terms(
    trader: Trader, side: PositionType, order_type: OrderType
) -> None:
    terms = replace(LONG_LIMIT, position_type=side, order_type=order_type, leverage=20)
    now = await trader.now()
    quote = await trader.quote(await trader.send_quote(terms))
    assert (quote.status, quote.position_type, quote.order_type) == (QuoteStatus.PENDING, side, order_type)
    assert (quote.requested_open_price, quote.quantity) == (PRICE, QUANTITY)
    assert quote.party_a.lower() == trader.party_a.lower()
    assert quote.locked_total_a == terms.notional // 20
    assert quote.deadline == now + 600
    await trader.cancel(quote.quote_id)


async def test_an_intent_nobody_locked_is_canceled_at_once(trader: Trader) -> None:
    quote_id = await trader.send_quote(LONG_LIMIT)
    assert await trader.cancel(quote_id) == quote_id
    assert await status(trader, quote_id) is QuoteStatus.CANCELED


async def test_a_locked_intent_waits_for_its_hedger_and_can_be_forced_after_the_cooldown(
    world: TradingWorld, trader: Trader
) -> None:
    quote_id = await trader.send_quote(replace(LONG_LIMIT, deadline_s=10_000))
    await world.lock(trader, quote_id)
    await trader.cancel(quote_id)
    assert await status(trader, quote_id) is QuoteStatus.CANCEL_PENDING
    await world.chain.advance(COOLDOWN_S + 1)
    await trader.force_cancel(quote_id)
    assert await status(trader, quote_id) is QuoteStatus.CANCELED


async def test_an_overdue_intent_is_expired(world: TradingWorld, trader: Trader) -> None:
    quote_id = await trader.send_quote(replace(LONG_LIMIT, deadline_s=60))
    await world.chain.advance(61)
    await trader.expire(quote_id)
    assert await status(trader, quote_id) is QuoteStatus.EXPIRED


@pytest.mark.parametrize("order_type", OrderType)
async def test_a_position_is_opened_and_closed_as_a_whole(
    world: TradingWorld, trader: Trader, order_type: OrderType
) -> None:
    quote_id = await opened(world, trader, replace(LONG_LIMIT, order_type=order_type))
    await trader.request_close(quote_id, replace(WHOLE_CLOSE, order_type=order_type))
    assert await status(trader, quote_id) is QuoteStatus.CLOSE_PENDING
    await world.fill_close(trader, quote_id, PRICE)
    assert await status(trader, quote_id) is QuoteStatus.CLOSED


async def test_a_part_of_a_position_is_closed_and_the_rest_stays_open(world: TradingWorld, trader: Trader) -> None:
    quote_id = await opened(world, trader)
    await trader.request_close(quote_id, replace(WHOLE_CLOSE, quantity=QUANTITY // 4))
    await world.fill_close(trader, quote_id, PRICE)
    quote = await trader.quote(quote_id)
    assert (quote.status, quote.open_amount) == (QuoteStatus.OPENED, QUANTITY * 3 // 4)
    assert quote in await trader.live_quotes()


async def test_a_close_request_is_taken_back_by_force_when_its_hedger_is_silent(
    world: TradingWorld, trader: Trader
) -> None:
    quote_id = await opened(world, trader)
    await trader.request_close(quote_id, replace(WHOLE_CLOSE, deadline_s=10_000))
    await trader.cancel_close(quote_id)
    assert await status(trader, quote_id) is QuoteStatus.CANCEL_CLOSE_PENDING
    await world.chain.advance(COOLDOWN_S + 1)
    await trader.force_cancel_close(quote_id)
    assert await status(trader, quote_id) is QuoteStatus.OPENED


async def test_an_overdue_close_request_leaves_the_position_open(world: TradingWorld, trader: Trader) -> None:
    quote_id = await opened(world, trader)
    await trader.request_close(quote_id, replace(WHOLE_CLOSE, deadline_s=60))
    await world.chain.advance(61)
    await trader.expire(quote_id)
    assert await status(trader, quote_id) is QuoteStatus.OPENED


async def test_a_refused_action_tells_the_contracts_reason(trader: Trader) -> None:
    quote_id = await trader.send_quote(LONG_LIMIT)
    with pytest.raises(TransactionReverted) as caught:
        await trader.expire(quote_id)
    assert caught.value.reason == "LibQuote: Quote isn't expired"
    await trader.cancel(quote_id)


async def test_intents_sent_at_the_same_time_all_arrive_under_ids_of_their_own(trader: Trader) -> None:
    quote_ids = await asyncio.gather(*(trader.send_quote(LONG_LIMIT) for _ in range(5)))
    assert len(set(quote_ids)) == 5
    assert {quote.quote_id for quote in await trader.live_quotes()} >= set(quote_ids)
    await asyncio.gather(*(trader.cancel(quote_id) for quote_id in quote_ids))


async def test_a_whitelist_and_the_front_end_reach_the_quote(world: TradingWorld) -> None:
    trader = await world.sub_account_trader()
    quote_id = await trader.send_quote(replace(LONG_LIMIT, white_list=(world.deployment.party_b,)))
    struct = await world.read("getQuote", quote_id)
    assert [each.lower() for each in struct[1]] == [world.deployment.party_b.lower()]
    assert struct[26].lower() == world.deployment.multi_account.lower()


async def test_random_traders_of_one_seed_do_the_same_and_the_contract_takes_it(world: TradingWorld) -> None:
    first = await many_actions(world, await world.trader())
    second = await many_actions(world, await world.sub_account_trader())
    assert [type(done.action) for done in first] == [type(done.action) for done in second]
    assert [done.refused for done in first + second] == [None] * 2 * len(first)
    assert {type(done.action) for done in first} >= {Send, Cancel, RequestClose, CancelClose, Wait}


async def test_a_random_trader_whose_price_is_not_signed_waits_for_the_next_turn(world: TradingWorld) -> None:
    world.oracle.faults.add(Fault(FaultKind.ERROR))
    async with aclosing(random_trader(11, await world.trader(), MARKETS)) as actions:
        blind, seeing = await anext(actions), await anext(actions)
    assert (blind.action, blind.refused) == (Wait(), "uPnl Tolerance Error")
    assert seeing.refused is None


async def many_actions(world: TradingWorld, trader: Trader) -> list[Done]:
    """Random actions with a hedger that follows every fourth time."""
    made = []
    async with aclosing(random_trader(11, trader, MARKETS, Habits(most_live=4))) as actions:
        for turn in range(40):
            made.append(await anext(actions))
            if turn % 4 == 3:
                await follow(world, trader)
    return made


async def follow(world: TradingWorld, trader: Trader) -> None:
    """The hedger opens what is pending and fills what is to be closed, at the prices the trader asked for."""
    for quote in await trader.live_quotes():
        if quote.status is QuoteStatus.PENDING:
            await world.lock(trader, quote.quote_id)
            await world.open(trader, quote.quote_id)
        elif quote.status is QuoteStatus.CLOSE_PENDING:
            asked = (await world.read("getQuote", quote.quote_id))[18]
            await world.fill_close(trader, quote.quote_id, asked)
