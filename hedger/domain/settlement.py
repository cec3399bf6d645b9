"""Which opened prices to settle at, so that PartyA's profit pays what it lacks and no more is touched than needed.

The contract wants every quote of the signature moved towards its current price, by one unit at least. A quote moved so
little pays nothing worth naming, so losses stay where they are, and so do profits that are not needed.
"""

from collections.abc import Mapping, Sequence

import msgspec

from hedger.domain.money import WAD
from hedger.domain.solvency import upnl_of_party_a
from hedger.domain.terms import PositionType


class Settleable(msgspec.Struct, frozen=True, kw_only=True):
    """One open quote of PartyA, whoever hedges it, and the signed price (wads)."""

    quote_id: int
    party_b: str
    position_type: PositionType
    open_quantity: int
    opened_price: int
    current_price: int

    @property
    def profit(self) -> int:
        """PartyA's, at the current price; signed."""
        return upnl_of_party_a(self.position_type, self.open_quantity, self.opened_price, self.current_price)


class Settled(msgspec.Struct, frozen=True, kw_only=True):
    """New opened prices, one for each quote in order, and what PartyA gains by them (wads)."""

    prices: tuple[int, ...]
    gained: int


def settle(quotes: Sequence[Settleable], allocations: Mapping[str, int], wanted: int) -> Settled | None:
    """Move the largest profits first, each as far as its hedger's allocation pays, until `wanted` is gained.

    None where a quote's price is what it was opened at: the contract then refuses the whole settlement.
    """
    if not quotes or any(quote.current_price == quote.opened_price for quote in quotes):
        return None
    budgets, prices, gained = dict(allocations), dict[int, int](), 0
    for quote in sorted(quotes, key=lambda quote: (-quote.profit, quote.quote_id)):
        most = min(quote.profit, budgets.get(quote.party_b, 0), wanted - gained)
        move = _move_for(quote, most)
        paid = move * quote.open_quantity // WAD if quote.profit > 0 else 0
        budgets[quote.party_b] = budgets.get(quote.party_b, 0) - paid
        gained += paid
        up = quote.current_price > quote.opened_price
        prices[quote.quote_id] = quote.opened_price + (move if up else -move)
    return Settled(prices=tuple(prices[quote.quote_id] for quote in quotes), gained=gained)


def _move_for(quote: Settleable, amount: int) -> int:
    """By how much the price moves for so much profit, rounded down: at least one unit, never past the current price."""
    if amount <= 0 or not quote.open_quantity:
        return 1
    whole = abs(quote.current_price - quote.opened_price)
    return max(1, min(whole, amount * WAD // quote.open_quantity))
