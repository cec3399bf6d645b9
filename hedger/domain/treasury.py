"""The treasury: what PartyB holds on the contract outside of allocations, counted from a recorded opening state on."""

from collections.abc import Iterable
from uuid import UUID

import msgspec

from hedger.domain import chain_facts as facts
from hedger.domain import history
from hedger.domain.aggregate import Aggregate
from hedger.domain.events import ChainFact, Event, derived_id
from hedger.domain.feed import BlocksOrphaned, BlocksReadopted
from hedger.domain.money import WAD
from hedger.domain.terms import PositionType

# Facts so far below the newest are final: they stay in the sums and are no longer kept one by one.
_KEPT_BLOCKS = 5_000


class CarriedQuote(msgspec.Struct, frozen=True, kw_only=True):
    """A position that was open already when counting began, and the mark it was valued at."""

    quote_id: int
    party_a: str
    symbol_id: int
    symbol: str
    position_type: PositionType
    open_quantity: int
    opened_price: int
    mark: int


class TreasuryOpened(Event, frozen=True, kw_only=True, tag="TreasuryOpened.1"):
    """What PartyB had on chain after block `block_number`; facts of later blocks count from there.

    Wads; `deallocated_at` is the chain's time (seconds) from which a withdrawal has to wait, `allocations` by PartyA.
    """

    chain_id: int
    diamond: str
    party_b: str
    block_number: int
    block_hash: str
    block_timestamp: int
    collateral_decimals: int
    free: int
    vault: int
    deallocated_at: int
    allocations: dict[str, int]
    quotes: tuple[CarriedQuote, ...]


class Treasury(Aggregate, kw_only=True):
    """Free balance and reserve vault of one PartyB on one contract, wads; a fold of treasury facts.

    `free` and `vault` mean something once `opened`. Credits that no event tells do not show: those of a fee collector
    when a position is opened. The position validator compares with the contract's own view.
    """

    opened: TreasuryOpened | None = None
    history: list[ChainFact] = []  # the facts that hold and are recent, in the order of the chain
    orphaned: list[ChainFact] = []
    settled_free: int = 0  # sums over what is no longer in the history
    settled_vault: int = 0
    settled_deallocated_at: int = 0
    free: int = 0
    vault: int = 0
    deallocated_at: int = 0

    @staticmethod
    def create_id(chain_id: int, diamond: str, party_b: str) -> UUID:
        return derived_id("chains", chain_id, diamond, "treasury", party_b)

    def news(self, told: Iterable[ChainFact]) -> list[Event]:
        """What to record of facts that are told: nothing of those that stand here already, or are long final."""
        newest = self.history[-1].source.block_number if self.history else 0
        recent = (fact for fact in told if fact.source.block_number > newest - _KEPT_BLOCKS)
        return history.news(self.history, self.orphaned, recent)

    def is_touched_by(self, event: BlocksOrphaned) -> bool:
        return history.is_touched(self.history, event)

    def apply(self, event: Event) -> None:
        match event:
            case TreasuryOpened():
                self.opened = event
                self.settled_free, self.settled_vault = event.free, event.vault
                self.settled_deallocated_at = event.deallocated_at
                self._fold(self.history)
            case BlocksOrphaned():
                kept, gone = history.parted(self.history, event.block_hashes)
                self.orphaned += gone
                self._fold(kept)
            case BlocksReadopted():
                self.orphaned, back = history.parted(self.orphaned, event.block_hashes)
                self._fold(history.in_chain_order([*self.history, *back]))
            case ChainFact():
                self.history.append(event)
                self._take(event)
                self._settle(event.source.block_number)
            case _:
                pass

    def _fold(self, told: list[ChainFact]) -> None:
        self.history = told
        self.free, self.vault = self.settled_free, self.settled_vault
        self.deallocated_at = self.settled_deallocated_at
        for fact in told:
            self._take(fact)

    def _take(self, fact: ChainFact) -> None:
        free, vault = self._moved_by(fact)
        self.free += free
        self.vault += vault
        if isinstance(fact, facts.FreeDeallocated | facts.VaultEmptied):
            self.deallocated_at = max(self.deallocated_at, fact.source.block_timestamp)

    def _settle(self, newest: int) -> None:
        """Facts that no reorganisation reaches any more go into the sums."""
        while self.history and self.history[0].source.block_number <= newest - _KEPT_BLOCKS:
            fact = self.history.pop(0)
            free, vault = self._moved_by(fact)
            self.settled_free += free
            self.settled_vault += vault
            if isinstance(fact, facts.FreeDeallocated | facts.VaultEmptied):
                self.settled_deallocated_at = max(self.settled_deallocated_at, fact.source.block_timestamp)

    def _moved_by(self, fact: ChainFact) -> tuple[int, int]:
        """By how much a fact moves free balance and vault; not at all where the opening state holds it already."""
        if self.opened is None or fact.source.block_number <= self.opened.block_number:
            return 0, 0
        return moves_of(fact, self.opened.collateral_decimals)


def moves_of(fact: ChainFact, collateral_decimals: int) -> tuple[int, int]:
    """By how much a fact moves the free balance and the vault of its holder (wads)."""
    match fact:
        case facts.Deposited():
            return to_wad(fact.token_amount, collateral_decimals), 0
        case facts.Withdrawn():
            return -to_wad(fact.token_amount, collateral_decimals), 0
        case facts.FreeAllocated() | facts.FreeGiven():
            return -fact.amount, 0
        case facts.FreeDeallocated():
            return fact.amount, 0
        case facts.VaultFilled():
            return (-fact.amount if fact.sender == fact.holder else 0), fact.amount
        case facts.VaultEmptied():
            return fact.amount, -fact.amount
        case facts.VaultUsed():
            return 0, -fact.amount
        case _:
            return 0, 0


def to_wad(token_amount: int, decimals: int) -> int:
    """An amount in the token's decimals as the contract books it, rounded down."""
    return token_amount * WAD // int(10**decimals)
