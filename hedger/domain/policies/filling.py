"""How much of a close can be filled on chain now, and at which price: what the venue closed, so far as it is taken."""

from hedger.domain.policies import forcing
from hedger.domain.policies.inputs import Inputs
from hedger.domain.policies.policy import Policy
from hedger.domain.policies.pricing import closed_price, is_reachable_to_close
from hedger.domain.policies.requests import facet_of, is_tradable
from hedger.domain.quote.onchain import CloseRequest, OnChain, fillable
from hedger.domain.quote.quote import Quote
from hedger.domain.terms import Leg, OrderType, PositionType, QuoteStatus, hedge_side


def open_request(quote: Quote) -> tuple[OnChain, CloseRequest]:
    facet = facet_of(quote)
    assert facet.close is not None
    return facet, facet.close


def closed_at_venue(quote: Quote, request: CloseRequest) -> int:
    """What was reduced at the venue for this request, on chain already or not.

    What the hedge lacks against the open quantity counts as closed, whichever order did it: after a reorganisation or
    an expired earlier request the reduction may stand under another leg.
    """
    return max(0, facet_of(quote).open_quantity - quote.hedge.quantity) + request.filled


def fillable_part(quote: Quote, inputs: Inputs, policy: Policy) -> int:
    """How much of what the venue has closed, and of a rest too small for it, the contract takes now; 0 for nothing."""
    facet, request = open_request(quote)
    whole_only = request.order_type is OrderType.MARKET
    due = _due(quote, request)
    if due > 0 or facet.status is QuoteStatus.CLOSE_PENDING:  # a cancel that nothing was reduced for is just accepted
        due = min(request.remaining, due + _rest(quote, inputs, policy))
    if due <= 0 or inputs.symbol is None or inputs.limits is None or (whole_only and due < request.remaining):
        return 0
    part = fillable(facet, due, min_quote_value=inputs.symbol.min_quote_value, step=inputs.limits.step)
    return 0 if whole_only and part < due else part


def price_of(quote: Quote, part: int, inputs: Inputs, policy: Policy) -> int:
    """The user's price for this part: that of its fills with the spread, bounded by the request."""
    facet, request = open_request(quote)
    value = _value_of(quote, _due(quote, request), part, inputs)
    return closed_price(facet, request.price, value, part, policy.spread_close)


def _due(quote: Quote, request: CloseRequest) -> int:
    """What may be filled on chain now; nothing while an order may still take back what looks closed."""
    if any(order.leg.grows for order in quote.hedge.unsettled):
        return 0
    return min(request.remaining, closed_at_venue(quote, request) - request.filled)


def _rest(quote: Quote, inputs: Inputs, policy: Policy) -> int:
    """What is left of the close where the venue takes no order of it, once its price is reached; 0 for nothing.

    It is filled on chain all the same: too small to trade, it goes to what all quotes of the symbol leave together.
    Waiting for ever it would keep the user from closing, and could be forced.
    """
    facet, request = open_request(quote)
    left, market = request.quantity - closed_at_venue(quote, request), inputs.market
    if left <= 0 or quote.hedge.unsettled or inputs.limits is None or market is None:
        return 0
    if inputs.venue_time_ms - market.at_ms > policy.max_price_age_ms:
        return 0
    if is_tradable(left, inputs, grows=False, side=hedge_side(facet.position_type).opposite):
        return 0
    is_reached = is_reachable_to_close(facet, request.price, market.bid, market.ask, policy.spread_close)
    return left if is_reached or forcing.was_passed(facet, request, inputs, policy) else 0


def _value_of(quote: Quote, due: int, part: int, inputs: Inputs) -> int:
    """Value (36 decimals) of the first `part` of what was reduced at the venue last and is due on chain.

    What the venue did not trade is worth today's market.
    """
    legs = (Leg.CLOSE, Leg.UNWIND)
    begin = quote.hedge.filled_of(*legs) - due
    value = quote.hedge.value_between(begin, begin + min(part, due), *legs)
    if part <= due or inputs.market is None:
        return value
    long = facet_of(quote).position_type is PositionType.LONG
    return value + (part - due) * (inputs.market.bid if long else inputs.market.ask)
