"""The story of a quote or an account: each fact, decision with reasons, order, transaction, and the time it took."""

from collections.abc import Sequence
from enum import StrEnum
from typing import Any

import msgspec

from hedger.domain import transactions
from hedger.domain.account import AccountDecided
from hedger.domain.events import ChainFact, Event, Recorded
from hedger.domain.feed import BlocksOrphaned
from hedger.domain.policies.inputs import Inputs
from hedger.domain.quote import events
from hedger.domain.wallet import (
    NonceLost,
    TransactionBroadcast,
    TransactionMined,
    TransactionSigned,
    TransactionWithheld,
)
from hedger.projections.headlines import headline
from hedger.projections.readable import readable


class LineKind(StrEnum):
    FACT = "fact"  # told by the chain
    DECISION = "decision"
    ORDER = "order"
    TRANSACTION = "transaction"


class StoryLine(msgspec.Struct, frozen=True, kw_only=True):
    """One event of the story.

    `at_ms` is the recorder's clock. `source` tells where it comes from: a chain fact's block, transaction and log
    index, a fill's venue and trade id, else empty. `details` holds every field of the event, amounts as decimal text;
    of a decision also `rules_passed` and `rules_failed`. `latency_ms` is the time since the line it follows from: a
    decision from the fact before it, a request from its decision, an outcome from its request, the chain's word on our
    own transaction from that transaction; null where it follows from none.
    """

    position: int
    at_ms: int
    kind: LineKind
    event: str
    headline: str
    source: dict[str, Any]
    details: dict[str, Any]
    latency_ms: int | None
    correlation_id: str
    causation_id: str


_DECISIONS = (
    AccountDecided,
    events.QuoteAccepted,
    events.QuoteRejected,
    events.CloseRejected,
    events.Decided,
    events.GaveUp,
)
_TRANSACTIONS = (
    transactions.TransactionRequested,
    transactions.TransactionSucceeded,
    transactions.TransactionFailed,
    TransactionSigned,
    TransactionBroadcast,
    TransactionMined,
    NonceLost,
    TransactionWithheld,
)
_REQUESTS = (events.OrderRequested, events.OrderCancelRequested, transactions.TransactionRequested)


def story(recorded: Sequence[Recorded]) -> list[StoryLine]:
    """The lines of one quote's or account's events in log order; the wallet's of its transactions may be among them."""
    clock = _Clock()
    return [_line(each, clock.latency_ms(each)) for each in recorded]


def _line(recorded: Recorded, latency_ms: int | None) -> StoryLine:
    event = recorded.event
    details: dict[str, Any] = readable(event)
    details.pop("source", None)
    rules = getattr(event, "rules", None)
    if rules is not None:
        details["rules_passed"] = [rule.rule for rule in rules if rule.passed]
        details["rules_failed"] = [rule.rule for rule in rules if not rule.passed]
    return StoryLine(
        position=recorded.position,
        at_ms=recorded.recorded_at_ms,
        kind=kind_of(event),
        event=type(event).__name__,
        headline=headline(event),
        source=_source(event),
        details=details,
        latency_ms=latency_ms,
        correlation_id=recorded.correlation_id,
        causation_id=recorded.causation_id,
    )


def kind_of(event: Event) -> LineKind:
    if isinstance(event, ChainFact | BlocksOrphaned):
        return LineKind.FACT
    if isinstance(event, _TRANSACTIONS):
        return LineKind.TRANSACTION
    # Whatever carries inputs is a decision; all else in a quote's stream speaks of an order.
    if isinstance(event, _DECISIONS) or isinstance(getattr(event, "inputs", None), Inputs):
        return LineKind.DECISION
    return LineKind.ORDER


def _source(event: Event) -> dict[str, Any]:
    if isinstance(event, ChainFact):
        source: dict[str, Any] = readable(event.source)
        return source
    if isinstance(event, events.OrderFilled):
        return {"venue": event.venue, "trade_id": event.trade_id}
    return {}


class _Clock:
    """Remembers when each thing was last spoken of."""

    def __init__(self) -> None:
        self._last_cause: int | None = None
        self._last_decision: int | None = None
        self._of: dict[str, int] = {}

    def latency_ms(self, recorded: Recorded) -> int | None:
        since = self._since(recorded.event)
        self._remember(recorded)
        return recorded.recorded_at_ms - since if since is not None else None

    def _since(self, event: Event) -> int | None:
        kind = kind_of(event)
        if kind is LineKind.DECISION:
            return self._last_cause
        if isinstance(event, _REQUESTS):
            return self._last_decision
        if isinstance(event, ChainFact):
            return self._of.get(event.source.transaction_hash)
        return self._of.get(_subject(event))

    def _remember(self, recorded: Recorded) -> None:
        event, at_ms = recorded.event, recorded.recorded_at_ms
        if kind_of(event) is LineKind.DECISION:
            self._last_decision = at_ms
            return
        if not isinstance(event, _REQUESTS):
            self._last_cause = at_ms
        self._of[_subject(event)] = at_ms
        transaction_hash = getattr(event, "transaction_hash", "")
        if transaction_hash:
            self._of[transaction_hash] = at_ms


def _subject(event: Event) -> str:
    """The order or transaction that an event speaks of."""
    return str(getattr(event, "client_order_id", "") or getattr(event, "request_id", ""))
