"""The account: one (PartyB, PartyA) pair, what PartyB has allocated towards it, who of both is in liquidation."""

from uuid import UUID

from hedger.domain import chain_facts as facts
from hedger.domain.aggregate import Aggregate
from hedger.domain.events import ChainFact, Event, derived_id
from hedger.domain.feed import BlocksOrphaned


class Account(Aggregate, kw_only=True):
    """One pair as the contract has it; a fold of account facts."""

    chain_id: int
    diamond: str
    party_b: str
    party_a: str
    history: list[ChainFact] = []
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

    def unrecorded(self, told: list[ChainFact]) -> list[ChainFact]:
        """Those of the facts that are not recorded here yet."""
        known = {fact.fact_id for fact in self.history}
        return [fact for fact in told if fact.fact_id not in known]

    def is_touched_by(self, orphaned: BlocksOrphaned) -> bool:
        gone = set(orphaned.block_hashes)
        return any(fact.source.block_hash in gone for fact in self.history)

    def apply(self, event: Event) -> None:
        if isinstance(event, BlocksOrphaned):
            gone = set(event.block_hashes)
            kept = [fact for fact in self.history if fact.source.block_hash not in gone]
            self.history, self.allocated = [], 0
            self.is_party_a_liquidated = self.is_party_b_liquidated = self.is_suspended = False
            for fact in kept:
                self.apply(fact)
            return
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
        if isinstance(event, ChainFact):
            self.history.append(event)
