"""From the intent to the open position, row by row of what the quote must do."""

import msgspec
import pytest
from msgspec.structs import replace

from hedger.domain import transactions
from hedger.domain.chain_facts import QuoteSent
from hedger.domain.error_codes import ErrorCode
from hedger.domain.policies.inputs import Inputs
from hedger.domain.quote import events
from hedger.domain.quote.quote import Quote, Verdict
from hedger.domain.terms import CallKind, OrderType, PositionType, QuoteStatus, TradingState
from tests.domain.given import (
    ACCOUNT,
    BOOK,
    DEADLINE,
    HEDGE_FIRST,
    MARKET,
    NOW,
    OTHER,
    POLICY,
    SYMBOL,
    Chain,
    ended,
    failed,
    filled,
    given,
    inputs,
    later,
    refused_order,
    succeeded,
    summary,
    wad,
    when_decided,
)

O1, O2 = "t-7-o1", "t-7-o2"


def locked_market(chain: Chain) -> Quote:
    """Accepted, lock sent and mined, the hedge at market asked for."""
    quote = given(chain.sent())
    when_decided(quote)
    quote.advance([chain.locked(), succeeded("t-7-lock-1")])
    when_decided(quote)
    return quote


def locked_limit(chain: Chain) -> Quote:
    quote = given(chain.sent(order_type=OrderType.LIMIT))
    when_decided(quote)
    quote.advance([chain.locked(), succeeded("t-7-lock-1")])
    when_decided(quote)
    return quote


def test_a_wanted_market_intent_is_locked_first_with_the_allocation_it_lacks() -> None:
    quote = given(Chain().sent())
    told = when_decided(quote)
    assert isinstance(told[0], events.QuoteAccepted)
    assert all(rule.passed for rule in told[0].rules)
    assert summary(told) == ["lock"]
    request = told[-1]
    assert isinstance(request, transactions.TransactionRequested)
    assert request.call.allocate == wad("15") + wad("1010") * 5 // 100  # cva and lf, and head room of the notional
    assert request.valid_until == DEADLINE


def test_what_is_allocated_already_is_not_allocated_again() -> None:
    quote = given(Chain().sent())
    account = msgspec.structs.replace(inputs().account, party_b_allocated=wad("500"))  # type: ignore[type-var]
    told = when_decided(quote, inputs(account=account))
    assert told[-1].call.allocate == 0  # type: ignore[attr-defined]


def test_a_locked_market_intent_is_hedged_at_market_and_opened_with_the_spread() -> None:
    chain = Chain()
    quote = given(chain.sent())
    when_decided(quote)
    quote.advance([chain.locked(), succeeded("t-7-lock-1")])
    assert summary(when_decided(quote)) == ["order o1 buy 10"]
    quote.advance([filled(O1, "10", "100"), ended(O1, "10")])
    assert summary(when_decided(quote)) == ["open 10 at 100.05"]


def test_a_short_is_hedged_by_selling_and_opened_below_the_fill() -> None:
    chain = Chain()
    quote = given(chain.sent(position=PositionType.SHORT, price="99"))
    when_decided(quote)
    quote.advance([chain.locked(), succeeded("t-7-lock-1")])
    assert summary(when_decided(quote)) == ["order o1 sell 10"]
    quote.advance([filled(O1, "10", "100"), ended(O1, "10")])
    assert summary(when_decided(quote)) == ["open 10 at 99.95"]


def test_an_open_far_from_the_market_allocates_what_party_b_would_lack() -> None:
    chain = Chain()
    quote = locked_limit(chain)
    quote.advance([filled(O1, "10", "90"), ended(O1, "10")])
    account = replace(ACCOUNT, party_b_allocated=wad("65.5"))
    told = when_decided(quote, inputs(account=account))
    assert summary(told) == ["open 10 at 90.045"]
    # It owes the difference to the oracle's price at once, and keeps cva, lf and its head room besides.
    owed = (wad("100") - wad("90.045")) * 10
    locked = (wad("10") * 900450 // 1010000) + (wad("5") * 900450 // 1010000)
    assert told[-1].call.allocate == owed + locked - wad("65.5") + wad("1010") * 5 // 100  # type: ignore[attr-defined]


def test_an_open_is_not_asked_for_while_balances_are_not_known() -> None:
    chain = Chain()
    quote = locked_limit(chain)
    quote.advance([filled(O1, "10"), ended(O1, "10")])
    assert when_decided(quote, inputs(account=None)) == []
    quote.advance([chain.cancel_requested()])
    assert when_decided(quote, inputs(account=None)) == []


def test_the_opened_price_is_never_worse_than_the_request() -> None:
    chain = Chain()
    quote = locked_market(chain)
    quote.advance([filled(O1, "10", "100.99"), ended(O1, "10")])
    assert summary(when_decided(quote)) == ["open 10 at 101"]


MOVED = inputs(market=replace(MARKET, bid=wad("101.9"), ask=wad("102"), mark=wad("102")))


def test_a_fill_too_far_outside_the_request_is_unwound_and_the_quote_released() -> None:
    chain = Chain()
    quote = locked_market(chain)
    quote.advance([filled(O1, "10", "102"), ended(O1, "10")])
    assert summary(when_decided(quote, MOVED)) == ["order u1 sell 10 reduce-only"]
    assert quote.code == ErrorCode.MARKET_MOVED
    quote.advance([filled("t-7-u1", "10", "101"), ended("t-7-u1", "10")])
    assert summary(when_decided(quote, MOVED)) == ["unlock"]


def test_a_fill_far_outside_the_request_is_opened_where_going_back_would_cost_more() -> None:
    chain = Chain()
    quote = locked_market(chain)
    quote.advance([filled(O1, "10", "102"), ended(O1, "10")])
    assert summary(when_decided(quote)) == ["open 10 at 101"]


def test_a_rest_that_the_venue_does_not_take_keeps_no_quote_locked() -> None:
    chain = Chain()
    quote = locked_market(chain)
    quote.advance([filled(O1, "10", "102"), ended(O1, "10")])
    alone = replace(MOVED, book=replace(BOOK, symbol_long_hedge=0))
    assert summary(when_decided(quote, alone)) == ["order u1 sell 10"]
    quote.advance([filled("t-7-u1", "9.96", "101"), ended("t-7-u1", "9.96", "expired")])
    assert summary(when_decided(quote, alone)) == ["unlock"]


def test_a_limit_intent_rests_at_the_venue_at_the_price_less_the_spread() -> None:
    chain = Chain()
    quote = given(chain.sent(order_type=OrderType.LIMIT))
    assert summary(when_decided(quote)) == ["lock"]
    quote.advance([chain.locked(), succeeded("t-7-lock-1")])
    assert summary(when_decided(quote)) == ["order o1 buy 10 at 100.9"]


def test_a_limit_order_filled_in_part_is_waited_for() -> None:
    chain = Chain()
    quote = locked_limit(chain)
    quote.advance([filled(O1, "4")])
    assert when_decided(quote) == []


def test_a_part_filled_long_enough_is_opened_where_the_policy_says_so() -> None:
    chain = Chain()
    quote = locked_limit(chain)
    quote.advance([filled(O1, "4")])
    policy = msgspec.structs.replace(POLICY, open_parts_after_s=30)
    assert when_decided(quote, later(10), policy) == []
    assert summary(when_decided(quote, later(31), policy)) == ["cancel o1"]
    quote.advance([ended(O1, "4", "canceled")])
    assert summary(when_decided(quote, later(32), policy)) == ["open 4 at 100.05"]


def test_an_order_that_ended_in_part_without_the_fills_at_hand_is_waited_for() -> None:
    chain = Chain()
    quote = locked_limit(chain)
    quote.advance([ended(O1, "4", "canceled")])
    assert when_decided(quote) == []
    quote.advance([filled(O1, "4")])
    assert summary(when_decided(quote)) == ["open 4 at 100.05"]


def test_hedge_first_places_the_order_before_the_lock_and_opens_in_one_transaction() -> None:
    quote = given(Chain().sent())
    told = when_decided(quote, policy=HEDGE_FIRST)
    assert summary(told) == ["order o1 buy 10"]
    quote.advance([filled(O1, "10"), ended(O1, "10")])
    assert summary(when_decided(quote, policy=HEDGE_FIRST)) == ["lock_and_open 10 at 100.05"]


def test_a_lost_race_unwinds_the_hedge() -> None:
    chain = Chain()
    quote = given(chain.sent())
    when_decided(quote, policy=HEDGE_FIRST)
    quote.advance([filled(O1, "10"), ended(O1, "10"), chain.locked(OTHER)])
    assert summary(when_decided(quote, policy=HEDGE_FIRST)) == ["order u1 sell 10 reduce-only"]


def test_a_lost_race_cancels_what_still_works() -> None:
    chain = Chain()
    quote = given(chain.sent())
    when_decided(quote, policy=HEDGE_FIRST)
    quote.advance([chain.locked(OTHER)])
    assert summary(when_decided(quote, policy=HEDGE_FIRST)) == ["cancel o1"]


def test_an_unwanted_intent_is_refused_with_every_rule_told() -> None:
    quote = given(Chain().sent(whitelist=(OTHER,)))
    told = when_decided(quote)
    assert len(told) == 1
    assert isinstance(told[0], events.QuoteRejected)
    assert told[0].code == ErrorCode.NOT_ADDRESSED
    assert len(told[0].rules) == 23
    assert quote.verdict is Verdict.REJECTED
    assert when_decided(quote) == []


def test_what_is_not_known_is_not_a_refusal() -> None:
    quote = given(Chain().sent())
    assert when_decided(quote, inputs(account=None)) == []
    assert quote.verdict is Verdict.NONE


@pytest.mark.parametrize(
    ("quote", "seen", "code"),
    [
        (Chain().sent(whitelist=(OTHER,)), inputs(account=None, market=None), ErrorCode.NOT_ADDRESSED),
        (Chain().sent(), inputs(account=None, block_timestamp=DEADLINE + 1), ErrorCode.DEADLINE),
        (Chain().sent(), inputs(limits=None, symbol=replace(SYMBOL, name="DOGEUSDT")), ErrorCode.SYMBOL_DISABLED),
    ],
)
def test_what_refuses_by_itself_needs_no_prices_and_no_balances(
    quote: QuoteSent, seen: Inputs, code: ErrorCode
) -> None:
    told = when_decided(given(quote), seen)
    assert [event.code for event in told if isinstance(event, events.QuoteRejected)] == [code]


def test_a_cancel_of_a_resting_order_waits_for_its_final_state_and_is_accepted() -> None:
    chain = Chain()
    quote = locked_limit(chain)
    quote.advance([chain.cancel_requested()])
    assert summary(when_decided(quote)) == ["cancel o1"]
    assert when_decided(quote) == []
    quote.advance([ended(O1, "0", "canceled")])
    assert summary(when_decided(quote)) == ["accept_cancel"]


def test_a_cancel_that_comes_after_the_fill_opens_the_position() -> None:
    chain = Chain()
    quote = locked_limit(chain)
    quote.advance([filled(O1, "10"), ended(O1, "10"), chain.cancel_requested()])
    assert summary(when_decided(quote)) == ["open 10 at 100.05"]


def test_a_cancel_of_a_part_filled_order_opens_that_part() -> None:
    chain = Chain()
    quote = locked_limit(chain)
    quote.advance([filled(O1, "4"), chain.cancel_requested()])
    assert summary(when_decided(quote)) == ["cancel o1"]
    quote.advance([ended(O1, "4", "canceled")])
    assert summary(when_decided(quote)) == ["open 4 at 100.05"]


def test_a_part_too_small_to_open_is_unwound_and_the_cancel_accepted() -> None:
    chain = Chain()
    quote = locked_limit(chain)
    quote.advance([filled(O1, "0.4"), chain.cancel_requested()])
    when_decided(quote)
    quote.advance([ended(O1, "0.4", "canceled")])
    assert summary(when_decided(quote)) == ["order u1 sell 0.4 reduce-only", "accept_cancel"]


def test_a_forced_cancel_stops_the_order_and_unwinds_what_filled_meanwhile() -> None:
    chain = Chain()
    quote = locked_limit(chain)
    quote.advance([filled(O1, "4"), chain.cancel_requested(), chain.cancel_forced()])
    assert summary(when_decided(quote)) == ["cancel o1"]
    quote.advance([ended(O1, "4", "canceled")])
    assert summary(when_decided(quote)) == ["order u1 sell 4 reduce-only"]
    quote.advance([filled("t-7-u1", "4"), ended("t-7-u1", "4")])
    assert when_decided(quote) == []
    assert quote.hedge.quantity == 0


def test_near_the_deadline_the_order_stops_and_nothing_filled_is_released() -> None:
    chain = Chain()
    quote = locked_limit(chain)
    near = inputs(block_timestamp=DEADLINE - 5)
    assert summary(when_decided(quote, near)) == ["cancel o1"]
    quote.advance([ended(O1, "0", "canceled")])
    assert summary(when_decided(quote, near)) == ["unlock"]
    assert quote.code == ErrorCode.DEADLINE


def test_past_the_deadline_a_filled_hedge_is_unwound_before_the_quote_expires() -> None:
    chain = Chain()
    quote = locked_limit(chain)
    quote.advance([filled(O1, "10"), ended(O1, "10")])
    past = inputs(block_timestamp=DEADLINE + 1)
    assert summary(when_decided(quote, past)) == ["order u1 sell 10 reduce-only"]
    quote.advance([filled("t-7-u1", "10"), ended("t-7-u1", "10")])
    assert summary(when_decided(quote, past)) == ["unlock"]


def test_an_expired_quote_cancels_its_order() -> None:
    chain = Chain()
    quote = locked_limit(chain)
    quote.advance([chain.open_expired()])
    assert summary(when_decided(quote)) == ["cancel o1"]


def test_a_refused_order_is_asked_again_after_a_while_and_given_up_in_the_end() -> None:
    chain = Chain()
    quote = locked_market(chain)
    at = NOW + 1
    for attempt in range(1, 4):
        quote.advance([refused_order(f"t-7-o{attempt}")])
        assert when_decided(quote, inputs(block_timestamp=at)) == []
        at += 60
        assert summary(when_decided(quote, inputs(block_timestamp=at))) == [f"order o{attempt + 1} buy 10"]
    quote.advance([refused_order("t-7-o4")])
    assert summary(when_decided(quote, inputs(block_timestamp=at))) == ["unlock"]
    assert quote.code == ErrorCode.BROKER_FAILED


def test_a_venue_that_is_too_busy_uses_up_no_attempt() -> None:
    chain = Chain()
    quote = locked_market(chain)
    at = NOW + 1
    for attempt in range(1, 8):
        quote.advance([refused_order(f"t-7-o{attempt}", "rate_limited")])
        at += 60
        assert summary(when_decided(quote, inputs(block_timestamp=at))) == [f"order o{attempt + 1} buy 10"]


@pytest.mark.parametrize(
    ("reason", "asked_at_once"),
    [
        ("LibMuon: TSS not verified", True),
        ("LibMuon: Expired signature", True),
        ("Pausable: PartyB actions paused", False),
        ("LibSolvency: Available balance is lower than zero", False),
        ("SymmioPartyB: Execution reverted", False),
    ],
)
def test_a_failed_open_is_asked_again_when_its_revert_string_says_so(reason: str, asked_at_once: bool) -> None:
    chain = Chain()
    quote = locked_market(chain)
    quote.advance([filled(O1, "10"), ended(O1, "10")])
    when_decided(quote)
    quote.advance([failed("t-7-open-1", reason, at=NOW + 1)])
    assert summary(when_decided(quote)) == (["open 10 at 100.05"] if asked_at_once else [])
    if not asked_at_once:
        assert summary(when_decided(quote, later(60))) == ["open 10 at 100.05"]


def test_an_open_that_can_never_be_is_given_up_unwound_and_unlocked() -> None:
    chain = Chain()
    quote = locked_market(chain)
    quote.advance([filled(O1, "10"), ended(O1, "10")])
    when_decided(quote)
    quote.advance([failed("t-7-open-1", "PartyBFacet: Leverage is high")])
    assert summary(when_decided(quote)) == ["order u1 sell 10 reduce-only"]
    assert quote.verdict is Verdict.GAVE_UP


def test_a_transaction_under_way_holds_everything_else_back() -> None:
    chain = Chain()
    quote = given(chain.sent())
    when_decided(quote)
    assert when_decided(quote, later(100)) == []


def test_a_mined_transaction_is_waited_for_until_its_block_is_read() -> None:
    chain = Chain()
    quote = given(chain.sent())
    when_decided(quote)
    quote.advance([succeeded("t-7-lock-1", block=2_000_000)])
    assert when_decided(quote) == []


def test_an_orphaned_open_falls_back_to_locked_and_its_transaction_is_under_way_again() -> None:
    from hedger.domain.feed import BlocksOrphaned

    chain = Chain()
    quote = locked_market(chain)
    quote.advance([filled(O1, "10"), ended(O1, "10")])
    when_decided(quote)
    opened = chain.opened()
    mined = msgspec.structs.replace(
        succeeded("t-7-open-1", opened.source.block_number), block_hash=opened.source.block_hash
    )
    quote.advance([opened, mined])
    assert quote.chain is not None
    assert quote.chain.status is QuoteStatus.OPENED
    gone = BlocksOrphaned(chain_id=31337, block_hashes=(opened.source.block_hash,), common_ancestor=1)
    quote.advance([gone])
    assert quote.chain.status is QuoteStatus.LOCKED
    assert quote.in_flight is not None
    assert quote.in_flight.call.kind is CallKind.OPEN


def test_a_quote_orphaned_altogether_has_its_hedge_unwound() -> None:
    from hedger.domain.feed import BlocksOrphaned

    chain = Chain()
    sent = chain.sent()
    quote = given(sent)
    when_decided(quote, policy=HEDGE_FIRST)
    quote.advance([filled(O1, "10"), ended(O1, "10")])
    quote.advance([BlocksOrphaned(chain_id=31337, block_hashes=(sent.source.block_hash,), common_ancestor=1)])
    assert quote.chain is None
    assert summary(when_decided(quote, policy=HEDGE_FIRST)) == ["order u1 sell 10 reduce-only"]


@pytest.mark.parametrize("state", [TradingState.REDUCING, TradingState.HALTED])
def test_nothing_new_is_taken_unless_trading_is_active(state: TradingState) -> None:
    quote = given(Chain().sent())
    told = when_decided(quote, inputs(trading_state=state))
    assert summary(told) == []
    assert (quote.verdict is Verdict.REJECTED) == (state is TradingState.REDUCING)


def test_reducing_still_opens_what_is_hedged_and_locked() -> None:
    chain = Chain()
    quote = locked_market(chain)
    quote.advance([filled(O1, "10"), ended(O1, "10")])
    assert summary(when_decided(quote, inputs(trading_state=TradingState.REDUCING))) == ["open 10 at 100.05"]


def test_the_position_is_opened_and_then_nothing_is_to_be_done() -> None:
    chain = Chain()
    quote = locked_market(chain)
    quote.advance([filled(O1, "10"), ended(O1, "10")])
    when_decided(quote)
    quote.advance([chain.opened(), succeeded("t-7-open-1")])
    assert when_decided(quote) == []
    assert quote.chain is not None
    assert quote.chain.open_quantity == quote.hedge.quantity == wad("10")
