"""Required against actual: brings the hedge of a quote to the quantity that the chain's side needs."""

import msgspec

from hedger.domain.events import Event
from hedger.domain.money import floor_to
from hedger.domain.policies.inputs import Inputs
from hedger.domain.policies.policy import Policy
from hedger.domain.policies.requests import cancels, decided, is_tradable, order
from hedger.domain.quote.hedge import HedgeOrder
from hedger.domain.quote.quote import Quote
from hedger.domain.terms import Leg, PositionType, Side, hedge_side


def towards(quote: Quote, target: int, inputs: Inputs, policy: Policy, *, why: str) -> list[Event]:
    """Requests that bring the hedge to `target` (wad): cancel what still works, then trade the difference.

    Nothing is asked while an order is unsettled, since its fills would be counted twice, nor for a difference that
    the venue does not take in one order: that is residual.
    """
    unsettled = quote.hedge.unsettled
    if unsettled:
        return decided(f"cancel: {why}", inputs, policy, *cancels(unsettled, why))
    excess = quote.hedge.quantity - target
    leg = Leg.UNWIND if excess > 0 else Leg.REHEDGE
    step = inputs.limits.step if inputs.limits is not None else 0
    most = inputs.limits.max_quantity if inputs.limits is not None else 0
    quantity = min(floor_to(abs(excess), step), floor_to(most, step))
    position = _position(quote)
    if not is_tradable(quantity, inputs, grows=leg.grows, side=hedge_side(position).opposite):
        return []
    if not may_place(quote, leg, inputs, policy):
        return []
    request = order(quote, inputs, policy, leg, quantity, position=position)
    return decided(f"{leg.name.lower()}: {why}", inputs, policy, request)


def undo_former(quote: Quote, inputs: Inputs, policy: Policy) -> list[Event] | None:
    """Requests that undo what was hedged for another intent, which bore this id before a reorganisation.

    None where nothing is left of it that the venue takes in an order: the quote's own matters go on.
    """
    why = "the id belongs to another intent now"
    unsettled = [order for order in quote.hedge.unsettled if order.former]
    if unsettled:
        return decided(f"cancel: {why}", inputs, policy, *cancels(unsettled, why))
    symbol, left_behind = inputs.symbol, quote.hedge.left_behind
    if not left_behind:
        return None
    held = left_behind.get(symbol.name, 0) if symbol is not None else 0
    limits = inputs.limits
    quantity = min(floor_to(abs(held), limits.step), floor_to(limits.max_quantity, limits.step)) if limits else 0
    if not is_tradable(quantity, inputs, grows=True):
        of_another = symbol is not None and quote.chain is not None and symbol.symbol_id != quote.chain.symbol_id
        return [] if of_another else None
    tried = [order for order in quote.hedge.orders.values() if order.former and order.leg is Leg.UNWIND]
    if not _is_patient(tried, inputs, policy):
        return []
    position = PositionType.LONG if held > 0 else PositionType.SHORT
    request = order(quote, inputs, policy, Leg.UNWIND, quantity, position=position)
    # The book does not know what is left behind, so it cannot tell whether the account shrinks.
    request = msgspec.structs.replace(request, reduce_only=False)
    return decided(f"unwind: {why}", inputs, policy, request)


def may_place(quote: Quote, leg: Leg, inputs: Inputs, policy: Policy, *, close_id: int | None = None) -> bool:
    """False while the last refused orders of this leg still ask to wait."""
    return _is_patient(quote.hedge.of_leg(leg, close_id=close_id), inputs, policy)


def _is_patient(tried: list[HedgeOrder], inputs: Inputs, policy: Policy) -> bool:
    """True where the last of these orders filled something, or was long enough ago."""
    failed = 0
    for request in reversed(tried):
        if request.filled:
            break
        failed += 1
    return not failed or inputs.block_timestamp - tried[-1].requested_at >= policy.retry.wait_s(failed)


def _position(quote: Quote) -> PositionType:
    """The hedge's direction; told by its first order where the quote itself was orphaned from the chain."""
    if quote.chain is not None:
        return quote.chain.position_type
    first = next(order for order in quote.hedge.orders.values() if not order.former)
    opened_by = first.side if first.leg.grows else first.side.opposite
    return PositionType.LONG if opened_by is Side.BUY else PositionType.SHORT
