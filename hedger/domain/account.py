"""The account: one (PartyB, PartyA) pair, what PartyB has allocated towards it, who of both is in liquidation."""

from collections.abc import Iterable
from uuid import UUID

from hedger.domain import chain_facts as facts
from hedger.domain import history
from hedger.domain.aggregate import Aggregate
from hedger.domain.events import ChainFact, Event, derived_id
from hedger.domain.feed import BlocksOrphaned, BlocksReadopted


class Account(Aggregate, kw_only=True):
    """One pair as the contract has it; a fold of account facts."""

    chain_id: int
    diamond: str
    party_b: str
    party_a: str
    history: list[ChainFact] = []  # the facts that hold, in the order of the chain
    orphaned: list[ChainFact] = []
    allocated: int = 0
    is_party_a_liquidated: bool = False
    is_party_b_liquidated: bool = False
    is_suspended: bool = False

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
        return history.is_touched(self.history, event)

    def apply(self, event: Event) -> None:
        if isinstance(event, BlocksOrphaned):
            kept, gone = history.parted(self.history, event.block_hashes)
            self.orphaned += gone
            self._fold(kept)
        elif isinstance(event, BlocksReadopted):
            self.orphaned, back = history.parted(self.orphaned, event.block_hashes)
            self._fold(history.in_chain_order([*self.history, *back]))
        elif isinstance(event, ChainFact):
            self.history.append(event)
            self._take(event)

    def _fold(self, facts: list[ChainFact]) -> None:
        self.history, self.allocated = facts, 0
        self.is_party_a_liquidated = self.is_party_b_liquidated = self.is_suspended = False
        for fact in facts:
            self._take(fact)

    def _take(self, event: ChainFact) -> None:
        match event:
            case facts.AllocationChanged():
                self.allocated += event.kind.sign * event.amount
            case facts.PartyALiquidationStarted():
                self.is_party_a_liquidated = True
            case facts.PartyALiquidationEnded():
                self.is_party_a_liquidated = False
            case facts.PartyBLiquidationStarted():
                self.is_party_b_liquidated, self.allocated = True, 0
            case facts.PartyBLiquidationEnded():
                self.is_party_b_liquidated = False
            case facts.SuspensionChanged():
                self.is_suspended = event.suspended
            case _:
                pass
