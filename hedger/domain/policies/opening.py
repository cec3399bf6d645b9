"""From the intent to the open position: judge, lock, hedge, open; release and unwind where it cannot be."""

from hedger.domain.error_codes import ErrorCode
from hedger.domain.events import Event
from hedger.domain.policies import acceptance, allocation
from hedger.domain.policies.balancing import may_place, towards
from hedger.domain.policies.inputs import Inputs
from hedger.domain.policies.opening_part import attempts, costs_too_much, may_fill_rest, openable_part
from hedger.domain.policies.policy import Policy
from hedger.domain.policies.pricing import (
    expected_open,
    opened_price,
    venue_limit_to_open,
)
from hedger.domain.policies.requests import (
    cancels,
    decided,
    facet_of,
    failing,
    give_up,
    is_served,
    is_tradable,
    may_ask_again,
    order,
    transaction,
)
from hedger.domain.quote.events import QuoteAccepted, QuoteRejected
from hedger.domain.quote.hedge import OrderState
from hedger.domain.quote.quote import Quote, Verdict
from hedger.domain.reverts import RevertAction
from hedger.domain.terms import CallKind, Leg, MarketMode, OrderType, QuoteStatus, TradingState, hedge_side
from hedger.domain.transactions import Call, TransactionRequest


def pending(quote: Quote, inputs: Inputs, policy: Policy) -> list[Event]:
    """PENDING: nobody has locked it."""
    facet = facet_of(quote)
    if quote.verdict is Verdict.NONE:
        return _judge(quote, inputs, policy)
    if quote.verdict is not Verdict.ACCEPTED:
        return towards(quote, 0, inputs, policy, why="not ours")
    if facet.deadline - inputs.block_timestamp < policy.min_seconds_to_open:
        return give_up(inputs, policy, ErrorCode.DEADLINE, "too little time is left to open")
    if inputs.trading_state is not TradingState.ACTIVE:
        return give_up(inputs, policy, ErrorCode.TRADING_PAUSED, f"trading is {inputs.trading_state.value}")
    if _hedges_first(quote, policy):
        return _hedge_then_open(quote, inputs, policy)
    return _ask(quote, inputs, policy, CallKind.LOCK)


def locked(quote: Quote, inputs: Inputs, policy: Policy) -> list[Event]:
    """LOCKED by us: hedge, then open what is filled; release what cannot be opened."""
    facet = facet_of(quote)
    if quote.verdict is not Verdict.ACCEPTED:
        return _release(quote, inputs, policy)
    if inputs.block_timestamp > facet.deadline:
        return give_up(inputs, policy, ErrorCode.DEADLINE, "the deadline has passed")
    late = facet.deadline - inputs.block_timestamp < policy.min_seconds_to_open
    unsettled = quote.hedge.unsettled
    if unsettled:
        why = _why_to_stop(quote, inputs, policy, late=late)
        return decided(f"cancel: {why}", inputs, policy, *cancels(unsettled, why)) if why else []
    if quote.hedge.quantity > 0:
        return _open_filled(quote, inputs, policy)
    if late:
        return give_up(inputs, policy, ErrorCode.DEADLINE, "nothing was filled before the deadline")
    return _place_opening_order(quote, inputs, policy, facet.quantity)


def cancel_pending(quote: Quote, inputs: Inputs, policy: Policy) -> list[Event]:
    """CANCEL_PENDING of ours: wait for the order's final state; what filled is opened, else the cancel is accepted."""
    facet = facet_of(quote)
    unsettled = quote.hedge.unsettled
    if unsettled:
        return decided("cancel: asked by the user", inputs, policy, *cancels(unsettled, "asked by the user"))
    filled = quote.hedge.quantity
    if filled > 0 and quote.verdict is Verdict.ACCEPTED and inputs.block_timestamp <= facet.deadline:
        if inputs.account is None:
            return []
        opening = _open_filled(quote, inputs, policy)
        if opening or _waits_for_open(quote, inputs, policy):
            return opening
    if not may_ask_again(quote, CallKind.ACCEPT_CANCEL, inputs, policy):
        return []
    unwind = towards(quote, 0, inputs, policy, why="the user cancelled")
    accept = transaction(quote, inputs, policy, Call(kind=CallKind.ACCEPT_CANCEL))
    return [*unwind, accept] if unwind else decided("accept the cancel", inputs, policy, accept)


def _judge(quote: Quote, inputs: Inputs, policy: Policy) -> list[Event]:
    candidate = acceptance.candidate(facet_of(quote), inputs, policy)
    if candidate is None:
        results = acceptance.judge_unseen(facet_of(quote), inputs, policy)
        if not results:
            return []
    else:
        results = acceptance.judge(candidate)
    failed = next((result for result in results if not result.passed), None)
    if failed is None:
        return [QuoteAccepted(policy=policy.version, inputs=inputs, rules=results)]
    return [QuoteRejected(policy=policy.version, inputs=inputs, rules=results, code=failed.code)]


def _hedges_first(quote: Quote, policy: Policy) -> bool:
    return facet_of(quote).order_type is OrderType.MARKET and policy.market_mode is MarketMode.HEDGE_FIRST


def _hedge_then_open(quote: Quote, inputs: Inputs, policy: Policy) -> list[Event]:
    facet = facet_of(quote)
    if quote.hedge.unsettled:
        return []
    if quote.hedge.quantity >= facet.quantity:
        return _open_filled(quote, inputs, policy)
    if quote.hedge.quantity > 0:
        return give_up(inputs, policy, ErrorCode.BROKER_FAILED, "the venue filled only a part of a market order")
    return _place_opening_order(quote, inputs, policy, facet.quantity)


def _place_opening_order(quote: Quote, inputs: Inputs, policy: Policy, quantity: int) -> list[Event]:
    facet = facet_of(quote)
    if len(attempts(quote)) >= policy.retry.order_attempts:
        return give_up(inputs, policy, ErrorCode.BROKER_FAILED, _last_refusal(quote))
    if inputs.limits is None or inputs.symbol is None or not may_place(quote, Leg.OPEN, inputs, policy):
        return []
    if inputs.trading_state is not TradingState.ACTIVE:
        return give_up(inputs, policy, ErrorCode.TRADING_PAUSED, f"trading is {inputs.trading_state.value}")
    if not is_served(inputs):
        return []
    limit_price = 0
    if facet.order_type is OrderType.LIMIT:
        limit_price = venue_limit_to_open(facet, policy.spread_open, inputs.limits.tick)
    request = order(quote, inputs, policy, Leg.OPEN, quantity, limit_price=limit_price)
    return decided("hedge the opening", inputs, policy, request)


def _last_refusal(quote: Quote) -> str:
    last = quote.hedge.of_leg(Leg.OPEN)[-1]
    if last.state is OrderState.REFUSED:
        return f"the venue refused the order: {last.refusal}"
    return f"the venue ended the order unfilled: {last.end_status}"


def _why_to_stop(quote: Quote, inputs: Inputs, policy: Policy, *, late: bool) -> str:
    """Why the order at work should end before it is filled; empty where it should go on."""
    if late:
        return "the deadline is near"
    if not is_served(inputs):
        return "the contract is paused"
    if inputs.trading_state is not TradingState.ACTIVE:
        return f"trading is {inputs.trading_state.value}"
    return _part_is_due(quote, inputs, policy)


def _part_is_due(quote: Quote, inputs: Inputs, policy: Policy) -> str:
    """Why a working limit order should stop now so that its filled part is opened; empty where it should go on."""
    facet = facet_of(quote)
    if not policy.open_parts_after_s or facet.order_type is not OrderType.LIMIT or inputs.symbol is None:
        return ""
    filled = quote.hedge.quantity
    if not 0 < filled < facet.quantity:
        return ""
    if inputs.block_timestamp - facet.status_since < policy.open_parts_after_s:
        return ""
    whole = openable_part(facet, filled, facet.requested_price, inputs)
    return "the filled part is opened" if whole == filled else ""


def _open_filled(quote: Quote, inputs: Inputs, policy: Policy) -> list[Event]:
    """Open what the venue has filled, as far as the contract takes it, at a price we can bear."""
    facet = facet_of(quote)
    if inputs.symbol is None or inputs.limits is None:
        return []
    filled = min(quote.hedge.quantity, facet.quantity)
    value = quote.hedge.value_between(0, filled, Leg.OPEN)
    price = opened_price(facet, value, filled, policy.spread_open)
    part = openable_part(facet, filled, price, inputs)
    if part < filled and may_fill_rest(quote, inputs, policy):
        return _place_opening_order(quote, inputs, policy, facet.quantity - quote.hedge.quantity)
    if not part:
        return give_up(inputs, policy, ErrorCode.UNKNOWN_FAILURE, "the contract does not open the part that is filled")
    if costs_too_much(facet, value, filled, inputs, policy):
        return give_up(inputs, policy, ErrorCode.MARKET_MOVED, "the hedge filled too far outside the requested price")
    kind = CallKind.LOCK_AND_OPEN if facet.status is QuoteStatus.PENDING else CallKind.OPEN
    return _ask(quote, inputs, policy, kind, quantity=part, price=price)


def _ask(
    quote: Quote, inputs: Inputs, policy: Policy, kind: CallKind, *, quantity: int = 0, price: int = 0
) -> list[Event]:
    """Ask for a lock or an opening, unless earlier failures say to wait, or that it can no longer be."""
    facet = facet_of(quote)
    failures = failing(quote, kind)
    if failures and _is_hopeless(kind, failures, policy):
        code = ErrorCode.INSOLVENT if failures[-1].action is RevertAction.SOLVENCY else ErrorCode.UNKNOWN_FAILURE
        return give_up(inputs, policy, code, failures[-1].reason)
    if not may_ask_again(quote, kind, inputs, policy):
        return []
    account, book, market = inputs.account, inputs.book, inputs.market
    if account is None or book is None or market is None:
        return []
    allocate = 0
    if kind is not CallKind.OPEN:
        expected = price or expected_open(facet, market.bid, market.ask, policy.spread_open)
        allocate = allocation.for_lock(facet, account, book, policy, price=expected, failures=failures)
    if kind is not CallKind.LOCK:
        allocate = max(allocate, allocation.for_open(facet, quantity, price, inputs, policy, failures))
    allocate = min(allocate, allocation.share_room(account, book, policy))
    call = Call(kind=kind, quantity=quantity, price=price, allocate=allocate)
    request = transaction(quote, inputs, policy, call, valid_until=facet.deadline)
    return decided(kind.value.replace("_", " "), inputs, policy, request)


def _is_hopeless(kind: CallKind, failures: list[TransactionRequest], policy: Policy) -> bool:
    """True where asking again leads nowhere, or a hedge has waited for its opening for longer than we bear."""
    if failures[-1].action is RevertAction.GIVE_UP or len(failures) >= policy.retry.open_attempts:
        return True
    return kind is not CallKind.LOCK and failures[-1].failed_at - failures[0].failed_at >= policy.patience_open_s


def _waits_for_open(quote: Quote, inputs: Inputs, policy: Policy) -> bool:
    return not may_ask_again(quote, CallKind.OPEN, inputs, policy)


def _release(quote: Quote, inputs: Inputs, policy: Policy) -> list[Event]:
    """Unwind what is hedged, then unlock (past the deadline the same call lets the quote expire)."""
    unwinding = towards(quote, 0, inputs, policy, why="released")
    if unwinding or quote.hedge.unsettled:
        return unwinding
    side = hedge_side(facet_of(quote).position_type).opposite
    if is_tradable(abs(quote.hedge.quantity), inputs, grows=False, side=side):
        return []
    if not may_ask_again(quote, CallKind.UNLOCK, inputs, policy):
        return []
    return decided("unlock", inputs, policy, transaction(quote, inputs, policy, Call(kind=CallKind.UNLOCK)))
