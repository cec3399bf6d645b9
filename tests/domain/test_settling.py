"""Profit is made payable where PartyA cannot pay a close else, and no more of it than is needed."""

from typing import Any

import msgspec
from hypothesis import given as for_all
from hypothesis import strategies as st

from hedger.domain.money import WAD
from hedger.domain.policies.accounts import decide_account
from hedger.domain.policies.inputs import AccountInputs, CloseView
from hedger.domain.reverts import PROFIT_FIRST
from hedger.domain.settlement import Settleable, settle
from hedger.domain.terms import OrderType, PositionType
from tests.domain.given import US, failed, wad
from tests.domain.given_accounts import BALANCE, KEEPER, account, decided, position, requested, seen

OTHER_HEDGER = "0x" + "cc" * 20
replace = msgspec.structs.replace


def close(price: str = "80", quantity: str = "10", **changes: Any) -> CloseView:
    values: dict[str, Any] = {"quote_id": 7, "order_type": OrderType.MARKET} | changes
    return CloseView(quantity=wad(quantity), price=wad(price), **values)


def losing(*closes: CloseView, party_a_allocated: str = "150", **changes: Any) -> AccountInputs:
    """PartyA's long of 10 from 100 stands at 82, and it wants out of it; its other one, from 40, won 420."""
    winner = position(opened="40", mark="82", quote_id=8)
    held = (position(mark="82"), winner)
    return seen("350", *held, party_a_allocated=party_a_allocated, closes=closes or (close(),), **changes)


# --- when it is asked for


def test_what_partya_lacks_for_a_close_is_settled_with_room_for_the_price() -> None:
    # The loss is 180, 150 are there; two percent of the loss are the room.
    assert decided(account(), losing()) == ["settle 33.6"]


def test_partya_that_can_pay_is_left_alone() -> None:
    assert decided(account(), losing(party_a_allocated="180")) == []


def test_a_fill_that_the_contract_refused_for_it_is_believed_over_our_own_numbers() -> None:
    assert decided(account(), losing(close(is_unpaid=True), party_a_allocated="180")) == ["settle 3.6"]


def test_a_limit_close_is_settled_for_once_the_market_is_about_there() -> None:
    near, far = (close(price, order_type=OrderType.LIMIT) for price in ("82.5", "83"))
    assert decided(account(), losing(near)) == ["settle 28.5"]
    assert decided(account(), losing(far)) == []


def test_a_market_close_below_its_price_waits_without_a_settlement() -> None:
    assert decided(account(), losing(close("90"), party_a_allocated="1")) == []


def test_what_we_must_pay_ourselves_is_allocated_with_it() -> None:
    held = (position(opened="180", mark="80"), position(opened="40", mark="140", quote_id=8))
    inputs = seen("150", *held, party_a_allocated="0", closes=(close("70"),))
    # The loss of 1000 and its room are asked for; 1000 of it are a profit that we pay, 150 of them are allocated.
    assert decided(account(), inputs) == ["settle 1020 850"]
    assert decided(account(), replace(inputs, promised_allocation=wad("9900"))) == ["settle 1020 100"]


def test_settlements_keep_their_distance_and_more_after_failures() -> None:
    one, inputs = account(), losing()
    told = decide_account(one, inputs, KEEPER)
    one.advance([*told, failed(requested(told).request_id, PROFIT_FIRST, at=inputs.block_timestamp)])
    once, twice = BALANCE.settle_after_s, 2 * BALANCE.settle_after_s
    assert decided(one, replace(inputs, block_timestamp=inputs.block_timestamp + once)) == []
    assert decided(one, replace(inputs, block_timestamp=inputs.block_timestamp + twice)) == ["settle 33.6"]


def test_an_operator_may_forbid_it() -> None:
    policy = replace(KEEPER, balance=replace(BALANCE, settle_profit=False))
    assert decided(account(), losing(), policy) == []


# --- at which prices


def settleable(quote_id: int, opened: str, price: str, *, side: PositionType = PositionType.LONG, of: str = US) -> Any:
    return Settleable(
        quote_id=quote_id,
        party_b=of,
        position_type=side,
        open_quantity=wad("10"),
        opened_price=wad(opened),
        current_price=wad(price),
    )


def test_the_largest_profit_moves_as_far_as_needed_and_everything_else_by_one_unit() -> None:
    quotes = [settleable(1, "100", "90"), settleable(2, "50", "90"), settleable(3, "80", "90")]
    settled = settle(quotes, {US: wad("1000")}, wad("100"))
    assert settled is not None
    assert settled.prices == (wad("100") - 1, wad("60"), wad("80") + 1)
    assert settled.gained == wad("100") + 10  # and one unit of the price of ten


def test_a_short_settles_downwards() -> None:
    settled = settle([settleable(1, "100", "90", side=PositionType.SHORT)], {US: wad("1000")}, wad("60"))
    assert settled is not None
    assert settled.prices == (wad("94"),)


def test_no_hedger_pays_more_than_it_has_allocated() -> None:
    quotes = [settleable(1, "50", "90"), settleable(2, "60", "90", of=OTHER_HEDGER)]
    settled = settle(quotes, {US: wad("100"), OTHER_HEDGER: wad("1000")}, wad("350"))
    assert settled is not None
    assert settled.prices == (wad("60"), wad("85"))
    assert settled.gained == wad("350")


def test_a_quote_whose_price_did_not_move_makes_it_impossible() -> None:
    assert settle([settleable(1, "50", "90"), settleable(2, "90", "90")], {US: wad("1000")}, wad("10")) is None
    assert settle([], {}, wad("10")) is None


PRICES = st.integers(min_value=1, max_value=10**21)


@for_all(
    st.lists(st.tuples(PRICES, PRICES, st.booleans(), st.booleans(), PRICES), min_size=1, max_size=6),
    st.integers(min_value=0, max_value=10**22),
    st.integers(min_value=0, max_value=10**22),
)
def test_settled_prices_are_what_the_contract_takes(rows: list[Any], allocated: int, wanted: int) -> None:
    quotes = [
        Settleable(
            quote_id=number,
            party_b=US if ours else OTHER_HEDGER,
            position_type=PositionType.LONG if long else PositionType.SHORT,
            open_quantity=quantity,
            opened_price=opened,
            current_price=price if price != opened else price + 1,
        )
        for number, (opened, price, long, ours, quantity) in enumerate(rows)
    ]
    settled = settle(quotes, {US: allocated}, wanted)
    assert settled is not None
    paid = {US: 0, OTHER_HEDGER: 0}
    for quote, price in zip(quotes, settled.prices, strict=True):
        near, far = sorted((quote.opened_price, quote.current_price))
        assert near <= price <= far
        assert price != quote.opened_price
        move = (price - quote.opened_price) * (1 if quote.position_type is PositionType.LONG else -1)
        # A move by one unit alone may be dearer than what is wanted, where the quantity is large.
        if abs(move) > 1:
            paid[quote.party_b] += max(0, move) * quote.open_quantity // WAD
    assert paid[US] <= allocated
    assert paid[OTHER_HEDGER] == 0
    assert sum(paid.values()) <= wanted
