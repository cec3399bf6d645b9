"""Allocations against the real contracts: raised before a liquidator could act, given back, lent, settled."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass
from decimal import Decimal

import pytest
from e2e_commands import asked
from e2e_log import LogReader, log_of
from e2e_oracles import SYMMIO
from e2e_trading import until

from devnet.actors import Liquidator
from devnet.demo.api import HedgerApi
from devnet.demo.rival import Rival
from devnet.demo.script import BTC, ETH, SOL
from devnet.demo.stage import LONG, SHORT, Play, Stage
from devnet.demo.watch import QuoteWatch
from devnet.traders import Trader
from devnet.world import HedgerSetup, LocalHedger, World
from hedger.domain.funds import FundsTransferProposed
from hedger.domain.money import WAD, mul
from hedger.domain.policies.policy import BalancePolicy
from hedger.domain.terms import CallKind, PositionType, QuoteStatus
from hedger.domain.transactions import TransactionRequested

BOUNDS = BalancePolicy()
VAULT = 500
# Money of a pair without positions stays for some seconds, so that another can need it meanwhile.
QUICK = {
    "HEDGER_BALANCE__LOWER_AFTER_S": "5",
    "HEDGER_BALANCE__DEALLOCATE_INTERVAL_S": "0",
    "HEDGER_BALANCE__RESERVE_VAULT": str(VAULT),
    "HEDGER_BALANCE__FREE_LOW": "3_000_000",
    "HEDGER_BALANCE__FREE_TARGET": "3_500_000",
    "HEDGER_TIMING__TEND_S": "1",
    "HEDGER_TIMING__WATCH_S": "0.2",
}
PATIENCE_S = 30.0
STEP = Decimal("1.015")  # smaller than the lower bound of health: each step leaves time for the next look
STEPS = 6


@dataclass
class Keeping:
    """A running hedger with its log, and a liquidator that looks for its chance."""

    world: World
    stage: Stage
    hedger: LocalHedger
    log: LogReader
    liquidator: Liquidator

    def play(self, trader: Trader, symbol: str, side: PositionType = LONG) -> Play:
        return Play(self.stage, trader, self.hedger, symbol, side)

    async def allocated(self, trader: Trader) -> int:
        return (await self.balances(trader))[0]

    async def balances(self, trader: Trader) -> tuple[int, int]:
        """What is allocated towards a trader, and what of it its positions keep locked (cva and lf)."""
        view = SYMMIO["balanceInfoOfPartyB"]
        calldata = view.calldata(self.hedger.party_b, trader.party_a)
        allocated, cva, lf, *_ = view.decode(await self.world.rpc.eth_call(self.world.deployment.diamond, calldata))
        return int(allocated), int(cva + lf)

    async def asked(self, kind: CallKind, trader: Trader) -> list[TransactionRequested]:
        """What the account with a trader asked for."""
        party_a = trader.party_a.lower()
        requests = [each for each in await self.log.of(TransactionRequested) if each.call.kind is kind]
        return [each for each in requests if each.party_a.lower() == party_a]

    def move(self, symbol: str, factor: Decimal) -> None:
        """The market jumps and stays there."""
        price = self.hedger.exchange.engine.market(symbol).price
        self.hedger.exchange.set_price(symbol, mid=(price.mid * factor).quantize(price.spec.tick), pin=True)

    def stop(self, symbol: str) -> None:
        self.move(symbol, Decimal(1))


@pytest.fixture(scope="module")
async def keeping(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Keeping]:
    async with AsyncExitStack() as stack:
        setup = HedgerSetup("proxy")
        world = await stack.enter_async_context(World(tmp_path_factory.mktemp("balance"), hedgers=(setup,)))
        hedger = world.hedgers["proxy"]
        hedger.process.environment |= QUICK
        await world.start_hedgers()
        watch = QuoteWatch(world.rpc, world.deployment.diamond)
        await stack.enter_async_context(watch.running())
        log = await stack.enter_async_context(log_of(hedger))
        api = HedgerApi(world.session, hedger.process.api)
        yield Keeping(world, Stage(world, watch, Rival(world), {"proxy": api}), hedger, log, await world.liquidator())


async def test_the_vault_is_filled_and_a_transfer_is_proposed_once(keeping: Keeping) -> None:
    view = SYMMIO["balanceOfReserveVault"]

    async def is_filled() -> bool:
        calldata = view.calldata(keeping.hedger.party_b)
        return bool(
            view.decode(await keeping.world.rpc.eth_call(keeping.world.deployment.diamond, calldata))[0] == VAULT * WAD
        )

    assert await until(is_filled, within_s=PATIENCE_S)
    [proposed] = await keeping.log.of(FundsTransferProposed)
    assert (proposed.destination.value, proposed.reasons[0].split(",")[1]) == ("chain", " below 3000000")


async def test_no_step_of_the_price_lets_a_liquidator_act_and_afterwards_the_money_comes_back(keeping: Keeping) -> None:
    [trader] = await keeping.world.traders(1)
    keeping.stop(BTC)
    play = keeping.play(trader, BTC)
    position = await play.opened()
    before = await keeping.allocated(trader)
    for _ in range(STEPS):
        keeping.move(BTC, STEP)
        assert not await keeping.liquidator.is_party_b_liquidatable(keeping.hedger.party_b, trader.party_a)

        async def is_well() -> bool:
            allocated, locked = await keeping.balances(trader)
            loss = mul(position.quantity, play.price - position.opened_price)
            return allocated - locked - loss >= mul(mul(position.quantity, play.price), BOUNDS.health_low)

        assert await until(is_well, within_s=PATIENCE_S, every_s=0.05), keeping.hedger.process.log_end()
    assert await keeping.allocated(trader) > before
    assert await keeping.asked(CallKind.ALLOCATE, trader)
    assert await keeping.liquidator.liquidate_party_b(keeping.hedger.party_b, trader.party_a) == []

    await trader.request_close(position.quote_id, play.market_close(position.quantity))
    await play.watch.until_status(position.quote_id, QuoteStatus.CLOSED)

    async def is_back() -> bool:
        return await keeping.allocated(trader) == 0

    assert await until(is_back, within_s=PATIENCE_S)
    assert len(await keeping.asked(CallKind.DEALLOCATE, trader)) == 1


async def test_what_is_left_of_one_trader_goes_to_another_in_need(keeping: Keeping) -> None:
    leaving, staying = await keeping.world.traders(2)
    keeping.stop(ETH)
    keeping.stop(SOL)
    first, second = keeping.play(leaving, SOL), keeping.play(staying, ETH)
    gone, held = await first.opened(), await second.opened()
    await leaving.request_close(gone.quote_id, first.market_close(gone.quantity))
    await first.watch.until_status(gone.quote_id, QuoteStatus.CLOSED)

    # Just below the bound, and not so far that nobody could wait for the other's transfer.
    allocated, locked = await keeping.balances(staying)
    wanted = 3 * BOUNDS.health_low // 4
    per_unit = (allocated - locked) * WAD // held.quantity + held.opened_price
    keeping.move(ETH, Decimal(per_unit * WAD // (WAD + wanted)) / Decimal(second.price))

    async def is_lent() -> bool:
        return bool(await keeping.asked(CallKind.TRANSFER, leaving)) and await keeping.allocated(staying) > allocated

    assert await until(is_lent, within_s=PATIENCE_S), keeping.hedger.process.log_end()
    assert await keeping.asked(CallKind.ALLOCATE, staying) == []
    await staying.request_close(held.quote_id, second.market_close(held.quantity))
    await second.watch.until_status(held.quote_id, QuoteStatus.CLOSED)


async def test_a_close_that_the_trader_cannot_pay_is_paid_by_its_profit(keeping: Keeping) -> None:
    """A short that wins what a long loses; what the trader has allocated pays neither loss alone."""
    [trader] = await keeping.world.traders(1, funds=160 * WAD)
    loser, winner = keeping.play(trader, SOL), keeping.play(trader, ETH, SHORT)
    won = await winner.send(winner.market(leverage=40))
    short = await winner.watch.until_status(won, QuoteStatus.OPENED)
    lost = await loser.send(loser.market(leverage=40))
    position = await loser.watch.until_status(lost, QuoteStatus.OPENED)
    for _ in range(10):
        keeping.move(ETH, Decimal("0.984"))
        keeping.move(SOL, Decimal("0.985"))
        await asyncio.sleep(0.3)
    loss = mul(position.quantity, position.opened_price - loser.price)
    await trader.request_close(lost, loser.market_close(position.quantity))
    await loser.watch.until_status(lost, QuoteStatus.CLOSED)
    [settled] = await keeping.asked(CallKind.SETTLE, trader)
    told = await asked(keeping.hedger, "audit", "account", trader.party_a)
    assert "Decided: settle: PartyA's profit must pay its loss" in [line["headline"] for line in told["story"]]
    assert 0 < settled.call.amount < loss
    assert (await trader.quote(won)).opened_price < short.opened_price
    await trader.request_close(won, winner.market_close(short.quantity))
    await winner.watch.until_status(won, QuoteStatus.CLOSED)


async def test_in_the_end_chain_exchange_and_log_agree(keeping: Keeping) -> None:
    async def is_idle() -> bool:
        return not await keeping.log.under_way()

    assert await until(is_idle, within_s=PATIENCE_S)
    assert await keeping.log.problems() == []
    verdict = await keeping.hedger.process.validate()
    assert verdict["agrees"], verdict
