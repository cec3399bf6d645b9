"""The order monitors: the stream for speed, the poll for what the stream did not tell."""

import asyncio
from contextlib import suppress

import pytest
from deciding_world import World, of_quote
from fake_venue import fill, report
from hypothesis import given as for_all
from hypothesis import strategies as st

from hedger.adapters.streams import topics
from hedger.adapters.venue.port import Fill, OrderReport, VenueUnavailable
from hedger.application.order_monitoring import PollMonitor, StreamMonitor
from hedger.domain.quote import events
from tests.domain.given import HEDGE_FIRST, TAG, TRADER, Chain, accepted_order, wad

O1 = "t-7-o1"


async def hedging(quotes: int = 1) -> World:
    """Opening orders of so many quotes, from the seventh on, are asked for and work at the venue."""
    world, sent = World(HEDGE_FIRST), Chain().sent()
    for quote_id in range(7, 7 + quotes):
        await world.told(sent if quote_id == 7 else of_quote(sent, quote_id))
        await world.reported(accepted_order(f"t-{quote_id}-o1"), quote_id=quote_id)
    return world


async def streamed(world: World, *told: OrderReport | Fill | Exception) -> list[float]:
    """The stream tells these; returns the pauses that the monitor made."""
    pauses: list[float] = []

    async def pause(seconds: float) -> None:
        pauses.append(seconds)

    for item in told:
        world.venue.stream.put_nowait(item)
    monitor = StreamMonitor(world.venue, world.ledger, world.streams, tag=TAG, sleep=pause, retry_s=2.5)
    running = asyncio.create_task(monitor.run())
    async with asyncio.timeout(5):
        while not world.venue.stream.empty():  # noqa: ASYNC110 (the monitor empties it)
            await asyncio.sleep(0)
    await asyncio.sleep(0.005)
    running.cancel()
    with suppress(asyncio.CancelledError):
        await running
    return pauses


async def polled(world: World) -> None:
    await PollMonitor(world.venue, world.ledger, world.book, world.streams, world.internal).look()


# --- the stream


async def test_a_fill_on_the_stream_is_reported_under_party_a() -> None:
    world = await hedging()
    await streamed(world, fill(O1, "4"))
    [(topic, key, _)] = world.streams.published
    assert (topic, key) == (topics.EXECUTIONS, TRADER)
    [told] = world.streams.reported
    assert isinstance(told, events.OrderFilled)
    assert (told.client_order_id, told.quantity, told.venue) == (O1, wad(4), "paper")


async def test_a_final_report_tells_that_the_order_was_taken_and_how_it_ended() -> None:
    world = await hedging()
    await streamed(world, report(O1, "canceled", "4"))
    assert [type(fact).__name__ for fact in world.streams.reported] == ["OrderAccepted", "OrderEnded"]


async def test_a_report_of_a_working_order_tells_no_end() -> None:
    world = await hedging()
    await streamed(world, report(O1))
    assert [type(fact).__name__ for fact in world.streams.reported] == ["OrderAccepted"]


@pytest.mark.parametrize("foreign", ["web_ab12", "other-7-o1", "", "t-7-x1", "t-seven-o1"])
async def test_orders_of_somebody_else_are_ignored(foreign: str) -> None:
    world = await hedging()
    await streamed(world, report(foreign), fill(foreign, "1"))
    assert world.streams.published == []


async def test_an_order_that_the_log_does_not_know_is_ignored() -> None:
    world = await hedging()
    await streamed(world, fill("t-7-o2", "1"), fill("t-99-o1", "1"))
    assert world.streams.published == []


async def test_a_broken_stream_is_opened_again_after_a_pause() -> None:
    world = await hedging()
    pauses = await streamed(world, VenueUnavailable("closed"), fill(O1, "4"))
    assert pauses == [2.5]
    assert len(world.streams.reported) == 1


async def test_the_venues_number_of_a_trade_is_told_apart_by_symbol() -> None:
    world = await hedging()
    await streamed(world, fill(O1, "4"))
    [told] = world.streams.reported
    assert isinstance(told, events.OrderFilled)
    assert told.trade_id == f"BTCUSDT:{O1}/1"


# --- the poll


async def test_the_poll_finds_the_fills_that_the_stream_lost() -> None:
    world = await hedging()
    await streamed(world, fill(O1, "4", "1"))
    await world.manager.on_reported(TRADER, world.streams.reports[0])
    world.streams.published.clear()
    world.venue.reports[O1] = report(O1, "filled", "10")
    world.venue.trades[f"v-{O1}"] = [fill(O1, "4", "1"), fill(O1, "6", "2")]
    await polled(world)
    assert [type(fact).__name__ for fact in world.streams.reported] == ["OrderFilled", "OrderEnded"]
    await world.manager.on_reported(TRADER, world.streams.reports[0])
    assert (await world.quote()).hedge.quantity == wad(10)
    assert not (await world.quote()).hedge.unsettled


async def test_where_nothing_is_new_nothing_is_reported() -> None:
    world = await hedging()
    world.venue.reports[O1] = report(O1)
    await polled(world)
    assert world.venue.looked_up == [O1]
    assert world.streams.published == []


async def test_an_order_whose_outcome_is_not_known_yet_is_left_to_the_order_maker() -> None:
    world = World(HEDGE_FIRST)
    await world.told(Chain().sent())
    await polled(world)
    assert world.venue.looked_up == []


async def test_an_order_of_unknown_outcome_that_is_found_is_reported() -> None:
    world = World(HEDGE_FIRST)
    await world.told(Chain().sent())
    await world.reported(events.OrderOutcomeUnknown(client_order_id=O1, reason="timeout"))
    world.venue.reports[O1] = report(O1)
    await polled(world)
    assert [type(fact).__name__ for fact in world.streams.reported] == ["OrderAccepted"]


async def test_an_order_that_is_not_found_proves_nothing() -> None:
    world = await hedging()
    await polled(world)
    assert world.streams.published == []


async def test_a_venue_that_is_away_is_asked_again_another_time() -> None:
    world = await hedging(quotes=3)
    world.venue.is_away = True
    await polled(world)
    assert world.streams.published == []
    world.venue.is_away = False
    world.venue.reports |= {f"t-{quote_id}-o1": report(f"t-{quote_id}-o1", "canceled") for quote_id in (7, 8, 9)}
    await polled(world)
    assert {each.quote_id for each in world.streams.reports} == {7, 8, 9}


async def test_settled_orders_are_not_asked_for() -> None:
    world = await hedging()
    await world.reported(
        events.OrderEnded(client_order_id=O1, venue_order_id="", status="canceled", executed_quantity=0, at_ms=0)
    )
    await polled(world)
    assert O1 not in world.venue.looked_up


@for_all(
    st.lists(st.sampled_from([1, 2, 3, 4]), max_size=6),
    st.integers(0, 4),
)
def test_whatever_the_stream_lost_or_repeated_stream_and_poll_come_to_the_venues_own_sum(
    heard: list[int], broken_at: int
) -> None:
    async def play() -> World:
        world = await hedging()
        trades = {number: fill(O1, str(number), str(number)) for number in (1, 2, 3, 4)}
        told: list[OrderReport | Fill | Exception] = [trades[number] for number in heard]
        told.insert(min(broken_at, len(told)), VenueUnavailable("closed"))
        await streamed(world, *told)
        world.venue.reports[O1] = report(O1, "filled", "10")
        world.venue.trades[f"v-{O1}"] = list(trades.values())
        for message in list(world.streams.reports):
            await world.manager.on_reported(TRADER, message)
        world.streams.published.clear()
        await polled(world)
        for message in list(world.streams.reports):
            await world.manager.on_reported(TRADER, message)
        return world

    world = asyncio.run(play())
    assert asyncio.run(world.quote()).hedge.quantity == wad(10)
    assert world.names().count("OrderFilled") == 4
