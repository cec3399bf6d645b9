"""Prices between the user and the venue. Every rounding is against the hedger's risk: the user's price is never better
than the venue's price with the spread, and never worse than what the user asked."""

from hedger.domain.money import WAD, ceil_to, div, div_up, floor_to
from hedger.domain.quote.onchain import OnChain
from hedger.domain.terms import PositionType


def venue_limit_to_open(facet: OnChain, spread: int, tick: int) -> int:
    """Worst venue price at which the opening still earns the spread: requested / (1 + s) long, / (1 - s) short."""
    if facet.position_type is PositionType.LONG:
        return floor_to(div(facet.requested_price, WAD + spread), tick)
    return ceil_to(div_up(facet.requested_price, WAD - spread), tick)


def venue_limit_to_close(facet: OnChain, requested: int, spread: int, tick: int) -> int:
    """Worst venue price at which the close still earns the spread."""
    if facet.position_type is PositionType.LONG:
        return ceil_to(div_up(requested, WAD - spread), tick)
    return floor_to(div(requested, WAD + spread), tick)


def opened_price(facet: OnChain, value: int, quantity: int, spread: int) -> int:
    """The user's opened price for fills worth `value` (36 decimals): average with spread, bounded by the request."""
    if facet.position_type is PositionType.LONG:
        return min(facet.requested_price, -(-value * (WAD + spread) // (quantity * WAD)))
    return max(facet.requested_price, value * (WAD - spread) // (quantity * WAD))


def closed_price(facet: OnChain, requested: int, value: int, quantity: int, spread: int) -> int:
    """The user's closed price for fills worth `value` (36 decimals): average with spread, bounded by the request."""
    if facet.position_type is PositionType.LONG:
        return max(requested, value * (WAD - spread) // (quantity * WAD))
    return min(requested, -(-value * (WAD + spread) // (quantity * WAD)))


def opening_loss(facet: OnChain, value: int, quantity: int) -> int:
    """What opening at the requested price loses against the fills, as a ratio of the fills' value; 0 where it gains."""
    granted = facet.requested_price * quantity
    lost = value - granted if facet.position_type is PositionType.LONG else granted - value
    return max(0, lost) * WAD // value if value else 0


def is_reachable_to_open(facet: OnChain, bid: int, ask: int, spread: int) -> bool:
    """True where the market with the spread is within the requested price."""
    if facet.position_type is PositionType.LONG:
        return ask * (WAD + spread) <= facet.requested_price * WAD
    return bid * (WAD - spread) >= facet.requested_price * WAD


def is_reachable_to_close(facet: OnChain, requested: int, bid: int, ask: int, spread: int) -> bool:
    """As for opening; a long closes at the bid, a short at the ask."""
    if facet.position_type is PositionType.LONG:
        return bid * (WAD - spread) >= requested * WAD
    return ask * (WAD + spread) <= requested * WAD
