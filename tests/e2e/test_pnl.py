"""Profit and loss on the real contract and exchange: every unit that the equity changed by has its line.

Both hedgers trade at once: the one behind the proxy contract, and the one with a plain key that hedges first.
"""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass
from decimal import Decimal
from functools import partial
from typing import Any, TypeVar

import pytest
from e2e_commands import command
from e2e_trading import until
from eth_abi.abi import encode
from eth_utils.crypto import keccak

from devnet.contract_abi import Abi
from devnet.demo.api import HedgerApi
from devnet.demo.rival import Rival
from devnet.demo.script import BTC, ETH, KEY, PROXY
from devnet.demo.stage import LONG, SHORT, Play, Stage
from devnet.demo.watch import QuoteWatch
from devnet.deployment import Settings
from devnet.world import LocalHedger, World
from hedger.domain.terms import QuoteStatus

QUICK = Settings(upnl_valid_time_s=60)
SYMMIO, TOKEN = Abi.load("symmio"), Abi.load("erc20")
MINT = keccak(text="mint(address,uint256)")[:4]
DEPOSIT = 777_000_001  # of the collateral's six decimals
FLOWS = Decimal(DEPOSIT) / 10**6 + Decimal("1234.5")
PROVE = ("pnl", "--prove", "--json")
PATIENCE_S = 30.0
T = TypeVar("T")


@dataclass
class Trading:
    """The world with both hedgers, each with a trader on each side."""

    world: World
    plays: list[Play]

    @property
    def hedgers(self) -> list[LocalHedger]:
        return list(self.world.hedgers.values())

    async def proofs(self) -> list[dict[str, Any]]:
        """What `hedger pnl --prove` says of each, which fails where something is not explained."""
        return [json.loads(told) for told in await self._of_each(lambda hedger: command(hedger, *PROVE))]

    async def rows(self, by: str) -> list[list[dict[str, Any]]]:
        """The items of `GET /pnl` of each."""
        return await self._of_each(partial(self._rows, by))

    async def flows(self) -> list[Decimal]:
        """What was brought in since the opening state of each, less what was taken out."""
        return [sum((Decimal(row["flow"]) for row in kinds), Decimal()) for kinds in await self.rows("kind")]

    async def all_are(self, check: Callable[[list[dict[str, Any]]], bool]) -> bool:
        """Whether the sums by kind of each are as they must."""
        return all(map(check, await self.rows("kind")))

    async def _rows(self, by: str, hedger: LocalHedger) -> list[dict[str, Any]]:
        async with self.world.session.get(f"{hedger.process.api}/pnl", params={"by": by}) as answer:
            items: list[dict[str, Any]] = (await answer.json())["items"]
            return items

    async def _of_each(self, ask: Callable[[LocalHedger], Awaitable[T]]) -> list[T]:
        return list(await asyncio.gather(*map(ask, self.hedgers)))


@pytest.fixture(scope="module")
async def trading(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Trading]:
    folder = tmp_path_factory.mktemp("pnl")
    async with AsyncExitStack() as stack:
        world = await stack.enter_async_context(World(folder, hedgers=(PROXY, KEY), settings=QUICK))
        for hedger in world.hedgers.values():
            hedger.process.environment["HEDGER_VENUE__INCOME_POLL_S"] = "0.5"
        await world.start_hedgers()
        apis = {name: HedgerApi(world.session, hedger.process.api) for name, hedger in world.hedgers.items()}
        watch = QuoteWatch(world.rpc, world.deployment.diamond)
        await stack.enter_async_context(watch.running())
        stage = Stage(world, watch, Rival(world), apis)
        traders = iter(await world.traders(4))
        plays = [
            Play(stage, next(traders), hedger, symbol, side)
            for hedger, long, short in zip(world.hedgers.values(), (BTC, ETH), (ETH, BTC), strict=True)
            for symbol, side in ((long, LONG), (short, SHORT))
        ]
        yield Trading(world, plays)


async def test_open_positions_are_explained_to_the_last_unit(trading: Trading) -> None:
    await asyncio.gather(*(play.opened() for play in trading.plays))
    for told in await trading.proofs():
        assert told["pnl_unexplained"] == "0"
        assert Decimal(told["lines"]["spread"]) > 0 > Decimal(told["lines"]["fee"])


async def test_deposits_are_no_profit_and_funding_is_shared_out_to_who_held(trading: Trading) -> None:
    before = await trading.flows()
    for hedger in trading.hedgers:
        await _deposit_on_chain(trading.world, hedger)
        engine = hedger.exchange.engine
        engine.ledger.deposit(Decimal("1234.5"))
        engine.ledger.settle_funding(engine.market(BTC))
    brought_in = [flow + FLOWS for flow in before]

    async def are_told() -> bool:
        return await trading.flows() == brought_in and await trading.all_are(_are_told)

    assert await until(are_told, within_s=PATIENCE_S)
    for told, flow in zip(await trading.proofs(), brought_in, strict=True):
        assert told["pnl_unexplained"] == "0"
        assert Decimal(told["flows"]) == flow
    for rows in await trading.rows("quote"):
        assert sum(Decimal(row["funding_venue"]) != 0 for row in rows if row["key"]) == 1


async def test_closes_in_parts_and_moves_of_the_market_are_explained(trading: Trading) -> None:
    await asyncio.gather(*map(_close_half, trading.plays))
    await asyncio.gather(*map(_close, trading.plays[::2]))
    for told in await trading.proofs():
        assert told["pnl_unexplained"] == "0"


async def test_sums_agree_by_whatever_they_are_made(trading: Trading) -> None:
    of_each = {by: await trading.rows(by) for by in ("kind", "quote", "account", "symbol", "day")}
    for place, kinds in enumerate(of_each["kind"]):
        total = sum(Decimal(row["realised"]) for row in kinds)
        assert all(sum(Decimal(row["realised"]) for row in sheets[place]) == total for sheets in of_each.values())
        assert all(int(row["gas_wei"]) for row in of_each["quote"][place] if row["key"])


async def test_a_rebuilt_read_model_proves_the_same(trading: Trading) -> None:
    hedger = trading.hedgers[0]
    before = json.loads(await command(hedger, *PROVE))
    await command(hedger, "projections", "rebuild", "pnl")
    after = json.loads(await command(hedger, *PROVE))
    assert {name: after[name] for name in ("lines", "flows")} == {name: before[name] for name in ("lines", "flows")}


async def _close_half(play: Play) -> None:
    [quote] = await play.trader.live_quotes()
    play.hedger.exchange.set_price(play.symbol, shift=play.broker.mid(play.symbol) * Decimal("0.0123"))
    await play.trader.request_close(quote.quote_id, play.market_close(quote.quantity // 2))
    await play.watch.until(quote.quote_id, lambda seen: seen.open_amount < quote.quantity, "half of it closed")


async def _close(play: Play) -> None:
    [quote] = await play.trader.live_quotes()
    await play.trader.request_close(quote.quote_id, play.market_close(quote.open_amount))
    await play.watch.until_status(quote.quote_id, QuoteStatus.CLOSED)


async def _deposit_on_chain(world: World, hedger: LocalHedger) -> None:
    admin, diamond = world.chain.accounts[0].address, world.deployment.diamond
    for to, calldata in (
        (world.deployment.collateral, MINT + encode(["address", "uint256"], [admin, DEPOSIT])),
        (world.deployment.collateral, TOKEN["approve"].calldata(diamond, DEPOSIT)),
        (diamond, SYMMIO["depositFor"].calldata(hedger.party_b, DEPOSIT)),
    ):
        transaction = {"from": admin, "to": to, "data": "0x" + calldata.hex()}
        sent = await world.chain.request("eth_sendTransaction", transaction)
        assert (await world.rpc.wait_receipt(str(sent)))["status"] == "0x1"


def _are_told(kinds: list[dict[str, Any]]) -> bool:
    """Funding of the venue has its line."""
    return any(Decimal(row["funding_venue"]) for row in kinds)
