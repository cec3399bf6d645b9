"""Required against actual: brings the hedge of a quote to the quantity that the chain's side needs."""

from hedger.domain.events import Event
from hedger.domain.money import floor_to
from hedger.domain.policies.inputs import Inputs
from hedger.domain.policies.policy import Policy
from hedger.domain.policies.requests import cancels, decided, is_tradable, order
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


def may_place(quote: Quote, leg: Leg, inputs: Inputs, policy: Policy, *, close_id: int | None = None) -> bool:
    """False while the last refused orders of this leg still ask to wait."""
    failed = 0
    for request in reversed(quote.hedge.of_leg(leg, close_id=close_id)):
        if request.filled:
            break
        failed += 1
    if not failed:
        return True
    last = quote.hedge.of_leg(leg, close_id=close_id)[-1]
    return inputs.block_timestamp - last.requested_at >= policy.retry.wait_s(failed)


def _position(quote: Quote) -> PositionType:
    """The hedge's direction; told by its first order where the quote itself was orphaned from the chain."""
    if quote.chain is not None:
        return quote.chain.position_type
    first = next(iter(quote.hedge.orders.values()))
    opened_by = first.side if first.leg.grows else first.side.opposite
    return PositionType.LONG if opened_by is Side.BUY else PositionType.SHORT
