"""How a limit close is kept from being forced: our order stands where any price that can force it has met it before.

Anybody may force a limit close whose price was passed by the gap ratio, at a worse price for us than was asked. What
counts are prices from the first cooldown after the request on; the second cooldown after such a price is the time in
which we can still answer. So the order rests with the full spread at first, moves to the near side of the reach just
before prices begin to count, and where the reach was passed all the same, what is left is closed at the market.
"""

from hedger.domain.policies.inputs import Cooldowns, Inputs
from hedger.domain.policies.policy import Policy
from hedger.domain.policies.pricing import force_reach, venue_limit_before_force, venue_limit_to_close
from hedger.domain.quote.hedge import HedgeOrder
from hedger.domain.quote.onchain import CloseRequest, OnChain
from hedger.domain.terms import Leg, OrderType, PositionType, QuoteStatus


def counts_from(facet: OnChain, cooldowns: Cooldowns | None, policy: Policy) -> int | None:
    """When prices begin to count towards forcing the close, with our lead; None where it cannot be forced."""
    if facet.status is not QuoteStatus.CLOSE_PENDING or facet.close is None or cooldowns is None:
        return None
    if facet.close.order_type is not OrderType.LIMIT:
        return None
    return facet.status_since + cooldowns.force_close_first_s - policy.force_close_lead_s


def limit_now(facet: OnChain, request: CloseRequest, inputs: Inputs, policy: Policy) -> int:
    """The venue price at which the order of a limit close rests now."""
    assert inputs.limits is not None
    earning = venue_limit_to_close(facet, request.price, policy.spread_close, inputs.limits.tick)
    begins = counts_from(facet, inputs.cooldowns, policy)
    if begins is None or inputs.block_timestamp < begins:
        return earning
    near = venue_limit_before_force(facet, request.price, _reach(facet, request, inputs, policy), inputs.limits.tick)
    return min(earning, near) if facet.position_type is PositionType.LONG else max(earning, near)


def was_passed(facet: OnChain, request: CloseRequest, inputs: Inputs, policy: Policy) -> bool:
    """True where the market has passed the price from which the close can be forced, since prices count."""
    begins, reached = counts_from(facet, inputs.cooldowns, policy), inputs.reached
    if begins is None or reached is None or inputs.block_timestamp < begins:
        return False
    reach = _reach(facet, request, inputs, policy)
    return reached.high >= reach if facet.position_type is PositionType.LONG else reached.low <= reach


def is_outdated(order: HedgeOrder, facet: OnChain, request: CloseRequest, inputs: Inputs, policy: Policy) -> bool:
    """True where the order of the close rests at a price that is no longer the one to rest at."""
    if order.leg is not Leg.CLOSE or not order.limit_price or inputs.limits is None:
        return False
    if was_passed(facet, request, inputs, policy):
        return True
    limit = limit_now(facet, request, inputs, policy)
    return order.limit_price > limit if facet.position_type is PositionType.LONG else order.limit_price < limit


def _reach(facet: OnChain, request: CloseRequest, inputs: Inputs, policy: Policy) -> int:
    gap = inputs.symbol.force_close_gap if inputs.symbol is not None else 0
    return force_reach(facet, request.price, gap, policy.force_close_margin)
