"""The paper exchange over REST, as ccxt's unmodified binanceusdm sees it."""

from decimal import Decimal

from exchange_client import BTC, ETH, SOL, paper_trading


async def test_markets_load_with_their_filters() -> None:
    async with paper_trading() as (_, client):
        assert set(client.markets) == {BTC, ETH, SOL}
        btc, sol = client.market(BTC), client.market(SOL)
        assert (btc["precision"]["price"], btc["precision"]["amount"]) == (0.1, 0.001)
        assert btc["limits"]["cost"]["min"] == 100
        assert btc["limits"]["market"]["max"] == 120
        assert (sol["precision"]["price"], sol["precision"]["amount"]) == (0.01, 0.1)
        assert btc["linear"]
        assert btc["active"]


async def test_a_market_order_fills_at_the_opposite_best() -> None:
    async with paper_trading() as (exchange, client):
        ask = exchange.engine.markets["BTCUSDT"].price.ask
        order = await client.create_order(BTC, "market", "buy", 0.01, None, {"clientOrderId": "open-1"})
        assert order["status"] == "closed"
        assert order["filled"] == 0.01
        assert Decimal(str(order["average"])) == ask
        assert order["clientOrderId"] == "open-1"


async def test_a_finite_book_is_walked_level_by_level_and_the_rest_of_a_market_order_expires() -> None:
    async with paper_trading() as (exchange, client):
        rules = exchange.engine.markets["BTCUSDT"].fills
        rules.levels, rules.level_quantity = 2, Decimal("0.01")
        order = await client.create_order(BTC, "market", "sell", 0.05)
        trades = await client.fetch_my_trades(BTC, params={"orderId": order["id"]})
        assert order["status"] == "expired"
        assert [trade["amount"] for trade in trades] == [0.01, 0.01]
        assert [trade["price"] for trade in trades] == [59999.9, 59999.8]


async def test_a_limit_order_rests_and_fills_when_the_price_crosses_it() -> None:
    async with paper_trading() as (exchange, client):
        order = await client.create_order(BTC, "limit", "buy", 0.01, 59000)
        assert order["status"] == "open"
        assert [o["id"] for o in await client.fetch_open_orders(BTC)] == [order["id"]]
        exchange.set_price("BTCUSDT", mid=Decimal(58990))
        filled = await client.fetch_order(order["id"], BTC)
        assert (filled["status"], filled["average"]) == ("closed", 59000)
        assert (await client.fetch_my_trades(BTC))[0]["takerOrMaker"] == "maker"
        assert await client.fetch_open_orders(BTC) == []


async def test_a_limit_order_at_the_touch_fills_in_parts() -> None:
    async with paper_trading() as (exchange, client):
        exchange.set_price("SOLUSDT", pin=True)
        bid = exchange.engine.markets["SOLUSDT"].price.bid
        order = await client.create_order(SOL, "limit", "buy", 20, float(bid))
        exchange.tick(3)
        assert 0 < (await client.fetch_order(order["id"], SOL))["filled"] < 20
        exchange.tick(40)
        trades = await client.fetch_my_trades(SOL)
        assert (await client.fetch_order(order["id"], SOL))["status"] == "closed"
        assert len(trades) > 2
        assert sum(Decimal(t["info"]["qty"]) for t in trades) == 20


async def test_immediate_or_cancel_takes_what_is_there_and_expires() -> None:
    async with paper_trading() as (exchange, client):
        rules = exchange.engine.markets["ETHUSDT"].fills
        rules.levels, rules.level_quantity = 1, Decimal(1)
        order = await client.create_order(ETH, "limit", "buy", 3, 3100, {"timeInForce": "IOC"})
        assert (order["status"], order["filled"]) == ("expired", 1)


async def test_an_order_is_found_by_its_client_id_and_cancelled_by_it() -> None:
    async with paper_trading() as (_, client):
        await client.create_order(ETH, "limit", "sell", 1, 4000, {"clientOrderId": "q-7-1"})
        found = await client.fetch_order(None, ETH, {"origClientOrderId": "q-7-1"})
        assert (found["clientOrderId"], found["status"], found["remaining"]) == ("q-7-1", "open", 1)
        cancelled = await client.cancel_order(None, ETH, {"origClientOrderId": "q-7-1"})
        assert cancelled["status"] == "canceled"
        assert (await client.fetch_order(None, ETH, {"origClientOrderId": "q-7-1"}))["status"] == "canceled"


async def test_a_client_id_may_be_used_again_after_its_order_ended_and_then_names_the_newer() -> None:
    async with paper_trading() as (exchange, client):
        first = await client.create_order(ETH, "market", "buy", 1, None, {"clientOrderId": "same"})
        second = await client.create_order(ETH, "market", "buy", 2, None, {"clientOrderId": "same"})
        assert first["id"] != second["id"]
        assert (await client.fetch_order(None, ETH, {"origClientOrderId": "same"}))["id"] == second["id"]
        assert exchange.engine.executed_client_ids["same"] == 2


async def test_an_amended_order_keeps_its_id_and_takes_the_new_price() -> None:
    async with paper_trading() as (_, client):
        order = await client.create_order(BTC, "limit", "buy", 0.01, 59000)
        amended = await client.edit_order(order["id"], BTC, "limit", "buy", 0.02, 59500)
        assert (amended["id"], amended["amount"], amended["price"]) == (order["id"], 0.02, 59500)
        crossing = await client.edit_order(order["id"], BTC, "limit", "buy", 0.02, 60500)
        assert (crossing["status"], crossing["average"]) == ("closed", 60000.1)


async def test_a_reduce_only_order_is_capped_to_the_position_and_needs_no_minimum_notional() -> None:
    async with paper_trading() as (_, client):
        await client.create_order(BTC, "market", "buy", 0.01)
        closing = await client.create_order(BTC, "market", "sell", 5, None, {"reduceOnly": True})
        assert (closing["filled"], closing["status"]) == (0.01, "closed")
        assert await client.fetch_positions([BTC]) == []
        await client.create_order(BTC, "market", "buy", 0.002)
        small = await client.create_order(BTC, "market", "sell", 0.001, None, {"reduceOnly": True})
        assert small["status"] == "closed"


async def test_a_resting_reduce_only_order_expires_with_the_position() -> None:
    async with paper_trading() as (_, client):
        await client.create_order(BTC, "market", "buy", 0.01)
        resting = await client.create_order(BTC, "limit", "sell", 0.01, 70000, {"reduceOnly": True})
        await client.create_order(BTC, "market", "sell", 0.01)
        assert (await client.fetch_order(resting["id"], BTC))["status"] == "expired"


async def test_a_symbol_with_open_orders_alone_shows_as_an_empty_position() -> None:
    async with paper_trading() as (_, client):
        await client.create_order(BTC, "limit", "buy", 0.01, 59000)
        (empty,) = await client.fapiPrivateV3GetPositionRisk()
        assert (empty["symbol"], empty["positionAmt"], empty["openOrderInitialMargin"]) == (
            "BTCUSDT",
            "0",
            "30.00000000",
        )
        assert await client.fetch_positions([BTC]) == []
        assert (await client.fetch_balance())["USDT"]["used"] == 30


async def test_positions_balances_and_income_tell_one_story() -> None:
    async with paper_trading(balance=Decimal(10_000)) as (exchange, client):
        await client.create_order(BTC, "market", "buy", 0.1)
        exchange.set_price("BTCUSDT", mid=Decimal(61000), pin=True)
        (position,) = await client.fetch_positions([BTC])
        assert (position["side"], position["contracts"], position["entryPrice"]) == ("long", 0.1, 60000.1)
        assert position["unrealizedPnl"] == 99.99
        assert position["maintenanceMargin"] == 24.4
        await client.create_order(BTC, "market", "sell", 0.1)
        rows = await client.fapiPrivateGetIncome({"symbol": "BTCUSDT"})
        assert [row["incomeType"] for row in rows] == ["COMMISSION", "REALIZED_PNL", "COMMISSION"]
        total = (await client.fetch_balance())["USDT"]["total"]
        assert Decimal(str(total)) == 10_000 + sum(Decimal(row["income"]) for row in rows)
        assert exchange.engine.account.wallet == Decimal("10000") + Decimal("99.98") - Decimal("4.84000000")


async def test_funding_is_paid_by_longs_and_shows_in_the_income() -> None:
    async with paper_trading() as (exchange, client):
        await client.create_order(ETH, "market", "buy", 1)
        exchange.set_price("ETHUSDT", mid=Decimal(3000), pin=True)
        exchange.engine.ledger.settle_funding(exchange.engine.markets["ETHUSDT"])
        (paid,) = await client.fetch_funding_history(ETH)
        assert paid["amount"] == -0.3


async def test_trades_are_paged_by_id_order_and_time() -> None:
    async with paper_trading() as (exchange, client):
        orders = [await client.create_order(ETH, "market", "buy", 1) for _ in range(5)]
        of_one = await client.fetch_my_trades(ETH, params={"orderId": orders[2]["id"]})
        assert [t["order"] for t in of_one] == [orders[2]["id"]]
        page = await client.fetch_my_trades(ETH, limit=2, params={"fromId": 2})
        assert [t["id"] for t in page] == ["2", "3"]
        assert [t["id"] for t in await client.fetch_my_trades(ETH, limit=2)] == ["4", "5"]
        now = exchange.clock.now_ms()
        assert len(await client.fetch_my_trades(ETH, since=now - 60_000)) == 5
        assert await client.fetch_my_trades(ETH, since=now + 60_000) == []
        assert [o["id"] for o in await client.fetch_orders(ETH, limit=5)] == [o["id"] for o in orders]


async def test_prices_are_told_alike_by_every_route() -> None:
    async with paper_trading() as (exchange, client):
        exchange.set_price("BTCUSDT", mid=Decimal(50000), pin=True)
        assert (await client.fetch_ticker(BTC))["last"] == 50000
        book = (await client.fetch_bids_asks([BTC]))[BTC]
        assert (book["bid"], book["ask"]) == (49999.9, 50000.1)
        mark = await client.fetch_mark_price(BTC)
        assert (mark["markPrice"], mark["indexPrice"]) == (50000, 50000)
        depth = await client.fetch_order_book(BTC)
        assert (depth["bids"][0][0], depth["asks"][0][0]) == (49999.9, 50000.1)
        candles = await client.fetch_ohlcv(BTC, "1m")
        assert candles[-1][4] == 50000
        rates = await client.fetch_funding_rates([BTC])
        assert rates[BTC]["fundingRate"] == 0.0001
        assert rates[BTC]["fundingTimestamp"] == exchange.engine.next_funding_ms
        assert (await client.fetch_funding_intervals([BTC]))[BTC]["interval"] == "8h"


async def test_leverage_and_margin_mode_are_kept_per_symbol() -> None:
    async with paper_trading() as (_, client):
        await client.set_leverage(7, ETH)
        await client.set_margin_mode("isolated", SOL)
        leverages = await client.fetch_leverages([ETH, SOL])
        assert leverages[ETH]["longLeverage"] == 7
        assert leverages[SOL]["marginMode"] == "isolated"
        tiers = await client.fetch_leverage_tiers([BTC])
        assert [tier["maxLeverage"] for tier in tiers[BTC]] == [125, 100, 50, 1]
        assert (await client.fetch_position_mode())["hedged"] is False


async def test_all_open_orders_of_a_symbol_go_at_once() -> None:
    async with paper_trading() as (_, client):
        for price in (50000, 51000):
            await client.create_order(BTC, "limit", "buy", 0.01, price)
        await client.create_order(ETH, "limit", "buy", 1, 2000)
        await client.cancel_all_orders(BTC)
        client.options["fetchOpenOrders"]["warnWithoutSymbol"] = False
        assert [o["symbol"] for o in await client.fetch_open_orders()] == [ETH]


async def test_the_time_difference_to_the_exchange_can_be_measured() -> None:
    async with paper_trading() as (_, client):
        assert abs(await client.load_time_difference()) < 1000
