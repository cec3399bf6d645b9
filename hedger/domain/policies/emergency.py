"""Emergency close: PartyB closes a position unasked, where the contract lets it and the policy wants it.

The contract allows it while the system or this PartyB is in emergency mode, and for symbols it no longer lists. It
closes the whole position at the oracle's price, whatever it is, so the hedge is taken back first.
"""

from hedger.domain.events import Event
from hedger.domain.policies import allocation
from hedger.domain.policies.balancing import towards
from hedger.domain.policies.inputs import Inputs
from hedger.domain.policies.policy import Policy
from hedger.domain.policies.requests import (
    decided,
    facet_of,
    failing,
    is_served,
    is_tradable,
    may_ask_again,
    transaction,
)
from hedger.domain.quote.quote import Quote
from hedger.domain.terms import CallKind, EmergencyClose, QuoteStatus, hedge_side
from hedger.domain.transactions import Call

_MODES = {"emergency", "party_b_emergency"}


def is_wanted(quote: Quote, inputs: Inputs, policy: Policy) -> bool:
    """True where this position is closed unasked. After too many failures a person must look: it is hedged again."""
    facet = facet_of(quote)
    if facet.status not in (QuoteStatus.OPENED, QuoteStatus.CLOSE_PENDING) or not is_served(inputs):
        return False
    if not _is_allowed(inputs, policy):
        return False
    return len(failing(quote, CallKind.EMERGENCY_CLOSE)) < policy.retry.open_attempts


def close(quote: Quote, inputs: Inputs, policy: Policy) -> list[Event]:
    """Take the hedge back, then close the position."""
    facet = facet_of(quote)
    unwinding = towards(quote, 0, inputs, policy, why="the position is closed in an emergency")
    side = hedge_side(facet.position_type).opposite
    if unwinding or quote.hedge.unsettled or is_tradable(quote.hedge.quantity, inputs, grows=False, side=side):
        return unwinding
    if inputs.account is None or inputs.market is None:
        return []
    if not may_ask_again(quote, CallKind.EMERGENCY_CLOSE, inputs, policy):
        return []
    allocate = allocation.for_fill(facet, facet.open_quantity, inputs.market.mark, inputs, policy)
    call = Call(kind=CallKind.EMERGENCY_CLOSE, quantity=facet.open_quantity, allocate=allocate)
    return decided("close in an emergency", inputs, policy, transaction(quote, inputs, policy, call))


def _is_allowed(inputs: Inputs, policy: Policy) -> bool:
    match policy.emergency_close:
        case EmergencyClose.NEVER:
            return False
        case EmergencyClose.DELISTED:
            return _is_delisted(inputs)
        case EmergencyClose.ALWAYS:
            return _is_delisted(inputs) or bool(_MODES & set(inputs.paused))


def _is_delisted(inputs: Inputs) -> bool:
    return inputs.symbol is not None and not inputs.symbol.is_valid
