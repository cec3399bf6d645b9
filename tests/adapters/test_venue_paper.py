"""The ccxt venue keeps the contract of the port, on the paper exchange."""

from collections.abc import AsyncIterator
from decimal import Decimal

import pytest
from conftest_venue import BTC, PaperWorld, limit, market, paper_world, tiny
from venue_contract import VenueContract

from hedger.adapters.venue.port import Accepted, OrderReport
from hedger.domain.money import from_text
from hedger.domain.terms import Side


@pytest.fixture
async def world() -> AsyncIterator[PaperWorld]:
    async with paper_world() as made:
        yield made


async def test_tiny_prices_and_huge_sizes_arrive_to_the_last_digit() -> None:
    async with paper_world(listed=[tiny()], symbols=("1000TINYUSDT",)) as world:
        order = limit("tiny", "1234567891", "0.0000121", symbol="1000TINYUSDT")
        assert isinstance(await world.venue.place(order), Accepted)
        (taken,) = world.exchange.engine.orders
        found = await world.venue.find("1000TINYUSDT", "tiny")
        rules = await world.venue.rules()
    assert (taken.quantity, taken.price) == (Decimal(1234567891), Decimal("0.0000121"))
    assert isinstance(found, OrderReport)
    assert found.quantity == order.quantity
    assert rules["1000TINYUSDT"].tick == from_text("0.0000001")


async def test_a_reducing_order_tells_the_quantity_the_exchange_cut_it_to() -> None:
    async with paper_world() as world:
        await world.venue.place(market("in", "0.01"))
        await world.venue.place(market("out", "0.05", Side.SELL, reduce_only=True))
        found = await world.venue.find(BTC, "out")
    assert isinstance(found, OrderReport)
    assert found.quantity == found.executed_quantity == from_text("0.01")


class TestCcxtVenue(VenueContract):
    """Every test of the contract."""
