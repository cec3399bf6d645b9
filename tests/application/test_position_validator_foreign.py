"""Trades by another hand on the account: recorded apart, once, and no confusion of the books."""

import asyncio

import msgspec
import pytest
from fake_venue import BTC, report
from validating_world import Watched, agreeing, hold, on_chain, trade

from hedger.application.order_monitoring import StreamMonitor
from hedger.application.validation.trades import foreign_fact
from hedger.domain.foreign import ForeignTradeDisowned, ForeignTradeFound, TradesAgreed
from hedger.domain.mismatch import MismatchFound, MismatchResolved
from hedger.domain.quote.events import OrderRequested
from hedger.domain.terms import QuoteStatus, Side, TradingState
from tests.domain.given import TAG, Chain, accepted_order, ended, filled, wad


async def with_foreign(quantity: str = "2") -> Watched:
    watched = await agreeing()
    watched.world.venue.held = {BTC: wad(10) + wad(quantity)}
    watched.world.venue.trades[""] = [trade(5, quantity)]
    return watched


def foreign(watched: Watched) -> list[ForeignTradeFound]:
    return [event for event in watched.world.events if isinstance(event, ForeignTradeFound)]


async def test_a_foreign_trade_is_recorded_once_as_the_venue_tells_it() -> None:
    watched = await with_foreign()
    await watched.recorded(looks=5)
    [found] = foreign(watched)
    assert (found.venue, found.trade_id, found.symbol) == ("paper", f"{BTC}:5", BTC)
    assert (found.side, found.quantity, found.price) == (Side.BUY, wad(2), wad(100))
    assert (found.fee, found.fee_asset, found.traded_at_ms) == (wad("0.04"), "USDT", 50_000)


async def test_from_then_on_the_venue_is_expected_to_hold_it_besides_the_hedges() -> None:
    watched = await with_foreign()
    await watched.recorded(looks=3)
    verdict = await watched.validator.look()
    assert verdict.agrees
    row = verdict.row(BTC)
    assert row is not None
    assert (row.log_hedge, row.foreign, row.expected, row.residual) == (wad(10), wad(2), wad(12), 0)


async def test_the_symbol_may_only_be_reduced_until_it_is_explained() -> None:
    watched = await with_foreign()
    await watched.recorded(looks=2)
    assert (await watched.world.ledger.trading()).of(BTC) is TradingState.REDUCING
    told = await watched.recorded(looks=1)
    assert [type(event) for event in told if isinstance(event, MismatchResolved)] == [MismatchResolved] * 2
    assert (await watched.world.ledger.trading()).of(BTC) is TradingState.ACTIVE
    assert watched.states() == [(BTC, "reducing", "validator"), (BTC, "active", "validator")]


async def test_a_round_trip_by_hand_is_recorded_although_the_position_is_as_before() -> None:
    watched = await agreeing()
    watched.world.venue.trades[""] = [trade(5, "2"), trade(6, "2", Side.SELL, at_ms=51_000)]
    events = await watched.recorded(looks=2)
    assert not [event for event in events if isinstance(event, MismatchFound)]
    assert [each.trade_id for each in foreign(watched)] == [f"{BTC}:5", f"{BTC}:6"]
    assert (await watched.validator.known()).foreign == {}


async def test_a_trade_is_nobodys_only_once_no_order_of_ours_may_have_made_it() -> None:
    watched, chain = await with_foreign(), Chain()
    chain.block = 300
    await watched.world.told(chain.close_requested())  # its order is asked for, and no id of the venue's is known
    watched.views.quotes[7] = on_chain(status=QuoteStatus.CLOSE_PENDING)
    await watched.recorded(looks=4)
    assert foreign(watched) == []
    await watched.world.reported(accepted_order("t-7-c1"))
    await watched.recorded(looks=2)
    assert [each.trade_id for each in foreign(watched)] == [f"{BTC}:5"]


async def test_a_trade_that_is_seen_for_the_first_time_is_not_called_foreign_yet() -> None:
    watched = await with_foreign()
    await watched.recorded(looks=1)
    assert foreign(watched) == []


async def test_what_was_taken_for_foreign_and_turns_out_to_be_a_hedges_fill_counts_once() -> None:
    watched = await with_foreign()
    await watched.recorded(looks=3)
    known = await watched.validator.known()
    ours = filled("t-7-o1", "2", trade="late")
    own = foreign_fact("paper", trade(5, "2"))
    assert own.trade_id in known.foreign_trades
    await watched.world.reported(msgspec.structs.replace(ours, trade_id=own.trade_id))
    events = await watched.recorded(looks=2)
    assert [event for event in events if isinstance(event, ForeignTradeDisowned)] == [
        ForeignTradeDisowned(trade_id=own.trade_id, symbol=BTC, quantity=wad(2))
    ]
    assert (await watched.validator.known()).foreign == {}


async def test_how_far_the_trades_agree_is_noted_and_the_next_comparison_begins_there() -> None:
    watched = await agreeing()
    watched.world.venue.trades[""] = [trade(5, "2", at_ms=900_000), trade(6, "2", Side.SELL, at_ms=901_000)]
    events = await watched.recorded(looks=3)
    assert [event.upto_ms for event in events if isinstance(event, TradesAgreed)] == [901_000]
    seen = await watched.looker.seen(await watched.validator.known(), trades_of=[BTC])
    assert seen.trades[BTC].since_ms == 901_000 - 60_000
    assert seen.trades[BTC].agree
    assert len(foreign(watched)) == 2


async def test_while_a_fill_is_missing_nothing_is_said_to_agree() -> None:
    watched = await agreeing()
    watched.world.venue.trades[""] = [trade(9, "1", Side.SELL, order="vt-7-o1", at_ms=900_000)]
    hold(watched.world.venue, "9")
    assert not [event for event in await watched.recorded(looks=3) if isinstance(event, TradesAgreed)]


async def test_a_hedge_goes_on_beside_a_foreign_position() -> None:
    watched, chain = await with_foreign(), Chain()
    await watched.recorded(looks=3)
    chain.block = 300
    await watched.world.told(chain.close_requested())
    await watched.world.reported(accepted_order("t-7-c1"), filled("t-7-c1", "10"), ended("t-7-c1", "10"))
    watched.views.quotes[7] = on_chain(status=QuoteStatus.CLOSE_PENDING)
    hold(watched.world.venue, "2")
    assert await watched.told(looks=2) == []


@pytest.mark.parametrize(("side", "is_reduce_only"), [(Side.SELL, False), (Side.BUY, True)])
async def test_reduce_only_is_judged_with_what_is_foreign(side: Side, is_reduce_only: bool) -> None:
    """The venue nets a foreign short with the hedge: a close flagged reduce-only would be cut, or refused for ever."""
    watched, chain = await agreeing(), Chain()
    watched.world.venue.trades[""] = [trade(5, "4", side)]
    hold(watched.world.venue, "6" if side is Side.SELL else "14")
    await watched.recorded(looks=2)
    chain.block = 300
    await watched.world.told(chain.close_requested())
    order = watched.world.recorded(OrderRequested).event
    assert isinstance(order, OrderRequested)
    assert (order.quantity, order.reduce_only) == (wad(10), is_reduce_only)


async def test_after_a_restart_what_is_foreign_is_known_before_the_first_look() -> None:
    watched = await with_foreign()
    await watched.recorded(looks=2)
    again = Watched(watched.world.restarted())
    assert again.world.book.account_hedge(1) == 0
    await again.validator.restore()
    assert again.world.book.account_hedge(1) == wad(2)


async def test_a_trade_of_a_strangers_order_calls_for_a_look_as_the_stream_tells_it() -> None:
    watched = await agreeing()
    stream = StreamMonitor(
        watched.world.venue,
        watched.world.ledger,
        watched.world.streams,
        tag=TAG,
        sleep=_never,
        on_stranger=watched.validator.call,
    )
    told = msgspec.structs.replace(trade(5, "2"), client_order_id="by-hand")
    watched.world.venue.stream.put_nowait(report("by-hand", "filled"))
    following = asyncio.create_task(stream.run())
    assert not await watched.validator.called(0.05)
    watched.world.venue.stream.put_nowait(told)
    assert await watched.validator.called(1.0)
    assert not await watched.validator.called(0.01)
    following.cancel()


async def _never(seconds: float) -> None:
    await asyncio.Event().wait()


# --- what a person said stands


async def test_a_persons_stricter_word_before_is_left_as_it_is() -> None:
    watched = await with_foreign()
    await watched.world.trading_is(TradingState.HALTED, BTC)
    await watched.recorded(looks=4)
    assert watched.states() == [(BTC, "halted", "test")]


async def test_a_persons_word_after_the_validators_is_not_taken_back() -> None:
    watched = await with_foreign()
    await watched.recorded(looks=2)
    await watched.world.trading_is(TradingState.REDUCING, BTC)
    await watched.recorded(looks=3)
    assert watched.states() == [(BTC, "reducing", "validator"), (BTC, "reducing", "test")]
    assert (await watched.world.ledger.trading()).of(BTC) is TradingState.REDUCING


async def test_a_person_may_go_on_trading_in_spite_of_a_difference() -> None:
    watched = await agreeing()
    hold(watched.world.venue, "10.5")
    await watched.recorded(looks=2)
    await watched.world.trading_is(TradingState.ACTIVE, BTC)
    await watched.recorded(looks=3)
    assert (await watched.world.ledger.trading()).of(BTC) is TradingState.ACTIVE


async def test_everything_halted_stays_halted_when_a_symbol_is_explained() -> None:
    watched = await with_foreign()
    await watched.world.trading_is(TradingState.HALTED)
    await watched.recorded(looks=4)
    trading = await watched.world.ledger.trading()
    assert trading.of(BTC) is TradingState.HALTED
    assert trading.states[BTC] is TradingState.ACTIVE


async def test_the_change_of_state_is_recorded_together_with_what_caused_it() -> None:
    watched = await with_foreign()
    await watched.recorded(looks=2)
    together = [append for append in watched.world.log.appends if any(isinstance(e, MismatchFound) for e in append)]
    assert [type(event).__name__ for event in together[0]] == [
        "MismatchFound",
        "MismatchFound",
        "ForeignTradeFound",
        "TradesAgreed",
        "TradingStateChanged",
    ]
