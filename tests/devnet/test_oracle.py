"""The oracle: how it values positions, what it signs, which faults it commits; judged by the real contract."""

from typing import Any

import pytest
from eth_abi.abi import encode

from devnet.oracle.faults import Fault, FaultKind, Faults
from devnet.oracle.positions import Position, capped_upnl, quote_of, quotes_of, upnl_by_party_b
from hedger.domain.money import WAD

QUOTE_TYPE = (
    "(uint256,address[],uint256,uint8,uint8,uint256,uint256,uint256,uint256,uint256,uint256,"
    "(uint256,uint256,uint256,uint256),(uint256,uint256,uint256,uint256),uint256,address,address,uint8,"
    "uint256,uint256,uint256,uint256,uint256,uint256,uint256,uint256,uint256,address)"
)
PARTY_A, HEDGER, OTHER_HEDGER = ("0x" + each * 20 for each in ("aa", "bb", "cc"))
LONG, SHORT = 0, 1


def quote(quote_id: int, symbol_id: int, side: int, white_list: list[str]) -> tuple[Any, ...]:
    """A Quote as the contract returns it: opened at 100, 3 of 5 closed."""
    locked = (1, 2, 3, 4)
    numbers = (100 * WAD, 100 * WAD, 101 * WAD, 99 * WAD, 5 * WAD, 3 * WAD)
    parties = (200, PARTY_A, HEDGER, 4)
    return (quote_id, white_list, symbol_id, side, 0, *numbers, locked, locked, *parties, *range(9), HEDGER)


def position(side: int, opened: int, amount: int, party_b: str = HEDGER, symbol_id: int = 1) -> Position:
    return Position(1, symbol_id, side == LONG, opened * WAD, amount * WAD, party_b)


def test_positions_are_read_from_the_contracts_encoding_whatever_their_whitelists() -> None:
    quotes = [quote(4, 7, LONG, [HEDGER, OTHER_HEDGER]), quote(9, 8, SHORT, [])]
    assert quotes_of(encode([f"{QUOTE_TYPE}[]"], [quotes])) == [
        Position(4, 7, True, 100 * WAD, 2 * WAD, HEDGER),
        Position(9, 8, False, 100 * WAD, 2 * WAD, HEDGER),
    ]
    assert quote_of(encode([QUOTE_TYPE], [quotes[1]])).quote_id == 9
    assert quotes_of(encode([f"{QUOTE_TYPE}[]"], [[]])) == []


@pytest.mark.parametrize(
    ("side", "price", "upnl"), [(LONG, 110, 20), (LONG, 90, -20), (SHORT, 110, -20), (SHORT, 90, 20)]
)
def test_a_long_wins_when_the_price_rises_and_a_short_when_it_falls(side: int, price: int, upnl: int) -> None:
    assert position(side, opened=100, amount=2).upnl_a(price * WAD) == upnl * WAD


def test_a_fraction_of_the_last_unit_is_dropped_on_either_side() -> None:
    odd = Position(1, 1, True, opened_price=10, open_amount=1, party_b=HEDGER)
    assert (odd.upnl_a(9), odd.upnl_a(11)) == (0, 0)


def test_a_profit_counts_no_further_than_the_hedger_has_allocated_and_a_loss_counts_in_full() -> None:
    positions = [
        position(LONG, opened=100, amount=3),
        position(LONG, opened=100, amount=1),
        position(SHORT, opened=100, amount=2, party_b=OTHER_HEDGER),
    ]
    upnls = upnl_by_party_b(positions, {1: 110 * WAD})
    assert upnls == {HEDGER: 40 * WAD, OTHER_HEDGER: -20 * WAD}
    assert capped_upnl(upnls, {HEDGER: 15 * WAD, OTHER_HEDGER: 0}) == -5 * WAD
    assert capped_upnl(upnls, {HEDGER: 50 * WAD, OTHER_HEDGER: 0}) == 20 * WAD


def test_a_fault_is_committed_as_often_as_it_was_asked_for_and_on_its_method_alone() -> None:
    faults = Faults()
    faults.add(Fault(FaultKind.HTTP_500, times=2, method="uPnl_B"))
    faults.add(Fault(FaultKind.ERROR))
    taken = [faults.take("uPnl_B"), faults.take("uPnl"), faults.take("uPnl_B"), faults.take("uPnl_B")]
    assert [fault and fault.kind for fault in taken] == ["http_500", "error", "http_500", None]


def test_a_fault_without_end_lasts_until_it_is_cleared() -> None:
    faults = Faults()
    faults.add(Fault(FaultKind.GARBAGE, times=None))
    assert all(faults.take("uPnl_B") for _ in range(5))
    faults.clear()
    assert faults.take("uPnl_B") is None
