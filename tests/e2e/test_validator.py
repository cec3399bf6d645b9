"""Differences on purpose, on the real contracts: each is found, named with its cause, and mended by the command."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import pytest
from e2e_commands import asked
from e2e_log import LogReader, log_of
from e2e_lossy_rpc import LossyRpc
from e2e_trading import until

from devnet.contract_abi import Abi
from devnet.demo.api import HedgerApi
from devnet.demo.rival import Rival
from devnet.demo.script import BTC, ETH, PROXY, SOL
from devnet.demo.stage import LONG, Play, Stage
from devnet.demo.watch import QuoteWatch
from devnet.exchange.orders import Order, Status
from devnet.world import LocalHedger, World
from hedger.domain.foreign import ForeignTradeFound
from hedger.domain.money import from_text
from hedger.domain.terms import QuoteStatus
from hedger.domain.trading import TradingStateChanged

CLOSE_REQUEST = "RequestToClosePosition"
BY_HAND = Decimal("0.02")
LOOK_S = 1.5
FOUND_S = 15.0
REDUCED_AND_FREE = [("reducing", "validator"), ("active", "validator")]
SETTLED_S = 30.0


@dataclass
class Scene:
    """One hedger behind a node that can lose logs, its log, and what it tells of differences."""

    world: World
    stage: Stage
    rpc: LossyRpc
    log: LogReader

    @property
    def hedger(self) -> LocalHedger:
        return self.world.hedgers["proxy"]

    async def play(self, symbol: str) -> Play:
        [trader] = await self.world.traders(1)
        return Play(self.stage, trader, self.hedger, symbol, LONG)

    async def rows(self, listing: str, **filters: str) -> list[dict[str, Any]]:
        return (await self.stage.apis["proxy"].all_of(listing, **filters))[1]

    async def difference(self, kind: str, subject: str, *, cause: str) -> dict[str, Any]:
        """The open difference of a subject, once it is found with this cause."""

        async def found() -> dict[str, Any]:
            rows = await self.rows("mismatches", open="true")
            return next(
                (row for row in rows if (row["kind"], row["subject"], row["cause"]) == (kind, subject, cause)), {}
            )

        row = await until(found, within_s=FOUND_S)
        assert row, await self.rows("mismatches")
        return row

    async def agrees(self) -> None:
        """Returns once no difference is open any more."""

        async def is_quiet() -> bool:
            return not await self.rows("mismatches", open="true")

        assert await until(is_quiet, within_s=SETTLED_S), await self.rows("mismatches", open="true")

    async def states(self, symbol: str) -> list[tuple[str, str]]:
        """Every change of a symbol's trading state, and whose word it was."""
        changes = await self.log.of(TradingStateChanged)
        return [(change.state.value, change.by) for change in changes if change.scope == symbol]

    def at_venue(self, symbol: str) -> int:
        return from_text(self.hedger.exchange.engine.account.positions[symbol].quantity)

    async def holds(self, symbol: str, quantity: int) -> bool:
        return self.at_venue(symbol) == quantity

    async def has_lost_a_log(self) -> bool:
        return self.rpc.withheld > 0

    async def head(self) -> int:
        return int(await self.world.rpc.call("eth_blockNumber"), 16)

    async def tells_a_close_request(self, block: int) -> bool:
        """Whether the chain's own logs of a block tell one."""
        forms = [topic for event, topic in Abi.load("symmio").topics.items() if event.startswith(f"{CLOSE_REQUEST}(")]
        span = {"fromBlock": hex(block), "toBlock": hex(block), "topics": [forms]}
        return bool(await self.world.rpc.call("eth_getLogs", span))

    async def trade_by_hand(self, symbol: str, side: str, quantity: Decimal) -> None:
        order = {"symbol": symbol, "side": side, "type": "MARKET", "quantity": str(quantity)}
        url = f"{self.hedger.exchange.url}/control/orders"
        async with self.world.session.post(url, json=order) as response:
            assert response.status == 200, await response.text()


@pytest.fixture(scope="module")
async def scene(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Scene]:
    async with AsyncExitStack() as stack:
        world = World(tmp_path_factory.mktemp("validator"), hedgers=[PROXY])
        await stack.enter_async_context(world)
        rpc = await stack.enter_async_context(LossyRpc(world.chain.rpc_url))
        world.hedgers["proxy"].process.environment |= {
            "HEDGER_CHAIN__RPC_URLS": json.dumps([rpc.url]),
            "HEDGER_CHAIN__WS_URL": "",
            "HEDGER_CHAIN__POLL_S": "0.2",
            "HEDGER_TIMING__VALIDATE_S": str(LOOK_S),
            "HEDGER_VALIDATOR__MAX_REPAIR_NOTIONAL": "10000",
        }
        url = await world.start_hedger("proxy")
        watch = QuoteWatch(world.rpc, world.deployment.diamond)
        await stack.enter_async_context(watch.running())
        stage = Stage(world, watch, Rival(world), {"proxy": HedgerApi(world.session, url)})
        log = await stack.enter_async_context(log_of(world.hedgers["proxy"]))
        yield Scene(world, stage, rpc, log)


async def test_a_trade_by_hand_is_found_named_and_kept_apart_and_later_quotes_trade_right(scene: Scene) -> None:
    await scene.trade_by_hand(BTC, "BUY", BY_HAND)
    await scene.difference("position", BTC, cause="foreign_trade")
    [found] = await scene.log.of(ForeignTradeFound)
    [trade] = scene.hedger.exchange.engine.ledger.trades[BTC]
    assert (found.trade_id, found.quantity) == (f"{BTC}:{trade.trade_id}", from_text(BY_HAND))
    assert (found.price, found.fee) == (from_text(trade.price), from_text(trade.commission))
    await scene.agrees()
    assert await scene.states(BTC) == REDUCED_AND_FREE
    play = await scene.play(BTC)
    position = await play.opened()
    assert scene.at_venue(BTC) == position.quantity + from_text(BY_HAND)
    await play.trader.request_close(position.quote_id, play.market_close(position.quantity))
    await play.watch.until_status(position.quote_id, QuoteStatus.CLOSED)
    assert await until(lambda: scene.holds(BTC, from_text(BY_HAND)), within_s=SETTLED_S)
    await scene.agrees()
    verdict = await scene.hedger.process.validate()
    assert verdict["agrees"], verdict
    [row] = verdict["symbols"]
    assert (row["symbol"], row["foreign"], row["log"], row["residual"]) == (BTC, str(BY_HAND), "0", "0")


async def test_what_is_foreign_is_closed_by_the_command(scene: Scene) -> None:
    told = await asked(scene.hedger, "repair", BTC, "close")
    assert (told["state"], told["detail"]) == ("run", f"{BY_HAND} closed at the market")
    assert scene.at_venue(BTC) == 0
    assert [row["side"] for row in await scene.rows("foreign_trades")] == ["sell", "buy"]
    await scene.agrees()


async def test_a_log_that_no_collector_told_is_named_with_its_block_and_told_again_by_the_command(scene: Scene) -> None:
    play = await scene.play(SOL)
    position = await play.opened()
    async with scene.rpc.hiding(CLOSE_REQUEST):
        await play.trader.request_close(position.quote_id, play.market_close(position.quantity))
        assert await until(scene.has_lost_a_log, within_s=5.0, every_s=0.05)
        await asyncio.sleep(0.3)  # more than one part may read the block
    row = await scene.difference("quote", str(position.quote_id), cause="missed_log")
    block = row["since_block"]
    assert row["since"] == f"missing CloseRequested.1 in block {block}, log {row['since_log_index']}"
    assert await scene.tells_a_close_request(block)
    assert row["repair"] == f"hedger repair {position.quote_id} logs --blocks {block}-{block}"
    assert await scene.states(SOL) == REDUCED_AND_FREE[:1]
    assert (await asked(scene.hedger, *row["repair"].split()[1:]))["state"] == "run"
    await play.watch.until_status(position.quote_id, QuoteStatus.CLOSED)
    await scene.agrees()
    assert await scene.states(SOL) == REDUCED_AND_FREE


async def test_an_order_that_executed_more_than_was_asked_is_named_and_its_fill_told_again(scene: Scene) -> None:
    play = await scene.play(ETH)
    position = await play.opened()
    engine = scene.hedger.exchange.engine
    order = engine.find(ETH, None, play.broker.order_id(position.quote_id))
    async with play.broker.silent_stream():
        engine.ledger.fill(engine.market(ETH), order, order.quantity / 2, order.average_price, maker=True)
        order.status = Status.FILLED
    row = await scene.difference("position", ETH, cause="over_fill")
    assert row["since_trade"] == f"{ETH}:{engine.ledger.trades[ETH][-1].trade_id}"
    assert row["repair"] == f"hedger repair {ETH} fills"
    told = await asked(scene.hedger, "repair", ETH)
    assert (told["state"], told["detail"]) == ("run", "1 fills told again")
    assert await until(lambda: scene.holds(ETH, position.quantity), within_s=SETTLED_S)
    await scene.agrees()
    assert await scene.states(ETH) == REDUCED_AND_FREE


async def test_a_reorganisation_while_the_hedger_is_down_is_named_and_healed_by_its_start(scene: Scene) -> None:
    play = await scene.play(SOL)
    position = await play.opened()
    await scene.agrees()
    kept = await scene.head()
    await play.trader.request_close(position.quote_id, play.limit_close(position.quantity))
    order = await play.broker.resting(position.quote_id, "c")
    await scene.world.kill_hedger()
    await scene.world.chain.reorg(await scene.head() - kept)
    await play.watch.read_all()
    [mismatch] = (await scene.hedger.process.validate())["mismatches"]
    assert (mismatch["kind"], mismatch["subject"]) == ("quote", str(position.quote_id))
    assert (mismatch["cause"], mismatch["since"]["finding"]) == ("reorganisation", "orphaned")
    assert mismatch["since"]["event"] == "CloseRequested.1"
    assert kept < mismatch["since"]["block_number"]
    scene.stage.apis["proxy"].url = await scene.world.start_hedger()
    assert await until(lambda: _has_ended(order), within_s=SETTLED_S)
    await scene.agrees()


async def _has_ended(order: Order) -> bool:
    return not order.is_open
