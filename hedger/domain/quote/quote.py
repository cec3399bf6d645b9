"""The quote: one aggregate per (chain, contract, quote id), with an on-chain facet and a hedge facet, never mixed."""

from collections.abc import Iterable
from enum import StrEnum
from uuid import UUID

import msgspec

from hedger.domain import history
from hedger.domain.aggregate import Aggregate
from hedger.domain.chain_facts import QuoteFact, QuoteSent
from hedger.domain.events import ChainFact, Event, derived_id
from hedger.domain.feed import BlocksOrphaned, BlocksReadopted
from hedger.domain.quote import events
from hedger.domain.quote.hedge import Hedge, OrderState
from hedger.domain.quote.onchain import OnChain, born, fold, intent_of
from hedger.domain.reverts import RevertAction
from hedger.domain.terms import CallKind


class Verdict(StrEnum):
    NONE = "none"
    ACCEPTED = "accepted"
    REJECTED = "rejected"
    GAVE_UP = "gave_up"


class RequestState(StrEnum):
    REQUESTED = "requested"
    SUCCEEDED = "succeeded"
    FAILED = "failed"


class TransactionRequest(msgspec.Struct, kw_only=True):
    """One transaction asked for, and its outcome."""

    request_id: str
    call: events.Call
    valid_until: int
    requested_at: int
    state: RequestState = RequestState.REQUESTED
    transaction_hash: str = ""
    block_number: int = 0
    block_hash: str = ""
    reason: str = ""
    action: RevertAction | None = None
    failed_at: int = 0


class Quote(Aggregate, kw_only=True):
    """One SYMMIO quote, from SendQuote to its end, and the hedge that covers it."""

    chain_id: int
    diamond: str
    quote_id: int
    history: list[ChainFact] = []  # the facts that hold, in the order of the chain
    orphaned: list[ChainFact] = []
    chain: OnChain | None = None
    intent: str = ""  # what was asked for under this id: a reorganisation may give the id to another intent
    hedge: Hedge = msgspec.field(default_factory=Hedge)
    requests: dict[str, TransactionRequest] = {}
    verdict: Verdict = Verdict.NONE
    code: int = 0
    rejected_closes: dict[str, int] = {}  # close id (text) to error code

    @staticmethod
    def create_id(chain_id: int, diamond: str, quote_id: int) -> UUID:
        return derived_id("chains", chain_id, diamond, "quotes", quote_id)

    @classmethod
    def new(cls, chain_id: int, diamond: str, quote_id: int) -> "Quote":
        return cls(id=cls.create_id(chain_id, diamond, quote_id), chain_id=chain_id, diamond=diamond, quote_id=quote_id)

    # --- facts: never refused, told twice recorded once

    def news(self, facts: Iterable[ChainFact]) -> list[Event]:
        """What to record of facts that are told: nothing of those that stand here already."""
        return history.news(self.history, self.orphaned, facts)

    def is_touched_by(self, event: BlocksOrphaned) -> bool:
        """True where facts of this quote stood in blocks that are now orphaned."""
        return history.is_touched(self.history, event)

    def order_facts(self, facts: list[Event]) -> list[Event]:
        """Those of the venue's facts that say something new about this quote's orders."""
        fresh: list[Event] = []
        told: set[str] = set()
        for fact in facts:
            if self._says_something_new(fact) and (key := _key_of(fact)) not in told:
                told.add(key)
                fresh.append(fact)
        return fresh

    def _says_something_new(self, fact: Event) -> bool:
        order = self.hedge.orders.get(getattr(fact, "client_order_id", ""))
        if order is None:
            return False
        match fact:
            case events.OrderFilled():
                return all(trade.trade_id != fact.trade_id for trade in order.trades)
            case events.OrderAccepted():
                return order.state in (OrderState.REQUESTED, OrderState.UNKNOWN)
            case events.OrderRefused():
                return order.state in (OrderState.REQUESTED, OrderState.UNKNOWN) and not order.trades
            case events.OrderOutcomeUnknown():
                return order.state is OrderState.REQUESTED
            case events.OrderEnded():
                return order.state not in (OrderState.ENDED, OrderState.REFUSED)
            case _:
                return False

    # --- what the policies ask

    @property
    def in_flight(self) -> TransactionRequest | None:
        """The transaction under way, if any; a quote has at most one."""
        for request in self.requests.values():
            if request.state is RequestState.REQUESTED:
                return request
        return None

    def failures_of(self, kind: CallKind, *, since: int = 0) -> list[TransactionRequest]:
        """Failed requests of one kind since a block time, oldest first."""
        return [
            request
            for request in self.requests.values()
            if request.state is RequestState.FAILED and request.call.kind is kind and request.failed_at >= since
        ]

    def unread_success(self) -> TransactionRequest | None:
        """The newest mined transaction, while no fact of its block is known: each tells one of this quote."""
        done = [request for request in self.requests.values() if request.state is RequestState.SUCCEEDED]
        if not done or any(fact.source.block_hash == done[-1].block_hash for fact in reversed(self.history)):
            return None
        return done[-1]

    # --- the fold

    def apply(self, event: Event) -> None:
        match event:
            case QuoteFact():
                self.history.append(event)
                if self.chain is None:
                    self.chain = born(event)
                    self._recognise()
                else:
                    self.chain.apply(event)
            case BlocksOrphaned():
                self.history, gone = history.parted(self.history, event.block_hashes)
                self.orphaned += gone
                self.chain = fold(self.history)
                self._recognise()
                # Its transactions go back to the pool with the block: they are under way again.
                for request in self.requests.values():
                    if request.state is RequestState.SUCCEEDED and request.block_hash in event.block_hashes:
                        request.state = RequestState.REQUESTED
            case BlocksReadopted():
                self.orphaned, back = history.parted(self.orphaned, event.block_hashes)
                self.history = history.in_chain_order([*self.history, *back])
                self.chain = fold(self.history)
                self._recognise()
            case events.QuoteAccepted():
                self.verdict = Verdict.ACCEPTED
            case events.QuoteRejected():
                self.verdict, self.code = Verdict.REJECTED, event.code
            case events.GaveUp():
                self.verdict, self.code = Verdict.GAVE_UP, event.code
            case events.CloseRejected():
                self.rejected_closes[str(event.close_id)] = event.code
            case events.TransactionRequested():
                self.requests[event.request_id] = TransactionRequest(
                    request_id=event.request_id,
                    call=event.call,
                    valid_until=event.valid_until,
                    requested_at=event.requested_at,
                )
            case events.TransactionSucceeded() | events.TransactionFailed():
                self._settle(event)
            case _:
                self.hedge.apply(event)

    def _recognise(self) -> None:
        """What was judged and hedged holds for the same intent alone, in whichever block it stands."""
        sent = next((fact for fact in self.history if isinstance(fact, QuoteSent)), None)
        if self.chain is None or sent is None:
            return
        intent = intent_of(sent)
        if self.intent not in ("", intent):
            self.verdict, self.code = Verdict.NONE, 0
            self.hedge.leave_behind()
        self.intent = intent

    def _settle(self, event: events.TransactionSucceeded | events.TransactionFailed) -> None:
        request = self.requests.get(event.request_id)
        if request is None:
            return
        match event:
            case events.TransactionSucceeded():
                request.state = RequestState.SUCCEEDED
                request.transaction_hash, request.block_number = event.transaction_hash, event.block_number
                request.block_hash = event.block_hash
            case events.TransactionFailed():
                request.state = RequestState.FAILED
                request.reason, request.action = event.reason, event.action
                request.failed_at = event.block_timestamp


def _key_of(fact: Event) -> str:
    tag = type(fact).__name__
    return f"{tag}:{getattr(fact, 'client_order_id', '')}:{getattr(fact, 'trade_id', '')}"
