"""The whole policy: from what a quote is and what is known, the next requests. Pure, total, the same on replay.

It looks at levels, not at triggers: called again with the same state it asks for the same, and once asked it asks for
nothing until the outcome is known. Reacting to a fact, healing by period and restarting are therefore one path.
"""

from hedger.domain.events import Event
from hedger.domain.policies import closing, emergency, opening
from hedger.domain.policies.acceptance import is_addressed
from hedger.domain.policies.balancing import towards, undo_former
from hedger.domain.policies.inputs import Inputs
from hedger.domain.policies.policy import Policy
from hedger.domain.quote.quote import Quote, Verdict
from hedger.domain.terms import EmergencyClose, QuoteStatus, TradingState


def decide(quote: Quote, inputs: Inputs, policy: Policy) -> list[Event]:
    """The events of the next step: a judgement, or a reason with requests; empty where nothing is to be done now."""
    if inputs.trading_state is TradingState.HALTED or is_ahead_of_the_chain(quote, inputs):
        return []
    if quote.in_flight is not None and not _has_died(quote):
        return []
    undoing = undo_former(quote, inputs, policy)
    if undoing is not None:
        return undoing
    if quote.chain is None:
        has_hedge = any(not order.former for order in quote.hedge.orders.values())
        return towards(quote, 0, inputs, policy, why="the quote is not on the chain") if has_hedge else []
    if quote.chain.status is QuoteStatus.PENDING:
        return opening.pending(quote, inputs, policy)
    if quote.chain.party_b != policy.party_b:
        return towards(quote, 0, inputs, policy, why="another hedger has it")
    if emergency.is_wanted(quote, inputs, policy):
        return emergency.close(quote, inputs, policy)
    match quote.chain.status:
        case QuoteStatus.LOCKED:
            return opening.locked(quote, inputs, policy)
        case QuoteStatus.CANCEL_PENDING:
            return opening.cancel_pending(quote, inputs, policy)
        case QuoteStatus.OPENED:
            return towards(quote, quote.chain.open_quantity, inputs, policy, why="the hedge follows the position")
        case QuoteStatus.CLOSE_PENDING:
            return closing.close_pending(quote, inputs, policy)
        case QuoteStatus.CANCEL_CLOSE_PENDING:
            return closing.cancel_close_pending(quote, inputs, policy)
        case _:
            return towards(quote, 0, inputs, policy, why="the quote has ended")


def needs_accounts(quote: Quote, policy: Policy) -> bool:
    """True where the next decision looks at balances, which cost a question to the chain."""
    facet = quote.chain
    if facet is None:
        return False
    match facet.status:
        case QuoteStatus.PENDING:
            return quote.verdict in (Verdict.NONE, Verdict.ACCEPTED) and is_addressed(facet, policy)
        case QuoteStatus.LOCKED | QuoteStatus.CANCEL_PENDING:
            return facet.party_b == policy.party_b and quote.hedge.quantity > 0
        case QuoteStatus.CLOSE_PENDING if not quote.hedge.unsettled:
            return facet.party_b == policy.party_b
        case QuoteStatus.OPENED if policy.emergency_close is not EmergencyClose.NEVER:
            return facet.party_b == policy.party_b and quote.hedge.quantity < facet.open_quantity
        case QuoteStatus.CLOSE_PENDING | QuoteStatus.CANCEL_CLOSE_PENDING:
            return facet.party_b == policy.party_b and quote.hedge.quantity < facet.open_quantity
        case _:
            return False


def needs_attention(quote: Quote, policy: Policy) -> bool:
    """True while anything may still have to be done for this quote by us."""
    if quote.hedge.unsettled or quote.in_flight is not None or quote.hedge.quantity:
        return True
    if quote.hedge.left_behind:
        return True
    if quote.unread_success() is not None:
        return True  # its block may have left the chain before it was read, and the transaction with it
    if quote.chain is None or quote.chain.status.is_terminal:
        return False
    if quote.chain.status is QuoteStatus.PENDING:
        return quote.verdict in (Verdict.NONE, Verdict.ACCEPTED)
    return quote.chain.party_b == policy.party_b or quote.verdict is Verdict.ACCEPTED


def _has_died(quote: Quote) -> bool:
    """True where the position is gone: no transaction under way can do anything for it, so its hedge goes at once."""
    return quote.chain is not None and quote.chain.status in (QuoteStatus.CLOSED, QuoteStatus.LIQUIDATED)


def is_ahead_of_the_chain(quote: Quote, inputs: Inputs) -> bool:
    """True while a mined transaction's own events have not been read: its effect is not in this state yet."""
    unread = quote.unread_success()
    return unread is not None and unread.block_number > inputs.block_number
