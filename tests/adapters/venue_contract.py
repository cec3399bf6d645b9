"""What every implementation of the Venue port owes, told in tests.

A test module subclasses `VenueContract` and gives a fixture `world`: a `World` of its own for each test, with BTCUSDT
(step 0.001, tick 0.1, smallest notional 100) at 60,000, money enough, and no position.
"""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Protocol

import pytest
from conftest_venue import BTC, ETH, limit, market

from hedger.adapters.venue.port import (
    Accepted,
    Fill,
    Market,
    NotFound,
    OrderReport,
    Refused,
    Unknown,
    Venue,
    VenueUnavailable,
)
from hedger.domain import money
from hedger.domain.money import from_text
from hedger.domain.terms import Side

Execution = OrderReport | Fill


class World(Protocol):
    """A venue, and a hand on what stands behind it."""

    @property
    def venue(self) -> Venue: ...

    def set_price(self, symbol: str, price: str) -> None: ...

    def fill_in_parts(self, symbol: str, level_quantity: str) -> None: ...

    def lose_the_answer_to_the_next_order(self) -> None: ...

    def lose_the_next_order(self) -> None: ...

    def be_down(self) -> None: ...

    def break_the_user_stream(self) -> None: ...

    def settle_funding(self, symbol: str, rate: str) -> None: ...


@asynccontextmanager
async def heard(venue: Venue) -> AsyncIterator[list[Execution]]:
    """What the user stream tells from the start of the block on."""
    told: list[Execution] = []

    async def listen() -> None:
        async for execution in venue.executions():
            told.append(execution)

    listener = asyncio.create_task(listen())
    await asyncio.sleep(0.15)  # the port does not say when the stream is up
    try:
        yield told
    finally:
        listener.cancel()
        await asyncio.gather(listener, return_exceptions=True)


async def eventually(condition: Callable[[], bool], timeout_s: float = 5.0) -> None:
    async with asyncio.timeout(timeout_s):
        while not condition():  # noqa: ASYNC110 what is waited for has no event
            await asyncio.sleep(0.01)


def reports(told: list[Execution], client_order_id: str) -> list[OrderReport]:
    return [one for one in told if isinstance(one, OrderReport) and one.client_order_id == client_order_id]


def fills(told: list[Execution], client_order_id: str) -> list[Fill]:
    return [one for one in told if isinstance(one, Fill) and one.client_order_id == client_order_id]


class VenueContract:
    async def test_a_market_order_is_accepted_and_found_filled(self, world: World) -> None:
        placed = await world.venue.place(market("m-1", "0.1"))
        assert isinstance(placed, Accepted)
        found = await world.venue.find(BTC, "m-1")
        assert isinstance(found, OrderReport)
        assert (found.status, found.venue_order_id) == ("filled", placed.venue_order_id)
        assert found.quantity == found.executed_quantity == from_text("0.1")
        assert found.is_final

    async def test_the_fills_of_an_order_add_up_to_what_it_executed(self, world: World) -> None:
        world.fill_in_parts(BTC, "0.013")
        placed = await world.venue.place(market("parts", "0.1"))
        assert isinstance(placed, Accepted)
        told = await world.venue.fills(BTC, venue_order_id=placed.venue_order_id)
        assert len({fill.trade_id for fill in told}) == len(told) == 8
        assert sum(fill.quantity for fill in told) == from_text("0.1")
        assert {fill.side for fill in told} == {Side.BUY}
        assert all(fill.price > 0 and fill.fee > 0 and fill.fee_asset == "USDT" for fill in told)

    async def test_fills_since_a_time_leave_older_ones_out(self, world: World) -> None:
        await world.venue.place(market("old", "0.01"))
        await asyncio.sleep(0.005)
        since = await world.venue.time_ms()
        await asyncio.sleep(0.005)
        newer = await world.venue.place(market("new", "0.02"))
        assert isinstance(newer, Accepted)
        told = await world.venue.fills(BTC, since_ms=since)
        assert [fill.venue_order_id for fill in told] == [newer.venue_order_id]

    async def test_positions_are_signed_and_a_flat_one_is_zero(self, world: World) -> None:
        await world.venue.place(market("sold", "0.25", Side.SELL))
        positions = await world.venue.positions()
        assert (positions[BTC], positions[ETH]) == (-from_text("0.25"), 0)

    async def test_a_limit_order_rests_until_it_is_cancelled(self, world: World) -> None:
        assert isinstance(await world.venue.place(limit("rest", "0.01", "50000.5")), Accepted)
        resting = await world.venue.find(BTC, "rest")
        assert isinstance(resting, OrderReport)
        assert (resting.status, resting.is_final, resting.executed_quantity) == ("open", False, 0)
        assert isinstance(await world.venue.cancel(BTC, "rest"), Accepted)
        ended = await world.venue.find(BTC, "rest")
        assert isinstance(ended, OrderReport)
        assert (ended.status, ended.is_final) == ("canceled", True)

    async def test_cancelling_an_order_that_ended_is_refused(self, world: World) -> None:
        await world.venue.place(market("done", "0.01"))
        assert isinstance(await world.venue.cancel(BTC, "done"), Refused)
        assert isinstance(await world.venue.cancel(BTC, "never-was"), Refused)

    async def test_an_order_never_placed_is_not_found_at_a_time_of_the_venue(self, world: World) -> None:
        missing = await world.venue.find(BTC, "never-was")
        assert isinstance(missing, NotFound)
        assert abs(missing.at_ms - await world.venue.time_ms()) < 1_000

    async def test_a_client_order_id_in_use_is_never_called_refused(self, world: World) -> None:
        await world.venue.place(limit("twice", "0.01", "50000"))
        again = await world.venue.place(limit("twice", "0.01", "50000"))
        assert isinstance(again, Unknown)

    async def test_a_lost_answer_is_unknown_and_the_order_is_found(self, world: World) -> None:
        world.lose_the_answer_to_the_next_order()
        assert isinstance(await world.venue.place(market("lost-answer", "0.01")), Unknown)
        assert isinstance(await world.venue.find(BTC, "lost-answer"), OrderReport)

    async def test_a_lost_order_is_unknown_and_not_found(self, world: World) -> None:
        world.lose_the_next_order()
        assert isinstance(await world.venue.place(market("lost", "0.01")), Unknown)
        assert isinstance(await world.venue.find(BTC, "lost"), NotFound)

    async def test_an_order_too_small_is_refused_and_does_not_exist(self, world: World) -> None:
        assert isinstance(await world.venue.place(market("small", "0.001")), Refused)
        assert isinstance(await world.venue.find(BTC, "small"), NotFound)

    async def test_an_order_off_the_step_is_refused_not_cut(self, world: World) -> None:
        assert isinstance(await world.venue.place(market("off-step", "0.0105")), Refused)
        assert isinstance(await world.venue.place(limit("off-tick", "0.01", "50000.05")), Refused)

    async def test_a_reducing_order_without_a_position_is_refused(self, world: World) -> None:
        refused = await world.venue.place(market("reduce", "0.01", Side.SELL, reduce_only=True))
        assert isinstance(refused, Refused)

    async def test_a_reducing_order_never_turns_the_position(self, world: World) -> None:
        await world.venue.place(market("in", "0.01"))
        await world.venue.place(market("out", "0.05", Side.SELL, reduce_only=True))
        assert (await world.venue.positions())[BTC] == 0

    @pytest.mark.parametrize("quantity", ["0.002", "0.1", "0.123", "7.001"])
    async def test_sizes_arrive_to_the_last_digit(self, world: World, quantity: str) -> None:
        order = limit("exact", quantity, "59999.9")
        await world.venue.place(order)
        found = await world.venue.find(BTC, "exact")
        assert isinstance(found, OrderReport)
        assert found.quantity == order.quantity

    async def test_the_stream_tells_every_fill_and_the_end(self, world: World) -> None:
        world.fill_in_parts(BTC, "0.001")
        async with heard(world.venue) as told:
            await world.venue.place(market("stream", "0.2"))
            await eventually(lambda: any(report.is_final for report in reports(told, "stream")))
        told_fills = fills(told, "stream")
        assert len({fill.trade_id for fill in told_fills}) == len(told_fills) == 200
        assert sum(fill.quantity for fill in told_fills) == from_text("0.2")
        assert reports(told, "stream")[-1].status == "filled"

    async def test_the_stream_and_the_query_tell_the_same_fills(self, world: World) -> None:
        world.fill_in_parts(BTC, "0.03")
        async with heard(world.venue) as told:
            placed = await world.venue.place(market("same", "0.1"))
            await eventually(lambda: any(report.is_final for report in reports(told, "same")))
        assert isinstance(placed, Accepted)
        asked = await world.venue.fills(BTC, venue_order_id=placed.venue_order_id)
        assert [(f.trade_id, f.quantity, f.price, f.fee) for f in fills(told, "same")] == [
            (f.trade_id, f.quantity, f.price, f.fee) for f in asked
        ]

    async def test_no_fill_of_a_burst_of_orders_is_lost(self, world: World) -> None:
        names = [f"burst-{number}" for number in range(50)]
        async with heard(world.venue) as told:
            await asyncio.gather(*(world.venue.place(market(name, "0.01")) for name in names))
            await eventually(lambda: sum(isinstance(one, Fill) for one in told) == 50)
        assert sorted(one.client_order_id for one in told if isinstance(one, Fill)) == sorted(names)

    async def test_a_broken_stream_raises_and_can_be_started_again(self, world: World) -> None:
        async def first() -> Execution:
            return await anext(world.venue.executions())

        broken = asyncio.create_task(first())
        await asyncio.sleep(0.15)
        world.break_the_user_stream()
        with pytest.raises(VenueUnavailable):
            await asyncio.wait_for(broken, 5)
        async with heard(world.venue) as told:
            await world.venue.place(market("after", "0.01"))
            await eventually(lambda: bool(fills(told, "after")))

    async def test_prices_are_told_for_every_symbol(self, world: World) -> None:
        told: dict[str, Market] = {}

        async def listen() -> None:
            async for price in world.venue.prices():
                told[price.symbol] = price

        listener = asyncio.create_task(listen())
        async with asyncio.timeout(5):
            while not {BTC, ETH} <= told.keys() or told[BTC].bid < from_text("61000"):
                await asyncio.sleep(0.02)
                world.set_price(BTC, "61234.5")
                world.set_price(ETH, "3000")
        listener.cancel()
        await asyncio.gather(listener, return_exceptions=True)
        assert told[BTC].bid < from_text("61234.5") < told[BTC].ask
        assert told[BTC].mark > 0
        assert abs(told[BTC].at_ms - await world.venue.time_ms()) < 2_000

    async def test_markets_tell_what_the_venue_trades_at(self, world: World) -> None:
        world.set_price(BTC, "60500")
        markets = await world.venue.markets()
        assert markets.keys() == {BTC, ETH}
        assert markets[BTC].bid < from_text("60500") < markets[BTC].ask
        assert markets[BTC].next_funding_at_ms > markets[BTC].at_ms

    async def test_funding_rates_tell_what_was_applied_and_when_it_was_due(self, world: World) -> None:
        due_ms = (await world.venue.markets())[BTC].next_funding_at_ms
        assert await world.venue.funding_rates(BTC, 0) == []
        world.settle_funding(BTC, "0.00037")
        world.settle_funding(BTC, "-0.00012")
        first, second = await world.venue.funding_rates(BTC, 0)
        assert (first.symbol, first.rate, first.at_ms) == (BTC, from_text("0.00037"), due_ms)
        assert (second.rate, second.at_ms > due_ms) == (-from_text("0.00012"), True)
        assert await world.venue.funding_rates(BTC, second.at_ms) == [second]

    async def test_rules_are_the_filters_of_the_symbol(self, world: World) -> None:
        rules = (await world.venue.rules())[BTC]
        assert (rules.step, rules.tick, rules.min_notional) == (from_text("0.001"), from_text("0.1"), from_text("100"))
        assert rules.min_quantity <= rules.market_max_quantity <= rules.max_quantity

    async def test_margin_falls_as_a_position_binds_it(self, world: World) -> None:
        before = await world.venue.margin()
        await world.venue.place(market("margin", "1"))
        after = await world.venue.margin()
        assert after.available < before.available == before.wallet
        assert before.wallet - after.wallet < money.mul(before.wallet, from_text("0.001"))

    async def test_a_venue_that_is_down_is_unavailable_never_empty(self, world: World) -> None:
        await world.venue.place(market("held", "0.01"))
        world.be_down()
        for question in (
            world.venue.positions(),
            world.venue.margin(),
            world.venue.markets(),
            world.venue.fills(BTC),
            world.venue.find(BTC, "held"),
            world.venue.time_ms(),
            world.venue.rules(),
        ):
            with pytest.raises(VenueUnavailable):
                await question
