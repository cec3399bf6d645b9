"""The highest and lowest price since a moment, against looking at every price again."""

from hypothesis import given
from hypothesis import strategies as st

from hedger.application.reached import Reached

PRICES = st.lists(st.tuples(st.integers(0, 3), st.integers(1, 50), st.integers(0, 5)), max_size=60)


@given(PRICES, st.integers(0, 200))
def test_of_all_prices_since_a_moment_the_highest_and_the_lowest_are_told(
    steps: list[tuple[int, int, int]], since: int
) -> None:
    reached, told, second = Reached(), list[tuple[int, int, int]](), 0
    for pause, low, width in steps:
        second += pause
        reached.note(second, low + width, low)
        told.append((second, low + width, low))
    counted = [each for each in told if each[0] >= since]
    found = reached.since(since)
    assert (found is None) == (not counted)
    if found is not None:
        assert found.high == max(high for _, high, _ in counted)
        assert found.low == min(low for _, _, low in counted)


def test_a_price_of_an_earlier_second_counts_as_of_the_newest() -> None:
    reached = Reached()
    reached.note(10, 5, 5)
    reached.note(8, 9, 1)
    found = reached.since(10)
    assert found is not None
    assert (found.high, found.low) == (9, 1)
