"""How far PartyB is from being liquidated towards one PartyA."""

from collections.abc import Mapping, Sequence
from decimal import Decimal

import msgspec

from hedger.domain.margins import Locked, available_for_liquidation
from hedger.domain.money import WAD, to_decimal
from hedger.domain.solvency import upnl_of_party_a
from hedger.domain.terms import PositionType


class HeldPosition(msgspec.Struct, frozen=True, kw_only=True):
    """One open position of a pair, wads."""

    symbol: str
    position_type: PositionType
    open_quantity: int
    opened_price: int
    locked: Locked


def liquidation_distance(allocated: int, positions: Sequence[HeldPosition], marks: Mapping[str, int]) -> Decimal | None:
    """What PartyB has left above liquidation, over the notional at the marks: about the move of the market that it
    takes. None where a mark is not known; positions there must be."""
    if any(not marks.get(position.symbol) for position in positions):
        return None
    locked, upnl, notional = Locked(), 0, 0
    for position in positions:
        mark = marks[position.symbol]
        locked = locked.plus(position.locked)
        upnl -= upnl_of_party_a(position.position_type, position.open_quantity, position.opened_price, mark)
        notional += position.open_quantity * mark // WAD
    if not notional:
        return None
    left = available_for_liquidation(allocated, locked, upnl)
    return to_decimal(left) / to_decimal(notional)
