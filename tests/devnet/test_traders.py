"""Traders: the values they lock, the choices they make, and every action they take on the real contract."""

from decimal import Decimal
from random import Random

import pytest

from devnet.traders import CloseTerms, Habits, LockedPercents, Market, QuoteOnChain, QuoteTerms
from devnet.traders.actions import (
    Action,
    Cancel,
    CancelClose,
    Expire,
    ForceCancel,
    ForceCancelClose,
    RequestClose,
    Send,
    Wait,
)
from devnet.traders.habits import Scene, choose
from hedger.domain.money import WAD
from hedger.domain.terms import OrderType, PositionType, QuoteStatus

BTC = Market(
    symbol_id=1,
    price_step=WAD // 10,
    quantity_step=WAD // 1000,
    min_notional=200 * WAD,
    max_notional=5_000 * WAD,
    min_quote_value=5 * WAD,
)
PRICE = 60_000 * WAD
NOW = 1_700_000_000
TRIES = 300


def on_chain(status: QuoteStatus, *, deadline: int = NOW + 60, modified_at: int = NOW) -> QuoteOnChain:
    return QuoteOnChain(
        quote_id=7,
        symbol_id=1,
        position_type=PositionType.LONG,
        order_type=OrderType.LIMIT,
        status=status,
        opened_price=PRICE,
        requested_open_price=PRICE,
        quantity=WAD // 10,
        closed_amount=WAD // 20,
        quantity_to_close=0,
        locked_total_a=300 * WAD,
        party_a="0x" + "aa" * 20,
        party_b="0x" + "bb" * 20,
        parent_id=0,
        status_modified_at=modified_at,
        deadline=deadline,
    )


def choices(*quotes: QuoteOnChain, habits: Habits | None = None, seed: int = 1) -> list[Action]:
    """Many choices from one and the same scene."""
    random, scene = Random(seed), Scene(quotes, {1: PRICE}, NOW)
    return [choose(random, scene, [BTC], habits or Habits()) for _ in range(TRIES)]


@pytest.mark.parametrize(
    ("leverage", "cva", "lf", "party_a_mm"),
    [(9, "6.00", "3.00", "91.00"), (60, "40.00", "20.00", "40.00"), (1, "0.67", "0.33", "99.00")],
)
def test_locked_shares_are_two_to_one_and_the_rest_is_maintenance_margin(
    leverage: int, cva: str, lf: str, party_a_mm: str
) -> None:
    percents = LockedPercents.for_leverage(leverage)
    assert [str(percents.cva), str(percents.lf), str(percents.party_a_mm)] == [cva, lf, party_a_mm]
    assert percents.party_b_mm == 0


@pytest.mark.parametrize("leverage", [0, 61])
def test_a_leverage_that_would_lock_more_than_is_allowed_is_not_offered(leverage: int) -> None:
    with pytest.raises(ValueError, match="not offered"):
        LockedPercents.for_leverage(leverage)


def test_the_locked_values_of_a_quote_add_up_to_its_notional_over_its_leverage() -> None:
    terms = QuoteTerms(1, PositionType.LONG, OrderType.LIMIT, price=600 * WAD, quantity=15 * WAD, leverage=9)
    locked = terms.locked_values()
    assert locked.total_a == 1_000 * WAD
    assert (locked.cva, locked.lf, locked.party_a_mm, locked.party_b_mm) == (60 * WAD, 30 * WAD, 910 * WAD, 0)


def test_locked_values_are_rounded_up_and_party_bs_share_is_one_of_the_notional() -> None:
    percents = LockedPercents(Decimal(6), Decimal(3), Decimal(91), party_b_mm=Decimal("0.5"))
    locked = percents.amounts(1_001, 9)
    assert (locked.cva, locked.lf, locked.party_a_mm, locked.party_b_mm) == (7, 4, 102, 6)


def test_the_same_seed_makes_the_same_choices() -> None:
    quotes = on_chain(QuoteStatus.OPENED), on_chain(QuoteStatus.LOCKED)
    assert choices(*quotes, seed=5) == choices(*quotes, seed=5)
    assert choices(*quotes, seed=5) != choices(*quotes, seed=6)


def test_a_trader_sends_orders_of_both_sides_and_both_types_within_the_markets_bounds() -> None:
    sent = [action.terms for action in choices() if isinstance(action, Send)]
    assert {(terms.position_type, terms.order_type) for terms in sent} == {
        (side, order_type) for side in PositionType for order_type in OrderType
    }
    for terms in sent:
        assert terms.price % BTC.price_step == 0
        assert terms.quantity % BTC.quantity_step == 0
        assert BTC.min_notional <= terms.notional <= BTC.max_notional + terms.price * BTC.quantity_step // WAD


def test_market_orders_accept_a_worse_price_in_the_direction_of_the_trade() -> None:
    for action in choices():
        if isinstance(action, Send) and action.terms.order_type is OrderType.MARKET:
            assert (action.terms.price > PRICE) == (action.terms.position_type is PositionType.LONG)


def test_a_trader_with_enough_quotes_sends_no_more() -> None:
    assert not any(isinstance(action, Send) for action in choices(on_chain(QuoteStatus.LOCKED), habits=Habits(1)))


@pytest.mark.parametrize(
    ("quote", "expected"),
    [
        (on_chain(QuoteStatus.PENDING), Cancel(7)),
        (on_chain(QuoteStatus.LOCKED), Cancel(7)),
        (on_chain(QuoteStatus.PENDING, deadline=NOW - 1), Expire(7)),
        (on_chain(QuoteStatus.CANCEL_PENDING, modified_at=NOW - 301), ForceCancel(7)),
        (on_chain(QuoteStatus.CANCEL_PENDING, modified_at=NOW - 300), Wait()),
        (on_chain(QuoteStatus.CLOSE_PENDING), CancelClose(7)),
        (on_chain(QuoteStatus.CLOSE_PENDING, deadline=NOW - 1), Expire(7)),
        (on_chain(QuoteStatus.CANCEL_CLOSE_PENDING, modified_at=NOW - 301), ForceCancelClose(7)),
        (on_chain(QuoteStatus.CANCEL_CLOSE_PENDING, modified_at=NOW - 300), Wait()),
    ],
)
def test_what_can_be_done_about_a_quote_follows_from_its_status_and_its_times(
    quote: QuoteOnChain, expected: Action
) -> None:
    assert set(choices(quote, habits=Habits(most_live=1))) == {expected, Wait()}


def test_positions_are_closed_as_a_whole_or_in_part_at_limit_or_market() -> None:
    quote = on_chain(QuoteStatus.OPENED, deadline=NOW - 1)
    closes = [action.terms for action in choices(quote) if isinstance(action, RequestClose)]
    assert {terms.order_type for terms in closes} == set(OrderType)
    assert {terms.quantity == quote.open_amount for terms in closes} == {True, False}
    assert all(0 < terms.quantity <= quote.open_amount for terms in closes)
    assert all(terms.price < PRICE for terms in closes if terms.order_type is OrderType.MARKET)


def test_a_rest_too_small_for_the_contract_is_never_left() -> None:
    market = Market(1, WAD // 10, WAD // 1000, 200 * WAD, 5_000 * WAD, min_quote_value=299 * WAD)
    quote, random = on_chain(QuoteStatus.OPENED), Random(3)
    scene = Scene([quote], {1: PRICE}, NOW)
    made = [choose(random, scene, [market], Habits(most_live=1)) for _ in range(TRIES)]
    closes: list[CloseTerms] = [action.terms for action in made if isinstance(action, RequestClose)]
    assert {terms.quantity for terms in closes} == {quote.open_amount}
