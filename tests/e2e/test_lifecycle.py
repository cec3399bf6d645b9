"""Every row of a quote's life against the real contracts: first side by side, then one trouble after the other.

The rows are the demo's scenes; each says what must have become of its quotes. The hedger behind the proxy contract
locks before it hedges, the one with a plain key hedges first and opens parts.
"""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass, replace
from decimal import Decimal

import pytest
from e2e_commands import asked
from e2e_log import LogReader, log_of
from e2e_oracles import (
    SYMMIO,
    all_quotes,
    chain_first,
    doubled_orders,
    doubled_transactions,
    mined_by,
    mispriced,
    signer_of,
    unequal,
)
from e2e_trading import until

from devnet.cable import Cable
from devnet.contract_abi import Abi
from devnet.demo.api import HedgerApi
from devnet.demo.direction import Direction, cast_size
from devnet.demo.rival import Rival
from devnet.demo.scenes import alone
from devnet.demo.script import BTC, ETH, HEDGERS, SOL, Scene, together
from devnet.demo.stage import LONG, SHORT, Play, Stage
from devnet.demo.symbols import LISTED
from devnet.demo.watch import QuoteWatch
from devnet.oracle import Fault, FaultKind
from devnet.world import QUICK_SETTINGS, LocalHedger, World
from hedger.domain.error_codes import ErrorCode
from hedger.domain.quote.quote import Verdict
from hedger.domain.terms import QuoteStatus

QUICK = replace(QUICK_SETTINGS, force_cancel_cooldown_s=5, force_cancel_close_cooldown_s=5)
SPREAD = Decimal("0.0005")  # of opening and of closing, by default
PATIENCE_S = 40.0
OUTAGE_S = 2.0
# Random trading is the crash test's; every other scene that may be played beside others is a row.
ROWS = [scene for scene in together(0) if scene.perform.__name__ != "random_trading"]
ORPHANED = [Scene(alone.reorganisation, BTC, LONG, quotes=3, others=2), Scene(alone.orphaned_intent, ETH, SHORT)]


@dataclass
class Life:
    """The world with both hedgers, their logs, and the outcome of the rows."""

    world: World
    stage: Stage
    direction: Direction
    logs: dict[str, LogReader]
    cable: Cable

    def outcome(self, scene: Scene) -> list[str]:
        return [told for told in self.direction.outcome.differences if told.startswith(f"{scene.name}: ")]

    async def play(self, symbol: str = BTC) -> Play:
        """A new trader facing the hedger behind the proxy."""
        [trader] = await self.world.traders(1)
        return Play(self.stage, trader, self.world.hedgers["proxy"], symbol, LONG)

    async def is_settled(self, hedger: LocalHedger) -> bool:
        """True once nothing is under way, and chain and exchange are equal."""
        busy = await self.logs[hedger.setup.name].under_way()
        return not busy and not unequal(await all_quotes(self.world), hedger)

    async def settles(self, hedger: LocalHedger) -> None:
        settled = await until(lambda: self.is_settled(hedger), within_s=PATIENCE_S)
        assert settled, await self.logs[hedger.setup.name].under_way() + unequal(await all_quotes(self.world), hedger)


@pytest.fixture(scope="module")
async def life(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Life]:
    folder = tmp_path_factory.mktemp("lifecycle")
    async with AsyncExitStack() as stack:
        world = await stack.enter_async_context(World(folder, hedgers=HEDGERS, settings=QUICK, listed=LISTED))
        cable = await stack.enter_async_context(Cable(world.chain.port))
        proxy = world.hedgers["proxy"].process.environment
        proxy["HEDGER_CHAIN__RPC_URLS"] = json.dumps([f"http://127.0.0.1:{cable.port}", world.chain.rpc_url])
        proxy["HEDGER_CHAIN__WS_URL"] = f"ws://127.0.0.1:{cable.port}"
        await world.start_hedgers()
        apis = {name: HedgerApi(world.session, hedger.process.api) for name, hedger in world.hedgers.items()}
        watch = QuoteWatch(world.rpc, world.deployment.diamond)
        await stack.enter_async_context(watch.running())
        logs = {name: await stack.enter_async_context(log_of(hedger)) for name, hedger in world.hedgers.items()}
        stage = Stage(world, watch, Rival(world), apis)
        traders = await world.traders(cast_size([*ROWS, *ORPHANED]), sub_accounts=8)
        direction = Direction(stage, traders, lambda line: None)
        await direction.play_together(ROWS)
        yield Life(world, stage, direction, logs, cable)


@pytest.mark.parametrize("scene", ROWS, ids=lambda scene: scene.name)
async def test_a_row_of_the_quotes_life_ends_as_it_must(life: Life, scene: Scene) -> None:
    assert life.outcome(scene) == []


async def test_users_get_the_exchanges_average_price_with_the_spread(life: Life) -> None:
    quotes = await all_quotes(life.world)
    for hedger in life.world.hedgers.values():
        assert await mispriced(life.world, quotes, hedger, SPREAD) == []


async def test_a_refusal_is_recorded_with_its_code_and_the_rule_that_failed(life: Life) -> None:
    refused = {q.code for q in (await life.logs["proxy"].quotes()).values() if q.verdict is Verdict.REJECTED}
    assert {
        ErrorCode.NOTIONAL_TOO_SMALL,
        ErrorCode.NOTIONAL_TOO_LARGE,
        ErrorCode.LOT_SIZE,
        ErrorCode.LEVERAGE,
        ErrorCode.LOCKED_VALUES,
        ErrorCode.FUNDING_RATE,
        ErrorCode.MARKET_MOVED,
        ErrorCode.DEADLINE,
    } <= refused


async def test_while_reducing_intents_are_refused_and_closes_served(life: Life) -> None:
    play = await life.play()
    position = await play.opened()
    assert (await asked(play.hedger, "state", "reducing"))["*"] == "reducing"
    refused = await play.send(play.market())
    await play.refused(refused, ErrorCode.TRADING_PAUSED)
    await play.trader.request_close(position.quote_id, play.market_close(position.quantity))
    await play.watch.until_status(position.quote_id, QuoteStatus.CLOSED)
    assert (await asked(play.hedger, "state", "active"))["*"] == "active"
    await play.trader.cancel(refused)
    await life.settles(play.hedger)


async def test_while_halted_nothing_is_sent_and_work_goes_on_afterwards(life: Life) -> None:
    play = await life.play()
    position = await play.opened()
    await life.settles(play.hedger)
    await asked(play.hedger, "state", "halted")
    try:
        await asyncio.sleep(OUTAGE_S)  # what was asked for just before may still go out
        orders, sent = len(list(play.hedger.exchange.engine.orders)), await _sent(life, play.hedger)
        await play.trader.request_close(position.quote_id, play.market_close(position.quantity))
        await asyncio.sleep(OUTAGE_S)
        assert len(list(play.hedger.exchange.engine.orders)) == orders
        assert await _sent(life, play.hedger) == sent
    finally:
        await asked(play.hedger, "state", "active")
    await play.watch.until_status(position.quote_id, QuoteStatus.CLOSED)
    await life.settles(play.hedger)


async def test_the_hedge_of_an_emergency_closed_position_is_unwound(life: Life) -> None:
    play = await life.play()
    position = await play.opened()
    admin, deployment = life.world.chain.accounts[0].address, life.world.deployment
    await _as_admin(life, deployment.diamond, SYMMIO["setPartyBEmergencyStatus"].calldata([play.hedger.party_b], True))
    signature = await life.world.muon.upnl_with_price(play.hedger.party_b, play.trader.party_a, position.symbol_id)
    inner = SYMMIO["emergencyClosePosition"].calldata(position.quote_id, signature.as_abi())
    assert admin != signer_of(play.hedger)
    await _as_admin(life, deployment.party_b, Abi.load("party_b")["_call"].calldata([inner]))
    await play.watch.until_status(position.quote_id, QuoteStatus.CLOSED)
    await life.settles(play.hedger)
    await _as_admin(life, deployment.diamond, SYMMIO["setPartyBEmergencyStatus"].calldata([play.hedger.party_b], False))


async def test_an_opening_waits_for_an_oracle_that_is_out(life: Life) -> None:
    play = await life.play()
    _silence_oracle(life)
    try:
        quote_id = await play.send(play.market())
        await asyncio.sleep(OUTAGE_S)
        assert (await play.trader.quote(quote_id)).status is QuoteStatus.PENDING
    finally:
        life.world.oracle.faults.clear()
    await play.watch.until_status(quote_id, QuoteStatus.OPENED)
    await life.settles(play.hedger)


async def test_what_was_reduced_for_a_close_that_then_expired_is_hedged_again(life: Life) -> None:
    play = await life.play(SOL)
    position = await play.opened()
    _silence_oracle(life)
    try:
        terms = play.limit_close(position.quantity, Decimal("-0.5"), deadline_s=6)
        await play.trader.request_close(position.quote_id, terms)
        await play.watch.until_status(position.quote_id, QuoteStatus.CLOSE_PENDING)
        await play.watch.until_status(position.quote_id, QuoteStatus.OPENED)
    finally:
        life.world.oracle.faults.clear()
    await life.settles(play.hedger)
    assert (await play.trader.quote(position.quote_id)).open_amount == position.quantity
    [quote] = [q for q in (await life.logs["proxy"].quotes()).values() if q.quote_id == position.quote_id]
    assert quote.hedge.quantity == position.quantity
    assert [order.leg.value for order in quote.hedge.orders.values() if order.filled] == ["o", "c", "r"]


async def test_a_second_endpoint_serves_while_the_first_is_cut_off(life: Life) -> None:
    play = await life.play()
    await life.cable.cut()
    try:
        position = await play.opened()
        await play.trader.request_close(position.quote_id, play.market_close(position.quantity))
        await play.watch.until_status(position.quote_id, QuoteStatus.CLOSED)
    finally:
        await life.cable.mend()
    await life.settles(play.hedger)


@pytest.mark.parametrize("scene", ORPHANED, ids=lambda scene: scene.name)
async def test_after_a_reorganisation_everything_agrees_again(life: Life, scene: Scene) -> None:
    await life.direction.play_apart([scene])
    assert life.outcome(scene) == []
    for hedger in life.world.hedgers.values():
        await life.settles(hedger)


async def test_in_the_end_all_three_sides_agree_and_nothing_was_doubled(life: Life) -> None:
    await life.direction.look_again()
    assert [told for told in life.direction.outcome.differences if told.endswith("(later)")] == []
    for name, hedger in life.world.hedgers.items():
        log = life.logs[name]
        await life.settles(hedger)
        assert chain_first(await log.events()) == []
        assert doubled_orders(hedger) == []
        wallet = await log.wallet(signer_of(hedger))
        assert doubled_transactions(await mined_by(life.world, signer_of(hedger)), wallet) == []
        assert await log.problems() == []
        verdict = await hedger.process.validate()
        assert verdict["agrees"], verdict


async def _sent(life: Life, hedger: LocalHedger) -> int:
    """How many transactions the hedger's key has sent, mined or not."""
    return int(await life.world.rpc.call("eth_getTransactionCount", signer_of(hedger), "pending"), 16)


def _silence_oracle(life: Life) -> None:
    """It signs for traders, and for no hedger."""
    for method in ("uPnl_B", "uPnlWithSymbolPrice"):
        life.world.oracle.faults.add(Fault(FaultKind.HTTP_500, times=None, method=method))


async def _as_admin(life: Life, to: str, calldata: bytes) -> None:
    transaction = {"from": life.world.chain.accounts[0].address, "to": to, "data": "0x" + calldata.hex()}
    sent = await life.world.chain.request("eth_sendTransaction", transaction)
    assert (await life.world.rpc.wait_receipt(str(sent)))["status"] == "0x1"
