"""The inventory: what chain and venue hold together of one symbol, first in, first out.

The hedger sells to PartyA what it buys at the venue, so that trades on the two sides take from each other here. What
is left over is held at the market's risk.
"""

from enum import StrEnum

import msgspec


class Origin(StrEnum):
    VENUE = "venue"
    CHAIN = "chain"
    FORCED = "forced"
    LIQUIDATED = "liquidated"


class Lot(msgspec.Struct, kw_only=True):
    """A signed quantity (bought positive) at a price, both wads."""

    quantity: int
    price: int
    origin: Origin
    position: int  # of the event in the log


class Match(msgspec.Struct, frozen=True, kw_only=True):
    """What a trade and an earlier one earned together (36 decimals)."""

    earned: int
    earlier: Origin
    position: int  # of the earlier one in the log


class Inventory(msgspec.Struct, kw_only=True):
    """Open lots, all of one sign, the oldest first."""

    lots: list[Lot] = []

    @property
    def quantity(self) -> int:
        return sum(lot.quantity for lot in self.lots)

    @property
    def cost(self) -> int:
        """What the open lots cost (36 decimals), signed as their quantity; worth less this is their profit."""
        return sum(lot.quantity * lot.price for lot in self.lots)

    def trade(self, quantity: int, price: int, origin: Origin, position: int) -> list[Match]:
        """Add a trade; what it takes from earlier ones of the other sign is matched with the oldest first."""
        matches: list[Match] = []
        while quantity and self.lots and (self.lots[0].quantity > 0) != (quantity > 0):
            lot = self.lots[0]
            part = min(abs(quantity), abs(lot.quantity))
            part = part if lot.quantity > 0 else -part
            matches.append(Match(earned=part * (price - lot.price), earlier=lot.origin, position=lot.position))
            lot.quantity -= part
            quantity += part
            if not lot.quantity:
                self.lots.pop(0)
        if quantity:
            self.lots.append(Lot(quantity=quantity, price=price, origin=origin, position=position))
        return matches
