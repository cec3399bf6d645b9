"""The quote: one aggregate per (chain, contract, quote id), with an on-chain facet and a hedge facet, never mixed."""

from collections.abc import Iterable
from enum import StrEnum
from uuid import UUID

import msgspec

from hedger.domain import history, transactions
from hedger.domain.aggregate import Aggregate
from hedger.domain.chain_facts import QuoteFact, QuoteSent
from hedger.domain.events import ChainFact, Event, derived_id
from hedger.domain.feed import BlocksOrphaned, BlocksReadopted
from hedger.domain.quote import events
from hedger.domain.quote.hedge import Hedge
from hedger.domain.quote.onchain import OnChain, born, fold, intent_of
from hedger.domain.terms import CallKind
from hedger.domain.transactions import (
    Requests,
    TransactionFailed,
    TransactionRequest,
    TransactionRequested,
    TransactionSucceeded,
)


class Verdict(StrEnum):
    NONE = "none"
    ACCEPTED = "accepted"
    REJECTED = "rejected"
    GAVE_UP = "gave_up"


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
    requests: Requests = {}
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
        return self.hedge.news(facts)

    # --- what the policies ask

    @property
    def in_flight(self) -> TransactionRequest | None:
        """The transaction under way, if any; a quote has at most one."""
        return transactions.in_flight(self.requests)

    def failures_of(self, kind: CallKind, *, since: int = 0) -> list[TransactionRequest]:
        """Failed requests of one kind since a block time, oldest first."""
        return transactions.failures_of(self.requests, kind, since=since)

    def unread_success(self) -> TransactionRequest | None:
        """The newest mined transaction, while no fact of its block is known: each tells one of this quote."""
        done = transactions.newest_success(self.requests)
        if done is None or any(fact.source.block_hash == done.block_hash for fact in reversed(self.history)):
            return None
        return done

    # --- the fold

    def apply(self, event: Event) -> None:
        match event:
            case QuoteFact() if history.is_late(self.history, event):
                self.history = history.in_chain_order([*self.history, event])
                self.chain = fold(self.history)
                self._recognise()
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
                transactions.orphan(self.requests, event.block_hashes)
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
            case TransactionRequested() | TransactionSucceeded() | TransactionFailed():
                transactions.advance(self.requests, event)
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
