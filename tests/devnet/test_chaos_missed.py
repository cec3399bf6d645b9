"""What is held against a hedger: duties it had time for, and nothing that something kept it from."""

from decimal import Decimal
from typing import Any

import pytest

from devnet.chaos.missed import Listed, judged, liquidated_meanwhile, missed, suffered
from devnet.chaos.record import ChainEvent
from devnet.chaos.timeline import Timeline
from hedger.domain.money import WAD
from hedger.domain.terms import OrderType, PositionType

A, B, OTHER = "0xA1", "0xB1", "0xB2"
HEDGERS, LISTED = {B.lower(): "proxy"}, {7: Listed("BTCUSDT", PositionType.LONG)}


class Clock:
    """The chain's time, moved by hand."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


def hindered(timeline: Timeline, clock: Clock, begin: float, end: float, why: str = "down") -> None:
    clock.now = begin
    with timeline.hindered(why, "proxy"):
        clock.now = end


def priced(timeline: Timeline, clock: Clock, *prices: tuple[float, str]) -> None:
    for clock.now, price in prices:
        timeline.note_prices({"BTCUSDT": Decimal(price)})


def event(name: str, at: int, **values: Any) -> ChainEvent:
    return ChainEvent(name, at, {"quoteId": 7, "partyA": A, "partyB": B, **values})


def cancel_forced(party_b: str = B) -> list[ChainEvent]:
    return [event("RequestToCancelQuote", 100, partyB=party_b), ChainEvent("ForceCancelQuote", 120, {"quoteId": 7})]


def close(order_type: OrderType, price: int, end: ChainEvent) -> list[ChainEvent]:
    terms = {"orderType": int(order_type), "closePrice": price * WAD, "deadline": 130}
    return [event("RequestToClosePosition", 100, **terms), end]


def told(events: list[ChainEvent], timeline: Timeline) -> list[tuple[str, float]]:
    found = missed(judged(suffered(events), timeline, HEDGERS, LISTED), liquidated_meanwhile(events))
    return [(each.suffered.duty, each.free_s) for each in found]


def test_a_forced_cancel_is_missed_where_nothing_hindered(clock: Clock) -> None:
    assert told(cancel_forced(), Timeline(clock)) == [("force cancel", 20)]


@pytest.mark.parametrize(("begin", "end", "free_s"), [(95, 109, 11), (111, 125, 11), (104, 116, None), (95, 125, None)])
def test_a_forced_cancel_is_excused_where_no_free_time_was_long_enough(
    clock: Clock, begin: float, end: float, free_s: float | None
) -> None:
    timeline = Timeline(clock)
    hindered(timeline, clock, begin, end)
    assert told(cancel_forced(), timeline) == ([] if free_s is None else [("force cancel", free_s)])


def test_hindrances_that_overlap_count_together(clock: Clock) -> None:
    timeline = Timeline(clock)
    hindered(timeline, clock, 99, 107)
    hindered(timeline, clock, 102, 104, "venue")
    hindered(timeline, clock, 106, 111, "oracle")
    assert timeline.free_stretches("proxy", 100, 120) == [(111, 120)]
    assert told(cancel_forced(), timeline) == []


def test_what_still_hinders_has_no_end(clock: Clock) -> None:
    timeline = Timeline(clock)
    clock.now = 108
    timeline.begin("proxy", "down")
    assert timeline.free_stretches("proxy", 100, 120) == [(100, 108)]


def test_what_befalls_another_hedger_is_not_ours(clock: Clock) -> None:
    assert told(cancel_forced(OTHER), Timeline(clock)) == []


def test_a_duty_towards_a_liquidated_account_is_excused(clock: Clock) -> None:
    events = [*cancel_forced(), event("LiquidatePartyA", 110)]
    assert told(events, Timeline(clock)) == []
    assert told([*cancel_forced(), event("LiquidatePartyA", 121)], Timeline(clock)) == [("force cancel", 20)]


def test_a_forced_close_is_missed_where_its_price_was_there_long_enough(clock: Clock) -> None:
    timeline, events = Timeline(clock), close(OrderType.LIMIT, 100, event("ForceClosePosition", 125))
    priced(timeline, clock, (100, "99"), (105, "101"), (110, "101"), (116, "101"), (120, "99"))
    assert told(events, timeline) == [("force close", 11)]


def test_a_price_that_was_there_for_a_moment_or_too_narrowly_is_no_duty(clock: Clock) -> None:
    timeline, events = Timeline(clock), close(OrderType.LIMIT, 100, event("ForceClosePosition", 125))
    priced(timeline, clock, *((100 + 2 * step, "100.2" if step % 2 else "103") for step in range(12)))
    assert told(events, timeline) == []


def test_a_market_close_that_expired_is_missed_and_one_taken_back_or_limited_is_not(clock: Clock) -> None:
    timeline, expired = Timeline(clock), ChainEvent("ExpireQuoteClose", 140, {"quoteId": 7})
    priced(timeline, clock, *((100 + second, "103") for second in range(40)))
    assert told(close(OrderType.MARKET, 100, expired), timeline) == [("market close", 30)]
    assert told(close(OrderType.MARKET, 103, expired), timeline) == []
    assert told(close(OrderType.LIMIT, 100, expired), timeline) == []
    taken_back = [*close(OrderType.MARKET, 100, event("RequestToCancelCloseRequest", 105)), expired]
    assert told(taken_back, timeline) == []


def test_a_cancel_of_a_close_that_was_forced_is_missed(clock: Clock) -> None:
    forced = ChainEvent("ForceCancelCloseRequest", 118, {"quoteId": 7})
    assert told([event("RequestToCancelCloseRequest", 100), forced], Timeline(clock)) == [
        ("force cancel of a close", 18)
    ]
