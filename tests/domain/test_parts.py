"""Openings and closes in parts: sizes that leave no rest too small, and the children that partial openings leave."""

import pytest
from msgspec.structs import replace

from hedger.domain.margins import Locked
from hedger.domain.policies import allocation
from hedger.domain.quote.onchain import OnChain, fillable, openable
from hedger.domain.quote.quote import Quote, Verdict
from hedger.domain.terms import OrderType, PositionType, QuoteStatus
from tests.domain.given import (
    ACCOUNT,
    BOOK,
    DEADLINE,
    MARKET,
    OTHER,
    POLICY,
    Chain,
    ended,
    failed,
    filled,
    given,
    inputs,
    later,
    position,
    succeeded,
    summary,
    wad,
    when_decided,
)

O1, O2, U1, C1 = "t-7-o1", "t-7-o2", "t-7-u1", "t-7-c1"
NEAR = inputs(block_timestamp=DEADLINE - 5)


def locked_limit(chain: Chain) -> Quote:
    quote = given(chain.sent(order_type=OrderType.LIMIT))
    when_decided(quote)
    quote.advance([chain.locked(), succeeded("t-7-lock-1")])
    when_decided(quote)
    return quote


# --- opening


def test_a_part_that_leaves_too_little_waits_for_the_rest_while_there_is_time() -> None:
    chain = Chain()
    quote = locked_limit(chain)
    quote.advance([filled(O1, "9.9"), ended(O1, "9.9", "expired")])
    assert summary(when_decided(quote, later(60))) == ["order o2 buy 0.1 at 100.9"]
    quote.advance([filled(O2, "0.1", "100.4"), ended(O2, "0.1")])
    assert summary(when_decided(quote, later(61))) == ["open 10 at 100.054002"]


def test_near_the_deadline_only_so_much_is_opened_that_the_rest_can_stand_and_what_is_over_is_unwound() -> None:
    chain = Chain()
    quote = locked_limit(chain)
    quote.advance([filled(O1, "9.9")])
    assert summary(when_decided(quote, NEAR)) == ["cancel o1"]
    quote.advance([ended(O1, "9.9", "canceled")])
    assert summary(when_decided(quote, NEAR)) == ["open 9.5 at 100.05"]
    quote.advance([chain.opened("9.5", "100.05"), succeeded("t-7-open-1")])
    assert summary(when_decided(quote, NEAR)) == ["order u1 sell 0.4 reduce-only"]
    quote.advance([filled(U1, "0.4"), ended(U1, "0.4")])
    assert when_decided(quote, NEAR) == []


def test_a_user_who_cancels_leaves_no_rest_so_all_that_is_filled_is_opened() -> None:
    chain = Chain()
    quote = locked_limit(chain)
    quote.advance([filled(O1, "9.9"), chain.cancel_requested(), ended(O1, "9.9", "canceled")])
    assert summary(when_decided(quote)) == ["open 9.9 at 100.05"]


def test_a_part_too_small_for_a_position_is_unwound_near_the_deadline_and_the_quote_released() -> None:
    chain = Chain()
    quote = locked_limit(chain)
    quote.advance([filled(O1, "0.4"), ended(O1, "0.4", "canceled")])
    assert summary(when_decided(quote, NEAR)) == ["order u1 sell 0.4 reduce-only"]
    quote.advance([filled(U1, "0.4"), ended(U1, "0.4")])
    assert summary(when_decided(quote, NEAR)) == ["unlock"]


def test_a_market_intent_is_opened_whole_or_not_at_all() -> None:
    chain = Chain()
    quote = given(chain.sent())
    when_decided(quote)
    quote.advance([chain.locked(), succeeded("t-7-lock-1")])
    when_decided(quote)
    quote.advance([filled(O1, "6"), ended(O1, "6", "expired")])
    assert summary(when_decided(quote)) == ["order o2 buy 4"]
    quote.advance([ended(O2, "0", "expired")])
    assert summary(when_decided(quote, NEAR)) == ["order u1 sell 6 reduce-only"]


# --- children


def test_the_child_of_a_partial_opening_is_an_intent_like_any_other() -> None:
    chain = Chain()
    child = given(replace(chain.sent(order_type=OrderType.LIMIT, quantity="5"), parent_id=3))
    assert summary(when_decided(child)) == ["lock"]
    child.advance([chain.locked(), succeeded("t-7-lock-1")])
    assert summary(when_decided(child)) == ["order o1 buy 5 at 100.9"]


def test_a_child_that_another_hedger_takes_costs_nothing() -> None:
    chain = Chain()
    child = given(replace(chain.sent(order_type=OrderType.LIMIT, quantity="5"), parent_id=3))
    when_decided(child)
    child.advance([chain.locked(by=OTHER)])
    child.advance([failed("t-7-lock-1", "PartyBFacet: Invalid state")])
    assert when_decided(child) == []
    child.advance([chain.opened("5", by=OTHER)])
    assert when_decided(child) == []


def test_a_child_born_cancelled_asks_for_nothing() -> None:
    chain = Chain()
    child = given(replace(chain.cancel_accepted(), parent_id=3))
    assert when_decided(child) == []
    assert child.verdict is Verdict.NONE


def test_the_parent_of_a_child_is_hedged_in_its_own_part_alone() -> None:
    chain = Chain()
    quote = locked_limit(chain)
    quote.advance([filled(O1, "4"), ended(O1, "4", "canceled")])
    assert summary(when_decided(quote, later(60))) == ["open 4 at 100.05"]
    quote.advance([chain.opened("4", "100.05"), succeeded("t-7-open-1")])
    assert when_decided(quote, later(60)) == []
    assert quote.chain is not None
    assert quote.chain.quantity == quote.hedge.quantity == wad("4")


# --- closing


def test_a_close_of_a_part_may_leave_dust_within_the_request() -> None:
    """The minimum is asked of what stays open only where the request covers everything."""
    chain = Chain()
    quote = position(chain)
    quote.advance([chain.close_requested(order_type=OrderType.LIMIT, price="102", quantity="5")])
    when_decided(quote)
    quote.advance([filled(C1, "4.99", "102.1")])
    assert summary(when_decided(quote)) == ["fill_close 4.99 at 102.04895"]


def test_a_cancel_of_a_close_fills_so_much_that_the_rest_can_stand_and_hedges_the_difference() -> None:
    chain = Chain()
    quote = position(chain)
    quote.advance([chain.close_requested(order_type=OrderType.LIMIT, price="102")])
    when_decided(quote)
    quote.advance([chain.close_cancel_requested(), filled(C1, "9.9", "102.1"), ended(C1, "9.9", "canceled")])
    assert summary(when_decided(quote)) == ["fill_close 9.497 at 102.04895"]
    part = chain.close_filled("9.497", "102.04895", QuoteStatus.OPENED)
    quote.advance([part, succeeded("t-7-fill_close-1")])
    assert summary(when_decided(quote)) == ["order r1 buy 0.403"]


# --- the sizes themselves


def facet(**changes: object) -> OnChain:
    quote = given(Chain().sent(order_type=OrderType.LIMIT))
    assert quote.chain is not None
    return replace(quote.chain, status=QuoteStatus.LOCKED, **changes)


@pytest.mark.parametrize(
    ("filled_quantity", "expected"),
    [("10", "10"), ("9.9", "9.5"), ("9.5", "9.5"), ("4", "4"), ("0.5", "0"), ("0", "0")],
)
def test_openable_is_the_most_that_leaves_both_parts_their_minimum(filled_quantity: str, expected: str) -> None:
    most = openable(
        facet(),
        wad(filled_quantity),
        wad("100"),
        min_quote_value=wad("5"),
        max_leverage=wad("60"),
        step=wad("0.001"),
    )
    assert most == wad(expected)


def test_a_quote_too_small_to_be_parted_is_opened_whole_or_not() -> None:
    small = facet(locked=Locked(cva=wad("4"), lf=wad("1"), party_a_mm=wad("4")))
    whole, part = (
        openable(small, wad(each), wad("101"), min_quote_value=wad("5"), max_leverage=wad("600"), step=wad("0.001"))
        for each in ("10", "5")
    )
    assert (whole, part) == (wad("10"), 0)


def test_nothing_can_be_filled_where_no_close_is_asked_for() -> None:
    assert fillable(facet(), wad("1"), min_quote_value=wad("5"), step=wad("0.001")) == 0


# --- what locks and openings take


def test_a_short_opened_better_than_asked_locks_more_and_is_allocated_for() -> None:
    short = given(Chain().sent(position=PositionType.SHORT, price="50"))
    told = when_decided(short, inputs(market=replace(MARKET, bid=wad("100"), ask=wad("100.1"))))
    expected = wad("100") * 9995 // 10000
    locked = Locked(cva=wad("10"), lf=wad("5")).scaled(expected, wad("50")).total_b
    assert told[-1].call.allocate == locked + wad("500") // 20  # type: ignore[attr-defined]


def test_the_caps_see_the_notional_at_which_a_short_would_open() -> None:
    short = given(Chain().sent(position=PositionType.SHORT, price="50"))
    narrow = replace(POLICY, cap_total=wad("600"))
    told = when_decided(short, policy=narrow)
    assert [rule.rule for rule in told[0].rules if not rule.passed] == ["cap_total"]  # type: ignore[attr-defined]


def test_a_lock_under_way_for_the_same_party_a_is_counted_as_taken() -> None:
    quote = given(Chain().sent())
    assert quote.chain is not None
    alone = allocation.for_lock(quote.chain, ACCOUNT, BOOK, POLICY, price=wad("100"))
    claimed = replace(BOOK, account_claims=wad("15"))
    assert allocation.for_lock(quote.chain, ACCOUNT, claimed, POLICY, price=wad("100")) == alone + wad("15")
