"""From the close request to the closed position, row by row of what the quote must do."""

import pytest
from msgspec.structs import replace

from hedger.domain.terms import OrderType, QuoteStatus
from tests.domain.given import (
    ACCOUNT,
    BOOK,
    DEADLINE,
    MARKET,
    NOW,
    Chain,
    ended,
    failed,
    filled,
    inputs,
    later,
    position,
    refused_order,
    succeeded,
    summary,
    wad,
    when_decided,
)

C1, C2, C3 = "t-7-c1", "t-7-c2", "t-7-c3"


def test_a_market_close_reduces_at_market_and_fills_all_at_once() -> None:
    chain = Chain()
    quote = position(chain)
    quote.advance([chain.close_requested()])
    assert summary(when_decided(quote)) == ["order c1 sell 10 reduce-only"]
    quote.advance([filled(C1, "6", "99.9")])
    assert when_decided(quote) == []
    quote.advance([filled(C1, "4", "99.9", "2"), ended(C1, "10")])
    assert summary(when_decided(quote)) == ["fill_close 10 at 99.85005"]


def test_a_fill_of_a_close_in_profit_allocates_what_party_b_must_pay() -> None:
    chain = Chain()
    quote = position(chain)
    quote.advance([chain.close_requested(order_type=OrderType.LIMIT, price="120")])
    when_decided(quote)
    quote.advance([filled(C1, "10", "121"), ended(C1, "10")])
    poor = replace(ACCOUNT, party_b_allocated=wad("65.5"))
    told = when_decided(quote, inputs(account=poor))
    assert summary(told) == ["fill_close 10 at 120.9395"]
    profit = (wad("120.9395") - wad("100.5")) * 10
    assert told[-1].call.allocate >= profit - wad("65.5")  # type: ignore[attr-defined]


def test_a_market_close_of_a_short_buys_back() -> None:
    chain = Chain()
    quote = position(chain, short=True)
    quote.advance([chain.close_requested(price="101")])
    assert summary(when_decided(quote)) == ["order c1 buy 10"]
    quote.advance([filled(C1, "10", "100"), ended(C1, "10")])
    assert summary(when_decided(quote)) == ["fill_close 10 at 100.05"]


def test_a_market_close_waits_while_its_price_is_out_of_reach() -> None:
    chain = Chain()
    quote = position(chain)
    quote.advance([chain.close_requested(price="99.95")])
    assert when_decided(quote) == []
    better = inputs(market=type(MARKET)(bid=wad("100.1"), ask=wad("100.2"), mark=wad("100.1"), funding_rate=0, at_ms=0))
    assert summary(when_decided(quote, better)) == ["order c1 sell 10 reduce-only"]


def test_a_market_close_is_not_placed_on_a_stale_price() -> None:
    chain = Chain()
    quote = position(chain)
    quote.advance([chain.close_requested()])
    assert when_decided(quote, inputs(venue_time_ms=100_000)) == []


def test_a_limit_close_rests_reduce_only_and_each_fill_is_filled_on_chain() -> None:
    chain = Chain()
    quote = position(chain)
    quote.advance([chain.close_requested(order_type=OrderType.LIMIT, price="102")])
    assert summary(when_decided(quote)) == ["order c1 sell 10 at 102.1 reduce-only"]
    quote.advance([filled(C1, "3", "102.1")])
    assert summary(when_decided(quote)) == ["fill_close 3 at 102.04895"]
    quote.advance([filled(C1, "2", "102.1", "2")])
    assert when_decided(quote) == []
    quote.advance([chain.close_filled("3", "102.04895", QuoteStatus.CLOSE_PENDING), succeeded("t-7-fill_close-1")])
    assert summary(when_decided(quote)) == ["fill_close 2 at 102.04895"]
    quote.advance([chain.close_filled("2", "102.04895", QuoteStatus.CLOSE_PENDING), succeeded("t-7-fill_close-2")])
    quote.advance([filled(C1, "5", "102.2", "3"), ended(C1, "10")])
    assert summary(when_decided(quote)) == ["fill_close 5 at 102.1489"]
    quote.advance([chain.close_filled("5"), succeeded("t-7-fill_close-3")])
    assert when_decided(quote) == []
    assert quote.hedge.quantity == 0


def test_of_a_part_that_would_leave_too_little_only_so_much_is_filled_that_the_rest_can_stand() -> None:
    chain = Chain()
    quote = position(chain)
    quote.advance([chain.close_requested(order_type=OrderType.LIMIT, price="102")])
    when_decided(quote)
    quote.advance([filled(C1, "9.9", "102.1")])
    assert summary(when_decided(quote)) == ["fill_close 9.497 at 102.04895"]
    part = chain.close_filled("9.497", "102.04895", QuoteStatus.CLOSE_PENDING)
    quote.advance([part, succeeded("t-7-fill_close-1")])
    assert when_decided(quote) == []
    quote.advance([filled(C1, "0.1", "102.3", "2"), ended(C1, "10")])
    assert summary(when_decided(quote)) == ["fill_close 0.503 at 102.088691550695825049"]


def test_a_rest_that_never_fills_is_given_up_at_the_deadline_with_little_to_hedge_again() -> None:
    chain = Chain()
    quote = position(chain)
    quote.advance([chain.close_requested(order_type=OrderType.LIMIT, price="102", deadline=NOW + 60)])
    when_decided(quote)
    quote.advance([filled(C1, "9.9", "102.1")])
    when_decided(quote)
    part = chain.close_filled("9.497", "102.04895", QuoteStatus.CLOSE_PENDING)
    quote.advance([part, succeeded("t-7-fill_close-1")])
    assert summary(when_decided(quote, later(58))) == ["cancel c1"]
    quote.advance([ended(C1, "9.9", "canceled")])
    assert summary(when_decided(quote, later(61))) == ["order r1 buy 0.403", "expire"]


def test_what_an_order_may_still_take_back_is_not_filled_on_chain() -> None:
    """A close expired with part of it reduced; while that is hedged again, the next close finds nothing done yet."""
    chain = Chain()
    quote = position(chain)
    quote.advance([chain.close_requested(order_type=OrderType.LIMIT, price="102")])
    when_decided(quote)
    quote.advance([filled(C1, "4", "102.1"), ended(C1, "4", "canceled"), chain.close_expired()])
    assert summary(when_decided(quote)) == ["order r1 buy 4"]
    quote.advance([chain.close_requested(order_type=OrderType.LIMIT, price="102", close_id=2)])
    assert when_decided(quote) == []
    quote.advance([filled("t-7-r1", "1"), ended("t-7-r1", "1", "expired")])
    assert summary(when_decided(quote))[0].startswith("fill_close 3 ")


def test_the_closed_price_is_never_worse_than_the_request() -> None:
    chain = Chain()
    quote = position(chain)
    quote.advance([chain.close_requested(price="99")])
    when_decided(quote)
    quote.advance([filled(C1, "10", "98"), ended(C1, "10")])
    assert summary(when_decided(quote)) == ["fill_close 10 at 99"]


def test_a_cancel_of_the_close_before_any_fill_is_accepted() -> None:
    chain = Chain()
    quote = position(chain)
    quote.advance([chain.close_requested(order_type=OrderType.LIMIT, price="102")])
    when_decided(quote)
    quote.advance([chain.close_cancel_requested()])
    assert summary(when_decided(quote)) == ["cancel c1"]
    quote.advance([ended(C1, "0", "canceled")])
    assert summary(when_decided(quote)) == ["accept_cancel_close"]


def test_a_cancel_of_the_close_after_a_part_fills_that_part() -> None:
    chain = Chain()
    quote = position(chain)
    quote.advance([chain.close_requested(order_type=OrderType.LIMIT, price="102")])
    when_decided(quote)
    quote.advance([chain.close_cancel_requested(), filled(C1, "4", "102.1")])
    when_decided(quote)
    quote.advance([ended(C1, "4", "canceled")])
    assert summary(when_decided(quote)) == ["fill_close 4 at 102.04895"]


def test_a_forced_cancel_of_the_close_hedges_again_what_was_reduced() -> None:
    chain = Chain()
    quote = position(chain)
    quote.advance([chain.close_requested(order_type=OrderType.LIMIT, price="102")])
    when_decided(quote)
    quote.advance([chain.close_cancel_requested(), chain.close_cancel_forced()])
    assert summary(when_decided(quote)) == ["cancel c1"]
    quote.advance([filled(C1, "4", "102.1"), ended(C1, "4", "canceled")])
    assert summary(when_decided(quote)) == ["order r1 buy 4"]


def test_past_its_deadline_the_close_stops_is_hedged_again_and_expires() -> None:
    chain = Chain()
    quote = position(chain)
    quote.advance([chain.close_requested(order_type=OrderType.LIMIT, price="102", deadline=NOW + 60)])
    when_decided(quote)
    quote.advance([filled(C1, "0.02", "102.1")])
    past = later(61)
    assert summary(when_decided(quote, past)) == ["cancel c1", "expire"]
    quote.advance([filled(C1, "3.98", "102.1", "2"), ended(C1, "4", "canceled")])
    assert when_decided(quote, past) == []
    quote.advance([chain.close_expired(), succeeded("t-7-expire-1")])
    assert summary(when_decided(quote, past)) == ["order r1 buy 4"]
    quote.advance([filled("t-7-r1", "4"), ended("t-7-r1", "4")])
    assert when_decided(quote, past) == []


def test_an_expired_close_leaves_a_hedged_position() -> None:
    chain = Chain()
    quote = position(chain)
    quote.advance([chain.close_requested(order_type=OrderType.LIMIT, price="102")])
    when_decided(quote)
    quote.advance([chain.close_expired()])
    assert summary(when_decided(quote)) == ["cancel c1"]
    quote.advance([ended(C1, "0", "canceled")])
    assert when_decided(quote) == []


def test_a_partial_close_leaves_the_rest_open_and_hedged() -> None:
    chain = Chain()
    quote = position(chain)
    quote.advance([chain.close_requested(quantity="4")])
    assert summary(when_decided(quote)) == ["order c1 sell 4 reduce-only"]
    quote.advance([filled(C1, "4", "100"), ended(C1, "4")])
    assert summary(when_decided(quote)) == ["fill_close 4 at 99.95"]
    quote.advance([chain.close_filled("4", "99.95", QuoteStatus.OPENED), succeeded("t-7-fill_close-1")])
    assert when_decided(quote) == []
    assert quote.chain is not None
    assert quote.chain.open_quantity == quote.hedge.quantity == wad("6")


def test_a_refused_reducing_order_is_asked_again_for_as_long_as_it_takes() -> None:
    chain = Chain()
    quote = position(chain)
    quote.advance([chain.close_requested(deadline=DEADLINE * 2)])
    when_decided(quote)
    at = NOW + 1
    for attempt in range(1, 12):
        quote.advance([refused_order(f"t-7-c{attempt}", "-1001")])
        assert when_decided(quote, inputs(block_timestamp=at)) == []
        at += 31
        assert summary(when_decided(quote, inputs(block_timestamp=at))) == [f"order c{attempt + 1} sell 10 reduce-only"]


def test_reduce_only_is_left_out_where_the_account_nets_to_less() -> None:
    chain = Chain()
    quote = position(chain)
    quote.advance([chain.close_requested()])
    netted = replace(BOOK, symbol_long_hedge=wad("10"), symbol_short_hedge=wad("8"))
    assert summary(when_decided(quote, inputs(book=netted))) == ["order c1 sell 10"]


NETTED = inputs(book=replace(BOOK, symbol_long_hedge=wad("10"), symbol_short_hedge=wad("10")))


def test_a_close_under_the_minimum_notional_is_reduced_where_it_can_be_reduce_only() -> None:
    chain = Chain()
    quote = position(chain)
    quote.advance([chain.close_requested(quantity="0.04")])
    assert summary(when_decided(quote)) == ["order c1 sell 0.04 reduce-only"]


def test_a_close_that_the_venue_takes_in_no_order_is_filled_once_its_price_is_reached() -> None:
    chain = Chain()
    quote = position(chain)
    quote.advance([chain.close_requested(quantity="0.04", price="101", order_type=OrderType.LIMIT)])
    assert when_decided(quote, NETTED) == []
    risen = replace(NETTED, market=replace(MARKET, bid=wad("101.2"), ask=wad("101.3"), mark=wad("101.2")))
    assert summary(when_decided(quote, risen)) == ["fill_close 0.04 at 101.1494"]


def test_a_market_close_whose_last_crumb_the_venue_does_not_take_is_filled_whole() -> None:
    chain = Chain()
    quote = position(chain)
    quote.advance([chain.close_requested()])
    when_decided(quote, NETTED)
    quote.advance([filled(C1, "9.96", "100"), ended(C1, "9.96", "expired")])
    assert summary(when_decided(quote, NETTED)) == ["fill_close 10 at 99.9496002"]
    quote.advance([chain.close_filled("10", "99.9496002"), succeeded("t-7-fill_close-1")])
    assert when_decided(quote, NETTED) == []
    assert quote.hedge.quantity == wad("0.04")


def test_a_resting_close_is_not_reduce_only_beside_hedges_of_the_other_side() -> None:
    chain = Chain()
    quote = position(chain)
    quote.advance([chain.close_requested(order_type=OrderType.LIMIT, price="102")])
    mixed = replace(BOOK, symbol_long_hedge=wad("100"), symbol_short_hedge=wad("1"))
    assert summary(when_decided(quote, inputs(book=mixed))) == ["order c1 sell 10 at 102.1"]


@pytest.mark.parametrize("reason", ["LibMuon: TSS not verified", "LibMuon: Expired signature"])
def test_a_fill_whose_signature_was_spoilt_is_asked_again_at_once(reason: str) -> None:
    chain = Chain()
    quote = position(chain)
    quote.advance([chain.close_requested()])
    when_decided(quote)
    quote.advance([filled(C1, "10", "100"), ended(C1, "10")])
    when_decided(quote)
    quote.advance([failed("t-7-fill_close-1", reason, at=NOW + 1)])
    assert summary(when_decided(quote)) == ["fill_close 10 at 99.95"]


def test_a_late_fill_of_an_ended_quote_is_unwound() -> None:
    chain = Chain()
    quote = position(chain)
    quote.advance([chain.close_requested()])
    when_decided(quote)
    quote.advance([filled(C1, "10", "100"), ended(C1, "10"), chain.close_filled("10")])
    assert when_decided(quote) == []
    quote.advance([filled("t-7-o1", "1", "100", "late")])
    assert summary(when_decided(quote)) == ["order u1 sell 1 reduce-only"]
