"""Fees: first offers, replacements that nodes take, caps; and what nodes answer to a broadcast."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hedger.adapters.chain.gas import GWEI, FeeAboveCap, FeePolicy, Fees, MarketFees, first_fees, replacing_fees
from hedger.application.sending.broadcast import Taken, taken

POLICY = FeePolicy(cap_wei=100 * GWEI, replacement_cap_wei=200 * GWEI)
fees = st.integers(min_value=0, max_value=300 * GWEI)


def test_the_first_offer_outlasts_a_rising_base_fee() -> None:
    assert first_fees(MarketFees(10 * GWEI, GWEI), POLICY) == Fees(21 * GWEI, GWEI)


def test_without_a_base_fee_a_plain_gas_price_is_offered() -> None:
    assert first_fees(MarketFees(None, 10 * GWEI), POLICY) == Fees(11 * GWEI, 11 * GWEI, dynamic=False)


@given(base=st.none() | fees, tip=fees)
def test_no_first_offer_is_above_the_cap_or_below_what_the_chain_asks(base: int | None, tip: int) -> None:
    market = MarketFees(base, tip)
    try:
        offer = first_fees(market, POLICY)
    except FeeAboveCap:
        assert (base or 0) + max(tip, 1) > POLICY.cap_wei
        return
    assert (base or 0) + tip <= offer.max_fee_wei <= POLICY.cap_wei
    assert offer.priority_fee_wei <= offer.max_fee_wei


@given(base=fees, tip=fees, most=fees, share=st.integers(min_value=0, max_value=100), dynamic=st.booleans())
def test_a_replacement_raises_both_fees_by_an_eighth_and_stays_below_its_cap(
    base: int, tip: int, most: int, share: int, dynamic: bool
) -> None:
    previous = Fees(most, most * share // 100 if dynamic else most, dynamic=dynamic)
    offer = replacing_fees(previous, MarketFees(base if dynamic else None, tip), POLICY)
    if offer is None:
        assert most * 1125 > POLICY.replacement_cap_wei * 1000 or most + 1 > POLICY.replacement_cap_wei
        return
    assert offer.max_fee_wei <= POLICY.replacement_cap_wei
    assert offer.priority_fee_wei <= offer.max_fee_wei
    assert offer.max_fee_wei * 1000 >= most * 1125
    assert offer.max_fee_wei > most
    assert offer.priority_fee_wei * 1000 >= previous.priority_fee_wei * 1125
    assert offer.dynamic is dynamic


def test_a_replacement_follows_the_market_where_that_is_higher() -> None:
    assert replacing_fees(Fees(20 * GWEI, GWEI), MarketFees(60 * GWEI, 2 * GWEI), POLICY) == Fees(122 * GWEI, 2 * GWEI)


@pytest.mark.parametrize(
    ("message", "meaning"),
    [
        ("already known", Taken.KNOWN),
        ("ALREADY_EXISTS: already known", Taken.KNOWN),
        ("known transaction: 0xabc", Taken.KNOWN),
        ("AlreadyKnown", Taken.KNOWN),
        ("nonce too low: next nonce 5, tx nonce 4", Taken.NONCE_USED),
        ("OldNonce", Taken.NONCE_USED),
        ("replacement transaction underpriced", Taken.UNDERPRICED),
        ("transaction underpriced: gas tip cap 0", Taken.UNDERPRICED),
        ("max fee per gas less than block base fee", Taken.UNDERPRICED),
        ("insufficient funds for gas * price + value", Taken.UNFUNDED),
        ("something else", Taken.REFUSED),
    ],
)
def test_the_answers_of_nodes_are_told_apart(message: str, meaning: Taken) -> None:
    assert taken(message) is meaning
    assert meaning.arrived == (meaning is Taken.KNOWN)
