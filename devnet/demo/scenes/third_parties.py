"""What others do to a position or an intent: liquidators, enforcers, administrators, a rival."""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from dataclasses import replace
from decimal import Decimal

from devnet.actors import Enforcer, Pause
from devnet.actors.deeds import SETBACKS
from devnet.actors.diamond import Diamond
from devnet.contract_abi import Abi
from devnet.demo.expected import Expected
from devnet.demo.stage import LONG, Ends, Play
from devnet.demo.watch import SceneFailed
from devnet.traders import QuoteOnChain, TransactionReverted
from hedger.domain.error_codes import ErrorCode
from hedger.domain.money import WAD
from hedger.domain.terms import QuoteStatus

SYMMIO, PARTY_B = Abi.load("symmio"), Abi.load("party_b")
# Little enough that a move of a fifth takes it all: a position locks a tenth of about 1200.
POOR = 250 * WAD
BEYOND = Decimal("1.03")  # of the price asked for: past the gap from which a close can be forced
ENFORCER_PAUSE_S = 1.0
ATTEMPTS = 5
MONEY_STOPS = (Pause.ACCOUNTING, Pause.PARTY_B_ACTIONS)
FUNDING_EPOCH_S, FUNDING_WINDOW_S = 20, 9
FUNDING_RATE = Decimal("0.0003")


async def liquidation_of_the_trader(play: Play) -> Ends:
    """The price takes more than the trader has: its position and its intent end, and both orders are taken back."""
    play = replace(play, trader=await play.stage.world.trader(POOR))
    position = await play.opened()
    intent_id = await play.locked(play.limit(quantity=play.quantity // 2))
    # The fall reaches the intent's order too; filled, it would be opened before the liquidator comes, now and then.
    (await play.broker.resting(intent_id, "o")).silent = True
    play.set_price(await _price_that_ruins(play, position))
    liquidator = await play.stage.third.liquidator()
    await _insist(play, lambda: liquidator.liquidate_party_a(play.trader.party_a), position, QuoteStatus.LIQUIDATED)
    return [
        play.ours(position.quote_id, QuoteStatus.LIQUIDATED),
        play.ends(intent_id, QuoteStatus.LIQUIDATED_PENDING),
    ]


async def _insist(
    play: Play, act: Callable[[], Awaitable[object]], position: QuoteOnChain, status: QuoteStatus
) -> None:
    """Again and again until the position has come to that: the oracle's faults of other scenes strike here too."""
    for _ in range(ATTEMPTS):
        with contextlib.suppress(*SETBACKS):
            await act()
        with contextlib.suppress(SceneFailed):
            await play.watch.until(position.quote_id, lambda quote: quote.status is status, status.name, patience_s=3.0)
            return
    raise SceneFailed(f"quote {position.quote_id} did not come to {status.name}")


async def forced_close_prevented(play: Play) -> Ends:
    """The exchange leaves a limit close unfilled although the price has passed it. Somebody tries to force the close
    each second, and fails: the hedger closes at the market before prices count."""
    position = await play.opened()
    await play.trader.request_close(position.quote_id, play.limit_close(position.quantity))
    order = await play.broker.resting(position.quote_id, "c")
    order.silent = True
    play.set_price(order.price * (BEYOND if play.side is LONG else 2 - BEYOND))
    enforcer = await play.stage.third.enforcer()
    while play.watch.quotes[position.quote_id].status is QuoteStatus.CLOSE_PENDING:
        if await _is_forced(enforcer, position.quote_id):
            raise SceneFailed(f"the close of quote {position.quote_id} was forced")
        await play.pause(ENFORCER_PAUSE_S)
    return [play.ours(position.quote_id, QuoteStatus.CLOSED, closed=position.quantity)]


async def settlement_by_the_rival(play: Play) -> Ends:
    """The trader has a position with a rival too, which has all its profits paid: our opened price moves, our hedge
    does not."""
    rival = play.stage.rival
    position = await play.opened()
    other = await play.watch.until_status(
        await play.send(play.market(white_list=(rival.address,))), QuoteStatus.PENDING
    )
    await rival.take(other)
    settled = await play.stage.third.oracle.settlement(play.trader.party_a)
    prices = list(settled.prices.values())
    await rival.call("settleUpnl", settled.signature, prices, play.trader.party_a)
    price = settled.prices[position.quote_id]
    await play.watch.until(position.quote_id, lambda quote: quote.opened_price == price, f"opened at {price}")
    return [play.ours(position.quote_id), play.ends(other.quote_id, QuoteStatus.OPENED, party_b=rival.address)]


async def child_taken_by_the_rival(play: Play) -> Ends:
    """Half of a limit order is opened; the child, the other half, is locked by a rival first. Run until it is."""
    rival, ends = play.stage.rival, list[Expected]()
    await rival.prepare(play.trader)
    play.trader.wallet.rpc = play.stage.world.chain.rpc
    for _ in range(ATTEMPTS):
        quote_id = await play.locked(play.limit(white_list=(play.hedger.party_b, rival.address)))
        play.broker.trade_against(await play.broker.resting(quote_id), Decimal("0.5"))
        child_id = (await play.watch.child_of(quote_id)).quote_id
        ends.append(play.ours(quote_id))
        if await rival.snatch(play.trader, child_id):
            return [*ends, play.ends(child_id, QuoteStatus.OPENED, party_b=rival.address)]
        play.broker.trade_against(await play.broker.resting(child_id))
        await play.watch.until_status(child_id, QuoteStatus.OPENED)
        ends.append(play.ours(child_id))
        await rival.prepare(play.trader)
    raise SceneFailed(f"the rival lost {ATTEMPTS} races")


async def suspended_account(play: Play) -> Ends:
    """The trader is suspended while its order rests; the order fills, the opening is refused, the hedge is unwound."""
    administrator = await play.stage.third.administrator()
    quote_id = await play.locked(play.limit())
    order = await play.broker.resting(quote_id)
    await administrator.suspend(play.trader.party_a)
    play.broker.trade_against(order)
    await play.watch.until_status(quote_id, QuoteStatus.PENDING)
    await administrator.unsuspend(play.trader.party_a)
    await play.trader.cancel(quote_id)
    return [play.ends(quote_id, QuoteStatus.CANCELED)]


async def delisted_symbol(play: Play) -> Ends:
    """The symbol is delisted while an order rests and a position is open: nothing is opened any more, what is open is
    closed as its trader wishes."""
    resting = replace(play, trader=play.others[0])
    position, quote_id = await play.opened(), await resting.locked(resting.limit())
    order = await play.broker.resting(quote_id)
    administrator = await play.stage.third.administrator()
    await administrator.delist(play.symbol_id)
    resting.broker.trade_against(order)
    await play.watch.until_status(quote_id, QuoteStatus.PENDING)
    await play.trader.request_close(position.quote_id, play.market_close(position.quantity))
    await resting.trader.cancel(quote_id)
    return [
        play.ours(position.quote_id, QuoteStatus.CLOSED, closed=position.quantity),
        resting.ends(quote_id, QuoteStatus.CANCELED),
    ]


async def funding_charged(play: Play) -> Ends:
    """The exchange takes funding of the hedge; the hedger charges its trader the same, once the epoch has ended."""
    engine, administrator = play.hedger.exchange.engine, await play.stage.third.administrator()
    engine.market(play.symbol).funding_rate = FUNDING_RATE
    engine.pay_funding_every(FUNDING_EPOCH_S * 1_000)
    await administrator.set_funding(play.symbol_id, epoch_s=FUNDING_EPOCH_S, window_s=FUNDING_WINDOW_S)
    position = await play.opened()
    await play.watch.until(
        position.quote_id, lambda quote: quote.opened_price != position.opened_price, "funding, charged on chain"
    )
    if not any(each.kind == "FUNDING_FEE" and each.symbol == play.symbol for each in engine.account.income):
        raise SceneFailed("the exchange took no funding")
    return [play.ours(position.quote_id)]


async def liquidation_of_the_hedger(play: Play) -> Ends:
    """The trader wins more than the hedger has allocated to it, while nothing can be allocated: the hedger is
    liquidated towards this one trader, and unwinds."""
    administrator, liquidator = await play.stage.third.administrator(), await play.stage.third.liquidator()
    position = await play.opened()
    party_b, party_a = play.hedger.party_b, play.trader.party_a
    # Allocations are neither raised nor brought over from other traders.
    await asyncio.gather(*(administrator.pause(part) for part in MONEY_STOPS))
    try:
        allocated, *_ = await Diamond(play.trader.deployment, play.trader.wallet).read(
            "balanceInfoOfPartyB", party_b, party_a
        )
        play.set_price(_moved(position, 2 * allocated + 100 * WAD))
        await _insist(play, lambda: liquidator.liquidate_party_b(party_b, party_a), position, QuoteStatus.LIQUIDATED)
    finally:
        await asyncio.gather(*(administrator.unpause(part) for part in MONEY_STOPS))
    return [play.ours(position.quote_id, QuoteStatus.LIQUIDATED)]


async def paused_contract(play: Play) -> Ends:
    """While hedgers may do nothing, an intent is refused and a close waits; the close is served afterwards."""
    administrator = await play.stage.third.administrator()
    position = await play.opened()
    await administrator.pause(Pause.PARTY_B_ACTIONS)
    try:
        await play.trader.request_close(position.quote_id, play.market_close(position.quantity))
        refused_id = await play.send(play.market())
        await play.refused(refused_id, ErrorCode.TRADING_PAUSED)
        if play.watch.quotes[position.quote_id].status is not QuoteStatus.CLOSE_PENDING:
            raise SceneFailed(f"quote {position.quote_id} did not wait")
    finally:
        await administrator.unpause(Pause.PARTY_B_ACTIONS)
    await play.trader.cancel(refused_id)
    return [
        play.ours(position.quote_id, QuoteStatus.CLOSED, closed=position.quantity),
        play.ends(refused_id, QuoteStatus.CANCELED, code=ErrorCode.TRADING_PAUSED),
    ]


async def emergency_mode(play: Play) -> Ends:
    """The hedger is in an emergency: it takes no intent, and its operator closes a position by hand at the oracle's
    price. The hedge is unwound."""
    administrator, world = await play.stage.third.administrator(), play.stage.world
    position = await play.opened()
    await administrator.set_emergency_of(play.hedger.party_b, True)
    try:
        signature = await world.muon.upnl_with_price(play.hedger.party_b, play.trader.party_a, play.symbol_id)
        inner = SYMMIO["emergencyClosePosition"].calldata(position.quote_id, signature.as_abi())
        refused_id = await play.send(play.market())
        await play.refused(refused_id, ErrorCode.TRADING_PAUSED)
        await administrator.wallet.send(world.deployment.party_b, PARTY_B["_call"].calldata([inner]))
    finally:
        await administrator.set_emergency_of(play.hedger.party_b, False)
    await play.trader.cancel(refused_id)
    return [
        play.ours(position.quote_id, QuoteStatus.CLOSED, closed=position.quantity),
        play.ends(refused_id, QuoteStatus.CANCELED, code=ErrorCode.TRADING_PAUSED),
    ]


async def _is_forced(enforcer: Enforcer, quote_id: int) -> bool:
    try:
        await enforcer.force_close(quote_id)
    except TransactionReverted:
        return False
    return True


async def _price_that_ruins(play: Play, position: QuoteOnChain) -> Decimal:
    """Where the loss is half the liquidation fee beyond what the trader has: its hedgers get all they are owed."""
    diamond = Diamond(play.trader.deployment, play.trader.wallet)
    allocated, cva, lf, *_ = await diamond.read("balanceInfoOfPartyA", play.trader.party_a)
    return _moved(position, -(allocated - cva - lf // 2))


def _moved(position: QuoteOnChain, profit: int) -> Decimal:
    """The price at which the position's trader has won this much (wad; negative: lost)."""
    gained = profit if position.position_type is LONG else -profit
    return Decimal(position.opened_price) / WAD + Decimal(gained) / position.open_amount
