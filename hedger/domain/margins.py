"""Locked values and available balances, with the contract's own rounding (protocol: balance buckets and formulas)."""

import msgspec

from hedger.domain.money import WAD, mul_div


class Locked(msgspec.Struct, frozen=True, kw_only=True):
    """What a quote locks of both sides, wads (`LockedValues`)."""

    cva: int = 0
    lf: int = 0
    party_a_mm: int = 0
    party_b_mm: int = 0

    @property
    def total_a(self) -> int:
        return self.cva + self.lf + self.party_a_mm

    @property
    def total_b(self) -> int:
        return self.cva + self.lf + self.party_b_mm

    def scaled(self, numerator: int, denominator: int) -> "Locked":
        """Each component as floor(v * numerator / denominator)."""
        return Locked(
            cva=mul_div(self.cva, numerator, denominator),
            lf=mul_div(self.lf, numerator, denominator),
            party_a_mm=mul_div(self.party_a_mm, numerator, denominator),
            party_b_mm=mul_div(self.party_b_mm, numerator, denominator),
        )

    def minus(self, other: "Locked") -> "Locked":
        return Locked(
            cva=self.cva - other.cva,
            lf=self.lf - other.lf,
            party_a_mm=self.party_a_mm - other.party_a_mm,
            party_b_mm=self.party_b_mm - other.party_b_mm,
        )

    def plus(self, other: "Locked") -> "Locked":
        return Locked(
            cva=self.cva + other.cva,
            lf=self.lf + other.lf,
            party_a_mm=self.party_a_mm + other.party_a_mm,
            party_b_mm=self.party_b_mm + other.party_b_mm,
        )


def available_for_quote_a(allocated: int, locked: Locked, pending: Locked, upnl: int) -> int:
    """What PartyA may still lock; signed."""
    if upnl >= 0:
        return allocated + upnl - locked.total_a - pending.total_a
    return allocated - locked.cva - locked.lf - pending.total_a - max(-upnl, locked.party_a_mm)


def available_for_quote_b(allocated: int, locked: Locked, pending: Locked, upnl: int) -> int:
    """What PartyB may still lock towards one PartyA; signed."""
    if upnl >= 0:
        return allocated + upnl - locked.total_b - pending.total_b
    return allocated - locked.cva - locked.lf - pending.total_b - max(-upnl, locked.party_b_mm)


def available_for_liquidation(allocated: int, locked: Locked, upnl: int) -> int:
    """Below zero the side can be liquidated; the same formula for both sides."""
    return allocated - locked.cva - locked.lf + upnl


def leverage(quantity: int, price: int, locked: Locked) -> int:
    """floor(quantity * price / totalA), an 18-decimals ratio; 0 where nothing is locked."""
    return quantity * price // locked.total_a if locked.total_a else 0


def trading_fee(quantity: int, base_price: int, rate: int) -> int:
    """Platform fee of PartyA: floor(quantity * base * rate / 1e36)."""
    return quantity * base_price * rate // WAD**2
