"""Which part of a filled hedge is opened: what the contract takes, what may be waited for, what costs too much."""

from hedger.domain.policies.inputs import Inputs
from hedger.domain.policies.policy import Policy
from hedger.domain.policies.pricing import opening_loss, unwinding_loss
from hedger.domain.policies.requests import facet_of, is_tradable
from hedger.domain.quote.hedge import HedgeOrder
from hedger.domain.quote.onchain import OnChain, openable
from hedger.domain.quote.quote import Quote
from hedger.domain.terms import Leg, QuoteStatus, TradingState

# Refusals that say nothing about the order itself: it is asked again for as long as there is time.
PASSING_REFUSALS = frozenset({"rate_limited", "clock", "never_arrived", "price_unknown"})


def attempts(quote: Quote) -> list[HedgeOrder]:
    """The opening orders that count: not those refused for something that passes, nor those we took back."""
    orders = quote.hedge.of_leg(Leg.OPEN)
    return [order for order in orders if order.refusal not in PASSING_REFUSALS and not order.cancel_requested]


def openable_part(facet: OnChain, filled: int, price: int, inputs: Inputs) -> int:
    """The most of what is filled that the contract opens at this price, 0 for none."""
    assert inputs.symbol is not None
    return openable(
        facet,
        filled,
        price,
        min_quote_value=inputs.symbol.min_quote_value,
        max_leverage=inputs.symbol.max_leverage,
        step=inputs.limits.step if inputs.limits is not None else 0,
    )


def may_fill_rest(quote: Quote, inputs: Inputs, policy: Policy) -> bool:
    """True where there is time and leave to wait for the rest of the hedge, so that nothing too small is left over."""
    facet = facet_of(quote)
    if facet.status is not QuoteStatus.LOCKED or inputs.trading_state is not TradingState.ACTIVE:
        return False
    if facet.deadline - inputs.block_timestamp < policy.min_seconds_to_open:
        return False
    if len(attempts(quote)) >= policy.retry.order_attempts:
        return False
    return is_tradable(facet.quantity - quote.hedge.quantity, inputs, grows=True)


def costs_too_much(facet: OnChain, value: int, filled: int, inputs: Inputs, policy: Policy) -> bool:
    """True where the fills are further outside the requested price than is borne, and going back would cost less."""
    loss = opening_loss(facet, value, filled)
    if loss <= policy.max_slippage_loss:
        return False
    market = inputs.market
    return market is None or unwinding_loss(facet, value, filled, market.bid, market.ask) < loss
