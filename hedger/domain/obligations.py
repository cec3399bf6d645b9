"""The obligation clock: what is owed on a quote, by when, and what is at stake."""

from enum import StrEnum

import msgspec

from hedger.domain.feed import ProtocolRead
from hedger.domain.quote.onchain import OnChain, notional
from hedger.domain.quote.quote import Quote
from hedger.domain.terms import OrderType, QuoteStatus


class Duty(StrEnum):
    OPEN = "open"  # a locked quote is opened or released before its deadline
    ANSWER_CANCEL = "answer_cancel"  # before anyone may force the cancel
    CLOSE = "close"  # a market close is filled before its deadline
    ANSWER_CLOSE = "answer_close"  # a limit close is filled once its price is reached, before it can be forced
    ANSWER_CANCEL_CLOSE = "answer_cancel_close"  # before anyone may force the cancel of the close


_AT_ONCE = (0, 0)
AT_LEISURE = (2**63, 0)  # the urgency of what nobody waits for


class Obligation(msgspec.Struct, frozen=True, kw_only=True):
    """What is owed, due at a time of the chain (seconds), with the notional at stake (wad)."""

    quote_id: int
    duty: Duty
    due_at: int
    at_stake: int


def obligation(quote: Quote, party_b: str, protocol: ProtocolRead) -> Obligation | None:
    """What we owe on this quote now, or None."""
    facet = quote.chain
    if facet is None or facet.party_b != party_b:
        return None
    due = _due(facet, protocol)
    if due is None:
        return None
    duty, due_at = due
    return Obligation(quote_id=facet.quote_id, duty=duty, due_at=due_at, at_stake=notional(facet))


def urgency(quote: Quote, party_b: str, protocol: ProtocolRead | None) -> tuple[int, int]:
    """Sorts quotes by what cannot wait: a bare hedge first, then what is due soonest, of these the largest at stake."""
    facet = quote.chain
    is_ours = facet is not None and facet.party_b == party_b and not facet.status.is_terminal
    if quote.hedge.quantity and not is_ours and (facet is None or facet.status is not QuoteStatus.PENDING):
        return _AT_ONCE
    owed = obligation(quote, party_b, protocol) if protocol is not None else None
    return (owed.due_at, -owed.at_stake) if owed is not None else AT_LEISURE


def _due(facet: OnChain, protocol: ProtocolRead) -> tuple[Duty, int] | None:
    since, close = facet.status_since, facet.close
    match facet.status:
        case QuoteStatus.LOCKED:
            return Duty.OPEN, facet.deadline
        case QuoteStatus.CANCEL_PENDING:
            return Duty.ANSWER_CANCEL, since + protocol.force_cancel_cooldown_s
        case QuoteStatus.CANCEL_CLOSE_PENDING:
            return Duty.ANSWER_CANCEL_CLOSE, since + protocol.force_cancel_close_cooldown_s
        case QuoteStatus.CLOSE_PENDING if close is not None and close.order_type is OrderType.MARKET:
            return Duty.CLOSE, close.deadline
        case QuoteStatus.CLOSE_PENDING if close is not None:
            forced_at = since + protocol.force_close_first_cooldown_s + protocol.force_close_second_cooldown_s
            return Duty.ANSWER_CLOSE, max(forced_at, close.requested_at)
        case _:
            return None
