"""The order budget: what closes finds room where what opens waits, and the exchange is not asked beyond its bound."""

from hypothesis import given
from hypothesis import strategies as st

from hedger.adapters.venue.budget import OrderBudget, OrderWindow


def budget() -> OrderBudget:
    return OrderBudget([OrderWindow(10_000, most=10, reserved=3), OrderWindow(60_000, most=40, reserved=12)])


def send(into: OrderBudget, count: int, at_ms: int) -> None:
    for _ in range(count):
        into.note(at_ms)


def test_an_opening_order_leaves_the_reserve_to_what_closes() -> None:
    asked = budget()
    send(asked, 7, 1_000)
    assert asked.wait_ms(1_500, opens=True) == 9_500
    assert asked.wait_ms(1_500, opens=False) == 0


def test_what_closes_waits_only_for_the_exchanges_own_bound() -> None:
    asked = budget()
    send(asked, 10, 1_000)
    assert asked.wait_ms(2_000, opens=False) == 9_000
    assert asked.wait_ms(11_000, opens=False) == 0


def test_the_longer_window_holds_too() -> None:
    asked = budget()
    for at_ms in (0, 10_000, 20_000, 30_000):
        send(asked, 10, at_ms)
    assert asked.wait_ms(41_000, opens=False) == 19_000
    assert asked.wait_ms(60_000, opens=False) == 0
    assert asked.wait_ms(60_000, opens=True) == 10_000


def test_without_windows_nothing_waits() -> None:
    assert OrderBudget([]).wait_ms(0, opens=True) == 0


@given(st.lists(st.tuples(st.integers(0, 500), st.booleans()), max_size=200))
def test_no_window_ever_sees_more_than_its_bound(steps: list[tuple[int, bool]]) -> None:
    asked, now, sent = budget(), 0, []
    for pause, opens in steps:
        now += pause
        wait = asked.wait_ms(now, opens=opens)
        assert wait >= 0
        if not wait:
            asked.note(now)
            sent.append(now)
        assert sum(now - 10_000 < at <= now for at in sent) <= 10
        assert sum(now - 60_000 < at <= now for at in sent) <= 40
