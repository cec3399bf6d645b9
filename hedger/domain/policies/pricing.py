"""Prices between the user and the venue. Every rounding is against the hedger's risk: the user's price is never better
than the venue's price with the spread, and never worse than what the user asked."""

from hedger.domain.money import WAD, ceil_to, div, div_up, floor_to, mul
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


def venue_limit_before_force(facet: OnChain, requested: int, reach: int, tick: int) -> int:
    """The worst venue price on the near side of `reach`, where a close can be forced; never past the requested price.

    A price that can force the close has met our order before.
    """
    if facet.position_type is PositionType.LONG:
        return max(ceil_to(requested, tick), floor_to(reach - 1, tick))
    return min(floor_to(requested, tick), ceil_to(reach + 1, tick))


def force_reach(facet: OnChain, requested: int, gap: int, margin: int) -> int:
    """The venue's price from which a limit close can be forced: the asked price and the gap beyond it.

    `margin` (a ratio of the asked price) brings it nearer, because the oracle's price is not quite the venue's.
    """
    beyond = max(0, mul(requested, gap) - mul(requested, margin))
    return requested + beyond if facet.position_type is PositionType.LONG else requested - beyond


def expected_open(facet: OnChain, bid: int, ask: int, spread: int) -> int:
    """The price at which the opening is expected now: the market with the spread, bounded by the request."""
    if facet.position_type is PositionType.LONG:
        return min(facet.requested_price, -(-ask * (WAD + spread) // WAD))
    return max(facet.requested_price, bid * (WAD - spread) // WAD)


def unwinding_loss(facet: OnChain, value: int, quantity: int, bid: int, ask: int) -> int:
    """What taking the hedge back at the market loses against its fills, as a ratio of their value; 0 for a gain."""
    back = (bid if facet.position_type is PositionType.LONG else ask) * quantity
    lost = value - back if facet.position_type is PositionType.LONG else back - value
    return max(0, lost) * WAD // value if value else 0


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
