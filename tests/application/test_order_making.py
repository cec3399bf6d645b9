"""The order maker: at least once under one client order id, never blindly twice."""

import asyncio

import pytest
from deciding_world import World, of_quote
from fake_venue import BTC, LIFETIME_MS, accepted, fill, report
from hypothesis import given as for_all
from hypothesis import strategies as st

from hedger.adapters.streams import topics
from hedger.adapters.venue.port import Accepted, Refused, Unknown
from hedger.application.messages import Logged
from hedger.application.order_making import facts_of
from hedger.domain import transactions
from hedger.domain.events import Event
from hedger.domain.quote import events
from hedger.domain.quote.hedge import HedgeOrder, OrderState, Trade
from hedger.domain.terms import Leg, OrderType, Side, TradingState
from tests.domain.given import HEDGE_FIRST, TRADER, Chain, accepted_order, ended, failed, filled, succeeded, wad

O1, U1 = "t-7-o1", "t-7-u1"
PAST_LIFETIME_MS = LIFETIME_MS + 500


async def asked(world: World) -> Logged:
    """An opening order stands in the log; its message."""
    await world.told(Chain().sent())
    return message(world, events.OrderRequested)


def message(world: World, kind: type[Event], *, redelivered: bool = False) -> Logged:
    return Logged(recorded=world.recorded(kind), quote_id=7, redelivered=redelivered)


def again(first: Logged) -> Logged:
    return Logged(recorded=first.recorded, quote_id=first.quote_id, redelivered=True)


async def handled(world: World, *messages: Logged) -> list[Event]:
    """What is reported of these, in order."""
    for each in messages:
        await world.order_maker.handle(TRADER, each)
    return world.streams.reported


async def recorded_reports(world: World) -> None:
    """Everything reported so far reaches the position manager."""
    for report_ in world.streams.reports:
        await world.manager.on_reported(TRADER, report_)


async def unwinding(world: World) -> Logged:
    """An order that unwinds a hedge stands in the log."""
    chain = Chain()
    await world.told(chain.sent())
    await world.reported(accepted_order(O1), filled(O1, "10"), ended(O1, "10"))
    lost = chain.locked(by="0x" + "cc" * 20)
    await world.reported(succeeded("t-7-lock_and_open-1", block=lost.source.block_number))
    await world.told(lost)
    return message(world, events.OrderRequested)


# --- placing


async def test_the_first_delivery_places_the_order_as_asked() -> None:
    world = World(HEDGE_FIRST)
    await handled(world, await asked(world))
    [placed] = world.venue.placed
    assert (placed.client_order_id, placed.symbol, placed.side) == (O1, BTC, Side.BUY)
    assert (placed.order_type, placed.quantity, placed.limit_price) == (OrderType.MARKET, wad(10), 0)
    assert not placed.reduce_only
    assert placed.opens
    assert world.venue.looked_up == []


async def test_an_accepted_order_is_reported_under_party_a_with_its_cause() -> None:
    world = World(HEDGE_FIRST)
    first = await asked(world)
    assert await handled(world, first) == [
        events.OrderAccepted(client_order_id=O1, venue_order_id=f"v-{O1}", at_ms=accepted(O1).at_ms)
    ]
    [(topic, key, _)] = world.streams.published
    assert (topic, key) == (topics.EXECUTIONS, TRADER)
    assert world.streams.reports[0].causation_id == f"log:{first.recorded.position}"


async def test_a_refused_order_is_reported_with_the_venues_reason() -> None:
    world = World(HEDGE_FIRST)
    world.venue.answer = Refused(client_order_id=O1, code="margin", reason="not enough")
    assert await handled(world, await asked(world)) == [
        events.OrderRefused(client_order_id=O1, code="margin", reason="not enough")
    ]


async def test_an_outcome_that_is_not_known_is_reported_as_that() -> None:
    world = World(HEDGE_FIRST)
    world.venue.answer = Unknown(client_order_id=O1, reason="timeout")
    assert await handled(world, await asked(world)) == [
        events.OrderOutcomeUnknown(client_order_id=O1, reason="timeout")
    ]


async def test_other_events_of_the_log_are_not_its_business() -> None:
    world = World()
    await world.told(Chain().sent())
    await handled(world, message(world, transactions.TransactionRequested), message(world, events.QuoteAccepted))
    assert not world.venue.placed
    assert not world.venue.looked_up


async def test_an_order_that_the_quote_does_not_know_is_not_placed() -> None:
    world = World(HEDGE_FIRST)
    first = await asked(world)
    await world.told(of_quote(Chain().sent(), 8))
    assert await handled(world, Logged(recorded=first.recorded, quote_id=8)) == []
    assert world.venue.placed == []


# --- told again


async def test_an_order_told_again_is_looked_up_and_not_placed() -> None:
    world = World(HEDGE_FIRST)
    first = await asked(world)
    world.venue.reports[O1] = report(O1)
    [told] = await handled(world, again(first))
    assert isinstance(told, events.OrderAccepted)
    assert world.venue.placed == []
    assert world.venue.looked_up == [O1]


async def test_a_message_delivered_twice_places_once() -> None:
    world = World(HEDGE_FIRST)
    first = await asked(world)
    world.venue.reports[O1] = report(O1)
    await handled(world, first, first)
    assert len(world.venue.placed) == 1
    assert world.venue.looked_up == [O1]


async def test_an_order_found_filled_is_reported_with_its_fills_and_its_end() -> None:
    world = World(HEDGE_FIRST)
    first = await asked(world)
    world.venue.reports[O1] = report(O1, "filled", "10")
    world.venue.trades[f"v-{O1}"] = [fill(O1, "6", "1"), fill(O1, "4", "2")]
    told = await handled(world, again(first))
    assert [type(fact).__name__ for fact in told] == ["OrderAccepted", "OrderFilled", "OrderFilled", "OrderEnded"]
    await recorded_reports(world)
    assert (await world.quote()).hedge.quantity == wad(10)


async def test_an_order_not_found_within_its_lifetime_is_unknown() -> None:
    world = World(HEDGE_FIRST)
    first = await asked(world)
    [told] = await handled(world, again(first))
    assert isinstance(told, events.OrderOutcomeUnknown)


async def test_an_order_known_to_be_unknown_is_not_reported_so_again() -> None:
    world = World(HEDGE_FIRST)
    first = await asked(world)
    await handled(world, again(first))
    await recorded_reports(world)
    world.now_ms += PAST_LIFETIME_MS - 1
    assert len(await handled(world, again(first))) == 1


async def test_an_order_not_found_after_its_lifetime_never_arrived() -> None:
    world = World(HEDGE_FIRST)
    first = await asked(world)
    world.now_ms += PAST_LIFETIME_MS
    [told] = await handled(world, again(first))
    assert isinstance(told, events.OrderRefused)
    assert told.code == "never_arrived"


async def test_the_lifetime_counts_from_when_the_outcome_was_seen_to_be_unknown() -> None:
    """The venue's client may hold an order back before it signs it: it can arrive that much later."""
    world = World(HEDGE_FIRST)
    first = await asked(world)

    def waits_for_its_turn() -> None:
        world.now_ms += 9_000

    world.venue.answer, world.venue.placing = Unknown(client_order_id=O1, reason="timeout"), waits_for_its_turn
    await handled(world, first)
    await recorded_reports(world)
    world.now_ms += PAST_LIFETIME_MS - 1
    assert len(await handled(world, again(first))) == 1
    world.now_ms += 1
    assert isinstance((await handled(world, again(first)))[-1], events.OrderRefused)


async def test_after_a_restart_the_lifetime_counts_from_the_start() -> None:
    world = World(HEDGE_FIRST)
    first = await asked(world)
    next_process = world.restarted()
    next_process.now_ms += PAST_LIFETIME_MS - 1
    assert isinstance((await handled(next_process, again(first)))[-1], events.OrderOutcomeUnknown)
    next_process.now_ms += 1
    assert isinstance((await handled(next_process, again(first)))[-1], events.OrderRefused)
    assert next_process.venue.placed == []


async def test_an_order_told_again_before_it_is_told_first_is_never_placed() -> None:
    """What follows the log may lag behind the healer: reported as never arrived, the order must not arrive later."""
    world = World(HEDGE_FIRST)
    first = await asked(world)
    world.now_ms += PAST_LIFETIME_MS
    reports = await handled(world, again(first), first)
    assert [type(each).__name__ for each in reports] == ["OrderRefused", "OrderRefused"]
    assert world.venue.placed == []


async def test_a_lookup_without_answer_reports_nothing() -> None:
    world = World(HEDGE_FIRST)
    first = await asked(world)
    world.venue.is_away = True
    world.now_ms += 10 * LIFETIME_MS
    assert await handled(world, again(first)) == []


async def test_an_order_found_whose_fills_are_not_told_reports_nothing() -> None:
    world = World(HEDGE_FIRST)
    first = await asked(world)
    world.venue.reports[O1] = report(O1, "filled", "10")
    away = world.venue.fills

    async def fills_only_are_away(*arguments: object, **named: object) -> list[object]:
        world.venue.is_away = True
        return list(await away(BTC))

    world.venue.fills = fills_only_are_away  # type: ignore[method-assign, assignment]
    assert await handled(world, again(first)) == []


async def test_an_order_that_is_settled_is_left_alone() -> None:
    world = World(HEDGE_FIRST)
    first = await asked(world)
    await world.reported(accepted_order(O1), filled(O1, "10"), ended(O1, "10"))
    assert await handled(world, first, again(first)) == []
    assert not world.venue.placed
    assert not world.venue.looked_up


async def test_an_order_that_works_is_left_to_the_monitors() -> None:
    world = World(HEDGE_FIRST)
    first = await asked(world)
    await world.reported(accepted_order(O1))
    assert await handled(world, first, again(first)) == []
    assert not world.venue.placed
    assert not world.venue.looked_up


STEPS = ["first", "again", "restart", "the answer is lost", "the venue has it", "a lifetime passes", "recorded"]


@for_all(st.lists(st.sampled_from(STEPS), max_size=12))
def test_however_often_it_is_told_and_whoever_dies_an_order_is_placed_at_most_once(steps: list[str]) -> None:
    async def play() -> int:
        world, placed = World(HEDGE_FIRST), 0
        first, died = await asked(world), False
        for step in steps:
            match step:
                case "first":  # after a restart everything is told as one that may have been carried out
                    await handled(world, again(first) if died else first)
                case "again":
                    await handled(world, again(first))
                case "restart":
                    placed, died = placed + len(world.venue.placed), True
                    reports, world = world.venue.reports, world.restarted()
                    world.venue.reports = reports
                case "the answer is lost":
                    world.venue.answer = Unknown(client_order_id=O1, reason="timeout")
                case "the venue has it":
                    world.venue.reports[O1] = report(O1)
                case "recorded":
                    await recorded_reports(world)
                case _:
                    world.now_ms += PAST_LIFETIME_MS
        orders = [*world.venue.placed]
        assert {order.client_order_id for order in orders} <= {O1}
        return placed + len(orders)

    assert asyncio.run(play()) <= 1


# --- cancelling


async def test_a_cancel_is_sent_and_the_orders_end_reported() -> None:
    world, chain = World(HEDGE_FIRST), Chain()
    await world.told(chain.sent())
    await world.reported(accepted_order(O1))
    await world.told(chain.cancel_accepted())
    world.venue.reports[O1] = report(O1, "canceled", "3")
    world.venue.trades[f"v-{O1}"] = [fill(O1, "3")]
    told = await handled(world, message(world, events.OrderCancelRequested))
    assert world.venue.cancelled == [O1]
    assert [type(fact).__name__ for fact in told] == ["OrderAccepted", "OrderFilled", "OrderEnded"]


async def cancelling(world: World) -> Logged:
    chain = Chain()
    await world.told(chain.sent())
    await world.reported(accepted_order(O1))
    await world.told(chain.cancel_accepted())
    return message(world, events.OrderCancelRequested)


async def test_a_cancel_that_comes_too_late_reports_what_the_order_came_to() -> None:
    world = World(HEDGE_FIRST)
    cancel = await cancelling(world)
    world.venue.cancel_answer = Refused(client_order_id=O1, code="not_found", reason="no such order is open")
    world.venue.reports[O1] = report(O1, "filled", "10")
    world.venue.trades[f"v-{O1}"] = [fill(O1, "10")]
    told = await handled(world, cancel)
    assert isinstance(told[-1], events.OrderEnded)
    assert told[-1].executed_quantity == wad(10)


async def test_a_cancel_that_is_told_again_is_sent_again() -> None:
    world = World(HEDGE_FIRST)
    cancel = await cancelling(world)
    world.venue.is_away = True
    assert await handled(world, cancel) == []
    world.venue.is_away = False
    world.venue.reports[O1] = report(O1, "canceled")
    assert isinstance((await handled(world, again(cancel)))[-1], events.OrderEnded)
    assert world.venue.cancelled == [O1, O1]


async def test_an_order_is_not_cancelled_before_it_is_known_whether_the_venue_has_it() -> None:
    world, chain = World(HEDGE_FIRST), Chain()
    await world.told(chain.sent())
    await world.told(chain.cancel_accepted())
    assert await handled(world, message(world, events.OrderCancelRequested)) == []
    assert world.venue.cancelled == []


# --- the last gate


async def test_while_trading_is_halted_nothing_is_placed() -> None:
    world = World(HEDGE_FIRST)
    first = await asked(world)
    await world.trading_is(TradingState.HALTED)
    assert await handled(world, first) == []
    assert world.venue.placed == []


@pytest.mark.parametrize("scope", ["*", BTC, "venue:paper"])
async def test_while_trading_is_reducing_an_order_that_grows_is_refused(scope: str) -> None:
    world = World(HEDGE_FIRST)
    first = await asked(world)
    await world.trading_is(TradingState.REDUCING, scope)
    [told] = await handled(world, first)
    assert isinstance(told, events.OrderRefused)
    assert told.code == "trading_state"
    assert world.venue.placed == []


async def test_the_state_of_another_symbol_holds_nothing_up() -> None:
    world = World(HEDGE_FIRST)
    first = await asked(world)
    await world.trading_is(TradingState.HALTED, "ETHUSDT")
    assert isinstance((await handled(world, first))[0], events.OrderAccepted)


async def test_while_trading_is_reducing_what_shrinks_is_placed() -> None:
    world = World(HEDGE_FIRST)
    unwind = await unwinding(world)
    await world.trading_is(TradingState.REDUCING)
    await handled(world, unwind)
    [placed] = world.venue.placed
    assert (placed.client_order_id, placed.side, placed.opens) == (U1, Side.SELL, False)


async def test_while_trading_is_reducing_a_position_left_bare_is_hedged_again() -> None:
    world, chain = World(HEDGE_FIRST), Chain()
    await world.told(chain.sent())
    opened = chain.opened(quantity="10")
    await world.reported(accepted_order(O1), filled(O1, "10"), ended(O1, "10"))
    await world.reported(succeeded("t-7-lock_and_open-1", block=opened.source.block_number))
    await world.told(opened)
    await world.told(chain.close_requested())
    await world.reported(accepted_order("t-7-c1"), filled("t-7-c1", "10"), ended("t-7-c1", "10"))
    await world.told(chain.close_expired())
    await world.trading_is(TradingState.REDUCING)
    await world.reported(failed("t-7-fill_close-1", "PartyBFacet: Quote is expired"))
    await handled(world, message(world, events.OrderRequested))
    assert world.venue.placed[-1].client_order_id == "t-7-r1"


async def test_an_order_held_while_halted_is_decided_on_anew_afterwards() -> None:
    world = World(HEDGE_FIRST)
    first = await asked(world)
    await world.trading_is(TradingState.HALTED)
    await handled(world, first)
    await world.trading_is(TradingState.ACTIVE)
    world.now_ms += PAST_LIFETIME_MS
    [told] = await handled(world, again(first))
    assert isinstance(told, events.OrderRefused)
    assert world.venue.placed == []


# --- reports


def working(filled_: str) -> HedgeOrder:
    return HedgeOrder(
        client_order_id=O1,
        leg=Leg.OPEN,
        symbol=BTC,
        side=Side.BUY,
        order_type=OrderType.LIMIT,
        quantity=wad(10),
        limit_price=wad(100),
        reduce_only=False,
        close_id=0,
        decision_price=wad(100),
        requested_at=0,
        state=OrderState.WORKING,
        trades=[Trade("1", wad(filled_), wad(100))],
    )


async def test_fills_are_asked_for_only_where_the_order_executed_more_than_is_known() -> None:
    world = World()
    await facts_of(world.venue, working("4"), report(O1, executed="4"))
    assert world.venue.fills_asked == []
    await facts_of(world.venue, working("4"), report(O1, executed="5"))
    assert world.venue.fills_asked == [f"v-{O1}"]


async def test_an_accepted_outcome_is_told_in_the_venues_own_time() -> None:
    world = World(HEDGE_FIRST)
    world.venue.answer = Accepted(client_order_id=O1, venue_order_id="42", at_ms=1234)
    [told] = await handled(world, await asked(world))
    assert told == events.OrderAccepted(client_order_id=O1, venue_order_id="42", at_ms=1234)
