"""The account: one (PartyB, PartyA) pair, what PartyB has allocated towards it, who of both is in liquidation.

What moves money between the two, and belongs to no single quote, is asked for here.
"""

from collections.abc import Iterable
from uuid import UUID

from hedger.domain import chain_facts as facts
from hedger.domain import history, transactions
from hedger.domain.aggregate import Aggregate
from hedger.domain.events import ChainFact, Event, derived_id
from hedger.domain.feed import BlocksOrphaned, BlocksReadopted
from hedger.domain.policies.inputs import AccountInputs
from hedger.domain.terms import BalanceChange, CallKind
from hedger.domain.transactions import (
    Requests,
    RequestState,
    TransactionFailed,
    TransactionRequest,
    TransactionRequested,
    TransactionSucceeded,
)


class AccountDecided(Event, frozen=True, kw_only=True, tag="AccountDecided.1"):
    """Why the transaction recorded behind this event was asked for: the rule of the policy, and what it saw."""

    policy: str
    rule: str
    inputs: AccountInputs


class Account(Aggregate, kw_only=True):
    """One pair as the contract has it, a fold of account facts; and the transactions asked for on its behalf."""

    chain_id: int
    diamond: str
    party_b: str
    party_a: str
    history: list[ChainFact] = []  # the facts that hold, in the order of the chain
    orphaned: list[ChainFact] = []
    allocated: int = 0
    changed_at: int = 0  # block time of the newest change of the allocation, seconds
    moved_at: int = 0  # the same of the newest that PartyB itself asked for
    emptied_in: str = ""  # hash of the transaction that began PartyB's liquidation last
    is_party_a_liquidated: bool = False
    is_party_b_liquidated: bool = False
    is_suspended: bool = False
    requests: Requests = {}

    @staticmethod
    def create_id(chain_id: int, diamond: str, party_b: str, party_a: str) -> UUID:
        return derived_id("chains", chain_id, diamond, "accounts", party_b, party_a)

    @classmethod
    def new(cls, chain_id: int, diamond: str, party_b: str, party_a: str) -> "Account":
        account_id = cls.create_id(chain_id, diamond, party_b, party_a)
        return cls(id=account_id, chain_id=chain_id, diamond=diamond, party_b=party_b, party_a=party_a)

    def news(self, facts: Iterable[ChainFact]) -> list[Event]:
        """What to record of facts that are told: nothing of those that stand here already."""
        return history.news(self.history, self.orphaned, facts)

    def is_touched_by(self, event: BlocksOrphaned) -> bool:
        """True where facts of this pair stood in blocks that are now orphaned, or a transaction of its was mined."""
        mined = any(
            request.state is RequestState.SUCCEEDED and request.block_hash in event.block_hashes
            for request in self.requests.values()
        )
        return mined or history.is_touched(self.history, event)

    # --- what the policies ask

    @property
    def in_flight(self) -> TransactionRequest | None:
        """The transaction under way, if any; an account has at most one."""
        return transactions.in_flight(self.requests)

    def asked(self, kind: CallKind) -> int:
        """How many transactions of a kind there ever were."""
        return sum(request.call.kind is kind for request in self.requests.values())

    def failures_of(self, kind: CallKind, *, since: int = 0) -> list[TransactionRequest]:
        """Failed requests of one kind since a block time and since the last that succeeded, oldest first."""
        recent: list[TransactionRequest] = []
        for request in self.requests.values():
            if request.call.kind is not kind or request.failed_at < since:
                continue
            if request.state is RequestState.SUCCEEDED:
                recent.clear()
            elif request.state is RequestState.FAILED:
                recent.append(request)
        return recent

    def newest_success(self) -> TransactionRequest | None:
        """The transaction that was mined last."""
        return transactions.newest_success(self.requests)

    # --- the fold

    def apply(self, event: Event) -> None:
        if isinstance(event, BlocksOrphaned):
            kept, gone = history.parted(self.history, event.block_hashes)
            self.orphaned += gone
            self._fold(kept)
            transactions.orphan(self.requests, event.block_hashes)
        elif isinstance(event, BlocksReadopted):
            self.orphaned, back = history.parted(self.orphaned, event.block_hashes)
            self._fold(history.in_chain_order([*self.history, *back]))
        elif isinstance(event, ChainFact) and history.is_late(self.history, event):
            self._fold(history.in_chain_order([*self.history, event]))
        elif isinstance(event, ChainFact):
            self.history.append(event)
            self._take(event)
        elif isinstance(event, TransactionRequested | TransactionSucceeded | TransactionFailed):
            transactions.advance(self.requests, event)

    def _fold(self, facts: list[ChainFact]) -> None:
        self.history, self.allocated, self.emptied_in = facts, 0, ""
        self.changed_at = self.moved_at = 0
        self.is_party_a_liquidated = self.is_party_b_liquidated = self.is_suspended = False
        for fact in facts:
            self._take(fact)

    def _take(self, event: ChainFact) -> None:
        match event:
            case facts.AllocationChanged() if not self._is_told_with_liquidation(event):
                self.allocated += event.kind.sign * event.amount
                self.changed_at = event.source.block_timestamp
                if event.kind in (BalanceChange.ALLOCATE, BalanceChange.DEALLOCATE):
                    self.moved_at = event.source.block_timestamp
            case facts.PartyALiquidationStarted():
                self.is_party_a_liquidated = True
            case facts.PartyALiquidationEnded():
                self.is_party_a_liquidated = False
            case facts.PartyBLiquidationStarted():
                self.is_party_b_liquidated, self.allocated = True, 0
                self.emptied_in = event.source.transaction_hash
            case facts.PartyBLiquidationEnded():
                self.is_party_b_liquidated = False
            case facts.SuspensionChanged():
                self.is_suspended = event.suspended
            case _:
                pass

    def _is_told_with_liquidation(self, event: facts.AllocationChanged) -> bool:
        """A liquidation of PartyB takes the whole allocation; newer contracts tell that again, behind it."""
        return event.kind is BalanceChange.REALIZED_PNL_OUT and event.source.transaction_hash == self.emptied_in
