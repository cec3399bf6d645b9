"""Every movement of the wallet is told, once and exactly, and together they are what the wallet moved by."""

from decimal import Decimal
from typing import Any

import pytest
from conftest_venue import BTC, market, paper_world

from hedger.adapters.venue import binance_income
from hedger.adapters.venue.port import VenueUnavailable
from hedger.domain.money import WAD, from_text
from hedger.domain.terms import Side
from hedger.domain.venue_cash import IncomeKind

NOW_MS = 1_700_000_000_000


class Exchange:
    """A stand-in for the income endpoint: at most `limit` rows an answer, earliest first."""

    def __init__(self, times: list[int]) -> None:
        text = {"symbol": "BTCUSDT", "incomeType": "COMMISSION", "income": "-0.1", "asset": "USDT", "info": ""}
        self._rows = [{**text, "tranId": number, "tradeId": "", "time": at} for number, at in enumerate(times, 1)]

    async def fapiPrivateGetIncome(self, asked: dict[str, Any]) -> list[dict[str, Any]]:
        return [row for row in self._rows if row["time"] >= asked["startTime"]][: asked["limit"]]


@pytest.mark.parametrize("count", [0, 1, 999, 1_000, 1_001, 2_500])
async def test_no_movement_is_missed_or_told_twice_at_the_edge_of_a_page(count: int) -> None:
    exchange = Exchange([NOW_MS + number // 7 for number in range(count)])
    found = await binance_income.since(exchange, NOW_MS)
    assert [income.tran_id for income in found] == [str(number) for number in range(1, count + 1)]


async def test_more_movements_of_one_millisecond_than_a_page_holds_are_an_error_and_not_left_out() -> None:
    with pytest.raises(VenueUnavailable, match="millisecond"):
        await binance_income.since(Exchange([NOW_MS] * 1_001), NOW_MS)


async def test_the_movements_told_are_what_the_wallet_moved_by_to_the_last_unit() -> None:
    async with paper_world() as world:
        before = (await world.venue.margin()).wallet
        await world.venue.place(market("in-1", "0.003"))
        world.set_price(BTC, "60123.7")
        await world.venue.place(market("in-2", "0.007"))
        world.exchange.engine.ledger.settle_funding(world.exchange.engine.market(BTC))
        await world.venue.place(market("out", "0.004", Side.SELL))
        world.exchange.engine.ledger.deposit(Decimal("250.5"))
        told = await world.venue.income(0)
        after = (await world.venue.margin()).wallet
    assert sum(income.amount for income in told) == after - before
    kinds = [income.kind for income in told]
    assert kinds.count(IncomeKind.COMMISSION) == 3
    assert {IncomeKind.REALISED, IncomeKind.FUNDING, IncomeKind.TRANSFER} <= set(kinds)
    realised = next(income for income in told if income.kind is IncomeKind.REALISED)
    assert realised.trade_id
    assert realised.symbol == BTC


async def test_a_position_is_told_with_the_mark_and_the_profit_that_the_venue_sees() -> None:
    async with paper_world() as world:
        await world.venue.place(market("in", "0.01"))
        world.set_price(BTC, "61000")
        (held,) = await world.venue.holdings()
        fills = await world.venue.fills(BTC)
    cost = sum(fill.quantity * fill.price for fill in fills)
    assert held.quantity == from_text("0.01")
    assert held.unrealised * WAD == held.quantity * held.mark - cost
