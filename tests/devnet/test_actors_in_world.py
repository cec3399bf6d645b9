"""Third parties in the whole local world: its clock, its exchange's candles by the second, its oracle."""

import asyncio
from collections.abc import AsyncIterator
from decimal import Decimal

import pytest

from devnet.actors import Deed, DeedKind, Enforcer
from devnet.demo.rival import Rival
from devnet.deployment import Settings
from devnet.traders import CloseTerms, QuoteTerms, Trader
from devnet.world import World
from hedger.domain.money import WAD
from hedger.domain.terms import OrderType, PositionType, QuoteStatus

BTC, NAME = 1, "BTCUSDT"
HASTY = Settings(
    force_close_first_cooldown_s=2,
    force_close_second_cooldown_s=1,
    force_close_min_sig_period_s=1,
    upnl_valid_time_s=60,
)


@pytest.fixture(scope="module")
async def world(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[World]:
    async with World(tmp_path_factory.mktemp("world"), settings=HASTY) as world:
        yield world


async def opened(world: World, trader: Trader) -> int:
    price = await trader.market_price(BTC)
    quote_id = await trader.send_quote(QuoteTerms(BTC, PositionType.LONG, OrderType.LIMIT, price, WAD // 100))
    await Rival(world).take(await trader.quote(quote_id))
    return quote_id


async def swept(enforcer: Enforcer, *, timeout_s: float = 30.0) -> list[Deed]:
    """What the first sweep did that did anything."""
    async with asyncio.timeout(timeout_s):
        while True:
            if deeds := await enforcer.sweep():
                return deeds
            await asyncio.sleep(0.5)


async def test_a_close_left_unanswered_is_forced_within_seconds_and_losers_are_liquidated(world: World) -> None:
    world.exchange.set_price(NAME, mid=Decimal(60_000), pin=True)
    async with world.fast_blocks():
        [winner] = await world.traders(1)
        [loser] = await world.traders(1, funds=100 * WAD)
        forced, lost = await opened(world, winner), await opened(world, loser)
    price = await winner.market_price(BTC)
    terms = CloseTerms(price * 98 // 100, WAD // 100, OrderType.LIMIT)
    await winner.request_close(forced, terms)
    enforcer = await world.enforcer()
    assert [(deed.kind, deed.quote_id) for deed in await swept(enforcer)] == [(DeedKind.FORCE_CLOSE, forced)]
    assert (await winner.quote(forced)).status is QuoteStatus.CLOSED
    world.exchange.set_price(NAME, mid=Decimal(48_000))
    first, second = await world.liquidator(), await world.liquidator(1)
    async with world.fast_blocks():
        await asyncio.gather(first.sweep(), second.sweep())
        await second.sweep()
    assert (await loser.quote(lost)).status is QuoteStatus.LIQUIDATED
    assert await first.sweep() == []


async def test_every_third_party_has_an_account_of_its_own(world: World) -> None:
    parties = await world.liquidator(), await world.liquidator(1), await world.enforcer(), await world.administrator()
    addresses = [party.wallet.address for party in parties]
    hedgers = [hedger.party_b for hedger in world.hedgers.values()]
    assert len({*addresses, *hedgers, world.rival.address}) == len(addresses) + len(hedgers) + 1
    assert addresses[-1] == world.deployment.admin
