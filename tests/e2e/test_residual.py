"""Symbols that are not hedged quote by quote, on the real contracts: users net inside, the book hedges what is left."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path

import pytest
from e2e_trading import close_at_market, until

from devnet.demo.api import HedgerApi
from devnet.demo.rival import Rival
from devnet.demo.script import BTC, ETH, SOL
from devnet.demo.stage import LONG, SHORT, Play, Stage
from devnet.demo.watch import QuoteWatch
from devnet.traders import QuoteOnChain
from devnet.world import HedgerSetup, LocalHedger, World
from hedger.domain.money import from_text, to_text
from hedger.domain.terms import PositionType, QuoteStatus

# A band of 1,000: the demo's quotes, worth about 1,200 each, pass it one by one.
NETTED = {"symbols": {BTC: {"hedging": "netted", "net_band": 1000}, ETH: {"hedging": "none"}, SOL: {}}}
SETTLED_S = 30.0


@dataclass
class Desk:
    """A world with one hedger that nets bitcoin and does not hedge ether."""

    world: World
    stage: Stage
    hedger: LocalHedger

    async def opened(self, symbol: str, side: PositionType) -> tuple[Play, QuoteOnChain]:
        [trader] = await self.world.traders(1)
        play = Play(self.stage, trader, self.hedger, symbol, side)
        return play, await play.opened()

    def at_venue(self, symbol: str) -> int:
        return from_text(self.hedger.exchange.engine.account.positions[symbol].quantity)

    async def exposure(self, symbol: str) -> dict[str, str]:
        _, rows = await self.stage.apis[self.hedger.setup.name].all_of("exposure")
        return next((row for row in rows if row["symbol"] == symbol), {})

    async def agrees(self) -> bool:
        return bool((await self.hedger.process.validate())["agrees"])


@pytest.fixture(scope="module")
async def desk(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Desk]:
    async with AsyncExitStack() as stack:
        folder: Path = tmp_path_factory.mktemp("netted")
        world = await stack.enter_async_context(World(folder, hedgers=[HedgerSetup("proxy", policy=NETTED)]))
        url = await world.start_hedger("proxy")
        watch = QuoteWatch(world.rpc, world.deployment.diamond)
        await stack.enter_async_context(watch.running())
        stage = Stage(world, watch, Rival(world), {"proxy": HedgerApi(world.session, url)})
        yield Desk(world, stage, world.hedgers["proxy"])


async def test_opposite_quotes_of_a_netted_symbol_leave_nothing_at_the_venue(desk: Desk) -> None:
    _, long = await desk.opened(BTC, LONG)
    short_play, short = await desk.opened(BTC, SHORT)
    assert await until(lambda: _is(desk, BTC, 0), within_s=SETTLED_S)
    assert (long.quantity, short.quantity) == (short_play.quantity, short_play.quantity)
    assert await until(lambda: _is_exposed(desk, BTC, "0"), within_s=SETTLED_S)


async def test_what_users_leave_open_is_hedged_by_the_book_and_taken_back_when_they_close(desk: Desk) -> None:
    play, quote = await desk.opened(BTC, LONG)
    assert await until(lambda: _is(desk, BTC, quote.quantity), within_s=SETTLED_S)
    assert await until(lambda: _is_held_by_book(desk, BTC, quote.quantity), within_s=SETTLED_S)
    await close_at_market(play.trader, quote)
    await play.watch.until_status(quote.quote_id, QuoteStatus.CLOSED)
    assert await until(lambda: _is(desk, BTC, 0), within_s=SETTLED_S)


async def test_an_unhedged_symbol_opens_without_the_venue(desk: Desk) -> None:
    _, quote = await desk.opened(ETH, LONG)
    assert desk.at_venue(ETH) == 0
    exposed = await until(lambda: desk.exposure(ETH), within_s=SETTLED_S)
    assert (exposed["required"], exposed["hedged"]) == (to_text(quote.quantity), "0")


async def test_a_symbol_hedged_quote_by_quote_is_held_at_the_venue_beside_them(desk: Desk) -> None:
    _, quote = await desk.opened(SOL, SHORT)
    assert desk.at_venue(SOL) == -quote.quantity


async def test_the_validator_agrees_with_every_mode(desk: Desk) -> None:
    assert await until(desk.agrees, within_s=SETTLED_S, every_s=1.0)


async def _is(desk: Desk, symbol: str, quantity: int) -> bool:
    return desk.at_venue(symbol) == quantity


async def _is_exposed(desk: Desk, symbol: str, required: str) -> bool:
    """True once the read model has both sides of it, and nothing is left open."""
    exposed = await desk.exposure(symbol)
    return (exposed.get("required"), exposed.get("residual")) == (required, "0")


async def _is_held_by_book(desk: Desk, symbol: str, quantity: int) -> bool:
    return (await desk.exposure(symbol)).get("by_book") == to_text(quantity)
