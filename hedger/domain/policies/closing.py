"""From the close request to the filled close: reduce at the venue first, then fill on chain what was reduced."""

from hedger.domain.error_codes import ErrorCode
from hedger.domain.events import Event
from hedger.domain.policies import allocation, forcing
from hedger.domain.policies.balancing import may_place, towards
from hedger.domain.policies.filling import closed_at_venue, fillable_part, open_request, price_of
from hedger.domain.policies.inputs import Inputs
from hedger.domain.policies.policy import Policy
from hedger.domain.policies.pricing import is_reachable_to_close
from hedger.domain.policies.requests import (
    cancels,
    decided,
    facet_of,
    failing,
    is_served,
    is_tradable,
    may_ask_again,
    order,
    transaction,
)
from hedger.domain.quote.events import CloseRejected
from hedger.domain.quote.onchain import CloseRequest, OnChain
from hedger.domain.quote.quote import Quote
from hedger.domain.reverts import PROFIT_FIRST, RevertAction
from hedger.domain.solvency import upnl_of_party_a
from hedger.domain.terms import CallKind, Leg, OrderType, PositionType, hedge_side
from hedger.domain.transactions import Call

_CODES = {
    RevertAction.SOLVENCY: ErrorCode.CLOSE_INSOLVENT,
    RevertAction.ADD_FUNDS: ErrorCode.CLOSE_PARTY_B_INSOLVENT,
    RevertAction.DEPOSIT: ErrorCode.CLOSE_PARTY_B_INSOLVENT,
}


def close_pending(quote: Quote, inputs: Inputs, policy: Policy) -> list[Event]:
    """CLOSE_PENDING: LIMIT closes are filled part by part, MARKET closes all at once; after the deadline it expires."""
    facet, request = open_request(quote)
    unsettled = quote.hedge.unsettled
    if inputs.block_timestamp > request.deadline:
        return _expire(quote, inputs, policy)
    if not is_served(inputs):
        return towards(quote, facet.open_quantity, inputs, policy, why="the contract is paused")
    if _cannot_be_filled(quote, inputs, policy):
        return _hedged_again(quote, request, inputs, policy)
    late = request.deadline - inputs.block_timestamp < policy.min_seconds_to_close
    why = _why_to_stop(quote, request, inputs, policy, late=late)
    stopping = decided(f"cancel: {why}", inputs, policy, *cancels(unsettled, why)) if why else []
    if stopping:
        return stopping
    if filling := _fill(quote, inputs, policy):
        return filling
    left = request.quantity - closed_at_venue(quote, request)
    if unsettled or late or left <= 0 or not _may_close(quote, request, left, inputs, policy):
        return []
    return _place(quote, facet, request, left, inputs, policy)


def cancel_close_pending(quote: Quote, inputs: Inputs, policy: Policy) -> list[Event]:
    """CANCEL_CLOSE_PENDING: what the venue closed meanwhile is filled, which ends the request; else it is accepted."""
    facet, request = open_request(quote)
    unsettled = quote.hedge.unsettled
    if unsettled:
        return decided("cancel: asked by the user", inputs, policy, *cancels(unsettled, "asked by the user"))
    if not is_served(inputs):
        return towards(quote, facet.open_quantity, inputs, policy, why="the contract is paused")
    if inputs.block_timestamp <= request.deadline:
        if filling := _fill(quote, inputs, policy):
            return filling
        waits = not may_ask_again(quote, CallKind.FILL_CLOSE, inputs, policy)
        if waits and fillable_part(quote, inputs, policy) and not _has_failed_for(quote, policy.patience_close_s):
            return []
    if not may_ask_again(quote, CallKind.ACCEPT_CANCEL_CLOSE, inputs, policy):
        return []
    accept = transaction(quote, inputs, policy, Call(kind=CallKind.ACCEPT_CANCEL_CLOSE, close_id=request.close_id))
    return decided("accept the cancel of the close", inputs, policy, accept)


def _fill(quote: Quote, inputs: Inputs, policy: Policy) -> list[Event]:
    """Fill on chain what the venue has closed, as far as the contract takes it."""
    facet, request = open_request(quote)
    part = fillable_part(quote, inputs, policy)
    if not part or not may_ask_again(quote, CallKind.FILL_CLOSE, inputs, policy):
        return []
    price = price_of(quote, part, inputs, policy)
    allocate = allocation.for_fill(facet, part, price, inputs, policy, failing(quote, CallKind.FILL_CLOSE))
    call = Call(kind=CallKind.FILL_CLOSE, quantity=part, price=price, allocate=allocate, close_id=request.close_id)
    asked = transaction(quote, inputs, policy, call, valid_until=request.deadline)
    return decided("fill the close", inputs, policy, asked)


def _why_to_stop(quote: Quote, request: CloseRequest, inputs: Inputs, policy: Policy, *, late: bool) -> str:
    """Why the orders at work should end before they are filled; empty where they should go on."""
    if late:
        return "the deadline is near"
    facet = facet_of(quote)
    if any(forcing.is_outdated(order, facet, request, inputs, policy) for order in quote.hedge.unsettled):
        return "the close must not be forced"
    return ""


def _may_close(quote: Quote, request: CloseRequest, left: int, inputs: Inputs, policy: Policy) -> bool:
    facet = facet_of(quote)
    if inputs.limits is None or not may_place(quote, Leg.CLOSE, inputs, policy, close_id=request.close_id):
        return False
    if not _can_pay(facet, request, left, inputs):
        return False
    if request.order_type is OrderType.LIMIT:
        return True
    market = inputs.market
    if market is None or inputs.venue_time_ms - market.at_ms > policy.max_price_age_ms:
        return False
    # A market close whose price has run away waits for it to come back, up to its deadline.
    return is_reachable_to_close(facet, request.price, market.bid, market.ask, policy.spread_close)


def _can_pay(facet: OnChain, request: CloseRequest, quantity: int, inputs: Inputs) -> bool:
    """False where PartyA's loss at the price asked is more than it has allocated: the contract refuses to fill that.

    Its profit may stand with another hedger, or it must add funds first; nothing is reduced until it can pay.
    """
    if inputs.account is None:
        return False
    loss = -upnl_of_party_a(facet.position_type, quantity, facet.opened_price, _expected(facet, request, inputs))
    return loss <= inputs.account.party_a_allocated


def _expected(facet: OnChain, request: CloseRequest, inputs: Inputs) -> int:
    """The price at which the close is expected to be filled: the market's for MARKET, never worse than asked."""
    if request.order_type is OrderType.LIMIT or inputs.market is None:
        return request.price
    if facet.position_type is PositionType.LONG:
        return max(request.price, inputs.market.bid)
    return min(request.price, inputs.market.ask)


def _has_failed_for(quote: Quote, seconds: int) -> bool:
    """True where fills have failed, one after the other, for so long."""
    run = failing(quote, CallKind.FILL_CLOSE)
    return bool(run) and run[-1].failed_at - run[0].failed_at >= seconds


def _cannot_be_filled(quote: Quote, inputs: Inputs, policy: Policy) -> bool:
    """True where fills have failed beyond our patience, until it is time to try once more."""
    if not _has_failed_for(quote, policy.patience_close_s):
        return False
    last = failing(quote, CallKind.FILL_CLOSE)[-1]
    facet, request = open_request(quote)
    # Each try costs the spread twice: one that PartyA's funds decide is rare, unless the close may be forced meanwhile.
    # Whether it can pay its loss by now is known before anything is reduced.
    unknown = last.action is RevertAction.SOLVENCY and not last.reason.startswith(PROFIT_FIRST)
    rare = unknown and not forcing.was_passed(facet, request, inputs, policy)
    return inputs.block_timestamp - last.failed_at < (policy.close_again_s if rare else policy.patience_close_s)


def _hedged_again(quote: Quote, request: CloseRequest, inputs: Inputs, policy: Policy) -> list[Event]:
    """The contract refuses the fill: what is reduced is hedged again, and the user is told."""
    last = failing(quote, CallKind.FILL_CLOSE)[-1]
    if str(request.close_id) not in quote.rejected_closes:
        code = _CODES.get(last.action or RevertAction.WAIT, ErrorCode.UNKNOWN_FAILURE)
        rejected = CloseRejected(
            policy=policy.version, inputs=inputs, close_id=request.close_id, code=int(code), reason=last.reason
        )
        return [rejected]
    return towards(quote, facet_of(quote).open_quantity, inputs, policy, why="the contract refuses the close")


def _place(
    quote: Quote, facet: OnChain, request: CloseRequest, left: int, inputs: Inputs, policy: Policy
) -> list[Event]:
    side = hedge_side(facet.position_type).opposite
    if inputs.limits is None or not is_tradable(left, inputs, grows=False, side=side):
        return []
    limit_price = 0
    if request.order_type is OrderType.LIMIT and not forcing.was_passed(facet, request, inputs, policy):
        limit_price = forcing.limit_now(facet, request, inputs, policy)
    asked = order(quote, inputs, policy, Leg.CLOSE, left, limit_price=limit_price, close_id=request.close_id)
    return decided("reduce for the close", inputs, policy, asked)


def _expire(quote: Quote, inputs: Inputs, policy: Policy) -> list[Event]:
    """Past the deadline nothing can be filled: stop the order, hedge again what it closed, let the request expire.

    The request goes at once: until it has expired, a limit close can still be forced by a price of before.
    """
    restoring = towards(quote, facet_of(quote).open_quantity, inputs, policy, why="the close request expired")
    if not may_ask_again(quote, CallKind.EXPIRE, inputs, policy):
        return restoring
    expire = transaction(quote, inputs, policy, Call(kind=CallKind.EXPIRE))
    return [*restoring, expire] if restoring else decided("expire the close", inputs, policy, expire)
