"""A limit close is answered before anybody can force it: where its order rests, when the rest goes at the market."""

import pytest
from msgspec.structs import replace

from hedger.domain.policies.inputs import Cooldowns, Inputs, PriceRange
from hedger.domain.quote.quote import Quote
from hedger.domain.terms import OrderType, QuoteStatus
from tests.domain.given import (
    MARKET,
    NOW,
    POLICY,
    SYMBOL,
    Chain,
    ended,
    failed,
    filled,
    inputs,
    position,
    succeeded,
    summary,
    wad,
    when_decided,
)

C1, C2 = "t-7-c1", "t-7-c2"
DEADLINE = NOW + 86_400
COOLDOWNS = Cooldowns(force_cancel_s=300, force_cancel_close_s=300, force_close_first_s=300, force_close_second_s=120)
COUNTS_FROM = NOW + 300 - POLICY.force_close_lead_s


def seen(at: int, *, gap: str = "0.0003", high: str = "100", low: str = "100", bid: str = "99.9") -> Inputs:
    """What a decision sees at a time, with the venue's extremes since prices count."""
    reached = PriceRange(high=wad(high), low=wad(low), since=COUNTS_FROM)
    market = replace(MARKET, bid=wad(bid), mark=wad(bid))
    symbol = replace(SYMBOL, force_close_gap=wad(gap))
    return inputs(block_timestamp=at, symbol=symbol, cooldowns=COOLDOWNS, reached=reached, market=market)


def asked_to_close(chain: Chain, *, short: bool = False, price: str = "1020") -> Quote:
    """A limit close at a price where the spread is several ticks."""
    quote = position(chain, short=short)
    quote.advance([chain.close_requested(order_type=OrderType.LIMIT, price=price, deadline=DEADLINE)])
    return quote


def test_at_first_the_order_rests_at_the_price_with_the_full_spread() -> None:
    quote = asked_to_close(Chain())
    assert summary(when_decided(quote, seen(NOW + 1))) == ["order c1 sell 10 at 1020.6 reduce-only"]
    assert when_decided(quote, seen(COUNTS_FROM - 1)) == []


def test_before_prices_count_the_order_moves_to_the_near_side_of_the_price_that_forces() -> None:
    """A gap smaller than the spread: a price between the two would force the close without meeting our order."""
    quote = asked_to_close(Chain())
    when_decided(quote, seen(NOW + 1))
    assert summary(when_decided(quote, seen(COUNTS_FROM))) == ["cancel c1"]
    quote.advance([ended(C1, "0", "canceled")])
    # The gap is 0.306, the margin for the oracle 0.204: prices from 1020.102 on are taken for ones that force.
    assert summary(when_decided(quote, seen(COUNTS_FROM))) == ["order c2 sell 10 at 1020.1 reduce-only"]
    assert when_decided(quote, seen(NOW + 10_000)) == []


def test_a_short_moves_its_order_up_to_the_near_side() -> None:
    quote = asked_to_close(Chain(), short=True, price="80")
    assert summary(when_decided(quote, seen(NOW + 1, gap="0.003"))) == ["order c1 buy 10 at 79.9"]
    wide = seen(COUNTS_FROM, gap="0.0003")
    assert summary(when_decided(quote, wide)) == ["cancel c1"]
    quote.advance([ended(C1, "0", "canceled")])
    assert summary(when_decided(quote, wide)) == ["order c2 buy 10 at 80"]


def test_an_order_that_stands_on_the_near_side_already_stays_where_it_is() -> None:
    quote = asked_to_close(Chain())
    when_decided(quote, seen(NOW + 1, gap="0.01"))
    assert when_decided(quote, seen(COUNTS_FROM, gap="0.01")) == []


def test_an_unknown_gap_is_taken_for_none_and_the_order_rests_at_the_asked_price() -> None:
    quote = asked_to_close(Chain())
    assert summary(when_decided(quote, seen(COUNTS_FROM, gap="0"))) == ["order c1 sell 10 at 1020 reduce-only"]


def test_a_price_that_passed_the_reach_is_answered_at_the_market_with_the_users_price_honoured() -> None:
    """The exchange showed a price past the reach and our order was not met: the rest goes at the market at once."""
    chain = Chain()
    quote = asked_to_close(chain)
    when_decided(quote, seen(NOW + 1))
    quote.advance([filled(C1, "3", "1020.6")])
    when_decided(quote, seen(NOW + 2))
    fill = chain.close_filled("3", "1020.0897", QuoteStatus.CLOSE_PENDING)
    quote.advance([fill, succeeded("t-7-fill_close-1")])
    passed = seen(COUNTS_FROM + 5, high="1020.4", bid="1015")
    assert summary(when_decided(quote, passed)) == ["cancel c1"]
    quote.advance([ended(C1, "3", "canceled")])
    assert summary(when_decided(quote, passed)) == ["order c2 sell 7 reduce-only"]
    quote.advance([filled(C2, "7", "1014.9"), ended(C2, "7")])
    assert summary(when_decided(quote, passed)) == ["fill_close 7 at 1020"]


def test_a_short_passed_below_is_bought_back_at_the_market() -> None:
    quote = asked_to_close(Chain(), short=True, price="80")
    passed = seen(COUNTS_FROM + 5, low="79.9", bid="85")
    assert summary(when_decided(quote, passed)) == ["order c1 buy 10"]
    quote.advance([filled(C1, "10", "85.1"), ended(C1, "10")])
    assert summary(when_decided(quote, passed)) == ["fill_close 10 at 80"]


def test_prices_from_before_the_first_cooldown_force_nothing() -> None:
    quote = asked_to_close(Chain())
    when_decided(quote, seen(NOW + 1))
    assert when_decided(quote, seen(COUNTS_FROM - 1, high="1100")) == []


def test_a_market_close_can_never_be_forced_and_waits_for_its_price() -> None:
    chain = Chain()
    quote = position(chain)
    quote.advance([chain.close_requested(price="1020", deadline=DEADLINE)])
    assert when_decided(quote, seen(COUNTS_FROM + 5, high="1100")) == []


def test_without_cooldowns_or_prices_nothing_is_taken_for_passed() -> None:
    quote = asked_to_close(Chain())
    blind = replace(seen(COUNTS_FROM + 5), cooldowns=None, reached=None)
    assert summary(when_decided(quote, blind)) == ["order c1 sell 10 at 1020.6 reduce-only"]


def test_a_close_that_the_contract_refused_is_tried_sooner_where_it_could_be_forced() -> None:
    quote = asked_to_close(Chain())
    insolvent = "LibSolvency: Available balance is lower than zero"
    when_decided(quote, seen(COUNTS_FROM))
    quote.advance([filled(C1, "10", "1021"), ended(C1, "10")])
    at = COUNTS_FROM + 1
    for attempt in range(1, 4):
        asked = when_decided(quote, seen(at, bid="1021"))
        assert summary(asked)[:1] == ["fill_close 10 at 1020.4895"]
        quote.advance([failed(f"t-7-fill_close-{attempt}", insolvent, at=at)])
        at += 31
    assert summary(when_decided(quote, seen(at, bid="1021"))) == ["order r1 buy 10"]
    quote.advance([filled("t-7-r1", "10", "1021"), ended("t-7-r1", "10")])
    assert when_decided(quote, seen(at, bid="1021")) == []
    assert when_decided(quote, seen(at + POLICY.patience_close_s, bid="1021")) == []
    passed = seen(at + POLICY.patience_close_s, bid="1021", high="1021")
    assert summary(when_decided(quote, passed)) == ["order c2 sell 10 reduce-only"]


@pytest.mark.parametrize("quantity", ["10", "4"])
def test_a_forced_close_unwinds_exactly_what_was_closed(quantity: str) -> None:
    chain = Chain()
    quote = asked_to_close(chain)
    when_decided(quote, seen(NOW + 1))
    status = QuoteStatus.CLOSED if quantity == "10" else QuoteStatus.OPENED
    quote.advance([chain.force_closed(quantity, "1025", status)])
    assert summary(when_decided(quote, seen(NOW + 500))) == ["cancel c1"]
    quote.advance([ended(C1, "0", "canceled")])
    assert summary(when_decided(quote, seen(NOW + 500))) == [f"order u1 sell {quantity} reduce-only"]
