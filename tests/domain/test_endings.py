"""What ends a position or changes it from outside: liquidation, emergency, pauses, suspension, funding, settlement."""

import pytest
from msgspec.structs import replace

from hedger.domain.events import Event
from hedger.domain.policies.inputs import Inputs
from hedger.domain.quote import events
from hedger.domain.quote.quote import Verdict
from hedger.domain.terms import EmergencyClose, OrderType, QuoteStatus, TradingState
from tests.domain.given import (
    ACCOUNT,
    NOW,
    POLICY,
    SYMBOL,
    Chain,
    ended,
    failed,
    filled,
    given,
    inputs,
    later,
    position,
    refused_order,
    succeeded,
    summary,
    wad,
    when_decided,
)

O1, C1, U1, R1 = "t-7-o1", "t-7-c1", "t-7-u1", "t-7-r1"
DELISTED = inputs(symbol=replace(SYMBOL, is_valid=False))
SYSTEM_EMERGENCY = inputs(paused=("emergency",))
OUR_EMERGENCY = inputs(paused=("party_b_emergency",))
PAUSED = inputs(paused=("party_b_actions",))
ALWAYS = replace(POLICY, emergency_close=EmergencyClose.ALWAYS)
ONLY_DELISTED = replace(POLICY, emergency_close=EmergencyClose.DELISTED)


# --- liquidation


def test_a_liquidated_position_has_its_hedge_unwound_at_once() -> None:
    chain = Chain()
    quote = position(chain)
    quote.advance([chain.liquidated()])
    assert summary(when_decided(quote)) == ["order u1 sell 10 reduce-only"]
    quote.advance([filled(U1, "10"), ended(U1, "10")])
    assert when_decided(quote) == []


def test_a_liquidation_in_the_middle_of_a_close_unwinds_only_what_was_still_open() -> None:
    """The fill under way can no longer succeed, so the hedge does not wait for its outcome."""
    chain = Chain()
    quote = position(chain)
    quote.advance([chain.close_requested(order_type=OrderType.LIMIT, price="102")])
    when_decided(quote)
    quote.advance([filled(C1, "4", "102.1")])
    assert summary(when_decided(quote)) == ["fill_close 4 at 102.04895"]
    quote.advance([chain.liquidated()])
    assert summary(when_decided(quote)) == ["cancel c1"]
    quote.advance([ended(C1, "4", "canceled")])
    assert summary(when_decided(quote)) == ["order u1 sell 6 reduce-only"]


def test_an_unwinding_that_the_venue_refuses_is_asked_for_until_it_is_done() -> None:
    chain = Chain()
    quote = position(chain)
    quote.advance([chain.liquidated()])
    when_decided(quote)
    for attempt in range(1, 10):
        quote.advance([refused_order(f"t-7-u{attempt}")])
        assert summary(when_decided(quote, later(60 * attempt))) == [f"order u{attempt + 1} sell 10 reduce-only"]


def test_a_locked_quote_that_ends_with_a_liquidation_gives_up_its_order_and_what_it_filled() -> None:
    chain = Chain()
    quote = given(chain.sent(order_type=OrderType.LIMIT))
    when_decided(quote)
    quote.advance([chain.locked(), succeeded("t-7-lock-1")])
    when_decided(quote)
    quote.advance([filled(O1, "3"), chain.pending_liquidated()])
    assert summary(when_decided(quote)) == ["cancel o1"]
    quote.advance([ended(O1, "3", "canceled")])
    assert summary(when_decided(quote)) == ["order u1 sell 3 reduce-only"]


# --- emergency


def test_an_emergency_close_by_the_contract_unwinds_the_hedge() -> None:
    chain = Chain()
    quote = position(chain)
    quote.advance([chain.emergency_closed()])
    assert summary(when_decided(quote)) == ["order u1 sell 10 reduce-only"]


@pytest.mark.parametrize("seen", [DELISTED, SYSTEM_EMERGENCY, OUR_EMERGENCY])
def test_nothing_is_closed_unasked_unless_the_policy_says_so(seen: Inputs) -> None:
    assert when_decided(position(Chain()), seen) == []


def test_delisted_alone_is_not_emergency_mode() -> None:
    quote = position(Chain())
    assert when_decided(quote, SYSTEM_EMERGENCY, ONLY_DELISTED) == []
    assert summary(when_decided(quote, DELISTED, ONLY_DELISTED)) == ["order u1 sell 10 reduce-only"]


@pytest.mark.parametrize("seen", [DELISTED, SYSTEM_EMERGENCY, OUR_EMERGENCY])
def test_the_hedge_is_taken_back_before_a_position_is_closed_in_an_emergency(seen: Inputs) -> None:
    chain = Chain()
    quote = position(chain)
    assert summary(when_decided(quote, seen, ALWAYS)) == ["order u1 sell 10 reduce-only"]
    quote.advance([filled(U1, "10"), ended(U1, "10")])
    told = when_decided(quote, seen, ALWAYS)
    assert summary(told) == ["emergency_close 10 at 0"]
    assert told[-1].call.allocate > 0  # type: ignore[attr-defined]
    quote.advance([chain.emergency_closed(), succeeded("t-7-emergency_close-1")])
    assert when_decided(quote, seen, ALWAYS) == []


def test_a_close_request_in_an_emergency_ends_with_the_whole_position_closed() -> None:
    chain = Chain()
    quote = position(chain)
    quote.advance([chain.close_requested(order_type=OrderType.LIMIT, price="102", quantity="4")])
    when_decided(quote)
    assert summary(when_decided(quote, SYSTEM_EMERGENCY, ALWAYS)) == ["cancel c1"]
    quote.advance([ended(C1, "0", "canceled")])
    assert summary(when_decided(quote, SYSTEM_EMERGENCY, ALWAYS)) == ["order u1 sell 10 reduce-only"]


def test_an_emergency_that_is_over_before_the_close_has_the_position_hedged_again() -> None:
    quote = position(Chain())
    when_decided(quote, SYSTEM_EMERGENCY, ALWAYS)
    quote.advance([filled(U1, "10"), ended(U1, "10")])
    assert summary(when_decided(quote, policy=ALWAYS)) == ["order r1 buy 10"]


def test_an_emergency_close_that_the_contract_keeps_refusing_is_left_to_a_person_and_hedged_again() -> None:
    quote = position(Chain())
    when_decided(quote, DELISTED, ALWAYS)
    quote.advance([filled(U1, "10"), ended(U1, "10")])
    at = NOW + 1
    for attempt in range(1, ALWAYS.retry.open_attempts + 1):
        asked = when_decided(quote, replace(DELISTED, block_timestamp=at), ALWAYS)
        assert summary(asked) == ["emergency_close 10 at 0"]
        quote.advance([failed(f"t-7-emergency_close-{attempt}", "PartyBFacet: PartyA is insolvent", at=at)])
        at += 31
    assert summary(when_decided(quote, replace(DELISTED, block_timestamp=at), ALWAYS)) == ["order r1 buy 10"]


def test_an_emergency_is_not_begun_while_the_contract_takes_nothing() -> None:
    assert when_decided(position(Chain()), inputs(paused=("emergency", "global")), ALWAYS) == []


# --- pauses and suspension


def test_a_paused_contract_gets_no_new_lock() -> None:
    quote = given(Chain().sent())
    when_decided(quote, PAUSED)
    assert quote.verdict is Verdict.REJECTED


def test_while_paused_the_opening_order_is_taken_back_and_none_is_placed() -> None:
    chain = Chain()
    quote = given(chain.sent(order_type=OrderType.LIMIT))
    when_decided(quote)
    quote.advance([chain.locked(), succeeded("t-7-lock-1")])
    when_decided(quote)
    assert summary(when_decided(quote, PAUSED)) == ["cancel o1"]
    quote.advance([ended(O1, "0", "canceled")])
    assert when_decided(quote, PAUSED) == []
    assert summary(when_decided(quote, later(60))) == ["order o2 buy 10 at 100.9"]


def test_while_paused_a_close_is_not_begun_and_what_is_reduced_is_hedged_again() -> None:
    chain = Chain()
    quote = position(chain)
    quote.advance([chain.close_requested(order_type=OrderType.LIMIT, price="102")])
    when_decided(quote)
    quote.advance([filled(C1, "0.02", "102.1")])
    when_decided(quote)
    quote.advance([failed("t-7-fill_close-1", "Pausable: PartyB actions paused")])
    assert summary(when_decided(quote, PAUSED)) == ["cancel c1"]
    quote.advance([filled(C1, "3.98", "102.1", "2"), ended(C1, "4", "canceled")])
    assert summary(when_decided(quote, PAUSED)) == ["order r1 buy 4"]
    quote.advance([filled(R1, "4"), ended(R1, "4")])
    assert when_decided(quote, PAUSED) == []
    assert summary(when_decided(quote)) == ["order c2 sell 10 at 102.1 reduce-only"]


def test_a_cancel_of_a_close_while_paused_waits_hedged() -> None:
    chain = Chain()
    quote = position(chain)
    quote.advance([chain.close_requested(order_type=OrderType.LIMIT, price="102")])
    when_decided(quote)
    quote.advance([filled(C1, "4", "102.1"), ended(C1, "4", "canceled"), chain.close_cancel_requested()])
    assert summary(when_decided(quote, PAUSED)) == ["order r1 buy 4"]


@pytest.mark.parametrize("reason", ["PartyBFacet: PartyA is suspended", "PartyBFacet: Symbol is not valid"])
def test_a_party_a_suspended_or_a_symbol_delisted_after_the_lock_ends_the_quote(reason: str) -> None:
    chain = Chain()
    quote = given(chain.sent())
    when_decided(quote)
    quote.advance([chain.locked(), succeeded("t-7-lock-1")])
    when_decided(quote)
    quote.advance([filled(O1, "10"), ended(O1, "10")])
    when_decided(quote)
    quote.advance([failed("t-7-open-1", reason)])
    assert summary(when_decided(quote)) == ["order u1 sell 10 reduce-only"]
    quote.advance([filled(U1, "10"), ended(U1, "10")])
    assert summary(when_decided(quote)) == ["unlock"]


def test_a_suspended_party_a_may_still_close() -> None:
    chain = Chain()
    quote = position(chain)
    quote.advance([chain.close_requested()])
    suspended = inputs(account=replace(ACCOUNT, party_a_suspended=True))
    assert summary(when_decided(quote, suspended)) == ["order c1 sell 10 reduce-only"]


# --- funding and settlement


def test_funding_and_settlement_move_the_opened_price_and_need_no_trade() -> None:
    chain = Chain()
    quote = position(chain)
    quote.advance([chain.funding_charged("0.001")])
    assert when_decided(quote) == []
    assert quote.chain is not None
    assert quote.chain.opened_price == wad("100.6005")
    quote.advance([chain.price_settled("103")])
    assert when_decided(quote) == []
    assert (quote.chain.opened_price, quote.chain.initial_opened_price) == (wad("103"), wad("100.5"))


def test_a_close_after_a_settlement_pays_the_profit_from_the_settled_price() -> None:
    chain = Chain()
    quote = position(chain)
    quote.advance([chain.price_settled("119"), chain.close_requested(order_type=OrderType.LIMIT, price="120")])
    when_decided(quote)
    quote.advance([filled(C1, "10", "121"), ended(C1, "10")])
    poor = replace(ACCOUNT, party_b_allocated=wad("15"), party_b_locked=quote.chain.locked)  # type: ignore[union-attr]
    dear = inputs(account=poor, market=replace(inputs().market, mark=wad("121")))  # type: ignore[type-var]
    told = when_decided(quote, dear)
    assert told[-1].call.allocate == (wad("120.9395") - wad("119")) * 10 - wad("15") + wad("1190") // 20  # type: ignore[attr-defined]


# --- trading states


@pytest.mark.parametrize("ending", ["liquidated", "emergency_closed", "force_closed"])
def test_reducing_still_unwinds_and_halted_sends_nothing(ending: str) -> None:
    chain = Chain()
    quote = position(chain)
    quote.advance([getattr(chain, ending)()])
    assert when_decided(quote, inputs(trading_state=TradingState.HALTED)) == []
    reducing = inputs(trading_state=TradingState.REDUCING)
    assert summary(when_decided(quote, reducing)) == ["order u1 sell 10 reduce-only"]


def test_reducing_takes_a_working_opening_order_back_and_opens_what_it_filled() -> None:
    chain = Chain()
    quote = given(chain.sent(order_type=OrderType.LIMIT))
    when_decided(quote)
    quote.advance([chain.locked(), succeeded("t-7-lock-1")])
    when_decided(quote)
    quote.advance([filled(O1, "4")])
    reducing = inputs(trading_state=TradingState.REDUCING)
    assert summary(when_decided(quote, reducing)) == ["cancel o1"]
    quote.advance([ended(O1, "4", "canceled")])
    assert summary(when_decided(quote, reducing)) == ["open 4 at 100.05"]


def test_reducing_answers_a_close_and_hedges_again_what_it_left_reduced() -> None:
    chain = Chain()
    quote = position(chain)
    quote.advance([chain.close_requested(order_type=OrderType.LIMIT, price="102")])
    reducing = inputs(trading_state=TradingState.REDUCING)
    assert summary(when_decided(quote, reducing)) == ["order c1 sell 10 at 102.1 reduce-only"]
    quote.advance([filled(C1, "4", "102.1"), ended(C1, "4", "canceled"), chain.close_expired()])
    assert summary(when_decided(quote, reducing)) == ["order r1 buy 4"]


# --- closes that the contract refuses

INSOLVENT = "LibSolvency: Available balance is lower than zero"


def test_a_close_that_party_a_cannot_pay_is_not_begun_until_it_can() -> None:
    chain = Chain()
    quote = position(chain)
    quote.advance([chain.close_requested(price="80")])
    fallen = replace(inputs().market, bid=wad("85"), ask=wad("85.1"), mark=wad("85"))  # type: ignore[type-var]
    poor = inputs(market=fallen, account=replace(ACCOUNT, party_a_allocated=wad("150")))
    assert when_decided(quote, poor) == []
    able = inputs(market=fallen, account=replace(ACCOUNT, party_a_allocated=wad("156")))
    assert summary(when_decided(quote, able)) == ["order c1 sell 10 reduce-only"]


def test_a_close_that_stays_refused_is_told_hedged_again_and_tried_later() -> None:
    chain = Chain()
    quote = position(chain)
    quote.advance([chain.close_requested(deadline=NOW + 10_000)])
    when_decided(quote)
    quote.advance([filled(C1, "10", "100"), ended(C1, "10")])
    at, told = NOW + 1, list[Event]()
    for attempt in range(1, 4):
        assert summary(when_decided(quote, later(at - NOW))) == ["fill_close 10 at 99.95"]
        quote.advance([failed(f"t-7-fill_close-{attempt}", INSOLVENT, at=at)])
        at += 31
    told = when_decided(quote, later(at - NOW))
    assert [event.code for event in told if isinstance(event, events.CloseRejected)] == [4004]
    assert summary(told) == ["order r1 buy 10"]
    quote.advance([filled(R1, "10"), ended(R1, "10")])
    assert when_decided(quote, later(at + POLICY.close_again_s - 40 - NOW)) == []
    assert summary(when_decided(quote, later(at + POLICY.close_again_s - NOW))) == ["order c2 sell 10 reduce-only"]
    quote.advance([filled("t-7-c2", "10", "100"), ended("t-7-c2", "10")])
    again = when_decided(quote, later(at + POLICY.close_again_s - NOW))
    assert summary(again) == ["fill_close 10 at 99.95"]


def test_each_time_the_contract_finds_a_side_short_more_is_allocated_up_to_a_bound() -> None:
    chain = Chain()
    quote = position(chain)
    quote.advance([chain.close_requested(deadline=NOW + 10_000)])
    when_decided(quote)
    quote.advance([filled(C1, "10", "100"), ended(C1, "10")])
    enough = replace(ACCOUNT, party_b_allocated=wad("60"))
    allocated, at = [], NOW + 1
    for attempt in range(1, 4):
        told = when_decided(quote, inputs(account=enough, block_timestamp=at))
        allocated.append(told[-1].call.allocate)  # type: ignore[attr-defined]
        quote.advance([failed(f"t-7-fill_close-{attempt}", INSOLVENT, at=at)])
        at += 20
    assert allocated[0] == 0
    assert allocated[2] - allocated[1] == wad("1005") // 20


def test_a_cancel_of_a_close_is_not_held_up_by_a_fill_that_the_contract_refuses() -> None:
    chain = Chain()
    quote = position(chain)
    quote.advance([chain.close_requested(order_type=OrderType.LIMIT, price="102", deadline=NOW + 10_000)])
    when_decided(quote)
    quote.advance([filled(C1, "4", "102.1"), ended(C1, "4", "canceled"), chain.close_cancel_requested()])
    at = NOW + 1
    for attempt in range(1, 4):
        assert summary(when_decided(quote, later(at - NOW)))[0].startswith("fill_close 4 ")
        quote.advance([failed(f"t-7-fill_close-{attempt}", INSOLVENT, at=at)])
        at += 31
    assert summary(when_decided(quote, later(at - NOW - 30))) == ["accept_cancel_close"]
    quote.advance([chain.close_cancel_accepted(), succeeded("t-7-accept_cancel_close-1")])
    assert summary(when_decided(quote, later(at - NOW))) == ["order r1 buy 4"]
    assert quote.chain is not None
    assert quote.chain.status is QuoteStatus.OPENED
