"""Funding: which epoch is due, what the venue took for it, and which rate of it is passed on to PartyA.

Rates are signed ratios (wads). The venue's are positive where longs pay; the contract's are positive where PartyA pays
PartyB, on both sides. Times are seconds. Sources: the contract's rules of chargeFundingRate (protocol, funding) and the
coefficients that front ends are told of (solver API, funding).
"""

from fractions import Fraction
from math import ceil

import msgspec

from hedger.domain.money import WAD, mul
from hedger.domain.terms import PositionType, TradingState


class VenueRate(msgspec.Struct, frozen=True, kw_only=True):
    """The rate of one settlement at the venue: as it was applied, or as it was seen last before that (not settled)."""

    settles_at: int
    rate: int
    is_settled: bool


class SymbolFunding(msgspec.Struct, frozen=True, kw_only=True):
    """What is known of a symbol's funding while its window is open.

    `epoch_s` and `window_s` are the contract's; `interval_s` is between two settlements of the venue, 0 where it is not
    known. `rates` are those of the running epoch, oldest first, up to the first settlement at or after its boundary.
    """

    symbol_id: int
    name: str
    epoch_s: int
    window_s: int
    interval_s: int
    trading_state: TradingState
    rates: tuple[VenueRate, ...] = ()


def boundary_before(at: int, epoch_s: int) -> int:
    """The newest epoch boundary at or before a time."""
    return at - at % epoch_s


def epoch_of(at: int, epoch_s: int, window_s: int) -> int:
    """The boundary that a charge mined at this time pays for; 0 for a time of 0, where nothing was charged yet.

    Up to the end of a boundary's window it is that boundary's, later the next one's: as the contract has it, and as
    payments of the venue are counted, which come a little after their boundary.
    """
    if not at or not epoch_s:
        return 0
    return -(-(at - window_s) // epoch_s) * epoch_s


def is_window_open(now: int, epoch_s: int, window_s: int) -> bool:
    """True from a boundary to the end of its window. Nothing is charged ahead of a boundary."""
    return epoch_s > 0 and now - boundary_before(now, epoch_s) <= window_s


def taken_by_venue(funding: SymbolFunding, boundary: int, *, guess: bool) -> Fraction | None:
    """What the venue took of a long for the epoch that ends at this boundary; None while that is not known.

    Several settlements within the epoch are added up. A settlement that spans several epochs counts in parts: the rate
    in force at the boundary, by the epoch's share of the venue's interval. With `guess` rates seen last stand for those
    that the venue has not told as applied, and the newest rate for settlements of which nothing is known.
    """
    if not funding.interval_s:
        return None
    share = Fraction(funding.epoch_s, funding.interval_s)
    if share < 1:
        in_force = next((each for each in funding.rates if each.settles_at >= boundary), None)
        if in_force is None or not (in_force.is_settled or in_force.settles_at > boundary or guess):
            return None
        return in_force.rate * share
    within = [each for each in funding.rates if boundary - funding.epoch_s < each.settles_at <= boundary]
    is_complete = len(within) >= funding.epoch_s // funding.interval_s
    if is_complete and (guess or all(each.is_settled for each in within)):
        return Fraction(sum(each.rate for each in within))
    return within[-1].rate * share if guess and within else None


def contract_rate(
    position: PositionType, taken: Fraction, *, user_to_hedger: int, hedger_to_user: int, highest: int
) -> int:
    """The rate to charge one position with, within plus and minus `highest` (what PartyA agreed to).

    What PartyA owes is multiplied by one coefficient, what it is owed by the other. Rounded upward: PartyA pays a unit
    of the last decimal more rather than less, and is paid one less rather than more.
    """
    owed = taken if position is PositionType.LONG else -taken
    coefficient = user_to_hedger if owed > 0 else hedger_to_user
    return max(-highest, min(highest, ceil(owed * coefficient / WAD)))


def amount_moved(opened_price: int, rate: int, open_quantity: int) -> int:
    """What a charge moves from PartyA to PartyB (signed wad), with the contract's own rounding."""
    value = mul(open_quantity, mul(opened_price, abs(rate)))
    return value if rate >= 0 else -value
