"""What others do in between: rivals, users who change their minds, prices that leave, signatures that are spoilt."""

import pytest
from msgspec.structs import replace

from hedger.domain.error_codes import ErrorCode
from hedger.domain.quote.quote import Quote, Verdict
from hedger.domain.terms import OrderType, QuoteStatus
from tests.domain.given import (
    HEDGE_FIRST,
    MARKET,
    NOW,
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

O1, C1, U1 = "t-7-o1", "t-7-c1", "t-7-u1"


def hedged(chain: Chain, price: str = "100") -> Quote:
    """Locked by us, hedged at market, the opening asked for."""
    quote = given(chain.sent())
    when_decided(quote)
    quote.advance([chain.locked(), succeeded("t-7-lock-1")])
    when_decided(quote)
    quote.advance([filled(O1, "10", price), ended(O1, "10")])
    assert summary(when_decided(quote)) == ["open 10 at 100.05"]
    return quote


def test_a_rival_that_locks_first_is_seen_by_our_failed_lock_and_nothing_is_held() -> None:
    chain = Chain()
    quote = given(chain.sent())
    when_decided(quote)
    quote.advance([chain.locked(OTHER), failed("t-7-lock-1", "PartyBFacet: Invalid state")])
    assert when_decided(quote) == []


def test_a_rival_that_lets_go_leaves_the_intent_to_us_again() -> None:
    chain = Chain()
    quote = given(chain.sent())
    when_decided(quote)
    quote.advance([chain.locked(OTHER), failed("t-7-lock-1", "PartyBFacet: Invalid state")])
    when_decided(quote)
    quote.advance([chain.unlocked()])
    assert summary(when_decided(quote)) == ["lock"]


def test_a_cancel_between_hedge_and_lock_unwinds_the_hedge() -> None:
    chain = Chain()
    quote = given(chain.sent())
    when_decided(quote, policy=HEDGE_FIRST)
    quote.advance([filled(O1, "10"), ended(O1, "10")])
    when_decided(quote, policy=HEDGE_FIRST)
    quote.advance([chain.cancel_requested(QuoteStatus.CANCELED)])
    assert when_decided(quote, policy=HEDGE_FIRST) == []  # the call under way may have been first
    quote.advance([failed("t-7-lock_and_open-1", "PartyBFacet: Invalid state")])
    assert summary(when_decided(quote, policy=HEDGE_FIRST)) == ["order u1 sell 10 reduce-only"]


def test_a_cancel_between_hedge_and_open_leaves_the_open_to_go_on() -> None:
    chain = Chain()
    quote = hedged(chain)
    quote.advance([chain.cancel_requested(), failed("t-7-open-1", "LibMuon: TSS not verified", at=NOW + 1)])
    assert summary(when_decided(quote)) == ["open 10 at 100.05"]


def test_an_open_that_came_first_is_not_undone_by_the_cancel_that_failed() -> None:
    chain = Chain()
    quote = hedged(chain)
    quote.advance([chain.opened(price="100.05"), succeeded("t-7-open-1")])
    assert when_decided(quote) == []


def test_a_cancel_of_the_close_between_reduction_and_fill_is_answered_by_the_fill() -> None:
    chain = Chain()
    quote = position(chain)
    quote.advance([chain.close_requested()])
    when_decided(quote)
    quote.advance([filled(C1, "10", "100"), ended(C1, "10"), chain.close_cancel_requested()])
    assert summary(when_decided(quote)) == ["fill_close 10 at 99.95"]


def test_a_close_that_expired_between_reduction_and_fill_is_hedged_again() -> None:
    chain = Chain()
    quote = position(chain)
    quote.advance([chain.close_requested(deadline=NOW + 20)])
    when_decided(quote)
    quote.advance([filled(C1, "10", "100"), ended(C1, "10")])
    when_decided(quote)
    quote.advance([failed("t-7-fill_close-1", "PartyBFacet: Quote is expired", at=NOW + 21)])
    assert summary(when_decided(quote, later(21))) == ["order r1 buy 10", "expire"]


def test_the_next_close_request_takes_what_was_reduced_for_the_one_before() -> None:
    chain = Chain()
    quote = position(chain)
    quote.advance([chain.close_requested()])
    when_decided(quote)
    quote.advance([filled(C1, "10", "100"), ended(C1, "10"), chain.close_expired()])
    quote.advance([chain.close_requested(close_id=2, quantity="10")])
    assert summary(when_decided(quote)) == ["fill_close 10 at 99.95"]


@pytest.mark.parametrize(
    ("reason", "next_steps"),
    [
        ("LibMuon: Expired signature", ["open 10 at 100.05"]),
        ("LibMuon: TSS not verified", ["open 10 at 100.05"]),
        ("PartyBFacet: Quote is expired", ["order u1 sell 10 reduce-only"]),
        ("PartyBFacet: Leverage is high", ["order u1 sell 10 reduce-only"]),
        ("Pausable: Global paused", []),
        ("PartyBFacet: System is in emergency mode", []),
        ("PartyBFacet: Opened price isn't valid", []),
        ("Accessibility: Should be partyB of quote", []),
        ("LibSolvency: Available balance is lower than zero", []),
        ("SymmioPartyB: Execution reverted", []),
    ],
)
def test_each_kind_of_revert_of_an_open_has_its_answer(reason: str, next_steps: list[str]) -> None:
    quote = hedged(Chain())
    quote.advance([failed("t-7-open-1", reason, at=NOW + 1)])
    assert summary(when_decided(quote)) == next_steps


def test_a_spoilt_signature_is_replaced_without_waiting_but_not_for_ever() -> None:
    quote = hedged(Chain())
    for attempt in range(1, POLICY.retry.open_attempts):
        quote.advance([failed(f"t-7-open-{attempt}", "LibMuon: TSS not verified", at=NOW + 1)])
        assert summary(when_decided(quote)) == ["open 10 at 100.05"]
    quote.advance([failed(f"t-7-open-{POLICY.retry.open_attempts}", "LibMuon: TSS not verified", at=NOW + 1)])
    assert summary(when_decided(quote)) == ["order u1 sell 10 reduce-only"]


def test_a_hedge_that_cannot_be_opened_is_unwound_when_our_patience_ends() -> None:
    """Few tries, far apart: it is time that bounds what a hedge without a position may cost."""
    quote = hedged(Chain())
    quote.advance([failed("t-7-open-1", "Pausable: Global paused", at=NOW + 1)])
    assert summary(when_decided(quote, later(20))) == ["open 10 at 100.05"]
    late = NOW + 1 + POLICY.patience_open_s
    quote.advance([failed("t-7-open-2", "Pausable: Global paused", at=late)])
    assert summary(when_decided(quote, inputs(block_timestamp=late))) == ["order u1 sell 10 reduce-only"]
    assert quote.verdict is Verdict.GAVE_UP


def test_a_price_that_left_after_the_hedge_is_borne_within_the_bound() -> None:
    chain = Chain()
    quote = given(chain.sent())
    when_decided(quote)
    quote.advance([chain.locked(), succeeded("t-7-lock-1")])
    when_decided(quote)
    quote.advance([filled(O1, "10", "101.2"), ended(O1, "10")])
    gone = inputs(market=replace(MARKET, bid=wad("101.19"), ask=wad("101.2"), mark=wad("101.2")))
    assert summary(when_decided(quote, gone)) == ["open 10 at 101"]  # 0.2 of 101.2 is lost, the bound is 0.2 %


def test_beyond_the_bound_it_goes_back_at_once_where_that_costs_less() -> None:
    chain = Chain()
    quote = given(chain.sent())
    when_decided(quote)
    quote.advance([chain.locked(), succeeded("t-7-lock-1")])
    when_decided(quote)
    quote.advance([filled(O1, "10", "101.3"), ended(O1, "10")])
    gone = inputs(market=replace(MARKET, bid=wad("101.2"), ask=wad("101.3"), mark=wad("101.3")))
    assert summary(when_decided(quote, gone)) == ["order u1 sell 10 reduce-only"]
    assert quote.code == ErrorCode.MARKET_MOVED
    quote.advance([filled(U1, "10", "101.2"), ended(U1, "10")])
    assert summary(when_decided(quote, gone)) == ["unlock"]


@pytest.mark.parametrize("stage", ["cancelled", "mined"])
def test_a_transaction_that_was_dropped_or_reverted_is_decided_on_anew(stage: str) -> None:
    quote = hedged(Chain())
    dropped = replace(failed("t-7-open-1", "out of gas", at=NOW + 1), stage=stage)
    quote.advance([dropped])
    assert when_decided(quote) == []
    assert summary(when_decided(quote, later(10))) == ["open 10 at 100.05"]


def test_a_limit_close_with_fills_at_several_prices_passes_each_part_on_at_its_own() -> None:
    chain = Chain()
    quote = position(chain)
    quote.advance([chain.close_requested(order_type=OrderType.LIMIT, price="102")])
    when_decided(quote)
    quote.advance([filled(C1, "3", "102.1"), filled(C1, "2", "103", "2")])
    assert summary(when_decided(quote)) == ["fill_close 5 at 102.40877"]
    part = chain.close_filled("5", "102.40877", QuoteStatus.CLOSE_PENDING)
    quote.advance([part, succeeded("t-7-fill_close-1"), filled(C1, "5", "104", "3"), ended(C1, "10")])
    assert summary(when_decided(quote)) == ["fill_close 5 at 103.948"]
