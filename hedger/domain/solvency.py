"""Whether both sides stay solvent through an opening or a close, as the contract will judge it."""

import msgspec

from hedger.domain.money import WAD
from hedger.domain.terms import PositionType


class Headroom(msgspec.Struct, frozen=True, kw_only=True):
    """What is left above liquidation on each side; negative means the contract refuses."""

    party_a: int
    party_b: int

    @property
    def is_solvent(self) -> bool:
        return self.party_a >= 0 and self.party_b >= 0


def after_open(
    before: Headroom, position: PositionType, quantity: int, opened_price: int, oracle_price: int
) -> Headroom:
    """Headroom after opening `quantity` at `opened_price` while the oracle says `oracle_price`.

    `before` is availableForLiquidation of both sides with the quote's locked values moved to locked already.
    """
    shift = quantity * abs(opened_price - oracle_price) // WAD
    if position is PositionType.LONG:
        a_pays = opened_price >= oracle_price
    else:
        a_pays = opened_price < oracle_price
    return _moved(before, shift, a_pays)


def after_close(
    before: Headroom, position: PositionType, quantity: int, closed_price: int, oracle_price: int, freed: int
) -> Headroom:
    """Headroom after closing `quantity` at `closed_price`; `freed` is the part of cva and lf that the close unlocks."""
    shift = quantity * abs(closed_price - oracle_price) // WAD
    if position is PositionType.LONG:
        b_pays = closed_price >= oracle_price
    else:
        b_pays = closed_price <= oracle_price
    return _moved(Headroom(party_a=before.party_a + freed, party_b=before.party_b + freed), shift, not b_pays)


def _moved(before: Headroom, amount: int, a_pays: bool) -> Headroom:
    sign = -1 if a_pays else 1
    return Headroom(party_a=before.party_a + sign * amount, party_b=before.party_b - sign * amount)


def upnl_of_party_a(position: PositionType, open_quantity: int, opened_price: int, price: int) -> int:
    """Unrealised profit of PartyA on one position; PartyB has the opposite."""
    move = price - opened_price if position is PositionType.LONG else opened_price - price
    value = abs(move) * open_quantity // WAD
    return value if move >= 0 else -value
