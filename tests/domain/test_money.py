"""Exact money: texts, roundings, and the contract's own divisions."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hedger.domain.money import (
    WAD,
    ceil_to,
    div_up,
    floor_to,
    from_text,
    from_text_down,
    from_text_up,
    mul,
    mul_up,
    to_decimal,
    to_text,
    trunc_div,
)

wads = st.integers(min_value=-(2**255), max_value=2**255)


@given(wads)
def test_text_and_wad_are_one_number_at_any_size(amount: int) -> None:
    assert from_text(to_text(amount)) == amount
    assert from_text(to_decimal(amount)) == amount


@pytest.mark.parametrize("text", ["NaN", "Infinity", "1e-19", "abc", "", "1.0000000000000000001"])
def test_what_is_no_amount_of_18_decimals_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="not a number"):
        from_text(text)


def test_decimals_past_the_18th_are_rounded_where_it_is_asked() -> None:
    assert from_text_down("0.0000000000000000019") == 1
    assert from_text_up("0.0000000000000000011") == 2
    assert from_text_down("-0.0000000000000000011") == -2


@given(st.integers(min_value=0, max_value=2**200), st.integers(min_value=0, max_value=2**200))
def test_a_product_is_floored_and_its_twin_never_smaller(a: int, b: int) -> None:
    assert mul(a, b) <= mul_up(a, b) <= mul(a, b) + 1
    assert mul(a, b) * WAD <= a * b


@given(st.integers(min_value=0, max_value=2**200), st.integers(min_value=1, max_value=2**100))
def test_steps_bracket_a_value(value: int, step: int) -> None:
    assert floor_to(value, step) <= value <= ceil_to(value, step)
    assert floor_to(value, step) % step == ceil_to(value, step) % step == 0


def test_signed_division_goes_toward_zero_as_on_chain() -> None:
    assert trunc_div(-7, 2) == -3
    assert trunc_div(7, -2) == -3
    assert trunc_div(7, 2) == 3


def test_a_quotient_rounded_up_covers_the_value() -> None:
    assert div_up(1, 3) * 3 >= WAD
    assert to_decimal(div_up(2 * WAD, WAD)) == Decimal(2)
