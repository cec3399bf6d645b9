"""The WebSocket streams of the paper exchange, as ccxt.pro sees them."""

import asyncio
from collections.abc import Awaitable, Callable
from decimal import Decimal
from typing import Any

import ccxt.pro
import pytest
from aiohttp import web
from exchange_client import BTC, ETH, SOL, paper_trading, user_stream_connected

from devnet.exchange import PaperExchange
from devnet.exchange.sockets import Connection


async def first_after(exchange: PaperExchange, watch: Callable[[], Awaitable[Any]], act: Callable[[], object]) -> Any:
    """What `watch` brings once it listens and `act` has been repeated until something came."""
    waiting = asyncio.ensure_future(watch())
    while not waiting.done():
        await asyncio.sleep(0.02)
        act()
    return waiting.result()


async def test_best_prices_mark_price_and_tickers_are_streamed() -> None:
    async with paper_trading() as (exchange, client):
        exchange.set_price("BTCUSDT", mid=Decimal(50000), pin=True)
        books = await first_after(exchange, lambda: client.watch_bids_asks([BTC]), exchange.tick)
        assert (books[BTC]["bid"], books[BTC]["ask"]) == (49999.9, 50000.1)
        mark = await first_after(exchange, lambda: client.watch_mark_price(BTC), exchange.tick)
        assert (mark["markPrice"], mark["info"]["r"]) == (50000, "0.0001")
        marks = await first_after(exchange, client.watch_mark_prices, exchange.tick)
        assert set(marks) == {BTC, ETH, SOL}
        ticker = await first_after(exchange, lambda: client.watch_ticker(BTC), exchange.tick)
        assert (ticker["last"], ticker["info"]["e"]) == (50000, "24hrMiniTicker")
        full = await first_after(exchange, lambda: client.watch_ticker(BTC, {"name": "ticker"}), exchange.tick)
        assert (full["last"], full["info"]["e"]) == (50000, "24hrTicker")
        tickers = await first_after(exchange, client.watch_tickers, exchange.tick)
        assert set(tickers) == {BTC, ETH, SOL}


async def test_an_unsubscribed_stream_goes_silent() -> None:
    async with paper_trading() as (exchange, client):
        await first_after(exchange, lambda: client.watch_bids_asks([BTC]), exchange.tick)
        await client.un_watch_bids_asks([BTC])
        assert exchange.hub.counts()["subscriptions"] == 0


async def test_a_changed_price_is_streamed_at_once() -> None:
    async with paper_trading() as (exchange, client):
        await first_after(exchange, lambda: client.watch_bids_asks([ETH]), exchange.tick)
        exchange.set_price("ETHUSDT", mid=Decimal(2500))
        async with asyncio.timeout(2):
            while (await client.watch_bids_asks([ETH]))[ETH]["bid"] != 2499.99:
                continue
        assert exchange.engine.ticks < 50


async def test_every_fill_is_streamed_with_its_trade_id_fee_and_client_id() -> None:
    async with paper_trading() as (exchange, client):
        watching = asyncio.create_task(client.watch_my_trades(ETH))
        await user_stream_connected(exchange)
        await client.create_order(ETH, "market", "buy", 2, None, {"clientOrderId": "q-1"})
        (trade,) = await watching
        (rest,) = await client.fetch_my_trades(ETH)
        assert (trade["id"], trade["order"], trade["price"]) == (rest["id"], rest["order"], rest["price"])
        assert (trade["amount"], trade["fee"], trade["takerOrMaker"]) == (2, rest["fee"], "taker")
        assert trade["info"]["c"] == "q-1"


async def test_the_states_of_an_order_are_streamed_in_their_order() -> None:
    async with paper_trading() as (exchange, client):
        told: list[tuple[Any, Any]] = []
        exchange.engine.ledger.listeners.append(
            lambda event: told.append((event["o"]["x"], event["o"]["X"])) if "o" in event else None  # type: ignore[index]
        )
        watching = asyncio.create_task(client.watch_orders(BTC))
        await user_stream_connected(exchange)
        order = await client.create_order(BTC, "limit", "buy", 0.01, 59000, {"clientOrderId": "o-1"})
        (seen,) = await watching
        assert (seen["id"], seen["status"], seen["clientOrderId"]) == (order["id"], "open", "o-1")
        await client.edit_order(order["id"], BTC, "limit", "buy", 0.02, 59000)
        last = asyncio.create_task(client.watch_orders(BTC))
        await client.cancel_order(order["id"], BTC)
        assert (await last)[-1]["id"] == order["id"]
        assert told == [("NEW", "NEW"), ("AMENDMENT", "NEW"), ("CANCELED", "CANCELED")]


async def test_positions_and_balance_follow_a_fill() -> None:
    async with paper_trading(balance=Decimal(5000)) as (exchange, client):
        assert await client.watch_positions([BTC]) == []  # a snapshot first, over REST
        watching = asyncio.create_task(client.watch_positions([BTC]))
        balances = asyncio.create_task(client.watch_balance())
        await user_stream_connected(exchange)
        await client.create_order(BTC, "market", "sell", 0.01)
        (position,) = await watching
        assert (position["side"], position["contracts"], position["entryPrice"]) == ("short", 0.01, 59999.9)
        assert Decimal(str((await balances)["USDT"]["total"])) == exchange.engine.account.wallet


async def test_a_dropped_user_stream_raises_and_the_next_watch_connects_with_the_same_key() -> None:
    async with paper_trading() as (exchange, client):
        watching = asyncio.create_task(client.watch_my_trades(ETH))
        await user_stream_connected(exchange)
        assert exchange.hub.drop_user_streams() == 1
        with pytest.raises(ccxt.NetworkError):
            await watching
        again = asyncio.create_task(client.watch_my_trades(ETH))
        await asyncio.sleep(0.05)
        await user_stream_connected(exchange)
        await client.create_order(ETH, "market", "buy", 1)
        assert len(await again) == 1
        assert exchange.rest.requests["POST /fapi/v1/listenKey"] == 1


async def test_a_stream_without_a_valid_listen_key_is_refused_and_an_expired_key_ends_it() -> None:
    async with paper_trading() as (exchange, client):
        private = exchange.url.replace("http", "ws") + "/private/ws?listenKey="
        async with client.session.get(private.replace("ws://", "http://") + "none") as response:
            assert response.status == 401
        key = (await client.fapiPrivatePostListenKey())["listenKey"]
        assert (await client.fapiPrivatePutListenKey())["listenKey"] == key
        async with client.session.ws_connect(private + key) as socket:
            exchange.hub.expire_user_streams(1)
            assert (await socket.receive_json(timeout=2))["e"] == "listenKeyExpired"
        assert (await client.fapiPrivatePostListenKey())["listenKey"] != key


async def test_raw_and_combined_streams_answer_like_the_exchange() -> None:
    async with paper_trading() as (exchange, client):
        base = exchange.url.replace("http", "ws")
        async with client.session.ws_connect(f"{base}/stream?streams=btcusdt@bookTicker/!markPrice@arr@1s") as socket:
            await asyncio.sleep(0.05)
            exchange.tick()
            names = {(await socket.receive_json(timeout=2))["stream"] for _ in range(2)}
            assert names == {"btcusdt@bookTicker", "!markPrice@arr@1s"}
        async with client.session.ws_connect(f"{base}/ws/solusdt@markPrice") as socket:
            await socket.send_json({"method": "LIST_SUBSCRIPTIONS", "id": 3})
            assert await socket.receive_json(timeout=2) == {"result": ["solusdt@markPrice"], "id": 3}
            await socket.send_json({"method": "SUBSCRIBE", "params": ["solusdt@magic"], "id": 4})
            assert (await socket.receive_json(timeout=2))["error"]["code"] == 2
            await socket.send_str("no json")
            assert (await socket.receive_json(timeout=2))["error"]["code"] == 3


async def test_a_client_too_slow_for_its_stream_is_cut_off() -> None:
    connection = Connection(web.WebSocketResponse(), queue=asyncio.Queue(2))
    for number in range(3):
        connection.send(number)
    assert connection.queue.get_nowait() is None
    assert connection.queue.empty()


async def test_the_exchange_stops_promptly_under_live_connections() -> None:
    async with paper_trading() as (exchange, client):
        public = exchange.url.replace("http", "ws") + "/ws/!bookTicker"
        async with client.session.ws_connect(public), asyncio.timeout(3):
            await exchange.stop()
