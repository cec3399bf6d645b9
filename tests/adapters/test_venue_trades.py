"""Trades are read to their end, whatever the exchange's page size and time span."""

from typing import Any

import pytest

from hedger.adapters.venue import binance_trades
from hedger.adapters.venue.port import VenueUnavailable

DAY_MS = 24 * 3600 * 1000
NOW_MS = 1_700_000_000_000


class Exchange:
    """A stand-in for the trades endpoint: at most `limit` rows and seven days an answer, earliest first."""

    def __init__(self, times: list[int], orders: list[int] | None = None) -> None:
        self.requests: list[dict[str, Any]] = []
        orders = [1] * len(times) if orders is None else orders
        self._trades = [self._row(number, *row) for number, row in enumerate(zip(times, orders, strict=True), 1)]

    @staticmethod
    def _row(number: int, time_ms: int, order: int) -> dict[str, Any]:
        text = {"symbol": "BTCUSDT", "side": "BUY", "qty": "1", "price": "2", "commission": "0"}
        return {"id": number, "orderId": order, "time": time_ms, "commissionAsset": "USDT", **text}

    async def fapiPrivateGetUserTrades(self, asked: dict[str, Any]) -> list[dict[str, Any]]:
        self.requests.append(asked)
        assert "fromId" not in asked or not asked.keys() & {"startTime", "endTime", "orderId"}
        assert asked.get("endTime", 0) - asked.get("startTime", 0) <= 7 * DAY_MS
        rows = [
            row
            for row in self._trades
            if row["id"] >= asked.get("fromId", 0)
            and asked.get("startTime", 0) <= row["time"] <= asked.get("endTime", row["time"])
            and str(row["orderId"]) == asked.get("orderId", str(row["orderId"]))
        ]
        return rows[: asked["limit"]]


async def test_many_trades_of_one_millisecond_are_all_read() -> None:
    exchange = Exchange([NOW_MS - DAY_MS] * 3_500)
    found = await binance_trades.since(exchange, "BTCUSDT", NOW_MS - 2 * DAY_MS, NOW_MS)
    assert [fill.trade_id for fill in found] == [str(number) for number in range(1, 3_501)]


@pytest.mark.parametrize("count", [0, 1, 999, 1_000, 1_001, 2_000])
async def test_no_trade_is_missed_or_told_twice_at_the_edge_of_a_page(count: int) -> None:
    exchange = Exchange([NOW_MS - DAY_MS + number for number in range(count)])
    found = await binance_trades.since(exchange, "BTCUSDT", NOW_MS - 2 * DAY_MS, NOW_MS)
    assert len({fill.trade_id for fill in found}) == len(found) == count


async def test_trades_weeks_apart_are_all_read() -> None:
    times = [NOW_MS - days * DAY_MS for days in (40, 33, 20, 3)] + [NOW_MS]
    found = await binance_trades.since(Exchange(times), "BTCUSDT", NOW_MS - 50 * DAY_MS, NOW_MS)
    assert [fill.traded_at_ms for fill in found] == times


async def test_an_order_of_more_trades_than_a_page_is_read_whole_and_alone() -> None:
    exchange = Exchange([NOW_MS] * 5_000, [1, 2] * 2_500)
    found = await binance_trades.of_order(exchange, "BTCUSDT", "2")
    assert len({fill.trade_id for fill in found}) == len(found) == 2_500
    assert {fill.venue_order_id for fill in found} == {"2"}


async def test_an_order_of_few_trades_is_one_request() -> None:
    exchange = Exchange([NOW_MS] * 10, [1, 2] * 5)
    assert len(await binance_trades.of_order(exchange, "BTCUSDT", "1")) == 5
    assert len(exchange.requests) == 1


async def test_an_answer_about_another_order_is_refused() -> None:
    class Careless(Exchange):
        async def fapiPrivateGetUserTrades(self, asked: dict[str, Any]) -> list[dict[str, Any]]:
            return self._trades

    with pytest.raises(VenueUnavailable, match="another"):
        await binance_trades.of_order(Careless([NOW_MS], [1]), "BTCUSDT", "2")


async def test_reading_has_a_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(binance_trades, "MAX_REQUESTS", 3)
    with pytest.raises(VenueUnavailable, match="3 requests"):
        await binance_trades.since(Exchange([NOW_MS] * 9_000), "BTCUSDT", NOW_MS, NOW_MS)
