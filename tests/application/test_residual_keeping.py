"""The residual keeper: what quotes leave is hedged per symbol, and netted symbols fill inside."""

from deciding_world import World, of_quote
from fake_venue import BTC

from hedger.application.messages import Reported
from hedger.application.order_monitoring import PollMonitor
from hedger.application.residual_keeping import ResidualKeeper
from hedger.domain.events import Event
from hedger.domain.policies.policy import Policy, SymbolPolicy
from hedger.domain.quote import events
from hedger.domain.quote.hedge import OrderState
from hedger.domain.residual import ResidualDecided
from hedger.domain.terms import HedgingMode, OrderType, PositionType, Side
from tests.domain.given import HEDGE_FIRST, POLICY, Chain, ended, filled, succeeded, wad

RESIDUAL_1 = "t-s1-1"


def netted(mode: HedgingMode = HedgingMode.NETTED, base: Policy = HEDGE_FIRST) -> Policy:
    symbol = SymbolPolicy(max_leverage=wad("60"), cva_lf_portion=wad("0.01"), hedging=mode)
    return Policy(
        version="netted", party_b=base.party_b, tag=base.tag, symbols={BTC: symbol}, market_mode=base.market_mode
    )


def keeper(world: World) -> ResidualKeeper:
    return ResidualKeeper(
        world.ledger,
        world.book,
        world.board,
        world.policy,
        world.relay,
        clock_ms=world.clock_ms,
        redeliver_after_ms=8_000,
    )


async def looked_twice(kept: ResidualKeeper) -> None:
    """A residual is acted on once it has stayed."""
    await kept.tend()
    await kept.tend()


async def relayed(world: World) -> None:
    """Everything asked for so far reaches the order maker, and what it reports the quotes."""
    for recorded in list(world.log.recorded):
        event = recorded.event
        if isinstance(event, events.OrderRequested | events.OrderCancelRequested):
            await world.relay.tell_again(recorded)
    for message in world.streams.logged:
        await world.order_maker.handle("", message)
    for report in [each for each in world.streams.reports if each.quote_id]:
        await world.manager.on_reported("", report)
    world.streams.published.clear()


async def opened(world: World, quote_id: int, position: PositionType, quantity: str = "10") -> None:
    """A market intent is taken, hedged and opened; the hedge fills as the book's policy says."""
    chain = Chain()
    chain.block = 100 + 20 * quote_id
    price = "101" if position is PositionType.LONG else "99"
    await world.told(of_quote(chain.sent(position=position, price=price), quote_id))
    await relayed(world)
    opened_at = chain.opened(quantity, "100.5" if position is PositionType.LONG else "99.5")
    await world.told(of_quote(opened_at, quote_id))
    await world.reported(succeeded(f"t-{quote_id}-lock_and_open-1", chain.block), quote_id=quote_id)


def residual_orders(world: World) -> list[events.OrderRequested]:
    asked = [each for each in world.events if isinstance(each, events.OrderRequested)]
    return [each for each in asked if each.client_order_id.startswith("t-s")]


async def over_filled(world: World, by: str) -> None:
    """A position of 10 whose opening order filled more than it was asked."""
    chain = Chain()
    await world.told(chain.sent(), chain.locked())
    quantity = str(10 + float(by))
    await world.reported(succeeded("t-7-lock-1", chain.block))
    await world.reported(filled("t-7-o1", quantity), ended("t-7-o1", quantity))
    await world.told(chain.opened())
    await world.reported(succeeded("t-7-open-1", chain.block))


async def test_netted_quotes_are_filled_inside_and_nothing_goes_to_the_venue() -> None:
    world = World(netted())
    await opened(world, 7, PositionType.LONG)
    quote = await world.quote(7)
    order = quote.hedge.orders["t-7-o1"]
    assert (order.internal, order.filled, order.trades[0].price) == (True, wad("10"), wad("100"))
    assert world.venue.placed == []
    assert world.book.residual(1, wad("0.05")) == wad("10")


async def test_quotes_of_both_sides_net_and_leave_nothing_to_hedge() -> None:
    world = World(netted())
    await opened(world, 7, PositionType.LONG)
    await opened(world, 8, PositionType.SHORT)
    await looked_twice(keeper(world))
    assert residual_orders(world) == []


async def test_what_nets_out_to_something_is_hedged_by_the_book() -> None:
    world = World(netted())
    await opened(world, 7, PositionType.LONG)
    await looked_twice(keeper(world))
    (order,) = residual_orders(world)
    assert (order.side, order.quantity, order.order_type) == (Side.BUY, wad("10"), OrderType.MARKET)
    reason = world.recorded(ResidualDecided).event
    assert isinstance(reason, ResidualDecided)
    assert reason.inputs.residual == wad("10")


async def test_a_symbol_without_hedging_trades_nothing_at_the_venue() -> None:
    world = World(netted(HedgingMode.NONE))
    await opened(world, 7, PositionType.LONG)
    await looked_twice(keeper(world))
    assert (residual_orders(world), world.venue.placed) == ([], [])


async def test_an_over_fill_that_the_quote_cannot_trade_is_the_books() -> None:
    world = World(POLICY)
    await over_filled(world, "0.0004")
    await looked_twice(keeper(world))
    assert world.book.residual(1, wad("0.05")) == -wad("0.0004")
    assert residual_orders(world) == []


async def test_a_residual_must_stay_before_it_is_traded() -> None:
    world = World(netted())
    await opened(world, 7, PositionType.LONG)
    kept = keeper(world)
    await kept.tend()
    assert residual_orders(world) == []
    await kept.tend()
    assert len(residual_orders(world)) == 1


async def test_what_the_books_order_fills_counts_as_hedge() -> None:
    world = World(netted())
    await opened(world, 7, PositionType.LONG)
    kept = keeper(world)
    await looked_twice(kept)
    told: tuple[Event, ...] = (filled(RESIDUAL_1, "10"), ended(RESIDUAL_1, "10"))
    for _ in range(2):
        await kept.on_reported(Reported(quote_id=0, symbol_id=1, facts=told, causation_id="test"))
    await looked_twice(kept)
    assert len(residual_orders(world)) == 1
    assert world.book.account_hedge(1) == wad("10")
    assert (await world.ledger.residual(1)).held == wad("10")


async def test_an_order_of_the_book_goes_to_the_venue_and_its_outcome_names_the_symbol() -> None:
    world = World(netted())
    await opened(world, 7, PositionType.LONG)
    await looked_twice(keeper(world))
    await world.relay.tell_again(world.recorded(events.OrderRequested))
    (message,) = world.streams.logged
    assert (message.quote_id, message.symbol_id) == (0, 1)
    await world.order_maker.handle("symbol:1", message)
    report = world.streams.reports[-1]
    assert (report.quote_id, report.symbol_id) == (0, 1)


async def test_after_a_restart_an_order_without_outcome_is_told_again_and_not_asked_twice() -> None:
    world = World(netted())
    await opened(world, 7, PositionType.LONG)
    await looked_twice(keeper(world))
    after = world.restarted()
    await after.healer.restore([7])
    kept = keeper(after)
    await kept.restore()
    await kept.tell_outstanding()
    assert [message.redelivered for message in after.streams.logged] == [True]
    await looked_twice(kept)
    assert len(residual_orders(after)) == 1


async def test_a_resting_limit_order_is_filled_inside_once_the_market_is_there() -> None:
    world = World(netted(base=POLICY))
    chain = Chain()
    await world.told(chain.sent(order_type=OrderType.LIMIT, price="90"), chain.locked())
    await world.reported(succeeded("t-7-lock-1", chain.block))
    await relayed(world)
    monitor = PollMonitor(world.venue, world.ledger, world.book, world.streams, world.internal)
    await monitor.look()
    order = (await world.quote()).hedge.orders["t-7-o1"]
    assert (order.state, order.filled) == (OrderState.WORKING, 0)
    market = world.board.markets[BTC]
    world.board.markets[BTC] = type(market)(
        symbol=BTC, bid=wad("89"), ask=wad("89.5"), mark=wad("89"), funding_rate=0,
        next_funding_at_ms=0, at_ms=market.at_ms,
    )  # fmt: skip
    await monitor.look()
    assert [fact.price for fact in world.streams.reported if isinstance(fact, events.OrderFilled)] == [wad("89.5")]


async def test_a_fill_inside_needs_a_price_that_is_young_enough() -> None:
    world = World(netted(base=POLICY))
    chain = Chain()
    await world.told(chain.sent(), chain.locked())
    world.now_ms += world.policy.max_price_age_ms + 1
    await world.reported(succeeded("t-7-lock-1", chain.block))
    await relayed(world)
    order = (await world.quote()).hedge.orders["t-7-o1"]
    assert (order.state, order.refusal, order.filled) == (OrderState.REFUSED, "price_unknown", 0)
