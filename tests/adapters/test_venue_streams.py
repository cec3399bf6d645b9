"""The streams end loudly, and hand on what is newest."""

import asyncio
from collections.abc import AsyncIterator

import pytest
from conftest_venue import BTC, ETH, PaperWorld, market, paper_world
from venue_contract import eventually, fills, heard, reports

from devnet.exchange.control import Control
from devnet.exchange.faults import FaultKind
from hedger.adapters.venue import binance_streams
from hedger.adapters.venue.port import Fill, VenueUnavailable
from hedger.adapters.venue.price_board import Book, Mark, PriceBoard
from hedger.adapters.venue.sockets import JsonSocket
from hedger.domain.money import from_text


@pytest.fixture
async def world() -> AsyncIterator[PaperWorld]:
    async with paper_world() as made:
        yield made


async def listening(world: PaperWorld) -> "asyncio.Task[object]":
    """A task that waits for the first execution, its stream connected."""
    task: asyncio.Task[object] = asyncio.create_task(anext(world.venue.executions()))
    await asyncio.wait_for(world.venue.listening.wait(), 5)
    return task


async def test_an_expired_key_ends_the_stream_and_the_next_one_has_a_new_key(world: PaperWorld) -> None:
    task = await listening(world)
    world.exchange.hub.expire_user_streams(world.clock())
    with pytest.raises(VenueUnavailable, match="listenKeyExpired"):
        await asyncio.wait_for(task, 5)
    assert not world.venue.listening.is_set()
    async with heard(world.venue) as told:
        await world.venue.place(market("new-key", "0.01"))
        await eventually(lambda: bool(fills(told, "new-key")))


async def test_the_key_is_prolonged_while_the_stream_is_open() -> None:
    async with paper_world(key_refresh_s=0.05) as world:
        task = await listening(world)
        await eventually(lambda: world.requests("PUT /fapi/v1/listenKey") >= 2)
        assert not task.done()
        task.cancel()


async def test_a_key_that_cannot_be_prolonged_ends_the_stream() -> None:
    async with paper_world(key_refresh_s=0.05) as world:
        world.strike(method="PUT", path="/fapi/v1/listenKey", kind=FaultKind.REFUSE, code=-1125)
        with pytest.raises(VenueUnavailable):
            await asyncio.wait_for(await listening(world), 5)


async def test_no_key_is_no_stream(world: PaperWorld) -> None:
    world.strike(path="/fapi/v1/listenKey", kind=FaultKind.REFUSE, code=-2015)
    with pytest.raises(VenueUnavailable):
        await anext(world.venue.executions())


async def test_fills_told_while_the_consumer_is_busy_are_all_told_later(world: PaperWorld) -> None:
    world.fill_in_parts(BTC, "0.001")
    stream = world.venue.executions()
    first = asyncio.create_task(anext(stream))
    await asyncio.wait_for(world.venue.listening.wait(), 5)
    await world.venue.place(market("busy", "0.1"))
    await world.venue.place(market("busy-too", "0.1"))
    await asyncio.wait_for(first, 5)
    await asyncio.sleep(0.1)
    told = []
    async with asyncio.timeout(5):
        async for execution in stream:
            told.append(execution)
            if reports(told, "busy-too") and reports(told, "busy-too")[-1].is_final:
                break
    await stream.aclose()
    assert sum(isinstance(one, Fill) for one in told) == 200


async def test_a_stream_that_tells_twice_is_handed_on_as_it_is(world: PaperWorld) -> None:
    world.exchange.hub.user_faults.duplicate = None
    async with heard(world.venue) as told:
        await world.venue.place(market("echo", "0.01"))
        await eventually(lambda: len(fills(told, "echo")) == 2)
    assert len({fill.trade_id for fill in fills(told, "echo")}) == 1


async def test_an_order_placed_by_hand_is_told_too(world: PaperWorld) -> None:
    async with heard(world.venue) as told:
        Control(world.exchange).foreign_order({"symbol": BTC, "side": "BUY", "type": "MARKET", "quantity": "0.01"})
        await eventually(lambda: any(isinstance(one, Fill) for one in told))


async def test_silent_marks_end_the_price_stream_although_the_peer_answers_pings() -> None:
    async with paper_world(price_silence_s=0.2, heartbeat_s=0.05) as world:

        async def read() -> None:
            async for _ in world.venue.prices():
                pass

        with pytest.raises(VenueUnavailable, match="silent"):
            await asyncio.wait_for(read(), 5)


async def test_prices_end_when_the_exchange_goes() -> None:
    async with paper_world(tick_ms=20) as world:

        async def read() -> None:
            async for _ in world.venue.prices():
                await world.exchange.stop()

        with pytest.raises(VenueUnavailable):
            await asyncio.wait_for(read(), 5)


async def test_an_unknown_stream_is_refused_aloud(world: PaperWorld) -> None:
    stream = binance_streams.prices(world.venue._client, world.venue.settings, ("NOPEUSDT",))
    with pytest.raises(VenueUnavailable, match="refused"):
        await asyncio.wait_for(anext(stream), 5)


async def test_a_slow_reader_gets_the_newest_price_of_each_symbol(world: PaperWorld) -> None:
    stream = world.venue.prices()
    first = asyncio.create_task(anext(stream))
    while not first.done():
        world.set_price(BTC, "60000")
        world.set_price(ETH, "3000")
        await asyncio.sleep(0.02)
    for step in range(1, 200):
        world.set_price(BTC, str(60_000 + step))
    world.set_price(ETH, "3100")
    await asyncio.sleep(0.1)
    await first
    told = {price.symbol: price for price in [await asyncio.wait_for(anext(stream), 5) for _ in range(2)]}
    await stream.aclose()
    assert told[BTC].bid > from_text("60198")
    assert told[ETH].bid > from_text("3099")


async def test_a_socket_that_cannot_be_opened_does_not_tell_its_address(world: PaperWorld) -> None:
    url = "ws://127.0.0.1:1/private/ws?listenKey=0123abc"
    with pytest.raises(VenueUnavailable) as caught:
        await JsonSocket.open(world.venue._client.session, url, "the user stream", heartbeat_s=1)
    assert "0123abc" not in str(caught.value)


class TestPriceBoard:
    async def test_a_symbol_is_told_once_both_parts_are_known(self) -> None:
        board = PriceBoard([BTC, ETH])
        board.set_book(BTC, Book(1, 2, 10))
        board.set_book(ETH, Book(3, 4, 10))
        board.set_mark(BTC, Mark(5, 6, 7, 12))
        only = await board.newest()
        assert (only.symbol, only.bid, only.ask, only.mark, only.funding_rate, only.at_ms) == (BTC, 1, 2, 5, 6, 12)

    async def test_only_what_changed_is_told(self) -> None:
        board = PriceBoard([BTC, ETH])
        for symbol in (BTC, ETH):
            board.set_book(symbol, Book(1, 2, 10))
            board.set_mark(symbol, Mark(5, 6, 7, 12))
        assert [(await board.newest()).symbol for _ in range(2)] == [BTC, ETH]
        board.set_book(ETH, Book(2, 3, 11))
        board.set_book(ETH, Book(3, 4, 13))
        only = await board.newest()
        assert (only.symbol, only.bid, only.at_ms) == (ETH, 3, 13)

    async def test_symbols_nobody_asked_for_are_left_out(self) -> None:
        board = PriceBoard([BTC])
        board.set_book(ETH, Book(1, 2, 10))
        board.set_mark(ETH, Mark(5, 6, 7, 12))
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(board.newest(), 0.02)

    async def test_a_failure_reaches_the_reader(self) -> None:
        board = PriceBoard([BTC])
        board.fail(VenueUnavailable("gone"))
        with pytest.raises(VenueUnavailable, match="gone"):
            await board.newest()
