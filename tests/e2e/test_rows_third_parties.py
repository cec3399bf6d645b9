"""What others end: after each such event the hedge is taken back, reduce-only, by exactly the quantity that ended.

Every row has a symbol to itself, whose price it may move, and users are long: nothing on the account opposes a sale.
The rows are played side by side; those in which the hedger is away share one absence.
"""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field, replace
from decimal import Decimal

import pytest
from e2e_log import LogReader, log_of
from e2e_oracles import all_quotes, filled_of, held_for, leg_of, orders_of_quotes, unequal
from e2e_trading import until

from devnet.actors import Deed, DeedKind, Pause
from devnet.actors.diamond import Diamond
from devnet.demo.api import HedgerApi
from devnet.demo.rival import Rival
from devnet.demo.script import HEDGERS
from devnet.demo.stage import LONG, Play, Stage
from devnet.demo.symbols import AVAX, BNB, BTC, DOT, ETH, LISTED, LTC, SOL
from devnet.demo.watch import QuoteWatch
from devnet.exchange.orders import Order
from devnet.traders import QuoteOnChain
from devnet.world import QUICK_SETTINGS, TRADER_FUNDS, LocalHedger, World
from hedger.domain.money import WAD
from hedger.domain.terms import QuoteStatus

SETTINGS = replace(
    QUICK_SETTINGS,
    force_cancel_cooldown_s=4,
    force_cancel_close_cooldown_s=4,
    force_close_first_cooldown_s=4,
    force_close_second_cooldown_s=2,
    force_close_min_sig_period_s=1,
)
PATIENCE_S = 40.0
SWEEP_PAUSE_S = 0.5
HALF = Decimal("0.5")
POOR, LESS_POOR = 250 * WAD, 480 * WAD


@dataclass(frozen=True)
class Ended:
    """What must have become of one quote: its status, how much of its hedge was taken back in all, closes included,
    and how much of that was bought again (wads)."""

    quote_id: int
    status: QuoteStatus
    reduced: int
    hedged_again: int = 0
    still_held: int = 0


@dataclass
class Hedged:
    """The world with the hedger behind the proxy contract, its log, and what became of the rows."""

    world: World
    stage: Stage
    log: LogReader
    ended: dict[str, list[Ended] | BaseException] = field(default_factory=dict)
    deeds: list[Deed] = field(default_factory=list)

    @property
    def hedger(self) -> LocalHedger:
        return self.world.hedgers["proxy"]

    async def play(self, symbol: str, funds: int | None = None) -> Play:
        """A trader facing the hedger on a symbol, with as much money as is told."""
        trader = await self.world.trader(TRADER_FUNDS if funds is None else funds)
        return Play(self.stage, trader, self.hedger, symbol, LONG)

    def orders(self, quote_id: int) -> list[Order]:
        return orders_of_quotes(self.hedger).get(quote_id, [])

    async def unsettled(self) -> list[str]:
        """What is under way, and where chain and exchange are not equal."""
        return await self.log.under_way() + unequal(await all_quotes(self.world), self.hedger)

    async def is_settled(self) -> bool:
        return not await self.unsettled()

    async def enforce(self) -> None:
        """Until cancelled: an outsider does whatever may be done."""
        enforcer = await self.stage.third.enforcer()
        while True:
            self.deeds += await enforcer.sweep()
            await asyncio.sleep(SWEEP_PAUSE_S)

    async def done(self, kind: DeedKind, quote_id: int) -> Deed:
        """What the outsider did about a quote, once it did."""

        async def found() -> Deed | None:
            return next((deed for deed in self.deeds if deed.kind is kind and deed.quote_id == quote_id), None)

        deed = await until(found, within_s=PATIENCE_S)
        assert deed is not None, self.stage.watch.describe(quote_id)
        return deed


async def ruin(play: Play, positions: Sequence[QuoteOnChain]) -> None:
    """The price falls to where these positions have lost half a liquidation fee more than the trader has."""
    diamond = Diamond(play.trader.deployment, play.trader.wallet)
    allocated, cva, lf, *_ = await diamond.read("balanceInfoOfPartyA", play.trader.party_a)
    cost = sum(each.opened_price * each.open_amount for each in positions)
    value = cost - (allocated - cva - lf // 2) * WAD
    play.set_price(Decimal(value) / sum(each.open_amount for each in positions) / WAD)


# --- while the hedger is there


async def a_trader_is_liquidated(hedged: Hedged) -> list[Ended]:
    """With a position, a position half closed, and an intent half filled at the exchange."""
    play = await hedged.play(LTC, LESS_POOR)
    whole, closing = await play.opened(), await play.opened()
    await play.trader.request_close(closing.quote_id, play.limit_close(closing.quantity))
    play.broker.trade_against(await play.broker.resting(closing.quote_id, "c"), HALF)
    closing = await play.watch.until(closing.quote_id, lambda quote: quote.closed_amount > 0, "a half closed")
    intent_id = await play.locked(play.limit(quantity=play.quantity // 2))
    order = await play.broker.resting(intent_id)
    play.broker.trade_against(order, HALF)
    order.silent = True  # the price will fall through its limit
    await ruin(play, [whole, closing])
    await (await hedged.stage.third.liquidator()).liquidate_party_a(play.trader.party_a)
    return [
        Ended(whole.quote_id, QuoteStatus.LIQUIDATED, whole.quantity),
        Ended(closing.quote_id, QuoteStatus.LIQUIDATED, closing.quantity),
        Ended(intent_id, QuoteStatus.LIQUIDATED_PENDING, play.quantity // 4),
    ]


async def a_trader_that_was_insolvent_is_liquidated_although_it_has_money_again(hedged: Hedged) -> list[Ended]:
    play = await hedged.play(SOL, POOR)
    position = await play.opened()
    liquidator = await hedged.stage.third.liquidator()
    await ruin(play, [position])
    await play.watch.until_later_than(play.watch.now + 2)
    block = int(await hedged.world.rpc.call("eth_blockNumber"), 16)
    await play.trader.fund(2 * POOR)
    assert not await liquidator.is_party_a_liquidatable(play.trader.party_a)
    await liquidator.begin_deferred(play.trader.party_a, block)
    await liquidator.liquidate_party_a(play.trader.party_a)
    return [Ended(position.quote_id, QuoteStatus.LIQUIDATED, position.quantity)]


async def the_hedger_is_liquidated_towards_one_of_two_traders(hedged: Hedged) -> list[Ended]:
    """Played by itself: nothing can be allocated meanwhile."""
    play, other = await asyncio.gather(hedged.play(BNB), hedged.play(BNB))
    position, kept = await asyncio.gather(play.opened(), other.opened())
    intent_id = await play.locked(play.limit())
    play.broker.trade_against(await play.broker.resting(intent_id), HALF)
    administrator, liquidator = await hedged.stage.third.administrator(), await hedged.stage.third.liquidator()
    pauses = Pause.ACCOUNTING, Pause.PARTY_B_ACTIONS
    await asyncio.gather(*(administrator.pause(each) for each in pauses))
    try:
        play.set_price(play.broker.mid(BNB) * 3)
        await liquidator.liquidate_party_b(play.hedger.party_b, play.trader.party_a)
        play.set_price(Decimal(kept.opened_price) / WAD)
    finally:
        await asyncio.gather(*(administrator.unpause(each) for each in pauses))
    return [
        Ended(position.quote_id, QuoteStatus.LIQUIDATED, position.quantity),
        Ended(intent_id, QuoteStatus.LIQUIDATED_PENDING, play.quantity // 2),
        Ended(kept.quote_id, QuoteStatus.OPENED, 0, still_held=kept.quantity),
    ]


# --- while it is away: each row gets ready, waits, and goes on once the hedger is gone


async def closes_are_forced_in_whole_and_in_part(hedged: Hedged) -> AsyncGenerator[list[Ended], None]:
    plays = await asyncio.gather(hedged.play(AVAX), hedged.play(AVAX))
    whole, half = await asyncio.gather(*(play.opened() for play in plays))
    yield []
    closes = (whole, whole.quantity), (half, half.quantity // 2)
    for play, (position, quantity) in zip(plays, closes, strict=True):
        await play.trader.request_close(position.quote_id, play.limit_close(quantity))
    plays[0].set_price(plays[0].broker.mid(AVAX) * Decimal("1.05"))
    deeds = [await hedged.done(DeedKind.FORCE_CLOSE, position.quote_id) for position, _ in closes]
    assert not any(deed.liquidated_party_b for deed in deeds)
    left = half.quantity - half.quantity // 2
    yield [
        Ended(whole.quote_id, QuoteStatus.CLOSED, whole.quantity),
        Ended(half.quote_id, QuoteStatus.OPENED, half.quantity // 2, still_held=left),
    ]


async def a_forced_close_cannot_be_paid(hedged: Hedged) -> AsyncGenerator[list[Ended], None]:
    """The hedger is liquidated instead, for the whole position, of which half was to be closed."""
    play = await hedged.play(DOT)
    position = await play.opened()
    yield []
    await play.trader.request_close(position.quote_id, play.limit_close(position.quantity // 2))
    play.set_price(play.broker.mid(DOT) * 4)
    assert (await hedged.done(DeedKind.FORCE_CLOSE, position.quote_id)).liquidated_party_b
    await (await hedged.stage.third.liquidator()).liquidate_party_b(play.hedger.party_b, play.trader.party_a)
    yield [Ended(position.quote_id, QuoteStatus.LIQUIDATED, position.quantity)]


async def a_cancel_is_forced_of_an_intent_half_filled(hedged: Hedged) -> AsyncGenerator[list[Ended], None]:
    play = await hedged.play(BTC)
    quote_id = await play.locked(play.limit())
    order = await play.broker.resting(quote_id)
    yield []
    play.broker.trade_against(order, HALF)
    await play.trader.cancel(quote_id)
    await hedged.done(DeedKind.FORCE_CANCEL, quote_id)
    yield [Ended(quote_id, QuoteStatus.CANCELED, play.quantity // 2)]


async def an_intent_half_filled_expires(hedged: Hedged) -> AsyncGenerator[list[Ended], None]:
    play = await hedged.play(ETH)
    quote_id = await play.locked(play.limit(deadline_s=40))
    order = await play.broker.resting(quote_id)
    yield []
    play.broker.trade_against(order, HALF)
    await hedged.done(DeedKind.EXPIRE, quote_id)
    yield [Ended(quote_id, QuoteStatus.EXPIRED, play.quantity // 2)]


async def the_cancel_of_a_close_half_filled_is_forced(hedged: Hedged) -> AsyncGenerator[list[Ended], None]:
    """The position stays whole, so the half is bought again."""
    play = await hedged.play(BTC)
    position = await play.opened()
    await play.trader.request_close(position.quote_id, play.limit_close(position.quantity))
    order = await play.broker.resting(position.quote_id, "c")
    yield []
    play.broker.trade_against(order, HALF)
    await play.trader.cancel_close(position.quote_id)
    await hedged.done(DeedKind.FORCE_CANCEL_CLOSE, position.quote_id)
    half = position.quantity // 2
    yield [Ended(position.quote_id, QuoteStatus.OPENED, half, half, still_held=position.quantity)]


TOGETHER = (a_trader_is_liquidated, a_trader_that_was_insolvent_is_liquidated_although_it_has_money_again)
ALONE = (the_hedger_is_liquidated_towards_one_of_two_traders,)
AWAY = (
    closes_are_forced_in_whole_and_in_part,
    a_forced_close_cannot_be_paid,
    a_cancel_is_forced_of_an_intent_half_filled,
    an_intent_half_filled_expires,
    the_cancel_of_a_close_half_filled_is_forced,
)
Row = Callable[[Hedged], Awaitable[list[Ended]] | AsyncGenerator[list[Ended], None]]
ROWS: Sequence[Row] = (*TOGETHER, *ALONE, *AWAY)


@pytest.fixture(scope="module")
async def hedged(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Hedged]:
    async with AsyncExitStack() as stack:
        folder = tmp_path_factory.mktemp("third_parties")
        world = World(folder, hedgers=HEDGERS[:1], settings=SETTINGS, listed=LISTED)
        await stack.enter_async_context(world)
        await world.start_hedgers()
        watch = QuoteWatch(world.rpc, world.deployment.diamond)
        await stack.enter_async_context(watch.running())
        log = await stack.enter_async_context(log_of(world.hedgers["proxy"]))
        apis = {"proxy": HedgerApi(world.session, world.hedgers["proxy"].process.api)}
        hedged = Hedged(world, Stage(world, watch, Rival(world), apis), log)
        await _play_all(hedged)
        await until(hedged.is_settled, within_s=PATIENCE_S)
        yield hedged


async def _play_all(hedged: Hedged) -> None:
    """One row by itself, then those with the hedger there, while those without it get ready."""
    for alone in ALONE:
        hedged.ended |= _by_name([alone], await asyncio.gather(alone(hedged), return_exceptions=True))
    away = [row(hedged) for row in AWAY]
    there = [row(hedged) for row in TOGETHER]
    results = await asyncio.gather(*there, *(anext(row) for row in away), return_exceptions=True)
    hedged.ended |= _by_name(TOGETHER, results)
    await hedged.world.kill_hedger()
    outsider = asyncio.create_task(hedged.enforce())
    hedged.ended |= _by_name(AWAY, await asyncio.gather(*(anext(row) for row in away), return_exceptions=True))
    outsider.cancel()
    hedged.stage.apis["proxy"].url = await hedged.world.start_hedger()


def _by_name(
    rows: Sequence[Row], results: Sequence[list[Ended] | BaseException]
) -> dict[str, list[Ended] | BaseException]:
    return {row.__name__: result for row, result in zip(rows, results, strict=False)}


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.__name__)
async def test_what_others_end_is_taken_back_exactly(hedged: Hedged, row: Row) -> None:
    told = hedged.ended[row.__name__]
    if isinstance(told, BaseException):
        raise told
    for each in told:
        await hedged.stage.watch.until_status(each.quote_id, each.status)
        orders = hedged.orders(each.quote_id)
        assert (filled_of(orders, "u", "c"), filled_of(orders, "r")) == (each.reduced, each.hedged_again), each
        assert held_for(orders) == each.still_held
        assert all(order.request.reduce_only for order in orders if leg_of(order) in ("u", "c"))
        assert not any(order.is_open for order in orders)


async def test_in_the_end_chain_exchange_and_log_agree(hedged: Hedged) -> None:
    assert await hedged.unsettled() == []
    assert await hedged.log.problems() == []
    verdict = await hedged.hedger.process.validate()
    assert verdict["agrees"], verdict
