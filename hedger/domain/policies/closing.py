"""From the close request to the filled close: reduce at the venue first, then fill on chain what was reduced."""

from hedger.domain.events import Event
from hedger.domain.policies import allocation
from hedger.domain.policies.balancing import may_place, towards
from hedger.domain.policies.inputs import Inputs
from hedger.domain.policies.policy import Policy
from hedger.domain.policies.pricing import closed_price, is_reachable_to_close, venue_limit_to_close
from hedger.domain.policies.requests import cancels, decided, facet_of, is_tradable, may_ask_again, order, transaction
from hedger.domain.quote.onchain import CloseRequest, OnChain, fill_part_problem
from hedger.domain.quote.quote import Quote
from hedger.domain.terms import CallKind, Leg, OrderType, hedge_side
from hedger.domain.transactions import Call


def close_pending(quote: Quote, inputs: Inputs, policy: Policy) -> list[Event]:
    """CLOSE_PENDING: LIMIT closes are filled part by part, MARKET closes all at once; after the deadline it expires."""
    facet, request = _open_request(quote)
    unsettled = quote.hedge.unsettled
    if inputs.block_timestamp > request.deadline:
        return _expire(quote, inputs, policy)
    late = request.deadline - inputs.block_timestamp < policy.min_seconds_to_close
    if unsettled and late:
        return decided("cancel: the deadline is near", inputs, policy, *cancels(unsettled, "the deadline is near"))
    if filling := _fill(quote, inputs, policy, whole_only=request.order_type is OrderType.MARKET):
        return filling
    left = request.quantity - _closed_at_venue(quote, request)
    if unsettled or late or left <= 0 or not _may_close(quote, request, inputs, policy):
        return []
    return _place(quote, facet, request, left, inputs, policy)


def cancel_close_pending(quote: Quote, inputs: Inputs, policy: Policy) -> list[Event]:
    """CANCEL_CLOSE_PENDING: what the venue closed meanwhile is filled, which ends the request; else it is accepted."""
    _, request = _open_request(quote)
    unsettled = quote.hedge.unsettled
    if unsettled:
        return decided("cancel: asked by the user", inputs, policy, *cancels(unsettled, "asked by the user"))
    if inputs.block_timestamp <= request.deadline:
        whole_only = request.order_type is OrderType.MARKET
        if filling := _fill(quote, inputs, policy, whole_only=whole_only):
            return filling
        if _can_fill(quote, inputs, whole_only) and not may_ask_again(quote, CallKind.FILL_CLOSE, inputs, policy):
            return []
    if not may_ask_again(quote, CallKind.ACCEPT_CANCEL_CLOSE, inputs, policy):
        return []
    accept = transaction(quote, inputs, policy, Call(kind=CallKind.ACCEPT_CANCEL_CLOSE, close_id=request.close_id))
    return decided("accept the cancel of the close", inputs, policy, accept)


def _open_request(quote: Quote) -> tuple[OnChain, CloseRequest]:
    facet = facet_of(quote)
    assert facet.close is not None
    return facet, facet.close


def _closed_at_venue(quote: Quote, request: CloseRequest) -> int:
    """What was reduced at the venue for this request, on chain already or not.

    What the hedge lacks against the open quantity counts as closed, whichever order did it: after a reorganisation or
    an expired earlier request the reduction may stand under another leg.
    """
    return max(0, facet_of(quote).open_quantity - quote.hedge.quantity) + request.filled


def _due(quote: Quote, request: CloseRequest) -> int:
    """What may be filled on chain now; nothing while an order may still take back what looks closed."""
    if any(order.leg.grows for order in quote.hedge.unsettled):
        return 0
    return min(request.remaining, _closed_at_venue(quote, request) - request.filled)


def _can_fill(quote: Quote, inputs: Inputs, whole_only: bool) -> bool:
    facet, request = _open_request(quote)
    due = _due(quote, request)
    if due <= 0 or inputs.symbol is None or (whole_only and due < request.remaining):
        return False
    return fill_part_problem(facet, due, min_quote_value=inputs.symbol.min_quote_value) is None


def _fill(quote: Quote, inputs: Inputs, policy: Policy, *, whole_only: bool) -> list[Event]:
    """Fill on chain what the venue has closed, once the contract takes that part."""
    facet, request = _open_request(quote)
    if not _can_fill(quote, inputs, whole_only) or not may_ask_again(quote, CallKind.FILL_CLOSE, inputs, policy):
        return []
    due = _due(quote, request)
    price = closed_price(facet, request.price, _value_of_last(quote, due), due, policy.spread_close)
    allocate = allocation.for_fill(facet, due, price, inputs, policy)
    call = Call(kind=CallKind.FILL_CLOSE, quantity=due, price=price, allocate=allocate, close_id=request.close_id)
    asked = transaction(quote, inputs, policy, call, valid_until=request.deadline)
    return decided("fill the close", inputs, policy, asked)


def _value_of_last(quote: Quote, quantity: int) -> int:
    """Value (36 decimals) of the newest `quantity` that was reduced at the venue and not yet filled on chain."""
    legs = (Leg.CLOSE, Leg.UNWIND)
    total = quote.hedge.filled_of(*legs)
    return quote.hedge.value_between(total - quantity, total, *legs)


def _may_close(quote: Quote, request: CloseRequest, inputs: Inputs, policy: Policy) -> bool:
    facet = facet_of(quote)
    if inputs.limits is None or not may_place(quote, Leg.CLOSE, inputs, policy, close_id=request.close_id):
        return False
    if request.order_type is OrderType.LIMIT:
        return True
    market = inputs.market
    if market is None or inputs.venue_time_ms - market.at_ms > policy.max_price_age_ms:
        return False
    # A market close whose price has run away waits for it to come back, up to its deadline.
    return is_reachable_to_close(facet, request.price, market.bid, market.ask, policy.spread_close)


def _place(
    quote: Quote, facet: OnChain, request: CloseRequest, left: int, inputs: Inputs, policy: Policy
) -> list[Event]:
    side = hedge_side(facet.position_type).opposite
    if inputs.limits is None or not is_tradable(left, inputs, grows=False, side=side):
        return []
    limit_price = 0
    if request.order_type is OrderType.LIMIT:
        limit_price = venue_limit_to_close(facet, request.price, policy.spread_close, inputs.limits.tick)
    asked = order(quote, inputs, policy, Leg.CLOSE, left, limit_price=limit_price, close_id=request.close_id)
    return decided("reduce for the close", inputs, policy, asked)


def _expire(quote: Quote, inputs: Inputs, policy: Policy) -> list[Event]:
    """Past the deadline nothing can be filled: stop the order, hedge again what it closed, let the request expire."""
    restoring = towards(quote, facet_of(quote).open_quantity, inputs, policy, why="the close request expired")
    if restoring or quote.hedge.unsettled:
        return restoring
    if not may_ask_again(quote, CallKind.EXPIRE, inputs, policy):
        return []
    return decided("expire the close", inputs, policy, transaction(quote, inputs, policy, Call(kind=CallKind.EXPIRE)))
