"""How a decision becomes requests: ids derived from the quote, and the reason in front of them."""

from hedger.domain.events import Event
from hedger.domain.money import WAD
from hedger.domain.policies.inputs import Inputs
from hedger.domain.policies.policy import Policy
from hedger.domain.quote.events import Decided, GaveUp, OrderCancelRequested, OrderRequested
from hedger.domain.quote.hedge import HedgeOrder
from hedger.domain.quote.onchain import OnChain
from hedger.domain.quote.quote import Quote
from hedger.domain.request_ids import client_order_id, transaction_request_id
from hedger.domain.reverts import RevertAction
from hedger.domain.terms import CallKind, HedgingMode, Leg, OrderType, PositionType, Side, hedge_side
from hedger.domain.transactions import Call, RequestState, TransactionRequest, TransactionRequested


def decided(rule: str, inputs: Inputs, policy: Policy, *requests: Event) -> list[Event]:
    """The requests with the rule that made them and what it saw in front; nothing where there is no request."""
    return [Decided(policy=policy.version, rule=rule, inputs=inputs), *requests] if requests else []


def order(
    quote: Quote,
    inputs: Inputs,
    policy: Policy,
    leg: Leg,
    quantity: int,
    *,
    limit_price: int = 0,
    close_id: int = 0,
    position: PositionType | None = None,
) -> OrderRequested:
    """A request for an order of one leg, under the next client order id of that leg."""
    assert inputs.symbol is not None
    side = hedge_side(position if position is not None else _position(quote))
    side = side if leg.grows else side.opposite
    attempt = quote.hedge.asked(leg) + 1
    internal = _is_internal(quote, leg, quantity, inputs, policy)
    return OrderRequested(
        client_order_id=client_order_id(policy.tag, quote.quote_id, leg, attempt),
        leg=leg,
        symbol=inputs.symbol.name,
        side=side,
        order_type=OrderType.LIMIT if limit_price else OrderType.MARKET,
        quantity=quantity,
        limit_price=limit_price,
        reduce_only=not (leg.grows or internal) and _shrinks_the_account(side, quantity, inputs, rests=limit_price > 0),
        close_id=close_id,
        decision_price=0 if internal and _is_stale(inputs, policy) else _touch(side, inputs),
        requested_at=inputs.block_timestamp,
        internal=internal,
    )


def transaction(
    quote: Quote, inputs: Inputs, policy: Policy, call: Call, *, valid_until: int = 0
) -> TransactionRequested:
    """A request for a transaction, under the next id of its kind."""
    assert quote.chain is not None
    attempt = sum(request.call.kind is call.kind for request in quote.requests.values()) + 1
    return TransactionRequested(
        request_id=transaction_request_id(policy.tag, quote.quote_id, call.kind, attempt),
        party_a=quote.chain.party_a,
        symbol_id=quote.chain.symbol_id,
        call=call,
        valid_until=valid_until,
        requested_at=inputs.block_timestamp,
    )


def cancels(orders: list[HedgeOrder], reason: str) -> list[Event]:
    """Cancel requests for those orders of the user's legs that still work and are not asked to cancel yet.

    What balances the hedge goes at market and is left to its end.
    """
    return [
        OrderCancelRequested(client_order_id=order.client_order_id, reason=reason)
        for order in orders
        if order.leg in (Leg.OPEN, Leg.CLOSE) and not order.cancel_requested and order.executed is None
    ]


def give_up(inputs: Inputs, policy: Policy, code: int, reason: str) -> list[Event]:
    return [GaveUp(policy=policy.version, inputs=inputs, code=int(code), reason=reason)]


def may_ask_again(quote: Quote, kind: CallKind, inputs: Inputs, policy: Policy) -> bool:
    """False while the last failures of this kind of call still ask to wait."""
    failures = failing(quote, kind)
    if not failures:
        return True
    last = failures[-1]
    if last.action is RevertAction.NEW_SIGNATURE and len(failures) <= policy.retry.new_signatures:
        return True
    waited = inputs.block_timestamp - last.failed_at
    if last.action is RevertAction.HALT:
        return waited >= policy.retry.longest_wait_s
    return waited >= policy.retry.wait_s(len(failures))


def failing(quote: Quote, kind: CallKind) -> list[TransactionRequest]:
    """The failures of a kind of call since one succeeded, oldest first.

    Those before the quote's last change of status say nothing about what is asked now.
    """
    since = quote.chain.status_since if quote.chain is not None else 0
    run: list[TransactionRequest] = []
    for request in quote.requests.values():
        if request.call.kind is not kind:
            continue
        if request.state is RequestState.SUCCEEDED:
            run.clear()
        elif request.state is RequestState.FAILED and request.failed_at >= since:
            run.append(request)
    return run


def is_served(inputs: Inputs) -> bool:
    """False while the contract refuses everything that PartyB asks for: nothing is begun that could not be ended."""
    return not {"global", "party_b_actions"} & set(inputs.paused)


def _position(quote: Quote) -> PositionType:
    assert quote.chain is not None
    return quote.chain.position_type


def _shrinks_the_account(side: Side, quantity: int, inputs: Inputs, *, rests: bool) -> bool:
    """True where the order may be reduce-only, which the venue judges on the account's net position in the symbol.

    A resting order is judged again with every other fill: hedges of the other side would cut it or end it before the
    user's price is reached. It is reduce-only where there are none, and bounded by the quote's own hedge in any case.
    """
    if inputs.book is None:
        return False
    long, short = inputs.book.symbol_long_hedge, inputs.book.symbol_short_hedge
    held, opposing = (long, short) if side is Side.SELL else (short, long)
    return held - opposing >= quantity and not (rests and opposing)


def _is_internal(quote: Quote, leg: Leg, quantity: int, inputs: Inputs, policy: Policy) -> bool:
    """True where the residual book of the symbol is the other side: always where it is not hedged quote by quote.

    What is held at the venue is reduced there, also after the symbol's mode was changed.
    """
    symbol = policy.of(inputs.symbol.name) if inputs.symbol is not None else None
    if leg.grows:
        return symbol is not None and symbol.hedging is not HedgingMode.PER_QUOTE
    return quote.hedge.internal_quantity >= quantity


def _is_stale(inputs: Inputs, policy: Policy) -> bool:
    """A fill against our own book is only as good as the price it is made at."""
    return inputs.market is None or inputs.venue_time_ms - inputs.market.at_ms > policy.max_price_age_ms


def _touch(side: Side, inputs: Inputs) -> int:
    if inputs.market is None:
        return 0
    return inputs.market.ask if side is Side.BUY else inputs.market.bid


def is_tradable(quantity: int, inputs: Inputs, *, grows: bool, side: Side | None = None) -> bool:
    """True where the venue takes an order of this size.

    The minimum notional is not asked of what is reduce-only; `side`, of a reducing order, tells whether it can be that.
    """
    limits = inputs.limits
    if limits is None or quantity < max(limits.min_quantity, limits.step, 1):
        return False
    if not grows and side is not None and _shrinks_the_account(side, quantity, inputs, rests=False):
        return True
    if inputs.market is None:
        return False
    return quantity * inputs.market.mark // WAD >= limits.min_notional


def facet_of(quote: Quote) -> OnChain:
    assert quote.chain is not None
    return quote.chain
