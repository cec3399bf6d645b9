"""Troubles on demand, armed over the control routes and met by ccxt."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from decimal import Decimal
from typing import Any

import ccxt.pro
import pytest
from exchange_client import BTC, ETH, paper_trading, user_stream_connected

from devnet.exchange import ExchangeControl, PaperExchange

ORDER = "/fapi/v1/order"


@asynccontextmanager
async def troubled(**options: Any) -> AsyncIterator[tuple[PaperExchange, Any, ExchangeControl]]:
    async with paper_trading(**options) as (exchange, client), ExchangeControl(exchange.url) as control:
        yield exchange, client, control


async def test_a_lost_answer_leaves_an_executed_order_behind() -> None:
    async with troubled() as (exchange, client, control):
        await control.fault("lose_answer", method="POST", path=ORDER)
        with pytest.raises(ccxt.NetworkError):
            await client.create_order(ETH, "market", "buy", 1, None, {"clientOrderId": "lost"})
        assert exchange.engine.executed_client_ids["lost"] == 1
        assert (await client.fetch_order(None, ETH, {"origClientOrderId": "lost"}))["status"] == "closed"


async def test_a_lost_request_leaves_nothing_behind() -> None:
    async with troubled() as (_, client, control):
        await control.fault("lose_request", method="POST", path=ORDER)
        with pytest.raises(ccxt.NetworkError):
            await client.create_order(ETH, "market", "buy", 1, None, {"clientOrderId": "lost"})
        with pytest.raises(ccxt.OrderNotFound):
            await client.fetch_order(None, ETH, {"origClientOrderId": "lost"})


async def test_a_cancel_whose_answer_is_lost_may_be_sent_twice_by_the_http_library() -> None:
    """aiohttp repeats idempotent methods once on a reused connection; the second DELETE meets -2011."""
    async with troubled() as (exchange, client, control):
        order = await client.create_order(ETH, "limit", "buy", 1, 2000)
        await control.fault("lose_answer", method="DELETE", path=ORDER)
        with pytest.raises(ccxt.OrderNotFound, match="-2011"):
            await client.cancel_order(order["id"], ETH)
        assert exchange.rest.requests["DELETE /fapi/v1/order"] == 2
        assert (await client.fetch_order(order["id"], ETH))["status"] == "canceled"


async def test_a_late_answer_is_a_time_out_for_a_client_in_a_hurry() -> None:
    async with troubled() as (exchange, client, control):
        await control.fault("delay_answer", method="POST", path=ORDER, seconds=0.4)
        client.timeout = 100
        with pytest.raises(ccxt.RequestTimeout):
            await client.create_order(ETH, "market", "buy", 1, None, {"clientOrderId": "late"})
        assert exchange.engine.executed_client_ids["late"] == 1


async def test_a_delayed_request_is_executed_after_the_client_gave_up() -> None:
    async with troubled() as (exchange, client, control):
        await control.fault("delay_request", method="POST", path=ORDER, seconds=0.3)
        client.timeout = 100
        with pytest.raises(ccxt.RequestTimeout):
            await client.create_order(ETH, "market", "buy", 1, None, {"clientOrderId": "late"})
        assert exchange.engine.executed_client_ids["late"] == 0
        await asyncio.sleep(0.35)
        assert exchange.engine.executed_client_ids["late"] == 1


@pytest.mark.parametrize(
    ("preset", "error", "executed"),
    [
        ("rate_limited", ccxt.DDoSProtection, 0),
        ("banned", ccxt.DDoSProtection, 0),
        ("bad_timestamp", ccxt.InvalidNonce, 0),
        ("disconnected", ccxt.OperationFailed, 0),
        ("server_error", ccxt.OperationFailed, 0),
        ("unknown_outcome", ccxt.OperationFailed, 1),
    ],
)
async def test_a_refusal_on_demand_strikes_once(preset: str, error: type[Exception], executed: int) -> None:
    async with troubled() as (exchange, client, control):
        await control.fault(preset=preset, method="POST", path=ORDER)
        with pytest.raises(error):
            await client.create_order(ETH, "market", "buy", 1, None, {"clientOrderId": "struck"})
        assert exchange.engine.executed_client_ids["struck"] == executed
        assert (await client.create_order(ETH, "market", "buy", 1))["status"] == "closed"


async def test_a_rate_limit_says_when_to_come_back() -> None:
    async with troubled() as (exchange, client, control):
        for preset, status, wait in (("rate_limited", 429, "1"), ("banned", 418, "120")):
            await control.fault(preset=preset, path="/fapi/v1/time")
            async with client.session.get(f"{exchange.url}/fapi/v1/time") as response:
                assert (response.status, response.headers["Retry-After"]) == (status, wait)
                assert (await response.json())["code"] == -1003


async def test_a_fault_strikes_only_what_it_names_and_as_often_as_told() -> None:
    async with troubled() as (_, client, control):
        await control.fault("refuse", path="/fapi/v*/open*", skip=1, times=2, code=-1001)
        await control.fault("refuse", client_order_id="chosen", code=-2019)
        outcomes = []
        for _ in range(4):
            try:
                await client.fetch_open_orders(ETH)
                outcomes.append("ok")
            except ccxt.OperationFailed:
                outcomes.append("struck")
        assert outcomes == ["ok", "struck", "struck", "ok"]
        await client.create_order(ETH, "market", "buy", 1, None, {"clientOrderId": "other"})
        with pytest.raises(ccxt.InsufficientFunds):
            await client.create_order(ETH, "market", "buy", 1, None, {"clientOrderId": "chosen"})
        await control.fault("refuse", times=None)
        assert await control.clear_faults() == {"removed": 1}
        await client.fetch_open_orders(ETH)


async def test_a_silent_user_stream_swallows_what_rest_still_tells() -> None:
    async with troubled() as (exchange, client, control):
        watching = asyncio.create_task(client.watch_my_trades(ETH))
        await user_stream_connected(exchange)
        await control.user_stream("silence")
        await client.create_order(ETH, "market", "buy", 1)
        await asyncio.sleep(0.1)
        assert not watching.done()
        assert len(await client.fetch_my_trades(ETH)) == 1
        await control.user_stream("resume")
        await client.create_order(ETH, "market", "buy", 2)
        assert [trade["amount"] for trade in await watching] == [2]


async def test_a_duplicated_user_stream_tells_a_fill_twice() -> None:
    async with troubled() as (exchange, client, control):
        key = (await client.fapiPrivatePostListenKey())["listenKey"]
        url = exchange.url.replace("http", "ws") + f"/private/ws?listenKey={key}"
        async with client.session.ws_connect(url) as socket:
            await user_stream_connected(exchange)
            await control.user_stream("duplicate")
            await client.create_order(ETH, "market", "buy", 1)
            messages = [await socket.receive_json(timeout=2) for _ in range(6)]
        fills = [m["o"]["t"] for m in messages if m["e"] == "ORDER_TRADE_UPDATE" and m["o"]["x"] == "TRADE"]
        assert fills == [1, 1]


async def test_the_user_stream_can_be_dropped_and_its_key_expired() -> None:
    async with troubled() as (exchange, client, control):
        watching = asyncio.create_task(client.watch_my_trades(ETH))
        await user_stream_connected(exchange)
        assert await control.user_stream("drop") == {"dropped": 1}
        with pytest.raises(ccxt.NetworkError):
            await watching
        await control.user_stream("expire")
        with pytest.raises(ccxt.AuthenticationError, match="-1125"):
            await client.fapiPrivatePutListenKey()
        with pytest.raises(ValueError, match="unknown action"):
            await control.user_stream("sing")


async def test_a_limit_order_fills_in_part_and_then_stays_silent_until_released() -> None:
    async with troubled() as (exchange, client, control):
        await control.fills("BTCUSDT", partial_then_silent="0.4")
        order = await client.create_order(BTC, "limit", "buy", 0.01, 59000, {"clientOrderId": "stuck"})
        assert (order["status"], order["filled"]) == ("open", 0.004)
        await control.price("BTCUSDT", mid="58000")
        exchange.tick(20)
        assert (await client.fetch_order(order["id"], BTC))["filled"] == 0.004
        assert await control.release("stuck") == {"released": ["stuck"]}
        exchange.tick()
        assert (await client.fetch_order(order["id"], BTC))["status"] == "closed"


async def test_paused_fills_leave_orders_waiting() -> None:
    async with troubled() as (_, client, control):
        await control.fills(paused=True)
        market = await client.create_order(ETH, "market", "buy", 1)
        limit = await client.create_order(ETH, "limit", "buy", 1, 3100)
        assert (market["status"], limit["status"]) == ("open", "open")
        await control.fills(paused=False)
        await control.tick()
        for order in (market, limit):
            assert (await client.fetch_order(order["id"], ETH))["status"] == "closed"


async def test_the_filled_fraction_of_each_tick_can_be_set() -> None:
    async with troubled() as (_, client, control):
        await control.price("ETHUSDT", mid="3000", pin=True)
        await control.fills("ETHUSDT", fractions=["0.25", "0.25"])
        order = await client.create_order(ETH, "limit", "buy", 8, 2999.99)
        filled = []
        for _ in range(4):
            await control.tick()
            filled.append((await client.fetch_order(order["id"], ETH))["filled"])
        assert filled == [2, 4, 6, 8]
        await control.fills("ETHUSDT", fractions=[0, 0])
        never = await client.create_order(ETH, "limit", "buy", 8, 2999.99)
        await control.tick(20)
        assert (await client.fetch_order(never["id"], ETH))["filled"] == 0


async def test_prices_are_set_shifted_and_pinned() -> None:
    async with troubled() as (_, _, control):
        assert (await control.price("ETHUSDT", mid="2500", pin=True))["bid"] == "2499.99"
        await control.tick(10)
        assert (await control.price("ETHUSDT", shift="-10"))["mid"] == "2490.00"
        assert (await control.price("ETHUSDT", pin=False))["pinned"] is False
        await control.tick(10)
        assert (await control.state())["prices"]["ETHUSDT"]["mid"] != "2490.00"
        with pytest.raises(ValueError, match="-1121"):
            await control.price("NOPE", mid="1")


async def test_a_foreign_hand_trades_on_the_same_account() -> None:
    async with troubled() as (_, client, control):
        await control.foreign_order(symbol="ETHUSDT", side="BUY", type="MARKET", quantity="3", newClientOrderId="web_1")
        (position,) = await client.fetch_positions([ETH])
        assert position["contracts"] == 3
        resting = await control.foreign_order(symbol="ETHUSDT", side="SELL", type="LIMIT", quantity="3", price="4000")
        assert [o["id"] for o in await client.fetch_open_orders(ETH)] == [str(resting["orderId"])]
        assert all(order["foreign"] for order in (await control.state())["orders"])


async def test_the_state_tells_how_often_each_client_id_was_asked_for_and_executed() -> None:
    async with troubled() as (_, client, control):
        await client.create_order(ETH, "market", "buy", 1, None, {"clientOrderId": "good"})
        with pytest.raises(ccxt.InvalidOrder):
            await client.create_order(ETH, "market", "sell", 0.001, None, {"clientOrderId": "bad"})
        await control.deposit("250.5")
        await control.funding("ETHUSDT", rate="-0.001", settle=True)
        state = await control.state()
        assert state["client_order_ids"] == {"good": {"seen": 1, "executed": 1}, "bad": {"seen": 1, "executed": 0}}
        assert state["positions"]["ETHUSDT"]["quantity"] == "1"
        assert [trade["clientOrderId"] for trade in state["trades"]] == ["good"]
        parts = ("start_balance", "transfers", "realised", "commission", "funding")
        assert Decimal(state["account"]["wallet"]) == sum(Decimal(state["account"][part]) for part in parts)
        assert Decimal(state["account"]["funding"]) > 0
        assert (await control.requests())["POST /fapi/v1/order"] == 2
