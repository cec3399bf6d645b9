"""What the hedger decided, asked for and learned about one quote (what the chain told stands in `chain_facts`)."""

from typing import Any

import msgspec

from hedger.domain.events import Event
from hedger.domain.policies.inputs import Inputs
from hedger.domain.terms import Leg, OrderType, Side


class RuleResult(msgspec.Struct, frozen=True, kw_only=True):
    """One acceptance rule and what it found; `seen` and `limit` are texts for people."""

    rule: str
    passed: bool
    code: int
    seen: str
    limit: str


# --- decisions


class QuoteAccepted(Event, frozen=True, kw_only=True, tag="QuoteAccepted.1"):
    """The intent is wanted. Every rule ran; all passed."""

    policy: str
    inputs: Inputs
    rules: tuple[RuleResult, ...]


class QuoteRejected(Event, frozen=True, kw_only=True, tag="QuoteRejected.1"):
    """The intent is not wanted; `code` is of the first rule that failed, every rule's result stands beside it."""

    policy: str
    inputs: Inputs
    rules: tuple[RuleResult, ...]
    code: int


class CloseRejected(Event, frozen=True, kw_only=True, tag="CloseRejected.1"):
    """A close request that cannot be served as asked; the position stays open and hedged."""

    policy: str
    inputs: Inputs
    close_id: int
    code: int
    reason: str


class Decided(Event, frozen=True, kw_only=True, tag="Decided.1"):
    """Why the requests recorded behind this event were made: the rule of the policy, and what it saw."""

    policy: str
    rule: str
    inputs: Inputs


class GaveUp(Event, frozen=True, kw_only=True, tag="GaveUp.1"):
    """The intent is no longer pursued: what is hedged is unwound, what is locked is released."""

    policy: str
    inputs: Inputs
    code: int
    reason: str


# --- the hedge at the venue


class OrderRequested(Event, frozen=True, kw_only=True, tag="OrderRequested.1"):
    """An order to be placed. `limit_price` is 0 for MARKET; `close_id` is 0 unless it serves a close request.

    `internal`: not at the venue; it is filled at the venue's price against the residual book of a netted symbol.
    """

    client_order_id: str
    leg: Leg
    symbol: str
    side: Side
    order_type: OrderType
    quantity: int
    limit_price: int
    reduce_only: bool
    close_id: int
    decision_price: int  # the market when it was decided, for measuring slippage
    requested_at: int  # block time, seconds
    internal: bool = False


class OrderCancelRequested(Event, frozen=True, kw_only=True, tag="OrderCancelRequested.1"):
    client_order_id: str
    reason: str


class OrderAccepted(Event, frozen=True, kw_only=True, tag="OrderAccepted.1"):
    client_order_id: str
    venue_order_id: str
    at_ms: int  # venue time


class OrderRefused(Event, frozen=True, kw_only=True, tag="OrderRefused.1"):
    """The venue said no, or is proven never to have received the order (code "never_arrived")."""

    client_order_id: str
    code: str
    reason: str


class OrderOutcomeUnknown(Event, frozen=True, kw_only=True, tag="OrderOutcomeUnknown.1"):
    """It may have been executed. It is looked up; it is not sent again before its absence is proven."""

    client_order_id: str
    reason: str


class OrderFilled(Event, frozen=True, kw_only=True, tag="OrderFilled.1"):
    """One trade of an order. Known by venue and trade id, however often it is told."""

    venue: str
    trade_id: str
    client_order_id: str
    quantity: int
    price: int
    fee: int
    fee_asset: str
    traded_at_ms: int

    @property
    def fact_id(self) -> str:
        return f"venue:{self.venue}:{self.trade_id}"


class OrderEnded(Event, frozen=True, kw_only=True, tag="OrderEnded.1"):
    """The venue's final word on an order; its fills may still be on their way up to `executed_quantity`."""

    client_order_id: str
    venue_order_id: str
    status: str  # filled, canceled, expired, rejected
    executed_quantity: int
    at_ms: int


def readable(event: Event) -> dict[str, Any]:
    """An event as plain builtins, for people and APIs."""
    builtins: dict[str, Any] = msgspec.to_builtins(event)
    return builtins
