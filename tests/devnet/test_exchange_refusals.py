"""Each refusal of the paper exchange, and the ccxt error it becomes."""

from decimal import Decimal
from typing import Any

import ccxt.pro
import pytest
from exchange_client import BTC, ETH, exchange_client, paper_trading

RAW_ORDER = {
    "symbol": "BTCUSDT",
    "side": "BUY",
    "type": "LIMIT",
    "timeInForce": "GTC",
    "quantity": "0.01",
    "price": "59000",
}


@pytest.mark.parametrize(
    ("change", "code", "error"),
    [
        ({"quantity": "0.0105"}, -1111, ccxt.BadRequest),
        ({"price": "59000.05"}, -1111, ccxt.BadRequest),
        ({"quantity": "2000"}, -1013, ccxt.InvalidOrder),
        ({"quantity": "0"}, -1013, ccxt.InvalidOrder),
        ({"price": "0"}, -1013, ccxt.InvalidOrder),
        ({"quantity": "0.001"}, -4164, ccxt.InvalidOrder),
        ({"quantity": "many"}, -1102, ccxt.BadRequest),
        ({"timeInForce": "GTD"}, -1115, ccxt.BadRequest),
        ({"timeInForce": ""}, -1102, ccxt.BadRequest),
        ({"type": "STOP"}, -1116, ccxt.BadRequest),
        ({"type": "MARKET"}, -1106, ccxt.BadRequest),
        ({"side": "HOLD"}, -1117, ccxt.BadRequest),
        ({"symbol": "DOGEUSDT"}, -1121, ccxt.BadSymbol),
        ({"positionSide": "LONG"}, -4061, ccxt.OperationRejected),
        ({"newClientOrderId": "x" * 37}, -4015, ccxt.BadRequest),
        ({"newClientOrderId": "with space"}, -1100, ccxt.BadRequest),
        ({"reduceOnly": "true"}, -2022, ccxt.InvalidOrder),
        ({"timeInForce": "GTX", "price": "60500"}, -5022, ccxt.InvalidOrder),
        ({"timeInForce": "FOK"}, -5021, ccxt.InvalidOrder),
    ],
)
async def test_an_order_against_the_rules_is_refused_and_leaves_no_trace(
    change: dict[str, str], code: int, error: type[Exception]
) -> None:
    async with paper_trading() as (exchange, client):
        with pytest.raises(error, match=f'"code":{code},'):
            await client.fapiPrivatePostOrder({**RAW_ORDER, **change})
        assert list(exchange.engine.orders) == []


async def test_a_position_beyond_the_margin_is_refused() -> None:
    async with paper_trading(balance=Decimal(1000)) as (_, client):
        with pytest.raises(ccxt.InsufficientFunds, match="-2019"):
            await client.create_order(BTC, "market", "buy", 1)
        await client.create_order(BTC, "market", "buy", 0.3)
        with pytest.raises(ccxt.InsufficientFunds, match="-2019"):
            await client.create_order(BTC, "limit", "buy", 0.1, 59000)
        assert (await client.create_order(BTC, "market", "sell", 0.3))["status"] == "closed"


async def test_a_position_beyond_the_bracket_of_its_leverage_is_refused() -> None:
    async with paper_trading() as (_, client):
        await client.set_leverage(125, BTC)
        with pytest.raises(ccxt.OperationRejected, match="-2027"):
            await client.create_order(BTC, "market", "buy", 6)


async def test_a_client_id_is_refused_while_its_order_is_open() -> None:
    async with paper_trading() as (exchange, client):
        await client.create_order(ETH, "limit", "buy", 1, 2000, {"clientOrderId": "twice"})
        with pytest.raises(ccxt.InvalidOrder, match="-4116"):
            await client.create_order(ETH, "limit", "buy", 1, 2000, {"clientOrderId": "twice"})
        assert (exchange.rest.seen_client_ids["twice"], exchange.engine.executed_client_ids["twice"]) == (2, 1)
        await client.cancel_order(None, ETH, {"origClientOrderId": "twice"})
        await client.create_order(ETH, "limit", "buy", 1, 2000, {"clientOrderId": "twice"})
        assert exchange.engine.executed_client_ids["twice"] == 2


async def test_an_unknown_order_is_not_found_and_an_ended_one_cannot_be_cancelled() -> None:
    async with paper_trading() as (_, client):
        with pytest.raises(ccxt.OrderNotFound, match="-2013"):
            await client.fetch_order(None, ETH, {"origClientOrderId": "never"})
        with pytest.raises(ccxt.OrderNotFound, match="-2011"):
            await client.cancel_order("4711", ETH)
        filled = await client.create_order(ETH, "market", "buy", 1)
        with pytest.raises(ccxt.OrderNotFound, match="-2011"):
            await client.cancel_order(filled["id"], ETH)


async def test_an_amendment_must_change_something_on_an_open_order() -> None:
    async with paper_trading() as (_, client):
        order = await client.create_order(ETH, "limit", "buy", 1, 2000)
        with pytest.raises(ccxt.OperationRejected, match="-5027"):
            await client.edit_order(order["id"], ETH, "limit", "buy", 1, 2000)
        await client.cancel_order(order["id"], ETH)
        with pytest.raises(ccxt.OrderNotFound, match="-2013"):
            await client.edit_order(order["id"], ETH, "limit", "buy", 1, 2100)


async def test_a_wrong_secret_key_or_none_is_refused() -> None:
    async with paper_trading() as (exchange, client):
        await refused_balance(exchange_client(exchange.url, secret="another"), ccxt.AuthenticationError, "-1022")
        await refused_balance(exchange_client(exchange.url, api_key="another"), ccxt.AuthenticationError, "-2015")
        async with client.session.get(f"{exchange.url}/fapi/v3/account?timestamp=1&signature=00") as response:
            assert (response.status, (await response.json())["code"]) == (401, -2014)


async def refused_balance(client: Any, error: type[Exception], code: str) -> None:
    try:
        await client.load_markets()
        with pytest.raises(error, match=code):
            await client.fetch_balance()
    finally:
        await client.close()


async def test_a_tampered_request_does_not_pass() -> None:
    async with paper_trading() as (exchange, client):
        signed = client.sign("order", ["fapiPrivate"], "POST", {**RAW_ORDER, "newClientOrderId": "honest"})
        body = signed["body"].replace("quantity=0.01", "quantity=0.09")
        async with client.session.post(signed["url"], data=body, headers=signed["headers"]) as response:
            assert (response.status, (await response.json())["code"]) == (400, -1022)
        assert list(exchange.engine.orders) == []


@pytest.mark.parametrize("offset_ms", [-20_000, 5_000])
async def test_a_request_stamped_outside_its_window_is_refused(offset_ms: int) -> None:
    async with paper_trading() as (exchange, client):
        with pytest.raises(ccxt.InvalidNonce, match="-1021"):
            await client.fapiPrivateGetOpenOrders({"timestamp": exchange.clock.now_ms() + offset_ms})
        with pytest.raises(ccxt.ExchangeError, match="-1131"):
            await client.fapiPrivateGetOpenOrders({"recvWindow": 90_000})


async def test_account_settings_refuse_what_changes_nothing_or_is_not_offered() -> None:
    async with paper_trading() as (_, client):
        with pytest.raises(ccxt.MarginModeAlreadySet, match="No need to change margin type"):
            await client.fapiPrivatePostMarginType({"symbol": "BTCUSDT", "marginType": "CROSSED"})
        with pytest.raises(ccxt.BadRequest, match="-4028"):
            await client.set_leverage(101, ETH)
        with pytest.raises(ccxt.OperationRejected, match="-4059"):
            await client.set_position_mode(False)
        with pytest.raises(ccxt.BadRequest, match="-1130"):
            await client.set_position_mode(True)
        await client.create_order(ETH, "market", "buy", 1)
        with pytest.raises(ccxt.OperationRejected, match="-4048"):
            await client.set_margin_mode("isolated", ETH)


async def test_queries_refuse_parameters_that_contradict_each_other() -> None:
    async with paper_trading() as (_, client):
        with pytest.raises(ccxt.BadRequest, match="-1128"):
            await client.fapiPrivateGetUserTrades({"symbol": "BTCUSDT", "fromId": 1, "startTime": 1})
        with pytest.raises(ccxt.BadRequest, match="-1120"):
            await client.fetch_ohlcv(BTC, "5m")
        with pytest.raises(ccxt.ExchangeError, match="-5000"):
            await client.fapiPublicGetAggTrades({"symbol": "BTCUSDT"})
        with pytest.raises(ccxt.AuthenticationError, match="-1125"):
            await client.fapiPrivatePutListenKey()
